// SPDX-License-Identifier: GPL-2.0-only
/*
 * pvi_test_ring - pvi_ring.h in a kernel: both sides of a link, which send each other messages of
 * all lengths in several sessions. It cannot be loaded if anything goes wrong.
 */
#include <linux/module.h>
#include <linux/pvi_ring.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#define DATA		SZ_16K
#define DATA_OFFSET	SZ_4K
#define SECTION		(DATA_OFFSET + DATA)
#define SESSIONS	3

struct side {
	void *section;
	struct pvi_ring_link link;
	struct pvi_ring_tx tx;
	struct pvi_ring_rx rx;
};

static struct side sides[2];
static u8 copy[DATA];

static void section_init(void *section, u32 side)
{
	struct pvi_ring_header *header = section;
	struct pvi_ring_shape *shape = &header->shape;

	shape->magic = PVI_RING_MAGIC;
	shape->version = PVI_RING_VERSION;
	shape->kind = PVI_RING_RAW;
	shape->side = side;
	shape->owner[0] = side;
	shape->peer[0] = 1 - side;
	shape->gsis = 1;
	shape->peer_gsis = 1;
	shape->queues = 1;
	shape->data_offset = DATA_OFFSET;
	shape->data_size = DATA;
}

/* Until there is nothing more to do: both run then */
static bool sides_come_up(void)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(sides); i++)
		pvi_ring_start(&sides[i].link, 1, 0);
	while (pvi_ring_step(&sides[0].link) > 0 || pvi_ring_step(&sides[1].link) > 0)
		;
	for (i = 0; i < ARRAY_SIZE(sides); i++) {
		if (PVI_RING_STATE(sides[i].link.life) != PVI_RING_RUN)
			return false;
		pvi_ring_open(&sides[i].link, 0, &sides[i].tx, &sides[i].rx);
	}
	return true;
}

/* One that sleeps is to be rung, one that does not is not */
static bool message_goes(struct side *from, struct side *to, u32 len)
{
	bool asleep = len % 2 && !pvi_ring_arm_rx(&to->rx, 8);
	const void *at;
	void *room;
	u32 got;

	room = pvi_ring_reserve(&from->tx, len);
	if (!room)
		return false;
	memset(room, len, len);
	pvi_ring_commit(&from->tx, room, len);
	if (pvi_ring_publish(&from->tx) != asleep)
		return false;
	at = pvi_ring_take(&to->rx, &got);
	if (!at || got != len)
		return false;
	memcpy(copy, at, len);
	return !pvi_ring_release(&to->rx) && !memchr_inv(copy, len, len);
}

static bool session_works(void)
{
	u32 len;

	if (!sides_come_up())
		return false;
	for (len = 0; len <= PVI_RING_LONGEST(DATA); len++)
		if (!message_goes(&sides[len / 2 % 2], &sides[1 - len / 2 % 2], len))
			return false;
	return !pvi_ring_reserve(&sides[0].tx, len);
}

static bool link_works(void)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(sides); i++)
		if (!pvi_ring_pair(&sides[i].link, sides[i].section, SECTION,
				   sides[1 - i].section, SECTION))
			return false;
	for (i = 0; i < SESSIONS; i++)
		if (!session_works())
			return false;
	return true;
}

static int __init pvi_test_ring_init(void)
{
	int ret = -ENOMEM;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(sides); i++) {
		sides[i].section = vzalloc(SECTION);
		if (!sides[i].section)
			goto out;
		section_init(sides[i].section, i);
	}
	ret = link_works() ? 0 : -EIO;
out:
	for (i = 0; i < ARRAY_SIZE(sides); i++)
		vfree(sides[i].section);
	return ret;
}

static void __exit pvi_test_ring_exit(void)
{
}

module_init(pvi_test_ring_init);
module_exit(pvi_test_ring_exit);

MODULE_DESCRIPTION("Test of kvm_pvi: pvi_ring.h in a kernel");
MODULE_LICENSE("GPL");
