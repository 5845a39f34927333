// SPDX-License-Identifier: GPL-2.0
/*
 * pvi_ring.h between two guests, unchanged: sections in memory of which each guest can write only its
 * own, wakes by kvm_pvi. All messages arrive whole and in order, a sender whose receiver is awake
 * does not leave its guest, and a guest that is started anew has another session.
 */
#include <linux/pvi_ring.h>

#include "pvi_test.h"

#define PIN		20
#define VECTOR		0x40
#define OWN_GPA		0x80000000UL
#define PEER_GPA	0x90000000UL
#define DATA		(1u << 20)
#define SECTION		(PAGE_SIZE + DATA)
#define LONGEST		2000
#define MANY		20000

/* In the image, which is the memory of both guests; each uses the one of its number */
static struct side {
	struct pvi_ring_link link;
	struct pvi_ring_tx tx;
	struct pvi_ring_rx rx;
	u32 port;
	u64 rings;
	u8 copy[LONGEST] __aligned(8);
} sides[2];

static u64 stop;

static struct vm *vms[2];
static void *sections[2];
static int fds[2];

static void make_section(u32 who)
{
	struct pvi_ring_header *header = sections[who];
	struct pvi_ring_shape *shape = &header->shape;

	shape->magic = PVI_RING_MAGIC;
	shape->version = PVI_RING_VERSION;
	shape->kind = PVI_RING_RAW;
	shape->side = who;
	memcpy(shape->link, pvi_uuid[9], sizeof(shape->link));
	memcpy(shape->owner, pvi_uuid[who], sizeof(shape->owner));
	memcpy(shape->peer, pvi_uuid[1 - who], sizeof(shape->peer));
	shape->gsi = PIN;
	shape->gsis = 1;
	shape->peer_gsi = PIN;
	shape->peer_gsis = 1;
	shape->queues = 1;
	shape->data_offset = PAGE_SIZE;
	shape->data_size = DATA;
}

static void make_vm(u32 who)
{
	vms[who] = vm_create(1, 0);
	vm_map_mem(vms[who], OWN_GPA, sections[who], SECTION, 0);
	vm_map_mem(vms[who], PEER_GPA, sections[1 - who], SECTION, KVM_MEM_READONLY);
	vm_ioapic_set(vms[who], PIN, VECTOR, 0, 0);
	fds[who] = pvi_bind(vms[who], pvi_uuid[who]);
	pvi_expose(fds[who], PIN, KVM_PVI_GSI_DIRECT);
	pvi_allow(fds[who], pvi_uuid[1 - who], PIN);
}

static void make(void)
{
	u32 i;

	for (i = 0; i < 2; i++) {
		sections[i] = map_shared(memfd_create_sized(SECTION), SECTION);
		make_section(i);
	}
	for (i = 0; i < 2; i++)
		make_vm(i);
	for (i = 0; i < 2; i++)
		sides[i].port = pvi_connect(fds[i], pvi_uuid[1 - i], PIN);
}

/* A peer that has died is no error here: it looks when it comes */
static __guest void ring_peer(struct side *side)
{
	side->rings++;
	guest_hypercall(KVM_HC_NOTIFY, side->port, 0, 0, 0);
}

/* Until a session runs */
static __guest void come_up(struct side *side)
{
	int step;

	GUEST_ASSERT(pvi_ring_pair(&side->link, (void *)OWN_GPA, SECTION, (void *)PEER_GPA, SECTION));
	pvi_ring_start(&side->link, 1, 0);
	ring_peer(side);
	while (PVI_RING_STATE(side->link.life) != PVI_RING_RUN) {
		step = pvi_ring_step(&side->link);
		if (step < 0)
			pvi_ring_start(&side->link, 1, 0);
		if (step)
			ring_peer(side);
		else
			guest_irq_wait();
	}
	pvi_ring_open(&side->link, 0, &side->tx, &side->rx);
}

static __guest u32 length_of(u64 number)
{
	return number * 2654435761u % (number % 8 ? 100 : LONGEST + 1);
}

static __guest u8 byte_of(u64 number, u32 i)
{
	return number * 31 + i;
}

/* False: the session is over */
static __guest bool send(struct side *side, u64 number)
{
	u32 len = length_of(number), i;
	u8 *to;

	while (!(to = pvi_ring_reserve(&side->tx, len))) {
		GUEST_ASSERT_NE(side->tx.end.error, PVI_RING_BROKEN);
		if (side->tx.end.error)
			return false;
		if (!pvi_ring_arm_tx(&side->tx, len))
			guest_irq_wait();
	}
	for (i = 0; i < len; i++)
		to[i] = byte_of(number, i);
	pvi_ring_commit(&side->tx, to, len);
	if (pvi_ring_publish(&side->tx))
		ring_peer(side);
	return true;
}

/* Returns whether there was a message; it is the one of @number */
static __guest bool take(struct side *side, u64 number)
{
	const u8 *from;
	u32 len, i;

	from = pvi_ring_take(&side->rx, &len);
	GUEST_ASSERT_NE(side->rx.end.error, PVI_RING_BROKEN);
	if (!from)
		return false;
	GUEST_ASSERT_EQ(len, length_of(number));
	for (i = 0; i < len; i++)
		side->copy[i] = from[i];
	for (i = 0; i < len; i++)
		GUEST_ASSERT_EQ(side->copy[i], byte_of(number, i));
	return true;
}

static __guest void release(struct side *side)
{
	if (pvi_ring_release(&side->rx))
		ring_peer(side);
}

static __guest u64 guest_send(u64 count)
{
	u64 i;

	come_up(&sides[0]);
	for (i = 0; i < count; i++)
		GUEST_ASSERT(send(&sides[0], i));
	return sides[0].rings;
}

/* Sleeps whenever there is nothing */
static __guest u64 guest_receive(u64 count)
{
	struct side *side = &sides[1];
	u64 i = 0;

	come_up(side);
	while (i < count) {
		if (take(side, i)) {
			i++;
			continue;
		}
		release(side);
		if (!pvi_ring_arm_rx(&side->rx, 8))
			guest_irq_wait();
	}
	release(side);
	return side->rings;
}

static void test_messages(void)
{
	u64 count = test_long() ? 10 * MANY : MANY, rings[2];

	make();
	vcpu_run_thread(&vms[1]->vcpus[0], guest_receive, count);
	vcpu_run_thread(&vms[0]->vcpus[0], guest_send, count);
	rings[0] = vcpu_join(&vms[0]->vcpus[0]);
	rings[1] = vcpu_join(&vms[1]->vcpus[0]);
	test_diag("%llu messages, %llu rings of the sender, %llu of the receiver", count, rings[0],
		  rings[1]);
}

/* One that never sleeps, and so has not asked for rings */
static __guest u64 guest_poll(u64 arg)
{
	struct side *side = &sides[1];
	u64 i = 0;

	(void)arg;
	come_up(side);
	guest_sync(1);
	while (!READ_ONCE(stop)) {
		if (take(side, i)) {
			i++;
			release(side);
		} else {
			guest_pause();
		}
	}
	while (take(side, i))
		i++;
	return i;
}

/* Has its memory before anything is counted */
static __guest u64 guest_come_up(u64 who)
{
	u64 at;

	for (at = PAGE_SIZE; at < SECTION; at += PAGE_SIZE)
		WRITE_ONCE(*(u64 *)(OWN_GPA + at), 0);
	come_up(&sides[who]);
	return 0;
}

static u64 sent;

static __guest u64 guest_send_more(u64 count)
{
	sides[0].rings = 0;
	for (; count; count--)
		GUEST_ASSERT(send(&sides[0], sent++));
	return sides[0].rings;
}

/* All exits but those that the host's own interrupts made */
static u64 cost(u64 count)
{
	struct vcpu *vcpu = &vms[0]->vcpus[0];
	u64 before = vcpu_stat(vcpu, "exits") - vcpu_stat(vcpu, "irq_exits");

	ASSERT_EQ(vcpu_call(vcpu, guest_send_more, count), 0);
	return vcpu_stat(vcpu, "exits") - vcpu_stat(vcpu, "irq_exits") - before;
}

/* A thousand messages cost the exits that one does: those of the test itself */
static void test_awake(void)
{
	u64 one, calls;

	make();
	vcpu_run_thread(&vms[1]->vcpus[0], guest_poll, 0);
	vcpu_call(&vms[0]->vcpus[0], guest_come_up, 0);
	vcpu_wait_sync(&vms[1]->vcpus[0], 1);
	cost(100);
	one = cost(1);
	calls = vcpu_stat(&vms[0]->vcpus[0], "hypercalls");
	ASSERT_EQ(cost(1000), one);
	ASSERT_EQ(vcpu_stat(&vms[0]->vcpus[0], "hypercalls"), calls);
	WRITE_ONCE(stop, 1);
	ASSERT_EQ(vcpu_join(&vms[1]->vcpus[0]), 1101);
}

static __guest u64 guest_store(u64 gpa)
{
	guest_mmio_write(gpa, ~0U);
	return 0;
}

/* A store to the peer's section changes nothing: it is an exit to the VMM */
static void test_peer_is_read_only(void)
{
	u64 gpa = PEER_GPA + PVI_RING_QUEUES;

	make();
	vcpu_start(&vms[0]->vcpus[0], guest_store, gpa);
	ASSERT_EQ(__vcpu_run(&vms[0]->vcpus[0]), 0);
	ASSERT_EQ(vms[0]->vcpus[0].run->exit_reason, KVM_EXIT_MMIO);
	ASSERT_EQ(vms[0]->vcpus[0].run->mmio.phys_addr, gpa);
	ASSERT_EQ(*(u32 *)(sections[1] + PVI_RING_QUEUES), 0);
}

/* Sends to whoever comes, and tells of each session that has ended; numbers begin anew with it */
static __guest u64 guest_send_again(u64 sessions)
{
	struct side *side = &sides[0];
	u64 i, n;

	for (n = 1; n <= sessions; n++) {
		come_up(side);
		guest_sync(n);
		for (i = 0; send(side, i); i++)
			;
	}
	return PVI_RING_SESSION(side->link.life);
}

/* Until told to stop; each life of it begins with message 0 */
static __guest u64 guest_receive_again(u64 arg)
{
	struct side *side = &sides[1];
	u64 i = 0;

	come_up(side);
	do {
		if (!take(side, i)) {
			release(side);
			if (!pvi_ring_arm_rx(&side->rx, 8))
				guest_irq_wait();
			continue;
		}
		if (++i == arg)
			guest_sync(1);
	} while (!READ_ONCE(stop));
	return 0;
}

/* The receiver's VM dies in the middle, and another one takes its place and its section */
static void test_restart(void)
{
	u32 n;

	make();
	vcpu_run_thread(&vms[0]->vcpus[0], guest_send_again, 6);
	for (n = 1; n <= 5; n++) {
		vcpu_run_thread(&vms[1]->vcpus[0], guest_receive_again, 100 * n);
		vcpu_wait_sync(&vms[0]->vcpus[0], n);
		vcpu_wait_sync(&vms[1]->vcpus[0], 1);
		vm_free(vms[1]);
		close(fds[1]);
		make_vm(1);
		sides[1].port = pvi_connect(fds[1], pvi_uuid[0], PIN);
		sides[0].port = pvi_connect(fds[0], pvi_uuid[1], PIN);
		ASSERT_TRUE(((struct pvi_ring_header *)sections[1])->life);
	}
	vcpu_stop(&vms[0]->vcpus[0]);
}

static const struct test_case cases[] = {
	{ "messages", test_messages, 120 },
	{ "awake", test_awake, 60 },
	{ "peer_is_read_only", test_peer_is_read_only },
	{ "restart", test_restart, 120 },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_KVM | TEST_REQUIRE_PVI);
}
