// SPDX-License-Identifier: GPL-2.0
/*
 * The receiver's table: a list of what was allowed says what each call answers and which row permits a ring.
 * A call that fails, be it for memory, changes nothing; what ends leaves nothing behind. And of the hash each bit
 * of a name counts, and none of its chains gets long.
 */
#include "world.h"

#define SENDERS	3
#define ROWS	64
#define NAMES	4000
#define SERIES	4096
#define CHAIN	16	/* RHT_ELASTICITY */

struct row {
	u8 sender;
	u32 what;
	u64 bits;
	bool pinned;
	uid_t owner;
};

static struct pvi_vm *to, *from[SENDERS];
static struct row rows[ROWS];
static u32 nr;

static const struct rhashtable *edges(void)
{
	const struct rhashtable *ht = shim_tables;

	while (ht->p.key_len != sizeof(struct pvi_edge_key))
		ht = ht->all;
	return ht;
}

static u32 hash(const struct pvi_edge_key *key)
{
	return edges()->p.hashfn(key, sizeof(*key), 7);
}

static void flip(struct pvi_edge_key *key, u32 bit)
{
	((u8 *)key)[bit / 8] ^= 1 << bit % 8;
}

/* Of the bits of a hash half are others when one bit of the key is, and some are when two are. */
static void check_hash(void)
{
	const u32 bits = 8 * offsetofend(struct pvi_edge_key, what), samples = 64;
	u32 first, second, n, changed;
	struct pvi_edge_key key = { };

	for (first = 0; first < bits; first++) {
		for (n = changed = 0; n < samples; n++) {
			u32 before;

			shim_random(&key, offsetofend(struct pvi_edge_key, what));
			before = hash(&key);
			flip(&key, first);
			changed += __builtin_popcount(before ^ hash(&key));
			flip(&key, first);
		}
		CHECK(changed > 13 * samples && changed < 19 * samples);
		for (second = 0; second < first; second++) {
			u32 before = hash(&key);

			flip(&key, first);
			flip(&key, second);
			CHECK(hash(&key) != before);
			flip(&key, first);
			flip(&key, second);
		}
	}
}

/*
 * The kernel refuses a row whose chain has CHAIN already, though nobody chose them so: a sender's rows, whatever the
 * two are called, are for numbers that follow each other.
 */
static void check_chains(void)
{
	static u8 chains[2 * SERIES];
	struct pvi_edge_key key = { };
	u32 n, i;

	for (n = 0; n < NAMES; n++) {
		shim_random(&key, offsetof(struct pvi_edge_key, what));
		memset(chains, 0, sizeof(chains));
		for (i = 0; i < SERIES; i++) {
			key.what = KVM_PVI_GSI_VIRTUAL + i;
			CHECK(++chains[hash(&key) % ARRAY_SIZE(chains)] < CHAIN);
		}
	}
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	world_init();
	check_hash();
	check_chains();
	return 0;
}

static u32 find(u8 sender, u32 what)
{
	u32 i;

	for (i = 0; i < nr; i++)
		if (rows[i].sender == sender && rows[i].what == what)
			break;
	return i;
}

static bool permits(u32 i, u8 sender)
{
	return i < nr && !(rows[i].pinned && rows[i].owner != from[sender]->owner.val);
}

/* The row of the model by which that sender may ring that, or none */
static u32 permitted(u8 sender, u32 what)
{
	u32 i = find(sender, what);

	if (permits(i, sender))
		return i;
	i = find(sender, KVM_PVI_GSI_ANY);
	return pvi_what_is_bell(what) || !permits(i, sender) ? nr : i;
}

static bool plain(u32 gsi)
{
	return pvi_gsi_valid(gsi) || gsi == KVM_PVI_GSI_ANY;
}

static u32 gsi_of(struct input *in)
{
	static const u32 gsis[] = { 0, 5, 4095, 4096, 0x10000, 0x1ffff, 0x20000, 0x80000001, KVM_PVI_GSI_ANY, 1024 };

	return gsis[take(in, 1) % ARRAY_SIZE(gsis)];
}

static u8 name_of(struct input *in, uuid_t *uuid)
{
	u8 n = take(in, 1);

	*uuid = world_uuid(10 + n % SENDERS);
	if (n >= 250)
		memset(uuid, n & 1 ? 0xff : 0, sizeof(*uuid));
	return n >= 250 ? SENDERS : n % SENDERS;
}

static void allow(struct input *in)
{
	struct kvm_pvi_allow a = { .size = sizeof(a) };
	u32 what, i;
	uuid_t uuid;
	u8 sender = name_of(in, &uuid), how = take(in, 1);
	bool good;
	int ret;

	export_uuid(a.uuid, &uuid);
	a.flags = how & 3;
	a.gsi = gsi_of(in);
	a.bits = how & 4 ? 1 + take(in, 1) : 0;
	a.owner = how & 8 ? 10 + take(in, 1) % SENDERS : how & 16 ? (u32)-1 : 0;
	a.rate = how & 32 ? 1000 : 0;
	a.burst = how & 64 ? 3 : 0;
	good = sender < SENDERS && !a.rate == !a.burst &&
	       (a.flags & KVM_PVI_ALLOW_OWNER ? a.owner != (u32)-1 : !a.owner) &&
	       (a.flags & KVM_PVI_ALLOW_BELL ? a.bits && a.gsi < pvi_bell_max() : !a.bits && plain(a.gsi));
	shim_fail_alloc(how & 128 ? 1 + take(in, 1) % 6 : 0);
	ret = world_call(pvi_acl_allow, to, &a, sizeof(a));
	if (!good) {
		CHECK(ret == -EINVAL);
	} else if (ret) {
		CHECK(ret == -ENOMEM && shim_alloc_failed());
	} else {
		what = a.flags & KVM_PVI_ALLOW_BELL ? PVI_WHAT_BELL | a.gsi : a.gsi;
		i = find(sender, what);
		rows[i] = (struct row){ sender, what, a.bits, a.flags & KVM_PVI_ALLOW_OWNER, a.owner };
		nr = max(nr, i + 1);
	}
	shim_fail_alloc(0);
}

static void revoke(struct input *in)
{
	struct kvm_pvi_revoke r = { .size = sizeof(r) };
	u32 i, before = nr;
	uuid_t uuid;
	u8 sender = name_of(in, &uuid), how = take(in, 1);
	bool all = how & 1, bell = how & 2, good;
	int ret;

	export_uuid(r.uuid, &uuid);
	r.flags = (all ? KVM_PVI_REVOKE_ALL : 0) | (bell ? KVM_PVI_REVOKE_BELL : 0);
	r.gsi = how & 4 ? 0 : gsi_of(in);
	r.__reserved = how == 255;
	good = sender < SENDERS && !r.__reserved &&
	       (all ? !r.gsi && !bell : bell ? r.gsi < PVI_BELLS_CAP : plain(r.gsi));
	ret = world_call(pvi_acl_revoke, to, &r, sizeof(r));
	if (!good) {
		CHECK(ret == -EINVAL);
		return;
	}
	for (i = 0; i < nr; )
		if (rows[i].sender == sender && (all || rows[i].what == (bell ? PVI_WHAT_BELL | r.gsi : r.gsi)))
			rows[i] = rows[--nr];
		else
			i++;
	CHECK(ret == (nr < before ? 0 : -ENOENT));
}

/* What is exposed now the rows know. */
static void expose(struct input *in)
{
	struct kvm_pvi_expose e = { .size = sizeof(e), .gsi = gsi_of(in) };
	struct kvm_pvi_gsi u = { .size = sizeof(u), .gsi = e.gsi };

	if (!pvi_gsi_valid(e.gsi))
		return;
	e.kind = e.gsi < KVM_PVI_GSI_MAX ? KVM_PVI_GSI_EVENTFD : KVM_PVI_GSI_MSI;
	if (pvi_gsi_find(to, e.gsi))
		CHECK(!world_call(pvi_expose_undo, to, &u, sizeof(u)));
	else
		CHECK(!world_call(pvi_expose, to, &e, sizeof(e)));
}

static void check_rows(void)
{
	struct kvm_pvi_edge e = { .size = sizeof(e) };
	static const u32 whats[] = { 0, 5, 4095, 0x10000, 0x1ffff, PVI_WHAT_BELL, PVI_WHAT_BELL | 5, KVM_PVI_GSI_ANY };
	u32 i, sender, counted = 0;

	for (sender = 0; sender < SENDERS; sender++) {
		for (i = 0; i < ARRAY_SIZE(whats); i++) {
			u32 row = permitted(sender, whats[i]);
			struct pvi_edge *edge;

			rcu_read_lock();
			edge = pvi_acl_find(from[sender], pvi_words_of(&to->uuid), whats[i]);
			CHECK(!edge == (row == nr));
			if (edge) {
				CHECK(edge->key.what == rows[row].what && edge->bits == rows[row].bits);
				CHECK(edge->state == PVI_EDGE_LIVE && edge->vm == to);
				CHECK(rcu_access_pointer(edge->gsi) == (rows[row].what == KVM_PVI_GSI_ANY ? NULL :
				      pvi_gsi_find(to, rows[row].what)));
			}
			rcu_read_unlock();
		}
	}
	while (!world_call(pvi_acl_get_edge, to, &e, sizeof(e)))
		CHECK(++counted <= nr);
	CHECK(counted == nr);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t length)
{
	size_t allocated = shim_allocated();
	struct input in = { data, length };
	u32 i;

	nr = 0;
	to = world_vm(1);
	for (i = 0; i < SENDERS; i++)
		from[i] = world_vm(10 + i);
	while (in.left && nr < ROWS - 1) {
		switch (take(&in, 1) % 5) {
		case 0:
		case 1:
			allow(&in);
			break;
		case 2:
			revoke(&in);
			break;
		case 3:
			expose(&in);
			break;
		case 4:
			to->grants_only = !to->grants_only && !nr;
			if (to->grants_only)
				goto out;
			break;
		}
		check_rows();
	}
out:
	/* Who takes grants alone is rung by no row. */
	if (to->grants_only) {
		world_allow(to, from[0], KVM_PVI_GSI_ANY, 0, 0);
		rcu_read_lock();
		CHECK(!pvi_acl_find(from[0], pvi_words_of(&to->uuid), 5));
		rcu_read_unlock();
	}
	for (i = 0; i < SENDERS; i++)
		world_end(from[i]);
	world_end(to);
	CHECK(shim_allocated() == allocated);
	return 0;
}
