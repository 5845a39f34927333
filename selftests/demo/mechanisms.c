// SPDX-License-Identifier: GPL-2.0
/*
 * kvm-pvi demo: one scene for each mechanism. Guest A of the story before rings; who is rung is a
 * guest where its side is to be seen, else a host process, whose eventfd counts.
 */
#include "demo.h"
#include "status.h"

#define MANY		64
#define BROADCAST_GSI	30
#define BURST		1000
#define BELL_GSI	31
#define BELL		0
#define DOORBELL	0x500	/* a port of A's that no device has */

/* Names from pvi_uuid[]: A is 0; a scene's receivers do not outlive it */
#define RECEIVER	pvi_uuid[10]
#define MANY_RECEIVERS	100

static const u8 everybody[KVM_PVI_UUID_SIZE] __aligned(16) = {
	[0 ... KVM_PVI_UUID_SIZE - 1] = 0xff,
};

struct call {
	u64 nr, a0, a1, a2;
};

static struct call call;
static u64 call_rbx;

static __guest u64 issue(u64 unused)
{
	u64 rbx = call.a0, ret;

	(void)unused;
	ret = guest_hypercall_rbx(call.nr, &rbx, call.a1, call.a2, 0);
	call_rbx = rbx;
	return ret;
}

/* A hypercall by guest @vm */
static s64 hypercall(struct vm *vm, u32 nr, u64 a0, u64 a1, u64 a2)
{
	call = (struct call) { nr, a0, a1, a2 };
	return vcpu_call(&vm->vcpus[0], issue, 0);
}

static u64 exits(struct vm *vm)
{
	return vcpu_stat(&vm->vcpus[0], "hypercalls");
}

static void scene_many(struct vm *a, int a_fd)
{
	int rx[MANY], efd[MANY], i, woken = 0;
	u32 first = 0;
	u64 before;
	s64 ret;

	for (i = 0; i < MANY; i++) {
		rx[i] = pvi_receiver(pvi_uuid[MANY_RECEIVERS + i], BROADCAST_GSI, pvi_uuid[0],
				     &efd[i]);
		ret = pvi_connect(a_fd, pvi_uuid[MANY_RECEIVERS + i], BROADCAST_GSI);
		first = i ? first : ret;
		ASSERT_EQ(ret, first + i);
	}
	before = exits(a);
	ret = hypercall(a, KVM_HC_NOTIFY_MANY, first, ~0ULL, 0);
	ASSERT_EQ(exits(a) - before, 1);
	ASSERT_EQ(call_rbx, ~0ULL);
	for (i = 0; i < MANY; i++)
		woken += read_eventfd(efd[i]);
	ASSERT_EQ(woken, MANY);
	say("HC_NOTIFY_MANY: A rings %lld ports in one exit; %d host processes were woken", ret,
	    woken);

	ret = hypercall(a, KVM_HC_PVI, (u64)everybody, BROADCAST_GSI, 0);
	for (i = 0, woken = 0; i < MANY; i++)
		woken += read_eventfd(efd[i]);
	ASSERT_EQ(ret, woken);
	ASSERT_GT(woken, 0);
	say("broadcast: A rings GSI %d of the max UUID, one exit: %d of the first %d peers accepted",
	    BROADCAST_GSI, woken, KVM_PVI_BROADCAST_MAX);
	for (i = 0; i < MANY; i++)
		close(rx[i]);
	for (i = 0; i < MANY; i++)
		pvi_close_port(a_fd, first + i);
}

static void scene_bell(struct vm *a, int a_fd)
{
	int efd = new_eventfd(), rx = pvi_bind(NULL, RECEIVER);
	u32 port;
	u64 old;

	pvi_expose(rx, BELL_GSI, KVM_PVI_GSI_EVENTFD);
	pvi_wire(rx, BELL_GSI, efd);
	pvi_bell(rx, BELL, BELL_GSI);
	pvi_allow_bell(rx, pvi_uuid[0], BELL, 0xf);
	port = pvi_connect(a_fd, RECEIVER, BELL_GSI);
	ASSERT_EQ(hypercall(a, KVM_HC_BELL_SEND, port, 0x5, 0), KVM_PVI_RAISED);
	ASSERT_EQ(hypercall(a, KVM_HC_BELL_SEND, port, 0x10, 0), -EPERM);
	ASSERT_EQ(pvi_call_rbx(rx, KVM_HC_BELL_RECEIVE, BELL, ~0ULL, 0, 0, &old), 0);
	ASSERT_EQ(read_eventfd(efd), 1);
	ASSERT_EQ(old, 0x5);
	say("a bell of which A is granted flags 0xf: A sends 0x5, raised; the receiver takes %#llx",
	    old);
	detail("A sends 0x10: refused, -EPERM, and nothing changed");
	close(rx);
	pvi_close_port(a_fd, port);
}

static u32 status_port;
static u64 status_calls;

static __guest u64 ring_by_status(u64 rings)
{
	while (rings--) {
		if (kvm_pvi_status_owed(guest_seen))
			continue;
		status_calls++;
		guest_hypercall(KVM_HC_NOTIFY, status_port, 0, 0, 0);
	}
	return status_calls;
}

static void scene_status(void)
{
	struct status_mem mem = status_make();
	struct vm *rx, *tx;
	int rx_fd, tx_fd;
	u64 before;

	rx = status_receiver(&mem, RECEIVER, KVM_PVI_GSI_DIRECT, STATUS_PIN, &rx_fd);
	tx = status_sender(&mem, pvi_uuid[11], &tx_fd);
	pvi_allow(rx_fd, pvi_uuid[11], STATUS_PIN);
	status_port = pvi_connect(tx_fd, RECEIVER, STATUS_PIN);
	before = exits(tx);
	ASSERT_EQ(vcpu_call(&tx->vcpus[0], ring_by_status, BURST), 1);
	ASSERT_EQ(exits(tx) - before, 1);
	say("a status word: %d rings to a receiver that is busy were %llu exit", BURST,
	    status_calls);
	vm_free(tx);
	vm_free(rx);
	close(tx_fd);
	close(rx_fd);
}

#define VIRTUAL		KVM_PVI_GSI_VIRTUAL
#define VIRTUAL_VECTOR	0x50

static __guest u64 listen_twice(u64 unused)
{
	u64 i;

	(void)unused;
	for (i = 0; i < 2; i++) {
		guest_hypercall(KVM_HC_PVI_SET_MSI, VIRTUAL, 0xfee00000, VIRTUAL_VECTOR + i, 0);
		guest_sync(i + 1);
		guest_wait_irqs(VIRTUAL_VECTOR + i, 1);
	}
	return 0;
}

static void scene_virtual_gsi(struct vm *a)
{
	struct vm *rx = vm_create(1, 0);
	int rx_fd = pvi_bind(rx, RECEIVER), i;

	pvi_expose(rx_fd, VIRTUAL, KVM_PVI_GSI_MSI);
	pvi_allow(rx_fd, pvi_uuid[0], VIRTUAL);
	ASSERT_EQ(hypercall(a, KVM_HC_PVI, (u64)RECEIVER, VIRTUAL, 0), KVM_PVI_LATCHED);
	vcpu_run_thread(&rx->vcpus[0], listen_twice, 0);
	vcpu_wait_sync(&rx->vcpus[0], 2);
	ASSERT_EQ(hypercall(a, KVM_HC_PVI, (u64)RECEIVER, VIRTUAL, 0), KVM_PVI_RAISED);
	vcpu_join(&rx->vcpus[0]);
	for (i = 0; i < 2; i++)
		ASSERT_EQ(vcpu_irq_count(&rx->vcpus[0], VIRTUAL_VECTOR + i), 1);
	say("a virtual GSI: rung before the guest points it anywhere, latched; it points it at");
	detail("vector %#x and gets it; moves it to vector %#x, and the next ring comes there",
	       VIRTUAL_VECTOR, VIRTUAL_VECTOR + 1);
	vm_free(rx);
	close(rx_fd);
}

static void scene_source(struct vm *a, int a_fd)
{
	int efd, rx = pvi_receiver(RECEIVER, GSI, pvi_uuid[0], &efd), fd = new_eventfd();
	u32 port = pvi_connect(a_fd, RECEIVER, GSI);

	pvi_wire_source(a_fd, fd, port);
	vm_ioeventfd_port(a, DOORBELL, 1, fd);
	vcpu_outb_in_mode(&a->vcpus[0], GUEST_REAL16, DOORBELL, 1);
	ASSERT_TRUE(wait_readable(efd, 5000));
	ASSERT_EQ(read_eventfd(efd), 1);
	vcpu_outb_in_mode(&a->vcpus[0], GUEST_USER64, DOORBELL, 1);
	ASSERT_TRUE(wait_readable(efd, 5000));
	say("a source: a port write in real mode, and one in ring 3, where no hypercall can be");
	detail("issued, rang a peer by a stock KVM_IOEVENTFD");
	pvi_unwire_source(a_fd, fd, port);
	close(rx);
	pvi_close_port(a_fd, port);
}

static void scene_grant(struct vm *a, int a_fd)
{
	int efd = new_eventfd(), rx = pvi_bind(NULL, RECEIVER), fd;
	u64 id;
	u32 port;

	pvi_expose(rx, GSI, KVM_PVI_GSI_EVENTFD);
	pvi_wire(rx, GSI, efd);
	ASSERT_EQ(hypercall(a, KVM_HC_PVI, (u64)RECEIVER, GSI, 0), -EPERM);
	fd = pvi_grant(rx, GSI, 1, &id);
	port = pvi_connect_grant(a_fd, fd);
	ASSERT_EQ(hypercall(a, KVM_HC_NOTIFY, port, 0, 0), KVM_PVI_RAISED);
	ASSERT_EQ(read_eventfd(efd), 1);
	pvi_ungrant(rx, id);
	ASSERT_EQ(hypercall(a, KVM_HC_NOTIFY, port, 0, 0), -EPERM);
	say("a grant: A is in no table of the receiver, but its VMM was handed a descriptor: A rings");
	detail("by it, raised; the receiver takes the grant back: -EPERM");
	close(fd);
	close(rx);
	pvi_close_port(a_fd, port);
}

static void scene_rate(struct vm *a)
{
	int efd, rx = pvi_receiver(RECEIVER, GSI, pvi_uuid[0], &efd), i;
	u32 raised = 0, refused = 0;

	pvi_allow_rate(rx, pvi_uuid[0], GSI, 1, 3);
	for (i = 0; i < 10; i++) {
		s64 ret = hypercall(a, KVM_HC_PVI, (u64)RECEIVER, GSI, 0);

		ASSERT_TRUE(ret == KVM_PVI_RAISED || ret == -EAGAIN);
		raised += ret == KVM_PVI_RAISED;
		refused += ret == -EAGAIN;
	}
	ASSERT_GE(raised, 3);
	ASSERT_GT(refused, 0);
	ASSERT_EQ(read_eventfd(efd), raised);
	say("a rate of 1 ring a second, 3 at once: of 10 rings %u were raised, %u throttled, -EAGAIN",
	    raised, refused);
	close(rx);
}

static void state_ioctl(int fd, unsigned long cmd, u32 flags, struct kvm_pvi_state *state,
			void *blob, u32 room)
{
	state->size = sizeof(*state);
	state->flags = flags;
	state->address = (u64)blob;
	state->length = room;
	pvi_ioctl(fd, cmd, state);
}

static void scene_state(void)
{
	int efd, rx = pvi_receiver(RECEIVER, GSI, pvi_uuid[11], &efd), fd;
	struct kvm_pvi_state state = { 0 };
	struct vm *vm = vm_create(1, 0);
	u8 blob[4096];
	u32 length;
	s64 port;

	fd = pvi_bind(vm, pvi_uuid[11]);
	port = hypercall(vm, KVM_HC_PVI_CONNECT, (u64)RECEIVER, GSI, 0);
	ASSERT_GE(port, 0);
	state_ioctl(fd, KVM_PVI_GET_STATE, KVM_PVI_STATE_FREEZE, &state, blob, sizeof(blob));
	length = state.length;
	ASSERT_LE(length, sizeof(blob));
	close(fd);
	vm_free(vm);

	vm = vm_create(1, 0);
	fd = pvi_bind(vm, pvi_uuid[11]);
	state_ioctl(fd, KVM_PVI_SET_STATE, 0, &state, blob, length);
	ASSERT_EQ(hypercall(vm, KVM_HC_NOTIFY, port, 0, 0), KVM_PVI_RAISED);
	ASSERT_EQ(read_eventfd(efd), 1);
	say("a guest is saved (%u bytes), dies and is restored: the port that it had made rings", length);
	close(fd);
	vm_free(vm);
	close(rx);
}

static void scene_death(struct vm *a, int a_fd)
{
	struct kvm_pvi_peer peer;
	int efd, rx;
	u32 port;
	u64 epoch;

	pvi_drop_events(a_fd);
	rx = pvi_bind_epoch(RECEIVER, &epoch);
	efd = new_eventfd();
	pvi_expose(rx, GSI, KVM_PVI_GSI_EVENTFD);
	pvi_wire(rx, GSI, efd);
	pvi_allow(rx, pvi_uuid[0], GSI);
	pvi_expect_event(a_fd, KVM_PVI_EVENT_PEER_UP, RECEIVER, epoch);
	port = pvi_connect(a_fd, RECEIVER, GSI);
	ASSERT_GE(pvi_peers(a_fd, &peer, 1, 0), 1);
	close(rx);
	pvi_expect_event(a_fd, KVM_PVI_EVENT_PEER_DOWN, RECEIVER, epoch);
	rx = pvi_receiver(RECEIVER, GSI, pvi_uuid[0], &efd);
	ASSERT_EQ(hypercall(a, KVM_HC_NOTIFY, port, 0, 0), -ENXIO);
	ASSERT_EQ(read_eventfd(efd), 0);
	ASSERT_EQ(hypercall(a, KVM_HC_PVI, (u64)RECEIVER, GSI, 0), KVM_PVI_RAISED);
	say("a peer came and died: A's VMM read both events, and A's port to it answers -ENXIO,");
	detail("though a successor of that name lives, whom A rings by UUID");
	close(rx);
	pvi_close_port(a_fd, port);
}

void demo_mechanisms(struct vm *a, int a_fd)
{
	scene_many(a, a_fd);
	scene_bell(a, a_fd);
	scene_status();
	scene_virtual_gsi(a);
	scene_source(a, a_fd);
	scene_grant(a, a_fd);
	scene_rate(a);
	scene_state();
	scene_death(a, a_fd);
}
