/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The layout of every struct of the uapi header and the number of every ioctl, written down once
 * more and compared by the compiler: as C and as C++, for 64 and for 32 bits. Nothing of libc
 * is included, so that a compiler for another target can do so with -fsyntax-only.
 */
#ifndef UAPI_LAYOUT_H
#define UAPI_LAYOUT_H

#include <linux/kvm_pvi.h>
#include <stddef.h>

/* A member, or with a name of NULL the end of a struct */
struct uapi_member {
	const char *type, *name;
	unsigned int offset, size;
};

struct uapi_ioctl {
	const char *name;
	unsigned int nr;
};

/* 1, or an error of the compiler */
#define UAPI_MUST(cond) sizeof(char[(cond) ? 1 : -1])

#define MEMBER(type, member, at, bytes) {					\
	#type, #member,								\
	(at) * UAPI_MUST(offsetof(struct type, member) == (at)),		\
	(bytes) * UAPI_MUST(sizeof(((struct type *)0)->member) == (bytes)),	\
}
#define END(type, bytes) {							\
	#type, NULL, (bytes) * UAPI_MUST(sizeof(struct type) == (bytes)), 0,	\
}
#define IOCTL(cmd, nr) { #cmd, (nr) * UAPI_MUST((cmd) == (0xd700 | (nr))) }

/* In the header's order */
static const struct uapi_member uapi_members[] = {
	MEMBER(kvm_pvi_peer, epoch, 0, 8),
	MEMBER(kvm_pvi_peer, uuid, 8, 16),
	MEMBER(kvm_pvi_peer, position, 24, 4),
	MEMBER(kvm_pvi_peer, gsis, 28, 2),
	MEMBER(kvm_pvi_peer, __reserved, 30, 2),
	END(kvm_pvi_peer, 32),
	MEMBER(kvm_pvi_status, pending, 0, 4),
	MEMBER(kvm_pvi_status, __zero, 4, 4),
	MEMBER(kvm_pvi_status, count, 8, 8),
	MEMBER(kvm_pvi_status, __reserved, 16, 48),
	END(kvm_pvi_status, 64),
	MEMBER(kvm_pvi_info, size, 0, 4),
	MEMBER(kvm_pvi_info, flags, 4, 4),
	MEMBER(kvm_pvi_info, abi_major, 8, 4),
	MEMBER(kvm_pvi_info, abi_minor, 12, 4),
	MEMBER(kvm_pvi_info, features, 16, 4),
	MEMBER(kvm_pvi_info, hook, 20, 4),
	MEMBER(kvm_pvi_info, max_vms, 24, 4),
	MEMBER(kvm_pvi_info, max_senders, 28, 4),
	MEMBER(kvm_pvi_info, max_gsis, 32, 4),
	MEMBER(kvm_pvi_info, max_ports, 36, 4),
	MEMBER(kvm_pvi_info, max_bells, 40, 4),
	MEMBER(kvm_pvi_info, max_grants, 44, 4),
	MEMBER(kvm_pvi_info, max_sources, 48, 4),
	MEMBER(kvm_pvi_info, __reserved, 52, 4),
	END(kvm_pvi_info, 56),
	MEMBER(kvm_pvi_bind, size, 0, 4),
	MEMBER(kvm_pvi_bind, flags, 4, 4),
	MEMBER(kvm_pvi_bind, vm_fd, 8, 4),
	MEMBER(kvm_pvi_bind, owner, 12, 4),
	MEMBER(kvm_pvi_bind, uuid, 16, 16),
	MEMBER(kvm_pvi_bind, epoch, 32, 8),
	END(kvm_pvi_bind, 40),
	MEMBER(kvm_pvi_expose, size, 0, 4),
	MEMBER(kvm_pvi_expose, flags, 4, 4),
	MEMBER(kvm_pvi_expose, gsi, 8, 4),
	MEMBER(kvm_pvi_expose, kind, 12, 4),
	MEMBER(kvm_pvi_expose, rate, 16, 4),
	MEMBER(kvm_pvi_expose, burst, 20, 4),
	END(kvm_pvi_expose, 24),
	MEMBER(kvm_pvi_gsi, size, 0, 4),
	MEMBER(kvm_pvi_gsi, flags, 4, 4),
	MEMBER(kvm_pvi_gsi, gsi, 8, 4),
	MEMBER(kvm_pvi_gsi, __reserved, 12, 4),
	END(kvm_pvi_gsi, 16),
	MEMBER(kvm_pvi_wire, size, 0, 4),
	MEMBER(kvm_pvi_wire, flags, 4, 4),
	MEMBER(kvm_pvi_wire, gsi, 8, 4),
	MEMBER(kvm_pvi_wire, fd, 12, 4),
	END(kvm_pvi_wire, 16),
	MEMBER(kvm_pvi_allow, size, 0, 4),
	MEMBER(kvm_pvi_allow, flags, 4, 4),
	MEMBER(kvm_pvi_allow, uuid, 8, 16),
	MEMBER(kvm_pvi_allow, gsi, 24, 4),
	MEMBER(kvm_pvi_allow, owner, 28, 4),
	MEMBER(kvm_pvi_allow, bits, 32, 8),
	MEMBER(kvm_pvi_allow, rate, 40, 4),
	MEMBER(kvm_pvi_allow, burst, 44, 4),
	END(kvm_pvi_allow, 48),
	MEMBER(kvm_pvi_revoke, size, 0, 4),
	MEMBER(kvm_pvi_revoke, flags, 4, 4),
	MEMBER(kvm_pvi_revoke, uuid, 8, 16),
	MEMBER(kvm_pvi_revoke, gsi, 24, 4),
	MEMBER(kvm_pvi_revoke, __reserved, 28, 4),
	END(kvm_pvi_revoke, 32),
	MEMBER(kvm_pvi_port, size, 0, 4),
	MEMBER(kvm_pvi_port, flags, 4, 4),
	MEMBER(kvm_pvi_port, port, 8, 4),
	MEMBER(kvm_pvi_port, fd, 12, 4),
	END(kvm_pvi_port, 16),
	MEMBER(kvm_pvi_connect, size, 0, 4),
	MEMBER(kvm_pvi_connect, flags, 4, 4),
	MEMBER(kvm_pvi_connect, uuid, 8, 16),
	MEMBER(kvm_pvi_connect, gsi, 24, 4),
	MEMBER(kvm_pvi_connect, port, 28, 4),
	MEMBER(kvm_pvi_connect, grant_fd, 32, 4),
	MEMBER(kvm_pvi_connect, owner, 36, 4),
	END(kvm_pvi_connect, 40),
	MEMBER(kvm_pvi_call, size, 0, 4),
	MEMBER(kvm_pvi_call, flags, 4, 4),
	MEMBER(kvm_pvi_call, nr, 8, 4),
	MEMBER(kvm_pvi_call, __reserved, 12, 4),
	MEMBER(kvm_pvi_call, args, 16, 32),
	MEMBER(kvm_pvi_call, ret, 48, 8),
	MEMBER(kvm_pvi_call, ret2, 56, 8),
	END(kvm_pvi_call, 64),
	MEMBER(kvm_pvi_counts, raised, 0, 8),
	MEMBER(kvm_pvi_counts, coalesced, 8, 8),
	MEMBER(kvm_pvi_counts, latched, 16, 8),
	MEMBER(kvm_pvi_counts, denied, 24, 8),
	MEMBER(kvm_pvi_counts, throttled, 32, 8),
	END(kvm_pvi_counts, 40),
	MEMBER(kvm_pvi_stats, size, 0, 4),
	MEMBER(kvm_pvi_stats, flags, 4, 4),
	MEMBER(kvm_pvi_stats, sent, 8, 40),
	MEMBER(kvm_pvi_stats, received, 48, 40),
	MEMBER(kvm_pvi_stats, retries, 88, 8),
	MEMBER(kvm_pvi_stats, dropped, 96, 8),
	END(kvm_pvi_stats, 104),
	MEMBER(kvm_pvi_edge, size, 0, 4),
	MEMBER(kvm_pvi_edge, flags, 4, 4),
	MEMBER(kvm_pvi_edge, cursor, 8, 8),
	MEMBER(kvm_pvi_edge, uuid, 16, 16),
	MEMBER(kvm_pvi_edge, gsi, 32, 4),
	MEMBER(kvm_pvi_edge, kind, 36, 4),
	MEMBER(kvm_pvi_edge, counts, 40, 40),
	END(kvm_pvi_edge, 80),
	MEMBER(kvm_pvi_reserve, size, 0, 4),
	MEMBER(kvm_pvi_reserve, flags, 4, 4),
	MEMBER(kvm_pvi_reserve, uuid, 8, 16),
	MEMBER(kvm_pvi_reserve, uid, 24, 4),
	MEMBER(kvm_pvi_reserve, __reserved, 28, 4),
	END(kvm_pvi_reserve, 32),
	MEMBER(kvm_pvi_event, type, 0, 4),
	MEMBER(kvm_pvi_event, lost, 4, 4),
	MEMBER(kvm_pvi_event, epoch, 8, 8),
	MEMBER(kvm_pvi_event, uuid, 16, 16),
	END(kvm_pvi_event, 32),
	MEMBER(kvm_pvi_bell, size, 0, 4),
	MEMBER(kvm_pvi_bell, flags, 4, 4),
	MEMBER(kvm_pvi_bell, bell, 8, 4),
	MEMBER(kvm_pvi_bell, gsi, 12, 4),
	END(kvm_pvi_bell, 16),
	MEMBER(kvm_pvi_set_status, size, 0, 4),
	MEMBER(kvm_pvi_set_status, flags, 4, 4),
	MEMBER(kvm_pvi_set_status, gsi, 8, 4),
	MEMBER(kvm_pvi_set_status, memfd, 12, 4),
	MEMBER(kvm_pvi_set_status, offset, 16, 8),
	MEMBER(kvm_pvi_set_status, address, 24, 8),
	END(kvm_pvi_set_status, 32),
	MEMBER(kvm_pvi_source, size, 0, 4),
	MEMBER(kvm_pvi_source, flags, 4, 4),
	MEMBER(kvm_pvi_source, fd, 8, 4),
	MEMBER(kvm_pvi_source, port, 12, 4),
	END(kvm_pvi_source, 16),
	MEMBER(kvm_pvi_grant, size, 0, 4),
	MEMBER(kvm_pvi_grant, flags, 4, 4),
	MEMBER(kvm_pvi_grant, gsi, 8, 4),
	MEMBER(kvm_pvi_grant, uses, 12, 4),
	MEMBER(kvm_pvi_grant, bits, 16, 8),
	MEMBER(kvm_pvi_grant, rate, 24, 4),
	MEMBER(kvm_pvi_grant, burst, 28, 4),
	MEMBER(kvm_pvi_grant, id, 32, 8),
	MEMBER(kvm_pvi_grant, fd, 40, 4),
	MEMBER(kvm_pvi_grant, __reserved, 44, 4),
	END(kvm_pvi_grant, 48),
	MEMBER(kvm_pvi_ungrant, size, 0, 4),
	MEMBER(kvm_pvi_ungrant, flags, 4, 4),
	MEMBER(kvm_pvi_ungrant, id, 8, 8),
	END(kvm_pvi_ungrant, 16),
};

static const struct uapi_ioctl uapi_ioctls[] = {
	IOCTL(KVM_PVI_GET_INFO, 0x10),
	IOCTL(KVM_PVI_BIND, 0x11),
	IOCTL(KVM_PVI_EXPOSE, 0x12),
	IOCTL(KVM_PVI_UNEXPOSE, 0x13),
	IOCTL(KVM_PVI_UNWIRE, 0x14),
	IOCTL(KVM_PVI_KICK, 0x15),
	IOCTL(KVM_PVI_UNSTATUS, 0x16),
	IOCTL(KVM_PVI_WIRE, 0x17),
	IOCTL(KVM_PVI_ALLOW, 0x18),
	IOCTL(KVM_PVI_REVOKE, 0x19),
	IOCTL(KVM_PVI_SET_PORT, 0x1a),
	IOCTL(KVM_PVI_CLOSE_PORT, 0x1b),
	IOCTL(KVM_PVI_CONNECT, 0x1c),
	IOCTL(KVM_PVI_CALL, 0x1d),
	IOCTL(KVM_PVI_GET_STATS, 0x1e),
	IOCTL(KVM_PVI_GET_EDGE, 0x1f),
	IOCTL(KVM_PVI_BELL, 0x20),
	IOCTL(KVM_PVI_STATUS, 0x21),
	IOCTL(KVM_PVI_RESERVE, 0x28),
	IOCTL(KVM_PVI_UNRESERVE, 0x29),
	IOCTL(KVM_PVI_WIRE_SOURCE, 0x30),
	IOCTL(KVM_PVI_UNWIRE_SOURCE, 0x31),
	IOCTL(KVM_PVI_GRANT, 0x32),
	IOCTL(KVM_PVI_UNGRANT, 0x33),
};

#endif
