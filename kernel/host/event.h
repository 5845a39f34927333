/* SPDX-License-Identifier: GPL-2.0-only */
/* kvm_pvi event - what an endpoint is told */
#ifndef _PVI_EVENT_H
#define _PVI_EVENT_H

#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#include "vm.h"

struct file;

/* A struct kvm_pvi_event as it is kept: together with the rest they fill 2 KiB. */
struct pvi_event_record {
	u64 epoch;
	u8 uuid[UUID_SIZE];
	u32 lost : 29;
	u32 type : 3;
} __packed __aligned(4);

#define PVI_EVENT_LOST_MAX	((1u << 29) - 1)

/**
 * struct pvi_events - what an endpoint is told
 * @lock: protects changes of @kept, @first, @nr, @nr_peers, @lost, and of pvi_peer.heard of the endpoint's peers
 * @reading: one reader at a time; held while copying out
 * @wait: readers and pollers
 * @first: the oldest
 * @nr: how many are kept
 * @nr_peers: of them, about peers
 * @lost: how many came when there was no room
 * @config_gsi: the guest's own GSI that is rung as well, KVM_PVI_GSI_ANY: none
 * @config_rung: it was rung, and the guest has not looked yet
 * @kept: a ring of records
 */
struct pvi_events {
	spinlock_t lock;
	struct mutex reading;
	wait_queue_head_t wait;
	u32 first;
	u32 nr;
	u32 nr_peers;
	u32 lost;
	u32 config_gsi;
	unsigned long config_rung;
	struct pvi_event_record kept[KVM_PVI_EVENTS_KEPT];
};

int pvi_event_alloc(struct pvi_vm *vm);
void pvi_event_free(struct pvi_vm *vm);
void pvi_event_keep(struct pvi_events *ev, u32 type, u64 epoch, const uuid_t *uuid);
void pvi_event_kept(struct pvi_vm *vm);
void pvi_event_tell(struct pvi_vm *vm, u32 type, u64 epoch, const uuid_t *uuid);
void pvi_event_hangup(struct pvi_vm *vm);
void pvi_event_looked(struct pvi_vm *vm);
int pvi_event_set_config(struct pvi_vm *vm, u64 gsi);
void pvi_event_forget_config(struct pvi_vm *vm, u32 gsi);
void pvi_event_missed(struct pvi_vm *vm);
ssize_t pvi_event_read(struct file *file, char __user *buf, size_t size, loff_t *pos);
__poll_t pvi_event_poll(struct file *file, struct poll_table_struct *table);

#endif /* _PVI_EVENT_H */
