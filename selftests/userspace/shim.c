// SPDX-License-Identifier: GPL-2.0
/* What shim.h declares. */
#include <malloc.h>
#include "shim.h"

static DEFINE_MUTEX(shim_lock);		/* protects what follows, but for the threads' own */
static struct rcu_head *to_free;
static struct work_struct *works;
static struct run {			/* on the stack of whoever runs it */
	struct work_struct *work;
	struct run *next;
	int *thread;
	const struct kthread_worker *worker;
} *runs;
static u64 queued;
static struct file *fds[64];
static size_t allocated;
static u64 fail_at;
static bool failed;

struct rhashtable *shim_tables;
s64 shim_now = 1000000000000LL;
struct task_struct shim_task;
u64 shim_memlock;
bool shim_capable;
struct file *shim_file;
bool shim_killed;
int shim_notifier_fails;

#ifndef SHIM_SCHED
static pthread_rwlock_t readers = PTHREAD_RWLOCK_INITIALIZER;
static __thread int nesting;

int *shim_nesting(void)
{
	return &nesting;
}
#endif

void mutex_init(struct mutex *m)
{
	memset(m, 0, sizeof(*m));
}

void mutex_lock(struct mutex *m)
{
#ifdef SHIM_SCHED
	shim_wait(&m->held);
#else
	pthread_mutex_lock(&m->mutex);
#endif
	CHECK(!m->held);
	__atomic_store_n(&m->held, true, __ATOMIC_RELAXED);
}

bool mutex_trylock(struct mutex *m)
{
#ifdef SHIM_SCHED
	shim_point();
	if (m->held)
		return false;
#else
	if (pthread_mutex_trylock(&m->mutex))
		return false;
#endif
	CHECK(!m->held);
	__atomic_store_n(&m->held, true, __ATOMIC_RELAXED);
	return true;
}

int mutex_lock_killable(struct mutex *m)
{
	if (READ_ONCE(shim_killed))
		return mutex_trylock(m) ? 0 : -EINTR;
	mutex_lock(m);
	return 0;
}

void mutex_unlock(struct mutex *m)
{
#ifdef SHIM_SCHED
	shim_point();
#endif
	CHECK(m->held);
	__atomic_store_n(&m->held, false, __ATOMIC_RELAXED);
#ifndef SHIM_SCHED
	pthread_mutex_unlock(&m->mutex);
#endif
}

void rcu_read_lock(void)
{
	if ((*shim_nesting())++)
		return;
#ifndef SHIM_SCHED
	pthread_rwlock_rdlock(&readers);
#endif
}

void rcu_read_unlock(void)
{
	CHECK(*shim_nesting() > 0);
	if (--(*shim_nesting()))
		return;
#ifndef SHIM_SCHED
	pthread_rwlock_unlock(&readers);
#endif
}

bool rcu_read_lock_held(void)
{
	return *shim_nesting();
}

/* All that was to be freed by now; those who had found it have left. */
void synchronize_rcu(void)
{
	struct rcu_head *rcu, *next;

	CHECK(!rcu_read_lock_held());
	mutex_lock(&shim_lock);
	rcu = to_free;
	to_free = NULL;
	mutex_unlock(&shim_lock);
#ifdef SHIM_SCHED
	shim_sleep_rcu();
#else
	pthread_rwlock_wrlock(&readers);
	pthread_rwlock_unlock(&readers);
#endif
	for (; rcu; rcu = next) {
		next = rcu->next;
		rcu->fn(rcu);
	}
}

void call_rcu(struct rcu_head *rcu, void (*fn)(struct rcu_head *rcu))
{
	mutex_lock(&shim_lock);
	rcu->fn = fn;
	rcu->next = to_free;
	to_free = rcu;
	mutex_unlock(&shim_lock);
}

static void free_object(struct rcu_head *rcu)
{
	kfree(rcu->object);
}

void shim_free_rcu(struct rcu_head *rcu, void *object)
{
	rcu->object = object;
	call_rcu(rcu, free_object);
}

void shim_idle(void)
{
	CHECK(!shim_lock.held);
	/* What is freed may have more freed. */
	while (to_free)
		synchronize_rcu();
}

void *shim_alloc(size_t size)
{
	void *p = NULL;

	mutex_lock(&shim_lock);
	if (fail_at && !--fail_at) {
		failed = true;
	} else {
		p = calloc(1, size ? size : 1);
		allocated++;
	}
	mutex_unlock(&shim_lock);
	return p;
}

#ifdef SHIM_SCHED
/* Nobody gets it again for a while */
static void free_late(void *p)
{
	static void *late[256];
	static u32 next;

	memset(p, SHIM_FREED, malloc_usable_size(p));
	free(late[next % ARRAY_SIZE(late)]);
	late[next++ % ARRAY_SIZE(late)] = p;
}
#endif

void kfree(const void *p)
{
	if (!p)
		return;
	mutex_lock(&shim_lock);
	allocated--;
	mutex_unlock(&shim_lock);
#ifdef SHIM_SCHED
	free_late((void *)p);
#else
	free((void *)p);
#endif
}

void shim_fail_alloc(u64 nth)
{
	fail_at = nth;
	failed = false;
}

bool shim_alloc_failed(void)
{
	return failed;
}

size_t shim_allocated(void)
{
	return allocated;
}

void shim_random(void *p, size_t n)
{
	static u64 state = 0x9e3779b97f4a7c15ULL;
	u8 *to = p;

	for (; n; n--) {
		state = state * 6364136223846793005ULL + 1442695040888963407ULL;
		*to++ = state >> 56;
	}
}

static char *user, *user_own;
static size_t user_size, own_size;
static u32 *user_word, user_value;

void shim_user_set(void *at, size_t size)
{
	user = at;
	user_size = size;
	user_word = NULL;
}

void shim_user_change(u32 *word, u32 to)
{
	user_word = word;
	user_value = to;
}

void shim_user_own(void *at, size_t size)
{
	user_own = at;
	own_size = size;
}

static bool inside(const char *from, size_t n, const char *at, size_t size)
{
	return from >= at && (size_t)(from - at) <= size && n <= size - (from - at);
}

static bool user_has(const void *at, size_t n)
{
	return inside(at, n, user, user_size) || inside(at, n, user_own, own_size);
}

unsigned long copy_from_user(void *to, const void *from, unsigned long n)
{
	if (!user_has(from, n))
		return n;
	memcpy(to, from, n);
	if (user_word && (const char *)from <= (char *)user_word && n)
		*user_word = user_value;
	return 0;
}

unsigned long copy_to_user(void *to, const void *from, unsigned long n)
{
	if (!user_has(to, n))
		return n;
	memcpy(to, from, n);
	return 0;
}

int copy_struct_from_user(void *to, size_t ksize, const void *from, size_t usize)
{
	size_t i, size = min(ksize, usize);

	for (i = size; i < usize; i++) {
		if (!user_has(from + i, 1))
			return -EFAULT;
		if (((const char *)from)[i])
			return -E2BIG;
	}
	memset(to + size, 0, ksize - size);
	return copy_from_user(to, from, size) ? -EFAULT : 0;
}

/* The first with at least that index */
static size_t xa_at(struct xarray *x, unsigned long index)
{
	size_t low = 0, high = x->nr;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (x->entries[mid].index < index)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static void *xa_find_locked(struct xarray *x, unsigned long *index, unsigned long least)
{
	size_t at = xa_at(x, least);

	if (at == x->nr)
		return NULL;
	*index = x->entries[at].index;
	return x->entries[at].entry;
}

void *shim_xa_find(struct xarray *x, unsigned long *index, unsigned long least)
{
	void *entry;

	xa_lock(x);
	entry = xa_find_locked(x, index, least);
	xa_unlock(x);
	return entry;
}

void *xas_find(struct xa_state *s, unsigned long last)
{
	return xa_find_locked(s->xa, &s->xa_index, s->xa_index);
}

/* As the kernel's xa_load(), for who holds its lock as well */
void *xa_load(struct xarray *x, unsigned long index)
{
	bool held = lockdep_is_held(&x->lock);
	unsigned long found = 0;
	void *entry;

	if (!held)
		xa_lock(x);
	entry = xa_find_locked(x, &found, index);
	if (!held)
		xa_unlock(x);
	return entry && found == index ? entry : NULL;
}

static int xa_put(struct xarray *x, size_t at, unsigned long index, void *entry)
{
	void *more;

	/* Each costs an object, so that each may fail. */
	more = shim_alloc(1);
	if (!more)
		return -ENOMEM;
	kfree(more);
	if (x->nr == x->room) {
		x->room = x->room ? 2 * x->room : 8;
		x->entries = realloc(x->entries, x->room * sizeof(*x->entries));
	}
	memmove(&x->entries[at + 1], &x->entries[at], (x->nr - at) * sizeof(*x->entries));
	x->entries[at] = (struct shim_entry){ index, entry };
	x->nr++;
	return 0;
}

int xa_insert(struct xarray *x, unsigned long index, void *entry, gfp_t gfp)
{
	int ret = -EBUSY;
	size_t at;

	xa_lock(x);
	at = xa_at(x, index);
	if (at == x->nr || x->entries[at].index != index)
		ret = xa_put(x, at, index, entry);
	xa_unlock(x);
	return ret;
}

/* Of an index that has an entry: nothing is allocated. */
void *xa_store(struct xarray *x, unsigned long index, void *entry, gfp_t gfp)
{
	size_t at;

	xa_lock(x);
	at = xa_at(x, index);
	CHECK(at < x->nr && x->entries[at].index == index);
	x->entries[at].entry = entry;
	xa_unlock(x);
	return NULL;
}

void *xa_erase(struct xarray *x, unsigned long index)
{
	void *entry = NULL;
	size_t at;

	xa_lock(x);
	at = xa_at(x, index);
	if (at < x->nr && x->entries[at].index == index) {
		entry = x->entries[at].entry;
		x->nr--;
		memmove(&x->entries[at], &x->entries[at + 1], (x->nr - at) * sizeof(*x->entries));
	}
	xa_unlock(x);
	return entry;
}

int xa_alloc(struct xarray *x, u32 *index, void *entry, u32 last, gfp_t gfp)
{
	size_t at;
	int ret;

	xa_lock(x);
	for (at = 0; at < x->nr && x->entries[at].index == at; at++)
		;
	ret = xa_put(x, at, at, entry);
	if (!ret)
		*index = at;
	xa_unlock(x);
	return ret;
}

void xa_destroy(struct xarray *x)
{
	free(x->entries);
	memset(x, 0, sizeof(*x));
}

int rhashtable_init(struct rhashtable *ht, const struct rhashtable_params *p)
{
	*ht = (struct rhashtable){ .p = *p, .all = shim_tables };
	shim_tables = ht;
	return 0;
}

void rhashtable_destroy(struct rhashtable *ht)
{
	CHECK(!ht->nr);
}

static void *ht_object(struct rhashtable *ht, struct rhash_head *head)
{
	return (char *)head - ht->p.head_offset;
}

static struct rhash_head **ht_bucket(struct rhashtable *ht, const u8 *key)
{
	u32 hash = 0;
	size_t i;

	if (ht->p.hashfn)
		hash = ht->p.hashfn(key, ht->p.key_len, 0x5eed);
	for (i = 0; !ht->p.hashfn && i < ht->p.key_len; i++)
		hash = hash * 31 + key[i];
	return &ht->buckets[hash % SHIM_BUCKETS];
}

static bool ht_equal(struct rhashtable *ht, const void *key, void *object)
{
	struct rhashtable_compare_arg arg = { ht, key };

	return ht->p.obj_cmpfn ? !ht->p.obj_cmpfn(&arg, object) :
				 !memcmp(key, (char *)object + ht->p.key_offset, ht->p.key_len);
}

static void *ht_find(struct rhashtable *ht, const void *key)
{
	struct rhash_head *at;

	for (at = *ht_bucket(ht, key); at; at = at->next)
		if (ht_equal(ht, key, ht_object(ht, at)))
			return ht_object(ht, at);
	return NULL;
}

void *shim_ht_lookup(struct rhashtable *ht, const void *key)
{
	void *object;

	mutex_lock(&ht->lock);
	object = ht_find(ht, key);
	mutex_unlock(&ht->lock);
	return object;
}

static void *ht_key(struct rhashtable *ht, struct rhash_head *head)
{
	return (char *)ht_object(ht, head) + ht->p.key_offset;
}

static int ht_put(struct rhashtable *ht, struct rhash_head *head)
{
	struct rhash_head **bucket = ht_bucket(ht, ht_key(ht, head));
	void *more = shim_alloc(1);

	if (!more)
		return -ENOMEM;
	kfree(more);
	head->next = *bucket;
	*bucket = head;
	ht->nr++;
	return 0;
}

int shim_ht_insert(struct rhashtable *ht, struct rhash_head *head)
{
	int ret;

	mutex_lock(&ht->lock);
	/* The kernel's would hold two of one key: no caller means that. */
	CHECK(!ht_find(ht, ht_key(ht, head)));
	ret = ht_put(ht, head);
	mutex_unlock(&ht->lock);
	return ret;
}

void *shim_ht_lookup_insert(struct rhashtable *ht, struct rhash_head *head)
{
	void *object;

	mutex_lock(&ht->lock);
	object = ht_find(ht, ht_key(ht, head));
	if (!object)
		object = ERR_PTR(ht_put(ht, head));
	mutex_unlock(&ht->lock);
	return object;
}

int shim_ht_remove(struct rhashtable *ht, struct rhash_head *head)
{
	struct rhash_head **at;

	mutex_lock(&ht->lock);
	for (at = ht_bucket(ht, ht_key(ht, head)); *at && *at != head; at = &(*at)->next)
		;
	CHECK(*at);
	*at = head->next;
	ht->nr--;
	mutex_unlock(&ht->lock);
	return 0;
}

void *rhashtable_walk_next(struct rhashtable_iter *iter)
{
	size_t bucket, nr = 0;
	struct rhash_head *at;

	for (bucket = 0; bucket < SHIM_BUCKETS; bucket++)
		for (at = iter->ht->buckets[bucket]; at; at = at->next)
			if (nr++ == iter->nr) {
				iter->nr++;
				return ht_object(iter->ht, at);
			}
	return NULL;
}

bool shim_queue(struct work_struct *w)
{
	struct work_struct **at;
	bool was;

	mutex_lock(&shim_lock);
	was = w->pending || w->canceled;
	if (!was) {
		for (at = &works; *at; at = &(*at)->next)
			;
		*at = w;
		w->next = NULL;
		w->since = ++queued;
		w->pending = true;
	}
	mutex_unlock(&shim_lock);
	return !was;
}

void shim_queue_rcu(struct rcu_head *rcu)
{
	shim_queue(&container_of(rcu, struct rcu_work, rcu)->work);
}

static bool work_runs(const struct work_struct *w)
{
	struct run *run;

	for (run = runs; run && run->work != w; run = run->next)
		;
	return run;
}

static void work_take(struct work_struct **at)
{
	struct work_struct *w = *at;

	*at = w->next;
	w->pending = false;
}

/* The oldest one that was queued by @last and does not run, or NULL; it does from here on. */
static struct work_struct *work_begin(struct run *run, u64 last)
{
	struct work_struct **at, *w;

	mutex_lock(&shim_lock);
	for (at = &works; (w = *at) && (w->since > last || work_runs(w)); at = &w->next)
		;
	if (w) {
		work_take(at);
		*run = (struct run){ w, runs, shim_nesting(), w->worker };
		runs = run;
	}
	mutex_unlock(&shim_lock);
	return w;
}

/* It may be freed by now. */
static void work_end(struct run *run)
{
	struct run **at;

	mutex_lock(&shim_lock);
	for (at = &runs; *at != run; at = &(*at)->next)
		;
	*at = run->next;
	mutex_unlock(&shim_lock);
}

bool shim_in_work(void)
{
	struct run *run;

	mutex_lock(&shim_lock);
	for (run = runs; run && run->thread != shim_nesting(); run = run->next)
		;
	mutex_unlock(&shim_lock);
	return run;
}

bool shim_run_works(void)
{
	struct work_struct *w;
	struct run run;
	bool any = false;
	u64 last;

	mutex_lock(&shim_lock);
	last = queued;
	mutex_unlock(&shim_lock);
	while ((w = work_begin(&run, last))) {
		w->fn(w);
		work_end(&run);
		any = true;
	}
	return any;
}

/* True where @w is neither pending nor running. */
static bool work_idle(struct work_struct *w)
{
	bool idle;

	mutex_lock(&shim_lock);
	idle = !w->pending && !work_runs(w);
	mutex_unlock(&shim_lock);
	return idle;
}

void flush_work(struct work_struct *w)
{
	while (!work_idle(w))
		shim_pause();
}

bool shim_cancel(struct work_struct *w)
{
	struct work_struct **at;
	bool was;

	mutex_lock(&shim_lock);
	was = w->pending;
	for (at = &works; was && *at != w; at = &(*at)->next)
		;
	if (was)
		work_take(at);
	/* While it is awaited, it is not queued again. */
	w->canceled = true;
	mutex_unlock(&shim_lock);
#ifdef SHIM_SCHED
	/* Whoever runs it needs no work for that; one that were begun here might wait for the caller. */
	while (!work_idle(w))
		shim_sleep();
#else
	flush_work(w);
#endif
	w->canceled = false;
	return was;
}

/* A work that has ended may be freed: what it belonged to is asked of its run. */
static bool worker_idle(const struct kthread_worker *worker)
{
	struct work_struct *w;
	struct run *run;

	mutex_lock(&shim_lock);
	for (w = works; w && w->worker != worker; w = w->next)
		;
	for (run = runs; run && run->worker != worker; run = run->next)
		;
	mutex_unlock(&shim_lock);
	return !w && !run;
}

#define WORKER_LIVES 0x2f0be4a7

struct kthread_worker *shim_worker_create(void)
{
	struct kthread_worker *worker = shim_alloc(sizeof(*worker));

	if (!worker)
		return ERR_PTR(-EAGAIN);
	*worker = (struct kthread_worker){ WORKER_LIVES, current };
	return worker;
}

struct kthread_worker *shim_worker(const struct kthread_worker *worker)
{
	CHECK(READ_ONCE(worker->lives) == WORKER_LIVES);
	return (struct kthread_worker *)worker;
}

void kthread_flush_worker(struct kthread_worker *worker)
{
	while (!worker_idle(shim_worker(worker)))
		shim_pause();
}

void kthread_destroy_worker(struct kthread_worker *worker)
{
	kthread_flush_worker(worker);
	kfree(worker);
}

void shim_pause(void)
{
	CHECK(!rcu_read_lock_held());
#ifdef SHIM_SCHED
	if (shim_sleep() || shim_run_works())
		return;
#else
	if (shim_run_works())
		return;
	CHECK(to_free);
#endif
	synchronize_rcu();
}

struct file *fget(int fd)
{
	struct file *f = NULL;

	mutex_lock(&shim_lock);
	if (fd == 3)
		f = shim_file;
	else if (fd >= 0 && fd < ARRAY_SIZE(fds))
		f = fds[fd];
	if (f)
		f->references++;
	mutex_unlock(&shim_lock);
	return f;
}

void fput(struct file *f)
{
	/* A test's own has no operations. */
	if (shim_add(&f->references, -1) || !f->f_op)
		return;
	f->f_op->release(NULL, f);
	kfree(f);
}

struct file *anon_inode_getfile(const char *name, const struct file_operations *fops, void *data, int flags)
{
	struct file *f = shim_alloc(sizeof(*f));

	if (!f)
		return ERR_PTR(-ENOMEM);
	f->f_op = fops;
	f->private_data = data;
	f->references = 1;
	return f;
}

/* What stands for a descriptor that is not there yet costs an object, so that it may fail. */
int shim_get_fd(void)
{
	static struct file reserved;
	void *more = shim_alloc(1);
	int fd;

	if (!more)
		return -ENFILE;
	kfree(more);
	mutex_lock(&shim_lock);
	for (fd = ARRAY_SIZE(fds) / 2; fds[fd]; fd++)
		CHECK(fd + 1 < ARRAY_SIZE(fds));
	fds[fd] = &reserved;
	mutex_unlock(&shim_lock);
	return fd;
}

void shim_set_fd(int fd, struct file *f)
{
	mutex_lock(&shim_lock);
	fds[fd] = f;
	mutex_unlock(&shim_lock);
}

bool shim_has_fd(int fd)
{
	return fds[fd];
}

void shim_close(int fd)
{
	struct file *f = fds[fd];

	shim_set_fd(fd, NULL);
	fput(f);
}

struct file *eventfd_fget(int fd)
{
	struct file *f = fget(fd);

	if (!f)
		return ERR_PTR(-EBADF);
	if (f->eventfd)
		return f;
	fput(f);
	return ERR_PTR(-EINVAL);
}

struct eventfd_ctx *eventfd_ctx_fileget(struct file *f)
{
	shim_add(&f->eventfd->references, 1);
	return f->eventfd;
}

struct eventfd_ctx *eventfd_ctx_fdget(int fd)
{
	struct file *f = eventfd_fget(fd);
	struct eventfd_ctx *ctx;

	if (IS_ERR(f))
		return ERR_CAST(f);
	ctx = eventfd_ctx_fileget(f);
	fput(f);
	return ctx;
}

void eventfd_ctx_put(struct eventfd_ctx *ctx)
{
	CHECK(shim_add(&ctx->references, -1) >= 0);
}

void eventfd_ctx_do_read(struct eventfd_ctx *ctx, u64 *count)
{
	lockdep_assert_held(&ctx->wqh.lock);
	*count = ctx->count;
	ctx->count = 0;
}

void __add_wait_queue(wait_queue_head_t *wqh, wait_queue_entry_t *wait)
{
	lockdep_assert_held(&wqh->lock);
	wait->next = wqh->first;
	wqh->first = wait;
}

int eventfd_ctx_remove_wait_queue(struct eventfd_ctx *ctx, wait_queue_entry_t *wait, u64 *count)
{
	wait_queue_entry_t **at;

	CHECK(current->in_eventfd);
	mutex_lock(&ctx->wqh.lock);
	eventfd_ctx_do_read(ctx, count);
	for (at = &ctx->wqh.first; *at != wait; at = &(*at)->next)
		;
	*at = wait->next;
	mutex_unlock(&ctx->wqh.lock);
	return 0;
}

void shim_wake(struct eventfd_ctx *ctx, u64 count, __poll_t events)
{
	wait_queue_entry_t *wait;

	mutex_lock(&ctx->wqh.lock);
	ctx->count += count;
	for (wait = ctx->wqh.first; wait; wait = wait->next)
		wait->func(wait, 0, 0, (void *)(uintptr_t)events);
	mutex_unlock(&ctx->wqh.lock);
}

int __mmu_notifier_register(struct mmu_notifier *mn, struct mm_struct *mm)
{
	CHECK(mm->locked > 0 && mm->users > 0);
	if (shim_notifier_fails)
		return shim_notifier_fails;
	mutex_lock(&shim_lock);
	mn->mm = mm;
	mn->next = mm->notifiers;
	mm->notifiers = mn;
	mutex_unlock(&shim_lock);
	return 0;
}

static void notifier_free(struct rcu_head *rcu)
{
	struct mmu_notifier *mn = container_of(rcu, struct mmu_notifier, rcu);

	mn->ops->free_notifier(mn);
}

/* Whether it was there still */
static bool notifier_remove(struct mmu_notifier *mn)
{
	struct mmu_notifier **at;
	bool found;

	mutex_lock(&shim_lock);
	for (at = &mn->mm->notifiers; *at && *at != mn; at = &(*at)->next)
		;
	found = *at;
	if (found)
		*at = mn->next;
	mutex_unlock(&shim_lock);
	return found;
}

void mmu_notifier_put(struct mmu_notifier *mn)
{
	notifier_remove(mn);
	call_rcu(&mn->rcu, notifier_free);
}

/* Waits for the notifiers' SRCU, not for RCU, and with the address space alive nobody is in it. */
void mmu_notifier_unregister(struct mmu_notifier *mn, struct mm_struct *mm)
{
	CHECK(mn->mm == mm && mm->users > 0);
	if (notifier_remove(mn))
		mn->ops->release(mn, mm);
}

bool mmget_not_zero(struct mm_struct *mm)
{
	int old = READ_ONCE(mm->users);

	while (old && !try_cmpxchg(&mm->users, &old, old + 1))
		;
	return old;
}

/* Each that is registered is called once, in what stands for the notifiers' SRCU. */
void mmput(struct mm_struct *mm)
{
	struct mmu_notifier *mn;

	if (shim_add(&mm->users, -1))
		return;
	rcu_read_lock();
	for (;;) {
		mutex_lock(&shim_lock);
		mn = mm->notifiers;
		if (mn)
			mm->notifiers = mn->next;
		mutex_unlock(&shim_lock);
		if (!mn)
			break;
		mn->ops->release(mn, mm);
	}
	rcu_read_unlock();
}

long shim_pin(unsigned long at, unsigned int flags, struct page **page)
{
	CHECK(current->mm->locked == 1 && flags == (FOLL_WRITE | FOLL_LONGTERM));
	if (!current->mm->page)
		return -EFAULT;
	*page = current->mm->page;
	(*page)->pins++;
	return 1;
}

void shim_signal(struct eventfd_ctx *ctx)
{
	shim_add(&ctx->count, 1);
	if (ctx->wake)
		ctx->wake(ctx);
}

int param_set_uint_minmax(const char *val, const struct kernel_param *kp, unsigned int least,
			  unsigned int most)
{
	u32 value = strtoul(val, NULL, 0);

	if (value < least || value > most)
		return -EINVAL;
	WRITE_ONCE(*(u32 *)kp->arg, value);
	return 0;
}

int param_get_uint(char *buffer, const struct kernel_param *kp)
{
	return -EINVAL;
}

u64 take(struct input *in, unsigned int bytes)
{
	u64 value = 0;

	for (; bytes && in->left; bytes--, in->left--)
		value = value << 8 | *in->at++;
	return value;
}
