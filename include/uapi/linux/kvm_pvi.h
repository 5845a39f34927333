/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR MIT) */
/*
 * kvm_pvi - paravirtual interrupts between virtual machines on KVM
 *
 * The whole contract: hypercalls for guests, ioctls on /dev/kvm_pvi for VMMs
 * and host processes, verdicts, errors, the status word.
 */
#ifndef LINUX_KVM_PVI_H
#define LINUX_KVM_PVI_H

#include <linux/ioctl.h>
#include <linux/types.h>

/**
 * DOC: Verdicts and errors
 *
 * A ring answers with a verdict or a negative errno, in RAX of the guest or in
 * @ret of KVM_PVI_CALL. An accepted ring (any verdict) is owed: at least one
 * interrupt is taken, or one eventfd signalled, that sees what the sender wrote
 * before it. Spurious interrupts are allowed, lost ones are not.
 */
#define KVM_PVI_RAISED		0	/* this call raised an interrupt or signalled an eventfd */
#define KVM_PVI_COALESCED	1	/* an earlier accepted ring is still owed */
#define KVM_PVI_LATCHED		2	/* recorded; delivered as soon as it can be */

/*
 * Errors of the hypercalls, negated in RAX. The numbers are Linux's, spelled
 * out because not every guest is Linux.
 */
#define KVM_PVI_EPERM		1	/* not allowed, not exposed, or no such VM */
#define KVM_PVI_ENOENT		2	/* no such port, bell, GSI or table row of the caller's own */
#define KVM_PVI_ENXIO		6	/* the port's receiver has died */
#define KVM_PVI_EAGAIN		11	/* throttled or frozen; nothing changed, ring again later */
#define KVM_PVI_ENOMEM		12	/* the host has no memory for a port; nothing changed */
#define KVM_PVI_EFAULT		14	/* the address given is not the caller's memory */
#define KVM_PVI_EBUSY		16	/* reserved */
#define KVM_PVI_EINVAL		22	/* an argument is wrong, or an unused one is not 0 */
#define KVM_PVI_ENOSPC		28	/* the table is full */
#define KVM_PVI_EOPNOTSUPP	95	/* not in this guest or mode */
#define KVM_PVI_ENOSYS		1000	/* KVM's: no kvm_pvi here, VM not bound, or no such call */

/**
 * DOC: Hypercalls
 *
 * Number in RAX, arguments in RBX, RCX, RDX, RSI; status in RAX. Arguments a
 * call does not use must be 0. 16- and 32-bit guests use the low halves.
 * 64-bit guests must have the number in all 64 bits of RAX. Ring 0 only: KVM
 * answers -EPERM to the rest. KVM_HC_NOTIFY_MANY, KVM_HC_BELL_SEND and
 * KVM_HC_BELL_RECEIVE return a second value in RBX, written only if RAX >= 0;
 * every other call changes RAX alone.
 *
 * A UUID is 16 bytes as RFC 9562 prints them, left to right, at a 16-byte
 * aligned guest physical address.
 */
#define KVM_HC_PVI_BASE		0x50564900u
#define KVM_HC_PVI_FEATURES	(KVM_HC_PVI_BASE + 0x00)	/* -> KVM_PVI_FEAT_* */
#define KVM_HC_PVI		(KVM_HC_PVI_BASE + 0x01)	/* gpa of UUID, gsi [, first] -> verdict */
#define KVM_HC_NOTIFY		(KVM_HC_PVI_BASE + 0x02)	/* port -> verdict */
#define KVM_HC_PVI_CONNECT	(KVM_HC_PVI_BASE + 0x03)	/* gpa of UUID, gsi -> port */
#define KVM_HC_PVI_DISCONNECT	(KVM_HC_PVI_BASE + 0x04)	/* port -> 0 */
#define KVM_HC_NOTIFY_MANY	(KVM_HC_PVI_BASE + 0x05)	/* first port, mask -> count; RBX mask */
#define KVM_HC_PVI_SET_MSI	(KVM_HC_PVI_BASE + 0x06)	/* virtual gsi, address, data -> 0 */
#define KVM_HC_BELL_SEND	(KVM_HC_PVI_BASE + 0x07)	/* port, flags -> verdict; RBX old flags */
#define KVM_HC_BELL_RECEIVE	(KVM_HC_PVI_BASE + 0x08)	/* bell, clear mask -> 0; RBX old flags */
#define KVM_HC_BELL_MASK	(KVM_HC_PVI_BASE + 0x09)	/* bell, enable mask, ack mask -> 0 */
#define KVM_HC_BELL_RESET	(KVM_HC_PVI_BASE + 0x0a)	/* bell -> 0 */
#define KVM_HC_PVI_PEERS	(KVM_HC_PVI_BASE + 0x0b)	/* gpa of buffer, bytes, first -> records */
#define KVM_HC_PVI_RESET	(KVM_HC_PVI_BASE + 0x0c)	/* this guest starts anew -> 0 */
#define KVM_HC_PVI_ARM		(KVM_HC_PVI_BASE + 0x0d)	/* gsi: its handler is live -> 0 */
#define KVM_HC_PVI_SET_CONFIG	(KVM_HC_PVI_BASE + 0x0e)	/* gsi rung on peer changes -> 0 */
#define KVM_HC_PVI_QUERY	(KVM_HC_PVI_BASE + 0x0f)	/* kind, index, field -> value */
#define KVM_HC_PVI_NR		0x10u	/* calls from KVM_HC_PVI_BASE on */

/*
 * KVM_HC_PVI_FEATURES: bits 1 to 23 say what this host serves, bits 24 to 30
 * the major number of this ABI. Bit 0 is always set, so that the answer is
 * never 0.
 */
#define KVM_PVI_FEAT_PRESENT	(1u << 0)
#define KVM_PVI_FEAT_RING	(1u << 1)	/* PVI, NOTIFY, CONNECT, DISCONNECT, ARM, RESET, QUERY */
#define KVM_PVI_FEAT_MANY	(1u << 2)	/* NOTIFY_MANY, broadcast by the max UUID */
#define KVM_PVI_FEAT_MSI	(1u << 3)	/* SET_MSI, virtual GSIs */
#define KVM_PVI_FEAT_BELL	(1u << 4)	/* BELL_* */
#define KVM_PVI_FEAT_STATUS	(1u << 5)	/* status words */
#define KVM_PVI_FEAT_PEERS	(1u << 6)	/* PEERS, SET_CONFIG */
#define KVM_PVI_FEAT_RBX	(1u << 7)	/* RBX comes back (not in guests with encrypted registers) */
#define KVM_PVI_FEAT_MAJOR(f)	(((f) >> 24) & 0x7f)

#define KVM_PVI_ABI_MAJOR	1
#define KVM_PVI_ABI_MINOR	3

/* GSI numbers: KVM's own, then those that exist between kvm_pvi and a guest. */
#define KVM_PVI_GSI_MAX		4096u		/* first number that is no KVM GSI */
#define KVM_PVI_GSI_VIRTUAL	0x10000u	/* first virtual GSI */
#define KVM_PVI_GSI_VIRTUAL_END	0x20000u	/* first number behind the virtual GSIs */
#define KVM_PVI_GSI_ANY		0xffffffffu	/* ALLOW: every plain GSI. SET_CONFIG: none */
#define KVM_PVI_PORT_ANY	0xffffffffu	/* the lowest free port */

/*
 * Bits 0 to 15 of a port are its index, which no other port of that endpoint has.
 * Of one that KVM_HC_PVI_CONNECT has made, bits 16 to 30 are the generation of the
 * binding, never 0 since minor 1 of this ABI: a guest whose VMM binds it anew, of
 * which it may hear late or never, gets ENOENT for the ports it had, not another's
 * ring. A generation comes again on that host after 32,766 other bindings; on
 * another host one of 32,767 times. What the VMM makes has 0 there.
 */
#define KVM_PVI_PORT_INDEX_BITS		16
#define KVM_PVI_PORT_GENERATION_BITS	15
#define KVM_PVI_PORT_INDEX_MAX		0xffffu
#define KVM_PVI_PORT_INDEX(port)	((port) & KVM_PVI_PORT_INDEX_MAX)
#define KVM_PVI_PORT_GENERATION(port)	(((port) >> KVM_PVI_PORT_INDEX_BITS) & 0x7fffu)

#define KVM_PVI_UUID_SIZE	16
#define KVM_PVI_BROADCAST_MAX	64	/* receivers a broadcast rings per call */
#define KVM_PVI_MANY_MAX	64	/* ports NOTIFY_MANY rings per call; 32 in 16/32-bit guests */

/*
 * KVM_HC_PVI_QUERY: one number in RAX, 0 to 0x7fffffff, or an error: ENOENT for
 * an index beyond the last, EINVAL for an unknown kind or field. Wide values
 * come in pieces of 16 bits, least significant first: KVM_PVI_Q_PIECE(field, n).
 */
#define KVM_PVI_Q_ABI		0	/* index 0 */
#define KVM_PVI_Q_ABI_MAJOR		0
#define KVM_PVI_Q_ABI_MINOR		1
#define KVM_PVI_Q_SELF		1	/* index 0 */
#define KVM_PVI_Q_SELF_UUID		0	/* 8 pieces, piece n holds bytes 2n (low) and 2n + 1 */
#define KVM_PVI_Q_SELF_EPOCH		1	/* 4 pieces */
#define KVM_PVI_Q_SELF_CONFIG		2	/* the GSI of SET_CONFIG, or ENOENT */
#define KVM_PVI_Q_GSI		2	/* the index-th exposed GSI, ascending */
#define KVM_PVI_Q_GSI_NUMBER		0
#define KVM_PVI_Q_GSI_KIND		1	/* KVM_PVI_GSI_DIRECT... */
#define KVM_PVI_Q_GSI_STATE		2	/* KVM_PVI_GSI_WIRED... */
#define KVM_PVI_Q_GSI_RINGS		3	/* 4 pieces: rings accepted */
#define KVM_PVI_Q_GSI_BELL		4	/* its bell, or ENOENT */
#define KVM_PVI_Q_PORT		3	/* index is the port itself; rings nothing */
#define KVM_PVI_Q_PORT_STATE		0	/* KVM_PVI_PORT_EVENTFD... */
#define KVM_PVI_Q_PORT_GSI		1	/* receiver's GSI, ENOENT for an eventfd */
#define KVM_PVI_Q_LIMIT		4	/* index 0 */
#define KVM_PVI_Q_LIMIT_PORTS		0
#define KVM_PVI_Q_LIMIT_GSIS		1
#define KVM_PVI_Q_LIMIT_BELLS		2
#define KVM_PVI_Q_PIECE(field, n)	((field) | ((n) << 8))

#define KVM_PVI_GSI_WIRED	(1u << 0)	/* delivery has a place to go */
#define KVM_PVI_GSI_LATCHED	(1u << 1)	/* a ring is recorded and not delivered yet */
#define KVM_PVI_GSI_STATUS	(1u << 2)	/* has a status word */

#define KVM_PVI_PORT_EVENTFD	0	/* an eventfd the VMM wired */
#define KVM_PVI_PORT_LIVE	1	/* connected, may be rung */
#define KVM_PVI_PORT_DEAD	2	/* its receiver died: ENXIO */
#define KVM_PVI_PORT_REVOKED	3	/* its permission was revoked: EPERM */

/**
 * DOC: Bells
 *
 * A bell is 64 flags of its receiver over one GSI. Its line is up while
 * flags & enable is not 0, and the GSI is raised as a level interrupt over edges
 * would be:
 *
 * * BELL_SEND sets flags. If a newly set one is enabled it raises the GSI: verdict 0, or 2 if that could not
 *   be delivered yet. Else the verdict is 1: the line was up already, or is down and the flags are recorded
 *   silently. RBX: the flags before, of those this sender may set.
 * * BELL_RECEIVE clears the flags of its mask. RBX: all flags before. If the line is still up the GSI is raised
 *   again, so a handler need not drain all; but it must receive.
 * * BELL_MASK replaces enable and ack. If the line rises the GSI is raised.
 * * BELL_RESET: flags and ack become 0, enable all ones.
 * * Flags of the ack mask clear by themselves when SEND or MASK have found the line up.
 *
 * 16- and 32-bit guests have the flags in two banks of 32, and say which (0, 1) in the argument behind the last:
 * RDX of SEND and RECEIVE, RSI of MASK. A 64-bit guest has 0 there.
 *
 * * EINVAL: no flag to set or to clear; the bank; SEND through a port that is not a bell's, or a plain ring through one that is
 * * EPERM: a flag this sender was not granted; nothing changed
 * * ENOENT: no such port of the sender, no such bell of the receiver
 * * ENXIO, EAGAIN: SEND, as of any ring
 * * EOPNOTSUPP: RECEIVE in a guest with encrypted registers; nothing changed
 */

/**
 * struct kvm_pvi_peer - one record of KVM_HC_PVI_PEERS
 * @epoch: which life of that UUID this is; never reused, no order in it
 * @uuid: the peer
 * @position: the caller's own number of that peer, stable while it lives
 * @gsis: how many GSIs of it the caller may ring now, bells among them, at most 0xffff
 * @__reserved: 0
 *
 * A peer is a VM alive whose table lets the caller ring it; one that takes
 * grants only is none. KVM_HC_PVI_PEERS takes the address of a buffer, its size
 * in bytes and a position. It fills as many records as fit, KVM_PVI_PEERS_MAX at
 * most, ascending from that position on, and returns how many it wrote; 0: no
 * more. Go on behind the last record's position: there may be gaps.
 *
 * KVM_HC_PVI with the max UUID rings that GSI of every peer whose position is
 * RDX to RDX + KVM_PVI_BROADCAST_MAX - 1 and returns how many accepted, which
 * may be 0. A peer that does not expose that GSI, or not to the caller, is passed
 * over. Go on with RDX + KVM_PVI_BROADCAST_MAX until PEERS has no more from there.
 *
 * KVM_HC_PVI_SET_CONFIG names an exposed GSI of the caller's own that is rung
 * whenever its endpoint gets an event (struct kvm_pvi_event), once until the next
 * KVM_HC_PVI_PEERS, and no more often than the GSI's rate permits.
 */
struct kvm_pvi_peer {
	__u64 epoch;
	__u8  uuid[KVM_PVI_UUID_SIZE];
	__u32 position;
	__u16 gsis;
	__u16 __reserved;
};
#define KVM_PVI_PEERS_MAX	64	/* records PEERS writes per call */

/**
 * struct kvm_pvi_status - a status word: rings that cost no exit
 * @pending: a ring is owed; set by the host, cleared by the receiver
 * @__zero: 0
 * @count: rings that reached the host; wraps
 * @__reserved: never written
 *
 * Little endian, 64-byte aligned, in memory the receiver's guest maps writable
 * and its senders' guests read-only. Sender: write the data, full barrier, read
 * @pending; set: done, clear: ring. Receiver: exchange @pending to 0, full
 * barrier, drain. kvm_pvi_status_owed() and kvm_pvi_status_take() at the end of
 * this file are these two, to be used as they are.
 */
struct kvm_pvi_status {
	__u32 pending;
	__u32 __zero;
	__u64 count;
	__u8  __reserved[48];
};

/**
 * DOC: ioctls on /dev/kvm_pvi
 *
 * Each open is one endpoint. Every struct starts with @size (sizeof() it, as the
 * caller was compiled) and @flags, and may grow at the end: a longer one is
 * accepted as long as the unknown tail is 0. Success is 0; results come back in
 * fields; fds are O_CLOEXEC.
 *
 * Every ioctl that takes a struct may fail with
 *
 * * EFAULT: the struct cannot be read or written; nothing has happened, but see KVM_PVI_CALL
 * * EBADF: the descriptor was opened for reading, and the call is not GET_INFO, GET_STATS, GET_EDGE or LIST
 * * EINVAL: @size is below the first version's; an unknown flag; a reserved field is not 0; a value out of range
 * * E2BIG: @size is beyond a page, or the tail this kernel does not know is not 0
 * * ENOMEM: no memory
 *
 * Every ioctl but GET_INFO, BIND, RESERVE, UNRESERVE and LIST may fail with
 *
 * * ENOTCONN: the endpoint is not bound yet
 * * ENODEV: the endpoint is dead: its VM's process has gone (GET_STATS, GET_EDGE, GET_STATE and read() still work)
 *
 * An unknown ioctl is ENOTTY. Further errors stand with each call. A UUID that
 * is nil or max is EINVAL everywhere but in KVM_HC_PVI's broadcast.
 */
#define KVM_PVI_IOC		0xD7

/**
 * struct kvm_pvi_info - KVM_PVI_GET_INFO: what this host serves
 * @size: sizeof(struct kvm_pvi_info)
 * @flags: Must be 0
 * @abi_major: KVM_PVI_ABI_MAJOR; another number is another interface
 * @abi_minor: KVM_PVI_ABI_MINOR; grows with additions
 * @features: KVM_PVI_FEAT_* as KVM_HC_PVI_FEATURES gives them
 * @hook: KVM_PVI_HOOK_*: how hypercalls are intercepted now
 * @max_vms: bound endpoints on this host
 * @max_senders: rows of one receiver's table
 * @max_gsis: exposed GSIs of one endpoint
 * @max_ports: ports of one endpoint
 * @max_bells: bells of one endpoint
 * @max_grants: live grants of one endpoint
 * @max_sources: sources of one endpoint
 * @__reserved: 0
 *
 * Works on any endpoint at any time.
 */
struct kvm_pvi_info {
	__u32 size;
	__u32 flags;
	__u32 abi_major;
	__u32 abi_minor;
	__u32 features;
	__u32 hook;
	__u32 max_vms;
	__u32 max_senders;
	__u32 max_gsis;
	__u32 max_ports;
	__u32 max_bells;
	__u32 max_grants;
	__u32 max_sources;
	__u32 __reserved;
};
#define KVM_PVI_GET_INFO	_IO(KVM_PVI_IOC, 0x10)
#define KVM_PVI_HOOK_NONE	0	/* nothing attached: no VM is bound, or root detached it */
#define KVM_PVI_HOOK_DIRECT	1	/* direct call from kvm_emulate_hypercall() */
#define KVM_PVI_HOOK_FTRACE	2	/* ftrace callback: another direct caller holds the place */

/**
 * struct kvm_pvi_bind - KVM_PVI_BIND: give this endpoint a VM and a name
 * @size: sizeof(struct kvm_pvi_bind)
 * @flags: KVM_PVI_BIND_*
 * @vm_fd: the VM, possession of its fd is the authority; -1 with KVM_PVI_BIND_HOST
 * @owner: with KVM_PVI_BIND_OWNER: uid that owner pins compare with, in the caller's user namespace; with
 *   KVM_PVI_BIND_VMM: the process that has the VM, as the caller's PID namespace numbers it; else 0
 * @uuid: the name, 16 bytes as RFC 9562 prints them
 * @epoch: out: this binding's own number
 *
 * * EBADF: @vm_fd is not open
 * * EINVAL: @vm_fd is not a VM
 * * EBUSY: this endpoint is bound already; or kvm_emulate_hypercall() cannot be intercepted now and the
 *   kernel log says why (another owner, kernel.ftrace_enabled is 0, the attach parameter is off)
 * * EEXIST: this VM or this UUID is bound already, or is being bound
 * * EINTR: a signal came first; nothing has happened, call again
 * * EACCES: the UUID is reserved for another uid
 * * EPERM: KVM_PVI_BIND_OWNER or KVM_PVI_BIND_VMM without CAP_SETUID; or the process of the latter
 *   runs as more than one user, or as one whom the caller's user namespace does not know
 * * ENOSPC: max_vms reached
 * * ESRCH: the VM's process has gone, or is not the one that KVM_PVI_BIND_VMM names
 */
struct kvm_pvi_bind {
	__u32 size;
	__u32 flags;
	__s32 vm_fd;
	__u32 owner;
	__u8  uuid[KVM_PVI_UUID_SIZE];
	__aligned_u64 epoch;
};
#define KVM_PVI_BIND		_IO(KVM_PVI_IOC, 0x11)
#define KVM_PVI_BIND_HOST		(1u << 0)	/* a host process without a VM */
#define KVM_PVI_BIND_OWNER		(1u << 1)	/* @owner names the owner instead of the opener */
#define KVM_PVI_BIND_GRANTS_ONLY	(1u << 2)	/* never look at the ALLOW table */
#define KVM_PVI_BIND_VMM		(1u << 3)	/* it is that process's VM, whose user is the owner */

/**
 * struct kvm_pvi_expose - KVM_PVI_EXPOSE: make a GSI ringable
 * @size: sizeof(struct kvm_pvi_expose)
 * @flags: Must be 0
 * @gsi: below KVM_PVI_GSI_MAX, or a virtual GSI for KVM_PVI_GSI_MSI
 * @kind: KVM_PVI_GSI_DIRECT...
 * @rate: rings a second from all senders together, 0 for no limit
 * @burst: rings that may come at once, at least 1 if @rate is set, else 0
 *
 * A pin that the VMM drives itself must not be exposed.
 *
 * * EEXIST: exposed already
 * * ENOSPC: max_gsis reached
 * * EOPNOTSUPP: direct or msi without an in-kernel LAPIC or without a VM, or a direct GSI routed to a Xen event channel or a Hyper-V SINT
 */
struct kvm_pvi_expose {
	__u32 size;
	__u32 flags;
	__u32 gsi;
	__u32 kind;
	__u32 rate;
	__u32 burst;
};
#define KVM_PVI_EXPOSE		_IO(KVM_PVI_IOC, 0x12)
#define KVM_PVI_GSI_DIRECT	0	/* the host injects along the VM's routing entries, edge */
#define KVM_PVI_GSI_EVENTFD	1	/* the host signals an eventfd, see KVM_PVI_WIRE */
#define KVM_PVI_GSI_MSI		2	/* the guest names an MSI, see KVM_HC_PVI_SET_MSI */

/**
 * struct kvm_pvi_gsi - argument of the calls that only name a GSI
 * @size: sizeof(struct kvm_pvi_gsi)
 * @flags: Must be 0
 * @gsi: an exposed GSI of this endpoint
 * @__reserved: Must be 0
 *
 * * ENOENT: not exposed (all of them)
 * * EOPNOTSUPP: KVM_PVI_UNWIRE of a GSI that is not of kind eventfd
 *
 * UNEXPOSE drops the latch, the status word and the bell of that GSI; UNWIRE
 * keeps the latch. When either has returned, no ring is delivered any more.
 * KICK delivers what is latched or pending, for a VMM that has just made delivery
 * possible. UNSTATUS takes the status word away (ENOENT if there is none); its
 * pending is 0 then, so senders that skip come back.
 */
struct kvm_pvi_gsi {
	__u32 size;
	__u32 flags;
	__u32 gsi;
	__u32 __reserved;
};
#define KVM_PVI_UNEXPOSE	_IO(KVM_PVI_IOC, 0x13)
#define KVM_PVI_UNWIRE		_IO(KVM_PVI_IOC, 0x14)
#define KVM_PVI_KICK		_IO(KVM_PVI_IOC, 0x15)
#define KVM_PVI_UNSTATUS	_IO(KVM_PVI_IOC, 0x16)

/**
 * struct kvm_pvi_wire - KVM_PVI_WIRE: the eventfd of a KVM_PVI_GSI_EVENTFD
 * @size: sizeof(struct kvm_pvi_wire)
 * @flags: Must be 0
 * @gsi: an exposed GSI of kind eventfd
 * @fd: an eventfd, which the VMM gives to KVM_IRQFD or a process polls; replaces an earlier one
 *
 * What is latched is delivered at once. One eventfd feeds one VM.
 *
 * * ENOENT: not exposed
 * * EOPNOTSUPP: not of kind eventfd
 * * EBADF: @fd is not open
 * * EINVAL: @fd is not an eventfd
 * * ELOOP: @fd is a source of ours
 */
struct kvm_pvi_wire {
	__u32 size;
	__u32 flags;
	__u32 gsi;
	__s32 fd;
};
#define KVM_PVI_WIRE		_IO(KVM_PVI_IOC, 0x17)

/**
 * struct kvm_pvi_allow - KVM_PVI_ALLOW: a row of this receiver's pvi_sender_uuid table
 * @size: sizeof(struct kvm_pvi_allow)
 * @flags: KVM_PVI_ALLOW_*
 * @uuid: the sender; need not be bound
 * @gsi: an exposed or future GSI, KVM_PVI_GSI_ANY for every one without a bell; with KVM_PVI_ALLOW_BELL an
 *   existing or future bell, below max_bells
 * @owner: with KVM_PVI_ALLOW_OWNER: the uid that must own the sender's endpoint, in the caller's user namespace; else 0
 * @bits: with KVM_PVI_ALLOW_BELL the flags this sender may set, not 0; else 0
 * @rate: rings a second, 0 for no limit
 * @burst: rings that may come at once, at least 1 if @rate is set, else 0
 *
 * Takes effect with the next ring. Allowing an existing row again replaces pin,
 * rate and bits and keeps the tokens; without a rate there are none to keep.
 *
 * * ENOSPC: max_senders reached
 */
struct kvm_pvi_allow {
	__u32 size;
	__u32 flags;
	__u8  uuid[KVM_PVI_UUID_SIZE];
	__u32 gsi;
	__u32 owner;
	__aligned_u64 bits;
	__u32 rate;
	__u32 burst;
};
#define KVM_PVI_ALLOW		_IO(KVM_PVI_IOC, 0x18)
#define KVM_PVI_ALLOW_OWNER	(1u << 0)
#define KVM_PVI_ALLOW_BELL	(1u << 1)

/**
 * struct kvm_pvi_revoke - KVM_PVI_REVOKE: take a row back
 * @size: sizeof(struct kvm_pvi_revoke)
 * @flags: KVM_PVI_REVOKE_*
 * @uuid: the sender
 * @gsi: exactly as it was allowed; 0 with KVM_PVI_REVOKE_ALL
 * @__reserved: Must be 0
 *
 * When it has returned, no ring by that row is accepted or handed over, and
 * ports made by it answer EPERM for ever. What was latched before stays owed.
 *
 * * ENOENT: no such row
 */
struct kvm_pvi_revoke {
	__u32 size;
	__u32 flags;
	__u8  uuid[KVM_PVI_UUID_SIZE];
	__u32 gsi;
	__u32 __reserved;
};
#define KVM_PVI_REVOKE		_IO(KVM_PVI_IOC, 0x19)
#define KVM_PVI_REVOKE_ALL	(1u << 0)	/* all rows of @uuid */
#define KVM_PVI_REVOKE_BELL	(1u << 1)	/* @gsi is a bell */

/**
 * struct kvm_pvi_port - KVM_PVI_SET_PORT, KVM_PVI_CLOSE_PORT: a port of this endpoint
 * @size: sizeof(struct kvm_pvi_port)
 * @flags: Must be 0
 * @port: in: the port, or for SET_PORT KVM_PVI_PORT_ANY; out: the port
 * @fd: SET_PORT: the eventfd that ringing this port signals; CLOSE_PORT: Must be 0
 *
 * Such a port outlives a reset of the guest.
 *
 * * EBADF: @fd is not open (SET_PORT)
 * * EINVAL: @fd is not an eventfd; the port is not below max_ports (SET_PORT)
 * * EEXIST: the port is taken (SET_PORT)
 * * ELOOP: @fd is a source of ours (SET_PORT)
 * * ENOSPC: no port is free (SET_PORT)
 * * ENOENT: no such port (CLOSE_PORT)
 *
 * When CLOSE_PORT has returned, no ring through that port is delivered any more.
 */
struct kvm_pvi_port {
	__u32 size;
	__u32 flags;
	__u32 port;
	__s32 fd;
};
#define KVM_PVI_SET_PORT	_IO(KVM_PVI_IOC, 0x1a)
#define KVM_PVI_CLOSE_PORT	_IO(KVM_PVI_IOC, 0x1b)

/**
 * struct kvm_pvi_connect - KVM_PVI_CONNECT: a port to a peer's GSI, made by the VMM
 * @size: sizeof(struct kvm_pvi_connect)
 * @flags: KVM_PVI_CONNECT_*
 * @uuid: the receiver; zeroes with KVM_PVI_CONNECT_GRANT
 * @gsi: its GSI, a bell's too; 0 with KVM_PVI_CONNECT_GRANT
 * @port: in: the port or KVM_PVI_PORT_ANY; out: the port
 * @grant_fd: with KVM_PVI_CONNECT_GRANT: what KVM_PVI_GRANT gave; else 0
 * @owner: with KVM_PVI_CONNECT_OWNER: the uid that must own the receiver's endpoint; else 0
 *
 * Such a port outlives a reset of the guest.
 *
 * * EPERM: no such VM, not exposed, not allowed, not that owner, or the grant is used up, revoked or its receiver dead
 * * EBADF: @grant_fd is not open
 * * EINVAL: @grant_fd is not a grant; the port is not below max_ports
 * * EEXIST: the port is taken
 * * ENOSPC: no port is free
 */
struct kvm_pvi_connect {
	__u32 size;
	__u32 flags;
	__u8  uuid[KVM_PVI_UUID_SIZE];
	__u32 gsi;
	__u32 port;
	__s32 grant_fd;
	__u32 owner;
};
#define KVM_PVI_CONNECT		_IO(KVM_PVI_IOC, 0x1c)
#define KVM_PVI_CONNECT_GRANT	(1u << 0)
#define KVM_PVI_CONNECT_OWNER	(1u << 1)

/**
 * struct kvm_pvi_call - KVM_PVI_CALL: issue a hypercall from the host
 * @size: sizeof(struct kvm_pvi_call)
 * @flags: Must be 0
 * @nr: KVM_HC_PVI_FEATURES...
 * @__reserved: Must be 0
 * @args: what a 64-bit guest has in RBX, RCX, RDX, RSI; addresses are of the caller's memory
 * @ret: out: RAX
 * @ret2: out: RBX, where the call returns it, else 0
 *
 * How an endpoint of a host process rings and is served, and how a VMM rings in
 * its guest's name. The call succeeds whatever @ret says; an unknown @nr is
 * -KVM_PVI_ENOSYS there.
 *
 * EFAULT: if the struct could not be written before, nothing has happened. If it
 * was taken away while the hypercall ran, that is done, and may be issued again;
 * but a port of CONNECT is closed, and flags that BELL_RECEIVE cleared are set
 * again, as if they had been sent again.
 */
struct kvm_pvi_call {
	__u32 size;
	__u32 flags;
	__u32 nr;
	__u32 __reserved;
	__aligned_u64 args[4];
	__s64 ret;
	__aligned_u64 ret2;
};
#define KVM_PVI_CALL		_IO(KVM_PVI_IOC, 0x1d)

/**
 * struct kvm_pvi_counts - what happened to rings
 * @raised: verdict 0
 * @coalesced: verdict 1
 * @latched: verdict 2
 * @denied: EPERM
 * @throttled: EAGAIN
 */
struct kvm_pvi_counts {
	__aligned_u64 raised;
	__aligned_u64 coalesced;
	__aligned_u64 latched;
	__aligned_u64 denied;
	__aligned_u64 throttled;
};

/**
 * struct kvm_pvi_stats - KVM_PVI_GET_STATS: counters of this endpoint
 * @size: sizeof(struct kvm_pvi_stats)
 * @flags: Must be 0
 * @sent: rings by this endpoint, through ports, by UUID, eventfds included
 * @received: rings to this endpoint; denied ones only as far as this VM was named
 * @retries: injections tried again because KVM had taken nothing
 * @dropped: signals of this endpoint's sources that rang nothing, see KVM_PVI_WIRE_SOURCE
 */
struct kvm_pvi_stats {
	__u32 size;
	__u32 flags;
	struct kvm_pvi_counts sent;
	struct kvm_pvi_counts received;
	__aligned_u64 retries;
	__aligned_u64 dropped;
};
#define KVM_PVI_GET_STATS	_IO(KVM_PVI_IOC, 0x1e)

/**
 * struct kvm_pvi_edge - KVM_PVI_GET_EDGE: counters of one row of the table, or of one grant
 * @size: sizeof(struct kvm_pvi_edge)
 * @flags: Must be 0
 * @cursor: in: 0, or the last answer's; out: this row's
 * @uuid: out: the sender
 * @gsi: out: as it was allowed or granted
 * @kind: out: KVM_PVI_EDGE_*
 * @counts: out: rings by this row
 *
 * * ENOENT: no row behind @cursor
 */
struct kvm_pvi_edge {
	__u32 size;
	__u32 flags;
	__aligned_u64 cursor;
	__u8  uuid[KVM_PVI_UUID_SIZE];
	__u32 gsi;
	__u32 kind;
	struct kvm_pvi_counts counts;
};
#define KVM_PVI_GET_EDGE	_IO(KVM_PVI_IOC, 0x1f)
#define KVM_PVI_EDGE_GSI	0	/* a row of ALLOW */
#define KVM_PVI_EDGE_BELL	1	/* a row of ALLOW with KVM_PVI_ALLOW_BELL */
#define KVM_PVI_EDGE_GRANT	2	/* a grant; @uuid is 0 */

/**
 * struct kvm_pvi_reserve - KVM_PVI_RESERVE, KVM_PVI_UNRESERVE: keep a UUID for a user
 * @size: sizeof(struct kvm_pvi_reserve)
 * @flags: KVM_PVI_RESERVE_FROM
 * @uuid: the name
 * @uid: RESERVE: who may bind it, in the caller's user namespace; UNRESERVE: Must be 0
 * @from: with KVM_PVI_RESERVE_FROM: for whom it may be kept until now, in that namespace; else 0
 *
 * KVM_PVI_BIND of that name fails with EACCES for endpoints of other owners
 * (who opened them, or whom KVM_PVI_BIND_OWNER or KVM_PVI_BIND_VMM names), root's as well. One that
 * is bound stays. RESERVE again replaces @uid. A reservation belongs to no
 * endpoint: it lasts until UNRESERVE, or the module is removed. Both work on any
 * endpoint at any time. With KVM_PVI_RESERVE_FROM a name that is kept for another user than @from,
 * or @uid, stays as it is: who gives and takes back what a policy says does so without harm to
 * what somebody else has said.
 *
 * * EINVAL: @uid (RESERVE), or @from, is no uid of the caller's user namespace
 * * EPERM: without CAP_SYS_ADMIN
 * * ENOSPC: max_reserved reached (RESERVE)
 * * ENOENT: not reserved (UNRESERVE)
 * * EEXIST: reserved for another user (KVM_PVI_RESERVE_FROM)
 */
struct kvm_pvi_reserve {
	__u32 size;
	__u32 flags;
	__u8  uuid[KVM_PVI_UUID_SIZE];
	__u32 uid;
	__u32 from;
};
#define KVM_PVI_RESERVE_FROM	(1u << 0)
#define KVM_PVI_RESERVE		_IO(KVM_PVI_IOC, 0x28)
#define KVM_PVI_UNRESERVE	_IO(KVM_PVI_IOC, 0x29)

/**
 * struct kvm_pvi_event - what read() on an endpoint gives, in whole records
 * @type: KVM_PVI_EVENT_*
 * @lost: events that came after the one before and found no room
 * @epoch: which life of @uuid it is about
 * @uuid: the other VM
 *
 * KVM_PVI_EVENTS_KEPT are kept, the oldest ones, until they are read, and of
 * KVM_PVI_EVENT_PEER_* half as many; what comes beyond them is counted in @lost of
 * the next. KVM_HC_PVI_PEERS, also by KVM_PVI_CALL, tells how things stand. Peers that were there when the endpoint
 * was bound are found by PEERS alone.
 *
 * read() waits for an event. poll() says EPOLLIN when there is one, and EPOLLHUP
 * when the endpoint is dead: then read() gives what is kept and at last 0.
 *
 * * EAGAIN: there is none, and O_NONBLOCK is set
 * * EINVAL: the buffer is smaller than one record
 * * EFAULT: the buffer cannot be written
 * * EINTR: a signal came
 * * ENOTCONN: the endpoint is not bound yet
 */
struct kvm_pvi_event {
	__u32 type;
	__u32 lost;
	__u64 epoch;
	__u8  uuid[KVM_PVI_UUID_SIZE];
};
#define KVM_PVI_EVENTS_KEPT	64
#define KVM_PVI_EVENT_PEER_UP		1	/* @uuid may be rung by this endpoint from now on */
#define KVM_PVI_EVENT_PEER_DOWN		2	/* @uuid, which could be rung, has died */
#define KVM_PVI_EVENT_PEER_REVOKED	3	/* @uuid lives, but may not be rung any more */
#define KVM_PVI_EVENT_SENDER_UP		4	/* @uuid has rung this endpoint, or connected to it */
#define KVM_PVI_EVENT_SENDER_DOWN	5	/* @uuid, which had, has died: once for each SENDER_UP */

/**
 * struct kvm_pvi_bell - KVM_PVI_BELL: make a doorbell with 64 flags on a GSI
 * @size: sizeof(struct kvm_pvi_bell)
 * @flags: Must be 0
 * @bell: the receiver's own number of it, below max_bells
 * @gsi: an exposed GSI of this endpoint, which the bell raises
 *
 * The bell starts as after KVM_HC_BELL_RESET: no flag set, all enabled, none
 * acknowledged by itself. From then on that GSI takes KVM_HC_BELL_SEND alone,
 * through a port connected to it by a sender that KVM_PVI_ALLOW_BELL or a grant
 * gives bits of this bell; plain rings are EPERM by UUID and EINVAL by port. The
 * bell goes with KVM_PVI_UNEXPOSE of its GSI.
 *
 * * ENOENT: not exposed
 * * EEXIST: the bell exists, or the GSI has one
 * * EBUSY: the GSI has a status word
 */
struct kvm_pvi_bell {
	__u32 size;
	__u32 flags;
	__u32 bell;
	__u32 gsi;
};
#define KVM_PVI_BELL		_IO(KVM_PVI_IOC, 0x20)

/**
 * struct kvm_pvi_set_status - KVM_PVI_STATUS: give a GSI a status word
 * @size: sizeof(struct kvm_pvi_set_status)
 * @flags: KVM_PVI_STATUS_*
 * @gsi: an exposed GSI of this endpoint
 * @memfd: the memory's file: a memfd or a file of tmpfs or hugetlbfs
 * @offset: of the struct kvm_pvi_status in it, a multiple of 64
 * @address: where the caller has that word mapped, writable and shared
 *
 * The page is pinned and charged to the caller's RLIMIT_MEMLOCK, once per
 * registration, a huge page with all of its pages, until KVM_PVI_UNSTATUS,
 * KVM_PVI_UNEXPOSE or the endpoint's end.
 * @pending and @count of the word become 0; a call that fails writes nothing. Senders must not be able to write
 * it, so @memfd has the seals F_SEAL_FUTURE_WRITE, F_SEAL_SHRINK, F_SEAL_GROW and
 * F_SEAL_SEAL: map it writable, seal it, then hand descriptors out.
 *
 * * ENOENT: not exposed
 * * EEXIST: the GSI has a status word
 * * EBUSY: the GSI has a bell
 * * EBADF: @memfd is not open
 * * EOPNOTSUPP: @memfd is no memory of memfd, tmpfs or hugetlbfs
 * * EPERM: @memfd lacks a seal
 * * EINVAL: @offset is not aligned or beyond the end; at @address is not a writable, shared mapping of it
 * * EFAULT: the memory cannot be brought in
 * * ENOMEM: RLIMIT_MEMLOCK is reached, without CAP_IPC_LOCK
 * * EINTR: the caller was killed
 */
struct kvm_pvi_set_status {
	__u32 size;
	__u32 flags;
	__u32 gsi;
	__s32 memfd;
	__aligned_u64 offset;
	__aligned_u64 address;
};
#define KVM_PVI_STATUS		_IO(KVM_PVI_IOC, 0x21)
#define KVM_PVI_STATUS_UNSEALED	(1u << 0)	/* take memory that senders might write; they can harm the receiver */

/**
 * struct kvm_pvi_source - KVM_PVI_WIRE_SOURCE, KVM_PVI_UNWIRE_SOURCE: an eventfd that rings a port
 * @size: sizeof(struct kvm_pvi_source)
 * @flags: Must be 0
 * @fd: an eventfd; whoever signals it, a KVM_IOEVENTFD for instance, rings @port
 * @port: a port of this endpoint; looked up anew for each ring
 *
 * For guests that cannot issue a hypercall, or not from where they want to ring.
 * The ring happens soon after the signal, with the permission, limits and
 * counters of a hypercall's. However many signals came until then, one ring is
 * made after the last; the others count as coalesced with it. A count that is in
 * the eventfd already is a signal. One that is throttled, or whose receiver is
 * frozen, is made when it can be. One whose port is closed, revoked, dead or to a
 * bell is dropped, and counted in @dropped of KVM_PVI_GET_STATS. Each source may make as
 * many rings a second as the module parameter source_rate says; the rest waits.
 *
 * The source takes the eventfd's count, so nobody else should read it. Closing
 * the eventfd's last descriptor unwires it, after what was signalled was rung:
 * keep it open while a KVM_IOEVENTFD signals it. When UNWIRE_SOURCE has returned,
 * what was signalled before was rung, or dropped if it was throttled, and nothing
 * signalled later rings.
 *
 * * EBADF: @fd is not open
 * * EINVAL: @fd is not an eventfd
 * * ENOENT: no such port (WIRE_SOURCE); @fd is no source that rings @port (UNWIRE_SOURCE)
 * * EEXIST: @fd is a source already, of this endpoint or another (WIRE_SOURCE)
 * * ELOOP: @fd is signalled by rings: the eventfd of a port or of a GSI (WIRE_SOURCE)
 * * ENOSPC: max_sources reached (WIRE_SOURCE)
 */
struct kvm_pvi_source {
	__u32 size;
	__u32 flags;
	__s32 fd;
	__u32 port;
};
#define KVM_PVI_WIRE_SOURCE	_IO(KVM_PVI_IOC, 0x30)
#define KVM_PVI_UNWIRE_SOURCE	_IO(KVM_PVI_IOC, 0x31)

/**
 * struct kvm_pvi_grant - KVM_PVI_GRANT: a descriptor that stands for "may ring this GSI"
 * @size: sizeof(struct kvm_pvi_grant)
 * @flags: KVM_PVI_GRANT_*
 * @gsi: an exposed or future GSI of this endpoint; with KVM_PVI_GRANT_BELL the bell
 * @uses: ports that may be made of it in all, 0 stands for 1
 * @bits: with KVM_PVI_GRANT_BELL the flags its holder may set, not 0; else 0
 * @rate: rings a second, 0 for no limit
 * @burst: rings that may come at once, at least 1 if @rate is set, else 0
 * @id: out: names the grant for KVM_PVI_UNGRANT, and its row in KVM_PVI_GET_EDGE
 * @fd: out: the descriptor, O_CLOEXEC
 * @__reserved: Must be 0
 *
 * A UUID is a name that whoever binds first can claim; a descriptor cannot be
 * forged. It travels by SCM_RIGHTS, and whoever holds it makes ports of it
 * (KVM_PVI_CONNECT_GRANT), also of a receiver with KVM_PVI_BIND_GRANTS_ONLY. All ports
 * made of it share the rate. It keeps neither the receiver nor its VM alive.
 *
 * When the last descriptor closes, and when KVM_PVI_UNGRANT returns, ports made of it
 * answer EPERM for ever; after the receiver's death ENXIO. A descriptor in flight
 * over a socket counts as open.
 *
 * * ENOSPC: max_grants reached
 * * EMFILE: the process has too many files open
 * * ENFILE: the system has
 */
struct kvm_pvi_grant {
	__u32 size;
	__u32 flags;
	__u32 gsi;
	__u32 uses;
	__aligned_u64 bits;
	__u32 rate;
	__u32 burst;
	__aligned_u64 id;
	__s32 fd;
	__u32 __reserved;
};
#define KVM_PVI_GRANT		_IO(KVM_PVI_IOC, 0x32)
#define KVM_PVI_GRANT_BELL	(1u << 0)

/**
 * struct kvm_pvi_ungrant - KVM_PVI_UNGRANT: take a grant back, whoever holds it
 * @size: sizeof(struct kvm_pvi_ungrant)
 * @flags: Must be 0
 * @id: what KVM_PVI_GRANT gave
 *
 * When it has returned, no ring by that grant is accepted or handed over. What
 * was latched before stays owed.
 *
 * * ENOENT: no such grant: never given, revoked, or its last descriptor was closed
 */
struct kvm_pvi_ungrant {
	__u32 size;
	__u32 flags;
	__aligned_u64 id;
};
#define KVM_PVI_UNGRANT		_IO(KVM_PVI_IOC, 0x33)

/**
 * DOC: State
 *
 * What the guest has made goes with the guest when its VMM saves, migrates or
 * restores it: ports it connected, what is owed to it, its bells and MSIs. What
 * the VMM has made (the ALLOW table, grants, eventfds, exposed GSIs, ports of
 * SET_PORT and CONNECT, sources) the VMM makes again, and it brings neither
 * epochs nor counters nor tokens.
 *
 * A blob is a struct kvm_pvi_state_header, then @sections times a struct
 * kvm_pvi_state_section with its records, in ascending order of types; the
 * records of a section in ascending order of their first word, of a port of its
 * KVM_PVI_PORT_INDEX(), no two the same.
 * Only sections with records are there. All little endian, all __reserved 0.
 *
 * Save: stop the vCPUs; GET_STATE with KVM_PVI_STATE_FREEZE; save LAPICs, IOAPIC
 * and memory, the pages of status words among it. Restore: BIND; GET_STATE with
 * KVM_PVI_STATE_FREEZE, so that no ring comes too early; what the VMM makes; memory,
 * LAPICs, IOAPIC; SET_STATE; KVM_PVI_THAW; run.
 */
#define KVM_PVI_STATE_MAGIC	0x53495650u	/* "PVIS" */
#define KVM_PVI_STATE_VERSION	1
#define KVM_PVI_STATE_MAX	(1u << 22)	/* bytes of a blob */

/**
 * struct kvm_pvi_state_header - the beginning of a blob
 * @magic: KVM_PVI_STATE_MAGIC
 * @version: KVM_PVI_STATE_VERSION
 * @length: bytes of the blob, this header among them
 * @sections: how many follow
 */
struct kvm_pvi_state_header {
	__u32 magic;
	__u32 version;
	__u32 length;
	__u32 sections;
};

/**
 * struct kvm_pvi_state_section - the head of a section
 * @type: KVM_PVI_STATE_PORT...
 * @size: of a record
 * @nr: records that follow, at least 1
 * @__reserved: 0
 */
struct kvm_pvi_state_section {
	__u32 type;
	__u32 size;
	__u32 nr;
	__u32 __reserved;
};
#define KVM_PVI_STATE_PORT	1
#define KVM_PVI_STATE_LATCH	2
#define KVM_PVI_STATE_BELL	3
#define KVM_PVI_STATE_MSI	4
#define KVM_PVI_STATE_CONFIG	5

/**
 * struct kvm_pvi_state_port - a port that the guest connected
 * @port: its number, the generation too: of the binding it was made in, on whatever host; hosts
 *	  of minor 0 of this ABI refuse one that is not 0
 * @gsi: the receiver's GSI
 * @flags: KVM_PVI_STATE_PORT_*
 * @__reserved: 0
 * @uuid: the receiver
 */
struct kvm_pvi_state_port {
	__u32 port;
	__u32 gsi;
	__u32 flags;
	__u32 __reserved;
	__u8  uuid[KVM_PVI_UUID_SIZE];
};
#define KVM_PVI_STATE_PORT_DEAD	(1u << 0)	/* its receiver had died, or its permission was revoked */

/**
 * struct kvm_pvi_state_latch - a ring that is owed
 * @gsi: the GSI it is latched at
 * @__reserved: 0
 */
struct kvm_pvi_state_latch {
	__u32 gsi;
	__u32 __reserved;
};

/**
 * struct kvm_pvi_state_bell - a bell that is not as it was made
 * @bell: its number
 * @__reserved: 0
 * @flags: set and not cleared
 * @enable: of KVM_HC_BELL_MASK
 * @ack: of KVM_HC_BELL_MASK
 */
struct kvm_pvi_state_bell {
	__u32 bell;
	__u32 __reserved;
	__u64 flags;
	__u64 enable;
	__u64 ack;
};

/**
 * struct kvm_pvi_state_msi - a virtual GSI that is set
 * @gsi: the virtual GSI
 * @data: of KVM_HC_PVI_SET_MSI
 * @address: of KVM_HC_PVI_SET_MSI
 */
struct kvm_pvi_state_msi {
	__u32 gsi;
	__u32 data;
	__u64 address;
};

/**
 * struct kvm_pvi_state_config - the GSI of KVM_HC_PVI_SET_CONFIG; at most one
 * @gsi: rung when peers come and go
 * @__reserved: 0
 */
struct kvm_pvi_state_config {
	__u32 gsi;
	__u32 __reserved;
};

/**
 * struct kvm_pvi_state - KVM_PVI_GET_STATE, KVM_PVI_SET_STATE: what the guest has made
 * @size: sizeof(struct kvm_pvi_state)
 * @flags: GET_STATE: KVM_PVI_STATE_FREEZE; SET_STATE: Must be 0
 * @address: of the blob
 * @length: in: bytes at @address; GET_STATE: out: bytes of the blob. If that is more, nothing was
 *	    written: call again with so many
 * @__reserved: Must be 0
 *
 * GET_STATE with KVM_PVI_STATE_FREEZE: from then on rings to this endpoint answer EAGAIN
 * and nothing owed is delivered, until KVM_PVI_THAW; a ring accepted behind the
 * snapshot would be lost. Rings by it go on. Freezing what is frozen is no error. Of
 * an endpoint whose VM has gone GET_STATE gives what its guest had made at last, until it is closed.
 *
 * SET_STATE trusts nothing in the blob, and restores all of it or nothing. It needs an endpoint
 * whose guest has made nothing yet. Every port is resolved and its permission
 * checked anew; one that fails, or was dead already, keeps its number and answers
 * ENXIO. What is owed is delivered at once, unless frozen.
 *
 * * EFAULT: the blob cannot be read or written
 * * EINTR: the endpoint was dying, and the caller is killed (GET_STATE)
 * * EBUSY: the guest has connected a port, masked a bell, set an MSI or a config GSI already (SET_STATE)
 * * EINVAL: @length is beyond KVM_PVI_STATE_MAX; the blob has another version, an unknown section, a
 *   length that does not fit, a wrong order, or a value that the guest could not have set (SET_STATE)
 * * ENOENT: the VMM has not exposed a GSI, or not made a bell, that the blob names (SET_STATE)
 * * EEXIST: the VMM has put a port of its own where the guest had one (SET_STATE)
 */
struct kvm_pvi_state {
	__u32 size;
	__u32 flags;
	__aligned_u64 address;
	__u32 length;
	__u32 __reserved;
};
#define KVM_PVI_GET_STATE	_IO(KVM_PVI_IOC, 0x35)
#define KVM_PVI_SET_STATE	_IO(KVM_PVI_IOC, 0x36)
#define KVM_PVI_STATE_FREEZE	(1u << 0)

/**
 * struct kvm_pvi_thaw - KVM_PVI_THAW: take rings again
 * @size: sizeof(struct kvm_pvi_thaw)
 * @flags: Must be 0
 *
 * Ends what KVM_PVI_STATE_FREEZE began, and delivers what is owed. For a VMM whose
 * snapshot is done or whose migration has failed. Thawing what is not frozen is no
 * error.
 */
struct kvm_pvi_thaw {
	__u32 size;
	__u32 flags;
};
#define KVM_PVI_THAW		_IO(KVM_PVI_IOC, 0x37)

/**
 * struct kvm_pvi_list - KVM_PVI_LIST: all endpoints of this host, and what hangs on them
 * @size: sizeof(struct kvm_pvi_list)
 * @flags: Must be 0
 * @kind: KVM_PVI_LIST_ENDPOINTS...
 * @record: sizeof() a record of that kind, as the caller was compiled
 * @endpoint: @number of the endpoint whose records are wanted; 0 with KVM_PVI_LIST_ENDPOINTS
 * @cursor: in: 0, or the last answer's; out: where to go on
 * @address: of the array of records
 * @nr: in: records there is room for; out: records written
 * @__reserved: Must be 0
 *
 * For the administrator, who need not be allowed to trace who owns the endpoints. Works on
 * any endpoint at any time and changes nothing. Each call writes KVM_PVI_LIST_MAX records at
 * most; @nr is 0 behind the last one alone. Records come in ascending order of their number.
 * Between two calls others come and go: what is there during the whole walk is listed once, what
 * is not there at any time is not listed. A @cursor is only a position; any value will do. The
 * call waits for nobody: a record of what is changed at that moment may be of before and after.
 *
 * A @record that is longer than the kernel's is filled up with 0, a shorter one is cut.
 *
 * * EPERM: without CAP_SYS_ADMIN
 * * EINVAL: @kind; @record is below the first version's or beyond a page; @nr is 0; @endpoint is 0, or with
 *   KVM_PVI_LIST_ENDPOINTS is not
 * * ENOENT: no such @endpoint: its last descriptor was closed
 * * EFAULT: @address cannot be written; records before that were
 */
struct kvm_pvi_list {
	__u32 size;
	__u32 flags;
	__u32 kind;
	__u32 record;
	__aligned_u64 endpoint;
	__aligned_u64 cursor;
	__aligned_u64 address;
	__u32 nr;
	__u32 __reserved;
};
#define KVM_PVI_LIST		_IO(KVM_PVI_IOC, 0x38)
#define KVM_PVI_LIST_ENDPOINTS	0	/* struct kvm_pvi_list_endpoint, by @number */
#define KVM_PVI_LIST_EDGES	1	/* struct kvm_pvi_list_edge, by @id */
#define KVM_PVI_LIST_GSIS	2	/* struct kvm_pvi_list_gsi, by @gsi */
#define KVM_PVI_LIST_PORTS	3	/* struct kvm_pvi_list_port, by KVM_PVI_PORT_INDEX() of @port */
#define KVM_PVI_LIST_MAX	1024	/* records a call writes */

/**
 * struct kvm_pvi_list_endpoint - an endpoint that was bound, until its last descriptor is closed
 * @number: names it for KVM_PVI_LIST; never used again
 * @epoch: of its binding
 * @uuid: its name
 * @flags: KVM_PVI_LISTED_*
 * @owner: uid that owner pins compare with, in the caller's user namespace
 * @opener: process that opened it, as the caller's PID namespace numbers it; 0: it has ended or is not in there
 * @vmm: process that has the VM; 0: none, or it is not known
 * @senders: rows of its table
 * @grants: live grants
 * @gsis: exposed GSIs
 * @bells: those of them that have a bell
 * @sent: as in struct kvm_pvi_stats
 * @received: as in struct kvm_pvi_stats
 * @retries: as in struct kvm_pvi_stats
 * @dropped: as in struct kvm_pvi_stats
 */
struct kvm_pvi_list_endpoint {
	__aligned_u64 number;
	__aligned_u64 epoch;
	__u8  uuid[KVM_PVI_UUID_SIZE];
	__u32 flags;
	__u32 owner;
	__u32 opener;
	__u32 vmm;
	__u32 senders;
	__u32 grants;
	__u32 gsis;
	__u32 bells;
	struct kvm_pvi_counts sent;
	struct kvm_pvi_counts received;
	__aligned_u64 retries;
	__aligned_u64 dropped;
};
#define KVM_PVI_LISTED_DEAD		(1u << 0)	/* only its counters are left, and GET_STATE */
#define KVM_PVI_LISTED_FROZEN		(1u << 1)	/* rings to it answer EAGAIN */
#define KVM_PVI_LISTED_HOST		(1u << 2)	/* a host process without a VM */
#define KVM_PVI_LISTED_GRANTS_ONLY	(1u << 3)	/* its table is not looked at */

/**
 * struct kvm_pvi_list_edge - a row of an endpoint's table, or a grant
 * @id: as @cursor of KVM_PVI_GET_EDGE
 * @uuid: the sender
 * @gsi: as it was allowed or granted
 * @kind: KVM_PVI_EDGE_*
 * @flags: KVM_PVI_LISTED_PINNED, KVM_PVI_LISTED_BELL
 * @owner: with KVM_PVI_LISTED_PINNED the uid that must own the sender's endpoint
 * @bits: flags of a bell that this sender may set
 * @rate: rings a second, 0 for no limit
 * @burst: rings that may come at once
 * @counts: rings by this row
 */
struct kvm_pvi_list_edge {
	__aligned_u64 id;
	__u8  uuid[KVM_PVI_UUID_SIZE];
	__u32 gsi;
	__u32 kind;
	__u32 flags;
	__u32 owner;
	__aligned_u64 bits;
	__u32 rate;
	__u32 burst;
	struct kvm_pvi_counts counts;
};
#define KVM_PVI_LISTED_PINNED	(1u << 0)
#define KVM_PVI_LISTED_BELL	(1u << 1)	/* @gsi is a bell, of a grant too */

/**
 * struct kvm_pvi_list_gsi - an exposed GSI of an endpoint
 * @gsi: its number
 * @kind: KVM_PVI_GSI_DIRECT...
 * @state: KVM_PVI_GSI_WIRED...
 * @bell: the bell over it, or KVM_PVI_LISTED_NO_BELL
 * @rate: rings a second from all senders together, 0 for no limit
 * @burst: rings that may come at once
 * @rings: rings accepted
 */
struct kvm_pvi_list_gsi {
	__u32 gsi;
	__u32 kind;
	__u32 state;
	__u32 bell;
	__u32 rate;
	__u32 burst;
	__aligned_u64 rings;
};
#define KVM_PVI_LISTED_NO_BELL	0xffffffffu

/**
 * struct kvm_pvi_list_port - a port of an endpoint
 * @port: its number
 * @state: KVM_PVI_PORT_EVENTFD...
 * @gsi: of the receiver; 0 of an eventfd
 * @flags: KVM_PVI_LISTED_BY_VMM
 * @uuid: the receiver; zeroes of an eventfd
 */
struct kvm_pvi_list_port {
	__u32 port;
	__u32 state;
	__u32 gsi;
	__u32 flags;
	__u8  uuid[KVM_PVI_UUID_SIZE];
};
#define KVM_PVI_LISTED_BY_VMM	(1u << 0)	/* outlives a reset of the guest */

#if defined(__x86_64__) || defined(__i386__)
/*
 * What guests and host processes need of the two protocols above, without libc.
 *
 * A sender stores its data, and rings only if nothing is owed yet:
 *
 *	if (!kvm_pvi_status_owed(word))
 *		ring;
 *
 * A receiver, in its handler and in each pass of a polling loop:
 *
 *	kvm_pvi_status_take(word);
 *	take all data there is;
 *
 * Once after each start, with its handler live, it issues KVM_HC_PVI_ARM and
 * makes one such pass unasked. While it polls it may leave the word alone, and
 * ends with such a pass.
 */

/*
 * True if a ring is owed already: the receiver will see what was stored before.
 * The barrier keeps the load of pending behind the stores of the data; pairs
 * with the exchange in kvm_pvi_status_take().
 */
static __inline__ int kvm_pvi_status_owed(const struct kvm_pvi_status *word)
{
	__u32 pending;

#ifdef __x86_64__
	__asm__ __volatile__("lock; addl $0, -4(%%rsp)" : : : "memory", "cc");
#else
	__asm__ __volatile__("lock; addl $0, -4(%%esp)" : : : "memory", "cc");
#endif
	__asm__ __volatile__("movl %1, %0" : "=r" (pending) : "m" (word->pending));
	return pending != 0;
}

/*
 * Says that a pass begins; drain whatever it returns. XCHG is a full barrier: no
 * load of the data comes before it; pairs with kvm_pvi_status_owed() and with the
 * host's test-and-set.
 */
static __inline__ __u32 kvm_pvi_status_take(struct kvm_pvi_status *word)
{
	__u32 pending = 0;

	__asm__ __volatile__("xchgl %0, %1" : "+r" (pending), "+m" (word->pending) : : "memory");
	return pending;
}

/*
 * Any hypercall, those that give back a second value in RBX too, which
 * kvm_hypercallN() would lose. @rbx is in and out; what comes back there means
 * something only if the call returns one, and its status is not negative. @amd:
 * the CPU is AMD's or Hygon's and wants VMMCALL.
 */
static __inline__ long kvm_pvi_hypercall(int amd, __u32 nr, __u64 *rbx, unsigned long rcx,
					 unsigned long rdx, unsigned long rsi)
{
	unsigned long rax = nr, b = *rbx;

	if (amd)
		__asm__ __volatile__("vmmcall" : "+a" (rax), "+b" (b)
				     : "c" (rcx), "d" (rdx), "S" (rsi) : "memory");
	else
		__asm__ __volatile__("vmcall" : "+a" (rax), "+b" (b)
				     : "c" (rcx), "d" (rdx), "S" (rsi) : "memory");
	*rbx = b;
	return rax;
}
#endif /* __x86_64__ || __i386__ */

#endif /* LINUX_KVM_PVI_H */
