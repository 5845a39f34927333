/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvm_pvi_link - the private header: structures, locks, prototypes by file
 *
 * Locks, outermost first.
 *
 *   sections_lock (section.c, mutex)	the sections that there are, and pairing them
 *   the link's device_lock()		its driver comes and goes
 *   pvi_core.lock (mutex)		the session of a link, and its bells
 *   rtnl_lock() and the like		of drivers, inside @up and @down
 *   cores_lock (watch.c, spinlock)	the links that are told of hosts and peers; a leaf
 */
#ifndef _PVI_LINK_CORE_H
#define _PVI_LINK_CORE_H

#include <linux/bitmap.h>
#include <linux/completion.h>
#include <linux/pci.h>
#include <linux/pvi_link.h>

/**
 * struct pvi_section - a PCI device that is a section of a link
 * @node: in the list of them
 * @pci: the device, whose BAR 2 it is
 * @map: the memory
 * @size: of it
 * @shape: what it is, as it said when it was found
 * @core: the link that it belongs to, if the other section is there too
 *
 * One for which there was no memory is in another list until it is tried again, and has but @pci, held.
 */
struct pvi_section {
	struct list_head node;
	struct pci_dev *pci;
	void *map;
	size_t size;
	struct pvi_ring_shape shape;
	struct pvi_core *core;
};

/**
 * struct pvi_bell - a GSI by which a link is rung
 * @handler: of it
 * @core: the link
 * @index: it is the link's @gsi and so many
 * @taken: the handler is called
 */
struct pvi_bell {
	struct kvm_pvi_guest_handler handler;
	struct pvi_core *core;
	unsigned int index;
	bool taken;
};

/* What a link is to look into, bits of @events */
enum pvi_event {
	PVI_EVENT_RESTART,	/* somebody wants a new session */
	PVI_EVENT_HOST,		/* the host has gone, or come */
	PVI_EVENT_PEERS,	/* a peer has gone, or come */
	PVI_EVENT_BROKEN,	/* it is known that the peer has broken a rule in this session */
};

/**
 * struct pvi_core - a link, as the bus has it
 * @link: as its driver has it
 * @node: in the list of those that are told of hosts and peers
 * @own: the own section
 * @peer: the peer's
 * @leaving: it is being removed; protected by sections_lock
 * @left: it has been
 * @hungry: its driver found no memory, and is to try again
 * @lock: protects the session, @bells and changes of @ports, and all but @events and @use below
 * @driver: as long as it is bound
 * @ring: the session
 * @work: looks how the link is
 * @events: enum pvi_event, of which @work has not heard
 * @use: how many queues to begin the next session with; 0: do not begin one
 * @asleep: this guest sleeps, or its kernel ends; nothing is begun. Where that ends, @lock is not held
 * @woken: it has slept, and whether the sections are those of before has to be seen
 * @changed: it is said that they are not
 * @started: a session has begun, in any state but RESET
 * @up: the driver may be woken; changed with @lock held, read under RCU
 * @complained: it is said why the link cannot be rung
 * @begun: when the session has, in jiffies
 * @paid: when all sessions that have begun would have, were they far apart
 * @epoch: this guest's binding, as the session has it
 * @met: the host knows the peer with which the session is to be, in INIT; or it does not say
 * @peer_epoch: the peer's, from READY on; 0: it is not known
 * @asked: when the host was asked for it, in jiffies
 * @sessions: how often the link was up
 * @broken: how often the peer has broken a rule
 * @bells: @nr_bells of them
 * @nr_bells: not more than it has queues
 * @ports: connections to the peer's GSIs, or NULL
 * @nr_ports: not more than it has queues
 * @tried: when those were tried that there are not, in jiffies
 * @gone: those of @ports that answer no more
 * @owed: those GSIs of the peer's that must be rung again
 * @vain: those that could not be rung, and are rung again when they may be
 * @pay: rings them
 */
struct pvi_core {
	struct pvi_link link;
	struct list_head node;
	struct pvi_section *own;
	struct pvi_section *peer;
	bool leaving;
	struct completion left;
	bool hungry;
	struct mutex lock;
	struct pvi_link_driver *driver;
	struct pvi_ring_link ring;
	struct delayed_work work;
	unsigned long events;
	unsigned int use;
	bool asleep;
	bool woken;
	bool changed;
	bool started;
	bool up;
	bool complained;
	unsigned long begun;
	unsigned long paid;
	u64 epoch;
	bool met;
	u64 peer_epoch;
	unsigned long asked;
	unsigned long sessions;
	atomic_long_t broken;
	struct pvi_bell *bells;
	unsigned int nr_bells;
	struct kvm_pvi_guest_link __rcu **ports;
	unsigned int nr_ports;
	unsigned long tried;
	DECLARE_BITMAP(gone, PVI_RING_MAX_QUEUES);
	DECLARE_BITMAP(owed, PVI_RING_MAX_QUEUES);
	DECLARE_BITMAP(vain, PVI_RING_MAX_QUEUES);
	struct delayed_work pay;
};

static inline struct pvi_core *pvi_core(const struct pvi_link *link)
{
	return container_of(link, struct pvi_core, link);
}

extern struct workqueue_struct *pvi_link_wq;

/* section.c: PCI devices, two of which are a link */
int pvi_section_init(void);
void pvi_section_exit(void);
void pvi_section_look(void);
void pvi_section_again(void);

/* bus.c: links, and their drivers */
int pvi_bus_init(void);
void pvi_bus_exit(void);
struct pvi_core *pvi_bus_add(struct pvi_section *own, struct pvi_section *peer);
void pvi_bus_remove(struct pvi_core *core);
bool pvi_bus_is_hungry(const struct pvi_core *core);
void pvi_bus_feed(struct pvi_core *core);

/* session.c: following the peer */
void pvi_session_init(struct pvi_core *core);
void pvi_session_exit(struct pvi_core *core);
void pvi_session_bind(struct pvi_core *core, struct pvi_link_driver *driver);
void pvi_session_unbind(struct pvi_core *core);
void pvi_session_suspend(struct pvi_core *core);
void pvi_session_halt(struct pvi_core *core);
void pvi_session_resume(struct pvi_core *core);
void pvi_session_look(struct pvi_core *core);
void pvi_session_tell(struct pvi_core *core, enum pvi_event event);

/* bell.c: ringing the peer, and being rung */
int pvi_bell_init(struct pvi_core *core);
void pvi_bell_free(struct pvi_core *core);
bool pvi_bell_take(struct pvi_core *core);
void pvi_bell_connect(struct pvi_core *core);
void pvi_bell_reconnect(struct pvi_core *core);
void pvi_bell_ring_again(struct pvi_core *core);
void pvi_bell_settle(struct pvi_core *core);
void pvi_bell_release(struct pvi_core *core);
void pvi_bell_ring(struct pvi_core *core, unsigned int queue);
void pvi_bell_wake(struct pvi_core *core);

/* watch.c: hosts and peers that come and go */
int pvi_watch_init(void);
void pvi_watch_exit(void);
void pvi_watch_add(struct pvi_core *core);
void pvi_watch_remove(struct pvi_core *core);
int pvi_watch_epoch(const uuid_t *peer, u64 *epoch);

#endif /* _PVI_LINK_CORE_H */
