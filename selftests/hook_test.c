// SPDX-License-Identifier: GPL-2.0
/*
 * We are not alone at kvm_emulate_hypercall(): tracers and probes come and go, BPF or a livepatch
 * may have been there first, root may switch us off. Rings are served as long as we hold the
 * place, stock hypercalls always; who does not get it is told why.
 */
#include <fcntl.h>

#include "pvi_test.h"

#define PROBE		TRACING "events/kprobes/pvi_test/"
#define FUNCTION	"kvm_emulate_hypercall"
#define FTRACE_ENABLED	"/proc/sys/kernel/ftrace_enabled"
#define PIN		20
#define VECTOR		0x40
#define ROUNDS		(test_long() ? 20 : 6)

static u64 stop;
static u64 served;
static u64 refused;

static __guest u64 guest_receive(u64 arg)
{
	guest_sync(1);
	while (arg)
		guest_irq_wait();
	return 0;
}

static __guest void guest_call_stock(void)
{
	GUEST_ASSERT_EQ(guest_hypercall(KVM_HC_VAPIC_POLL_IRQ, 0, 0, 0, 0), 0);
	GUEST_ASSERT_EQ(guest_hypercall(KVM_HC_MIPS_CONSOLE_OUTPUT, 0, 0, 0, 0), -KVM_ENOSYS);
}

/* Rings until it is told to stop. Detached we may be, but only that */
static __guest u64 guest_storm(u64 port)
{
	u64 ret;

	while (!READ_ONCE(stop)) {
		ret = guest_hypercall(KVM_HC_NOTIFY, port, 0, 0, 0);
		if (ret == (u64)-KVM_ENOSYS)
			WRITE_ONCE(refused, refused + 1);
		else
			WRITE_ONCE(served, served + 1);
		GUEST_ASSERT(ret == KVM_PVI_RAISED || ret == (u64)-KVM_ENOSYS);
		guest_call_stock();
	}
	return 0;
}

static __guest u64 guest_ring(u64 port)
{
	guest_call_stock();
	return guest_hypercall(KVM_HC_NOTIFY, port, 0, 0, 0);
}

static void truncate_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

	if (fd < 0)
		TEST_FAIL("%s: %s", path, strerror(errno));
	close(fd);
}

static void write_file(const char *path, const char *text)
{
	int ret = __write_line(path, text);

	if (ret)
		TEST_FAIL("'%s' to %s: %s", text, path, strerror(-ret));
}

/* While we are attached ftrace stays on; newer kernels never let it be switched off */
static void check_ftrace_stays(void)
{
	int ret = __write_line(FTRACE_ENABLED, "0");

	if (ret != -EOPNOTSUPP)
		ASSERT_EQ(ret, -EBUSY);
	ASSERT_EQ(read_number(FTRACE_ENABLED), 1);
}

/* The place of the direct call is taken: newer kernels have another word for it */
static void check_occupied(void)
{
	int ret = __fentry_attach("kvm", FUNCTION);

	if (ret != -EINVAL)
		ASSERT_EQ(ret, -EBUSY);
}

static u32 hook_kind(void)
{
	struct kvm_pvi_info info = { .size = sizeof(info) };
	int fd = pvi_open();

	pvi_ioctl(fd, KVM_PVI_GET_INFO, &info);
	close(fd);
	return info.hook;
}

/* Without waiting for the time after which the hook goes; true once nobody is bound any more */
static bool is_detached(void)
{
	write_param("kvm_pvi", "attach", 0);
	write_param("kvm_pvi", "attach", 1);
	return hook_kind() == KVM_PVI_HOOK_NONE;
}

/* Every case starts from here, whatever the one before it has left */
static void start_alone(void)
{
	mount_tracefs();
	write_file(FTRACE_ENABLED, "1");
	write_file(TRACING "current_tracer", "nop");
	write_file(TRACING "events/enable", "0");
	truncate_file(TRACING "set_ftrace_filter");
	if (!access(PROBE "enable", F_OK))
		write_file(PROBE "enable", "0");
	truncate_file(TRACING "kprobe_events");
	truncate_file(TRACING "trace");
	if (is_loaded("pvi_test_ipmodify"))
		unload_module("pvi_test_ipmodify");
	ASSERT_TRUE(wait_until(is_detached(), 10000));
}

/* The kernel log from here on */
static int open_log(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	ASSERT_GE(fd, 0);
	ASSERT_EQ(lseek(fd, 0, SEEK_END), 0);
	return fd;
}

static void expect_log(int fd, const char *text)
{
	char line[1024];
	ssize_t len;

	while ((len = read(fd, line, sizeof(line) - 1)) > 0) {
		line[len] = 0;
		if (strstr(line, "kvm_pvi: ") && strstr(line, text))
			return;
	}
	TEST_FAIL("the kernel log does not say '%s'", text);
}

struct pair {
	struct vm *rx, *tx;
	int rx_fd, tx_fd;
	u32 port;
};

static struct pair prepare(void)
{
	struct pair p = { .rx = vm_create(1, 0), .tx = vm_create(1, 0) };

	vm_ioapic_set(p.rx, PIN, VECTOR, 0, 0);
	vcpu_run_thread(&p.rx->vcpus[0], guest_receive, 1);
	vcpu_wait_sync(&p.rx->vcpus[0], 1);
	return p;
}

static void bind_pair(struct pair *p)
{
	p->rx_fd = pvi_bind(p->rx, pvi_uuid[0]);
	p->tx_fd = pvi_bind(p->tx, pvi_uuid[1]);
	pvi_expose(p->rx_fd, PIN, KVM_PVI_GSI_DIRECT);
	pvi_allow(p->rx_fd, pvi_uuid[1], PIN);
	p->port = pvi_connect(p->tx_fd, pvi_uuid[0], PIN);
}

static void close_pair(struct pair *p)
{
	close(p->rx_fd);
	close(p->tx_fd);
}

static int try_bind(void)
{
	int fd = pvi_open(), ret = __pvi_bind(fd, NULL, pvi_uuid[9]);

	close(fd);
	return ret;
}

static void check_served(struct pair *p)
{
	u64 before = vcpu_irq_count(&p->rx->vcpus[0], VECTOR);

	ASSERT_EQ(vcpu_call(&p->tx->vcpus[0], guest_ring, p->port), KVM_PVI_RAISED);
	vcpu_wait_irqs(&p->rx->vcpus[0], VECTOR, before + 1);
}

static void check_refused(struct pair *p)
{
	ASSERT_EQ(vcpu_call(&p->tx->vcpus[0], guest_ring, p->port), -KVM_ENOSYS);
}

static void start_storm(struct pair *p)
{
	vcpu_run_thread(&p->tx->vcpus[0], guest_storm, p->port);
	ASSERT_TRUE(wait_until(READ_ONCE(served) > 20, 10000));
}

static void wait_storm(u64 *counter, u64 count)
{
	u64 from = READ_ONCE(*counter);

	ASSERT_TRUE(wait_until(READ_ONCE(*counter) >= from + count, 10000));
}

static void end_storm(struct pair *p)
{
	WRITE_ONCE(stop, 1);
	vcpu_join(&p->tx->vcpus[0]);
}

/* Others who look at the function */
struct tracer {
	const char *tracer;	/* for current_tracer, or */
	const char *probe;	/* for kprobe_events */
};

static void switch_tracer(const struct tracer *t, bool on)
{
	if (t->tracer) {
		write_file(TRACING "current_tracer", on ? t->tracer : "nop");
		return;
	}
	if (on)
		write_file(TRACING "kprobe_events", t->probe);
	write_file(PROBE "enable", on ? "1" : "0");
	if (!on)
		write_file(TRACING "kprobe_events", "-:pvi_test");
}

/* It was on: it has seen hypercalls. The first lines tell, there may be many thousand */
static void expect_traced(const struct tracer *t)
{
	int fd = open(TRACING "trace", O_RDONLY | O_CLOEXEC);
	char text[8192] = "";
	ssize_t len, sum = 0;

	ASSERT_GE(fd, 0);
	while ((len = read(fd, text + sum, sizeof(text) - 1 - sum)) > 0)
		sum += len;
	close(fd);
	if (!strstr(text, t->tracer ? FUNCTION : "pvi_test:"))
		TEST_FAIL("%s has seen nothing:\n%s", t->tracer ? t->tracer : t->probe, text);
	truncate_file(TRACING "trace");
}

/* There before we attach and after we detach, and the other way round */
static void check_beside(const struct tracer *t)
{
	struct pair p = prepare();

	switch_tracer(t, true);
	bind_pair(&p);
	ASSERT_EQ(hook_kind(), KVM_PVI_HOOK_DIRECT);
	check_served(&p);
	expect_traced(t);
	switch_tracer(t, false);
	check_served(&p);
	switch_tracer(t, true);
	check_served(&p);
	write_param("kvm_pvi", "attach", 0);
	check_refused(&p);
	expect_traced(t);
	write_param("kvm_pvi", "attach", 1);
	check_served(&p);
	close_pair(&p);
	ASSERT_TRUE(wait_until(is_detached(), 10000));
	check_refused(&p);
	switch_tracer(t, false);
	bind_pair(&p);
	check_served(&p);
	close_pair(&p);
}

static void check_under_storm(const struct tracer *t)
{
	struct pair p = prepare();
	int i;

	bind_pair(&p);
	start_storm(&p);
	for (i = 0; i < 3; i++) {
		switch_tracer(t, true);
		wait_storm(&served, 20);
		expect_traced(t);
		switch_tracer(t, false);
		wait_storm(&served, 20);
	}
	end_storm(&p);
	ASSERT_EQ(refused, 0);
}

static void check_tracer(const struct tracer *t)
{
	start_alone();
	write_file(TRACING "set_ftrace_filter", FUNCTION);
	check_beside(t);
	check_under_storm(t);
}

static void test_function(void)
{
	check_tracer(&(struct tracer){ .tracer = "function" });
}

static void test_function_graph(void)
{
	check_tracer(&(struct tracer){ .tracer = "function_graph" });
}

static void test_kprobe(void)
{
	check_tracer(&(struct tracer){ .probe = "p:pvi_test " FUNCTION });
}

static void test_kretprobe(void)
{
	check_tracer(&(struct tracer){ .probe = "r:pvi_test " FUNCTION });
}

static void test_ftrace_off_before(void)
{
	struct pair p = prepare();
	int log;

	start_alone();
	log = open_log();
	if (__write_line(FTRACE_ENABLED, "0") != -EOPNOTSUPP) {
		ASSERT_EQ(read_number(FTRACE_ENABLED), 0);
		ASSERT_EQ(try_bind(), -EBUSY);
		expect_log(log, "kernel.ftrace_enabled");
		ASSERT_EQ(hook_kind(), KVM_PVI_HOOK_NONE);
		write_file(FTRACE_ENABLED, "1");
	}
	ASSERT_EQ(read_number(FTRACE_ENABLED), 1);
	bind_pair(&p);
	check_served(&p);
}

static void test_ftrace_off_after(void)
{
	struct pair p = prepare();

	start_alone();
	bind_pair(&p);
	start_storm(&p);
	check_ftrace_stays();
	wait_storm(&served, 20);
	end_storm(&p);
	ASSERT_EQ(refused, 0);
}

static void test_attach(void)
{
	struct pair p = prepare();
	int log;

	start_alone();
	ASSERT_EQ(hook_kind(), KVM_PVI_HOOK_NONE);
	bind_pair(&p);
	ASSERT_EQ(hook_kind(), KVM_PVI_HOOK_DIRECT);
	check_served(&p);
	log = open_log();
	write_param("kvm_pvi", "attach", 0);
	ASSERT_EQ(hook_kind(), KVM_PVI_HOOK_NONE);
	check_refused(&p);
	ASSERT_EQ(pvi_call(p.tx_fd, KVM_HC_NOTIFY, p.port, 0, 0, 0), KVM_PVI_RAISED);
	ASSERT_EQ(try_bind(), -EBUSY);
	expect_log(log, "parameter");
	write_param("kvm_pvi", "attach", 1);
	ASSERT_EQ(hook_kind(), KVM_PVI_HOOK_DIRECT);
	check_served(&p);
	ASSERT_EQ(try_bind(), 0);
}

/* The last unbind does not detach, a while later it is done */
static void test_detached_later(void)
{
	struct pair p = prepare();

	start_alone();
	bind_pair(&p);
	close_pair(&p);
	ASSERT_EQ(hook_kind(), KVM_PVI_HOOK_DIRECT);
	ASSERT_TRUE(wait_until(hook_kind() == KVM_PVI_HOOK_NONE, 20000));
	check_refused(&p);
}

static void test_attach_rounds(void)
{
	struct pair p = prepare();
	int i;

	start_alone();
	bind_pair(&p);
	start_storm(&p);
	for (i = 0; i < ROUNDS; i++) {
		write_param("kvm_pvi", "attach", 0);
		wait_storm(&refused, 2);
		write_param("kvm_pvi", "attach", 1);
		wait_storm(&served, 2);
	}
	end_storm(&p);
	check_served(&p);
}

/* BPF has the place for a direct call: we take the other way, until we can have it */
static void test_bpf_first(void)
{
	struct pair p = prepare();
	int bpf;

	start_alone();
	bpf = __fentry_attach("kvm", FUNCTION);
	ASSERT_GE(bpf, 0);
	bind_pair(&p);
	ASSERT_EQ(hook_kind(), KVM_PVI_HOOK_FTRACE);
	start_storm(&p);
	wait_storm(&served, 100);
	close(bpf);
	wait_storm(&served, 100);
	end_storm(&p);
	ASSERT_EQ(refused, 0);
	check_ftrace_stays();
	ASSERT_EQ(hook_kind(), KVM_PVI_HOOK_FTRACE);
	write_param("kvm_pvi", "attach", 0);
	check_refused(&p);
	write_param("kvm_pvi", "attach", 1);
	ASSERT_EQ(hook_kind(), KVM_PVI_HOOK_DIRECT);
	check_served(&p);
}

static void test_bpf_second(void)
{
	struct pair p = prepare();
	int bpf;

	start_alone();
	bind_pair(&p);
	check_occupied();
	check_served(&p);
	write_param("kvm_pvi", "attach", 0);
	bpf = __fentry_attach("kvm", FUNCTION);
	ASSERT_GE(bpf, 0);
	write_param("kvm_pvi", "attach", 1);
	ASSERT_EQ(hook_kind(), KVM_PVI_HOOK_FTRACE);
	check_served(&p);
	close(bpf);
	check_served(&p);
}

/* A livepatch, or what claims the function as one does */
static void test_ipmodify_first(void)
{
	struct pair p = prepare();
	int log, i;

	start_alone();
	load_test_module("pvi_test_ipmodify");
	log = open_log();
	/* Again and again: a failure leaves nothing behind that the next one trips over */
	for (i = 0; i < 3; i++)
		ASSERT_EQ(try_bind(), -EBUSY);
	expect_log(log, "[pvi_test_ipmodify]");
	ASSERT_EQ(hook_kind(), KVM_PVI_HOOK_NONE);
	check_refused(&p);
	unload_module("pvi_test_ipmodify");
	bind_pair(&p);
	ASSERT_EQ(hook_kind(), KVM_PVI_HOOK_DIRECT);
	check_served(&p);
}

static void test_ipmodify_second(void)
{
	struct pair p = prepare();

	start_alone();
	bind_pair(&p);
	start_storm(&p);
	ASSERT_EQ(__load_test_module("pvi_test_ipmodify"), -EBUSY);
	wait_storm(&served, 20);
	end_storm(&p);
	ASSERT_EQ(refused, 0);
	write_param("kvm_pvi", "attach", 0);
	load_test_module("pvi_test_ipmodify");
	ASSERT_EQ(__write_param("kvm_pvi", "attach", "1"), -EBUSY);
	check_refused(&p);
	unload_module("pvi_test_ipmodify");
	write_param("kvm_pvi", "attach", 1);
	check_served(&p);
}

static const struct test_case cases[] = {
	{ "function", test_function, 60 },
	{ "function_graph", test_function_graph, 60 },
	{ "kprobe", test_kprobe, 60 },
	{ "kretprobe", test_kretprobe, 60 },
	{ "ftrace_off_before", test_ftrace_off_before },
	{ "ftrace_off_after", test_ftrace_off_after },
	{ "attach", test_attach },
	{ "detached_later", test_detached_later },
	{ "attach_rounds", test_attach_rounds, 120 },
	{ "ipmodify_first", test_ipmodify_first },
	{ "ipmodify_second", test_ipmodify_second },
	{ "bpf_first", test_bpf_first },
	{ "bpf_second", test_bpf_second },
};

int main(int argc, char **argv)
{
	size_t nr = ARRAY_SIZE(cases);

	/* The last two, where the kernel has no BPF or no BTF of kvm.ko */
	if (!fentry_possible("kvm"))
		nr -= 2;
	return test_main(argc, argv, cases, nr, TEST_REQUIRE_KVM | TEST_REQUIRE_PVI);
}
