// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi reserve - names that root keeps for somebody
 *
 * A UUID belongs to whoever binds it first. Where that must not be, root
 * reserves it for a user: no other one's endpoint gets it. A reservation belongs
 * to no endpoint; it stays until it is taken back or the module goes.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/hashtable.h>
#include <linux/jhash.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <uapi/linux/kvm_pvi.h>

#include "limit.h"
#include "reserve.h"
#include "words.h"

static unsigned int max_reserved = 4096;
PVI_LIMIT(max_reserved, 65536, "UUIDs reserved for users on this host");

struct reservation {
	struct hlist_node node;
	uuid_t uuid;
	kuid_t uid;
	struct rcu_head rcu;
};

/* Protects changes of reserved, and nr_reserved. Each BIND takes it: who has a mutex may be stopped where it stands. */
static DEFINE_SPINLOCK(reserved_lock);
static DEFINE_HASHTABLE(reserved, 10);
static unsigned int nr_reserved;

static u32 reserved_hash(const uuid_t *uuid)
{
	return jhash(uuid, sizeof(*uuid), 0);
}

static struct reservation *reserved_find(const uuid_t *uuid)
{
	struct reservation *r;

	lockdep_assert_held(&reserved_lock);
	hash_for_each_possible(reserved, r, node, reserved_hash(uuid))
		if (uuid_equal(&r->uuid, uuid))
			return r;
	return NULL;
}

static int reserved_add(struct reservation *r)
{
	lockdep_assert_held(&reserved_lock);
	if (nr_reserved >= READ_ONCE(max_reserved))
		return -ENOSPC;
	hash_add_rcu(reserved, &r->node, reserved_hash(&r->uuid));
	nr_reserved++;
	return 0;
}

static void reserved_remove(struct reservation *r)
{
	hash_del_rcu(&r->node);
	nr_reserved--;
	kfree_rcu(r, rcu);
}

/* It is kept for somebody else than the caller wants it from, if that is a user. */
static bool reserved_is_anothers(const struct reservation *r, kuid_t from)
{
	return uid_valid(from) && !uid_eq(r->uid, from);
}

/* Replaces an earlier reservation of that name. */
static int reserved_set(const uuid_t *uuid, kuid_t uid, kuid_t from)
{
	struct reservation *new, *r;
	int ret = 0;

	new = kzalloc(sizeof(*new), GFP_KERNEL_ACCOUNT);
	if (!new)
		return -ENOMEM;
	uuid_copy(&new->uuid, uuid);
	new->uid = uid;

	spin_lock(&reserved_lock);
	r = reserved_find(uuid);
	if (!r) {
		ret = reserved_add(new);
		if (!ret)
			new = NULL;
	} else if (reserved_is_anothers(r, from) && !uid_eq(r->uid, uid)) {
		ret = -EEXIST;
	} else {
		WRITE_ONCE(r->uid.val, uid.val);
	}
	spin_unlock(&reserved_lock);
	kfree(new);
	return ret;
}

static int reserved_take_back(const uuid_t *uuid, kuid_t from)
{
	struct reservation *r;
	int ret = 0;

	spin_lock(&reserved_lock);
	r = reserved_find(uuid);
	if (!r)
		ret = -ENOENT;
	else if (reserved_is_anothers(r, from))
		ret = -EEXIST;
	else
		reserved_remove(r);
	spin_unlock(&reserved_lock);
	return ret;
}

/* Without KVM_PVI_RESERVE_FROM @from is no user. */
static int reserved_check(const struct kvm_pvi_reserve *u, uuid_t *uuid, kuid_t *from)
{
	bool given = u->flags & KVM_PVI_RESERVE_FROM;

	import_uuid(uuid, u->uuid);
	*from = given ? make_kuid(current_user_ns(), u->from) : INVALID_UID;
	if (!pvi_words_uuid_is_name(uuid) || (given ? !uid_valid(*from) : u->from))
		return -EINVAL;
	return capable(CAP_SYS_ADMIN) ? 0 : -EPERM;
}

int pvi_reserve(struct pvi_vm *vm, void *arg)
{
	const struct kvm_pvi_reserve *u = arg;
	kuid_t uid = make_kuid(current_user_ns(), u->uid), from;
	uuid_t uuid;
	int ret;

	if (!uid_valid(uid))
		return -EINVAL;
	ret = reserved_check(u, &uuid, &from);
	return ret ? ret : reserved_set(&uuid, uid, from);
}

int pvi_unreserve(struct pvi_vm *vm, void *arg)
{
	const struct kvm_pvi_reserve *u = arg;
	kuid_t from;
	uuid_t uuid;
	int ret;

	if (u->uid)
		return -EINVAL;
	ret = reserved_check(u, &uuid, &from);
	return ret ? ret : reserved_take_back(&uuid, from);
}

static bool reserved_permits(const uuid_t *uuid, kuid_t owner)
{
	const struct reservation *r = reserved_find(uuid);

	return !r || uid_eq(r->uid, owner);
}

/* Whether an endpoint of @owner may have that name. */
bool pvi_reserve_permits(const uuid_t *uuid, kuid_t owner)
{
	bool permits;

	spin_lock(&reserved_lock);
	permits = reserved_permits(uuid, owner);
	spin_unlock(&reserved_lock);
	return permits;
}

/*
 * The same, and @publish, which must not sleep, is called then: what is bound is so before a reservation that comes
 * next, or has seen the one before.
 */
bool pvi_reserve_let(const uuid_t *uuid, kuid_t owner, void (*publish)(struct pvi_vm *vm), struct pvi_vm *vm)
{
	bool permits;

	spin_lock(&reserved_lock);
	permits = reserved_permits(uuid, owner);
	if (permits)
		publish(vm);
	spin_unlock(&reserved_lock);
	return permits;
}

/* One line for each reservation. */
void pvi_reserve_list(struct seq_file *m)
{
	struct reservation *r;
	int i;

	seq_puts(m, "uuid uid\n");
	for (i = 0; i < HASH_SIZE(reserved); i++) {
		rcu_read_lock();
		hlist_for_each_entry_rcu(r, &reserved[i], node)
			seq_printf(m, "%pUb %u\n", &r->uuid,
				   from_kuid_munged(&init_user_ns, KUIDT_INIT(READ_ONCE(r->uid.val))));
		rcu_read_unlock();
		cond_resched();
	}
}

void pvi_reserve_exit(void)
{
	struct reservation *r;
	struct hlist_node *next;
	int i;

	hash_for_each_safe(reserved, i, next, r, node)
		reserved_remove(r);
}
