// SPDX-License-Identifier: GPL-2.0
/*
 * Every allocation of the calls that allocate (faults[]) fails in turn, and every access to the caller's memory. A
 * call that says ENOMEM or EFAULT has changed nothing: all that can be seen of the endpoints is as before, the same
 * call without a failure does all that it is to do, and of ENOMEM nobody has heard. What it had taken until
 * then is given back; kmemleak sees to that. For the debug kernel, which has fault injection.
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
#define NEVER	500	/* more allocations than any call makes */
#define DEBUGFS	"/sys/kernel/debug/"

static struct vm *vm;
static struct status_mem mem;
static int rx, tx, unbound, efd, source, grant;
static struct blob blob;

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
	grant = pvi_grant(rx, GSI, 1, NULL);
	pvi_drop_events(rx);
	pvi_drop_events(tx);
}

static void unmake(void)
{
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

static int do_bell(void)
{
	return __pvi_bell(rx, BELL, BARE);
}

static int do_status(void)
{
	return __status_register(rx, BARE, &mem, 0);
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

static int do_set_port(void)
{
	u32 port;

	return __pvi_set_port(tx, efd, &port);
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

/* As a guest connects; what was answered counts only if it was */
static int do_call_connect(void)
{
	struct kvm_pvi_call arg = {
		.size = sizeof(arg), .nr = KVM_HC_PVI_CONNECT, .args = { (u64)RX, GSI },
	};
	int ret = __pvi_ioctl(tx, KVM_PVI_CALL, &arg);

	if (ret)
		return ret;
	return arg.ret < 0 ? arg.ret : 0;
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

static const struct fault {
	const char *name;
	int (*call)(void);
	int (*undo)(void);
} faults[] = {
	{ "open", do_open },
	{ "bind", do_bind },
	{ "bind_vm", do_bind_vm },
	{ "expose", do_expose },
	{ "wire", do_wire },
	{ "bell", do_bell },
	{ "status", do_status },
	{ "allow", do_allow },
	{ "allow_again", do_allow_again },
	{ "allow_any", do_allow_any },
	{ "allow_bell", do_allow_bell },
	{ "revoke", do_revoke },
	{ "grant", do_grant },
	{ "set_port", do_set_port },
	{ "connect", do_connect },
	{ "connect_grant", do_connect_grant },
	{ "wire_source", do_wire_source },
	{ "reserve", do_reserve, do_unreserve },
	{ "get_state", do_get_state },
	{ "set_state", do_set_state },
	{ "call_connect", do_call_connect },
	{ "list", do_list },
};

/* All that can be seen of the endpoints: what ioctls, fdinfo and debugfs tell */
struct sight {
	struct blob rx, tx;
	struct kvm_pvi_stats rx_stats, tx_stats;
	u32 nr_edges;
	struct kvm_pvi_edge edges[8];
	char text[1 << 16];
};

static void look_at(struct sight *s, const char *path)
{
	char *text = read_file(path);
	size_t len = strlen(s->text);

	ASSERT_LT(len + strlen(text), sizeof(s->text));
	strcpy(s->text + len, text);
	free(text);
}

static void look_at_fd(struct sight *s, int fd)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	look_at(s, path);
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
	look_at(s, DEBUGFS "kvm_pvi/vms");
	look_at(s, DEBUGFS "kvm_pvi/edges");
	look_at(s, DEBUGFS "kvm_pvi/reserved");
}

static void expect_same(const struct fault *f, u32 nth, const struct sight *a, const struct sight *b)
{
	blob_expect_same(&a->rx, &b->rx);
	blob_expect_same(&a->tx, &b->tx);
	if (strcmp(a->text, b->text))
		TEST_FAIL("%s: failure %u has changed:\n%s\nto\n%s", f->name, nth, a->text, b->text);
	if (memcmp(&a->rx_stats, &b->rx_stats, sizeof(a->rx_stats)) ||
	    memcmp(&a->tx_stats, &b->tx_stats, sizeof(a->tx_stats)))
		TEST_FAIL("%s: failure %u was counted", f->name, nth);
	if (a->nr_edges != b->nr_edges || memcmp(a->edges, b->edges, sizeof(a->edges)))
		TEST_FAIL("%s: failure %u has changed the rows", f->name, nth);
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
	ret = f->call();
	if (ret)
		TEST_FAIL("%s: after failure %u it gives %d", f->name, nth, ret);
}

/* All that can fail, and then nothing */
static void check_call(const struct fault *f, int fail_nth)
{
	static struct sight before, after;
	u32 nr_memory = 0, nr_access = 0, nr_borne = 0;
	bool fired = true;
	u32 nth;
	int ret;

	for (nth = 1; fired && nth < NEVER; nth++) {
		make();
		look(&before);
		fired = call_with_fault(f, fail_nth, nth, &ret);
		if (!fired)
			ASSERT_EQ(ret, 0);
		if (ret && ret != -ENOMEM && ret != -EFAULT)
			TEST_FAIL("%s: failure %u gives %d", f->name, nth, ret);
		if (ret) {
			look(&after);
			expect_same(f, nth, &before, &after);
			check_undone(f, nth, ret == -ENOMEM);
		}
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
