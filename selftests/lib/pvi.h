/* SPDX-License-Identifier: GPL-2.0 */
/* kvm-pvi selftests: endpoints of /dev/kvm_pvi. __x() returns -errno, x() fails the test */
#ifndef PVI_TEST_PVI_H
#define PVI_TEST_PVI_H

#include <linux/kvm_pvi.h>

#include "vm.h"

#define PVI_NR_UUIDS 256

/* Names for tests to use, all different; as guest memory, at their own addresses */
extern u8 pvi_uuid[PVI_NR_UUIDS][KVM_PVI_UUID_SIZE];

#define __pvi_ioctl(fd, cmd, arg) __test_ioctl(fd, cmd, arg)
#define pvi_ioctl(fd, cmd, arg) test_ioctl(__FILE__, __LINE__, #cmd, fd, cmd, arg)

/* An endpoint, not bound */
int pvi_open(void);
/* pvi_bind() opens an endpoint; a @vm of NULL is a host process */
int __pvi_bind(int fd, struct vm *vm, const u8 *uuid);
int pvi_bind(struct vm *vm, const u8 *uuid);

int __pvi_expose(int fd, u32 gsi, u32 kind);
void pvi_expose(int fd, u32 gsi, u32 kind);
/* Calls that only name a GSI: KVM_PVI_UNEXPOSE... */
int __pvi_gsi(int fd, unsigned long cmd, u32 gsi);
void pvi_gsi(int fd, unsigned long cmd, u32 gsi);
int __pvi_wire(int fd, u32 gsi, int eventfd);
void pvi_wire(int fd, u32 gsi, int eventfd);

int __pvi_allow(int fd, const u8 *uuid, u32 gsi);
void pvi_allow(int fd, const u8 *uuid, u32 gsi);
int __pvi_revoke(int fd, const u8 *uuid, u32 gsi);
void pvi_revoke(int fd, const u8 *uuid, u32 gsi);

int __pvi_bell(int fd, u32 bell, u32 gsi);
void pvi_bell(int fd, u32 bell, u32 gsi);
int __pvi_allow_bell(int fd, const u8 *uuid, u32 bell, u64 bits);
void pvi_allow_bell(int fd, const u8 *uuid, u32 bell, u64 bits);
int __pvi_revoke_bell(int fd, const u8 *uuid, u32 bell);
void pvi_revoke_bell(int fd, const u8 *uuid, u32 bell);

/* Ports: the lowest free one */
int __pvi_set_port(int fd, int eventfd, u32 *port);
u32 pvi_set_port(int fd, int eventfd);
int __pvi_connect(int fd, const u8 *uuid, u32 gsi, u32 *port);
u32 pvi_connect(int fd, const u8 *uuid, u32 gsi);
int __pvi_close_port(int fd, u32 port);
void pvi_close_port(int fd, u32 port);

/* A port that a guest made, without its generation, which must be there; errors as they are */
static inline s64 pvi_index(s64 port)
{
	if (port >= 0)
		ASSERT_NE(KVM_PVI_PORT_GENERATION(port), 0);
	return port < 0 ? port : KVM_PVI_PORT_INDEX(port);
}

/* Returns the grant's descriptor; @id may be NULL */
int __pvi_grant(int fd, u32 gsi, u32 uses, int *grant_fd, u64 *id);
int pvi_grant(int fd, u32 gsi, u32 uses, u64 *id);
int __pvi_ungrant(int fd, u64 id);
void pvi_ungrant(int fd, u64 id);
int __pvi_connect_grant(int fd, int grant_fd, u32 *port);
u32 pvi_connect_grant(int fd, int grant_fd);

int __pvi_wire_source(int fd, int eventfd, u32 port);
void pvi_wire_source(int fd, int eventfd, u32 port);
int __pvi_unwire_source(int fd, int eventfd, u32 port);
void pvi_unwire_source(int fd, int eventfd, u32 port);

/* A hypercall from the host: what RAX is in a guest; @rbx may be NULL, else out: RBX */
s64 pvi_call_rbx(int fd, u32 nr, u64 a0, u64 a1, u64 a2, u64 a3, u64 *rbx);
s64 pvi_call(int fd, u32 nr, u64 a0, u64 a1, u64 a2, u64 a3);

struct kvm_pvi_stats pvi_stats(int fd);

#endif
