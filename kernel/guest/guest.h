/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvm_pvi_guest - the private header: structures, locks, prototypes by file
 *
 * Locks, outermost first. None is taken by a ring or an interrupt.
 *
 *   pvi_file.lock (chardev.c, mutex)	what one open file has
 *   watch_lock (peers.c, mutex)	whether anybody is told of peers
 *   pvi_host_lock (detect.c, mutex)	asking for the host, going down, what is made at the host
 *   irqs_lock (irq.c, mutex)		GSIs that have handlers, and their handlers;
 *					readers use RCU
 *   seats_lock (seat.c, mutex)		programs that wait; a leaf
 *   pvi_msi.lock (raw spinlock)	the MSI of one virtual GSI, inside its irq_desc's
 */
#ifndef _PVI_GUEST_H
#define _PVI_GUEST_H

#include <linux/err.h>
#include <linux/irq_work.h>
#include <linux/kvm_para.h>
#include <linux/kvm_pvi_guest.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/uidgid.h>
#include <linux/xarray.h>
#include <uapi/linux/kvm_pvi_guest.h>

#if !defined(CONFIG_X86_64) || !defined(CONFIG_KVM_GUEST) || !defined(CONFIG_X86_LOCAL_APIC) || \
	!defined(CONFIG_ACPI)
#error kvm_pvi_guest needs X86_64, KVM_GUEST, X86_LOCAL_APIC and ACPI in the kernel
#endif

/**
 * struct pvi_host - the host, as far as it is known
 * @features: KVM_PVI_FEAT_*; 0: there is none, and it is not called
 * @epoch: which binding of this guest it was, when it was met or left last
 * @met: there was one
 * @left: the last call to it was RESET
 * @down: this kernel ends or sleeps; the host is not called, and nothing is left armed
 */
struct pvi_host {
	u32 features;
	u64 epoch;
	bool met;
	bool left;
	bool down;
};

/**
 * struct kvm_pvi_guest_link - a connection to a peer's GSI
 * @port: the host's number of it
 * @gsi: the peer's
 * @gone: the host has closed it
 * @rcu: frees it
 */
struct kvm_pvi_guest_link {
	u32 port;
	u32 gsi;
	bool gone;
	struct rcu_head rcu;
};

/**
 * struct pvi_msi - the MSI that a virtual GSI is to become
 * @lock: protects the rest, and that the host learns of it in order
 * @address: what the host injects
 * @data: goes with it
 * @masked: the host is told of none, and keeps what is rung
 */
struct pvi_msi {
	raw_spinlock_t lock;
	u64 address;
	u32 data;
	bool masked;
};

/**
 * struct kvm_pvi_guest_irq - a GSI that has handlers
 * @node: in the list of them
 * @handlers: struct kvm_pvi_guest_handler
 * @nr_handlers: their number
 * @gsi: KVM's number
 * @irq: Linux's number; 0 until it is mapped
 * @exclusive: its one handler wants to be alone
 * @told: the host knows where it goes; protected by irqs_lock, as is @exclusive
 * @look: calls the handlers without an interrupt
 * @msi: of a virtual GSI
 * @name: in /proc/interrupts
 * @rcu: frees it
 */
struct kvm_pvi_guest_irq {
	struct list_head node;
	struct list_head handlers;
	unsigned int nr_handlers;
	u32 gsi;
	int irq;
	bool exclusive;
	bool told;
	struct irq_work look;
	struct pvi_msi msi;
	char name[sizeof("kvm_pvi:0x10000")];
	struct rcu_head rcu;
};

/* What a program waits for that is no GSI */
#define PVI_SEAT_PEERS	0xfffffffeu
#define PVI_SEAT_HOST	0xffffffffu

/**
 * struct pvi_seat - a descriptor or eventfd of a program that waits for something
 * @node: in the table of them
 * @what: a GSI, PVI_SEAT_PEERS, PVI_SEAT_HOST
 * @file: the open file it was made through, which may be closed by now
 * @user: who has made it
 */
struct pvi_seat {
	struct hlist_node node;
	u32 what;
	u64 file;
	kuid_t user;
};

/**
 * struct pvi_file - one open of the device
 * @id: no other has had it
 * @lock: protects changes of the rest
 * @links: port -> struct kvm_pvi_guest_link; readers use RCU
 * @wires: struct pvi_wire
 * @nr_wires: their number
 */
struct pvi_file {
	u64 id;
	struct mutex lock;
	struct xarray links;
	struct list_head wires;
	unsigned int nr_wires;
};

/* What an ioctl may take */
union pvi_arg {
	struct kvm_pvi_guest_info info;
	struct kvm_pvi_guest_gsi gsi;
	struct kvm_pvi_guest_ring ring;
	struct kvm_pvi_guest_connect connect;
	struct kvm_pvi_guest_port port;
	struct kvm_pvi_guest_wait wait;
	struct kvm_pvi_guest_wire wire;
	struct kvm_pvi_guest_bell_send bell_send;
	struct kvm_pvi_guest_bell_receive bell_receive;
	struct kvm_pvi_guest_bell_mask bell_mask;
	struct kvm_pvi_guest_bell_reset bell_reset;
	struct kvm_pvi_guest_peers peers;
};

/**
 * struct pvi_ioctl - one ioctl
 * @cmd: its number
 * @fn: gets the open file and the struct; does its own locking
 * @size: of the struct, known here
 * @min: of its first version
 * @flags: known
 */
struct pvi_ioctl {
	unsigned int cmd;
	int (*fn)(struct pvi_file *f, void *arg);
	u32 size;
	u32 min;
	u32 flags;
};

extern struct pvi_host pvi_host;
extern struct mutex pvi_host_lock;

/* detect.c: is there a host */
int pvi_detect_ask(void);
int pvi_detect_check(void);
int pvi_detect_check_locked(void);
int pvi_detect_lost(void);
void pvi_detect_gone(void);
void pvi_detect_reset(void);

/* No host says what is below all errors; it would be taken for an address, where errors are pointers. */
static inline long pvi_result(long ret)
{
	return likely(ret >= -MAX_ERRNO) ? ret : -KVM_PVI_ENOSYS;
}

/* As a host's negative result may be: all four arguments, since unused ones must be 0. */
static inline long pvi_hypercall(u32 nr, unsigned long a0, unsigned long a1, unsigned long a2)
{
	return pvi_result(kvm_hypercall4(nr, a0, a1, a2, 0));
}

/* Any context but NMI. A verdict or another result, or -errno; -ENODEV without a host. */
static inline long pvi_call(u32 nr, unsigned long a0, unsigned long a1, unsigned long a2)
{
	long ret;

	if (unlikely(!READ_ONCE(pvi_host.features)))
		return -ENODEV;
	ret = pvi_hypercall(nr, a0, a1, a2);
	return likely(ret != -KVM_PVI_ENOSYS) ? ret : pvi_detect_lost();
}

/* Those that give back a second value in @rbx, unless they fail; it is the first argument, too. */
static inline long pvi_call_rbx(u32 nr, u64 *rbx, unsigned long a1, unsigned long a2)
{
	long ret = nr;

	if (unlikely(!READ_ONCE(pvi_host.features)))
		return -ENODEV;
	asm volatile(KVM_HYPERCALL
		     : "+a" (ret), "+b" (*rbx)
		     : "c" (a1), "d" (a2), "S" (0L)
		     : "memory");
	ret = pvi_result(ret);
	return likely(ret != -KVM_PVI_ENOSYS) ? ret : pvi_detect_lost();
}

static inline long pvi_query(u32 kind, u32 index, u32 field)
{
	return pvi_call(KVM_HC_PVI_QUERY, kind, index, field);
}

/* life.c: hosts that come and go */
void pvi_life_begin(void);
void pvi_life_changed(void);
void pvi_life_look(void);
void pvi_life_exit(void);

/* power.c: suspend, reboot, kexec */
int pvi_power_init(void);
void pvi_power_exit(void);

/* ring.c: ringing others */
int pvi_ring_init(void);
void pvi_ring_exit(void);
int pvi_ring_uuid(const uuid_t *to, u32 gsi, u32 first);
bool pvi_ring_is_live(const struct kvm_pvi_guest_link *link);
bool pvi_ring_is_linked(u32 port);
int pvi_ring_answer(struct kvm_pvi_guest_link *link, long ret);
void pvi_ring_review(bool all_gone);
bool pvi_ring_used(void);

/* irq.c: being rung */
long pvi_irq_exposed(void);
int pvi_irq_number(u32 gsi);
int pvi_irq_add(struct kvm_pvi_guest_handler *h, u32 gsi, bool exclusive);
void pvi_irq_remove(struct kvm_pvi_guest_handler *h);
void pvi_irq_rewire(void);
void pvi_irq_check(void);
void pvi_irq_look(void);
bool pvi_irq_used(void);
u32 pvi_irq_max_waiters(void);

/* msi.c: virtual GSIs */
void pvi_msi_exit(void);
int pvi_msi_map(struct kvm_pvi_guest_irq *i);
void pvi_msi_unmap(struct kvm_pvi_guest_irq *i);
int pvi_msi_tell(struct kvm_pvi_guest_irq *i);

/* peers.c: peers that come and go */
void pvi_peers_rewire(void);
void pvi_peers_check(void);
bool pvi_peers_watched(void);
void pvi_peers_exit(void);

/* seat.c: how many programs may wait */
int pvi_seat_take(struct pvi_seat *s, u64 file, u32 what);
void pvi_seat_leave(struct pvi_seat *s);

/* wait.c: descriptors and eventfds that are signalled */
int pvi_wait_open(u64 file, u32 what, bool nonblock);
int pvi_wait_wire(struct list_head *wires, u64 file, u32 gsi, int fd);
int pvi_wait_unwire(struct list_head *wires, u32 gsi, int fd);
void pvi_wait_unwire_all(struct list_head *wires);

/* ioctl.c: what each ioctl does */
const struct pvi_ioctl *pvi_ioctl_find(unsigned int cmd);

/* chardev.c: /dev/kvm_pvi_guest */
int pvi_chardev_init(void);
void pvi_chardev_exit(void);

#endif /* _PVI_GUEST_H */
