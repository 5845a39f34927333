// SPDX-License-Identifier: GPL-2.0
/*
 * ALLOW: who may ring what, how often, and what a sender who may not can find out.
 */
#include <time.h>

#include "pvi_test.h"

#define GSI	5	/* exposed and wired to sink */
#define GSI2	6	/* the same */
#define HIDDEN	7	/* not exposed */

#define RX	pvi_uuid[0]
#define TX	pvi_uuid[1]
#define NOBODY	pvi_uuid[255]

static int rx, tx, sink;

static void expose_wired(int fd, u32 gsi)
{
	pvi_expose(fd, gsi, KVM_PVI_GSI_EVENTFD);
	pvi_wire(fd, gsi, sink);
}

static void new_receiver(void)
{
	rx = pvi_bind(NULL, RX);
	expose_wired(rx, GSI);
	expose_wired(rx, GSI2);
}

/* Two host processes as far as the table is concerned: guests differ in how they call only */
static void prepare(void)
{
	sink = new_eventfd();
	new_receiver();
	tx = pvi_bind(NULL, TX);
}

static int ring(u32 gsi)
{
	return pvi_call(tx, KVM_HC_PVI, (u64)RX, gsi, 0, 0);
}

static int notify(u32 port)
{
	return pvi_call(tx, KVM_HC_NOTIFY, port, 0, 0, 0);
}

static struct kvm_pvi_allow allow_arg(const u8 *uuid, u32 gsi)
{
	struct kvm_pvi_allow allow = { .size = sizeof(allow), .gsi = gsi };

	memcpy(allow.uuid, uuid, sizeof(allow.uuid));
	return allow;
}

static void allow_rate(u32 gsi, u32 rate, u32 burst)
{
	struct kvm_pvi_allow allow = allow_arg(TX, gsi);

	allow.rate = rate;
	allow.burst = burst;
	pvi_ioctl(rx, KVM_PVI_ALLOW, &allow);
}

static void allow_owner(u32 gsi, u32 uid)
{
	struct kvm_pvi_allow allow = allow_arg(TX, gsi);

	allow.flags = KVM_PVI_ALLOW_OWNER;
	allow.owner = uid;
	pvi_ioctl(rx, KVM_PVI_ALLOW, &allow);
}

static void test_arguments(void)
{
	static const u32 no_gsi[] = {
		KVM_PVI_GSI_MAX, KVM_PVI_GSI_VIRTUAL - 1, KVM_PVI_GSI_VIRTUAL_END, 0xfffffffe
	};
	static const u8 nil[KVM_PVI_UUID_SIZE];
	struct kvm_pvi_allow allow;
	u8 max[KVM_PVI_UUID_SIZE];
	u32 i;

	prepare();
	memset(max, 0xff, sizeof(max));
	for (i = 0; i < ARRAY_SIZE(no_gsi); i++) {
		ASSERT_EQ(__pvi_allow(rx, TX, no_gsi[i]), -EINVAL);
		ASSERT_EQ(__pvi_revoke(rx, TX, no_gsi[i]), -EINVAL);
	}
	ASSERT_EQ(__pvi_allow(rx, nil, GSI), -EINVAL);
	ASSERT_EQ(__pvi_allow(rx, max, GSI), -EINVAL);
	ASSERT_EQ(__pvi_revoke(rx, nil, GSI), -EINVAL);
	ASSERT_EQ(__pvi_revoke(rx, max, GSI), -EINVAL);
	allow = allow_arg(TX, GSI);
	allow.rate = 1;
	ASSERT_EQ(__pvi_ioctl(rx, KVM_PVI_ALLOW, &allow), -EINVAL);
	allow = allow_arg(TX, GSI);
	allow.flags = KVM_PVI_ALLOW_OWNER;
	allow.owner = -1;
	ASSERT_EQ(__pvi_ioctl(rx, KVM_PVI_ALLOW, &allow), -EINVAL);
	ASSERT_EQ(ring(GSI), -EPERM);
	ASSERT_EQ(__pvi_revoke(rx, TX, GSI), -ENOENT);
}

/* Nothing is allowed by default; the sender may be anybody's child, born later or again */
static void test_sender_unborn(void)
{
	int i;

	prepare();
	ASSERT_EQ(ring(GSI), -EPERM);
	close(tx);
	pvi_allow(rx, TX, GSI);
	for (i = 0; i < 3; i++) {
		tx = pvi_bind(NULL, TX);
		ASSERT_EQ(ring(GSI), KVM_PVI_RAISED);
		close(tx);
	}
	ASSERT_EQ(read_eventfd(sink), 3);
}

static void test_per_gsi(void)
{
	prepare();
	pvi_allow(rx, TX, GSI);
	ASSERT_EQ(ring(GSI), KVM_PVI_RAISED);
	ASSERT_EQ(ring(GSI2), -EPERM);
	pvi_allow(rx, TX, HIDDEN);
	ASSERT_EQ(ring(HIDDEN), -EPERM);
	expose_wired(rx, HIDDEN);
	ASSERT_EQ(ring(HIDDEN), KVM_PVI_RAISED);
}

/* ANY is every GSI exposed now or later, for this sender alone, and a row of its own */
static void test_any(void)
{
	int other = pvi_bind(NULL, pvi_uuid[2]);

	prepare();
	pvi_allow(rx, TX, KVM_PVI_GSI_ANY);
	ASSERT_EQ(ring(GSI), KVM_PVI_RAISED);
	ASSERT_EQ(ring(GSI2), KVM_PVI_RAISED);
	ASSERT_EQ(ring(HIDDEN), -EPERM);
	expose_wired(rx, HIDDEN);
	ASSERT_EQ(ring(HIDDEN), KVM_PVI_RAISED);
	ASSERT_EQ(pvi_call(other, KVM_HC_PVI, (u64)RX, GSI, 0, 0), -EPERM);

	pvi_allow(rx, TX, GSI);
	ASSERT_EQ(__pvi_revoke(rx, TX, GSI2), -ENOENT);
	pvi_revoke(rx, TX, KVM_PVI_GSI_ANY);
	ASSERT_EQ(ring(GSI), KVM_PVI_RAISED);
	ASSERT_EQ(ring(GSI2), -EPERM);
}

/* No such VM, not exposed, not allowed: the same to a sender, whichever way it asks */
static void test_one_refusal(void)
{
	struct vm *vm = vm_create(1, 0);
	const struct { u8 *uuid; u32 gsi; } targets[] = {
		{ NOBODY, GSI }, { RX, HIDDEN }, { RX, GSI2 }, { pvi_uuid[3], GSI }
	};
	struct kvm_pvi_bind bind = { .size = sizeof(bind), .vm_fd = -1 };
	int grants_only = pvi_open();
	u32 i, nr, port;

	prepare();
	close(tx);
	tx = pvi_bind(vm, TX);
	pvi_allow(rx, TX, GSI);
	bind.flags = KVM_PVI_BIND_HOST | KVM_PVI_BIND_GRANTS_ONLY;
	memcpy(bind.uuid, pvi_uuid[3], sizeof(bind.uuid));
	pvi_ioctl(grants_only, KVM_PVI_BIND, &bind);
	expose_wired(grants_only, GSI);
	pvi_allow(grants_only, TX, GSI);

	for (i = 0; i < ARRAY_SIZE(targets); i++) {
		for (nr = KVM_HC_PVI; nr <= KVM_HC_PVI_CONNECT; nr += KVM_HC_PVI_CONNECT - KVM_HC_PVI) {
			struct hcall regs = {
				.rax = nr, .rbx = (u64)targets[i].uuid, .rcx = targets[i].gsi,
			};

			ASSERT_EQ(vcpu_hypercall_in_mode(&vm->vcpus[0], GUEST_LONG64, &regs), -EPERM);
			ASSERT_EQ(regs.rbx, (u64)targets[i].uuid);
		}
		ASSERT_EQ(__pvi_connect(tx, targets[i].uuid, targets[i].gsi, &port), -EPERM);
		ASSERT_EQ(port, KVM_PVI_PORT_ANY);
	}
	ASSERT_EQ(ring(GSI), KVM_PVI_RAISED);
}

/* All 128 bits of a name count, of a receiver's and of a sender's */
static void test_every_bit(void)
{
	static u8 near[KVM_PVI_UUID_SIZE] __aligned(16);
	u32 bit;

	prepare();
	for (bit = 0; bit < 128; bit++) {
		memcpy(near, TX, sizeof(near));
		near[bit / 8] ^= 1 << bit % 8;
		pvi_allow(rx, near, GSI);
		ASSERT_EQ(ring(GSI), -EPERM);
	}
	pvi_allow(rx, TX, GSI);
	for (bit = 0; bit < 128; bit++) {
		memcpy(near, RX, sizeof(near));
		near[bit / 8] ^= 1 << bit % 8;
		ASSERT_EQ(pvi_call(tx, KVM_HC_PVI, (u64)near, GSI, 0, 0), -EPERM);
	}
	ASSERT_EQ(ring(GSI), KVM_PVI_RAISED);
	ASSERT_EQ(read_eventfd(sink), 1);
}

/* Allows names that differ from TX in the upper bits of two bytes: a full table */
static void allow_series(u32 byte, u32 other)
{
	u8 name[KVM_PVI_UUID_SIZE];
	u32 i;

	prepare();
	memcpy(name, TX, sizeof(name));
	for (i = 0; i < 4096; i++) {
		name[byte] = TX[byte] ^ (i & 63) << 2;
		name[other] = TX[other] ^ (i >> 6) << 2;
		pvi_allow(rx, name, GSI);
	}
	ASSERT_EQ(ring(GSI), KVM_PVI_RAISED);
	close(rx);
	close(tx);
}

/* Names come in series, or are chosen by somebody who knows how a table may be slowed down */
static void test_series(void)
{
	allow_series(15, 14);
	allow_series(7, 15);
	allow_series(0, 8);
}

static void ring_as(u64 uid)
{
	set_euid(uid);
	tx = pvi_bind(NULL, TX);
	ASSERT_EQ(ring(GSI), uid == 1000 ? KVM_PVI_RAISED : -EPERM);
	close(tx);
}

static void allow_from_namespace(u64 unused)
{
	struct kvm_pvi_allow allow = allow_arg(TX, GSI);

	(void)unused;
	enter_user_namespace(100000);
	allow.flags = KVM_PVI_ALLOW_OWNER;
	allow.owner = 1;
	ASSERT_EQ(__pvi_ioctl(rx, KVM_PVI_ALLOW, &allow), -EINVAL);
	allow_owner(GSI, 0);
}

/* Whoever is 0 there may ring: root, who is 0 here, may not */
static void test_owner_pin_namespace(void)
{
	struct kvm_pvi_bind bind = {
		.size = sizeof(bind), .flags = KVM_PVI_BIND_HOST | KVM_PVI_BIND_OWNER, .vm_fd = -1, .owner = 100000,
	};

	prepare();
	child_join(child_run(allow_from_namespace, 0));
	ASSERT_EQ(ring(GSI), -EPERM);
	close(tx);
	tx = pvi_open();
	memcpy(bind.uuid, TX, sizeof(bind.uuid));
	pvi_ioctl(tx, KVM_PVI_BIND, &bind);
	ASSERT_EQ(ring(GSI), KVM_PVI_RAISED);
}

/* The pin is on who opened the sender's endpoint, or whom root named as its owner */
static void test_owner_pin(void)
{
	struct kvm_pvi_bind bind = { .size = sizeof(bind), .vm_fd = -1, .owner = 1000 };

	prepare();
	allow_owner(GSI, 1000);
	ASSERT_EQ(ring(GSI), -EPERM);
	close(tx);
	child_join(child_run(ring_as, 1000));
	child_join(child_run(ring_as, 1001));

	tx = pvi_open();
	bind.flags = KVM_PVI_BIND_HOST | KVM_PVI_BIND_OWNER;
	memcpy(bind.uuid, TX, sizeof(bind.uuid));
	pvi_ioctl(tx, KVM_PVI_BIND, &bind);
	ASSERT_EQ(ring(GSI), KVM_PVI_RAISED);
	allow_owner(GSI, 1001);
	ASSERT_EQ(ring(GSI), -EPERM);
	pvi_allow(rx, TX, KVM_PVI_GSI_ANY);
	ASSERT_EQ(ring(GSI), KVM_PVI_RAISED);
}

static u64 now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

/* Rings without pause for a while, returns how many were accepted, and checks that it is all */
static u32 storm(u32 ms)
{
	u64 end = now_ms() + ms;
	u32 accepted = 0;

	while (now_ms() < end) {
		int ret = ring(GSI);

		if (ret != -EAGAIN)
			ASSERT_EQ(ret, KVM_PVI_RAISED);
		accepted += ret == KVM_PVI_RAISED;
	}
	ASSERT_EQ(read_eventfd(sink), accepted);
	return accepted;
}

static void test_rate(void)
{
	static const struct { u32 rate, burst; } rates[] = {
		{ 1, 1 }, { 10, 5 }, { 1000, 1 }, { 333, 50 }, { 3000, 100 }
	};
	u32 i, accepted;
	u64 start;

	for (i = 0; i < ARRAY_SIZE(rates); i++) {
		prepare();
		allow_rate(GSI, rates[i].rate, rates[i].burst);
		start = now_ns();
		accepted = storm(200);
		ASSERT_GE(accepted, rates[i].burst);
		ASSERT_LE(accepted, rates[i].burst + (now_ns() - start) * rates[i].rate / 1000000000);
		ASSERT_TRUE(wait_until(ring(GSI) == KVM_PVI_RAISED, 5000));
		close(rx);
		close(tx);
	}
}

/* One bucket for each row, whatever way the ring takes; it outlives the sender's ports and it */
static void test_bucket_is_the_rows(void)
{
	u32 port;

	prepare();
	allow_rate(GSI, 1, 3);
	port = pvi_connect(tx, RX, GSI);
	ASSERT_EQ(notify(port), KVM_PVI_RAISED);
	ASSERT_EQ(ring(GSI), KVM_PVI_RAISED);
	ASSERT_EQ(notify(pvi_connect(tx, RX, GSI)), KVM_PVI_RAISED);
	ASSERT_EQ(notify(port), -EAGAIN);
	ASSERT_EQ(ring(GSI), -EAGAIN);
	pvi_close_port(tx, port);
	close(tx);
	tx = pvi_bind(NULL, TX);
	ASSERT_EQ(ring(GSI), -EAGAIN);
	ASSERT_EQ(notify(pvi_connect(tx, RX, GSI)), -EAGAIN);
	pvi_allow(rx, TX, GSI2);
	ASSERT_EQ(ring(GSI2), KVM_PVI_RAISED);
}

/* Rings taken stay taken when the row is replaced; they come back at the new rate */
static void test_replace_keeps_tokens(void)
{
	u32 i;

	prepare();
	allow_rate(GSI, 1, 100);
	for (i = 0; i < 100; i++)
		ASSERT_EQ(ring(GSI), KVM_PVI_RAISED);
	allow_rate(GSI, 1, 100);
	ASSERT_EQ(ring(GSI), -EAGAIN);
	allow_rate(GSI, 1, 50);
	ASSERT_EQ(ring(GSI), -EAGAIN);
	allow_rate(GSI, 100, 50);
	ASSERT_TRUE(wait_until(ring(GSI) == KVM_PVI_RAISED, 5000));
	pvi_allow(rx, TX, GSI);
	for (i = 0; i < 200; i++)
		ASSERT_EQ(ring(GSI), KVM_PVI_RAISED);
}

static const struct test_case cases[] = {
	{ "arguments", test_arguments },
	{ "sender_unborn", test_sender_unborn },
	{ "per_gsi", test_per_gsi },
	{ "any", test_any },
	{ "one_refusal", test_one_refusal },
	{ "every_bit", test_every_bit },
	{ "series", test_series },
	{ "owner_pin", test_owner_pin },
	{ "owner_pin_namespace", test_owner_pin_namespace },
	{ "rate", test_rate },
	{ "bucket_is_the_rows", test_bucket_is_the_rows },
	{ "replace_keeps_tokens", test_replace_keeps_tokens },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_KVM | TEST_REQUIRE_PVI);
}
