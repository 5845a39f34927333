// SPDX-License-Identifier: GPL-2.0
/*
 * Each call that may sleep in its caller's memory is stopped there, by userfaultfd, and everything
 * else that can be done to its endpoint, its peer and its VM is done meanwhile. Nothing waits for
 * the one that sleeps; it ends when its memory comes, and then names and GSIs are as good as new.
 */
#include <linux/userfaultfd.h>

#include "delay.h"
#include "peers.h"
#include "pvi_test.h"
#include "state.h"
#include "status.h"

#define SELF	pvi_uuid[0]
#define PEER	pvi_uuid[1]
#define THIRD	pvi_uuid[2]
#define GSI	20
#define NEW	21	/* not exposed */
#define BELL	3
#define BELL_GSI 22
#define WORD_GSI 23	/* has a status word */
#define FREE_GSI 19	/* exposed, nothing hangs on it */
#define SLOT_GPA 0x80000000UL

/* What is stopped: where it sleeps, and what it finds there at last */
static void *room;
static int uffd;
static u8 answer[PAGE_SIZE] __aligned(PAGE_SIZE);

/* The endpoint, of a VM, whose call it is; a peer, whose GSI signals @efd; @source rings the port */
static struct vm *vm;
static int self, peer, efd, source, grant;
static u64 grant_id;
static u32 port, slot;
static struct status_mem mem;
static struct blob blob;

static void begin(void)
{
	room = uffd_memory(PAGE_SIZE, &uffd);
	memset(answer, 0, sizeof(answer));
	self = pvi_bind(vm, SELF);
	peer = pvi_bind(NULL, PEER);
	efd = new_eventfd();
	source = new_eventfd();
	pvi_expose(self, GSI, KVM_PVI_GSI_DIRECT);
	pvi_expose(self, BELL_GSI, KVM_PVI_GSI_DIRECT);
	pvi_expose(self, WORD_GSI, KVM_PVI_GSI_DIRECT);
	pvi_expose(self, FREE_GSI, KVM_PVI_GSI_EVENTFD);
	pvi_expose(peer, GSI, KVM_PVI_GSI_EVENTFD);
	pvi_wire(peer, GSI, efd);
	pvi_bell(self, BELL, BELL_GSI);
	status_register(self, WORD_GSI, &mem);
	pvi_allow(self, PEER, GSI);
	pvi_allow(peer, SELF, GSI);
	port = pvi_connect(self, PEER, GSI);
	pvi_wire_source(self, source, port);
	grant = pvi_grant(self, GSI, 8, &grant_id);
	slot = vm_map_mem(vm, SLOT_GPA, vm->low, PAGE_SIZE, 0);
}

/* Whoever sleeps goes on */
static void let_go(void)
{
	struct uffdio_copy copy = { .dst = (u64)room, .src = (u64)answer, .len = PAGE_SIZE };

	ASSERT_EQ(ioctl(uffd, UFFDIO_COPY, &copy), 0);
}

static void end(void)
{
	if (slot)
		vm_unmap_mem(vm, slot);
	close(grant);
	if (self >= 0)
		close(self);
	close(peer);
	close(efd);
	close(source);
	close(uffd);
	munmap(room, PAGE_SIZE);
}

/* The calls that are stopped. Arguments must outlive them */
static struct kvm_pvi_call call_args;
static struct kvm_pvi_state state_args;
static struct kvm_pvi_list list_args;

static void sleep_in_call(struct ioctl_call *call, u32 nr, u64 arg1)
{
	call_args = (struct kvm_pvi_call){
		.size = sizeof(call_args), .nr = nr, .args = { (u64)room, arg1 },
	};
	call->cmd = KVM_PVI_CALL;
	call->arg = &call_args;
}

static void sleep_in_peers(struct ioctl_call *call)
{
	sleep_in_call(call, KVM_HC_PVI_PEERS, PAGE_SIZE);
}

static void sleep_in_connect(struct ioctl_call *call)
{
	memcpy(answer, PEER, KVM_PVI_UUID_SIZE);
	sleep_in_call(call, KVM_HC_PVI_CONNECT, GSI);
}

static void sleep_in_ring(struct ioctl_call *call)
{
	memcpy(answer, PEER, KVM_PVI_UUID_SIZE);
	sleep_in_call(call, KVM_HC_PVI, GSI);
}

static void sleep_in_state(struct ioctl_call *call, unsigned long cmd, u32 length)
{
	state_args = (struct kvm_pvi_state){
		.size = sizeof(state_args), .address = (u64)room, .length = length,
	};
	call->cmd = cmd;
	call->arg = &state_args;
}

static void sleep_in_get_state(struct ioctl_call *call)
{
	sleep_in_state(call, KVM_PVI_GET_STATE, PAGE_SIZE);
}

static void sleep_in_set_state(struct ioctl_call *call)
{
	blob_start(&blob);
	memcpy(answer, blob.bytes, blob.length);
	sleep_in_state(call, KVM_PVI_SET_STATE, blob.length);
}

static void sleep_in_list(struct ioctl_call *call)
{
	list_args = (struct kvm_pvi_list){
		.size = sizeof(list_args), .kind = KVM_PVI_LIST_ENDPOINTS,
		.record = sizeof(struct kvm_pvi_list_endpoint), .address = (u64)room, .nr = 8,
	};
	call->cmd = KVM_PVI_LIST;
	call->arg = &list_args;
}

/* Its own argument is what it waits for */
static void sleep_in_expose(struct ioctl_call *call)
{
	struct kvm_pvi_expose args = {
		.size = sizeof(args), .gsi = NEW, .kind = KVM_PVI_GSI_DIRECT,
	};

	memcpy(answer, &args, sizeof(args));
	call->cmd = KVM_PVI_EXPOSE;
	call->arg = room;
}

static void sleep_in_bind(struct ioctl_call *call)
{
	struct kvm_pvi_bind args = {
		.size = sizeof(args), .flags = KVM_PVI_BIND_HOST, .vm_fd = -1,
	};

	memcpy(args.uuid, THIRD, sizeof(args.uuid));
	memcpy(answer, &args, sizeof(args));
	call->cmd = KVM_PVI_BIND;
	call->arg = room;
}

static const struct sleeper {
	const char *name;
	void (*prepare)(struct ioctl_call *call);
} sleepers[] = {
	{ "PEERS", sleep_in_peers },
	{ "HC CONNECT", sleep_in_connect },
	{ "HC PVI", sleep_in_ring },
	{ "GET_STATE", sleep_in_get_state },
	{ "SET_STATE", sleep_in_set_state },
	{ "LIST", sleep_in_list },
	{ "EXPOSE", sleep_in_expose },
	{ "BIND", sleep_in_bind },
};

/* What is done meanwhile: 0 or -errno */

static int do_expose(void)
{
	return __pvi_expose(self, NEW, KVM_PVI_GSI_EVENTFD);
}

static int do_unexpose(void)
{
	return __pvi_gsi(self, KVM_PVI_UNEXPOSE, GSI);
}

static int do_wire(void)
{
	return __pvi_wire(self, FREE_GSI, efd);
}

static int do_kick(void)
{
	return __pvi_gsi(self, KVM_PVI_KICK, GSI);
}

static int do_allow(void)
{
	return __pvi_allow(self, THIRD, GSI);
}

static int do_revoke(void)
{
	return __pvi_revoke(self, PEER, GSI);
}

static int do_bell(void)
{
	return __pvi_bell(self, BELL + 1, FREE_GSI);
}

static int do_allow_bell(void)
{
	return __pvi_allow_bell(self, PEER, BELL, 1);
}

static int do_status(void)
{
	return __status_register(self, FREE_GSI, &mem, 1);
}

static int do_unstatus(void)
{
	return __pvi_gsi(self, KVM_PVI_UNSTATUS, WORD_GSI);
}

static int do_close_port(void)
{
	return __pvi_close_port(self, port);
}

static int do_ungrant(void)
{
	return __pvi_ungrant(self, grant_id);
}

static int do_unwire_source(void)
{
	__pvi_unwire_source(self, source, port);
	return 0;
}

static int do_peer_unexpose(void)
{
	return __pvi_gsi(peer, KVM_PVI_UNEXPOSE, GSI);
}

static int do_peer_revoke(void)
{
	return __pvi_revoke(peer, SELF, GSI);
}

static int do_reset(void)
{
	return pvi_call(self, KVM_HC_PVI_RESET, 0, 0, 0, 0);
}

static int do_set_port(void)
{
	u32 made;

	return __pvi_set_port(self, efd, &made);
}

static int do_connect(void)
{
	u32 made;

	return __pvi_connect(self, PEER, GSI, &made);
}

static int do_connect_grant(void)
{
	u32 made;

	return __pvi_connect_grant(peer, grant, &made);
}

static int do_freeze(void)
{
	struct kvm_pvi_thaw thaw = { .size = sizeof(thaw) };
	int ret = __state_get(self, KVM_PVI_STATE_FREEZE, &blob);

	return ret ?: __pvi_ioctl(self, KVM_PVI_THAW, &thaw);
}

static int do_set_state(void)
{
	int ret;

	blob_start(&blob);
	ret = __state_set(self, &blob);
	/* If the one that sleeps has connected a port meanwhile */
	return ret == -EBUSY ? 0 : ret;
}

static int do_peers(void)
{
	struct kvm_pvi_peer peers[4];

	return pvi_peers(self, peers, ARRAY_SIZE(peers), 0) < 0;
}

static int do_list(void)
{
	struct kvm_pvi_list_endpoint records[4];
	struct kvm_pvi_list args = {
		.size = sizeof(args), .kind = KVM_PVI_LIST_ENDPOINTS, .record = sizeof(records[0]),
		.address = (u64)records, .nr = ARRAY_SIZE(records),
	};

	return __pvi_ioctl(peer, KVM_PVI_LIST, &args);
}

static int do_stats(void)
{
	pvi_stats(self);
	return 0;
}

static int do_ring(void)
{
	s64 ret = pvi_call(self, KVM_HC_PVI, (u64)PEER, GSI, 0, 0);

	return ret < 0 ? ret : 0;
}

static int do_be_rung(void)
{
	s64 ret = pvi_call(peer, KVM_HC_PVI, (u64)SELF, GSI, 0, 0);

	return ret < 0 ? ret : 0;
}

static int do_signal_source(void)
{
	signal_eventfd(source);
	return 0;
}

static int do_rebind_peer(void)
{
	close(peer);
	peer = pvi_bind(NULL, PEER);
	pvi_expose(peer, GSI, KVM_PVI_GSI_EVENTFD);
	pvi_allow(peer, SELF, GSI);
	return 0;
}

/* It lives as long as a call of its own, but if it is a guest's: sleep_race_test */
static int do_close(void)
{
	close(self);
	self = -1;
	return 0;
}

static int do_routing(void)
{
	vm_set_routing(vm);
	return 0;
}

static int do_unmap(void)
{
	vm_unmap_mem(vm, slot);
	slot = 0;
	return 0;
}

static const struct deed {
	const char *name;
	int (*run)(void);
} deeds[] = {
	{ "EXPOSE", do_expose },
	{ "UNEXPOSE", do_unexpose },
	{ "WIRE", do_wire },
	{ "KICK", do_kick },
	{ "ALLOW", do_allow },
	{ "REVOKE", do_revoke },
	{ "BELL", do_bell },
	{ "ALLOW of a bell", do_allow_bell },
	{ "STATUS", do_status },
	{ "UNSTATUS", do_unstatus },
	{ "SET_PORT", do_set_port },
	{ "CONNECT", do_connect },
	{ "CLOSE_PORT", do_close_port },
	{ "UNGRANT", do_ungrant },
	{ "CONNECT by a grant", do_connect_grant },
	{ "UNWIRE_SOURCE", do_unwire_source },
	{ "a source", do_signal_source },
	{ "RESET", do_reset },
	{ "FREEZE and THAW", do_freeze },
	{ "SET_STATE", do_set_state },
	{ "PEERS", do_peers },
	{ "LIST", do_list },
	{ "GET_STATS", do_stats },
	{ "a ring", do_ring },
	{ "a ring to it", do_be_rung },
	{ "UNEXPOSE by the peer", do_peer_unexpose },
	{ "REVOKE by the peer", do_peer_revoke },
	{ "the peer anew", do_rebind_peer },
	{ "the end of the endpoint", do_close },
	{ "KVM_SET_GSI_ROUTING", do_routing },
	{ "a memory slot less", do_unmap },
};

/* Names, GSIs and rows can be used again. */
static void check_health(void)
{
	int rx = pvi_bind(vm, SELF), tx = pvi_bind(NULL, PEER);

	pvi_expose(rx, GSI, KVM_PVI_GSI_DIRECT);
	pvi_allow(rx, PEER, GSI);
	ASSERT_GE(pvi_call(tx, KVM_HC_PVI, (u64)SELF, GSI, 0, 0), 0);
	close(rx);
	close(tx);
}

static void check_race(const struct sleeper *s, const struct deed *d)
{
	struct ioctl_call call = { };
	int ret;

	begin();
	/* The call keeps the endpoint, if the deed closes it. */
	call.fd = s->prepare == sleep_in_bind ? pvi_open() : self;
	s->prepare(&call);
	if (!ioctl_start(&call))
		TEST_FAIL("%s does not sleep", s->name);
	ASSERT_TRUE(wait_readable(uffd, 10000));
	/* If it waits for the one that sleeps, the test's deadline tells. */
	test_diag("%s, meanwhile %s", s->name, d->name);
	ret = d->run();
	if (ret)
		TEST_FAIL("%s, meanwhile %s: %d", s->name, d->name, ret);
	let_go();
	ret = ioctl_join(&call);
	if (ret && ret != -EBUSY && ret != -EEXIST)
		TEST_FAIL("%s, meanwhile %s, gives %d", s->name, d->name, ret);
	if (s->prepare == sleep_in_bind)
		close(call.fd);
	end();
	check_health();
}

static void test_each(void)
{
	u32 i, n;

	vm = vm_create(1, 0);
	mem = status_make();
	for (i = 0; i < ARRAY_SIZE(sleepers); i++)
		for (n = 0; n < ARRAY_SIZE(deeds); n++)
			check_race(&sleepers[i], &deeds[n]);
	test_diag("%zu calls that sleep, each beside %zu deeds", ARRAY_SIZE(sleepers), ARRAY_SIZE(deeds));
}

static const struct test_case cases[] = {
	{ "each", test_each, 120 },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_KVM | TEST_REQUIRE_PVI);
}
