/* SPDX-License-Identifier: GPL-2.0 */
/*
 * shim - what kernel/host uses of the kernel, for programs: included before anything else
 *
 * The simplest models that keep the kernel's promises. Of memory: an allocation may be told to fail. Of RCU:
 * what is freed by it is freed when no reader is left. Of locks: who says that one is held is asked. Built
 * with SHIM_SCHED, threads are coroutines that a seed switches at each atomic operation, see turns.c.
 */
#ifndef SHIM_H
#define SHIM_H

#include <errno.h>
#include <linux/fcntl.h>
#include <limits.h>
#include <linux/limits.h>
#include <linux/magic.h>
#include <linux/types.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>

/* Beyond what NDEBUG leaves out */
#define CHECK(condition) do {							\
	if (!(condition)) {							\
		fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);	\
		abort();							\
	}									\
} while (0)

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s32 s32;
typedef __s64 s64;
typedef unsigned int gfp_t;
typedef unsigned long vm_flags_t;

#define __user
#define __rcu
#define __percpu
#define __init
#define __exit
#define __must_hold(lock)
#define noinline		__attribute__((noinline))
#define __flatten		__attribute__((flatten))
#define __packed		__attribute__((packed))
#define __aligned(n)		__attribute__((aligned(n)))
#define __uninitialized
#define __alias(fn)		__attribute__((alias(#fn)))
#define likely(x)		__builtin_expect(!!(x), 1)
#define unlikely(x)		__builtin_expect(!!(x), 0)

#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))
#define BIT(n)			(1UL << (n))
#define GENMASK(high, low)	((~0UL << (low)) & (~0UL >> (63 - (high))))
#define IS_ALIGNED(x, a)	(!((x) & ((a) - 1)))
#define IS_ENABLED(option)	1
#define lower_32_bits(x)	((u32)(x))
#define upper_32_bits(x)	((u32)((u64)(x) >> 32))
#define U16_MAX			0xffffu
#define U32_MAX			0xffffffffu
#define S32_MAX			0x7fffffff
#define U64_MAX			(~0ULL)
#define NSEC_PER_SEC		1000000000LL
#define NSEC_PER_MSEC		1000000LL
#define PAGE_SHIFT		12
#define PAGE_SIZE		4096UL
#define offset_in_page(p)	((unsigned long)(p) & (PAGE_SIZE - 1))
#define sizeof_field(t, m)	sizeof(((t *)0)->m)
#define offsetofend(t, m)	(offsetof(t, m) + sizeof_field(t, m))
#define struct_size(p, m, n)	(sizeof(*(p)) + (n) * sizeof((p)->m[0]))
#define BIT_ULL(n)		(1ULL << (n))
#define GENMASK_ULL(h, l)	((~0ULL << (l)) & (~0ULL >> (63 - (h))))
#define hweight64(x)		__builtin_popcountll(x)
#define __ffs64(x)		__builtin_ctzll(x)

/* NULL, or something that says there is another byte */
static inline const void *memchr_inv(const void *p, int c, size_t size)
{
	const u8 *at = p;

	while (size && *at == (u8)c) {
		at++;
		size--;
	}
	return size ? at : NULL;
}

#define container_of(p, t, m)	((t *)((char *)(p) - offsetof(t, m)))
#define __stringify_(x...)	#x
#define __stringify(x...)	__stringify_(x)

#define max(a, b)		({ __typeof__((a) + (b)) a_ = (a), b_ = (b); a_ > b_ ? a_ : b_; })
#define min(a, b)		({ __typeof__((a) + (b)) a_ = (a), b_ = (b); a_ < b_ ? a_ : b_; })
#define max_t(t, a, b)		max((t)(a), (t)(b))
#define min_t(t, a, b)		min((t)(a), (t)(b))
#define swap(a, b)		do { __typeof__(a) t_ = (a); (a) = (b); (b) = t_; } while (0)
#define DIV_ROUND_UP_ULL(a, b)	(((u64)(a) + (b) - 1) / (b))
#define DIV64_U64_ROUND_UP(a, b) (((u64)(a) + (b) - 1) / (b))
#define roundup_pow_of_two(n)	((n) < 2 ? 1UL : 1UL << (64 - __builtin_clzl((n) - 1)))
#define array_index_nospec(i, n) ((i) < (n) ? (i) : 0)

#define ERR_PTR(e)		((void *)(long)(e))
#define PTR_ERR(p)		((long)(p))
#define IS_ERR(p)		((unsigned long)(p) >= -4095UL)
#define IS_ERR_OR_NULL(p)	(!(p) || IS_ERR(p))
#define ERR_CAST(p)		((void *)(p))
#define PTR_ERR_OR_ZERO(p)	(IS_ERR(p) ? (int)PTR_ERR(p) : 0)
#define ERESTARTSYS		512

struct file;
struct kvm;
struct mmu_notifier;
struct pid;
struct poll_table_struct;
struct seq_file;

/* Of modules */
struct kernel_param_ops;
struct kernel_param {
	const struct kernel_param_ops *ops;
	void *arg;
};
struct kernel_param_ops {
	int (*set)(const char *val, const struct kernel_param *kp);
	int (*get)(char *buffer, const struct kernel_param *kp);
};
int param_set_uint_minmax(const char *val, const struct kernel_param *kp, unsigned int min,
			  unsigned int max);
int param_get_uint(char *buffer, const struct kernel_param *kp);
#define module_param_cb(name, ops, arg, mode)	\
	const struct kernel_param shim_param_##name = { ops, arg }
#define MODULE_PARM_DESC(name, text)		struct shim_desc
#define THIS_MODULE				NULL

/* Atomic operations: as strong as x86 has them where the kernel promises it, else relaxed */
int *shim_nesting(void);	/* of read sections of this thread */
#ifdef SHIM_SCHED
void shim_point(void);
void shim_wait(bool *held);	/* others run until it is not */
void shim_sleep_rcu(void);
bool shim_sleep(void);		/* others have run; or, now and then, not */

/* There is no address sanitizer beside coroutines: what was freed has these bytes, and nobody loads them */
#define SHIM_FREED		0xd5
static inline bool shim_was_freed(const void *value, size_t size)
{
	const u8 *byte = value;

	while (size && byte[size - 1] == SHIM_FREED)
		size--;
	return !size;
}
#define shim_live(value)	({ __typeof__(value) v_ = (value); CHECK(!shim_was_freed(&v_, sizeof(v_))); v_; })
#else
#define shim_point()		do { } while (0)
#define shim_live(value)	(value)
#endif

#define READ_ONCE(x)		({ shim_point(); shim_live(__atomic_load_n(&(x), __ATOMIC_RELAXED)); })
#define WRITE_ONCE(x, v)	({ shim_point(); __atomic_store_n(&(x), v, __ATOMIC_RELAXED); })
#define smp_load_acquire(p)	({ shim_point(); shim_live(__atomic_load_n(p, __ATOMIC_ACQUIRE)); })
#define smp_store_release(p, v)	({ shim_point(); __atomic_store_n(p, v, __ATOMIC_RELEASE); })
#define smp_mb()		__atomic_thread_fence(__ATOMIC_SEQ_CST)
#define smp_rmb()		__atomic_thread_fence(__ATOMIC_ACQUIRE)
#define smp_mb__before_atomic()	smp_mb()
#define smp_mb__after_atomic()	smp_mb()
#define cpu_relax()		shim_point()
#define xchg(p, v)		({ shim_point(); __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST); })
#define try_cmpxchg(p, old, new) ({ shim_point(); __atomic_compare_exchange_n(p, old, new, false, \
					__ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST); })
#define cmpxchg(p, old, new)	({ __typeof__(*(p)) o_ = (old); try_cmpxchg(p, &o_, new); o_; })

#define set_bit(n, p)		({ shim_point(); __atomic_fetch_or(p, BIT(n), __ATOMIC_SEQ_CST); })
#define clear_bit(n, p)		({ shim_point(); __atomic_fetch_and(p, ~BIT(n), __ATOMIC_SEQ_CST); })
#define test_bit(n, p)		(!!(READ_ONCE(*(p)) & BIT(n)))
#define test_bit_acquire(n, p)	(!!(smp_load_acquire(p) & BIT(n)))
#define test_and_set_bit(n, p)	(!!(set_bit(n, p) & BIT(n)))
#define test_and_clear_bit(n, p) (!!(clear_bit(n, p) & BIT(n)))

typedef struct {
	int counter;
} atomic_t;
typedef struct {
	s64 counter;
} atomic64_t;
#define ATOMIC_INIT(n)		{ n }
#define ATOMIC64_INIT(n)	{ n }
#define shim_add(v, n)		({ shim_point(); __atomic_add_fetch(v, n, __ATOMIC_SEQ_CST); })
#define atomic_read(v)		READ_ONCE((v)->counter)
#define atomic_read_acquire(v)	smp_load_acquire(&(v)->counter)
#define atomic_inc(v)		((void)shim_add(&(v)->counter, 1))
#define atomic_dec(v)		((void)shim_add(&(v)->counter, -1))
#define atomic_inc_return(v)	shim_add(&(v)->counter, 1)
#define atomic_set(v, n)	WRITE_ONCE((v)->counter, n)
#define atomic_dec_and_test(v)	(!shim_add(&(v)->counter, -1))
#define atomic_try_cmpxchg(v, old, new) try_cmpxchg(&(v)->counter, old, new)
#define atomic64_read(v)	READ_ONCE((v)->counter)
#define atomic64_inc(v)		((void)shim_add(&(v)->counter, 1))
#define atomic64_add(n, v)	((void)shim_add(&(v)->counter, n))
#define atomic64_sub(n, v)	((void)shim_add(&(v)->counter, -(s64)(n)))
#define atomic64_inc_return(v)	shim_add(&(v)->counter, 1)
#define atomic64_add_return(n, v) shim_add(&(v)->counter, n)
#define atomic64_try_cmpxchg(v, old, new) try_cmpxchg(&(v)->counter, old, new)
#define atomic64_xchg(v, n)	xchg(&(v)->counter, n)
static inline int atomic_dec_if_positive(atomic_t *v)
{
	int old = atomic_read(v);

	while (old > 0 && !atomic_try_cmpxchg(v, &old, old - 1))
		;
	return old - 1;
}
#define DECLARE_PER_CPU(type, name) extern type name
#define this_cpu_dec(v)		this_cpu_add(v, -1)
#define this_cpu_inc(x)		((void)__atomic_add_fetch(&(x), 1, __ATOMIC_RELAXED))
#define this_cpu_add(x, n)	((void)__atomic_add_fetch(&(x), n, __ATOMIC_RELAXED))

struct kref {
	int count;
};
static inline void kref_init(struct kref *k)
{
	k->count = 1;
}
static inline void kref_get(struct kref *k)
{
	CHECK(shim_add(&k->count, 1) > 1);
}
static inline int kref_get_unless_zero(struct kref *k)
{
	int old = READ_ONCE(k->count);

	while (old && !try_cmpxchg(&k->count, &old, old + 1))
		;
	return old;
}
static inline void kref_put(struct kref *k, void (*release)(struct kref *))
{
	int left = shim_add(&k->count, -1);

	CHECK(left >= 0);
	if (!left)
		release(k);
}

/* Locks. Both kinds are the same one: nothing sleeps, and no interrupts come. */
struct mutex {
	pthread_mutex_t mutex;
	bool held;
};
typedef struct mutex spinlock_t;
#define DEFINE_MUTEX(name)	struct mutex name = { PTHREAD_MUTEX_INITIALIZER }
#define DEFINE_SPINLOCK(name)	DEFINE_MUTEX(name)
void mutex_init(struct mutex *m);
void mutex_lock(struct mutex *m);
bool mutex_trylock(struct mutex *m);
int mutex_lock_killable(struct mutex *m);
void mutex_unlock(struct mutex *m);
#define mutex_lock_interruptible(m) ({ mutex_lock(m); 0; })
#define spin_lock_init(l)	mutex_init(l)
#define spin_lock(l)		mutex_lock(l)
#define spin_unlock(l)		mutex_unlock(l)
#define spin_lock_irq(l)	mutex_lock(l)
#define spin_unlock_irq(l)	mutex_unlock(l)
#define lockdep_is_held(l)	__atomic_load_n(&(l)->held, __ATOMIC_RELAXED)
#define lockdep_assert_held(l)	CHECK(lockdep_is_held(l))

typedef struct {
	unsigned int seq;
} seqcount_spinlock_t;
typedef seqcount_spinlock_t seqcount_t;
#define seqcount_spinlock_init(s, l) ((s)->seq = 0)
#define seqcount_init(s)	((s)->seq = 0)
#define write_seqcount_begin(s)	((void)shim_add(&(s)->seq, 1))
#define write_seqcount_end(s)	((void)shim_add(&(s)->seq, 1))
#define read_seqcount_begin(s)	({ unsigned int q_; while ((q_ = smp_load_acquire(&(s)->seq)) & 1) ; q_; })
#define read_seqcount_retry(s, start) (smp_mb(), READ_ONCE((s)->seq) != (start))

/* RCU */
struct rcu_head {
	struct rcu_head *next;
	void (*fn)(struct rcu_head *rcu);
	void *object;
};
void rcu_read_lock(void);
void rcu_read_unlock(void);
bool rcu_read_lock_held(void);
void synchronize_rcu(void);
void call_rcu(struct rcu_head *rcu, void (*fn)(struct rcu_head *rcu));
void shim_free_rcu(struct rcu_head *rcu, void *object);
#define kfree_rcu(p, m)		shim_free_rcu(&(p)->m, p)
#define kvfree_rcu(p, m)	shim_free_rcu(&(p)->m, p)
#define rcu_assign_pointer(p, v) ({ shim_point(); __atomic_store_n(&(p), v, __ATOMIC_RELEASE); })
#define RCU_INIT_POINTER(p, v)	WRITE_ONCE(p, v)
#define rcu_access_pointer(p)	READ_ONCE(p)
#define shim_deref(p)		({ shim_point(); __atomic_load_n(&(p), __ATOMIC_ACQUIRE); })
#define rcu_dereference_check(p, c) ({ CHECK(rcu_read_lock_held() || (c)); shim_deref(p); })
#define rcu_dereference(p)	rcu_dereference_check(p, false)
#define rcu_dereference_protected(p, c) ({ CHECK(c); shim_deref(p); })
#define rcu_replace_pointer(p, v, c) ({ CHECK(c); shim_point(); __atomic_exchange_n(&(p), v, __ATOMIC_ACQ_REL); })
struct srcu_struct {
	int nothing;
};
#define srcu_read_lock(s)	({ (void)(s); rcu_read_lock(); 0; })
#define srcu_read_unlock(s, i)	({ (void)(i); rcu_read_unlock(); })
#define srcu_dereference(p, s)	shim_deref(p)
/* Another processor goes on meanwhile, and nothing here may sleep. */
#define preempt_disable()	rcu_read_lock()
#define preempt_enable()	rcu_read_unlock()
#define fatal_signal_pending(t)	((void)(t), false)
#define cond_resched()		CHECK(!rcu_read_lock_held())

/* Memory */
#define GFP_KERNEL		0u
#define GFP_KERNEL_ACCOUNT	0u
void *shim_alloc(size_t size);
#define kzalloc(size, gfp)	shim_alloc(size)
#define kvzalloc(size, gfp)	shim_alloc(size)
#define kvmalloc(size, gfp)	shim_alloc(size)
#define kvcalloc(n, size, gfp)	shim_alloc((size_t)(n) * (size))
void kfree(const void *p);
#define kvfree(p)		kfree(p)
#define alloc_percpu_gfp(type, gfp) ((type *)shim_alloc(sizeof(type)))
#define free_percpu(p)		kfree(p)
#define get_random_bytes(p, n)	shim_random(p, n)
void shim_random(void *p, size_t n);

/* The caller's memory: what shim_user_set() named, no other */
#define u64_to_user_ptr(x)	((void *)(uintptr_t)(x))
unsigned long copy_from_user(void *to, const void *from, unsigned long n);
unsigned long copy_to_user(void *to, const void *from, unsigned long n);
int copy_struct_from_user(void *to, size_t ksize, const void *from, size_t usize);
#define get_user(x, p)		({ unsigned long left_ = copy_from_user(&(x), p, sizeof(x)); left_ ? -EFAULT : 0; })
#define user_read_access_begin(p, n) ((void)(p), false)
#define user_read_access_end()	do { } while (0)
#define unsafe_get_user(x, p, label) do { if (get_user(x, p)) goto label; } while (0)
#define pagefault_disable()	do { } while (0)
#define pagefault_enable()	do { } while (0)

/* Lists */
struct list_head {
	struct list_head *next, *prev;
};
#define LIST_HEAD(name)		struct list_head name = { &(name), &(name) }
#define INIT_LIST_HEAD(l)	((l)->next = (l)->prev = (l))
#define list_empty(l)		(READ_ONCE((l)->next) == (l))
static inline void list_add_tail(struct list_head *new, struct list_head *head)
{
	new->prev = head->prev;
	new->next = head;
	head->prev->next = new;
	head->prev = new;
}
static inline void list_del(struct list_head *l)
{
	l->next->prev = l->prev;
	l->prev->next = l->next;
}
#define list_add_tail_rcu	list_add_tail
#define list_del_rcu		list_del
#define list_entry(p, t, m)	container_of(p, t, m)
#define list_first_entry_or_null(head, t, m) (list_empty(head) ? NULL : list_entry((head)->next, t, m))
#define list_next_entry(e, m)	list_entry((e)->m.next, __typeof__(*(e)), m)
#define list_for_each_entry(e, head, m)					\
	for (e = list_entry((head)->next, __typeof__(*(e)), m); &e->m != (head);	\
	     e = list_next_entry(e, m))
#define list_for_each_entry_rcu	list_for_each_entry
#define list_for_each_entry_safe(e, n, head, m)				\
	for (e = list_entry((head)->next, __typeof__(*(e)), m), n = list_next_entry(e, m);	\
	     &e->m != (head); e = n, n = list_next_entry(n, m))

struct llist_node {
	struct llist_node *next;
};
struct llist_head {
	struct llist_node *first;
};
static inline void llist_add(struct llist_node *new, struct llist_head *head)
{
	struct llist_node *first = READ_ONCE(head->first);

	do {
		new->next = first;
	} while (!try_cmpxchg(&head->first, &first, new));
}
#define llist_del_all(head)	xchg(&(head)->first, NULL)
#define llist_for_each_entry_safe(e, n, node, m)			\
	for (struct llist_node *at_ = (node), *next_; at_ && (next_ = at_->next,		\
	     (e) = container_of(at_, __typeof__(*(e)), m), (void)(n), true); at_ = next_)

struct hlist_node {
	struct hlist_node *next, **pprev;
};
struct hlist_head {
	struct hlist_node *first;
};
#define DEFINE_HASHTABLE(name, bits) struct hlist_head name[1 << (bits)]
#define shim_bucket(table, key)	(&(table)[((key) >> 4) % ARRAY_SIZE(table)])
#define hlist_entry(p, t, m)	container_of(p, t, m)
#define hlist_entry_safe(p, t, m) ({ __typeof__(p) p_ = (p); p_ ? hlist_entry(p_, t, m) : NULL; })
static inline void hlist_add_head(struct hlist_node *n, struct hlist_head *h)
{
	n->next = h->first;
	n->pprev = &h->first;
	if (n->next)
		n->next->pprev = &n->next;
	h->first = n;
}
static inline void hash_del_rcu(struct hlist_node *n)
{
	*n->pprev = n->next;
	if (n->next)
		n->next->pprev = n->pprev;
}
#define hash_add_rcu(table, n, key) hlist_add_head(n, shim_bucket(table, key))
#define hash_for_each_possible(table, e, m, key)				\
	for (e = hlist_entry_safe(shim_bucket(table, key)->first, __typeof__(*(e)), m); e;	\
	     e = hlist_entry_safe(e->m.next, __typeof__(*(e)), m))
#define hash_for_each_possible_rcu hash_for_each_possible

/* An xarray is a sorted array under a lock. */
struct xarray {
	struct mutex lock;
	size_t nr, room;
	struct shim_entry {
		unsigned long index;
		void *entry;
	} *entries;
};
#define XA_PRESENT		0
#define XA_FLAGS_ALLOC		0
#define XA_FLAGS_ACCOUNT	0
#define DEFINE_XARRAY_FLAGS(name, flags) struct xarray name = { { PTHREAD_MUTEX_INITIALIZER } }
#define xa_init_flags(x, flags)	memset(x, 0, sizeof(*(x)))
#define xa_limit_31b		S32_MAX
#define xa_lock(x)		mutex_lock(&(x)->lock)
#define xa_unlock(x)		mutex_unlock(&(x)->lock)
void *shim_xa_find(struct xarray *x, unsigned long *index, unsigned long least);
void *xa_load(struct xarray *x, unsigned long index);
int xa_insert(struct xarray *x, unsigned long index, void *entry, gfp_t gfp);
void *xa_store(struct xarray *x, unsigned long index, void *entry, gfp_t gfp);
void *xa_erase(struct xarray *x, unsigned long index);
int xa_alloc(struct xarray *x, u32 *index, void *entry, u32 last, gfp_t gfp);
void xa_destroy(struct xarray *x);
#define xa_find(x, index, last, mark) shim_xa_find(x, index, *(index))
#define xa_for_each(x, i, e)							\
	for (i = 0, e = shim_xa_find(x, &i, 0); e; e = shim_xa_find(x, &i, i + 1))
#define xa_for_each_range(x, i, e, first, last)					\
	for (i = first, e = shim_xa_find(x, &i, i); e && i <= (last); e = shim_xa_find(x, &i, i + 1))
struct xa_state {
	struct xarray *xa;
	unsigned long xa_index;
};
#define XA_STATE(name, x, index) struct xa_state name = { x, index }
#define xas_set(s, i)		((s)->xa_index = (i))
#define xas_lock(s)		xa_lock((s)->xa)
#define xas_unlock(s)		xa_unlock((s)->xa)
void *xas_find(struct xa_state *s, unsigned long last);
#define xas_retry(s, e)		false
#define xas_for_each(s, e, last)							\
	for (e = shim_xa_find((s)->xa, &(s)->xa_index, (s)->xa_index); e;		\
	     e = shim_xa_find((s)->xa, &(s)->xa_index, (s)->xa_index + 1))

/* An rhashtable has a fixed number of lists under a lock. */
struct rhash_head {
	struct rhash_head *next;
};
struct rhashtable_compare_arg {
	struct rhashtable *ht;
	const void *key;
};
struct rhashtable_params {
	size_t key_offset, key_len, head_offset;
	u32 (*hashfn)(const void *data, u32 len, u32 seed);
	int (*obj_cmpfn)(struct rhashtable_compare_arg *arg, const void *obj);
	bool automatic_shrinking;
};
#define SHIM_BUCKETS		64
struct rhashtable {
	struct mutex lock;
	struct rhashtable_params p;
	struct rhashtable *all;
	size_t nr;
	struct rhash_head *buckets[SHIM_BUCKETS];
};
struct rhashtable_iter {
	struct rhashtable *ht;
	size_t nr;
};
extern struct rhashtable *shim_tables;
int rhashtable_init(struct rhashtable *ht, const struct rhashtable_params *p);
void rhashtable_destroy(struct rhashtable *ht);
void *shim_ht_lookup(struct rhashtable *ht, const void *key);
int shim_ht_insert(struct rhashtable *ht, struct rhash_head *head);
void *shim_ht_lookup_insert(struct rhashtable *ht, struct rhash_head *head);
int shim_ht_remove(struct rhashtable *ht, struct rhash_head *head);
#define rhashtable_lookup(ht, key, p)	({ CHECK(rcu_read_lock_held()); shim_ht_lookup(ht, key); })
#define rhashtable_lookup_fast(ht, key, p)	shim_ht_lookup(ht, key)
#define rhashtable_insert_fast(ht, head, p)	shim_ht_insert(ht, head)
#define rhashtable_remove_fast(ht, head, p)	shim_ht_remove(ht, head)
#define rhashtable_lookup_get_insert_fast(ht, head, p)	shim_ht_lookup_insert(ht, head)
void *rhashtable_walk_next(struct rhashtable_iter *iter);
#define rhashtable_walk_enter(t, i)	(*(i) = (struct rhashtable_iter){ .ht = (t) })
#define rhashtable_walk_start(i)	rcu_read_lock()
#define rhashtable_walk_stop(i)		rcu_read_unlock()
#define rhashtable_walk_exit(i)		do { } while (0)

/* Works wait until shim_run_works(), whatever their delay. None runs twice at a time. */
struct work_struct {
	void (*fn)(struct work_struct *work);
	struct work_struct *next;
	const struct kthread_worker *worker;
	u64 since;
	bool pending, canceled;
};
struct delayed_work {
	struct work_struct work;
};
struct rcu_work {
	struct work_struct work;
	struct rcu_head rcu;
};
struct workqueue_struct {
	int nothing;
};
#define WQ_UNBOUND		0
#define WQ_MEM_RECLAIM		0
#define INIT_WORK(w, f)		((w)->fn = (f))
#define INIT_DELAYED_WORK(w, f)	INIT_WORK(&(w)->work, f)
#define INIT_RCU_WORK(w, f)	INIT_WORK(&(w)->work, f)
#define to_delayed_work(w)	container_of(w, struct delayed_work, work)
#define to_rcu_work(w)		container_of(w, struct rcu_work, work)
#define alloc_workqueue(name, flags, max) ((struct workqueue_struct *)shim_alloc(1))
#define destroy_workqueue(wq)	kfree(wq)
#define msecs_to_jiffies(ms)	((unsigned long)(ms))
#define nsecs_to_jiffies(ns)		((unsigned long)(ns))
#define queue_work(wq, w)		shim_queue(w)
#define queue_delayed_work(wq, w, delay) ((void)(delay), shim_queue(&(w)->work))
#define mod_delayed_work(wq, w, delay)	((void)(delay), !shim_queue(&(w)->work))
#define queue_rcu_work(wq, w)		call_rcu(&(w)->rcu, shim_queue_rcu)
bool shim_queue(struct work_struct *w);	/* false: it was pending already */
void shim_queue_rcu(struct rcu_head *rcu);
void flush_work(struct work_struct *w);
bool shim_cancel(struct work_struct *w);
#define cancel_delayed_work_sync(w)	shim_cancel(&(w)->work)

/* Its works are like others, and those of one may run at a time. Whoever names it looks at it, as the kernel's do. */
struct kthread_worker {
	u32 lives;
	struct task_struct *task;
};
#define _PVI_COMPAT_KTHREAD_H
#define pvi_compat_run_worker(...)	shim_worker_create()
struct kthread_worker *shim_worker_create(void);
struct kthread_worker *shim_worker(const struct kthread_worker *worker);	/* @worker, which has to be there */
#define task_tgid_nr(task)		1
#define task_nice(task)			0
#define set_user_nice(task, nice)	do { } while (0)
#define cgroup_attach_task_all(from, task) 0
#define kthread_work			work_struct
#define kthread_delayed_work		delayed_work
#define kthread_init_work(w, f)		INIT_WORK(w, f)
#define kthread_init_delayed_work(w, f)	INIT_DELAYED_WORK(w, f)
#define kthread_queue_work(of, w)	((w)->worker = shim_worker(of), shim_queue(w))
#define kthread_queue_delayed_work(of, w, delay) ((void)(delay), kthread_queue_work(of, &(w)->work))
#define kthread_flush_work(w)		(shim_worker((w)->worker), flush_work(w))
#define kthread_cancel_delayed_work_sync(w) shim_cancel(&(w)->work)
void kthread_flush_worker(struct kthread_worker *worker);
void kthread_destroy_worker(struct kthread_worker *worker);	/* all its works have ended */
struct completion {
	bool done;
};
#define init_completion(c)		((c)->done = false)
#define complete_all(c)			smp_store_release(&(c)->done, true)
#define wait_for_completion(c)		wait_var_event(c, smp_load_acquire(&(c)->done))

/* Of an eventfd. Who waits elsewhere wakes by itself: what wakes it is not looked at. */
typedef struct wait_queue_entry {
	int (*func)(struct wait_queue_entry *wait, unsigned int mode, int sync, void *key);
	struct wait_queue_entry *next;
} wait_queue_entry_t;
typedef struct {
	struct mutex lock;
	wait_queue_entry_t *first;
} wait_queue_head_t;
typedef struct poll_table_struct {
	void (*fn)(struct file *file, wait_queue_head_t *wqh, struct poll_table_struct *pt);
} poll_table;
#define init_waitqueue_func_entry(w, f)	((w)->func = (f))
#define init_poll_funcptr(pt, f)	((pt)->fn = (f))
#define key_to_poll(key)		((__poll_t)(uintptr_t)(key))
#define init_waitqueue_head(w)	do { } while (0)
#define wake_up_interruptible_poll(w, mask) do { } while (0)
#define wake_up_locked_poll(w, mask) \
	do { lockdep_assert_held(&(w)->lock); CHECK(current->in_eventfd); } while (0)
#define wake_up_var(v)		do { } while (0)
#define poll_wait(f, w, t)	do { } while (0)
#define wait_event_interruptible(w, condition) ((condition) ? 0 : -EINTR)
#define wait_var_event(v, condition)	do { while (!(condition)) shim_pause(); } while (0)
#define wait_var_event_killable(v, condition) ({	\
	bool there_;					\
							\
	while (!(there_ = (condition)) && !READ_ONCE(shim_killed))	\
		shim_pause();				\
	there_ ? 0 : -EINTR;				\
})
extern bool shim_killed;
void shim_pause(void);		/* something happens */

/* Time stands still but for what a test adds. */
extern s64 shim_now;
#define ktime_get_mono_fast_ns() ((u64)__atomic_load_n(&shim_now, __ATOMIC_RELAXED))

/* Names and users */
#define UUID_SIZE		16
typedef struct {
	__u8 b[UUID_SIZE];
} uuid_t;
#define import_uuid(to, from)	memcpy(to, from, UUID_SIZE)
#define export_uuid(to, from)	memcpy(to, from, UUID_SIZE)
#define uuid_copy(to, from)	memcpy(to, from, UUID_SIZE)
#define uuid_equal(a, b)	(!memcmp(a, b, UUID_SIZE))
#define uuid_is_null(u)		uuid_equal(u, &(uuid_t){ })
typedef struct {
	uid_t val;
} kuid_t;
#define INVALID_UID		((kuid_t){ -1 })
#define uid_valid(u)		((u).val != (uid_t)-1)
#define uid_eq(a, b)		((a).val == (b).val && uid_valid(a))
#define current_user_ns()	0
#define current_euid()		(current->cred.euid)
#define kuid_has_mapping(ns, u)	uid_valid(u)
#define make_kuid(ns, u)	((kuid_t){ u })
typedef u64 hsiphash_key_t;
#define hsiphash_1u32(x, key)	((u32)((((x) ^ *(key)) * 0x9e3779b97f4a7c15ULL) >> 29))

/* Files, mappings and pages, as status.c looks at them */
struct super_block {
	unsigned long s_magic;
};
struct inode {
	mode_t i_mode;
	struct super_block *i_sb;
	s64 size;
	unsigned int seals;
};
struct file_operations;
struct file {
	struct inode *inode;
	void *private_data;
	unsigned int f_mode, f_flags;
	const struct file_operations *f_op;
	struct eventfd_ctx *eventfd;
	int references;
};
struct page {
	void *address;
	unsigned long nr;
	int pins;
};
struct vm_area_struct {
	unsigned long vm_start, vm_end, vm_pgoff;
	vm_flags_t vm_flags;
	struct file *vm_file;
};
struct mm_struct {
	atomic64_t pinned_vm;
	struct vm_area_struct *vma;
	struct page *page;
	int references, locked, users;
	struct mmu_notifier *notifiers;
};
struct cred {
	kuid_t uid, euid, suid, fsuid;
};
struct task_struct {
	struct mm_struct *mm;
	unsigned int flags;
	unsigned in_eventfd:1;
	struct cred cred;
};
extern struct task_struct shim_task;
extern u64 shim_memlock;
extern bool shim_capable;
extern struct file *shim_file;	/* of descriptor 3 */
#define current			(&shim_task)
#define PF_EXITING		1
#define PF_KTHREAD		2
#define PIDTYPE_TGID		0
#define CAP_SETUID		7
#define task_tgid(t)		NULL
#define get_pid(p)		(p)
#define put_pid(p)		((void)(p))
#define find_vpid(nr)		(nr)
#define pid_task(nr, type)	((nr) == 1 ? current : NULL)
#define __task_cred(t)		(&(t)->cred)
#define ns_capable(ns, which)	shim_capable
#define FMODE_WRITE		2
#define VM_WRITE		2UL
#define VM_SHARED		8UL
#define FOLL_WRITE		1
#define FOLL_LONGTERM		2
#define CAP_IPC_LOCK		14
#define CONFIG_HUGETLBFS
#define HUGETLBFS_MAGIC		0x958458f6
#define RLIMIT_MEMLOCK		8
#define rlimit(which)		shim_memlock
#define capable(which)		shim_capable
#define get_unused_fd_flags(flags) shim_get_fd()
#define put_unused_fd(fd)	shim_set_fd(fd, NULL)
#define fd_install(fd, f)	shim_set_fd(fd, f)
struct file *fget(int fd);
void fput(struct file *f);
struct file *anon_inode_getfile(const char *name, const struct file_operations *fops, void *data, int flags);
int shim_get_fd(void);
void shim_set_fd(int fd, struct file *f);
void shim_close(int fd);
bool shim_has_fd(int fd);
#define file_inode(f)		((f)->inode)
#define i_size_read(i)		((i)->size)
#define SHMEM_I(i)		(i)
#define HUGETLBFS_I(i)		(i)
#define mmap_read_lock_killable(mm) ((mm)->locked++, 0)
#define mmap_read_unlock(mm)	((mm)->locked--)
#define mmgrab(mm)		((mm)->references++)
#define mmdrop(mm)		((mm)->references--)
#define compound_head(p)	(p)
#define compound_nr(p)		((p)->nr)
#define page_address(p)		((p)->address)
#define unpin_user_pages_dirty_lock(p, n, dirty) ((*(p))->pins--)
#define vma_lookup(mm, at)	({ struct vm_area_struct *v_ = (mm)->vma;	\
				   v_ && (at) >= v_->vm_start && (at) < v_->vm_end ? v_ : NULL; })
#define pin_user_pages(at, n, flags, pages, ...) shim_pin(at, flags, pages)
long shim_pin(unsigned long at, unsigned int flags, struct page **page);

/* The misc device */
struct file_operations {
	void *owner;
	int (*open)(struct inode *inode, struct file *file);
	int (*release)(struct inode *inode, struct file *file);
	long (*unlocked_ioctl)(struct file *file, unsigned int cmd, unsigned long arg);
	long (*compat_ioctl)(struct file *file, unsigned int cmd, unsigned long arg);
	ssize_t (*read)(struct file *file, char *buf, size_t size, loff_t *pos);
	__poll_t (*poll)(struct file *file, struct poll_table_struct *table);
	void (*show_fdinfo)(struct seq_file *m, struct file *file);
	loff_t (*llseek)(struct file *file, loff_t offset, int whence);
};
#define noop_llseek		NULL
struct miscdevice {
	int minor;
	const char *name;
	const struct file_operations *fops;
	int mode;
};
#define MISC_DYNAMIC_MINOR	255
#define stream_open(i, f)	0
#define compat_ptr_ioctl	NULL
int misc_register(struct miscdevice *device);
#define misc_deregister(d)	do { } while (0)

/* What is printed is not looked at. */
struct seq_file {
	int nothing;
};
#define seq_printf(m, ...)	((void)(m))
#define seq_puts(m, s)		((void)(m))
#define seq_putc(m, c)		((void)(m))
#define TRACE_DEFINE_ENUM(name)	struct shim_desc
#define TP_PROTO(x...)		x
#define TRACE_EVENT(name, proto, ...)	static inline void trace_##name(proto) { } struct shim_desc
#define DECLARE_EVENT_CLASS(name, ...)	struct shim_desc
#define DEFINE_EVENT(class, name, proto, ...)	TRACE_EVENT(name, proto)

/* What is told that an address space goes */
struct mmu_notifier_ops {
	void (*release)(struct mmu_notifier *mn, struct mm_struct *mm);
	void (*free_notifier)(struct mmu_notifier *mn);
};
struct mmu_notifier {
	const struct mmu_notifier_ops *ops;
	struct mmu_notifier *next;
	struct mm_struct *mm;
	struct rcu_head rcu;
};
extern int shim_notifier_fails;		/* an errno, or 0 */
int __mmu_notifier_register(struct mmu_notifier *mn, struct mm_struct *mm);
void mmu_notifier_put(struct mmu_notifier *mn);
void mmu_notifier_unregister(struct mmu_notifier *mn, struct mm_struct *mm);
bool mmget_not_zero(struct mm_struct *mm);
void mmput(struct mm_struct *mm);
#define mmap_write_lock_killable(mm)	({ mmap_write_lock(mm); 0; })
#define mmap_write_lock(mm)		((void)(mm)->locked++)
#define mmap_write_unlock(mm)		((void)(mm)->locked--)

/* KVM */
#define CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS
#define CONFIG_KPROBES
#define CONFIG_MMU_NOTIFIER
#define CONFIG_X86_64
#define HF_GUEST_MASK		1
#define VCPU_REGS_R15		15
#define HAS_KERNEL_IBT		0
#define KVM_IRQ_ROUTING_IRQCHIP	1
#define KVM_IRQ_ROUTING_MSI	2
#define KVM_IRQCHIP_IOAPIC	2
#define KVM_USERSPACE_IRQ_SOURCE_ID 0
struct btf;
struct kvm_kernel_irq_routing_entry {
	u32 gsi, type;
	int (*set)(struct kvm_kernel_irq_routing_entry *e, struct kvm *kvm, int source, int level,
		   bool line_status);
	struct {
		u32 irqchip, pin;
	} irqchip;
	struct {
		u32 address_lo, address_hi, data;
	} msi;
	struct hlist_node link;
};
struct kvm_irq_routing_table {
	u32 nr_rt_entries;
	struct hlist_head map[];
};
struct kvm {
	struct srcu_struct irq_srcu;
	struct kvm_irq_routing_table *irq_routing;
	atomic_t online_vcpus;
	struct mm_struct *mm;
	int references;
};
struct kvm_vcpu {
	struct kvm *kvm;
	struct {
		unsigned long hflags, regs[17];
		u32 regs_dirty;
		bool guest_state_protected;
	} arch;
};
#define DECLARE_STATIC_CALL(name, fn)	extern __typeof__(fn) *shim_call_##name
#define static_call(name)		(*shim_call_##name)
#define gpa_to_gfn(gpa)			((gpa) >> PAGE_SHIFT)
#define kvm_is_error_hva(hva)		(!(hva))
int kvm_arch_set_irq_inatomic(struct kvm_kernel_irq_routing_entry *e, struct kvm *kvm, int source,
			      int level, bool line_status);
unsigned long kvm_vcpu_gfn_to_hva(struct kvm_vcpu *vcpu, u64 gfn);

/* An eventfd remembers how often it was signalled, and calls who waits: a test, or a source. */
struct eventfd_ctx {
	u64 count;
	void (*wake)(struct eventfd_ctx *ctx);
	wait_queue_head_t wqh;
	int references;
};
struct file *eventfd_fget(int fd);
struct eventfd_ctx *eventfd_ctx_fdget(int fd);
struct eventfd_ctx *eventfd_ctx_fileget(struct file *file);
void eventfd_ctx_put(struct eventfd_ctx *ctx);
void eventfd_ctx_do_read(struct eventfd_ctx *ctx, u64 *count);
int eventfd_ctx_remove_wait_queue(struct eventfd_ctx *ctx, wait_queue_entry_t *wait, u64 *count);
void __add_wait_queue(wait_queue_head_t *wqh, wait_queue_entry_t *wait);
#define vfs_poll(f, pt)		((pt)->fn(f, &(f)->eventfd->wqh, pt))
void shim_wake(struct eventfd_ctx *ctx, u64 count, __poll_t events);	/* as a writer does, or the last close */
#define eventfd_signal(ctx, ...) shim_signal(ctx)
void shim_signal(struct eventfd_ctx *ctx);

/* ftrace, of which the inline functions of compat.h speak */
struct pt_regs {
	int nothing;
};
struct ftrace_regs {
	struct pt_regs regs;
};
struct ftrace_ops {
	unsigned long flags;
};
#define FTRACE_OPS_FL_PERMANENT	0
#define register_ftrace_direct(...)	0
#define unregister_ftrace_direct(...)	0
#define ftrace_set_filter_ip(...)	0

/* For tests */
void shim_fail_alloc(u64 nth);		/* the nth from now on fails, once; 0: none does */
bool shim_alloc_failed(void);		/* it has */
size_t shim_allocated(void);		/* what is allocated now, in objects */
void shim_user_set(void *at, size_t size);
void shim_user_own(void *at, size_t size);	/* beside it, for what a test calls on its own */
void shim_user_change(u32 *word, u32 to);	/* what the caller stores behind the first read of it */
bool shim_run_works(void);		/* those that are pending; false: none was */
bool shim_in_work(void);		/* this thread runs one */
void shim_idle(void);			/* no reader is left, no lock is held */

/* The rest of a fuzzer's input; 0 when it has ended */
struct input {
	const u8 *at;
	size_t left;
};
u64 take(struct input *in, unsigned int bytes);

#endif
