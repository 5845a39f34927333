// SPDX-License-Identifier: GPL-2.0
/*
 * Limits: what an endpoint can have of each kind, by module parameter. ENOSPC beyond, room again
 * when one goes, nothing taken away when the limit is lowered, and each endpoint for itself.
 */
#include "pvi_test.h"

#define GSI	5
#define ROOM	3	/* what the limit leaves to be made */
#define MODULE	"kvm_pvi"

/**
 * struct limit - one of them
 * @param: the module parameter
 * @cap: the most it takes
 * @info: where GET_INFO says it
 * @used: made by prepare() already
 * @make: the n-th one of an endpoint, 0 or -errno
 * @drop: it
 * @host_wide: other endpoints count too
 */
struct limit {
	const char *param;
	u32 cap;
	size_t info;
	u32 used;
	int (*make)(int fd, u32 n);
	void (*drop)(int fd, u32 n);
	bool host_wide;
};

static int peer;
static int fds[ROOM + 1];	/* the n-th one's descriptor */

static int allow_one(int fd, u32 n)
{
	return __pvi_allow(fd, pvi_uuid[1], 100 + n);
}

static void revoke_one(int fd, u32 n)
{
	pvi_revoke(fd, pvi_uuid[1], 100 + n);
}

static int expose(int fd, u32 n)
{
	return __pvi_expose(fd, 100 + n, KVM_PVI_GSI_EVENTFD);
}

static void unexpose(int fd, u32 n)
{
	pvi_gsi(fd, KVM_PVI_UNEXPOSE, 100 + n);
}

static int set_port(int fd, u32 n)
{
	u32 port;
	int ret = __pvi_set_port(fd, new_eventfd(), &port);

	if (!ret && fd != peer)
		ASSERT_EQ(port, n + 1);
	return ret;
}

static void close_port(int fd, u32 n)
{
	pvi_close_port(fd, n + 1);
}

static int connect_by_vmm(int fd, u32 n)
{
	u32 port;
	int ret = __pvi_connect(fd, pvi_uuid[fd != peer], GSI, &port);

	if (!ret && fd != peer)
		ASSERT_EQ(port, n + 1);
	return ret;
}

static int connect_by_guest(int fd, u32 n)
{
	s64 ret = pvi_call(fd, KVM_HC_PVI_CONNECT, (u64)pvi_uuid[fd != peer], GSI, 0, 0);

	if (ret < 0)
		return ret;
	if (fd != peer) {
		ASSERT_EQ(pvi_index(ret), n + 1);
		fds[n] = ret;
	}
	return 0;
}

static void disconnect(int fd, u32 n)
{
	ASSERT_EQ(pvi_call(fd, KVM_HC_PVI_DISCONNECT, fds[n], 0, 0, 0), 0);
}

static int wire_source(int fd, u32 n)
{
	fds[n] = new_eventfd();
	return __pvi_wire_source(fd, fds[n], 0);
}

static void unwire_source(int fd, u32 n)
{
	pvi_unwire_source(fd, fds[n], 0);
}

static int grant(int fd, u32 n)
{
	return __pvi_grant(fd, GSI, 0, &fds[n], NULL);
}

static int bind_one(int fd, u32 n)
{
	(void)fd;
	fds[n] = pvi_open();
	return __pvi_bind(fds[n], NULL, pvi_uuid[10 + n]);
}

/* A grant or an endpoint */
static void close_one(int fd, u32 n)
{
	(void)fd;
	close(fds[n]);
}

#define INFO(field) offsetof(struct kvm_pvi_info, field)

static const struct limit senders = {
	"max_senders", 65536, INFO(max_senders), 1, allow_one, revoke_one
}, gsis = {
	"max_gsis", 8192, INFO(max_gsis), 1, expose, unexpose
}, ports = {
	"max_ports", 65536, INFO(max_ports), 1, set_port, close_port
}, ports_by_vmm = {
	"max_ports", 65536, INFO(max_ports), 1, connect_by_vmm, close_port
}, ports_by_guest = {
	"max_ports", 65536, INFO(max_ports), 1, connect_by_guest, disconnect
}, sources = {
	"max_sources", 65536, INFO(max_sources), 0, wire_source, unwire_source
}, grants = {
	"max_grants", 65536, INFO(max_grants), 0, grant, close_one
}, vms = {
	"max_vms", 1 << 20, INFO(max_vms), 2, bind_one, close_one, .host_wide = true
};

/* An endpoint and its peer, which may ring each other; each has a port, a row and a GSI */
static int prepare(void)
{
	int pair[2], i;

	for (i = 0; i < 2; i++) {
		pair[i] = pvi_bind(NULL, pvi_uuid[i]);
		ASSERT_EQ(pvi_set_port(pair[i], new_eventfd()), 0);
		pvi_expose(pair[i], GSI, KVM_PVI_GSI_EVENTFD);
		pvi_allow(pair[i], pvi_uuid[!i], GSI);
	}
	peer = pair[1];
	return pair[0];
}

static u32 limit_info(int fd, const struct limit *l)
{
	struct kvm_pvi_info info = { .size = sizeof(info) };

	pvi_ioctl(fd, KVM_PVI_GET_INFO, &info);
	return *(u32 *)((u8 *)&info + l->info);
}

static int set_limit(const struct limit *l, u64 value)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu", value);
	return __write_param(MODULE, l->param, text);
}

static void check_limit(const struct limit *l)
{
	int fd = prepare();
	u32 n;

	ASSERT_EQ(set_limit(l, l->used + ROOM), 0);
	ASSERT_EQ(limit_info(fd, l), l->used + ROOM);
	for (n = 0; n < ROOM; n++)
		ASSERT_EQ(l->make(fd, n), 0);
	ASSERT_EQ(l->make(fd, ROOM), -ENOSPC);

	/* Another endpoint has room of its own */
	ASSERT_EQ(l->make(peer, ROOM), l->host_wide ? -ENOSPC : 0);

	/* Room for one, and for no more */
	l->drop(fd, 1);
	ASSERT_EQ(l->make(fd, 1), 0);
	ASSERT_EQ(l->make(fd, ROOM), -ENOSPC);

	/* Lowered: what is there stays, and counts */
	ASSERT_EQ(set_limit(l, l->used + 1), 0);
	l->drop(fd, 2);
	ASSERT_EQ(l->make(fd, 2), -ENOSPC);
	l->drop(fd, 1);
	ASSERT_EQ(l->make(fd, 1), -ENOSPC);
	l->drop(fd, 0);
	ASSERT_EQ(l->make(fd, 0), 0);

	ASSERT_EQ(set_limit(l, 0), -EINVAL);
	ASSERT_EQ(set_limit(l, l->cap + 1ULL), -EINVAL);
	ASSERT_EQ(set_limit(l, l->cap), 0);
	ASSERT_EQ(limit_info(fd, l), l->cap);
}

static void test_senders(void)
{
	check_limit(&senders);
}

static void test_gsis(void)
{
	check_limit(&gsis);
}

static void test_ports(void)
{
	check_limit(&ports);
}

static void test_ports_by_vmm(void)
{
	check_limit(&ports_by_vmm);
}

static void test_ports_by_guest(void)
{
	check_limit(&ports_by_guest);
}

static void test_sources(void)
{
	check_limit(&sources);
}

static void test_grants(void)
{
	check_limit(&grants);
}

static void test_vms(void)
{
	check_limit(&vms);
}

#define ROWS	2000	/* the end of an endpoint takes a while */

static void live_shortly(u64 unused)
{
	int fd = pvi_bind(NULL, pvi_uuid[2]);
	u32 i;

	(void)unused;
	for (i = 0; i < ROWS; i++)
		pvi_allow(fd, pvi_uuid[3], i);
}

/* Who has died takes nobody's place, though its end, for which no exit waits, goes on */
static void test_vms_dying(void)
{
	int i;

	set_limit(&vms, 1);
	for (i = 0; i < 5; i++) {
		child_join(child_run(live_shortly, 0));
		close(pvi_bind(NULL, pvi_uuid[1]));
	}
}

static const struct {
	const char *name;
	u64 usual, cap;
} params[] = {
	{ "max_vms", 16384, 1 << 20 },
	{ "max_senders", 4096, 65536 },
	{ "max_gsis", 1024, 8192 },
	{ "max_bells", 1024, 8192 },
	{ "max_ports", 4096, 65536 },
	{ "max_sources", 4096, 65536 },
	{ "max_grants", 1024, 65536 },
	{ "max_reserved", 4096, 65536 },
	{ "retry_ms", 10, 3600000 },
	{ "source_rate", 100000, 1000000000 },
};

static int try_param(const char *name, u64 value)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu", value);
	return __write_param(MODULE, name, text);
}

/* Each is what admin.rst says, from 1 to its maximum; what is refused leaves it as it was */
static void test_params(void)
{
	size_t i;
	u64 now;

	for (i = 0; i < ARRAY_SIZE(params); i++) {
		now = read_param(MODULE, params[i].name);
		if (getenv("PVI_RIG"))
			ASSERT_EQ(now, params[i].usual);
		ASSERT_EQ(try_param(params[i].name, 0), -EINVAL);
		ASSERT_EQ(try_param(params[i].name, params[i].cap + 1), -EINVAL);
		ASSERT_EQ(read_param(MODULE, params[i].name), now);
		ASSERT_EQ(try_param(params[i].name, params[i].cap), 0);
		ASSERT_EQ(try_param(params[i].name, 1), 0);
		ASSERT_EQ(read_param(MODULE, params[i].name), 1);
		ASSERT_EQ(try_param(params[i].name, now), 0);
	}
}

static const struct test_case cases[] = {
	{ "params", test_params },
	{ "senders", test_senders },
	{ "gsis", test_gsis },
	{ "ports", test_ports },
	{ "ports_by_vmm", test_ports_by_vmm },
	{ "ports_by_guest", test_ports_by_guest },
	{ "sources", test_sources },
	{ "grants", test_grants },
	{ "vms", test_vms },
	{ "vms_dying", test_vms_dying },
};

static const struct limit *const limits[] = { &senders, &gsis, &ports, &sources, &grants, &vms };
static u64 usual[ARRAY_SIZE(limits)];

/* Whatever became of the cases */
static void restore_limits(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(limits); i++)
		if (usual[i])
			set_limit(limits[i], usual[i]);
}

static void remember_limits(void)
{
	char path[128], line[32];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(limits); i++) {
		snprintf(path, sizeof(path), "/sys/module/" MODULE "/parameters/%s",
			 limits[i]->param);
		if (!__read_line(path, line, sizeof(line)))
			usual[i] = strtoull(line, NULL, 10);
	}
	atexit(restore_limits);
}

int main(int argc, char **argv)
{
	remember_limits();
	return test_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_PVI);
}
