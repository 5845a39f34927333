// SPDX-License-Identifier: GPL-2.0
/* kvm-pvi oracle: the world, and who acts in it: two threads, another process, guests */
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "../lib/pvi_test.h"
#include "../lib/status.h"
#include "model.h"
#include "world.h"

#define WATCHED_GSI	100

struct world *world;
static struct vm *vms[NR_VMS];
static struct {
	u64 nr, args[4], rbx, ret;
} guest_box;

const u8 *world_uuid(u8 name)
{
	return pvi_uuid[name];
}

u8 world_name(const u8 *uuid)
{
	u8 i;

	for (i = 0; i <= WATCHER; i++)
		if (!memcmp(uuid, world_uuid(i), KVM_PVI_UUID_SIZE))
			break;
	return i;
}

static __guest u64 guest_take_irqs(u64 arg)
{
	(void)arg;
	/* The instruction behind STI is still shielded */
	asm volatile("sti; nop; nop; cli" : : : "memory");
	return 0;
}

static __guest u64 guest_do_call(u64 arg)
{
	guest_take_irqs(arg);
	guest_box.rbx = guest_box.args[0];
	guest_box.ret = guest_hypercall_rbx(guest_box.nr, &guest_box.rbx, guest_box.args[1],
					    guest_box.args[2], guest_box.args[3]);
	guest_take_irqs(arg);
	return 0;
}

void world_run_guest(u32 vm)
{
	vcpu_call(&vms[vm]->vcpus[0], guest_take_irqs, 0);
}

s64 world_guest_call(u32 vm, u32 nr, const u64 *args, u64 *rbx)
{
	guest_box.nr = nr;
	memcpy(guest_box.args, args, sizeof(guest_box.args));
	vcpu_call(&vms[vm]->vcpus[0], guest_do_call, 0);
	*rbx = guest_box.rbx;
	return guest_box.ret;
}

u64 world_interrupts(u32 vm, u8 vector)
{
	return vcpu_irq_count(&vms[vm]->vcpus[0], vector);
}

u64 world_signals(u32 efd)
{
	return read_eventfd(world->efds[efd]);
}

/* Pins that are rung are vectors as the model has them */
static void vm_make(u32 i)
{
	struct gsi direct = { .kind = KVM_PVI_GSI_DIRECT };
	u32 g;

	vms[i] = vm_create(1, 0);
	for (g = 0; gsi_usable(g); g++)
		if (gsi_number[g] < 24)
			vm_ioapic_set(vms[i], gsi_number[g], model_vector(&direct, g), 0, 0);
	world->vms[i] = vms[i]->fd;
}

/* The one of the world before may not have gone yet */
static void watcher_make(void)
{
	struct kvm_pvi_bind bind = {
		.size = sizeof(bind), .flags = KVM_PVI_BIND_HOST, .vm_fd = -1,
	};
	u32 i;

	world->watcher = pvi_open();
	memcpy(bind.uuid, world_uuid(WATCHER), sizeof(bind.uuid));
	if (!wait_until(!__pvi_ioctl(world->watcher, KVM_PVI_BIND, &bind), 10000))
		TEST_FAIL("the name of the watcher is taken");
	world->watcher_epoch = bind.epoch;
	pvi_expose(world->watcher, WATCHED_GSI, KVM_PVI_GSI_EVENTFD);
	pvi_wire(world->watcher, WATCHED_GSI, new_eventfd());
	for (i = 0; i < NR_NAMES; i++)
		pvi_allow(world->watcher, world_uuid(i), WATCHED_GSI);
}

static void storm_do(const struct op *storm, u32 by, struct answer *answer)
{
	u32 i;

	memset(answer, 0, sizeof(*answer));
	for (i = 0; i < STORM_RINGS; i++) {
		struct op op = op_of_storm(storm, by, i);
		struct answer one;

		call_do(&op, false, &one);
		answer->blob[i] = one.ret < 0 ? 3 : one.ret;
	}
}

static void *executor_run(void *arg)
{
	struct executor *x = arg;
	u32 by = x - world->executors;

	for (;;) {
		while (sem_wait(&x->go))
			;
		if (x->op.kind == OP_STORM)
			storm_do(&x->op, by, &x->answer);
		else
			call_do(&x->op, false, &x->answer);
		sem_post(&x->done);
	}
	return NULL;
}

static int process_run(void *arg)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	executor_run(arg);
	return 0;
}

static void executors_make(void)
{
	static u8 stack[16 * PAGE_SIZE] __aligned(16);
	pthread_t thread;
	u32 i;

	for (i = 0; i < NR_EXECUTORS; i++) {
		ASSERT_EQ(sem_init(&world->executors[i].go, 1, 0), 0);
		ASSERT_EQ(sem_init(&world->executors[i].done, 1, 0), 0);
	}
	ASSERT_EQ(pthread_create(&thread, NULL, executor_run, &world->executors[1]), 0);
	/* The files are this process's too, the memory is not */
	ASSERT_GT(clone(process_run, stack + sizeof(stack), CLONE_FILES | SIGCHLD,
			&world->executors[2]), 0);
}

void world_make(void)
{
	struct status_mem mem;
	u32 i;

	world = mmap(NULL, sizeof(*world), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	ASSERT_TRUE(world != MAP_FAILED);
	for (i = 0; i < NR_EPS; i++)
		world->eps[i] = -1;
	for (i = 0; i < NR_GRANTS; i++)
		world->grants[i] = -1;
	for (i = 0; i < NR_EFDS; i++)
		world->efds[i] = new_eventfd();
	for (i = 0; i < NR_SOURCES; i++)
		world->sources[i] = new_eventfd();
	for (i = 0; i < NR_VMS; i++)
		vm_make(i);
	mem = status_make();
	world->memfd = mem.fd;
	world->words = mem.word;
	watcher_make();
	executors_make();
}

static void executor_wait(struct executor *x)
{
	struct timespec deadline;

	clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_sec += test_slow(60);
	while (sem_timedwait(&x->done, &deadline))
		if (errno == ETIMEDOUT)
			TEST_FAIL("%s does not come back", op_name(x->op.kind));
}

u32 world_port(u32 ep, u32 index)
{
	return index | world->generations[ep][index] << 16;
}

/* The executors have no model of their own */
static void tell_wired(const struct op *op)
{
	u32 i;

	for (i = 0; i < NR_SOURCES; i++)
		world->wired[i] = op->kind == OP_UNWIRE_SOURCE && model_is_wired(i, op->ep, op->a);
}

static void tell_generations(void)
{
	u32 i, j;

	for (i = 0; i < NR_EPS; i++)
		for (j = 0; j < NR_PORTS; j++)
			world->generations[i][j] = m.eps[i].ports[j].generation;
}

void world_do(const struct op *op, struct answer *answer)
{
	struct executor *x = &world->executors[op->by];
	s8 vm = m.eps[op->ep].bound ? m.eps[op->ep].vm : NONE;

	tell_generations();
	tell_wired(op);
	if (!op->by) {
		call_do(op, vm != NONE && op_is_hypercall(op->kind), answer);
		return;
	}
	x->op = *op;
	sem_post(&x->go);
	executor_wait(x);
	*answer = x->answer;
}

/* Sorts what each executor was answered by receiver and GSI, as model_storm() does */
static void storm_count(const struct op *storm, struct answer *answer)
{
	u32 by, i;

	for (by = 0; by < NR_EXECUTORS; by++) {
		for (i = 0; i < STORM_RINGS; i++) {
			struct op op = op_of_storm(storm, by, i);
			struct endpoint *ep = &m.eps[op.ep];
			const struct port *p = &ep->ports[op.a];
			u8 verdict = world->executors[by].answer.blob[i];

			if (!ep->bound)
				continue;
			if (op.kind == OP_RING)
				answer->verdicts[op.b][op.a][verdict]++;
			else if (p->used && p->eventfd == NONE)
				answer->verdicts[p->name][p->gsi][verdict]++;
		}
	}
}

void world_storm(const struct op *op, struct answer *answer)
{
	u32 by;

	memset(answer, 0, sizeof(*answer));
	tell_generations();
	for (by = 1; by < NR_EXECUTORS; by++) {
		world->executors[by].op = *op;
		sem_post(&world->executors[by].go);
	}
	storm_do(op, 0, &world->executors[0].answer);
	for (by = 1; by < NR_EXECUTORS; by++)
		executor_wait(&world->executors[by]);
	storm_count(op, answer);
}
