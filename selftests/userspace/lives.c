// SPDX-License-Identifier: GPL-2.0
/*
 * lives ROUNDS SEED - endpoints, sources and grants that begin and end while others use them, in as many orders of
 * their atomic operations
 *
 * Of an endpoint: who finds it finds all of it; of two that bind one descriptor one succeeds; when close() has returned
 * nothing of it rings any more, and nobody is refused its name or its place. Of a source: no signal is lost, and when it
 * has ended none rings. Of a grant: as many ports as it has uses, and none rings when it has ended. Of a name: its lives
 * are told of one behind the other, each once, and each death. Of GSIs: what a guest is told of them is true of some
 * moment. Of a row that changes: whom it permits before and behind that it permits at any moment. And of all of them:
 * nothing is left.
 */
#include <signal.h>

#include "grant.h"
#include "life.h"
#include "peer.h"
#include "query.h"
#include "reply.h"
#include "source.h"
#include "turns.h"
#include "walk.h"
#include "world.h"

#define GSI		5
#define NAME		1	/* of whoever is rung */
#define TRIES		3
#define SIGNALLERS	2
#define CONNECTORS	3
#define SOURCE		1	/* which of world_eventfds */

extern const struct kernel_param shim_param_max_vms, shim_param_source_rate;

static u64 seed, nr_bound, nr_succeeded, nr_rings, nr_signals, nr_ports;
static u32 working;		/* threads that make something happen */
static u64 rounds;		/* of works */
static bool quiet;		/* nothing may ring */

/* A descriptor of an endpoint, held by each call on it */
static struct fd {
	struct pvi_vm *vm;
	u32 users;
	bool gone;		/* close() has returned */
	bool closed;		/* and waited */
} fd;

static void set(const struct kernel_param *kp, const char *value)
{
	CHECK(!kp->ops->set(value, kp));
}

/* As the ioctl would, from a caller who may have given memory that is not there */
static int call(int (*fn)(struct pvi_vm *vm, void *arg), struct pvi_vm *vm, void *arg, size_t size, bool there)
{
	struct pvi_reply r = { .user = there ? arg : NULL, .size = size };

	memcpy(&r.arg, arg, size);
	return fn(vm, &r.arg);
}
#define CALL(fn, vm, arg, there)	call(fn, vm, &(arg), sizeof(arg), there)

static bool life_is(const struct pvi_vm *vm, enum pvi_life least)
{
	return READ_ONCE(vm->life) >= least;
}

static void fd_put(void)
{
	bool waits = pvi_vm_closer_waits();

	if (--fd.users)
		return;
	pvi_life_close(fd.vm);
	fd.gone = true;
	fd.closed = waits;
}

static void fd_die(void)
{
	fd_put();
	quiet = fd.closed;
}

static void worker(u32 self)
{
	while (READ_ONCE(working)) {
		shim_run_works();
		rounds++;
		if (!turns_random(4))
			synchronize_rcu();
		if (!turns_random(16))
			shim_add(&shim_now, NSEC_PER_SEC);
		cpu_relax();
	}
}

static void settle(void)
{
	do {
		shim_idle();
		shim_now += NSEC_PER_SEC;
	} while (shim_run_works());
}

static void wait_a_little(void)
{
	u32 i;

	for (i = turns_random(40); i; i--)
		cpu_relax();
}

/*
 * A call on an endpoint that takes long, such as of one whose cgroup has nothing left for it: until all others have
 * done what they were about, and the works of all too. They do not wait for it.
 */
static void hold(struct pvi_vm *vm)
{
	u64 last;

	CHECK(!pvi_vm_lock_any(vm));
	while (READ_ONCE(working) > 1)
		cpu_relax();
	last = READ_ONCE(rounds) + 3;
	while (READ_ONCE(rounds) < last)
		cpu_relax();
	pvi_vm_unlock(vm);
}

/* Or a short one */
static void hold_a_little(struct pvi_vm *vm)
{
	CHECK(!pvi_vm_lock_any(vm));
	wait_a_little();
	pvi_vm_unlock(vm);
}

/* Endpoints */

#define BINDERS	2
#define OWNER	1234

static struct kvm_pvi_bind bound_as[BINDERS];	/* what the callers have been told */
static struct mm_struct mm;
static struct pvi_vm *ringer_vm, *next_vm;
static u32 successes;
static bool mm_goes, memory_fails;

static void binder(u32 self)
{
	struct kvm_pvi_bind *b = &bound_as[self];
	struct kvm_pvi_expose expose = { .size = sizeof(expose), .gsi = GSI };
	struct kvm_pvi_allow allow = { .size = sizeof(allow), .gsi = GSI };
	bool there = turns_random(8);
	uuid_t uuid = world_uuid(NAME);
	int ret;

	*b = (struct kvm_pvi_bind){ .size = sizeof(*b), .vm_fd = WORLD_VM_FD };
	/* One of them names its owner. */
	if (!self)
		*b = (struct kvm_pvi_bind){ .size = sizeof(*b), .flags = KVM_PVI_BIND_OWNER, .owner = OWNER,
					    .vm_fd = WORLD_VM_FD };
	export_uuid(b->uuid, &uuid);
	wait_a_little();
	ret = call(pvi_life_bind, fd.vm, b, sizeof(*b), there);
	if (!ret) {
		CHECK(there && b->epoch && !successes++);
		CHECK(fd.vm->owner.val == (self ? shim_task.cred.euid.val : OWNER));
		nr_bound++;
		export_uuid(allow.uuid, &ringer_vm->uuid);
		ret = CALL(pvi_expose, fd.vm, expose, true) ?: CALL(pvi_acl_allow, fd.vm, allow, true);
		CHECK(!ret || (ret == -ENODEV && mm_goes) || (ret == -ENOMEM && memory_fails));
	} else {
		CHECK(ret == -EBUSY || ret == -EEXIST || ret == -ENOSPC || (ret == -EFAULT && !there) ||
		      (ret == -ESRCH && mm_goes) || (ret == -EINTR && shim_notifier_fails) ||
		      (ret == -ENOMEM && memory_fails));
	}
	fd_put();
	working--;
}

static void closer(u32 self)
{
	wait_a_little();
	fd_put();
	working--;
}

/* The VM's address space */
static void mm_user(u32 self)
{
	wait_a_little();
	if (mm_goes)
		mmput(&mm);
	working--;
}

/* Another one wants the name, and there is room for one. */
static void successor(u32 self)
{
	struct kvm_pvi_bind b = { .size = sizeof(b), .flags = KVM_PVI_BIND_HOST, .vm_fd = -1 };
	uuid_t uuid = world_uuid(NAME);
	int ret = -1;
	u32 i;

	export_uuid(b.uuid, &uuid);
	/* Mostly it comes later. */
	for (i = turns_random(8); i; i--)
		wait_a_little();
	for (i = 0; i < TRIES && ret; i++) {
		bool dying = life_is(fd.vm, PVI_LIFE_DYING), gone = fd.gone;

		ret = CALL(pvi_life_bind, next_vm, b, true);
		CHECK(!ret || (ret == -ENOMEM && memory_fails) || (ret == -EEXIST && !dying) ||
		      (ret == -ENOSPC && !gone));
		CHECK(ret || !pvi_vm_bound(fd.vm));
		/* It has no rows, and its predecessor's are not its own. */
		rcu_read_lock();
		CHECK(ret || pvi_ring_uuid(ringer_vm, pvi_words_of(&uuid), GSI) == -EPERM);
		rcu_read_unlock();
		wait_a_little();
	}
	nr_succeeded += !ret;
	working--;
}

/* Whoever is found has been told that it is bound, and is watched. */
static void check_found(struct pvi_vm *vm)
{
	if (vm != fd.vm)
		return;
	CHECK(!fd.closed && vm->epoch && vm->name && vm->number);
	CHECK(vm->epoch == bound_as[0].epoch || vm->epoch == bound_as[1].epoch);
	CHECK(vm->mn.mm == &mm);
}

static bool is_told_down(const struct pvi_events *ev, u64 epoch)
{
	u32 i;

	for (i = 0; i < ev->nr; i++) {
		const struct pvi_event_record *e = &ev->kept[(ev->first + i) % KVM_PVI_EVENTS_KEPT];

		if (e->type == KVM_PVI_EVENT_PEER_DOWN && e->epoch == epoch)
			return true;
	}
	return false;
}

/* Who was told that the receiver has died finds no port to it that is alive. */
static void check_port(u32 port)
{
	bool down = is_told_down(ringer_vm->events, fd.vm->epoch);
	const struct pvi_port *p = pvi_port_find(ringer_vm, port);

	CHECK(!down || !p || pvi_port_state(p) != KVM_PVI_PORT_LIVE);
}

/* A guest's port that has answered ENXIO is saved as one to a dead receiver. */
static void check_saved(void)
{
	struct kvm_pvi_state_port saved;
	u32 i;

	CHECK(!pvi_vm_lock(ringer_vm));
	for (i = 0; i < PVI_NR_SECTIONS; i++)
		if (pvi_sections[i].type == KVM_PVI_STATE_PORT)
			CHECK(pvi_sections[i].save(ringer_vm, &saved) == 1 && saved.flags == KVM_PVI_STATE_PORT_DEAD);
	pvi_vm_unlock(ringer_vm);
}

static void ringer(u32 self)
{
	struct kvm_pvi_connect connect = { .size = sizeof(connect), .gsi = GSI, .port = KVM_PVI_PORT_ANY };
	uuid_t uuid = world_uuid(NAME);
	bool connected = false;
	s64 guests_port = -1;
	u64 number = 0;
	u32 i;
	int ret;

	export_uuid(connect.uuid, &uuid);
	for (i = 0; i < 8; i++) {
		struct pvi_vm *vm;

		if (!connected)
			connected = !CALL(pvi_connect, ringer_vm, connect, true);
		if (guests_port < 0)
			guests_port = pvi_connect_guest(ringer_vm, &uuid, GSI, NULL);
		rcu_read_lock();
		check_found(pvi_vm_find_uuid(&uuid));
		ret = connected && i & 1 ? pvi_ring_port(ringer_vm, connect.port) :
					   pvi_ring_uuid(ringer_vm, pvi_words_of(&uuid), GSI);
		rcu_read_unlock();
		CHECK(ret >= 0 ? successes : ret == -EPERM || ret == -ENXIO || ret == -ENOENT);
		nr_rings += ret >= 0;
		if (connected) {
			rcu_read_lock();
			check_port(connect.port);
			rcu_read_unlock();
		}
		if (guests_port >= 0) {
			rcu_read_lock();
			ret = pvi_ring_port(ringer_vm, guests_port);
			rcu_read_unlock();
			if (ret == -ENXIO)
				check_saved();
		}
		vm = pvi_vm_next(&number);
		if (vm)
			pvi_vm_put(vm);
		wait_a_little();
	}
	working--;
}

static void check_closed(void)
{
	CHECK(!fd.closed && !quiet);
}

/* Who was told that somebody is up is told that he is not, once. */
static void check_told(struct pvi_vm *vm)
{
	struct pvi_events *ev = vm->events;
	u32 i;
	int up = 0;

	CHECK(!ev->lost);
	for (i = 0; i < ev->nr; i++) {
		up += ev->kept[(ev->first + i) % KVM_PVI_EVENTS_KEPT].type == KVM_PVI_EVENT_PEER_UP ? 1 : -1;
		CHECK(up == 0 || up == 1);
	}
	CHECK(!up);
}

static void end_endpoints(struct file *file, bool waits)
{
	pvi_life_close(next_vm);
	settle();
	CHECK(fd.vm->life == (successes ? PVI_LIFE_DEAD : PVI_LIFE_UNBOUND));
	CHECK(fd.vm->ref.count == 1);
	CHECK(!successes || mm_goes || !waits || !world_puts_in_works);
	pvi_vm_put(fd.vm);
	check_told(ringer_vm);
	world_end(ringer_vm);
	CHECK(!mm.notifiers && mm.users == !mm_goes && !mm.locked);
	CHECK(((struct kvm *)file->private_data)->references == 1);
	shim_set_fd(WORLD_VM_FD, NULL);
	world_kvm_put(file);
}

static void try_endpoints(void)
{
	static const turns_fn fns[] = { binder, binder, closer, mm_user, successor, ringer, worker };
	struct file *file = world_kvm();
	bool waits = turns_random(4);

	mm = (struct mm_struct){ .users = 1 };
	((struct kvm *)file->private_data)->mm = &mm;
	ringer_vm = world_vm(9);
	shim_set_fd(WORLD_VM_FD, file);
	memset(bound_as, 0, sizeof(bound_as));
	world_handler = check_closed;
	fd = (struct fd){ pvi_life_open(), 1 + BINDERS };
	next_vm = pvi_life_open();
	/* To look at it when it has ended */
	kref_get(&fd.vm->ref);
	mm_goes = turns_random(2);
	shim_notifier_fails = turns_random(8) ? 0 : -EINTR;
	memory_fails = !turns_random(4);
	shim_fail_alloc(memory_fails ? 1 + turns_random(20) : 0);
	shim_task.flags = waits ? 0 : PF_EXITING;
	shim_capable = true;
	set(&shim_param_max_vms, turns_random(2) ? "2" : "3");
	successes = 0;
	world_puts_in_works = 0;
	working = ARRAY_SIZE(fns) - 1;
	turns_run(fns, ARRAY_SIZE(fns), seed);
	shim_fail_alloc(0);
	shim_task.flags = 0;
	shim_capable = false;
	shim_notifier_fails = 0;
	end_endpoints(file, waits);
	set(&shim_param_max_vms, "16384");
}

/* Endpoints that want one VM, each under a name of its own */

#define RIVALS	3

static u32 nr_owners;	/* of the VM */

static void rival(u32 self)
{
	struct kvm_pvi_bind b = { .size = sizeof(b), .vm_fd = WORLD_VM_FD };
	uuid_t uuid = world_uuid(NAME + self);
	struct pvi_vm *vm = pvi_life_open();
	int ret;

	export_uuid(b.uuid, &uuid);
	wait_a_little();
	ret = CALL(pvi_life_bind, vm, b, true);
	CHECK(!ret || ret == -EEXIST || (ret == -EACCES && world_reserves) || (ret == -EINTR && shim_killed));
	if (!ret) {
		CHECK(!nr_owners++);
		nr_bound++;
		wait_a_little();
		nr_owners--;
	}
	pvi_life_close(vm);
	working--;
}

/* Who passes over them as their names are looked up, and wants these as well */
static void passer(u32 self)
{
	struct kvm_pvi_bind b = { .size = sizeof(b), .flags = KVM_PVI_BIND_HOST, .vm_fd = -1 };
	u32 i;

	for (i = 0; i < 2 * RIVALS; i++) {
		uuid_t uuid = world_uuid(NAME + i % RIVALS);
		struct pvi_vm *vm;

		rcu_read_lock();
		vm = pvi_vm_find_uuid(&uuid);
		cpu_relax();
		CHECK(!vm || (uuid_equal(&vm->uuid, &uuid) && vm->epoch));
		rcu_read_unlock();
		vm = pvi_life_open();
		export_uuid(b.uuid, &uuid);
		CALL(pvi_life_bind, vm, b, true);
		pvi_life_close(vm);
	}
	working--;
}

/* Whoever waits from then on is killed, and whoever does already. */
static void killer(u32 self)
{
	wait_a_little();
	shim_killed = true;
	working--;
}

static void try_rivals(void)
{
	static const turns_fn fns[] = { rival, rival, rival, passer, passer, worker, killer };
	/* In half of these rounds; not by chance, which would have all else of them be another */
	u32 nr = ARRAY_SIZE(fns) - !(seed >> 3 & 1);
	struct file *file = world_kvm();

	mm = (struct mm_struct){ .users = 1 };
	((struct kvm *)file->private_data)->mm = &mm;
	shim_set_fd(WORLD_VM_FD, file);
	world_handler = NULL;
	world_reserves = seed >> 2 & 1;
	working = nr - 1;
	turns_run(fns, nr, seed);
	world_reserves = 0;
	shim_killed = false;
	settle();
	CHECK(!nr_owners && !mm.notifiers && mm.users == 1 && !mm.locked);
	CHECK(((struct kvm *)file->private_data)->references == 1);
	shim_set_fd(WORLD_VM_FD, NULL);
	world_kvm_put(file);
}

/* Sources */

static struct kvm_pvi_source source = { .size = sizeof(source), .fd = WORLD_FD + SOURCE };
static u64 written[SIGNALLERS], done[SIGNALLERS], seen[SIGNALLERS];
static u32 signalling;
static bool is_wired, other_began, hangs_up;
static enum { STAYS, UNWIRES, HANGS_UP, DIES, NR_ENDS, KILLED = NR_ENDS, NR_SOURCE_ENDS } how;

static void rung(void)
{
	u32 i;

	CHECK(!quiet);
	nr_rings++;
	for (i = 0; i < SIGNALLERS; i++)
		seen[i] = READ_ONCE(written[i]);
}

static void signaller(u32 self)
{
	u32 i;

	for (i = 1 + turns_random(4); i; i--) {
		written[self]++;
		shim_wake(&world_eventfds[SOURCE], 1, EPOLLIN);
		done[self] = written[self];
		nr_signals++;
		/* The eventfd may go right behind the last */
		if (i > 1 || turns_random(2))
			cpu_relax();
	}
	/* The last descriptor goes with the last of them. */
	if (!--signalling && hangs_up)
		shim_wake(&world_eventfds[SOURCE], 0, EPOLLHUP);
	working--;
}

static void wire_source(void)
{
	CHECK(!CALL(pvi_source_wire, fd.vm, source, true));
	is_wired = true;
}

/* What was signalled before has been rung, unless it had to wait for a token. */
static void unwire_source(bool in_time)
{
	u64 before[SIGNALLERS];
	u32 i;
	int ret;

	memcpy(before, done, sizeof(before));
	in_time &= !other_began;
	ret = CALL(pvi_source_unwire, fd.vm, source, true);
	CHECK(!ret || (ret == -ENOENT && (how == UNWIRES || how == KILLED)) || (ret == -ENODEV && how == KILLED));
	if (ret)
		return;
	quiet = true;
	/* The descriptor's reference, the binding's and try_source()'s: nothing is left that has more. */
	CHECK(other_began || fd.vm->ref.count == 3);
	for (i = 0; in_time && i < SIGNALLERS; i++)
		CHECK(seen[i] >= before[i]);
}

static bool has_tokens;

/* Whoever comes second finds none. */
static void other_user(u32 self)
{
	int ret;

	wait_a_little();
	if (how == UNWIRES) {
		wait_a_little();
		other_began = true;
		ret = CALL(pvi_source_unwire, fd.vm, source, true);
		CHECK(!ret || ret == -ENOENT);
		other_began = !ret;
		quiet |= !ret;
	} else if (how == KILLED) {
		/* The endpoint dies by the death of its VMM, and who has the descriptor goes on. */
		other_began = true;
		fd.vm->mn.ops->release(&fd.vm->mn, &world_mm);
	}
	working--;
}

static void source_user(u32 self)
{
	wait_a_little();
	if (!is_wired)
		wire_source();
	wait_a_little();
	switch (how) {
	case UNWIRES:
	case KILLED:
		unwire_source(how == UNWIRES && has_tokens);
		break;
	case DIES:
		fd_die();
		/* What ends it has one yet, maybe; no source that ends by itself at this moment has. */
		CHECK(fd.vm->ref.count <= 2);
		break;
	default:
		break;
	}
	working--;
}

static void end_source(struct pvi_vm *to)
{
	u32 i;

	/* The owner of the endpoint may be in a call that takes long: nobody's works wait for it. */
	if (how == HANGS_UP)
		mutex_lock(&fd.vm->lock);
	settle();
	if (how == HANGS_UP)
		mutex_unlock(&fd.vm->lock);
	for (i = 0; i < SIGNALLERS && (how == STAYS || how == HANGS_UP); i++)
		CHECK(seen[i] == written[i]);
	if (how == STAYS)
		unwire_source(true);
	else if (how != DIES && how != KILLED)
		CHECK(CALL(pvi_source_unwire, fd.vm, source, true) == -ENOENT);
	CHECK(how != KILLED || life_is(fd.vm, PVI_LIFE_DEAD));
	if (how != DIES)
		fd_put();
	settle();
	CHECK(fd.vm->ref.count == 1 && !atomic_read(&fd.vm->nr_sources) && !fd.vm->sources.nr);
	CHECK(!world_eventfds[SOURCE].references && !world_eventfds[SOURCE].wqh.first);
	pvi_vm_put(fd.vm);
	world_end(to);
}

static void try_source(void)
{
	static const turns_fn fns[] = { signaller, signaller, source_user, other_user, worker };
	struct kvm_pvi_connect connect = { .size = sizeof(connect), .gsi = GSI, .port = KVM_PVI_PORT_ANY };
	struct pvi_vm *to = world_vm(NAME);

	fd = (struct fd){ world_vm(2), 1 };
	kref_get(&fd.vm->ref);
	world_expose(to, GSI, KVM_PVI_GSI_DIRECT);
	world_allow(to, fd.vm, GSI, 0, 0);
	export_uuid(connect.uuid, &to->uuid);
	CHECK(!CALL(pvi_connect, fd.vm, connect, true));
	source.port = connect.port;
	world_handler = rung;
	world_eventfds[SOURCE].count = 0;
	memset(written, 0, sizeof(written));
	memset(done, 0, sizeof(done));
	memset(seen, 0, sizeof(seen));
	how = turns_random(NR_SOURCE_ENDS);
	has_tokens = turns_random(2);
	set(&shim_param_source_rate, has_tokens ? "1000000" : "1");
	is_wired = false;
	other_began = false;
	hangs_up = how == HANGS_UP || (how == DIES && turns_random(2));
	if (hangs_up || how == KILLED || turns_random(2))
		wire_source();
	signalling = SIGNALLERS;
	working = ARRAY_SIZE(fns) - 1;
	turns_run(fns, ARRAY_SIZE(fns), seed);
	end_source(to);
}

/* Grants */

static struct kvm_pvi_grant grant;
static struct pvi_vm *senders[CONNECTORS];
static u32 connecting;
static bool ends, held;

static int connect_by_grant(struct pvi_vm *vm, u32 *port, bool there)
{
	struct kvm_pvi_connect connect = { .size = sizeof(connect), .flags = KVM_PVI_CONNECT_GRANT,
					   .port = KVM_PVI_PORT_ANY, .grant_fd = grant.fd };
	int ret = CALL(pvi_connect, vm, connect, there);

	CHECK(!ret || connect.port == KVM_PVI_PORT_ANY);
	*port = connect.port;
	return ret;
}

static void connector(u32 self)
{
	bool there = turns_random(3);
	u32 port, i;
	int ret;

	wait_a_little();
	connecting++;
	ret = connect_by_grant(senders[self], &port, there);
	connecting--;
	CHECK(ret == 0 || ret == -EPERM || (ret == -EFAULT && !there) || (ret == -EBADF && how == HANGS_UP && ends));
	if (!ret)
		CHECK(++successes <= grant.uses);
	for (i = 0; i < 3 && !ret; i++) {
		int verdict;

		rcu_read_lock();
		verdict = pvi_ring_port(senders[self], port);
		rcu_read_unlock();
		CHECK(verdict >= 0 || (ends && verdict == (how == DIES ? -ENXIO : -EPERM)));
		nr_rings += verdict >= 0;
		wait_a_little();
	}
	nr_ports += !ret;
	working--;
}

/* Who takes the lock finds no grant that is gone. */
static void check_dropped(void)
{
	if (connecting || held)
		return;
	CHECK(!pvi_vm_lock(fd.vm));
	CHECK(!atomic_read(&fd.vm->nr_grants));
	pvi_vm_unlock(fd.vm);
}

/* The owner of the endpoint has calls of its own. */
static void holder(u32 self)
{
	wait_a_little();
	if (held)
		hold(fd.vm);
	else
		hold_a_little(fd.vm);
	working--;
}

static void granter(u32 self)
{
	struct kvm_pvi_ungrant u = { .size = sizeof(u), .id = grant.id };

	wait_a_little();
	ends = true;
	switch (how) {
	case UNWIRES:
		CHECK(!CALL(pvi_grant_revoke, fd.vm, u, true));
		quiet = true;
		break;
	case HANGS_UP:
		shim_close(grant.fd);
		/* Who connects by it has it as well, and who is exiting does not wait. */
		quiet = !connecting && pvi_vm_closer_waits();
		check_dropped();
		break;
	case DIES:
		fd_die();
		break;
	default:
		ends = false;
		break;
	}
	working--;
}

static void end_grant(void)
{
	u32 port, i;

	/* Who has failed has taken no use. */
	for (; how == STAYS && successes < grant.uses; successes++)
		CHECK(!connect_by_grant(senders[0], &port, true));
	if (how != HANGS_UP) {
		CHECK(connect_by_grant(senders[0], &port, true) == -EPERM);
		shim_close(grant.fd);
	}
	CHECK(how == DIES || !atomic_read(&fd.vm->nr_grants));
	if (how != DIES)
		fd_put();
	for (i = 0; i < CONNECTORS; i++)
		world_end(senders[i]);
	settle();
	CHECK(fd.vm->ref.count == 1);
	pvi_vm_put(fd.vm);
}

static void try_grant(void)
{
	static const turns_fn fns[] = { connector, connector, connector, granter, holder, worker };
	u32 i;

	fd = (struct fd){ world_vm(NAME), 1 };
	kref_get(&fd.vm->ref);
	world_expose(fd.vm, GSI, KVM_PVI_GSI_DIRECT);
	for (i = 0; i < CONNECTORS; i++)
		senders[i] = world_vm(2 + i);
	grant = (struct kvm_pvi_grant){ .size = sizeof(grant), .gsi = GSI, .uses = 1 + turns_random(CONNECTORS) };
	/* Neither a descriptor nor a grant is left of one whose caller is not told. */
	CHECK(CALL(pvi_grant_make, fd.vm, grant, false) == -EFAULT && !atomic_read(&fd.vm->nr_grants));
	CHECK(!CALL(pvi_grant_make, fd.vm, grant, true));
	world_handler = check_closed;
	how = turns_random(NR_ENDS);
	successes = 0;
	ends = false;
	connecting = 0;
	/* Who closes an endpoint and waits for its end waits for its calls. */
	shim_task.flags = turns_random(2) ? PF_EXITING : 0;
	held = turns_random(2) && (how == HANGS_UP || (how == DIES && shim_task.flags));
	working = ARRAY_SIZE(fns) - 1;
	turns_run(fns, ARRAY_SIZE(fns), seed);
	shim_task.flags = 0;
	end_grant();
}

/* Names */

static struct pvi_vm *receiver, *former, *latter;
static uuid_t former_name;
static u64 nr_told;

static s64 ring_receiver(struct pvi_vm *from)
{
	s64 ret = -ENODEV;

	rcu_read_lock();
	if (pvi_vm_bound(from))
		ret = pvi_ring_uuid(from, pvi_words_of(&receiver->uuid), GSI);
	rcu_read_unlock();
	CHECK(ret >= 0 || ret == -ENODEV || (ret == -EPERM && ends));
	return ret;
}

/* The receiver takes its row back, and then has a call that takes long. */
static void receiver_user(u32 self)
{
	struct kvm_pvi_revoke r = { .size = sizeof(r), .gsi = GSI };

	wait_a_little();
	if (how == UNWIRES) {
		uuid_copy((uuid_t *)r.uuid, &former_name);
		ends = true;
		CHECK(!CALL(pvi_acl_revoke, receiver, r, true));
	}
	wait_a_little();
	hold(receiver);
	working--;
}

static void former_rings(u32 self)
{
	wait_a_little();
	nr_rings += ring_receiver(former) >= 0;
	working--;
}

static void former_ends(u32 self)
{
	wait_a_little();
	pvi_life_close(former);
	working--;
}

static void latter_begins(u32 self)
{
	struct kvm_pvi_bind b = { .size = sizeof(b), .flags = KVM_PVI_BIND_HOST, .vm_fd = -1 };
	int ret;

	uuid_copy((uuid_t *)b.uuid, &former->uuid);
	while ((ret = CALL(pvi_life_bind, latter, b, true)) == -EEXIST)
		wait_a_little();
	CHECK(!ret);
	nr_rings += ring_receiver(latter) >= 0;
	if (turns_random(2))
		wait_a_little();
	pvi_life_close(latter);
	working--;
}

static void check_lives(const struct pvi_events *ev)
{
	u64 up = 0, former_one = 0;
	u32 i;

	CHECK(!ev->lost);
	for (i = 0; i < ev->nr; i++) {
		const struct pvi_event_record *e = &ev->kept[i];

		if (e->type == KVM_PVI_EVENT_SENDER_UP) {
			CHECK(!up && e->epoch != former_one);
			up = e->epoch;
		} else {
			CHECK(e->type == KVM_PVI_EVENT_SENDER_DOWN && up == e->epoch);
			former_one = up;
			up = 0;
		}
	}
	CHECK(!up);
	nr_told += ev->nr;
}

static void try_name(void)
{
	static const turns_fn fns[] = { former_rings, former_rings, former_ends, latter_begins, receiver_user, worker };

	receiver = world_vm(1);
	former = world_vm(2);
	latter = pvi_life_open();
	former_name = former->uuid;
	how = turns_random(NR_ENDS);
	ends = false;
	kref_get(&former->ref);
	world_handler = NULL;
	world_expose(receiver, GSI, KVM_PVI_GSI_DIRECT);
	world_allow(receiver, former, GSI, 0, 0);
	shim_task.flags = turns_random(2) ? PF_EXITING : 0;
	working = ARRAY_SIZE(fns) - 1;
	turns_run(fns, ARRAY_SIZE(fns), seed);
	shim_task.flags = 0;
	pvi_vm_put(former);
	settle();
	check_lives(receiver->events);
	CHECK(how != UNWIRES || list_empty(&receiver->peers));
	world_end(receiver);
}

/* GSIs */

static s64 query_config(struct pvi_vm *vm)
{
	s64 ret;

	rcu_read_lock();
	ret = pvi_query(vm, KVM_PVI_Q_SELF, 0, KVM_PVI_Q_SELF_CONFIG);
	rcu_read_unlock();
	return ret;
}

static void exposer(u32 self)
{
	struct kvm_pvi_expose expose = { .size = sizeof(expose), .gsi = GSI, .kind = KVM_PVI_GSI_EVENTFD };
	struct kvm_pvi_bell bell = { .size = sizeof(bell), .bell = 1, .gsi = GSI };
	struct kvm_pvi_gsi gsi = { .size = sizeof(gsi), .gsi = GSI };
	u32 i;

	for (i = 1 + turns_random(3); i; i--) {
		CHECK(!CALL(pvi_expose, receiver, expose, true));
		CHECK(!turns_random(4) || !CALL(pvi_bell_create, receiver, bell, true));
		wait_a_little();
		CHECK(!CALL(pvi_expose_undo, receiver, gsi, true));
	}
	working--;
}

static void configurer(u32 self)
{
	u32 i;
	int ret;

	for (i = 0; i < TRIES; i++) {
		wait_a_little();
		rcu_read_lock();
		ret = pvi_event_set_config(receiver, turns_random(4) ? GSI : KVM_PVI_GSI_ANY);
		rcu_read_unlock();
		CHECK(!ret || ret == -ENOENT);
	}
	working--;
}

static void looker(u32 self)
{
	struct kvm_pvi_peer peers[2];
	struct pvi_call c = { .vm = former, .args = { (uintptr_t)peers, sizeof(peers) } };
	s64 ret;

	do {
		ret = query_config(receiver);
		CHECK(ret == GSI || ret == -ENOENT);
		CHECK(pvi_walk_list(&c) == 1 && peers[0].gsis <= 1);
		nr_told++;
	} while (READ_ONCE(working));
}

static void try_gsis(void)
{
	static const turns_fn fns[] = { exposer, configurer, configurer, looker, worker };

	receiver = world_vm(1);
	former = world_vm(2);
	world_handler = NULL;
	world_allow(receiver, former, KVM_PVI_GSI_ANY, 0, 0);
	working = 3;
	turns_run(fns, ARRAY_SIZE(fns), seed);
	/* Nothing that is not exposed is named. */
	CHECK(query_config(receiver) == -ENOENT);
	world_end(former);
	world_end(receiver);
}

/* The GSI that is rung for events */

static u64 rings_before;	/* of the last one that was named, when the guest looked last */

static void teller(u32 self)
{
	u32 i;

	for (i = 1 + turns_random(3); i; i--) {
		rcu_read_lock();
		pvi_event_tell(receiver, KVM_PVI_EVENT_PEER_UP, 1, &former->uuid);
		rcu_read_unlock();
		wait_a_little();
	}
	working--;
}

/* Another one is named, and it looks what there was before that. */
static void renamer(u32 self)
{
	u32 i;

	for (i = 0; i < 2; i++) {
		wait_a_little();
		rcu_read_lock();
		CHECK(!pvi_event_set_config(receiver, GSI + i));
		rings_before = atomic64_read(&pvi_gsi_find(receiver, GSI + i)->rings);
		rcu_read_unlock();
		pvi_event_looked(receiver);
	}
	working--;
}

static void try_config(void)
{
	static const turns_fn fns[] = { teller, teller, renamer, worker };
	u64 rings;

	receiver = world_vm(1);
	former = world_vm(2);
	world_handler = NULL;
	world_expose(receiver, GSI, KVM_PVI_GSI_DIRECT);
	world_expose(receiver, GSI + 1, KVM_PVI_GSI_DIRECT);
	working = 3;
	turns_run(fns, ARRAY_SIZE(fns), seed);
	/* What says that it was rung is true. */
	rcu_read_lock();
	rings = atomic64_read(&pvi_gsi_find(receiver, GSI + 1)->rings);
	rcu_read_unlock();
	CHECK(!receiver->events->config_rung || rings > rings_before);
	nr_rings += rings;
	world_end(former);
	world_end(receiver);
}

/* Rows, of one key, whose owner changes under who rings */

#define BELL	3

enum pin { PIN_MINE, PIN_NOBODY, PIN_OTHER, NR_PINS };

static enum pin pins[2];
static u64 port_of_bell;

/* A flag that all of the rows have, and one that only this one has */
static u64 bits_of(enum pin pin)
{
	return BIT(0) | BIT(1 + pin);
}

static void allow_by_pin(u32 what, u32 flags, u64 bits, enum pin pin)
{
	struct kvm_pvi_allow a = { .size = sizeof(a), .flags = flags, .gsi = what, .bits = bits };

	export_uuid(a.uuid, &former->uuid);
	if (pin != PIN_NOBODY) {
		a.flags |= KVM_PVI_ALLOW_OWNER;
		a.owner = former->owner.val + (pin == PIN_OTHER);
	}
	CHECK(!CALL(pvi_acl_allow, receiver, a, true));
}

static void allow_both(enum pin pin)
{
	allow_by_pin(GSI, 0, 0, pin);
	allow_by_pin(BELL, KVM_PVI_ALLOW_BELL, bits_of(pin), pin);
}

static void allower(u32 self)
{
	u32 i;

	for (i = 0; i < 4; i++) {
		wait_a_little();
		allow_both(pins[i % 2]);
	}
	working--;
}

/* Whom all of the rows permit is refused at no moment, and what is for another is nobody else's. */
static void permitted(u32 self)
{
	bool always = pins[0] != PIN_OTHER && pins[1] != PIN_OTHER;
	u64 old;
	s64 ret;

	do {
		rcu_read_lock();
		ret = pvi_ring_uuid(former, pvi_words_of(&receiver->uuid), GSI);
		CHECK(ret >= 0 || (!always && ret == -EPERM));
		ret = pvi_ring_bell(former, port_of_bell, bits_of(pins[0]) & bits_of(pins[1]), &old);
		CHECK(ret >= 0 || (!always && ret == -EPERM));
		CHECK(pvi_ring_bell(former, port_of_bell, BIT(1 + PIN_OTHER), &old) == -EPERM);
		rcu_read_unlock();
		nr_rings += ret >= 0;
	} while (READ_ONCE(working));
}

static void try_rows(void)
{
	static const turns_fn fns[] = { allower, permitted, permitted };
	struct kvm_pvi_bell bell = { .size = sizeof(bell), .bell = BELL, .gsi = GSI + 1 };
	struct kvm_pvi_connect connect = { .size = sizeof(connect), .gsi = GSI + 1, .port = KVM_PVI_PORT_ANY };

	receiver = world_vm(1);
	former = world_vm(2);
	world_handler = NULL;
	world_expose(receiver, GSI, KVM_PVI_GSI_DIRECT);
	world_expose(receiver, GSI + 1, KVM_PVI_GSI_DIRECT);
	CHECK(!CALL(pvi_bell_create, receiver, bell, true));
	allow_both(PIN_MINE);
	export_uuid(connect.uuid, &receiver->uuid);
	CHECK(!CALL(pvi_connect, former, connect, true));
	port_of_bell = connect.port;
	pins[0] = turns_random(NR_PINS);
	pins[1] = turns_random(NR_PINS);
	/* That owner stays there when the pin goes. */
	allow_both(PIN_OTHER);
	allow_both(pins[1]);
	working = 1;
	turns_run(fns, ARRAY_SIZE(fns), seed);
	world_end(former);
	world_end(receiver);
}

static void tell_seed(int nr)
{
	/* It comes again, and ends the program. */
	signal(nr, SIG_DFL);
	fprintf(stderr, "this order again: lives 1 %llu\n", (unsigned long long)seed);
}

int main(int argc, char **argv)
{
	static void (*const tries[])(void) = {
		try_endpoints, try_source, try_grant, try_name, try_source, try_gsis, try_endpoints, try_source, try_rivals,
		try_config, try_rows
	};
	u64 rounds = argc > 1 ? strtoull(argv[1], NULL, 0) : 10000, i;
	size_t before;

	signal(SIGABRT, tell_seed);
	signal(SIGSEGV, tell_seed);
	shim_user_set((void *)PAGE_SIZE, SIZE_MAX - PAGE_SIZE);
	world_init();
	seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
	for (i = 0; i < rounds; i++, seed++) {
		before = shim_allocated();
		quiet = false;
		turns_seed(seed);
		tries[seed % ARRAY_SIZE(tries)]();
		settle();
		CHECK(shim_allocated() == before && !world_attached && !pvi_vm_next(&(u64){ 0 }));
	}
	printf("# %llu orders: %llu bound, %llu succeeded, %llu rings, %llu signals, %llu ports, %llu told\n",
	       (unsigned long long)rounds, (unsigned long long)nr_bound, (unsigned long long)nr_succeeded,
	       (unsigned long long)nr_rings, (unsigned long long)nr_signals, (unsigned long long)nr_ports,
	       (unsigned long long)nr_told);
	return 0;
}
