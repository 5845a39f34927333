// SPDX-License-Identifier: GPL-2.0
/*
 * Bells as the header of the UAPI has them (DOC: Bells): a model of three words says what each call answers and
 * whether the GSI is raised.
 */
#include "bell_call.h"
#include "call.h"
#include "hypercall.h"
#include "world.h"

#define GSI		5
#define NUMBER		3
#define GRANTED		0xf0f0ffff0000ffffULL

static struct pvi_vm *to, *from;
static struct eventfd_ctx *line;
static u64 flags, enable, ack;
static u32 port;

/* What a guest is told that there is, which RBX comes back to, or not */
static void check_features(bool rbx)
{
	struct pvi_call c = { .vm = to, .rbx_returned = rbx, .nr = KVM_HC_PVI_FEATURES - KVM_HC_PVI_BASE };
	s64 ret;

	CHECK(pvi_hypercall_serve(&c, &ret) && ret & KVM_PVI_FEAT_BELL);
	CHECK(!(ret & KVM_PVI_FEAT_RBX) == !rbx);
	shim_idle();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct kvm_pvi_bell bell = { .size = sizeof(bell), .bell = NUMBER, .gsi = GSI };
	struct kvm_pvi_wire wire = { .size = sizeof(wire), .gsi = GSI, .fd = WORLD_FD };
	struct kvm_pvi_connect c = { .size = sizeof(c), .gsi = GSI, .port = KVM_PVI_PORT_ANY };

	world_init();
	to = world_vm(1);
	from = world_vm(2);
	world_expose(to, GSI, KVM_PVI_GSI_EVENTFD);
	CHECK(!world_call(pvi_bell_create, to, &bell, sizeof(bell)));
	CHECK(world_call(pvi_bell_create, to, &bell, sizeof(bell)) == -EEXIST);
	CHECK(!world_call(pvi_expose_wire, to, &wire, sizeof(wire)));
	world_allow(to, from, NUMBER, KVM_PVI_ALLOW_BELL, GRANTED);
	export_uuid(c.uuid, &to->uuid);
	shim_user_set(NULL, SIZE_MAX);
	CHECK(!world_call(pvi_connect, from, &c, sizeof(c)));
	port = c.port;
	line = &world_eventfds[0];
	check_features(true);
	check_features(false);
	return 0;
}

static bool up(void)
{
	return flags & enable;
}

/* Where a guest's registers are encrypted RBX does not come back. */
static bool returned;

static struct pvi_call call_of(struct pvi_vm *vm, bool wide, u64 first, u64 second, u64 third, u64 bank)
{
	return (struct pvi_call){ .vm = vm, .wide = wide, .rbx_returned = returned,
				  .args = { first, second, third, bank } };
}

static s64 serve(s64 (*fn)(struct pvi_call *c), struct pvi_call *c)
{
	s64 ret;

	rcu_read_lock();
	ret = fn(c);
	rcu_read_unlock();
	shim_idle();
	return ret;
}

/* What a guest of 32 bits has in its registers means a half. */
static u64 shifted(bool wide, u64 bank, u64 value)
{
	return wide ? value : value << 32 * (bank & 1);
}

static void send(bool wide, u64 bank, u64 value)
{
	struct pvi_call c = call_of(from, wide, port, value, bank, 0);
	u64 new = shifted(wide, bank, value), old = flags, before = line->count;
	s64 ret = serve(pvi_bell_call_send, &c);

	if (!value || bank > !wide) {
		CHECK(ret == -EINVAL && line->count == before);
		return;
	}
	if (new & ~GRANTED) {
		CHECK(ret == -EPERM && line->count == before);
		return;
	}
	flags |= new;
	CHECK(ret == (new & ~old & enable ? KVM_PVI_RAISED : KVM_PVI_COALESCED));
	CHECK(line->count == before + (ret == KVM_PVI_RAISED));
	CHECK(c.rbx == (old & GRANTED) >> (wide ? 0 : 32 * bank));
	if (up())
		flags &= ~ack;
}

/* Another sender, who may set others: this one is not to see them. */
static void send_all(u64 new)
{
	u64 old;
	bool raise;

	rcu_read_lock();
	raise = pvi_bell_send(pvi_bell_find(to, NUMBER), new, &old);
	rcu_read_unlock();
	CHECK(old == flags && raise == !!(new & ~old & enable));
	flags |= new;
	if (up())
		flags &= ~ack;
}

static void receive(bool wide, u64 bank, u64 value)
{
	struct pvi_call c = call_of(to, wide, NUMBER, value, bank, 0);
	u64 before = line->count;
	s64 ret = serve(pvi_bell_call_receive, &c);

	/* The guest would not know which flags it has cleared. */
	if (!returned) {
		CHECK(ret == -EOPNOTSUPP && !c.rbx && line->count == before);
		return;
	}
	if (!value || bank > !wide) {
		CHECK(ret == -EINVAL && line->count == before);
		return;
	}
	CHECK(!ret && c.rbx == flags >> (wide ? 0 : 32 * bank));
	flags &= ~shifted(wide, bank, value);
	CHECK(line->count == before + up());
}

static void mask(bool wide, u64 bank, u64 new_enable, u64 new_ack)
{
	struct pvi_call c = call_of(to, wide, NUMBER, new_enable, new_ack, bank);
	u64 covered = wide ? ~0ULL : 0xffffffffULL << 32 * (bank & 1), before = line->count;
	bool was = up();
	s64 ret = serve(pvi_bell_call_mask, &c);

	if (bank > !wide) {
		CHECK(ret == -EINVAL && line->count == before);
		return;
	}
	CHECK(!ret);
	enable = (enable & ~covered) | shifted(wide, bank, new_enable);
	ack = (ack & ~covered) | shifted(wide, bank, new_ack);
	CHECK(line->count == before + (up() && !was));
	if (up())
		flags &= ~ack;
}

static void reset(void)
{
	struct pvi_call c = call_of(to, true, NUMBER, 0, 0, 0);

	CHECK(!serve(pvi_bell_call_reset, &c));
	flags = ack = 0;
	enable = ~0ULL;
}

/* Another bell, restored to what this one is, is the same. */
static void check_same(void)
{
	struct pvi_gsi g = { };
	struct pvi_bell b = { .gsi = &g, .number = NUMBER, .enable = ~0ULL };
	struct kvm_pvi_state_bell mine, other;
	bool made = pvi_bell_save(pvi_bell_find(to, NUMBER), &mine);

	CHECK(mine.flags == flags && mine.enable == enable && mine.ack == ack && mine.bell == NUMBER);
	CHECK(made == (flags || ~enable || ack));
	pvi_bell_restore(&b, &mine);
	pvi_bell_save(&b, &other);
	CHECK(!memcmp(&mine, &other, sizeof(mine)));
}

/* Few flags, so that they meet */
static u64 word(struct input *in, bool wide)
{
	static const u64 words[] = { 0, 1, 2, 3, 0x8000, 0x10000, 0xffff0000, 0xffffffff,
				     1ULL << 63, 0xf000000000000001ULL, ~0ULL };
	u8 n = take(in, 1);
	u64 value = n < 200 ? words[n % ARRAY_SIZE(words)] : take(in, 8);

	return wide ? value : (u32)value;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t length)
{
	struct input in = { data, length };

	reset();
	while (in.left) {
		u8 what = take(&in, 1);
		bool wide = what & 0x40;
		u64 bank = what & 0x20 ? take(&in, 1) % 3 : 0, value = word(&in, wide);

		returned = !(what & 0x08);
		if (!wide && bank == 1 && (what & 0x80))
			value &= 0xf0f0ffff;
		switch (what % 4) {
		case 0:
			send(wide, bank, what & 0x10 ? value & GRANTED : value);
			break;
		case 1:
			receive(wide, bank, value);
			break;
		case 2:
			mask(wide, bank, value, word(&in, wide));
			break;
		case 3:
			if (what & 0x10)
				reset();
			else if (value)
				send_all(value);
			break;
		}
		check_same();
	}
	return 0;
}
