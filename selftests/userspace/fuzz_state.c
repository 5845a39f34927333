// SPDX-License-Identifier: GPL-2.0
/*
 * KVM_PVI_SET_STATE of anything: an errno of its list, and nothing has changed, or all of it is there. What is
 * there can be saved and restored: a second endpoint has the same then.
 */
#include "world.h"

#define LONGEST		4096

static struct pvi_vm *vm, *peer;
static u8 blob[LONGEST], before[LONGEST], after[LONGEST];
static size_t length;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	world_init();
	/* What is owed stays so: nothing takes it. */
	world_irqchip = 0;
	shim_user_set(NULL, SIZE_MAX);
	return 0;
}

static const u32 gsis[] = { 5, 6, 7, 0x10000, 0x10001 };

/* As its VMM makes it, on whatever host */
static void make(void)
{
	struct kvm_pvi_port port = { .size = sizeof(port), .port = 1, .fd = WORLD_FD };
	u32 i;

	vm = world_vm(1);
	for (i = 0; i < ARRAY_SIZE(gsis); i++)
		world_expose(vm, gsis[i], gsis[i] >= KVM_PVI_GSI_VIRTUAL ? KVM_PVI_GSI_MSI :
			     gsis[i] == 5 ? KVM_PVI_GSI_EVENTFD : KVM_PVI_GSI_DIRECT);
	for (i = 0; i < 2; i++) {
		struct kvm_pvi_bell bell = { .size = sizeof(bell), .bell = i, .gsi = 6 + i };

		CHECK(!world_call(pvi_bell_create, vm, &bell, sizeof(bell)));
	}
	CHECK(!world_call(pvi_port_set, vm, &port, sizeof(port)));
}

static u32 get(u8 *to)
{
	struct kvm_pvi_state s = { .size = sizeof(s), .address = (u64)(uintptr_t)to, .length = LONGEST };

	memset(to, 0, LONGEST);
	CHECK(!world_call(pvi_state_get, vm, &s, sizeof(s)) && s.length <= LONGEST);
	return s.length;
}

static int set(const u8 *from, size_t bytes)
{
	struct kvm_pvi_state s = { .size = sizeof(s), .address = (u64)(uintptr_t)from, .length = bytes };

	return world_call(pvi_state_set, vm, &s, sizeof(s));
}

static void *put(const void *record, size_t size)
{
	void *at = blob + length;

	CHECK(length + size <= LONGEST);
	memcpy(at, record, size);
	length += size;
	return at;
}

static u32 gsi_of(u8 n)
{
	return n < 240 ? gsis[n % ARRAY_SIZE(gsis)] : n;
}

static void put_record(struct input *in, u32 type, u32 nr)
{
	u8 n = take(in, 1);

	switch (type) {
	case KVM_PVI_STATE_PORT: {
		struct kvm_pvi_state_port r = {
			.port = (nr * 3 + n % 3) | (n & 8 ? 0x30000 : 0), .gsi = n & 16 ? 3 : 4,
			.flags = n & 32 ? KVM_PVI_STATE_PORT_DEAD : 0,
		};
		uuid_t uuid = world_uuid(n & 64 ? 9 : 2);

		export_uuid(r.uuid, &uuid);
		put(&r, sizeof(r));
		break;
	}
	case KVM_PVI_STATE_LATCH:
		put(&(struct kvm_pvi_state_latch){ .gsi = gsis[nr % 5] }, sizeof(struct kvm_pvi_state_latch));
		break;
	case KVM_PVI_STATE_BELL:
		put(&(struct kvm_pvi_state_bell){ .bell = nr, .flags = n, .enable = ~(u64)take(in, 1), .ack = n & 64 },
		    sizeof(struct kvm_pvi_state_bell));
		break;
	case KVM_PVI_STATE_MSI:
		put(&(struct kvm_pvi_state_msi){ .gsi = 0x10000 + nr, .data = 0x20 + n % 128,
						 .address = 0xfee00000 + (n << 12) }, sizeof(struct kvm_pvi_state_msi));
		break;
	default:
		put(&(struct kvm_pvi_state_config){ .gsi = gsi_of(n) }, sizeof(struct kvm_pvi_state_config));
	}
}

/* A blob that may be good, and then bytes of it that are not */
static void build(struct input *in)
{
	struct kvm_pvi_state_header *h = (void *)blob;
	u32 i, j, spoiled = take(in, 1);

	*h = (struct kvm_pvi_state_header){ .magic = KVM_PVI_STATE_MAGIC, .version = KVM_PVI_STATE_VERSION };
	length = sizeof(*h);
	for (i = 0; i < PVI_NR_SECTIONS; i++) {
		u32 nr = take(in, 1) % 4;
		struct kvm_pvi_state_section head = { .type = pvi_sections[i].type, .size = pvi_sections[i].size, .nr = nr };

		if (!nr)
			continue;
		put(&head, sizeof(head));
		for (j = 0; j < nr; j++)
			put_record(in, head.type, j);
		h->sections++;
	}
	h->length = length;
	for (spoiled = spoiled < 128 ? 0 : spoiled % 4; spoiled; spoiled--)
		blob[take(in, 2) % length] ^= 1 + take(in, 1);
}

/* Where the record of type and key, bits of its first word, is in a blob that was got */
static const void *record(const u8 *from, u32 type, u32 key, u32 mask)
{
	const struct kvm_pvi_state_header *h = (const void *)from;
	const void *at = h + 1;
	u32 i, j;

	for (i = 0; i < h->sections; i++) {
		const struct kvm_pvi_state_section *s = at;

		at = s + 1;
		for (j = 0; j < s->nr; j++, at += s->size)
			if (s->type == type && (*(const u32 *)at & mask) == (key & mask))
				return at;
	}
	return NULL;
}

/* A vector of its own local APICs, and neither NMI, SMI, INIT nor a level */
static void check_msi(const struct kvm_pvi_state_msi *r)
{
	CHECK(!(r->address & 0xff00000000) && (r->address & 0xfff00000) == 0xfee00000);
	CHECK((r->data & 0xff) >= 16 && !(r->data & ~0x41ff));
}

/* Each record that was set is got, but that a port may have died and a bell be as it was made. */
static void check_there(void)
{
	const struct kvm_pvi_state_header *h = (const void *)blob;
	const void *at = h + 1;
	u32 i, j;

	for (i = 0; i < h->sections; i++) {
		const struct kvm_pvi_state_section *s = at;

		at = s + 1;
		for (j = 0; j < s->nr; j++, at += s->size) {
			const void *got = record(after, s->type, *(const u32 *)at, ~0u);

			if (s->type == KVM_PVI_STATE_BELL && !got) {
				const struct kvm_pvi_state_bell *b = at;

				CHECK(!b->flags && !~b->enable && !b->ack);
				continue;
			}
			CHECK(got);
			if (s->type == KVM_PVI_STATE_MSI)
				check_msi(got);
			if (s->type != KVM_PVI_STATE_PORT)
				CHECK(!memcmp(got, at, s->size));
			else
				CHECK(!memcmp(got + 16, at + 16, UUID_SIZE));
		}
	}
}

static bool documented(int ret)
{
	return ret == -EBUSY || ret == -EINVAL || ret == -ENOENT || ret == -EEXIST;
}

/* In the blob before is what EBUSY is for: latches and flags of bells are the senders'. */
static bool guest_made(void)
{
	const struct kvm_pvi_state_bell *b;
	u32 i;

	for (i = 0; i < 2; i++) {
		b = record(before, KVM_PVI_STATE_BELL, i, ~0u);
		if (b && (~b->enable || b->ack))
			return true;
	}
	return record(before, KVM_PVI_STATE_PORT, 0, 0) || record(before, KVM_PVI_STATE_MSI, 0, 0) ||
	       record(before, KVM_PVI_STATE_CONFIG, 0, 0);
}

/* Another endpoint, made the same, to which this one's state is moved */
static void check_moves(void)
{
	u32 bytes = get(before);

	world_end(vm);
	make();
	CHECK(!set(before, bytes));
	CHECK(get(after) == bytes && !memcmp(before, after, bytes));
	CHECK(set(before, bytes) == (guest_made() ? -EBUSY : 0));
	CHECK(get(after) == bytes && !memcmp(before, after, bytes));
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	size_t nothing = shim_allocated(), allocated;
	struct input in = { data, size };
	u8 how = take(&in, 1);
	u32 bytes;
	int ret;

	make();
	peer = world_vm(2);
	world_expose(peer, 3, KVM_PVI_GSI_EVENTFD);
	world_allow(peer, vm, 3, 0, 0);
	if (how & 1) {
		build(&in);
	} else {
		length = min(in.left, sizeof(blob));
		memcpy(blob, in.at, length);
	}
	bytes = get(before);
	allocated = shim_allocated();
	shim_fail_alloc(how & 2 ? 1 + take(&in, 1) % 16 : 0);
	ret = set(blob, length);
	CHECK(!ret || documented(ret) || (ret == -ENOMEM && shim_alloc_failed()));
	shim_fail_alloc(0);
	if (ret) {
		CHECK(get(after) == bytes && !memcmp(before, after, bytes));
		/* The table of ports may have grown. */
		CHECK(shim_allocated() <= allocated + 1);
	}
	if (!ret) {
		get(after);
		check_there();
		check_moves();
	}
	world_end(vm);
	world_end(peer);
	while (shim_run_works())
		;
	CHECK(shim_allocated() == nothing);
	return 0;
}
