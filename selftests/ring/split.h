/* SPDX-License-Identifier: GPL-2.0 */
/*
 * kvm-pvi selftests: the layout that pvi_ring.h was compared with: virtio's split ring, of which
 * the used ring is in the receiver's section, as in Jailhouse's ivshmem-net
 *
 * Leaner than virtio's own: descriptors are used in turn, none is chained, there is no free list.
 * What the peer wrote is checked as in pvi_ring.h.
 */
#ifndef PVI_RING_SPLIT_H
#define PVI_RING_SPLIT_H

#include "shared.h"

#define SPLIT_SLOTS	256
#define SPLIT_DATA	(1u << 17)
#define SPLIT_ALIGN(len)	(((len) + 63u) & ~63u)

struct split_desc {
	u64 addr;
	u32 len;
	u16 flags;
	u16 next;
};

struct split_used {
	u32 id;
	u32 len;
};

/* @avail_event, @used_event: as VIRTIO_F_EVENT_IDX has them, each on its writer's side */
struct split_section {
	u16 avail_idx __aligned(64);
	u16 avail_event __aligned(64);
	u16 used_idx __aligned(64);
	u16 used_event __aligned(64);
	u16 avail[SPLIT_SLOTS] __aligned(64);
	struct split_used used[SPLIT_SLOTS] __aligned(64);
	struct split_desc desc[SPLIT_SLOTS] __aligned(64);
	u8 data[SPLIT_DATA] __aligned(64);
};

struct split_tx {
	struct split_section *own;
	const struct split_section *peer;
	u16 idx, reaped, told;
	u32 head, tail;
	u32 len[SPLIT_SLOTS];
};

struct split_rx {
	struct split_section *own;
	const struct split_section *peer;
	u16 idx, seen, told;
};

static inline bool split_wants(const u16 *event, u16 *told, u16 index)
{
	u16 moved = index - *told;

	*told = index;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return (u16)(index - READ_ONCE(*event) - 1) < moved;
}

/* Take back what was used; false: the peer has broken a rule */
static inline bool split_reap(struct split_tx *tx)
{
	u16 idx = __atomic_load_n(&tx->peer->used_idx, __ATOMIC_ACQUIRE);
	u32 id;

	if ((u16)(idx - tx->reaped) > (u16)(tx->idx - tx->reaped))
		return false;
	for (; tx->reaped != idx; tx->reaped++) {
		id = READ_ONCE(tx->peer->used[tx->reaped % SPLIT_SLOTS].id);
		if (id != tx->reaped % SPLIT_SLOTS)
			return false;
		tx->tail += tx->len[id];
	}
	return true;
}

static inline void *split_reserve(struct split_tx *tx, u32 len)
{
	u32 at = tx->head % SPLIT_DATA, need = SPLIT_ALIGN(len), pad = 0;

	if (len > SPLIT_DATA / 2)
		return NULL;
	if (need > SPLIT_DATA - at)
		pad = SPLIT_DATA - at;
	if (pad + need > SPLIT_DATA - (tx->head - tx->tail) ||
	    (u16)(tx->idx - tx->reaped) == SPLIT_SLOTS) {
		if (!split_reap(tx) || pad + need > SPLIT_DATA - (tx->head - tx->tail) ||
		    (u16)(tx->idx - tx->reaped) == SPLIT_SLOTS)
			return NULL;
	}
	tx->len[tx->idx % SPLIT_SLOTS] = pad + need;
	tx->head += pad;
	return tx->own->data + (pad ? 0 : at);
}

static inline void split_commit(struct split_tx *tx, u32 len)
{
	u16 slot = tx->idx % SPLIT_SLOTS;
	struct split_desc *desc = &tx->own->desc[slot];

	WRITE_ONCE(desc->addr, tx->head % SPLIT_DATA);
	WRITE_ONCE(desc->len, len);
	WRITE_ONCE(desc->flags, 0);
	WRITE_ONCE(tx->own->avail[slot], slot);
	tx->head += SPLIT_ALIGN(len);
	tx->idx++;
}

static inline bool split_publish(struct split_tx *tx)
{
	__atomic_store_n(&tx->own->avail_idx, tx->idx, __ATOMIC_RELEASE);
	return split_wants(&tx->peer->avail_event, &tx->told, tx->idx);
}

static inline const void *split_take(struct split_rx *rx, u32 *len)
{
	const struct split_desc *desc;
	u16 slot, idx;
	u64 addr;

	if (rx->idx == rx->seen) {
		idx = __atomic_load_n(&rx->peer->avail_idx, __ATOMIC_ACQUIRE);
		if ((u16)(idx - rx->idx) > SPLIT_SLOTS)
			return NULL;
		rx->seen = idx;
		if (rx->idx == idx)
			return NULL;
	}
	slot = READ_ONCE(rx->peer->avail[rx->idx % SPLIT_SLOTS]);
	if (slot >= SPLIT_SLOTS)
		return NULL;
	desc = &rx->peer->desc[slot];
	*len = READ_ONCE(desc->len);
	addr = READ_ONCE(desc->addr);
	if (READ_ONCE(desc->flags) || *len > SPLIT_DATA || addr > SPLIT_DATA - *len)
		return NULL;
	WRITE_ONCE(rx->own->used[rx->idx % SPLIT_SLOTS].id, slot);
	WRITE_ONCE(rx->own->used[rx->idx % SPLIT_SLOTS].len, 0);
	rx->idx++;
	return rx->peer->data + addr;
}

static inline bool split_release(struct split_rx *rx)
{
	__atomic_store_n(&rx->own->used_idx, rx->idx, __ATOMIC_RELEASE);
	return split_wants(&rx->peer->used_event, &rx->told, rx->idx);
}

#endif
