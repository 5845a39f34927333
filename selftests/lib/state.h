/* SPDX-License-Identifier: GPL-2.0 */
/* kvm-pvi selftests: saved states, read and written */
#ifndef PVI_TEST_STATE_H
#define PVI_TEST_STATE_H

#include <linux/kvm_pvi.h>

#include "types.h"

#define STATE_GSI	20

/* A host process whose STATE_GSI @sender may ring; @sink is what it signals, or -1 */
int state_receiver(const u8 *uuid, const u8 *sender, int sink);
/* A connection to STATE_GSI, as a guest makes it: the port or -errno */
s64 state_connect(int fd, const u8 *uuid);

struct blob {
	u32 length;
	union {
		struct kvm_pvi_state_header header;
		u8 bytes[4096];
	};
};

int __state_get(int fd, u32 flags, struct blob *blob);
int __state_set(int fd, const struct blob *blob);
/* KVM_PVI_GET_STATE with KVM_PVI_STATE_FREEZE, and the end of it */
void state_freeze(int fd, struct blob *blob);
void state_thaw(int fd);

/* A blob without sections; bytes, and one section more, at its end */
void blob_start(struct blob *blob);
void blob_append(struct blob *blob, const void *bytes, u32 length);
void blob_section(struct blob *blob, u32 type, const void *records, u32 size, u32 nr);
struct kvm_pvi_state_port port_record(u32 port, const u8 *uuid, u32 gsi);
/* The records of a section, and how many; NULL and 0 if there is none */
const void *blob_records(const struct blob *blob, u32 type, u32 *nr);
void blob_expect_same(const struct blob *a, const struct blob *b);

#endif
