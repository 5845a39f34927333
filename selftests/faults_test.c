// SPDX-License-Identifier: GPL-2.0
/*
 * Of each call (faults[]) every allocation fails in turn, and every access to the caller's memory; of a guest's
 * hypercalls what KVM_RUN does for them. A call that says ENOMEM or EFAULT has changed nothing: all that can be seen
 * of the endpoints is as before, the same call without a failure does all that it is to do, and of ENOMEM nobody has
 * heard. But one by KVM_PVI_CALL that could not say what it has done has done it all. What it had taken until then is
 * given back; kmemleak sees to that. For the debug kernel, which has fault injection.
 */
#include <fcntl.h>

#include "pvi_test.h"
#include "state.h"
#include "status.h"

#define RX	pvi_uuid[0]
#define TX	pvi_uuid[1]
#define OTHER	pvi_uuid[2]
#define GSI	20
#define BARE	21	/* exposed, nothing hangs on it */
#define NEW	22	/* not exposed */
#define BELL	3
#define PORT	0	/* connected to GSI */
#define BELL_PORT 1	/* connected to BARE, once that has the bell */
#define NEVER	500	/* more allocations than any call makes */
#define DEBUGFS	"/sys/kernel/debug/"

static struct vm *vm;
static struct status_mem mem;
static int rx, tx, unbound, efd, source, grant;
static u64 grant_id;
static struct blob blob;
/* A port that the sender has made as a guest does */
static s64 made;
/* The endpoint of the VM, -1: it has none; what its guest calls, and what that answers */
static int guest = -1;
static struct {
	u64 nr, args[2], ret;
} guest_box;

static void make(void)
{
	rx = pvi_bind(NULL, RX);
	tx = pvi_bind(NULL, TX);
	unbound = pvi_open();
	efd = new_eventfd();
	source = new_eventfd();
	pvi_expose(rx, GSI, KVM_PVI_GSI_EVENTFD);
	pvi_expose(rx, BARE, KVM_PVI_GSI_EVENTFD);
	pvi_allow(rx, TX, GSI);
	ASSERT_EQ(pvi_connect(tx, RX, GSI), PORT);
	grant = pvi_grant(rx, GSI, 1, &grant_id);
}

static void unmake(void)
{
	if (guest >= 0)
		close(guest);
	guest = -1;
	close(grant);
	close(tx);
	close(rx);
	close(unbound);
	close(efd);
	close(source);
}

static int do_open(void)
{
	int fd = open("/dev/kvm_pvi", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static int do_bind(void)
{
	return __pvi_bind(unbound, NULL, OTHER);
}

static int do_bind_vm(void)
{
	return __pvi_bind(unbound, vm, OTHER);
}

static int do_expose(void)
{
	return __pvi_expose(rx, NEW, KVM_PVI_GSI_EVENTFD);
}

static int do_wire(void)
{
	return __pvi_wire(rx, BARE, efd);
}

static void wire_bare(void)
{
	pvi_wire(rx, BARE, efd);
}

static int do_unwire(void)
{
	return __pvi_gsi(rx, KVM_PVI_UNWIRE, BARE);
}

static int do_unexpose(void)
{
	return __pvi_gsi(rx, KVM_PVI_UNEXPOSE, BARE);
}

static int do_kick(void)
{
	return __pvi_gsi(rx, KVM_PVI_KICK, GSI);
}

static int do_bell(void)
{
	return __pvi_bell(rx, BELL, BARE);
}

static int do_status(void)
{
	return __status_register(rx, BARE, &mem, 0);
}

static void give_status(void)
{
	ASSERT_EQ(do_status(), 0);
}

static int do_unstatus(void)
{
	return __pvi_gsi(rx, KVM_PVI_UNSTATUS, BARE);
}

static int do_allow(void)
{
	return __pvi_allow(rx, OTHER, GSI);
}

static int do_allow_again(void)
{
	return __pvi_allow(rx, TX, GSI);
}

static int do_allow_any(void)
{
	return __pvi_allow(rx, TX, KVM_PVI_GSI_ANY);
}

static int do_allow_bell(void)
{
	return __pvi_allow_bell(rx, TX, BELL, 1);
}

static int do_revoke(void)
{
	return __pvi_revoke(rx, TX, GSI);
}

static int do_grant(void)
{
	int fd, ret = __pvi_grant(rx, GSI, 1, &fd, NULL);

	if (!ret)
		close(fd);
	return ret;
}

static int do_ungrant(void)
{
	return __pvi_ungrant(rx, grant_id);
}

static int do_set_port(void)
{
	u32 port;

	return __pvi_set_port(tx, efd, &port);
}

static int do_close_port(void)
{
	return __pvi_close_port(tx, PORT);
}

static int do_connect(void)
{
	u32 port;

	return __pvi_connect(tx, RX, GSI, &port);
}

static int do_connect_grant(void)
{
	u32 port;

	return __pvi_connect_grant(tx, grant, &port);
}

static int do_wire_source(void)
{
	return __pvi_wire_source(tx, source, PORT);
}

static void wire_source(void)
{
	pvi_wire_source(tx, source, PORT);
}

static int do_unwire_source(void)
{
	return __pvi_unwire_source(tx, source, PORT);
}

static int do_reserve(void)
{
	struct kvm_pvi_reserve arg = { .size = sizeof(arg), .uid = geteuid() };

	memcpy(arg.uuid, OTHER, sizeof(arg.uuid));
	return __pvi_ioctl(rx, KVM_PVI_RESERVE, &arg);
}

static int do_unreserve(void)
{
	struct kvm_pvi_reserve arg = { .size = sizeof(arg) };

	memcpy(arg.uuid, OTHER, sizeof(arg.uuid));
	return __pvi_ioctl(rx, KVM_PVI_UNRESERVE, &arg);
}

static void reserve_other(void)
{
	ASSERT_EQ(do_reserve(), 0);
}

static int do_get_state(void)
{
	return __state_get(tx, 0, &blob);
}

static int do_set_state(void)
{
	struct kvm_pvi_state_port port = port_record(7, RX, GSI);

	blob_start(&blob);
	blob_section(&blob, KVM_PVI_STATE_PORT, &port, sizeof(port), 1);
	return __state_set(tx, &blob);
}

static int do_freeze(void)
{
	return __state_get(tx, KVM_PVI_STATE_FREEZE, &blob);
}

static void freeze(void)
{
	ASSERT_EQ(do_freeze(), 0);
}

static int do_thaw(void)
{
	struct kvm_pvi_thaw arg = { .size = sizeof(arg) };

	return __pvi_ioctl(tx, KVM_PVI_THAW, &arg);
}

static int do_get_stats(void)
{
	struct kvm_pvi_stats arg = { .size = sizeof(arg) };

	return __pvi_ioctl(rx, KVM_PVI_GET_STATS, &arg);
}

static int do_get_edge(void)
{
	struct kvm_pvi_edge arg = { .size = sizeof(arg) };

	return __pvi_ioctl(rx, KVM_PVI_GET_EDGE, &arg);
}

static int do_get_info(void)
{
	struct kvm_pvi_info arg = { .size = sizeof(arg) };

	return __pvi_ioctl(unbound, KVM_PVI_GET_INFO, &arg);
}

/* A hypercall of the host's; what was answered counts only if it was */
static int call(int fd, u32 nr, u64 a0, u64 a1, u64 a2)
{
	struct kvm_pvi_call arg = { .size = sizeof(arg), .nr = nr, .args = { a0, a1, a2 } };
	int ret = __pvi_ioctl(fd, KVM_PVI_CALL, &arg);

	if (ret)
		return ret;
	return arg.ret < 0 ? arg.ret : 0;
}

static int do_call_connect(void)
{
	return call(tx, KVM_HC_PVI_CONNECT, (u64)RX, GSI, 0);
}

static void make_port(void)
{
	made = pvi_call(tx, KVM_HC_PVI_CONNECT, (u64)RX, GSI, 0, 0);
	ASSERT_GT(made, 0);
}

static int do_call_disconnect(void)
{
	return call(tx, KVM_HC_PVI_DISCONNECT, made, 0, 0);
}

static int do_call_reset(void)
{
	return call(tx, KVM_HC_PVI_RESET, 0, 0, 0);
}

static int do_call_ring(void)
{
	return call(tx, KVM_HC_PVI, (u64)RX, GSI, 0);
}

static int do_call_notify(void)
{
	return call(tx, KVM_HC_NOTIFY, PORT, 0, 0);
}

static int do_call_many(void)
{
	return call(tx, KVM_HC_NOTIFY_MANY, PORT, 1, 0);
}

static int do_call_peers(void)
{
	static struct kvm_pvi_peer peers[2];

	return call(tx, KVM_HC_PVI_PEERS, (u64)peers, sizeof(peers), 0);
}

static int do_call_arm(void)
{
	return call(rx, KVM_HC_PVI_ARM, GSI, 0, 0);
}

static int do_call_config(void)
{
	return call(rx, KVM_HC_PVI_SET_CONFIG, BARE, 0, 0);
}

static int do_call_query(void)
{
	return call(tx, KVM_HC_PVI_QUERY, KVM_PVI_Q_PORT, PORT, KVM_PVI_Q_PORT_STATE);
}

/* A bell with a flag set, which owes an interrupt, and a port to it */
static void make_bell(void)
{
	pvi_bell(rx, BELL, BARE);
	pvi_allow_bell(rx, TX, BELL, 3);
	ASSERT_EQ(pvi_connect(tx, RX, BARE), BELL_PORT);
	ASSERT_EQ(pvi_call(tx, KVM_HC_BELL_SEND, BELL_PORT, 1, 0, 0), KVM_PVI_LATCHED);
}

static int do_bell_send(void)
{
	return call(tx, KVM_HC_BELL_SEND, BELL_PORT, 2, 0);
}

static int do_bell_receive(void)
{
	return call(rx, KVM_HC_BELL_RECEIVE, BELL, 1, 0);
}

static int do_bell_mask(void)
{
	return call(rx, KVM_HC_BELL_MASK, BELL, 2, 0);
}

static int do_bell_reset(void)
{
	return call(rx, KVM_HC_BELL_RESET, BELL, 0, 0);
}

/* Comes to its call, and behind it */
static __guest u64 guest_calls(u64 arg)
{
	guest_box.ret = 0;
	guest_sync(arg);
	guest_box.ret = guest_hypercall(guest_box.nr, guest_box.args[0], guest_box.args[1], 0, 0);
	guest_sync(arg);
	return 0;
}

static void restart_guest(void)
{
	vcpu_start(&vm->vcpus[0], guest_calls, 0);
	ASSERT_EQ(vcpu_run(&vm->vcpus[0]).cmd, UCALL_SYNC);
}

static void make_guest(u64 nr, u64 a0, u64 a1)
{
	guest_box.nr = nr;
	guest_box.args[0] = a0;
	guest_box.args[1] = a1;
	if (guest < 0) {
		guest = pvi_bind(vm, OTHER);
		pvi_allow(rx, OTHER, GSI);
	}
	restart_guest();
}

/*
 * To the end of its call. What KVM_RUN says is of KVM's own, and it goes on where it was. Or it cannot, because KVM has
 * not found the instruction: then it has not passed over it, and nothing was served.
 */
static int run_guest(void)
{
	struct vcpu *vcpu = &vm->vcpus[0];
	int ret;

	do {
		ret = __vcpu_run(vcpu);
	} while (ret == -ENOMEM || ret == -EFAULT || ret == -EINTR);
	ASSERT_EQ(ret, 0);
	if (vcpu->run->exit_reason == KVM_EXIT_INTERNAL_ERROR)
		return -EFAULT;
	ASSERT_EQ(vcpu->run->exit_reason, KVM_EXIT_IO);
	return (s64)guest_box.ret < 0 ? (int)guest_box.ret : 0;
}

static void guest_connects(void)
{
	make_guest(KVM_HC_PVI_CONNECT, (u64)RX, GSI);
}

static void guest_resets(void)
{
	guest_connects();
	ASSERT_EQ(run_guest(), 0);
	make_guest(KVM_HC_PVI_RESET, 0, 0);
}

static void guest_disconnects(void)
{
	guest_connects();
	ASSERT_EQ(run_guest(), 0);
	make_guest(KVM_HC_PVI_DISCONNECT, guest_box.ret, 0);
}

static void guest_rings(void)
{
	make_guest(KVM_HC_PVI, (u64)RX, GSI);
}

static void guest_looks(void)
{
	static struct kvm_pvi_peer peers[2];

	make_guest(KVM_HC_PVI_PEERS, (u64)peers, sizeof(peers));
}

static int do_list(void)
{
	static struct kvm_pvi_list_endpoint records[8];
	struct kvm_pvi_list arg = {
		.size = sizeof(arg), .kind = KVM_PVI_LIST_ENDPOINTS, .record = sizeof(records[0]),
		.address = (u64)records, .nr = ARRAY_SIZE(records),
	};

	return __pvi_ioctl(rx, KVM_PVI_LIST, &arg);
}

/**
 * struct fault - a call of which all fails in turn
 * @name: of it
 * @call: makes it: 0 or -errno
 * @undo: what it has made that no endpoint takes along
 * @prepare: what it needs
 * @restart: what it needs to be made once more
 * @does: EFAULT may mean that it has been made, and could not say so
 */
static const struct fault {
	const char *name;
	int (*call)(void);
	int (*undo)(void);
	void (*prepare)(void);
	void (*restart)(void);
	bool does;
} faults[] = {
	{ "open", do_open },
	{ "bind", do_bind },
	{ "bind_vm", do_bind_vm },
	{ "expose", do_expose },
	{ "unexpose", do_unexpose },
	{ "kick", do_kick },
	{ "wire", do_wire },
	{ "unwire", do_unwire, .prepare = wire_bare },
	{ "bell", do_bell },
	{ "status", do_status },
	{ "unstatus", do_unstatus, .prepare = give_status },
	{ "allow", do_allow },
	{ "allow_again", do_allow_again },
	{ "allow_any", do_allow_any },
	{ "allow_bell", do_allow_bell },
	{ "revoke", do_revoke },
	{ "grant", do_grant },
	{ "ungrant", do_ungrant },
	{ "set_port", do_set_port },
	{ "close_port", do_close_port },
	{ "connect", do_connect },
	{ "connect_grant", do_connect_grant },
	{ "wire_source", do_wire_source },
	{ "unwire_source", do_unwire_source, .prepare = wire_source },
	{ "reserve", do_reserve, do_unreserve },
	{ "unreserve", do_unreserve, .prepare = reserve_other },
	{ "get_state", do_get_state },
	{ "freeze", do_freeze },
	{ "thaw", do_thaw, .prepare = freeze },
	{ "set_state", do_set_state },
	{ "get_stats", do_get_stats },
	{ "get_edge", do_get_edge },
	{ "get_info", do_get_info },
	{ "list", do_list },
	{ "call_connect", do_call_connect },
	{ "call_disconnect", do_call_disconnect, .prepare = make_port, .does = true },
	{ "call_reset", do_call_reset, .prepare = make_port, .does = true },
	{ "call_ring", do_call_ring, .does = true },
	{ "call_notify", do_call_notify, .does = true },
	{ "call_many", do_call_many, .does = true },
	{ "call_peers", do_call_peers, .does = true },
	{ "call_arm", do_call_arm, .does = true },
	{ "call_config", do_call_config, .does = true },
	{ "call_query", do_call_query, .does = true },
	{ "bell_send", do_bell_send, .prepare = make_bell, .does = true },
	{ "bell_receive", do_bell_receive, .prepare = make_bell },
	{ "bell_mask", do_bell_mask, .prepare = make_bell, .does = true },
	{ "bell_reset", do_bell_reset, .prepare = make_bell, .does = true },
	{ "guest_connect", run_guest, .prepare = guest_connects, .restart = restart_guest },
	{ "guest_disconnect", run_guest, .prepare = guest_disconnects, .restart = restart_guest },
	{ "guest_reset", run_guest, .prepare = guest_resets, .restart = restart_guest },
	{ "guest_ring", run_guest, .prepare = guest_rings, .restart = restart_guest },
	{ "guest_peers", run_guest, .prepare = guest_looks, .restart = restart_guest },
};

static void make_for(const struct fault *f)
{
	make();
	if (f->prepare)
		f->prepare();
	pvi_drop_events(rx);
	pvi_drop_events(tx);
}

#define TEXT	(1 << 15)

/* All that can be seen of the endpoints: what ioctls, fdinfo, in @text, and debugfs, in @tables, tell */
struct sight {
	struct blob rx, tx;
	struct kvm_pvi_stats rx_stats, tx_stats;
	u32 nr_edges;
	struct kvm_pvi_edge edges[8];
	char text[TEXT];
	char tables[TEXT];
};

static void look_at(char *to, const char *path)
{
	char *text = read_file(path);
	size_t len = strlen(to);

	ASSERT_LT(len + strlen(text), TEXT);
	strcpy(to + len, text);
	free(text);
}

static void look_at_fd(struct sight *s, int fd)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	look_at(s->text, path);
}

/* Rows and grants of the receiver, from its list; debugfs has the rows from the table by name */
static void look_at_edges(struct sight *s)
{
	struct kvm_pvi_edge edge = { .size = sizeof(edge) };

	while (!__pvi_ioctl(rx, KVM_PVI_GET_EDGE, &edge)) {
		ASSERT_LT(s->nr_edges, ARRAY_SIZE(s->edges));
		s->edges[s->nr_edges++] = edge;
	}
}

static void look(struct sight *s)
{
	memset(s, 0, sizeof(*s));
	ASSERT_EQ(__state_get(rx, 0, &s->rx), 0);
	ASSERT_EQ(__state_get(tx, 0, &s->tx), 0);
	s->rx_stats = pvi_stats(rx);
	s->tx_stats = pvi_stats(tx);
	look_at_edges(s);
	look_at_fd(s, rx);
	look_at_fd(s, tx);
	look_at_fd(s, unbound);
	look_at_fd(s, grant);
	if (guest >= 0)
		look_at_fd(s, guest);
	look_at(s->tables, DEBUGFS "kvm_pvi/vms");
	look_at(s->tables, DEBUGFS "kvm_pvi/edges");
	look_at(s->tables, DEBUGFS "kvm_pvi/reserved");
}

static bool same_blobs(const struct blob *a, const struct blob *b)
{
	return a->length == b->length && !memcmp(a->bytes, b->bytes, a->length);
}

static bool same_stats(const struct sight *a, const struct sight *b)
{
	return !memcmp(&a->rx_stats, &b->rx_stats, sizeof(a->rx_stats)) &&
	       !memcmp(&a->tx_stats, &b->tx_stats, sizeof(a->tx_stats));
}

static bool same_edges(const struct sight *a, const struct sight *b)
{
	return a->nr_edges == b->nr_edges && !memcmp(a->edges, b->edges, sizeof(a->edges));
}

static void expect_same_text(const struct fault *f, u32 nth, const char *a, const char *b)
{
	if (strcmp(a, b))
		TEST_FAIL("%s: failure %u has changed:\n%s\nto\n%s", f->name, nth, a, b);
}

static void expect_same(const struct fault *f, u32 nth, const struct sight *a, const struct sight *b)
{
	if (!same_blobs(&a->rx, &b->rx) || !same_blobs(&a->tx, &b->tx))
		TEST_FAIL("%s: failure %u has changed what is saved", f->name, nth);
	expect_same_text(f, nth, a->text, b->text);
	expect_same_text(f, nth, a->tables, b->tables);
	if (!same_stats(a, b))
		TEST_FAIL("%s: failure %u was counted", f->name, nth);
	if (!same_edges(a, b))
		TEST_FAIL("%s: failure %u has changed the rows", f->name, nth);
}

/* In another world, where what debugfs has may stand in another order */
static bool same_elsewhere(const struct sight *a, const struct sight *b)
{
	return same_blobs(&a->rx, &b->rx) && same_blobs(&a->tx, &b->tx) && !strcmp(a->text, b->text) &&
	       same_stats(a, b) && same_edges(a, b);
}

/* The @nth allocation of the call fails; true if it came to that */
static bool call_with_fault(const struct fault *f, int fail_nth, u32 nth, int *ret)
{
	char text[16];
	bool left;

	snprintf(text, sizeof(text), "%u", nth);
	ASSERT_EQ(pwrite(fail_nth, text, strlen(text), 0), (ssize_t)strlen(text));
	*ret = f->call();
	memset(text, 0, sizeof(text));
	/*
	 * It may be one of these accesses that fails, because none did before: how often memory is taken by
	 * pages is not the same each time. Then it is over, and the next one does not fail.
	 */
	left = pread(fail_nth, text, sizeof(text) - 1, 0) < 1 || strtoul(text, NULL, 10);
	if (pwrite(fail_nth, "0", 1, 0) != 1)
		ASSERT_EQ(pwrite(fail_nth, "0", 1, 0), 1);
	return !left;
}

/* Nothing is left of a call that failed; whether it was told is only of a port that was made and taken back. */
static void check_undone(const struct fault *f, u32 nth, bool untold)
{
	int ret;

	if (untold) {
		pvi_expect_no_event(rx);
		pvi_expect_no_event(tx);
	}
	ASSERT_EQ(pvi_call(tx, KVM_HC_PVI, (u64)RX, GSI, 0, 0), KVM_PVI_LATCHED);
	ASSERT_EQ(pvi_call(tx, KVM_HC_NOTIFY, PORT, 0, 0, 0), KVM_PVI_COALESCED);
	if (f->restart)
		f->restart();
	ret = f->call();
	if (ret)
		TEST_FAIL("%s: after failure %u it gives %d", f->name, nth, ret);
}

static void look_when_done(const struct fault *f, struct sight *done)
{
	make_for(f);
	ASSERT_EQ(f->call(), 0);
	look(done);
	if (f->undo)
		f->undo();
	unmake();
}

static void check_failed(const struct fault *f, u32 nth, int ret, const struct sight *before,
			 const struct sight *done)
{
	static struct sight after;

	if (ret != -ENOMEM && ret != -EFAULT)
		TEST_FAIL("%s: failure %u gives %d", f->name, nth, ret);
	look(&after);
	/* Once more it does no harm. */
	if (f->does && ret == -EFAULT && same_elsewhere(&after, done)) {
		ASSERT_NE(f->call(), -EFAULT);
		return;
	}
	expect_same(f, nth, before, &after);
	check_undone(f, nth, ret == -ENOMEM);
}

/* All that can fail, and then nothing */
static void check_call(const struct fault *f, int fail_nth)
{
	static struct sight before, done;
	u32 nr_memory = 0, nr_access = 0, nr_borne = 0;
	bool fired = true;
	u32 nth;
	int ret;

	look_when_done(f, &done);
	for (nth = 1; fired && nth < NEVER; nth++) {
		make_for(f);
		look(&before);
		fired = call_with_fault(f, fail_nth, nth, &ret);
		if (!fired)
			ASSERT_EQ(ret, 0);
		if (ret)
			check_failed(f, nth, ret, &before, &done);
		nr_memory += ret == -ENOMEM;
		nr_access += ret == -EFAULT;
		nr_borne += fired && !ret;
		if (f->undo)
			f->undo();
		unmake();
	}
	ASSERT_TRUE(nth < NEVER);
	test_diag("%s: ENOMEM %u times, EFAULT %u times, borne %u times", f->name, nr_memory, nr_access, nr_borne);
}

/* Its own messages have traces. What may wait for memory is spared otherwise. */
static void prepare_kind(const char *kind)
{
	char path[64];

	snprintf(path, sizeof(path), DEBUGFS "%s/verbose", kind);
	ASSERT_EQ(__write_line(path, "0"), 0);
	snprintf(path, sizeof(path), DEBUGFS "%s/ignore-gfp-wait", kind);
	if (!access(path, F_OK))
		ASSERT_EQ(__write_line(path, "N"), 0);
}

static void test_each(void)
{
	int fail_nth;
	u32 i;

	prepare_kind("failslab");
	if (!access(DEBUGFS "fail_usercopy", F_OK))
		prepare_kind("fail_usercopy");
	if (!access(DEBUGFS "fail_page_alloc", F_OK))
		prepare_kind("fail_page_alloc");
	fail_nth = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	ASSERT_GE(fail_nth, 0);
	vm = vm_create(1, 0);
	mem = status_make();
	for (i = 0; i < ARRAY_SIZE(faults); i++)
		check_call(&faults[i], fail_nth);
	close(fail_nth);
}

static const struct test_case cases[] = {
	{ "each", test_each, 600 },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases),
			 TEST_REQUIRE_KVM | TEST_REQUIRE_PVI | TEST_REQUIRE_FAULTS);
}
