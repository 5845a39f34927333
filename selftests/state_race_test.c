// SPDX-License-Identifier: GPL-2.0
/*
 * GET_STATE while something else happens: another one that fails, a guest that moves its MSIs.
 */
#include "delay.h"
#include "pvi_test.h"
#include "state.h"

#define SELF	pvi_uuid[0]
#define RINGER	pvi_uuid[1]
#define VIRTUAL	KVM_PVI_GSI_VIRTUAL
#define NR_MSIS	1000
#define ROUNDS	1000

static struct kvm_pvi_state freeze_args(void *to, u32 length)
{
	return (struct kvm_pvi_state){
		.size = sizeof(struct kvm_pvi_state),
		.flags = KVM_PVI_STATE_FREEZE,
		.address = (u64)to,
		.length = length,
	};
}

static s64 ring(int tx)
{
	return pvi_call(tx, KVM_HC_PVI, (u64)SELF, STATE_GSI, 0, 0);
}

/* Takes the memory away from under a GET_STATE that sleeps in it */
static void fail_call(struct ioctl_call *call, void *memory, int uffd)
{
	ASSERT_EQ(munmap(memory, PAGE_SIZE), 0);
	close(uffd);
	ASSERT_EQ(ioctl_join(call), -EFAULT);
}

/* One that fails takes back what it has frozen itself, and no more */
static void check_two_freezes(bool both)
{
	int fd = state_receiver(SELF, RINGER, -1), tx = pvi_bind(NULL, RINGER), uffd;
	void *memory = uffd_memory(PAGE_SIZE, &uffd);
	struct kvm_pvi_state args = freeze_args(memory, PAGE_SIZE);
	struct ioctl_call call = { .fd = fd, .cmd = KVM_PVI_GET_STATE, .arg = &args };
	struct blob blob;

	ASSERT_TRUE(ioctl_start(&call));
	ASSERT_TRUE(wait_readable(uffd, 10000));
	if (both)
		state_freeze(fd, &blob);
	fail_call(&call, memory, uffd);
	ASSERT_EQ(ring(tx), both ? -EAGAIN : KVM_PVI_LATCHED);
	state_thaw(fd);
	ASSERT_EQ(ring(tx), both ? KVM_PVI_LATCHED : KVM_PVI_COALESCED);
}

static void test_freeze_fails(void)
{
	check_two_freezes(false);
}

static void test_freeze_fails_beside_another(void)
{
	check_two_freezes(true);
}

/* THAW and the next FREEZE come while the first one still sleeps: it has nothing to take back */
static void test_freeze_fails_late(void)
{
	int fd = state_receiver(SELF, RINGER, -1), tx = pvi_bind(NULL, RINGER), uffd;
	void *memory = uffd_memory(PAGE_SIZE, &uffd);
	struct kvm_pvi_state args = freeze_args(memory, PAGE_SIZE);
	struct ioctl_call call = { .fd = fd, .cmd = KVM_PVI_GET_STATE, .arg = &args };
	struct blob blob;

	ASSERT_TRUE(ioctl_start(&call));
	ASSERT_TRUE(wait_readable(uffd, 10000));
	state_thaw(fd);
	state_freeze(fd, &blob);
	fail_call(&call, memory, uffd);
	ASSERT_EQ(ring(tx), -EAGAIN);
}

/* Two that both fail leave nothing, whichever is the last to know */
static void check_both_fail(bool first_first)
{
	int fd = state_receiver(SELF, RINGER, -1), tx = pvi_bind(NULL, RINGER), uffd[2], i;
	struct kvm_pvi_state args[2];
	struct ioctl_call call[2];
	void *memory[2];

	for (i = 0; i < 2; i++) {
		memory[i] = uffd_memory(PAGE_SIZE, &uffd[i]);
		args[i] = freeze_args(memory[i], PAGE_SIZE);
		call[i] = (struct ioctl_call){ .fd = fd, .cmd = KVM_PVI_GET_STATE, .arg = &args[i] };
		ASSERT_TRUE(ioctl_start(&call[i]));
		ASSERT_TRUE(wait_readable(uffd[i], 10000));
	}
	i = !first_first;
	fail_call(&call[i], memory[i], uffd[i]);
	ASSERT_EQ(ring(tx), -EAGAIN);
	fail_call(&call[!i], memory[!i], uffd[!i]);
	ASSERT_EQ(ring(tx), KVM_PVI_LATCHED);
	close(tx);
	close(fd);
}

static void test_freeze_fails_both(void)
{
	check_both_fail(true);
	check_both_fail(false);
}

static bool stop;

/* The guest: each MSI goes from vCPU to vCPU, and its vector with it */
static void *move_msis(void *arg)
{
	int fd = *(int *)arg;
	u32 i, n = 0;

	while (!READ_ONCE(stop)) {
		n = (n + 1) % 128;
		for (i = 0; i < NR_MSIS; i++)
			ASSERT_EQ(pvi_call(fd, KVM_HC_PVI_SET_MSI, VIRTUAL + i,
					   0xfee00000 | n << 12, 0x20 + n, 0), 0);
	}
	return NULL;
}

static void check_msis(int fd, void *memory, u32 length)
{
	struct kvm_pvi_state args = freeze_args(memory, length);
	const struct kvm_pvi_state_msi *r;
	u32 i;

	args.flags = 0;
	pvi_ioctl(fd, KVM_PVI_GET_STATE, &args);
	ASSERT_LE(args.length, length);
	r = memory + sizeof(struct kvm_pvi_state_header) + sizeof(struct kvm_pvi_state_section);
	for (i = 0; i < NR_MSIS; i++)
		if ((r[i].address >> 12 & 0xff) != r[i].data - 0x20)
			TEST_FAIL("GSI %u: address 0x%llx of one MSI, data 0x%x of another",
				  r[i].gsi, r[i].address, r[i].data);
}

static void test_msi_is_one(void)
{
	struct vm *vm = vm_create(0, 0);
	int fd = pvi_bind(vm, SELF);
	static u8 memory[65536];
	pthread_t thread;
	u32 i;

	for (i = 0; i < NR_MSIS; i++) {
		pvi_expose(fd, VIRTUAL + i, KVM_PVI_GSI_MSI);
		ASSERT_EQ(pvi_call(fd, KVM_HC_PVI_SET_MSI, VIRTUAL + i, 0xfee00000, 0x20, 0), 0);
	}
	ASSERT_EQ(pthread_create(&thread, NULL, move_msis, &fd), 0);
	for (i = 0; i < ROUNDS; i++)
		check_msis(fd, memory, sizeof(memory));
	WRITE_ONCE(stop, true);
	ASSERT_EQ(pthread_join(thread, NULL), 0);
}

static const struct test_case cases[] = {
	{ "freeze_fails", test_freeze_fails },
	{ "freeze_fails_beside_another", test_freeze_fails_beside_another },
	{ "freeze_fails_late", test_freeze_fails_late },
	{ "freeze_fails_both", test_freeze_fails_both },
	{ "msi_is_one", test_msi_is_one, 60 },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_KVM | TEST_REQUIRE_PVI);
}
