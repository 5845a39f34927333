// SPDX-License-Identifier: GPL-2.0
/*
 * What a host sees: tracepoints kvm_pvi:*, the lists in debugfs, the fdinfo of an endpoint. The
 * sender is told EPERM alone; here stands why.
 */
#include <fcntl.h>
#include <stdarg.h>

#include "pvi_test.h"

#define DEBUGFS	"/sys/kernel/debug/kvm_pvi/"
#define PIN	20
#define GSI	30
#define UUID(n)	"f0f0f0f0-f0f0-80f0-80f0-0000000000" #n	/* of pvi_uuid[n - 1] */

static void trace_on(void)
{
	mount_tracefs();
	ASSERT_EQ(close(open(TRACING "trace", O_WRONLY | O_TRUNC)), 0);
	ASSERT_EQ(__write_line(TRACING "events/kvm_pvi/enable", "1"), 0);
}

/* What was traced since trace_on(), which ends here */
static char *trace_off(void)
{
	char *text;

	ASSERT_EQ(__write_line(TRACING "events/kvm_pvi/enable", "0"), 0);
	text = read_file(TRACING "trace");
	return text;
}

static u32 count(const char *text, const char *what)
{
	u32 n = 0;

	while ((text = strstr(text, what))) {
		text += strlen(what);
		n++;
	}
	return n;
}

static void __printf(3, 4) expect(const char *text, u32 times, const char *fmt, ...)
{
	char line[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (count(text, line) == times)
		return;
	test_diag("%s", text);
	TEST_FAIL("'%s' is there %u times, not %u", line, count(text, line), times);
}

static int bind_traced(const u8 *uuid, u64 *epoch)
{
	struct kvm_pvi_bind bind = {
		.size = sizeof(bind),
		.flags = KVM_PVI_BIND_HOST,
		.vm_fd = -1,
	};
	int fd = pvi_open();

	memcpy(bind.uuid, uuid, sizeof(bind.uuid));
	pvi_ioctl(fd, KVM_PVI_BIND, &bind);
	*epoch = bind.epoch;
	return fd;
}

static u32 count_events(const char *what)
{
	char *text = read_file(TRACING "trace");
	u32 n = count(text, what);

	free(text);
	return n;
}

static void test_bind(void)
{
	u64 first, second;
	char *text;

	trace_on();
	close(bind_traced(pvi_uuid[0], &first));
	close(bind_traced(pvi_uuid[0], &second));
	ASSERT_NE(first, second);
	ASSERT_TRUE(wait_until(count_events("kvm_pvi_unbind") == 2, 5000));
	text = trace_off();
	expect(text, 1, "kvm_pvi_bind: uuid " UUID(01) " epoch %#llx", first);
	expect(text, 1, "kvm_pvi_bind: uuid " UUID(01) " epoch %#llx", second);
	expect(text, 1, "kvm_pvi_unbind: uuid " UUID(01) " epoch %#llx", first);
	expect(text, 1, "kvm_pvi_unbind: uuid " UUID(01) " epoch %#llx", second);
}

static s64 ring_uuid(int fd, const u8 *uuid, u32 gsi)
{
	return pvi_call(fd, KVM_HC_PVI, (u64)uuid, gsi, 0, 0);
}

/* A receiver with an eventfd as GSI, not wired yet, and a sender that may ring it */
struct pair {
	int rx, tx;
};

static struct pair prepare(void)
{
	struct pair p = { .rx = pvi_bind(NULL, pvi_uuid[0]), .tx = pvi_bind(NULL, pvi_uuid[1]) };

	pvi_expose(p.rx, GSI, KVM_PVI_GSI_EVENTFD);
	pvi_allow(p.rx, pvi_uuid[1], GSI);
	return p;
}

static void test_ring(void)
{
	struct pair p = prepare();
	u32 port = pvi_connect(p.tx, pvi_uuid[0], GSI);
	char *text;

	trace_on();
	ASSERT_EQ(ring_uuid(p.tx, pvi_uuid[0], GSI), KVM_PVI_LATCHED);
	ASSERT_EQ(pvi_call(p.tx, KVM_HC_NOTIFY, port, 0, 0, 0), KVM_PVI_COALESCED);
	pvi_wire(p.rx, GSI, new_eventfd());
	ASSERT_EQ(pvi_call(p.tx, KVM_HC_NOTIFY, port, 0, 0, 0), KVM_PVI_RAISED);
	text = trace_off();
	expect(text, 1, "kvm_pvi_ring: from " UUID(02) " to " UUID(01) " gsi 30 verdict 2");
	expect(text, 1, "kvm_pvi_ring: from " UUID(02) " to " UUID(01) " gsi 30 verdict 1");
	expect(text, 1, "kvm_pvi_ring: from " UUID(02) " to " UUID(01) " gsi 30 verdict 0");
	expect(text, 3, "kvm_pvi_");
}

static void test_throttled(void)
{
	struct kvm_pvi_allow allow = {
		.size = sizeof(allow),
		.gsi = GSI,
		.rate = 1,
		.burst = 1,
	};
	struct pair p = prepare();
	char *text;

	memcpy(allow.uuid, pvi_uuid[1], sizeof(allow.uuid));
	pvi_ioctl(p.rx, KVM_PVI_ALLOW, &allow);
	trace_on();
	ASSERT_EQ(ring_uuid(p.tx, pvi_uuid[0], GSI), KVM_PVI_LATCHED);
	ASSERT_EQ(ring_uuid(p.tx, pvi_uuid[0], GSI), -EAGAIN);
	text = trace_off();
	expect(text, 1, "kvm_pvi_ring: from " UUID(02) " to " UUID(01) " gsi 30 verdict -11");
}

static void test_notify(void)
{
	int fd = pvi_bind(NULL, pvi_uuid[1]);
	u32 port = pvi_set_port(fd, new_eventfd());
	char *text;

	trace_on();
	ASSERT_EQ(pvi_call(fd, KVM_HC_NOTIFY, port, 0, 0, 0), KVM_PVI_RAISED);
	text = trace_off();
	expect(text, 1, "kvm_pvi_notify: from " UUID(02) " port %u\n", port);
	expect(text, 1, "kvm_pvi_");
}

/* From now on; the log's reader begins behind what is there */
static int log_begin(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	ASSERT_GE(fd, 0);
	ASSERT_EQ(lseek(fd, 0, SEEK_END), 0);
	return fd;
}

/* Nothing of ours came since: neither the module's name, nor that of a VM */
static void log_expect_none(int fd)
{
	char line[1024];
	ssize_t len;

	while ((len = read(fd, line, sizeof(line) - 1)) > 0) {
		line[len] = '\0';
		if (strstr(line, "pvi") || strstr(line, "f0f0f0f0"))
			TEST_FAIL("in the host's log: %s", line);
	}
	ASSERT_EQ(errno, EAGAIN);
	close(fd);
}

/* One EPERM, many reasons */
static void test_deny(void)
{
	struct pair p = prepare();
	u32 port = pvi_connect(p.tx, pvi_uuid[0], GSI), other;
	int dead, log;
	char *text;

	pvi_allow(p.rx, pvi_uuid[1], GSI + 1);
	pvi_expose(p.rx, GSI + 2, KVM_PVI_GSI_EVENTFD);
	dead = pvi_bind(NULL, pvi_uuid[2]);
	pvi_allow(dead, pvi_uuid[1], GSI);
	close(dead);

	log = log_begin();
	trace_on();
	ASSERT_EQ(ring_uuid(p.tx, pvi_uuid[3], GSI), -EPERM);
	ASSERT_EQ(ring_uuid(p.tx, pvi_uuid[2], GSI), -EPERM);
	ASSERT_EQ(ring_uuid(p.tx, pvi_uuid[0], GSI + 1), -EPERM);
	ASSERT_EQ(ring_uuid(p.tx, pvi_uuid[0], GSI + 2), -EPERM);
	ASSERT_EQ(ring_uuid(p.tx, pvi_uuid[0], GSI + 3), -EPERM);
	ASSERT_EQ(__pvi_connect(p.tx, pvi_uuid[0], GSI + 2, &other), -EPERM);
	pvi_revoke(p.rx, pvi_uuid[1], GSI);
	ASSERT_EQ(pvi_call(p.tx, KVM_HC_NOTIFY, port, 0, 0, 0), -EPERM);

	text = trace_off();
	expect(text, 1, "deny: from " UUID(02) " to " UUID(04) " gsi 30: no such VM");
	expect(text, 1, "deny: from " UUID(02) " to " UUID(03) " gsi 30: no such VM");
	expect(text, 1, "deny: from " UUID(02) " to " UUID(01) " gsi 31: not exposed");
	expect(text, 2, "deny: from " UUID(02) " to " UUID(01) " gsi 32: not allowed");
	expect(text, 1, "deny: from " UUID(02) " to " UUID(01) " gsi 33: not exposed");
	expect(text, 1, "deny: from " UUID(02) " to " UUID(01) " gsi 30: revoked");
	expect(text, 0, "kvm_pvi_ring");
	ASSERT_EQ(pvi_stats(p.tx).sent.denied, 7);
	log_expect_none(log);
}

/* A pin that does not match is no permission, by UUID and by a port made before it */
static void test_deny_pinned(void)
{
	struct kvm_pvi_allow allow = {
		.size = sizeof(allow),
		.flags = KVM_PVI_ALLOW_OWNER,
		.gsi = GSI,
		.owner = 12345,
	};
	struct pair p = prepare();
	u32 port = pvi_connect(p.tx, pvi_uuid[0], GSI);
	char *text;

	memcpy(allow.uuid, pvi_uuid[1], sizeof(allow.uuid));
	pvi_ioctl(p.rx, KVM_PVI_ALLOW, &allow);
	trace_on();
	ASSERT_EQ(ring_uuid(p.tx, pvi_uuid[0], GSI), -EPERM);
	ASSERT_EQ(pvi_call(p.tx, KVM_HC_NOTIFY, port, 0, 0, 0), -EPERM);
	text = trace_off();
	expect(text, 2, "deny: from " UUID(02) " to " UUID(01) " gsi 30: not allowed");
	expect(text, 0, "kvm_pvi_ring");
}

static void test_debugfs_vms(void)
{
	struct vm *vm = vm_create(1, 0);
	struct pair p = prepare();
	int fd = pvi_bind(vm, pvi_uuid[2]);
	char *text;

	ASSERT_EQ(ring_uuid(p.tx, pvi_uuid[0], GSI), KVM_PVI_LATCHED);
	ASSERT_EQ(ring_uuid(p.tx, pvi_uuid[0], GSI), KVM_PVI_COALESCED);
	ASSERT_EQ(ring_uuid(p.tx, pvi_uuid[0], GSI + 1), -EPERM);
	pvi_wire(p.rx, GSI, new_eventfd());
	ASSERT_EQ(ring_uuid(p.tx, pvi_uuid[0], GSI), KVM_PVI_RAISED);
	text = read_file(DEBUGFS "vms");
	expect(text, 1, "uuid owner kind sent:");
	expect(text, 1, UUID(01) " 0 host 0 0 0 0 0 1 1 1 1 0 0\n");
	expect(text, 1, UUID(02) " 0 host 1 1 1 1 0 0 0 0 0 0 0\n");
	expect(text, 1, UUID(03) " 0 vm 0 0 0 0 0 0 0 0 0 0 0\n");
	close(fd);
	text = read_file(DEBUGFS "vms");
	expect(text, 0, UUID(03));
	expect(text, 3, "\n");
}

static void test_debugfs_edges(void)
{
	struct pair p = prepare();
	char *text;

	pvi_allow(p.rx, pvi_uuid[2], KVM_PVI_GSI_ANY);
	pvi_allow_bell(p.rx, pvi_uuid[2], 7, 1);
	ASSERT_EQ(ring_uuid(p.tx, pvi_uuid[0], GSI), KVM_PVI_LATCHED);
	ASSERT_EQ(ring_uuid(p.tx, pvi_uuid[0], GSI), KVM_PVI_COALESCED);
	text = read_file(DEBUGFS "edges");
	expect(text, 1, "receiver sender gsi raised coalesced latched denied throttled\n");
	expect(text, 1, UUID(01) " " UUID(02) " 30 0 1 1 0 0\n");
	expect(text, 1, UUID(01) " " UUID(03) " any 0 0 0 0 0\n");
	expect(text, 1, UUID(01) " " UUID(03) " bell7 0 0 0 0 0\n");
	expect(text, 4, "\n");
	close(p.rx);
	expect(read_file(DEBUGFS "edges"), 1, "\n");
}

static char *read_fdinfo(int fd)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	return read_file(path);
}

static void test_fdinfo(void)
{
	int rx = pvi_open(), eventfd = new_eventfd(), tx;
	struct vm *vm = vm_create(0, 0);
	u32 port;
	char *text;

	expect(read_fdinfo(rx), 1, "pvi-state:\tunbound\n");
	ASSERT_EQ(__pvi_bind(rx, vm, pvi_uuid[0]), 0);
	tx = pvi_bind(NULL, pvi_uuid[1]);
	pvi_expose(rx, GSI, KVM_PVI_GSI_EVENTFD);
	pvi_expose(rx, PIN, KVM_PVI_GSI_DIRECT);
	pvi_allow(rx, pvi_uuid[1], GSI);
	pvi_set_port(tx, eventfd);
	port = pvi_connect(tx, pvi_uuid[0], GSI);
	ASSERT_EQ(pvi_call(tx, KVM_HC_NOTIFY, port, 0, 0, 0), KVM_PVI_LATCHED);

	text = read_fdinfo(rx);
	expect(text, 1, "pvi-state:\tbound\n");
	expect(text, 1, "pvi-uuid:\t" UUID(01) "\n");
	expect(text, 1, "pvi-senders:\t1\n");
	expect(text, 1, "pvi-sent:\traised 0 coalesced 0 latched 0 denied 0 throttled 0\n");
	expect(text, 1, "pvi-received:\traised 0 coalesced 0 latched 1 denied 0 throttled 0\n");
	expect(text, 1, "pvi-gsi:\t%u kind %u state %#x rings 1\n", GSI, KVM_PVI_GSI_EVENTFD,
	       KVM_PVI_GSI_LATCHED);
	expect(text, 1, "pvi-gsi:\t%u kind %u state %#x rings 0\n", PIN, KVM_PVI_GSI_DIRECT,
	       KVM_PVI_GSI_WIRED);
	text = read_fdinfo(tx);
	expect(text, 1, "pvi-sent:\traised 0 coalesced 0 latched 1 denied 0 throttled 0\n");
	expect(text, 1, "pvi-port:\t0 state %u", KVM_PVI_PORT_EVENTFD);
	expect(text, 1, "pvi-port:\t%u state %u gsi %u\n", port, KVM_PVI_PORT_LIVE, GSI);
	pvi_revoke(rx, pvi_uuid[1], GSI);
	expect(read_fdinfo(tx), 1, "pvi-port:\t%u state %u gsi %u\n", port, KVM_PVI_PORT_REVOKED, GSI);
}

static void test_fdinfo_grant(void)
{
	int rx = pvi_bind(NULL, pvi_uuid[0]), tx = pvi_bind(NULL, pvi_uuid[1]), grant;
	u64 id;

	pvi_expose(rx, GSI, KVM_PVI_GSI_EVENTFD);
	grant = pvi_grant(rx, GSI, 3, &id);
	expect(read_fdinfo(grant), 1, "pvi-state:\tlive\npvi-grant:\tgsi %u uses 3\n", GSI);
	pvi_connect_grant(tx, grant);
	expect(read_fdinfo(grant), 1, "pvi-grant:\tgsi %u uses 2\n", GSI);
	expect(read_fdinfo(rx), 1, "pvi-grant:\tid %llu gsi %u uses 2\n", id, GSI);
	pvi_ungrant(rx, id);
	expect(read_fdinfo(grant), 1, "pvi-state:\trevoked\n");
	expect(read_fdinfo(rx), 0, "pvi-grant:");
	grant = pvi_grant(rx, GSI, 1, NULL);
	close(rx);
	expect(read_fdinfo(grant), 1, "pvi-state:\tdead\n");
}

static const struct test_case cases[] = {
	{ "bind", test_bind },
	{ "ring", test_ring },
	{ "throttled", test_throttled },
	{ "notify", test_notify },
	{ "deny", test_deny },
	{ "deny_pinned", test_deny_pinned },
	{ "debugfs_vms", test_debugfs_vms },
	{ "debugfs_edges", test_debugfs_edges },
	{ "fdinfo", test_fdinfo },
	{ "fdinfo_grant", test_fdinfo_grant },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_KVM | TEST_REQUIRE_PVI);
}
