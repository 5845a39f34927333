// SPDX-License-Identifier: GPL-2.0
/*
 * kvm-pvi demo: three guests and a host process, step by step, then each mechanism by itself. Each
 * step is checked; the first that does not go as it says ends the demo with an error.
 */
#include <stdarg.h>

#include "demo.h"

#define STORM	10000
#define STRIDE	100	/* rings between two looks at what the receiver has seen */
#define ROUNDS	1000

static u64 written, seen, handled;
static u64 verdicts[3];

static __guest void on_ring(u8 vector)
{
	(void)vector;
	WRITE_ONCE(seen, READ_ONCE(written));
	WRITE_ONCE(handled, handled + 1);
}

static __guest u64 listen(u64 last)
{
	guest_on_irq(VECTOR, on_ring);
	guest_sync(1);
	guest_irq_disable();
	while (READ_ONCE(seen) < last)
		guest_irq_wait();
	return READ_ONCE(handled);
}

static __guest u64 ring_uuid(u64 uuid)
{
	WRITE_ONCE(written, written + 1);
	return guest_hypercall(KVM_HC_PVI, uuid, GSI, 0, 0);
}

static __guest u64 notify(u64 port)
{
	return guest_hypercall(KVM_HC_NOTIFY, port, 0, 0, 0);
}

/* Returns how many accepted rings the receiver had not seen a long while later. */
static __guest u64 storm(u64 port)
{
	u64 i, wait, lost = 0;

	for (i = 0; i < STORM; i++) {
		u64 verdict;

		WRITE_ONCE(written, written + 1);
		verdict = guest_hypercall(KVM_HC_NOTIFY, port, 0, 0, 0);
		GUEST_ASSERT(verdict <= KVM_PVI_LATCHED);
		verdicts[verdict]++;
		if (i % STRIDE)
			continue;
		for (wait = 0; READ_ONCE(seen) < written && wait < 100000000; wait++)
			guest_pause();
		lost += READ_ONCE(seen) < written;
	}
	return lost;
}

static __guest u64 null_calls(u64 n)
{
	while (n--)
		guest_hypercall(KVM_HC_VAPIC_POLL_IRQ, 0, 0, 0, 0);
	return 0;
}

static u64 cost_port;

static __guest u64 notify_calls(u64 n)
{
	while (n--)
		guest_hypercall(KVM_HC_NOTIFY, cost_port, 0, 0, 0);
	return 0;
}

static __guest u64 uuid_calls(u64 n)
{
	while (n--)
		guest_hypercall(KVM_HC_PVI, (u64)pvi_uuid[1], GSI, 0, 0);
	return 0;
}

static unsigned int step;

static void print_line(const char *fmt, va_list args)
{
	vprintf(fmt, args);
	putchar('\n');
	fflush(stdout);
}

void say(const char *fmt, ...)
{
	va_list args;

	printf("%2u. ", ++step);
	va_start(args, fmt);
	print_line(fmt, args);
	va_end(args);
}

void detail(const char *fmt, ...)
{
	va_list args;

	fputs("    ", stdout);
	va_start(args, fmt);
	print_line(fmt, args);
	va_end(args);
}

static const char *name(const u8 *uuid)
{
	static char text[37];
	char *end = text;
	int i;

	for (i = 0; i < KVM_PVI_UUID_SIZE; i++)
		end += sprintf(end, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
			       uuid[i]);
	return text;
}

static struct kvm_pvi_info info(int fd)
{
	struct kvm_pvi_info i = { .size = sizeof(i) };

	pvi_ioctl(fd, KVM_PVI_GET_INFO, &i);
	return i;
}

/* The least of a few: the kernel may have something of its own to do meanwhile. */
static u64 duration(struct vm *vm, guest_fn fn, u64 rounds)
{
	u64 least = ~0ULL, start, took;
	int i;

	for (i = 0; i < 5; i++) {
		start = __builtin_ia32_rdtsc();
		vcpu_call(&vm->vcpus[0], fn, rounds);
		took = __builtin_ia32_rdtsc() - start;
		least = took < least ? took : least;
	}
	return least;
}

/* What one more call costs: the difference takes everything else out. */
static u64 cost(struct vm *vm, guest_fn fn)
{
	return (duration(vm, fn, 2 * ROUNDS) - duration(vm, fn, ROUNDS)) / ROUNDS;
}

static void show_costs(struct vm *a, u32 eventfd_port, u32 ring_port)
{
	say("what a call costs, in instructions of guest and host together:");
	printf("      %-52s %6llu\n", "KVM's null hypercall", cost(a, null_calls));
	cost_port = eventfd_port;
	printf("      %-52s %6llu\n", "HC_NOTIFY to an eventfd", cost(a, notify_calls));
	cost_port = ring_port;
	printf("      %-52s %6llu\n", "HC_NOTIFY to B's pin", cost(a, notify_calls));
	printf("      %-52s %6llu\n", "KVM_HC_PVI to B's pin, by UUID", cost(a, uuid_calls));
}

static void demo(void)
{
	struct vm *a, *b, *c;
	int a_fd, b_fd, efd = new_eventfd();
	u32 port, ring_port;
	u64 lost;

	b_fd = pvi_open();
	say("kvm_pvi is loaded: ABI %u.%u, features %#x, hook %u (nothing bound: KVM is untouched)",
	    info(b_fd).abi_major, info(b_fd).abi_minor, info(b_fd).features, info(b_fd).hook);
	ASSERT_EQ(info(b_fd).hook, KVM_PVI_HOOK_NONE);
	close(b_fd);

	a = vm_create(1, 0);
	b = vm_create(1, 0);
	c = vm_create(1, 0);
	a_fd = pvi_bind(a, pvi_uuid[0]);
	b_fd = pvi_bind(b, pvi_uuid[1]);
	pvi_bind(c, pvi_uuid[2]);
	ASSERT_EQ(info(b_fd).hook, KVM_PVI_HOOK_DIRECT);
	say("guest A is bound as %s", name(pvi_uuid[0]));
	say("guest B is bound as %s, hook %u (direct call)", name(pvi_uuid[1]), info(b_fd).hook);
	say("guest C is bound as %s", name(pvi_uuid[2]));

	vm_ioapic_set(b, GSI, VECTOR, 0, 0);
	pvi_expose(b_fd, GSI, KVM_PVI_GSI_DIRECT);
	pvi_allow(b_fd, pvi_uuid[0], GSI);
	say("B exposes GSI %u and allows A to ring it, and nobody else", GSI);

	vcpu_run_thread(&b->vcpus[0], listen, 1);
	vcpu_wait_sync(&b->vcpus[0], 1);
	ASSERT_EQ(vcpu_call(&c->vcpus[0], ring_uuid, (u64)pvi_uuid[1]), -EPERM);
	ASSERT_EQ(handled, 0);
	say("C rings B by UUID:  refused, -EPERM; B's handler ran %llu times", handled);

	ASSERT_EQ(vcpu_call(&a->vcpus[0], ring_uuid, (u64)pvi_uuid[1]), KVM_PVI_RAISED);
	ASSERT_EQ(vcpu_join(&b->vcpus[0]), 1);
	say("A rings B by UUID:  raised; B's handler ran %llu time and saw what A wrote", handled);

	port = pvi_set_port(a_fd, efd);
	ASSERT_EQ(vcpu_call(&a->vcpus[0], notify, port), KVM_PVI_RAISED);
	ASSERT_TRUE(wait_readable(efd, 1000));
	say("A issues HC_NOTIFY on port %u: a host process woke from poll, its eventfd says %llu",
	    port, read_eventfd(efd));

	ring_port = pvi_connect(a_fd, pvi_uuid[1], GSI);
	written = seen = handled = 0;
	vcpu_run_thread(&b->vcpus[0], listen, STORM);
	vcpu_wait_sync(&b->vcpus[0], 1);
	say("a storm: A rings B %u times on port %u, both running", STORM, ring_port);
	lost = vcpu_call(&a->vcpus[0], storm, ring_port);
	vcpu_join(&b->vcpus[0]);
	lost += seen != written;
	printf("      rung %llu, raised %llu, coalesced %llu, latched %llu, handler runs %llu, lost %llu\n",
	       written, verdicts[KVM_PVI_RAISED], verdicts[KVM_PVI_COALESCED],
	       verdicts[KVM_PVI_LATCHED], handled, lost);
	ASSERT_EQ(lost, 0);

	demo_mechanisms(a, a_fd);
	show_costs(a, port, ring_port);
}

static const struct test_case cases[] = {
	{ "demo", demo, 120 },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_KVM | TEST_REQUIRE_PVI);
}
