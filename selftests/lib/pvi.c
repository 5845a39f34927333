// SPDX-License-Identifier: GPL-2.0
/* kvm-pvi selftests: endpoints of /dev/kvm_pvi */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "pvi.h"

#define NEW(type) { .size = sizeof(struct type) }

u8 pvi_uuid[PVI_NR_UUIDS][KVM_PVI_UUID_SIZE] __aligned(16);

/* Version 8, for "any use": f0f0f0f0-f0f0-80f0-80f0-00000000NNNN, NNNN from 1 */
static __attribute__((constructor)) void fill_uuids(void)
{
	u32 i;

	for (i = 0; i < PVI_NR_UUIDS; i++) {
		memset(pvi_uuid[i], 0xf0, 10);
		pvi_uuid[i][6] = 0x80;
		pvi_uuid[i][8] = 0x80;
		pvi_uuid[i][14] = (i + 1) >> 8;
		pvi_uuid[i][15] = i + 1;
	}
}

static void must(int ret, const char *what)
{
	if (ret < 0)
		TEST_FAIL("%s: %s (%d)", what, strerror(-ret), ret);
}

int pvi_open(void)
{
	int fd = open("/dev/kvm_pvi", O_RDWR | O_CLOEXEC);

	must(fd < 0 ? -errno : 0, "open /dev/kvm_pvi");
	return fd;
}

int __pvi_bind(int fd, struct vm *vm, const u8 *uuid)
{
	struct kvm_pvi_bind bind = NEW(kvm_pvi_bind);

	bind.flags = vm ? 0 : KVM_PVI_BIND_HOST;
	bind.vm_fd = vm ? vm->fd : -1;
	memcpy(bind.uuid, uuid, sizeof(bind.uuid));
	return __pvi_ioctl(fd, KVM_PVI_BIND, &bind);
}

int pvi_bind(struct vm *vm, const u8 *uuid)
{
	int fd = pvi_open();

	must(__pvi_bind(fd, vm, uuid), "KVM_PVI_BIND");
	return fd;
}

int __pvi_expose(int fd, u32 gsi, u32 kind)
{
	struct kvm_pvi_expose expose = NEW(kvm_pvi_expose);

	expose.gsi = gsi;
	expose.kind = kind;
	return __pvi_ioctl(fd, KVM_PVI_EXPOSE, &expose);
}

void pvi_expose(int fd, u32 gsi, u32 kind)
{
	must(__pvi_expose(fd, gsi, kind), "KVM_PVI_EXPOSE");
}

int __pvi_gsi(int fd, unsigned long cmd, u32 gsi)
{
	struct kvm_pvi_gsi arg = NEW(kvm_pvi_gsi);

	arg.gsi = gsi;
	return __pvi_ioctl(fd, cmd, &arg);
}

void pvi_gsi(int fd, unsigned long cmd, u32 gsi)
{
	must(__pvi_gsi(fd, cmd, gsi), "ioctl on a GSI");
}

int __pvi_wire(int fd, u32 gsi, int eventfd)
{
	struct kvm_pvi_wire wire = NEW(kvm_pvi_wire);

	wire.gsi = gsi;
	wire.fd = eventfd;
	return __pvi_ioctl(fd, KVM_PVI_WIRE, &wire);
}

void pvi_wire(int fd, u32 gsi, int eventfd)
{
	must(__pvi_wire(fd, gsi, eventfd), "KVM_PVI_WIRE");
}

int __pvi_allow(int fd, const u8 *uuid, u32 gsi)
{
	struct kvm_pvi_allow allow = NEW(kvm_pvi_allow);

	allow.gsi = gsi;
	memcpy(allow.uuid, uuid, sizeof(allow.uuid));
	return __pvi_ioctl(fd, KVM_PVI_ALLOW, &allow);
}

void pvi_allow(int fd, const u8 *uuid, u32 gsi)
{
	must(__pvi_allow(fd, uuid, gsi), "KVM_PVI_ALLOW");
}

int __pvi_revoke(int fd, const u8 *uuid, u32 gsi)
{
	struct kvm_pvi_revoke revoke = NEW(kvm_pvi_revoke);

	revoke.gsi = gsi;
	memcpy(revoke.uuid, uuid, sizeof(revoke.uuid));
	return __pvi_ioctl(fd, KVM_PVI_REVOKE, &revoke);
}

void pvi_revoke(int fd, const u8 *uuid, u32 gsi)
{
	must(__pvi_revoke(fd, uuid, gsi), "KVM_PVI_REVOKE");
}

int __pvi_bell(int fd, u32 bell, u32 gsi)
{
	struct kvm_pvi_bell arg = NEW(kvm_pvi_bell);

	arg.bell = bell;
	arg.gsi = gsi;
	return __pvi_ioctl(fd, KVM_PVI_BELL, &arg);
}

void pvi_bell(int fd, u32 bell, u32 gsi)
{
	must(__pvi_bell(fd, bell, gsi), "KVM_PVI_BELL");
}

int __pvi_allow_bell(int fd, const u8 *uuid, u32 bell, u64 bits)
{
	struct kvm_pvi_allow allow = NEW(kvm_pvi_allow);

	allow.flags = KVM_PVI_ALLOW_BELL;
	allow.gsi = bell;
	allow.bits = bits;
	memcpy(allow.uuid, uuid, sizeof(allow.uuid));
	return __pvi_ioctl(fd, KVM_PVI_ALLOW, &allow);
}

void pvi_allow_bell(int fd, const u8 *uuid, u32 bell, u64 bits)
{
	must(__pvi_allow_bell(fd, uuid, bell, bits), "KVM_PVI_ALLOW of a bell");
}

int __pvi_revoke_bell(int fd, const u8 *uuid, u32 bell)
{
	struct kvm_pvi_revoke revoke = NEW(kvm_pvi_revoke);

	revoke.flags = KVM_PVI_REVOKE_BELL;
	revoke.gsi = bell;
	memcpy(revoke.uuid, uuid, sizeof(revoke.uuid));
	return __pvi_ioctl(fd, KVM_PVI_REVOKE, &revoke);
}

void pvi_revoke_bell(int fd, const u8 *uuid, u32 bell)
{
	must(__pvi_revoke_bell(fd, uuid, bell), "KVM_PVI_REVOKE of a bell");
}

int __pvi_set_port(int fd, int eventfd, u32 *port)
{
	struct kvm_pvi_port arg = NEW(kvm_pvi_port);
	int ret;

	arg.port = KVM_PVI_PORT_ANY;
	arg.fd = eventfd;
	ret = __pvi_ioctl(fd, KVM_PVI_SET_PORT, &arg);
	*port = arg.port;
	return ret;
}

u32 pvi_set_port(int fd, int eventfd)
{
	u32 port;

	must(__pvi_set_port(fd, eventfd, &port), "KVM_PVI_SET_PORT");
	return port;
}

int __pvi_connect(int fd, const u8 *uuid, u32 gsi, u32 *port)
{
	struct kvm_pvi_connect connect = NEW(kvm_pvi_connect);
	int ret;

	connect.gsi = gsi;
	connect.port = KVM_PVI_PORT_ANY;
	memcpy(connect.uuid, uuid, sizeof(connect.uuid));
	ret = __pvi_ioctl(fd, KVM_PVI_CONNECT, &connect);
	*port = connect.port;
	return ret;
}

u32 pvi_connect(int fd, const u8 *uuid, u32 gsi)
{
	u32 port;

	must(__pvi_connect(fd, uuid, gsi, &port), "KVM_PVI_CONNECT");
	return port;
}

int __pvi_close_port(int fd, u32 port)
{
	struct kvm_pvi_port arg = NEW(kvm_pvi_port);

	arg.port = port;
	return __pvi_ioctl(fd, KVM_PVI_CLOSE_PORT, &arg);
}

void pvi_close_port(int fd, u32 port)
{
	must(__pvi_close_port(fd, port), "KVM_PVI_CLOSE_PORT");
}

int __pvi_grant(int fd, u32 gsi, u32 uses, int *grant_fd, u64 *id)
{
	struct kvm_pvi_grant arg = NEW(kvm_pvi_grant);
	int ret;

	arg.gsi = gsi;
	arg.uses = uses;
	ret = __pvi_ioctl(fd, KVM_PVI_GRANT, &arg);
	*grant_fd = arg.fd;
	if (id)
		*id = arg.id;
	return ret;
}

int pvi_grant(int fd, u32 gsi, u32 uses, u64 *id)
{
	int grant_fd;

	must(__pvi_grant(fd, gsi, uses, &grant_fd, id), "KVM_PVI_GRANT");
	return grant_fd;
}

int __pvi_ungrant(int fd, u64 id)
{
	struct kvm_pvi_ungrant arg = NEW(kvm_pvi_ungrant);

	arg.id = id;
	return __pvi_ioctl(fd, KVM_PVI_UNGRANT, &arg);
}

void pvi_ungrant(int fd, u64 id)
{
	must(__pvi_ungrant(fd, id), "KVM_PVI_UNGRANT");
}

int __pvi_connect_grant(int fd, int grant_fd, u32 *port)
{
	struct kvm_pvi_connect connect = NEW(kvm_pvi_connect);
	int ret;

	connect.flags = KVM_PVI_CONNECT_GRANT;
	connect.port = KVM_PVI_PORT_ANY;
	connect.grant_fd = grant_fd;
	ret = __pvi_ioctl(fd, KVM_PVI_CONNECT, &connect);
	*port = connect.port;
	return ret;
}

u32 pvi_connect_grant(int fd, int grant_fd)
{
	u32 port;

	must(__pvi_connect_grant(fd, grant_fd, &port), "KVM_PVI_CONNECT by a grant");
	return port;
}

static int source_ioctl(int fd, unsigned long cmd, int eventfd, u32 port)
{
	struct kvm_pvi_source arg = NEW(kvm_pvi_source);

	arg.fd = eventfd;
	arg.port = port;
	return __pvi_ioctl(fd, cmd, &arg);
}

int __pvi_wire_source(int fd, int eventfd, u32 port)
{
	return source_ioctl(fd, KVM_PVI_WIRE_SOURCE, eventfd, port);
}

void pvi_wire_source(int fd, int eventfd, u32 port)
{
	must(__pvi_wire_source(fd, eventfd, port), "KVM_PVI_WIRE_SOURCE");
}

int __pvi_unwire_source(int fd, int eventfd, u32 port)
{
	return source_ioctl(fd, KVM_PVI_UNWIRE_SOURCE, eventfd, port);
}

void pvi_unwire_source(int fd, int eventfd, u32 port)
{
	must(__pvi_unwire_source(fd, eventfd, port), "KVM_PVI_UNWIRE_SOURCE");
}

s64 pvi_call_rbx(int fd, u32 nr, u64 a0, u64 a1, u64 a2, u64 a3, u64 *rbx)
{
	struct kvm_pvi_call call = NEW(kvm_pvi_call);

	call.nr = nr;
	call.args[0] = a0;
	call.args[1] = a1;
	call.args[2] = a2;
	call.args[3] = a3;
	pvi_ioctl(fd, KVM_PVI_CALL, &call);
	if (rbx)
		*rbx = call.ret2;
	return call.ret;
}

s64 pvi_call(int fd, u32 nr, u64 a0, u64 a1, u64 a2, u64 a3)
{
	return pvi_call_rbx(fd, nr, a0, a1, a2, a3, NULL);
}

struct kvm_pvi_stats pvi_stats(int fd)
{
	struct kvm_pvi_stats stats = NEW(kvm_pvi_stats);

	pvi_ioctl(fd, KVM_PVI_GET_STATS, &stats);
	return stats;
}
