// SPDX-License-Identifier: GPL-2.0
/*
 * What a descriptor was opened for: one for reading changes nothing, one for writing reads no
 * events.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "pvi_test.h"

#define GSI	20

static const struct {
	unsigned int cmd;
	u32 size;
} changes[] = {
	{ KVM_PVI_BIND, sizeof(struct kvm_pvi_bind) },
	{ KVM_PVI_EXPOSE, sizeof(struct kvm_pvi_expose) },
	{ KVM_PVI_UNEXPOSE, sizeof(struct kvm_pvi_gsi) },
	{ KVM_PVI_UNWIRE, sizeof(struct kvm_pvi_gsi) },
	{ KVM_PVI_KICK, sizeof(struct kvm_pvi_gsi) },
	{ KVM_PVI_UNSTATUS, sizeof(struct kvm_pvi_gsi) },
	{ KVM_PVI_WIRE, sizeof(struct kvm_pvi_wire) },
	{ KVM_PVI_ALLOW, sizeof(struct kvm_pvi_allow) },
	{ KVM_PVI_REVOKE, sizeof(struct kvm_pvi_revoke) },
	{ KVM_PVI_SET_PORT, sizeof(struct kvm_pvi_port) },
	{ KVM_PVI_CLOSE_PORT, sizeof(struct kvm_pvi_port) },
	{ KVM_PVI_CONNECT, sizeof(struct kvm_pvi_connect) },
	{ KVM_PVI_CALL, sizeof(struct kvm_pvi_call) },
	{ KVM_PVI_RESERVE, sizeof(struct kvm_pvi_reserve) },
	{ KVM_PVI_UNRESERVE, sizeof(struct kvm_pvi_reserve) },
	{ KVM_PVI_BELL, sizeof(struct kvm_pvi_bell) },
	{ KVM_PVI_STATUS, sizeof(struct kvm_pvi_set_status) },
	{ KVM_PVI_WIRE_SOURCE, sizeof(struct kvm_pvi_source) },
	{ KVM_PVI_UNWIRE_SOURCE, sizeof(struct kvm_pvi_source) },
	{ KVM_PVI_GRANT, sizeof(struct kvm_pvi_grant) },
	{ KVM_PVI_UNGRANT, sizeof(struct kvm_pvi_ungrant) },
	{ KVM_PVI_GET_STATE, sizeof(struct kvm_pvi_state) },
	{ KVM_PVI_SET_STATE, sizeof(struct kvm_pvi_state) },
	{ KVM_PVI_THAW, sizeof(struct kvm_pvi_thaw) },
};

static int open_for(int flags)
{
	int fd = open("/dev/kvm_pvi", flags | O_CLOEXEC);

	ASSERT_GE(fd, 0);
	return fd;
}

static void test_read_only(void)
{
	struct kvm_pvi_info info = { .size = sizeof(info) };
	struct kvm_pvi_stats stats = { .size = sizeof(stats) };
	int fd = open_for(O_RDONLY), other;
	u64 arg[64];
	size_t i;
	int ret;

	ASSERT_EQ(__pvi_bind(fd, NULL, pvi_uuid[0]), -EBADF);
	for (i = 0; i < ARRAY_SIZE(changes); i++) {
		memset(arg, 0, sizeof(arg));
		arg[0] = changes[i].size;	/* and no flags */
		ret = __pvi_ioctl(fd, changes[i].cmd, arg);
		if (ret != -EBADF)
			TEST_FAIL("ioctl 0x%x: %d", changes[i].cmd, ret);
	}
	ASSERT_EQ(__pvi_ioctl(fd, KVM_PVI_GET_INFO, &info), 0);
	ASSERT_EQ(info.abi_major, KVM_PVI_ABI_MAJOR);
	ASSERT_EQ(__pvi_ioctl(fd, KVM_PVI_GET_STATS, &stats), -ENOTCONN);
	ASSERT_EQ(read(fd, arg, sizeof(arg)), -1);
	ASSERT_EQ(errno, ENOTCONN);
	/* Nothing of it has happened */
	other = pvi_bind(NULL, pvi_uuid[0]);
	close(other);
}

static void test_write_only(void)
{
	int fd = open_for(O_WRONLY);
	struct kvm_pvi_event event;

	ASSERT_EQ(__pvi_bind(fd, NULL, pvi_uuid[0]), 0);
	pvi_expose(fd, GSI, KVM_PVI_GSI_EVENTFD);
	ASSERT_EQ(read(fd, &event, sizeof(event)), -1);
	ASSERT_EQ(errno, EBADF);
	ASSERT_EQ(pvi_stats(fd).received.raised, 0);
}

static u32 mode_of(const char *path)
{
	struct stat st;

	ASSERT_EQ(stat(path, &st), 0);
	ASSERT_EQ(st.st_uid, 0);
	return st.st_mode & 07777;
}

/* Where udev has not been: the device is for its group, and who is bound for root */
static void test_modes(void)
{
	unload_module("kvm_pvi");
	load_pvi();
	ASSERT_EQ(mode_of("/dev/kvm_pvi") & 0007, 0);
	if (getenv("PVI_RIG"))
		ASSERT_EQ(mode_of("/dev/kvm_pvi"), 0660);
	ASSERT_EQ(mode_of("/sys/kernel/debug/kvm_pvi/vms"), 0400);
	ASSERT_EQ(mode_of("/sys/kernel/debug/kvm_pvi/edges"), 0400);
	ASSERT_EQ(mode_of("/sys/kernel/debug/kvm_pvi/reserved"), 0400);
}

static const struct test_case cases[] = {
	{ "read_only", test_read_only },
	{ "write_only", test_write_only },
	{ "modes", test_modes },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_PVI);
}
