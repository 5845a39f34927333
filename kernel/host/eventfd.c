// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi eventfd - what an eventfd is to us: a source or a sink, never both
 *
 * A source rings when it is signalled, a sink is signalled when it is rung. An
 * eventfd that was both would ring itself for ever, so all those in use, by
 * whatever endpoint, stand in one table.
 */
#include <linux/eventfd.h>
#include <linux/mutex.h>
#include <linux/rhashtable.h>
#include <linux/slab.h>

#include "eventfd.h"

/**
 * struct eventfd_use - an eventfd in use
 * @node: in the table
 * @eventfd: the reference of each use keeps the address its own
 * @sinks: uses as a sink, 0 for a source
 */
struct eventfd_use {
	struct rhash_head node;
	struct eventfd_ctx *eventfd;
	unsigned int sinks;
};

static struct rhashtable uses;
static DEFINE_SPINLOCK(uses_lock);	/* the table and what stands in it */

static const struct rhashtable_params use_params = {
	.key_offset = offsetof(struct eventfd_use, eventfd),
	.key_len = sizeof_field(struct eventfd_use, eventfd),
	.head_offset = offsetof(struct eventfd_use, node),
	.automatic_shrinking = true,
};

/* The memory of a new use is taken without the lock: it may take as long as the caller's cgroup makes it. */
static struct eventfd_use *eventfd_use_alloc(struct eventfd_ctx *eventfd, unsigned int sinks)
{
	struct eventfd_use *use = kzalloc(sizeof(*use), GFP_KERNEL_ACCOUNT);

	if (!use)
		return NULL;
	use->eventfd = eventfd;
	use->sinks = sinks;
	return use;
}

static int eventfd_use_get(struct eventfd_ctx *eventfd, bool source)
{
	struct eventfd_use *new = eventfd_use_alloc(eventfd, !source);
	struct eventfd_use *use;
	int ret = 0;

	if (!new)
		return -ENOMEM;
	spin_lock(&uses_lock);
	use = rhashtable_lookup_fast(&uses, &eventfd, use_params);
	if (!use && !rhashtable_insert_fast(&uses, &new->node, use_params))
		new = NULL;
	else if (!use)
		ret = -ENOMEM;
	else if (source != !use->sinks)
		ret = -ELOOP;
	else if (source)
		ret = -EEXIST;
	else
		use->sinks++;
	spin_unlock(&uses_lock);
	kfree(new);
	return ret;
}

static void eventfd_use_put(struct eventfd_ctx *eventfd, bool source)
{
	struct eventfd_use *use;

	spin_lock(&uses_lock);
	use = rhashtable_lookup_fast(&uses, &eventfd, use_params);
	if (source || !--use->sinks) {
		rhashtable_remove_fast(&uses, &use->node, use_params);
		kfree(use);
	}
	spin_unlock(&uses_lock);
}

static struct eventfd_ctx *eventfd_get(struct eventfd_ctx *eventfd, bool source)
{
	int ret;

	if (IS_ERR(eventfd))
		return eventfd;
	ret = eventfd_use_get(eventfd, source);
	if (!ret)
		return eventfd;
	eventfd_ctx_put(eventfd);
	return ERR_PTR(ret);
}

static void eventfd_put(struct eventfd_ctx *eventfd, bool source)
{
	eventfd_use_put(eventfd, source);
	eventfd_ctx_put(eventfd);
}

/* Returns the eventfd, to be signalled by rings, or EBADF, EINVAL, ELOOP, ENOMEM. */
struct eventfd_ctx *pvi_eventfd_get_sink(int fd)
{
	return eventfd_get(eventfd_ctx_fdget(fd), false);
}

void pvi_eventfd_put_sink(struct eventfd_ctx *eventfd)
{
	eventfd_put(eventfd, false);
}

/* Returns the eventfd, whose signals will ring, or EINVAL, ELOOP, EEXIST, ENOMEM. */
struct eventfd_ctx *pvi_eventfd_get_source(struct file *file)
{
	return eventfd_get(eventfd_ctx_fileget(file), true);
}

void pvi_eventfd_put_source(struct eventfd_ctx *eventfd)
{
	eventfd_put(eventfd, true);
}

int __init pvi_eventfd_init(void)
{
	return rhashtable_init(&uses, &use_params);
}

void pvi_eventfd_exit(void)
{
	rhashtable_destroy(&uses);
}
