/* SPDX-License-Identifier: GPL-2.0 */
/* kvm-pvi oracle: the world, endpoints and what belongs to them as they are */
#ifndef PVI_ORACLE_WORLD_H
#define PVI_ORACLE_WORLD_H

#include <semaphore.h>

#include "op.h"

/* Shared by the executors, as the descriptors are; -1 is none */
/* @generations: of ports by endpoint and index, as the model has them; @wired: sources that ring the port of an op */
struct world {
	int eps[NR_EPS];
	int vms[NR_VMS];
	int efds[NR_EFDS];
	int grants[NR_GRANTS];
	int sources[NR_SOURCES];
	u64 grant_ids[NR_GRANTS];
	int watcher;
	u64 watcher_epoch;
	int memfd;
	struct kvm_pvi_status *words;
	struct {
		u32 length;
		u8 bytes[BLOB_SIZE];
	} blobs[NR_BLOBS];
	u16 generations[NR_EPS][NR_PORTS];
	bool wired[NR_SOURCES];
	struct executor {
		struct op op;
		struct answer answer;
		sem_t go, done;
	} executors[NR_EXECUTORS];
};

extern struct world *world;

const u8 *world_uuid(u8 name);
/* WATCHER + 1 for one that is none of ours */
u8 world_name(const u8 *uuid);

/* A new one with nothing bound, and its executors */
void world_make(void);
/* The number of the port of that index, which has a generation if the guest made it */
u32 world_port(u32 ep, u32 index);
/* Does @op by whom it names */
void world_do(const struct op *op, struct answer *answer);
/* A storm: each executor makes its rings */
void world_storm(const struct op *op, struct answer *answer);
/* Signals of an eventfd since the last time; interrupts of a vector that the guest has taken */
u64 world_signals(u32 efd);
u64 world_interrupts(u32 vm, u8 vector);
/* Let the guest take what is pending */
void world_run_guest(u32 vm);
/* A hypercall by the guest of @vm, which takes what is pending before and behind it */
s64 world_guest_call(u32 vm, u32 nr, const u64 *args, u64 *rbx);

/* calls.c: one op by the calling thread */
void call_do(const struct op *op, bool by_guest, struct answer *answer);
/* hypercalls.c: by KVM_PVI_CALL on @fd, or by the guest of the endpoint's VM */
void hypercall_do(int fd, const struct op *op, bool by_guest, struct answer *answer);

#endif
