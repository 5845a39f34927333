// SPDX-License-Identifier: GPL-2.0
/*
 * KVM_PVI_RESERVE: root keeps a UUID for a user, whoever else comes first; until root takes it
 * back.
 */
#include <linux/capability.h>

#include "pvi_test.h"

#define UID 1000

static int reserve(int fd, const u8 *uuid, u32 uid)
{
	struct kvm_pvi_reserve arg = { .size = sizeof(arg), .uid = uid };

	memcpy(arg.uuid, uuid, sizeof(arg.uuid));
	return __pvi_ioctl(fd, KVM_PVI_RESERVE, &arg);
}

static int unreserve(int fd, const u8 *uuid)
{
	struct kvm_pvi_reserve arg = { .size = sizeof(arg) };

	memcpy(arg.uuid, uuid, sizeof(arg.uuid));
	return __pvi_ioctl(fd, KVM_PVI_UNRESERVE, &arg);
}

static int bind_fresh(const u8 *uuid)
{
	int fd = pvi_open(), ret = __pvi_bind(fd, NULL, uuid);

	close(fd);
	return ret;
}

static int bind_owner(const u8 *uuid, u32 owner)
{
	struct kvm_pvi_bind bind = {
		.size = sizeof(bind),
		.flags = KVM_PVI_BIND_HOST | KVM_PVI_BIND_OWNER,
		.vm_fd = -1,
		.owner = owner,
	};
	int fd = pvi_open(), ret;

	memcpy(bind.uuid, uuid, sizeof(bind.uuid));
	ret = __pvi_ioctl(fd, KVM_PVI_BIND, &bind);
	close(fd);
	return ret;
}

static void test_bind(void)
{
	int fd = pvi_open();

	ASSERT_EQ(reserve(fd, pvi_uuid[0], UID), 0);
	ASSERT_EQ(bind_fresh(pvi_uuid[0]), -EACCES);
	ASSERT_EQ(bind_fresh(pvi_uuid[1]), 0);
	ASSERT_EQ(bind_owner(pvi_uuid[0], UID), 0);
	ASSERT_EQ(bind_owner(pvi_uuid[0], UID + 1), -EACCES);
	set_euid(UID);
	ASSERT_EQ(bind_fresh(pvi_uuid[0]), 0);
	set_euid(UID + 1);
	ASSERT_EQ(bind_fresh(pvi_uuid[0]), -EACCES);
	ASSERT_EQ(unreserve(fd, pvi_uuid[0]), 0);
	ASSERT_EQ(bind_fresh(pvi_uuid[0]), 0);
	ASSERT_EQ(unreserve(fd, pvi_uuid[0]), -ENOENT);
}

/* What counts is who opened the endpoint, not who binds it */
static void test_opener(void)
{
	int fd = pvi_open(), theirs;

	ASSERT_EQ(reserve(fd, pvi_uuid[0], UID), 0);
	set_euid(UID);
	theirs = pvi_open();
	set_euid(0);
	ASSERT_EQ(__pvi_bind(theirs, NULL, pvi_uuid[0]), 0);
	/* A stranger is not told whether a reserved name is in use */
	ASSERT_EQ(bind_fresh(pvi_uuid[0]), -EACCES);
	ASSERT_EQ(bind_owner(pvi_uuid[0], UID), -EEXIST);
	/* A refused endpoint may bind another name */
	ASSERT_EQ(__pvi_bind(fd, NULL, pvi_uuid[0]), -EACCES);
	ASSERT_EQ(__pvi_bind(fd, NULL, pvi_uuid[1]), 0);
	ASSERT_EQ(unreserve(fd, pvi_uuid[0]), 0);
}

/* It belongs to no endpoint, replaces an earlier one, and leaves those bound alone */
static void test_lasting(void)
{
	int rx = pvi_bind(NULL, pvi_uuid[0]), tx = pvi_bind(NULL, pvi_uuid[1]), fd = pvi_open();
	int efd = new_eventfd();

	pvi_expose(rx, 5, KVM_PVI_GSI_EVENTFD);
	pvi_wire(rx, 5, efd);
	pvi_allow(rx, pvi_uuid[1], 5);
	ASSERT_EQ(reserve(fd, pvi_uuid[0], UID), 0);
	ASSERT_EQ(reserve(fd, pvi_uuid[1], UID), 0);
	close(fd);
	ASSERT_EQ(pvi_call(tx, KVM_HC_PVI, (u64)pvi_uuid[0], 5, 0, 0), KVM_PVI_RAISED);
	close(rx);
	ASSERT_EQ(bind_fresh(pvi_uuid[0]), -EACCES);
	/* In any state of the endpoint */
	ASSERT_EQ(reserve(tx, pvi_uuid[0], 0), 0);
	ASSERT_EQ(bind_fresh(pvi_uuid[0]), 0);
	ASSERT_EQ(unreserve(tx, pvi_uuid[0]), 0);
	ASSERT_EQ(unreserve(tx, pvi_uuid[1]), 0);
}

static void test_dead(void)
{
	struct vm vm;
	pid_t pid;
	int fd;

	vm.fd = child_vm(&pid);
	fd = pvi_bind(&vm, pvi_uuid[0]);
	child_kill(pid);
	ASSERT_TRUE(wait_until(__pvi_allow(fd, pvi_uuid[1], 5) == -ENODEV, 5000));
	ASSERT_EQ(reserve(fd, pvi_uuid[2], UID), 0);
	ASSERT_EQ(bind_fresh(pvi_uuid[2]), -EACCES);
	ASSERT_EQ(unreserve(fd, pvi_uuid[2]), 0);
}

static int with(unsigned long cmd, struct kvm_pvi_reserve arg)
{
	int fd = pvi_open(), ret;

	if (!arg.size)
		arg.size = sizeof(arg);
	if (!arg.uuid[0])
		memcpy(arg.uuid, pvi_uuid[0], sizeof(arg.uuid));
	ret = __pvi_ioctl(fd, cmd, &arg);
	close(fd);
	return ret;
}

static void try_without_capability(u64 fd)
{
	drop_capability(CAP_SYS_ADMIN);
	ASSERT_EQ(reserve(fd, pvi_uuid[0], UID), -EPERM);
	ASSERT_EQ(unreserve(fd, pvi_uuid[1]), -EPERM);
	ASSERT_EQ(unreserve(fd, pvi_uuid[0]), -EPERM);
}

static void test_errors(void)
{
	u8 nil[KVM_PVI_UUID_SIZE] = {}, max[KVM_PVI_UUID_SIZE] = { [0 ... 15] = 0xff };
	int fd = pvi_open();
	size_t i;
	static const unsigned long cmds[] = { KVM_PVI_RESERVE, KVM_PVI_UNRESERVE };

	ASSERT_EQ(reserve(fd, nil, UID), -EINVAL);
	ASSERT_EQ(reserve(fd, max, UID), -EINVAL);
	ASSERT_EQ(unreserve(fd, nil), -EINVAL);
	ASSERT_EQ(unreserve(fd, max), -EINVAL);
	ASSERT_EQ(reserve(fd, pvi_uuid[0], -1), -EINVAL);
	ASSERT_EQ(with(KVM_PVI_UNRESERVE, (struct kvm_pvi_reserve){ .uid = 1 }), -EINVAL);
	for (i = 0; i < ARRAY_SIZE(cmds); i++) {
		ASSERT_EQ(with(cmds[i], (struct kvm_pvi_reserve){ .flags = 2 }), -EINVAL);
		ASSERT_EQ(with(cmds[i], (struct kvm_pvi_reserve){ .from = 1 }), -EINVAL);
		ASSERT_EQ(with(cmds[i], (struct kvm_pvi_reserve){ .flags = KVM_PVI_RESERVE_FROM, .from = -1 }),
			  -EINVAL);
		ASSERT_EQ(with(cmds[i], (struct kvm_pvi_reserve){ .size = 31 }), -EINVAL);
	}
	ASSERT_EQ(bind_fresh(pvi_uuid[0]), 0);
	ASSERT_EQ(reserve(fd, pvi_uuid[1], UID), 0);
	child_join(child_run(try_without_capability, fd));
	ASSERT_EQ(bind_fresh(pvi_uuid[0]), 0);
	ASSERT_EQ(bind_fresh(pvi_uuid[1]), -EACCES);
	ASSERT_EQ(unreserve(fd, pvi_uuid[1]), 0);
}

static int reserve_from(int fd, const u8 *uuid, u32 uid, u32 from)
{
	struct kvm_pvi_reserve arg = {
		.size = sizeof(arg), .flags = KVM_PVI_RESERVE_FROM, .uid = uid, .from = from,
	};

	memcpy(arg.uuid, uuid, sizeof(arg.uuid));
	return __pvi_ioctl(fd, KVM_PVI_RESERVE, &arg);
}

static int unreserve_from(int fd, const u8 *uuid, u32 from)
{
	struct kvm_pvi_reserve arg = { .size = sizeof(arg), .flags = KVM_PVI_RESERVE_FROM, .from = from };

	memcpy(arg.uuid, uuid, sizeof(arg.uuid));
	return __pvi_ioctl(fd, KVM_PVI_UNRESERVE, &arg);
}

/* What is kept for somebody else stays as it is */
static void test_from(void)
{
	int fd = pvi_open();

	ASSERT_EQ(unreserve_from(fd, pvi_uuid[0], UID), -ENOENT);
	ASSERT_EQ(reserve_from(fd, pvi_uuid[0], UID, UID), 0);
	ASSERT_EQ(reserve_from(fd, pvi_uuid[0], UID, UID + 7), 0);
	ASSERT_EQ(reserve_from(fd, pvi_uuid[0], UID + 1, UID + 7), -EEXIST);
	ASSERT_EQ(bind_owner(pvi_uuid[0], UID), 0);
	ASSERT_EQ(reserve_from(fd, pvi_uuid[0], UID + 1, UID), 0);
	ASSERT_EQ(bind_owner(pvi_uuid[0], UID), -EACCES);
	ASSERT_EQ(bind_owner(pvi_uuid[0], UID + 1), 0);
	ASSERT_EQ(unreserve_from(fd, pvi_uuid[0], UID), -EEXIST);
	ASSERT_EQ(bind_fresh(pvi_uuid[0]), -EACCES);
	/* Root is a user as any other */
	ASSERT_EQ(unreserve_from(fd, pvi_uuid[0], 0), -EEXIST);
	ASSERT_EQ(unreserve_from(fd, pvi_uuid[0], UID + 1), 0);
	ASSERT_EQ(bind_fresh(pvi_uuid[0]), 0);
}

static void check_list(const char *expected)
{
	char *text = read_file("/sys/kernel/debug/kvm_pvi/reserved");

	ASSERT_EQ(strcmp(text, expected), 0);
	free(text);
}

static void test_list(void)
{
	int fd = pvi_open();

	check_list("uuid uid\n");
	ASSERT_EQ(reserve(fd, pvi_uuid[1], UID), 0);
	check_list("uuid uid\nf0f0f0f0-f0f0-80f0-80f0-000000000002 1000\n");
	ASSERT_EQ(unreserve(fd, pvi_uuid[1]), 0);
	check_list("uuid uid\n");
}

static void test_full(void)
{
	int fd = pvi_open();

	ASSERT_EQ(read_param("kvm_pvi", "max_reserved"), 4096);
	ASSERT_EQ(__write_param("kvm_pvi", "max_reserved", "2"), 0);
	ASSERT_EQ(reserve(fd, pvi_uuid[0], UID), 0);
	ASSERT_EQ(reserve(fd, pvi_uuid[1], UID), 0);
	ASSERT_EQ(reserve(fd, pvi_uuid[2], UID), -ENOSPC);
	ASSERT_EQ(bind_fresh(pvi_uuid[2]), 0);
	ASSERT_EQ(reserve(fd, pvi_uuid[1], UID + 1), 0);
	ASSERT_EQ(unreserve(fd, pvi_uuid[0]), 0);
	ASSERT_EQ(reserve(fd, pvi_uuid[2], UID), 0);
	ASSERT_EQ(unreserve(fd, pvi_uuid[1]), 0);
	ASSERT_EQ(unreserve(fd, pvi_uuid[2]), 0);
	ASSERT_EQ(__write_param("kvm_pvi", "max_reserved", "0"), -EINVAL);
	ASSERT_EQ(__write_param("kvm_pvi", "max_reserved", "65537"), -EINVAL);
	ASSERT_EQ(__write_param("kvm_pvi", "max_reserved", "4096"), 0);
}

static const struct test_case cases[] = {
	{ "bind", test_bind },
	{ "opener", test_opener },
	{ "lasting", test_lasting },
	{ "dead", test_dead },
	{ "from", test_from },
	{ "errors", test_errors },
	{ "list", test_list },
	{ "full", test_full },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_KVM | TEST_REQUIRE_PVI);
}
