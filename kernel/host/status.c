// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi status - status words in pinned user memory
 *
 * A word says that a ring is owed, in memory that the receiver's guest writes
 * and its senders' guests read: those that see it set need not ring. Here it is
 * only set before an interrupt is made, read, and cleared for the last time
 * when it goes. What is read decides about this receiver's interrupts and about
 * nothing else, so whoever scribbles over it harms itself.
 *
 * With each barrier stands what it pairs with; status_litmus_test.c takes them
 * out one by one, and loses a ring.
 */
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/hugetlb.h>
#include <linux/magic.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>

#include "../compat/compat.h"
#include "status.h"

#define SEALS	(F_SEAL_FUTURE_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

/**
 * struct pvi_status - a registered status word
 * @word: through the kernel's mapping of
 * @page: pinned
 * @charged: pages, more than one of a huge page, which is pinned whole
 * @mm: charged for them, of whoever registered it
 */
struct pvi_status {
	struct kvm_pvi_status *word;
	struct page *page;
	unsigned long charged;
	struct mm_struct *mm;
};

/* Called under RCU or vm->lock. */
static struct pvi_status *status_of(const struct pvi_gsi *g)
{
	return rcu_dereference_check(g->status, lockdep_is_held(&g->vm->lock));
}

static void status_count(struct pvi_status *s)
{
	atomic64_inc((atomic64_t *)&s->word->count);
}

/*
 * A ring is owed already, and nothing keeps it from being delivered: true, and
 * this one is counted. Called under RCU.
 */
bool pvi_status_owed(struct pvi_gsi *g)
{
	struct pvi_status *s = status_of(g);

	if (!s)
		return false;
	/* The sender's data before pending; pairs with the receiver's exchange. */
	smp_mb();
	if (!READ_ONCE(s->word->pending) || test_bit(PVI_GSI_LATCH, &g->flags))
		return false;
	status_count(s);
	atomic64_inc(&g->rings);
	return true;
}

/* A ring is accepted. True if an earlier one is owed that will be delivered. Called under RCU. */
bool pvi_status_mark(struct pvi_gsi *g)
{
	struct pvi_status *s = status_of(g);

	if (!s)
		return false;
	status_count(s);
	/* A full barrier; pairs with the receiver's exchange, before it drains. */
	return xchg(&s->word->pending, 1) && !test_bit(PVI_GSI_LATCH, &g->flags);
}

/* Called under RCU. */
bool pvi_status_pending(const struct pvi_gsi *g)
{
	const struct pvi_status *s = status_of(g);

	return s && READ_ONCE(s->word->pending);
}

/* The guest of @g starts anew: it makes a pass unasked. */
void pvi_status_reset(struct pvi_gsi *g)
{
	struct pvi_status *s = status_of(g);

	if (s)
		WRITE_ONCE(s->word->pending, 0);
}

void pvi_status_show(struct seq_file *m, struct pvi_gsi *g)
{
	const struct pvi_status *s = status_of(g);

	if (s)
		seq_printf(m, "pvi-status:\tgsi %u pending %u count %llu\n", g->gsi,
			   READ_ONCE(s->word->pending), READ_ONCE(s->word->count));
}

#ifdef CONFIG_HUGETLBFS
static unsigned int status_hugetlb_seals(struct inode *inode)
{
	return HUGETLBFS_I(inode)->seals;
}
#else
static unsigned int status_hugetlb_seals(struct inode *inode)
{
	return 0;
}
#endif

/* Seals are never taken back. */
static int status_check_file(struct file *file, bool unsealed)
{
	struct inode *inode = file_inode(file);
	unsigned int seals;

	if (!S_ISREG(inode->i_mode))
		return -EOPNOTSUPP;
	switch (inode->i_sb->s_magic) {
	case TMPFS_MAGIC:
		seals = SHMEM_I(inode)->seals;
		break;
	case HUGETLBFS_MAGIC:
		seals = status_hugetlb_seals(inode);
		break;
	default:
		return -EOPNOTSUPP;
	}
	return unsealed || (seals & SEALS) == SEALS ? 0 : -EPERM;
}

/* The whole word is in @file, at that offset, and there is a writable, shared mapping of it. */
static bool status_is_mapped(const struct vm_area_struct *vma, struct file *file,
		      const struct kvm_pvi_set_status *u)
{
	const vm_flags_t flags = VM_SHARED | VM_WRITE;
	u64 size = i_size_read(file_inode(file));

	if (!vma || !vma->vm_file || file_inode(vma->vm_file) != file_inode(file))
		return false;
	return (vma->vm_flags & flags) == flags && u->offset < size &&
	       size - u->offset >= sizeof(struct kvm_pvi_status) &&
	       u->address - vma->vm_start + ((u64)vma->vm_pgoff << PAGE_SHIFT) == u->offset;
}

/* The page under a shared mapping is the file's: with the seals it cannot be replaced. */
static int status_pin(struct pvi_status *s, struct file *file, const struct kvm_pvi_set_status *u)
{
	struct mm_struct *mm = current->mm;
	int ret = -EINVAL;

	if (mmap_read_lock_killable(mm))
		return -EINTR;
	if (status_is_mapped(vma_lookup(mm, u->address), file, u)) {
		ret = pvi_compat_pin_user_page(u->address, FOLL_WRITE | FOLL_LONGTERM, &s->page);
		if (ret != 1)
			ret = ret == -ENOMEM ? ret : -EFAULT;
		else
			ret = 0;
	}
	mmap_read_unlock(mm);
	return ret;
}

/* To the caller's RLIMIT_MEMLOCK: what was pinned, which of a huge page is all of it. */
static int status_charge(struct pvi_status *s)
{
	u64 limit = rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT;

	s->mm = current->mm;
	s->charged = compound_nr(compound_head(s->page));
	if (atomic64_add_return(s->charged, &s->mm->pinned_vm) > limit && !capable(CAP_IPC_LOCK)) {
		atomic64_sub(s->charged, &s->mm->pinned_vm);
		return -ENOMEM;
	}
	mmgrab(s->mm);
	return 0;
}

/* Takes nothing of the word back: it may never have been ours. */
static void status_unpin(struct pvi_status *s)
{
	unpin_user_pages_dirty_lock(&s->page, 1, true);
}

/* Pins and charges the word that @u names. */
static struct pvi_status *status_alloc(struct file *file, const struct kvm_pvi_set_status *u)
{
	struct pvi_status *s = kzalloc(sizeof(*s), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!s)
		return ERR_PTR(-ENOMEM);
	ret = status_pin(s, file, u);
	if (ret)
		goto err_free;
	ret = status_charge(s);
	if (ret)
		goto err_pin;
	s->word = page_address(s->page) + offset_in_page(u->address);
	return s;

err_pin:
	status_unpin(s);
err_free:
	kfree(s);
	return ERR_PTR(ret);
}

/* Nobody finds @s. */
static void status_free(struct pvi_status *s)
{
	status_unpin(s);
	atomic64_sub(s->charged, &s->mm->pinned_vm);
	mmdrop(s->mm);
	kfree(s);
}

/* No ring is in flight any more. Senders that skip come back, and are told. */
static void status_end(struct pvi_status *s)
{
	WRITE_ONCE(s->word->pending, 0);
	status_free(s);
}

static struct pvi_status *status_get(const struct kvm_pvi_set_status *u)
{
	struct pvi_status *s;
	struct file *file = fget(u->memfd);
	int ret;

	if (!file)
		return ERR_PTR(-EBADF);
	ret = status_check_file(file, u->flags & KVM_PVI_STATUS_UNSEALED);
	s = ret ? ERR_PTR(ret) : status_alloc(file, u);
	fput(file);
	return s;
}

/*
 * Nothing is written to the word before it is certain that it becomes one: what
 * the caller names may be another GSI's.
 */
static int status_publish(struct pvi_vm *vm, u32 gsi, struct pvi_status *s)
{
	struct pvi_gsi *g = pvi_gsi_find_locked(vm, gsi);
	int ret = 0;

	if (IS_ERR(g))
		return PTR_ERR(g);
	if (rcu_access_pointer(g->bell)) {
		ret = -EBUSY;
	} else if (rcu_access_pointer(g->status)) {
		ret = -EEXIST;
	} else {
		WRITE_ONCE(s->word->pending, 0);
		WRITE_ONCE(s->word->count, 0);
		rcu_assign_pointer(g->status, s);
		set_bit(PVI_GSI_STATUS, &g->flags);
	}
	pvi_vm_unlock(vm);
	return ret;
}

int pvi_status_create(struct pvi_vm *vm, void *arg)
{
	const struct kvm_pvi_set_status *u = arg;
	struct pvi_status *s;
	int ret;

	if (!pvi_gsi_valid(u->gsi) || !IS_ALIGNED(u->offset, sizeof(struct kvm_pvi_status)))
		return -EINVAL;
	s = status_get(u);
	if (IS_ERR(s))
		return PTR_ERR(s);
	ret = status_publish(vm, u->gsi, s);
	if (ret)
		status_free(s);
	return ret;
}

int pvi_status_drop(struct pvi_vm *vm, void *arg)
{
	struct pvi_gsi *g = pvi_gsi_find_named(vm, arg);
	struct pvi_status *s;

	if (IS_ERR(g))
		return PTR_ERR(g);
	clear_bit(PVI_GSI_STATUS, &g->flags);
	s = rcu_replace_pointer(g->status, NULL, lockdep_is_held(&vm->lock));
	pvi_vm_unlock(vm);
	if (!s)
		return -ENOENT;

	/* Pairs with the read section of a ring, which might set pending once more. */
	synchronize_rcu();
	status_end(s);
	return 0;
}

/* The GSI goes, and whoever had found it has left. */
void pvi_status_free(struct pvi_gsi *g)
{
	struct pvi_status *s = rcu_dereference_protected(g->status, true);

	if (!s)
		return;
	RCU_INIT_POINTER(g->status, NULL);
	status_end(s);
}
