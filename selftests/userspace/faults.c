// SPDX-License-Identifier: GPL-2.0
/*
 * faults - each allocation of each call that allocates fails in turn, and so does the copy back to its caller: then the
 * call says so, all that can be seen of the endpoints is as before, nothing is left, and the same call does all that it
 * is to do. In short what faults_test does in the debug kernel.
 */
#include "grant.h"
#include "life.h"
#include "reply.h"
#include "source.h"
#include "world.h"

#define GSI	5
#define OTHER	6	/* exposed, nothing hangs on it */
#define NEW	7
#define NEVER	100	/* more allocations than any call makes */

static struct pvi_vm *to, *from, *unbound;
static struct kvm_pvi_grant grant;
static u32 port;
static bool there;	/* the caller's memory */

static int call(int (*fn)(struct pvi_vm *vm, void *arg), struct pvi_vm *vm, void *arg, size_t size)
{
	struct pvi_reply r = { .user = there ? arg : NULL, .size = size };

	memcpy(&r.arg, arg, size);
	return fn(vm, &r.arg);
}
#define CALL(fn, vm, type, ...)	({						\
	struct kvm_pvi_##type arg_ = { .size = sizeof(arg_), __VA_ARGS__ };	\
	call(fn, vm, &arg_, sizeof(arg_));					\
})

static int do_bind(void)
{
	struct kvm_pvi_bind b = { .size = sizeof(b), .flags = KVM_PVI_BIND_HOST, .vm_fd = -1, .uuid = { 1, 2, 3 } };

	return call(pvi_life_bind, unbound, &b, sizeof(b));
}

static int do_expose(void)
{
	return CALL(pvi_expose, to, expose, .gsi = NEW);
}

static int do_allow(void)
{
	struct kvm_pvi_allow a = { .size = sizeof(a), .gsi = OTHER };
	uuid_t uuid = world_uuid(8);

	export_uuid(a.uuid, &uuid);
	return call(pvi_acl_allow, to, &a, sizeof(a));
}

static int do_bell(void)
{
	return CALL(pvi_bell_create, to, bell, .bell = 3, .gsi = OTHER);
}

static int do_connect(void)
{
	struct kvm_pvi_connect c = { .size = sizeof(c), .gsi = GSI, .port = 500 };

	export_uuid(c.uuid, &to->uuid);
	return call(pvi_connect, from, &c, sizeof(c));
}

static int do_connect_grant(void)
{
	return CALL(pvi_connect, from, connect, .flags = KVM_PVI_CONNECT_GRANT, .port = 501, .grant_fd = grant.fd);
}

static int do_port(void)
{
	return CALL(pvi_port_set, from, port, .port = 502, .fd = WORLD_FD);
}

static int do_wire(void)
{
	return CALL(pvi_expose_wire, to, wire, .gsi = GSI, .fd = WORLD_FD + 1);
}

static int do_source(void)
{
	return CALL(pvi_source_wire, from, source, .fd = WORLD_FD + 2, .port = port);
}

static int do_grant(void)
{
	return CALL(pvi_grant_make, to, grant, .gsi = GSI);
}

/* Which of them tell their caller something */
static const struct {
	const char *name;
	int (*fn)(void);
	bool replies;
} calls[] = {
	{ "BIND", do_bind, true }, { "EXPOSE", do_expose }, { "ALLOW", do_allow }, { "BELL", do_bell },
	{ "CONNECT", do_connect, true }, { "CONNECT by a grant", do_connect_grant, true }, { "SET_PORT", do_port, true },
	{ "WIRE", do_wire }, { "WIRE_SOURCE", do_source }, { "GRANT", do_grant, true },
};

static void make(void)
{
	struct kvm_pvi_connect c = { .size = sizeof(c), .gsi = GSI, .port = KVM_PVI_PORT_ANY };

	to = world_vm(1);
	from = world_vm(2);
	unbound = pvi_life_open();
	world_expose(to, GSI, KVM_PVI_GSI_EVENTFD);
	world_expose(to, OTHER, KVM_PVI_GSI_EVENTFD);
	world_allow(to, from, GSI, 0, 0);
	export_uuid(c.uuid, &to->uuid);
	there = true;
	CHECK(!call(pvi_connect, from, &c, sizeof(c)));
	port = c.port;
	grant = (struct kvm_pvi_grant){ .size = sizeof(grant), .gsi = GSI };
	CHECK(!call(pvi_grant_make, to, &grant, sizeof(grant)));
}

static void unmake(size_t before)
{
	u32 fd;

	/* Of GRANT, which may have made another one */
	for (fd = grant.fd; fd < grant.fd + 2; fd++)
		if (shim_has_fd(fd))
			shim_close(fd);
	world_end(unbound);
	world_end(from);
	world_end(to);
	CHECK(shim_allocated() == before && !world_attached);
	for (fd = 0; fd < 4; fd++)
		CHECK(!world_eventfds[fd].references);
}

/* What can be seen, but for how much is allocated */
struct seen {
	u32 gsis, bells, edges, grants, sources, uses, events;
	enum pvi_life life;
	bool named, numbered;
};

static struct seen look(void)
{
	struct file *f = fget(grant.fd);
	struct pvi_edge *edge = f->private_data;
	struct seen seen;

	memset(&seen, 0, sizeof(seen));
	seen.gsis = to->nr_gsis;
	seen.bells = to->nr_bells;
	seen.edges = to->nr_edges;
	seen.grants = atomic_read(&to->nr_grants);
	seen.sources = atomic_read(&from->nr_sources);
	seen.uses = atomic_read(&edge->uses);
	seen.events = to->events->nr + from->events->nr;
	seen.life = unbound->life;
	seen.named = unbound->name;
	seen.numbered = unbound->number;
	fput(f);
	return seen;
}

/* The thread of its sources stays until the endpoint ends. */
static size_t allocated(void)
{
	return shim_allocated() - 2 * !!from->worker;
}

/* The @nth allocation fails, or the copy back where it is 0; false: there are not so many */
static bool try(u32 i, u64 nth)
{
	size_t before = shim_allocated(), made;
	struct seen seen;
	bool failed;
	int ret;

	make();
	shim_idle();
	seen = look();
	made = allocated();
	there = nth;
	shim_fail_alloc(nth);
	ret = calls[i].fn();
	failed = !nth || shim_alloc_failed();
	shim_fail_alloc(0);
	shim_idle();
	if (failed) {
		struct seen now = look();

		if (nth ? ret != -ENOMEM && ret != -ENFILE : ret != -EFAULT)
			fprintf(stderr, "%s, %llu: %d\n", calls[i].name, (unsigned long long)nth, ret);
		CHECK(nth ? ret == -ENOMEM || ret == -ENFILE : ret == -EFAULT);
		CHECK(allocated() == made && !memcmp(&seen, &now, sizeof(seen)));
		there = true;
		ret = calls[i].fn();
	}
	CHECK(!ret);
	unmake(before);
	return failed;
}

int main(void)
{
	u64 failures = 0, nth;
	u32 i;

	shim_user_set((void *)PAGE_SIZE, SIZE_MAX - PAGE_SIZE);
	world_init();
	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		for (nth = 1; try(i, nth); nth++)
			CHECK(nth < NEVER);
		failures += nth - 1;
		if (calls[i].replies)
			failures += try(i, 0);
	}
	printf("# %zu calls, %llu failures\n", ARRAY_SIZE(calls), (unsigned long long)failures);
	return 0;
}
