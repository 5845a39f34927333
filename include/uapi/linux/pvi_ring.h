/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR MIT) */
/*
 * pvi_ring - messages in shared memory between two sides of which neither trusts the other
 *
 * For whoever speaks C. The specification is Documentation/virt/kvm/pvi/ring.rst.
 */
#ifndef LINUX_PVI_RING_H
#define LINUX_PVI_RING_H

#include <linux/types.h>

/**
 * DOC: Sections
 *
 * A link is two sections of memory, one a side. A side stores into its own and only reads its
 * peer's. A section begins with struct pvi_ring_header; at PVI_RING_QUEUES is an array of struct
 * pvi_ring_queue; at @data_offset the data of queue 0, behind it that of queue 1...: what this side
 * sends. The peer may store anything there at any time: each word is read once, and the copy used.
 */
#define PVI_RING_MAGIC		0x474e495249565058ull	/* "XPVIRING" */
#define PVI_RING_VERSION	1
#define PVI_RING_UUID_SIZE	16
#define PVI_RING_QUEUES		0x100
#define PVI_RING_MAX_QUEUES	64
#define PVI_RING_MARKS		64	/* that do not stay: the section is a peer's */
#define PVI_RING_MIN_DATA	4096u
#define PVI_RING_MAX_DATA	(1u << 30)
#define PVI_RING_NET		1	/* @kind: frames, each behind a struct virtio_net_hdr_v1 */
#define PVI_RING_VSOCK		2	/* packets of virtio-vsock */
#define PVI_RING_RAW		3	/* what two programs agree upon */

/* What a section is. Who makes the link writes it, before either side knows of it */
struct pvi_ring_shape {
	__u64 magic;
	__u32 version, kind;
	__u8  link[PVI_RING_UUID_SIZE];		/* the same in both sections */
	__u8  owner[PVI_RING_UUID_SIZE];	/* the side whose section this is */
	__u8  peer[PVI_RING_UUID_SIZE];
	__u32 gsi, gsis;		/* the owner is rung for queue n by GSI @gsi + n % @gsis */
	__u32 peer_gsi, peer_gsis;	/* and rings @peer likewise */
	__u32 queues;			/* how many are here, 1 to PVI_RING_MAX_QUEUES */
	__u32 data_offset;		/* where the data of queue 0 begins, a multiple of 64 */
	__u32 data_size;		/* of each queue, a power of two */
	__u32 side;			/* 0 or 1, the peer's is the other */
};

/* The beginning of a section. @secret and @config are written with @shape, the rest by the owner alone */
struct pvi_ring_header {
	struct pvi_ring_shape shape;
	__u8  secret[16];	/* random, the same in both sections of a link; 0: there is none */
	__u8  __reserved0[16];	/* 0 */
	__u32 life;		/* state, session, and the peer's session: PVI_RING_LIFE() */
	__u32 use;		/* how many queues the owner uses in this session */
	__u32 epoch[2];		/* the owner's of kvm_pvi, low half first; 0 if it does not know */
	__u32 mark[2];		/* for pvi_ring_owns() */
	__u8  __reserved1[40];	/* 0 */
	__u8  config[64];	/* what belongs to the kind */
};

/*
 * What a side says of queue n, both of sending and of receiving: a cache line each, of which the
 * first word counts. The indexes run freely, and are multiples of 8
 */
struct pvi_ring_queue {
	__u32 prod[16];		/* bytes sent so far; [1]: how often that has wrapped, for who counts */
	__u32 room_wake[16];	/* when to ring the owner, who sends, because of room */
	__u32 cons[16];		/* bytes of the peer's that were received so far */
	__u32 data_wake[16];	/* when to ring the owner, who receives, because of data */
};

/* @room_wake, @data_wake: never; as the index goes beyond this one; whenever it moves */
#define PVI_RING_WAKE_NEVER	0u
#define PVI_RING_WAKE_BEYOND	1u	/* | the index */
#define PVI_RING_WAKE_ALWAYS	2u

/* A message is its length in 4 bytes, 4 that mean nothing, itself, and up to 7 that fill up */
#define PVI_RING_HEAD		8
#define PVI_RING_PAD		0xffffffffu	/* no length: go on where the data begins */
#define PVI_RING_NEED(len)	(((len) + 15) / 8 * 8)
#define PVI_RING_LONGEST(size)	((size) / 2 - 8)

#define PVI_RING_RESET		0u	/* in @life: nothing here is valid */
#define PVI_RING_INIT		1u	/* indexes are 0; follows nobody */
#define PVI_RING_READY		2u	/* follows a session of the peer's */
#define PVI_RING_RUN		3u	/* and has seen that the peer follows this one */
#define PVI_RING_LIFE(state, session, peer)	((state) | (session) << 2 | (peer) << 17)
#define PVI_RING_STATE(life)	((life) & 3)
#define PVI_RING_SESSION(life)	((life) >> 2 & 0x7fff)	/* 0 before the first */
#define PVI_RING_FOLLOWS(life)	((life) >> 17)		/* 0: nobody's */

/* @error of struct pvi_ring_end, until a new session */
#define PVI_RING_OVER		1	/* the peer has left the session */
#define PVI_RING_BROKEN		2	/* the peer has broken a rule */

/* One side's view of a link. What follows is private memory, never shared */
struct pvi_ring_link {
	struct pvi_ring_header *own;
	const struct pvi_ring_header *peer;
	struct pvi_ring_shape mine, theirs;	/* copies, checked */
	__u32 life, use;	/* what stands in @own */
	__u32 want;		/* the peer's life >> 2 while this session lasts */
	__u32 queues;		/* of this session, from READY on */
};

/* One end of a queue. Its own index is @limit - @near, and its place in the data @stop - @near */
struct pvi_ring_end {
	struct pvi_ring_queue *own;
	const struct pvi_ring_queue *peer;
	const __u32 *life;	/* the peer's */
	unsigned char *data, *stop;
	__u32 size, want;
	__u32 near, limit;	/* bytes in one piece, before @stop; the index of @stop */
	__u32 seen;		/* the peer's index, as last looked at */
	__u32 error;
};

struct pvi_ring_tx { struct pvi_ring_end end; };
struct pvi_ring_rx { struct pvi_ring_end end; };

/* Whether @header, of which @mapped bytes can be read, is a section; if so, @shape of it */
static __inline__ int pvi_ring_look(const struct pvi_ring_header *header, __u64 mapped,
				    struct pvi_ring_shape *shape)
{
	const __u8 *from = (const __u8 *)header;
	__u8 *to = (__u8 *)shape;
	unsigned int i;

	if (mapped < sizeof(*header))
		return 0;
	for (i = 0; i < sizeof(*shape); i++)
		to[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
	return shape->magic == PVI_RING_MAGIC && shape->version == PVI_RING_VERSION &&
	       shape->side <= 1 && shape->gsis && shape->peer_gsis &&
	       shape->queues && shape->queues <= PVI_RING_MAX_QUEUES &&
	       shape->data_size >= PVI_RING_MIN_DATA && shape->data_size <= PVI_RING_MAX_DATA &&
	       !(shape->data_size & (shape->data_size - 1)) && !(shape->data_offset & 63) &&
	       shape->data_offset >= PVI_RING_QUEUES + shape->queues * sizeof(struct pvi_ring_queue) &&
	       shape->data_offset <= mapped &&
	       (__u64)shape->queues * shape->data_size <= mapped - shape->data_offset;
}

/*
 * Whether @header is in memory of this side's own, whatever name stands there: a store into it stays. Nobody can
 * guess @number. Others of this side's may ask at the same time, whose numbers stay no longer than it takes
 */
static __inline__ int pvi_ring_owns(struct pvi_ring_header *header, __u64 number)
{
	__u32 *mark = header->mark;
	int owns = 0, tries;

	for (tries = 0; tries < PVI_RING_MARKS && !owns; tries++, number++) {
		__atomic_store_n(&mark[0], (__u32)number, __ATOMIC_RELAXED);
		__atomic_store_n(&mark[1], (__u32)(number >> 32), __ATOMIC_RELAXED);
		/* Pairs with nobody: what is loaded is what stands there */
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		owns = __atomic_load_n(&mark[0], __ATOMIC_RELAXED) == (__u32)number &&
		       __atomic_load_n(&mark[1], __ATOMIC_RELAXED) == (__u32)(number >> 32);
		__atomic_store_n(&mark[0], 0, __ATOMIC_RELAXED);
		__atomic_store_n(&mark[1], 0, __ATOMIC_RELAXED);
	}
	return owns;
}

/* Make @link of its two sections, else 0. Whom to ring is in @link->mine: the peer is not asked */
static __inline__ int pvi_ring_pair(struct pvi_ring_link *link,
				    struct pvi_ring_header *own, __u64 own_mapped,
				    const struct pvi_ring_header *peer, __u64 peer_mapped)
{
	struct pvi_ring_shape *mine = &link->mine, *theirs = &link->theirs;
	unsigned int i, differ = 0;

	if (!pvi_ring_look(own, own_mapped, mine) || !pvi_ring_look(peer, peer_mapped, theirs))
		return 0;
	link->own = own;
	link->peer = peer;
	link->life = __atomic_load_n(&own->life, __ATOMIC_RELAXED);
	link->use = link->want = link->queues = 0;
	for (i = 0; i < PVI_RING_UUID_SIZE; i++)
		differ |= (mine->link[i] ^ theirs->link[i]) | (mine->peer[i] ^ theirs->owner[i]) |
			  (mine->owner[i] ^ theirs->peer[i]) |
			  (__atomic_load_n(&own->secret[i], __ATOMIC_RELAXED) ^
			   __atomic_load_n(&peer->secret[i], __ATOMIC_RELAXED));
	return !differ && mine->kind == theirs->kind && mine->side != theirs->side;
}

/* Leave the session, for good or until pvi_ring_start(). Ring the peer afterwards */
static __inline__ void pvi_ring_stop(struct pvi_ring_link *link)
{
	__u32 session = (PVI_RING_SESSION(link->life) + 1) & 0x7fff;

	link->life = PVI_RING_LIFE(PVI_RING_RESET, session ? session : 1, 0u);
	__atomic_store_n(&link->own->life, link->life, __ATOMIC_RELAXED);
}

/* Begin a session of 1 to @use queues; those of before are let go. Ring the peer, and step */
static __inline__ void pvi_ring_start(struct pvi_ring_link *link, __u32 use, __u64 epoch)
{
	struct pvi_ring_header *own = link->own;
	struct pvi_ring_queue *queue = (struct pvi_ring_queue *)((char *)own + PVI_RING_QUEUES), *end;

	pvi_ring_stop(link);
	link->use = use < link->mine.queues ? use : link->mine.queues;
	__atomic_store_n(&own->use, link->use, __ATOMIC_RELAXED);
	__atomic_store_n(&own->epoch[0], (__u32)epoch, __ATOMIC_RELAXED);
	__atomic_store_n(&own->epoch[1], (__u32)(epoch >> 32), __ATOMIC_RELAXED);
	for (end = queue + link->mine.queues; queue < end; queue++) {
		/* Who sees such a 0 sees that the session has ended: pvi_ring_refresh() */
		__atomic_store_n(&queue->prod[0], 0, __ATOMIC_RELEASE);
		__atomic_store_n(&queue->cons[0], 0, __ATOMIC_RELEASE);
		queue->prod[1] = 0;
		__atomic_store_n(&queue->room_wake[0], PVI_RING_WAKE_NEVER, __ATOMIC_RELAXED);
		__atomic_store_n(&queue->data_wake[0], PVI_RING_WAKE_NEVER, __ATOMIC_RELAXED);
	}
	link->life |= PVI_RING_INIT;
	/* Who sees INIT sees those 0: pairs with pvi_ring_step() */
	__atomic_store_n(&own->life, link->life, __ATOMIC_RELEASE);
}

/*
 * After pvi_ring_start() and when rung, follow the peer. 1: ring it, and step again. 0: wait for a
 * ring. -1: the session is over, start another. Queues are opened in PVI_RING_RUN of @link->life.
 */
static __inline__ int pvi_ring_step(struct pvi_ring_link *link)
{
	/* Pairs with the stores of life here and in pvi_ring_start() */
	__u32 peer = __atomic_load_n(&link->peer->life, __ATOMIC_ACQUIRE), use;
	__u32 session = PVI_RING_SESSION(link->life), theirs = PVI_RING_SESSION(peer);

	switch (PVI_RING_STATE(link->life)) {
	case PVI_RING_RESET:
		return 0;
	case PVI_RING_INIT:
		if (PVI_RING_STATE(peer) != PVI_RING_INIT &&
		    (PVI_RING_STATE(peer) != PVI_RING_READY || PVI_RING_FOLLOWS(peer) != session))
			return 0;
		use = __atomic_load_n(&link->peer->use, __ATOMIC_RELAXED);
		if (!theirs || !use || use > link->theirs.queues)
			return 0;
		link->queues = use < link->use ? use : link->use;
		link->want = theirs | session << 15;
		link->life = PVI_RING_LIFE(PVI_RING_READY, session, theirs);
		break;
	case PVI_RING_READY:
		if (peer >> 2 == link->want && PVI_RING_STATE(peer) >= PVI_RING_READY) {
			link->life |= PVI_RING_RUN;
			break;
		}
		return theirs == PVI_RING_FOLLOWS(link->life) ? 0 : -1;
	case PVI_RING_RUN:
		return peer >> 2 == link->want ? 0 : -1;
	}
	__atomic_store_n(&link->own->life, link->life, __ATOMIC_RELEASE);
	return 1;
}

static __inline__ void pvi_ring_end_init(const struct pvi_ring_link *link, __u32 n,
					 const struct pvi_ring_header *section,
					 const struct pvi_ring_shape *shape,
					 struct pvi_ring_end *end)
{
	end->own = (struct pvi_ring_queue *)((char *)link->own + PVI_RING_QUEUES) + n;
	end->peer = (const struct pvi_ring_queue *)((const char *)link->peer + PVI_RING_QUEUES) + n;
	end->life = &link->peer->life;
	end->size = shape->data_size;
	end->stop = end->data = (unsigned char *)((unsigned long)section + shape->data_offset +
						  (unsigned long)n * end->size);
	end->want = link->want;
	end->near = end->limit = end->seen = end->error = 0;
}

/* The ends of queue @n, which is below @link->queues; once a session, as it begins to run */
static __inline__ void pvi_ring_open(const struct pvi_ring_link *link, __u32 n,
				     struct pvi_ring_tx *tx, struct pvi_ring_rx *rx)
{
	pvi_ring_end_init(link, n, link->own, &link->mine, &tx->end);
	pvi_ring_end_init(link, n, link->peer, &link->theirs, &rx->end);
}

/* See how far the peer is: no less than before, and no more than @limit */
static __inline__ void pvi_ring_refresh(struct pvi_ring_end *end, const __u32 *word, __u32 limit)
{
	/* What it counts is done: pairs with pvi_ring_show() */
	__u32 index = __atomic_load_n(word, __ATOMIC_ACQUIRE);

	if (end->error)
		return;
	if (__atomic_load_n(end->life, __ATOMIC_RELAXED) >> 2 != end->want)
		end->error = PVI_RING_OVER;
	else if (index - end->seen > limit - end->seen || index & 7)
		end->error = PVI_RING_BROKEN;
	else
		end->seen = index;
}

/* Ask to be rung at @index. The look that follows stays behind it: pairs with pvi_ring_show() */
static __inline__ void pvi_ring_arm(__u32 *wake, __u32 index)
{
	__atomic_store_n(wake, (index - 8) | PVI_RING_WAKE_BEYOND, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* Show the peer the own index. Returns whether to ring it */
static __inline__ int pvi_ring_show(__u32 *word, __u32 index, const __u32 *wake)
{
	__u32 from = __atomic_load_n(word, __ATOMIC_RELAXED), beyond;

	/* Who sees it sees what was done before: pairs with pvi_ring_refresh() */
	__atomic_store_n(word, index, __ATOMIC_RELEASE);
	/* The look stays behind the store: pairs with pvi_ring_arm() */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	beyond = __atomic_load_n(wake, __ATOMIC_RELAXED);
	/* Passed just now: it is from @from on, and before @index */
	if (beyond & PVI_RING_WAKE_BEYOND)
		return beyond - from < index - from;
	return beyond != PVI_RING_WAKE_NEVER && index != from;
}

/* How far @need bytes move the index @prod on: with the pad before them, where the end is near */
static __inline__ __u32 pvi_ring_span(const struct pvi_ring_end *end, __u32 prod, __u32 need)
{
	__u32 left = end->size - (prod & (end->size - 1));

	return need > left ? left + need : need;
}

/* Look for room in one piece, at the beginning of the data if it has to be */
static __inline__ int pvi_ring_room(struct pvi_ring_end *end, __u64 need)
{
	__u32 prod = end->limit - end->near, at = prod & (end->size - 1), near, span;

	if (need > end->size / 2)
		return 0;
	span = pvi_ring_span(end, prod, need);
	pvi_ring_refresh(end, end->peer->cons, prod);
	if (end->error || span > end->size - (prod - end->seen))
		return 0;
	if (span != need) {
		__atomic_store_n((__u32 *)(end->data + at), PVI_RING_PAD, __ATOMIC_RELAXED);
		prod += span - need;
		at = 0;
	}
	near = end->size - (prod - end->seen);
	near = near < end->size - at ? near : end->size - at;
	end->near = near < end->size / 2 ? near : end->size / 2;
	end->limit = prod + end->near;
	end->stop = end->data + at + end->near;
	return 1;
}

/* Where to write @len bytes, PVI_RING_LONGEST() at most; then commit. NULL: no room, or @error */
static __inline__ void *pvi_ring_reserve(struct pvi_ring_tx *tx, __u32 len)
{
	__u64 need = PVI_RING_NEED((__u64)len);

	if (need > tx->end.near && !pvi_ring_room(&tx->end, need))
		return (void *)0;
	return tx->end.stop - tx->end.near + PVI_RING_HEAD;
}

/* @len bytes are written to where pvi_ring_reserve() said, for so many or more */
static __inline__ void pvi_ring_commit(struct pvi_ring_tx *tx, void *to, __u32 len)
{
	__atomic_store_n((__u32 *)((char *)to - PVI_RING_HEAD), len, __ATOMIC_RELAXED);
	tx->end.near -= PVI_RING_NEED(len);
}

/* Send all that is committed. Returns whether to ring the peer */
static __inline__ int pvi_ring_publish(struct pvi_ring_tx *tx)
{
	__u32 *word = tx->end.own->prod, prod = tx->end.limit - tx->end.near;

	if (prod < word[0])
		word[1]++;
	return pvi_ring_show(word, prod, tx->end.peer->data_wake);
}

/*
 * Be rung when there is room for @len bytes, PVI_RING_LONGEST() at most: of more this may say that
 * there is, and pvi_ring_reserve() that there is not, for ever. Whether there is, or @error
 */
static __inline__ int pvi_ring_arm_tx(struct pvi_ring_tx *tx, __u32 len)
{
	__u32 prod = tx->end.limit - tx->end.near;
	__u32 span = pvi_ring_span(&tx->end, prod, PVI_RING_NEED(len));

	pvi_ring_arm(tx->end.own->room_wake, prod + span - tx->end.size);
	pvi_ring_refresh(&tx->end, tx->end.peer->cons, prod);
	return tx->end.error || span <= tx->end.size - (prod - tx->end.seen);
}

/* Look for messages, as far as they are in one piece */
static __inline__ int pvi_ring_more(struct pvi_ring_end *end)
{
	__u32 at = end->limit & (end->size - 1), near;

	if (end->seen == end->limit)
		pvi_ring_refresh(end, end->peer->prod, end->limit + end->size);
	near = end->error ? 0 : end->seen - end->limit;
	end->near = near < end->size - at ? near : end->size - at;
	end->limit += end->near;
	end->stop = end->data + at + end->near;
	return near != 0;
}

/* The next message. Copy it, then look into it; it stays until release. NULL: none, or @error */
static __inline__ const void *pvi_ring_take(struct pvi_ring_rx *rx, __u32 *len)
{
	struct pvi_ring_end *end = &rx->end;
	const unsigned char *at;
	__u64 need, near;

	for (;;) {
		if (!end->near && !pvi_ring_more(end))
			return (void *)0;
		near = end->near;
		at = end->stop - near;
		*len = __atomic_load_n((const __u32 *)at, __ATOMIC_RELAXED);
		need = PVI_RING_NEED((__u64)*len);
		if (need <= near)
			break;
		/* A pad goes up to the end, and is not all: so there is no second one here */
		if (*len != PVI_RING_PAD || at == end->data || end->limit & (end->size - 1)) {
			end->error = PVI_RING_BROKEN;
			end->limit -= end->near;
		}
		end->near = 0;
	}
	end->near = near - need;
	return at + PVI_RING_HEAD;
}

/* All messages taken are copied. Returns whether to ring the peer */
static __inline__ int pvi_ring_release(struct pvi_ring_rx *rx)
{
	return pvi_ring_show(rx->end.own->cons, rx->end.limit - rx->end.near,
			     rx->end.peer->room_wake);
}

/* After release: be rung when @bytes (8: any) are there. Returns whether they are, or @error */
static __inline__ int pvi_ring_arm_rx(struct pvi_ring_rx *rx, __u32 bytes)
{
	__u32 cons = rx->end.limit - rx->end.near;

	pvi_ring_arm(rx->end.own->data_wake, (cons + bytes) & ~7u);
	pvi_ring_refresh(&rx->end, rx->end.peer->prod, cons + rx->end.size);
	return rx->end.error || rx->end.seen - cons >= (bytes & ~7u);
}

#endif /* LINUX_PVI_RING_H */
