// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi grant - permissions that are descriptors
 *
 * A UUID is a name and can be claimed by whoever binds first; a descriptor
 * cannot be forged. Its file stands for "may ring that GSI": whoever holds it
 * makes ports of it. Behind it is an edge as the rows of the table are, in its
 * receiver's list but under no name, so a ring by such a port is like any other.
 *
 * The file holds the edge and the edge no reference to its receiver, so
 * descriptors that are sent around keep no VM alive and close no circle.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "bell.h"
#include "grant.h"
#include "limit.h"
#include "reply.h"
#include "trace.h"

static unsigned int max_grants = 1024;
PVI_LIMIT(max_grants, 65536, "live grants of one endpoint");

/* From now on it rings nothing. False: UNGRANT, its last descriptor or its receiver's death came first. */
static bool grant_end(struct pvi_vm *vm, struct pvi_edge *edge)
{
	if (cmpxchg(&edge->state, PVI_EDGE_LIVE, PVI_EDGE_REVOKED) != PVI_EDGE_LIVE)
		return false;
	atomic_dec(&vm->nr_grants);
	return true;
}

/* A strong reference to the receiver while it lives and the grant holds, else NULL. */
static struct pvi_vm *grant_get_receiver(struct pvi_edge *edge)
{
	struct pvi_vm *vm = NULL;

	/* A live edge keeps its receiver from being freed until a grace period has passed. */
	rcu_read_lock();
	if (READ_ONCE(edge->state) == PVI_EDGE_LIVE) {
		vm = edge->vm;
		kref_get(&vm->ref);
	}
	rcu_read_unlock();
	return vm;
}

/* Those whose last descriptor has gone leave the table. */
void pvi_grant_settle(struct pvi_vm *vm)
{
	struct pvi_edge *edge, *next;

	llist_for_each_entry_safe(edge, next, llist_del_all(&vm->dropped), dropped) {
		pvi_edge_unlist(vm, edge);
		pvi_edge_put(edge);
		cond_resched();
	}
}

/*
 * As UNGRANT: true if this was its end, false if UNGRANT or death came first, or it was never there. Whoever has had a
 * grant from others waits for none of them, and has none wait: their lock is not taken, for who has it may be stopped
 * where it stands. Who takes it next has the grant leave the table.
 */
static bool grant_drop(struct pvi_edge *edge)
{
	struct pvi_vm *vm = grant_get_receiver(edge);
	bool ends;

	if (!vm)
		return false;
	ends = grant_end(vm, edge);
	if (ends) {
		/* llist_add() is a barrier before this; pairs with the xchg() of who settles. */
		llist_add(&edge->dropped, &vm->dropped);
		set_bit(PVI_OWED_GRANTS, &vm->owed);
	}
	pvi_vm_put(vm);
	return ends;
}

/* The last descriptor has gone. */
static int grant_release(struct inode *inode, struct file *file)
{
	struct pvi_edge *edge = file->private_data;

	/* Pairs with the read section from permission check to injection. */
	if (grant_drop(edge) && pvi_vm_closer_waits())
		synchronize_rcu();
	pvi_edge_put(edge);
	return 0;
}

static void grant_show(struct seq_file *m, const struct pvi_edge *edge)
{
	seq_printf(m, "%s %u uses %d\n", edge->bits ? "bell" : "gsi",
		   edge->key.what & ~PVI_WHAT_BELL, atomic_read(&edge->uses));
}

static void grant_fdinfo(struct seq_file *m, struct file *file)
{
	static const char * const states[] = { "live", "revoked", "dead" };
	struct pvi_edge *edge = file->private_data;

	seq_printf(m, "pvi-state:\t%s\n", states[READ_ONCE(edge->state)]);
	seq_puts(m, "pvi-grant:\t");
	grant_show(m, edge);
}

static const struct file_operations grant_fops = {
	.owner = THIS_MODULE,
	.release = grant_release,
	.show_fdinfo = grant_fdinfo,
	.llseek = noop_llseek,
};

static int grant_check(const struct kvm_pvi_grant *u)
{
	bool bell = u->flags & KVM_PVI_GRANT_BELL;

	if (bell ? u->gsi >= pvi_bell_max() : !pvi_gsi_valid(u->gsi))
		return -EINVAL;
	if (bell != !!u->bits || u->__reserved)
		return -EINVAL;
	return pvi_bucket_check(u->rate, u->burst);
}

/* It becomes live with grant_publish(). */
static struct pvi_edge *grant_alloc(struct pvi_vm *vm, const struct kvm_pvi_grant *u)
{
	struct pvi_edge *edge = pvi_edge_alloc(vm);

	if (!edge)
		return NULL;
	edge->key.receiver = pvi_words_of(&vm->uuid);
	edge->key.what = u->bits ? PVI_WHAT_BELL | u->gsi : u->gsi;
	edge->bits = u->bits;
	edge->state = PVI_EDGE_REVOKED;
	atomic_set(&edge->uses, min_t(u32, u->uses ?: 1, INT_MAX));
	pvi_bucket_set(&edge->bucket, u->rate, u->burst);
	return edge;
}

static int grant_publish(struct pvi_vm *vm, struct pvi_edge *edge)
{
	int ret = pvi_vm_lock(vm);

	if (ret)
		return ret;
	rcu_assign_pointer(edge->gsi, pvi_gsi_find(vm, edge->key.what));
	ret = atomic_read(&vm->nr_grants) < READ_ONCE(max_grants) ? pvi_edge_list(vm, edge) : -ENOSPC;
	if (!ret) {
		atomic_inc(&vm->nr_grants);
		/* The list's. */
		kref_get(&edge->ref);
		WRITE_ONCE(edge->state, PVI_EDGE_LIVE);
	}
	pvi_vm_unlock(vm);
	return ret;
}

/*
 * Returns a descriptor that is not there yet, and its file, which has the
 * caller's reference to @edge, or an error: then that is dropped.
 */
static int grant_get_fd(struct pvi_edge *edge, struct file **file)
{
	int fd = get_unused_fd_flags(O_CLOEXEC);

	if (fd < 0)
		goto err_edge;
	*file = anon_inode_getfile("[kvm_pvi_grant]", &grant_fops, edge, O_RDONLY);
	if (!IS_ERR(*file))
		return fd;
	put_unused_fd(fd);
	fd = PTR_ERR(*file);
err_edge:
	pvi_edge_put(edge);
	return fd;
}

int pvi_grant_make(struct pvi_vm *vm, void *arg)
{
	struct kvm_pvi_grant *u = arg;
	struct pvi_edge *edge;
	struct file *file;
	int ret;

	ret = grant_check(u);
	if (ret)
		return ret;
	edge = grant_alloc(vm, u);
	if (!edge)
		return -ENOMEM;
	u->fd = grant_get_fd(edge, &file);
	if (u->fd < 0)
		return u->fd;
	ret = grant_publish(vm, edge);
	if (ret)
		goto err_file;
	u->id = edge->id;
	ret = pvi_reply(u);
	if (ret)
		goto err_file;
	WRITE_ONCE(edge->shown, true);
	fd_install(u->fd, file);
	return 0;

	/* It leaves the table before this call has failed; closing the file takes back the rest. */
err_file:
	if (grant_drop(edge) && !pvi_vm_lock(vm))
		pvi_vm_unlock(vm);
	put_unused_fd(u->fd);
	fput(file);
	return ret;
}

int pvi_grant_revoke(struct pvi_vm *vm, void *arg)
{
	const struct kvm_pvi_ungrant *u = arg;
	struct pvi_edge *edge;
	int ret = pvi_vm_lock(vm);

	if (ret)
		return ret;
	edge = xa_load(&vm->edges, u->id - 1);
	if (!edge || !pvi_edge_is_grant(edge) || !grant_end(vm, edge)) {
		pvi_vm_unlock(vm);
		return -ENOENT;
	}
	pvi_edge_unlist(vm, edge);
	pvi_vm_unlock(vm);

	/* Pairs with the read section from permission check to injection. */
	synchronize_rcu();
	pvi_edge_put(edge);
	return 0;
}

/* What a live grant is for, or NULL: not exposed. A bell's GSI is not for plain rings. */
static struct pvi_gsi *grant_target(const struct pvi_edge *edge)
{
	u32 what = edge->key.what;
	struct pvi_gsi *g;
	struct pvi_bell *b;

	if (pvi_what_is_bell(what)) {
		b = pvi_bell_find(edge->vm, what & ~PVI_WHAT_BELL);
		return b ? b->gsi : NULL;
	}
	g = pvi_gsi_find(edge->vm, what);
	return g && pvi_bell_what(g) == what ? g : NULL;
}

/* Returns the GSI of a port that may be made of @edge now, or NULL. */
static struct pvi_gsi *grant_gsi(struct pvi_edge *edge, const kuid_t *owner)
{
	if (READ_ONCE(edge->state) != PVI_EDGE_LIVE || !pvi_vm_bound(edge->vm))
		return NULL;
	if (owner && !uid_eq(*owner, edge->vm->owner))
		return NULL;
	return atomic_read(&edge->uses) > 0 ? grant_target(edge) : NULL;
}

static int grant_deny(struct pvi_vm *vm, const struct pvi_edge *edge)
{
	this_cpu_inc(vm->stats->sent[PVI_DENIED]);
	trace_kvm_pvi_deny(vm, pvi_words_uuid(&edge->key.receiver), edge->key.what, PVI_DENY_GRANT);
	return -EPERM;
}

/*
 * Returns the grant behind @fd (a reference) for a port of @vm's, and its GSI, or an error. A use of it
 * is taken by pvi_grant_use(), when nothing else can fail: who fails must not have others refused.
 */
struct pvi_edge *pvi_grant_get(struct pvi_vm *vm, int fd, const kuid_t *owner, u32 *gsi)
{
	struct file *file = fget(fd);
	struct pvi_edge *edge;
	struct pvi_gsi *g;

	if (!file)
		return ERR_PTR(-EBADF);
	if (file->f_op != &grant_fops) {
		fput(file);
		return ERR_PTR(-EINVAL);
	}
	edge = file->private_data;
	rcu_read_lock();
	g = grant_gsi(edge, owner);
	if (g) {
		*gsi = g->gsi;
		kref_get(&edge->ref);
	} else {
		edge = ERR_PTR(grant_deny(vm, edge));
	}
	rcu_read_unlock();
	fput(file);
	return edge;
}

/* A port of @vm's is made of it: EPERM if others have made the last. */
int pvi_grant_use(struct pvi_vm *vm, struct pvi_edge *edge)
{
	return atomic_dec_if_positive(&edge->uses) >= 0 ? 0 : grant_deny(vm, edge);
}

void pvi_grant_list(struct seq_file *m, struct pvi_vm *vm)
{
	struct pvi_edge *edge;
	unsigned long id;

	lockdep_assert_held(&vm->lock);
	xa_for_each(&vm->edges, id, edge) {
		cond_resched();
		if (!pvi_edge_is_grant(edge))
			continue;
		seq_printf(m, "pvi-grant:\tid %llu ", edge->id);
		grant_show(m, edge);
	}
}

u32 pvi_grant_max(void)
{
	return READ_ONCE(max_grants);
}
