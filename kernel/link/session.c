// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi_link session - following the peer
 *
 * A work of each link does all of it, when there is a reason to: the peer has rung and its life is
 * another, a host or a peer has come or gone, somebody wants a new session; and now and then as
 * long as the link is not up, since a ring may have found nobody. Whatever the peer does, a new session
 * is begun ten times a second at most, and, beyond some, once in five seconds: it is work for all of
 * this guest, and its daemons are told.
 */
#include <linux/delay.h>
#include <linux/export.h>
#include <linux/jiffies.h>
#include <linux/rcupdate.h>

#include "link.h"

#define SESSION_AGAIN	HZ		/* while it is not up */
#define SESSION_CHECK	(5 * HZ)	/* while it is: whoever may not ring any more cannot say that it leaves */
#define SESSION_APART	(HZ / 10)	/* from the begin of one to the next */
#define SESSION_COST	(5 * HZ)	/* the same, in the long run */
#define SESSION_SPARE	20		/* so many come without that */
#define SESSION_TRIES	20		/* of a millisecond or two, for the lock, where this kernel ends */

/* Have a link looked at. Any context but NMI. */
void pvi_session_look(struct pvi_core *core)
{
	mod_delayed_work(pvi_link_wq, &core->work, 0);
}

/* So that it sees to something. Any context but NMI. */
void pvi_session_tell(struct pvi_core *core, enum pvi_event event)
{
	/* What is wanted, before: pairs with session_run() */
	smp_mb__before_atomic();
	set_bit(event, &core->events);
	pvi_session_look(core);
}

static void session_again(struct pvi_core *core, unsigned long delay)
{
	queue_delayed_work(pvi_link_wq, &core->work, delay);
}

/* The driver is woken from now on, and once now for what came before. */
static void session_wake(struct pvi_core *core)
{
	/* What the session is, before: pairs with bell_rung() */
	smp_store_release(&core->up, true);
	pvi_bell_wake(core);
}

static void session_up(struct pvi_core *core)
{
	struct pvi_link *link = &core->link;
	unsigned int n;

	pvi_bell_connect(core);
	for (n = 0; n < core->ring.queues; n++)
		pvi_ring_open(&core->ring, n, &link->queue[n].tx, &link->queue[n].rx);
	WRITE_ONCE(core->sessions, core->sessions + 1);
	core->driver->up(link, core->ring.queues);
	session_wake(core);
}

/* When this has returned nobody uses the queues. */
static void session_down(struct pvi_core *core)
{
	if (!core->up)
		return;
	WRITE_ONCE(core->up, false);
	/* Whoever saw it has done: pairs with bell_rung(), pvi_bell_wake() */
	synchronize_rcu();
	core->driver->down(&core->link);
}

/* This side takes no part. A session that stands there may be that of another kernel, which has ended without a word. */
static void session_leave(struct pvi_core *core)
{
	if (PVI_RING_STATE(core->ring.life) == PVI_RING_RESET)
		return;
	pvi_ring_stop(&core->ring);
	pvi_bell_ring(core, 0);
}

static void session_stop(struct pvi_core *core)
{
	session_down(core);
	core->started = false;
	session_leave(core);
}

static void session_start(struct pvi_core *core, unsigned int use)
{
	if (kvm_pvi_guest_self(NULL, &core->epoch))
		core->epoch = 0;
	pvi_ring_start(&core->ring, use, core->epoch);
	core->started = true;
	core->met = false;
	core->peer_epoch = 0;
	core->asked = jiffies - SESSION_APART;
	core->begun = jiffies;
	if (time_before(core->paid, core->begun))
		core->paid = core->begun;
	core->paid += SESSION_COST;
	pvi_bell_ring(core, 0);
}

/* When the next may begin. */
static unsigned long session_due(const struct pvi_core *core)
{
	unsigned long due = core->begun + SESSION_APART, paid = core->paid - SESSION_SPARE * SESSION_COST;

	return time_before(due, paid) ? paid : due;
}

/* This guest is bound anew: its peer was told that it has died. */
static bool session_is_moved(const struct pvi_core *core)
{
	u64 epoch;

	return !kvm_pvi_guest_self(NULL, &epoch) && epoch != core->epoch;
}

/* What the peer says of which life of its name it is. Behind its @life */
static u64 session_their_epoch(const struct pvi_core *core)
{
	const u32 *epoch = core->ring.peer->epoch;

	return READ_ONCE(epoch[0]) | (u64)READ_ONCE(epoch[1]) << 32;
}

/* It has begun a session, or has a part in one. */
static bool session_is_offered(const struct pvi_core *core)
{
	/* What it says of it, behind: pairs with pvi_ring_start() */
	u32 state = PVI_RING_STATE(smp_load_acquire(&core->ring.peer->life));

	return state == PVI_RING_INIT || state == PVI_RING_READY;
}

/*
 * Whether the host, if it tells of peers, knows the one whose session that is: only then is its end told of. What its
 * section says outlives it; and one that cannot be rung is not there yet.
 */
static bool session_ask(struct pvi_core *core)
{
	u64 epoch, theirs = session_their_epoch(core);
	int ret = pvi_watch_epoch(&core->link.peer, &epoch);

	if (ret) {
		core->peer_epoch = theirs;
		return ret == -EOPNOTSUPP;
	}
	core->peer_epoch = epoch;
	return epoch && (!theirs || epoch == theirs);
}

/* Whether to follow the peer. As often as it rings the host is not asked. */
static bool session_meet(struct pvi_core *core)
{
	if (core->met || PVI_RING_STATE(core->ring.life) != PVI_RING_INIT)
		return true;
	if (time_before(jiffies, core->asked + SESSION_APART) || !session_is_offered(core))
		return false;
	core->asked = jiffies;
	core->met = session_ask(core);
	return core->met;
}

/* The peer that is in the session, or is to be, is not there any more. Whether it may be will be asked anew. */
static bool session_is_orphan(struct pvi_core *core)
{
	u64 epoch;
	int ret;

	if (PVI_RING_STATE(core->ring.life) == PVI_RING_INIT) {
		core->met = false;
		core->asked = jiffies - SESSION_APART;
		return false;
	}
	ret = pvi_watch_epoch(&core->link.peer, &epoch);
	if (ret == -ENOMEM) {
		set_bit(PVI_EVENT_PEERS, &core->events);
		session_again(core, SESSION_AGAIN);
	}
	if (ret)
		return false;
	if (!core->peer_epoch)
		core->peer_epoch = epoch;
	return epoch != core->peer_epoch;
}

/* Whether somebody or something has put an end to it, but for the peer by its life. */
static bool session_is_ended(struct pvi_core *core)
{
	bool ended = test_and_clear_bit(PVI_EVENT_RESTART, &core->events);

	if (test_and_clear_bit(PVI_EVENT_HOST, &core->events))
		ended |= session_is_moved(core);
	if (test_and_clear_bit(PVI_EVENT_PEERS, &core->events))
		ended |= session_is_orphan(core);
	return ended;
}

/* Go on as far as the peer is; false: the session is over. No peer has it do more than two steps. */
static bool session_follow(struct pvi_core *core)
{
	int step;

	if (!session_meet(core))
		return true;
	while ((step = pvi_ring_step(&core->ring)) > 0)
		pvi_bell_ring(core, 0);
	if (step < 0)
		return false;
	if (PVI_RING_STATE(core->ring.life) == PVI_RING_RUN && !core->up)
		session_up(core);
	return true;
}

static void session_run(struct pvi_core *core)
{
	bool peers = test_bit(PVI_EVENT_PEERS, &core->events);
	unsigned long due;
	unsigned int use;

	if (core->started && (session_is_ended(core) || !session_follow(core)))
		session_stop(core);
	if (core->started) {
		if (peers)
			pvi_bell_ring_again(core);
		session_again(core, core->up ? SESSION_CHECK : SESSION_AGAIN);
		return;
	}
	/* Since a driver's @down has waited */
	if (READ_ONCE(core->asleep))
		return;
	due = session_due(core);
	if (time_before(jiffies, due)) {
		session_again(core, due - jiffies);
		return;
	}
	/* Who wants something else is seen here, or has told by then: pairs with pvi_session_tell() */
	xchg(&core->events, 0);
	use = READ_ONCE(core->use);
	if (!use) {
		session_leave(core);
		return;
	}
	session_start(core, use);
	if (!session_follow(core))
		session_stop(core);
	session_again(core, core->up ? SESSION_CHECK : SESSION_APART);
}

/*
 * What is constant of the sections is loaded once, but for a guest that was saved: it may find others where they were.
 * So the link is used again when they say what they said before; until then only this looks at them.
 */
static bool session_is_same(struct pvi_core *core)
{
	struct pvi_ring_link now;

	if (!pvi_ring_pair(&now, core->own->map, core->own->size, core->peer->map, core->peer->size) ||
	    memcmp(&now.mine, &core->ring.mine, sizeof(now.mine)) ||
	    memcmp(&now.theirs, &core->ring.theirs, sizeof(now.theirs)) ||
	    memcmp(core->ring.own->config, core->link.config, sizeof(core->link.config)))
		return false;
	/* Another kernel may have had the link meanwhile. */
	core->ring.life = now.life;
	return true;
}

/* After a sleep. Whatever the peer does, it is told of once. */
static bool session_find(struct pvi_core *core)
{
	if (session_is_same(core)) {
		core->woken = false;
		return true;
	}
	if (!core->changed)
		dev_notice(&core->link.dev,
			   "its sections are not what they were before this guest slept; it waits until they are\n");
	core->changed = true;
	return false;
}

static void session_work(struct work_struct *work)
{
	struct pvi_core *core = container_of(to_delayed_work(work), struct pvi_core, work);

	mutex_lock(&core->lock);
	if (READ_ONCE(core->asleep))
		goto out;
	if (core->woken && !session_find(core)) {
		session_again(core, SESSION_AGAIN);
		goto out;
	}
	if (!core->driver || !pvi_bell_take(core)) {
		/* None has begun here; and the peer can be rung, whatever this side waits for */
		session_leave(core);
		if (core->driver)
			session_again(core, SESSION_AGAIN);
		goto out;
	}
	pvi_bell_reconnect(core);
	session_run(core);
out:
	mutex_unlock(&core->lock);
}

void pvi_session_init(struct pvi_core *core)
{
	mutex_init(&core->lock);
	INIT_DELAYED_WORK(&core->work, session_work);
	core->begun = jiffies - SESSION_APART;
	core->paid = jiffies;
}

/* Nobody looks at it any more. */
void pvi_session_exit(struct pvi_core *core)
{
	cancel_delayed_work_sync(&core->work);
	cancel_delayed_work_sync(&core->pay);
}

void pvi_session_bind(struct pvi_core *core, struct pvi_link_driver *driver)
{
	mutex_lock(&core->lock);
	core->driver = driver;
	mutex_unlock(&core->lock);
	pvi_session_look(core);
}

/* When this has returned the driver is not called. */
void pvi_session_unbind(struct pvi_core *core)
{
	mutex_lock(&core->lock);
	session_stop(core);
	pvi_bell_release(core);
	core->driver = NULL;
	mutex_unlock(&core->lock);
}

void pvi_session_suspend(struct pvi_core *core)
{
	mutex_lock(&core->lock);
	if (core->driver) {
		session_stop(core);
		pvi_bell_settle(core);
	}
	WRITE_ONCE(core->asleep, true);
	mutex_unlock(&core->lock);
}

/*
 * This kernel ends. The peer is told, and no driver: its @down may wait for a program, and who forces an end waits for
 * none. Until the processors stop the driver is in a session that is over, as it is whenever a peer has ended one.
 * Whoever has the lock may wait as well; then the peer hears of it from the host, or from the next kernel.
 */
void pvi_session_halt(struct pvi_core *core)
{
	unsigned int tries;

	WRITE_ONCE(core->asleep, true);
	for (tries = 0; !mutex_trylock(&core->lock); tries++) {
		if (tries == SESSION_TRIES)
			return;
		usleep_range(1000, 2000);
	}
	if (core->driver) {
		session_leave(core);
		pvi_bell_settle(core);
	}
	mutex_unlock(&core->lock);
}

void pvi_session_resume(struct pvi_core *core)
{
	mutex_lock(&core->lock);
	core->asleep = false;
	core->woken = true;
	core->changed = false;
	mutex_unlock(&core->lock);
	pvi_session_look(core);
}

/**
 * pvi_link_set_queues() - say how many queues sessions are to have
 * @link: the link
 * @queues: at most its @max_queues; a session has as many as the peer wants, if those are less. 0:
 *	there is to be no session
 *
 * If the link is up, @down follows, and @up with a new session unless it is 0. Before @probe they are
 * as many as there can be. Any context but NMI.
 */
void pvi_link_set_queues(struct pvi_link *link, unsigned int queues)
{
	struct pvi_core *core = pvi_core(link);

	WRITE_ONCE(core->use, min(queues, link->max_queues));
	pvi_session_tell(core, PVI_EVENT_RESTART);
}
EXPORT_SYMBOL_GPL(pvi_link_set_queues);

/* The peer has broken a rule: said once; how often it was is counted, and the peer's affair. */
static void session_break(struct pvi_core *core)
{
	if (test_and_set_bit(PVI_EVENT_BROKEN, &core->events))
		return;
	if (atomic_long_inc_return(&core->broken) == 1)
		dev_notice(&core->link.dev, "the peer %pUb breaks the rules; the session ends\n",
			   &core->link.peer);
	pvi_session_tell(core, PVI_EVENT_RESTART);
}

/**
 * pvi_link_over() - nothing more can be sent or received
 * @queue: the queue
 * @error: PVI_RING_OVER...
 *
 * For the functions of pvi_link.h.
 */
void pvi_link_over(struct pvi_link_queue *queue, u32 error)
{
	struct pvi_core *core = pvi_core(queue->link);

	if (error == PVI_RING_BROKEN)
		session_break(core);
	else
		pvi_session_tell(core, PVI_EVENT_RESTART);
}
EXPORT_SYMBOL_GPL(pvi_link_over);
