// SPDX-License-Identifier: GPL-2.0
/*
 * One ring after the other: protocol.md's steps 2 to 7, each verdict as they say, and what is refused changes
 * nothing. Orders of several at once are for orders.c.
 */
#include "chan.h"

static bool frozen, limited;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	world_init();
	shim_user_set(NULL, SIZE_MAX);
	return 0;
}

struct seen {
	u64 interrupts, rings, count;
	u32 pending, latched;
};

static struct seen look(void)
{
	return (struct seen){ chan.interrupts, chan.g->rings.counter, chan.word ? chan.word->count : 0,
			      chan.word ? chan.word->pending : 0, chan_latched() };
}

/* What is rung now: not frozen, and there are tokens */
static int verdict(const struct seen *before)
{
	if (before->pending && !before->latched)
		return KVM_PVI_COALESCED;
	if (chan_deliverable())
		return KVM_PVI_RAISED;
	return before->latched ? KVM_PVI_COALESCED : KVM_PVI_LATCHED;
}

static void ring(u32 sender)
{
	struct seen before = look(), after;
	u64 skipped = chan.skipped;
	int ret;

	ret = chan_ring(sender);
	after = look();
	if (chan.skipped > skipped)
		return;
	if (ret == -EAGAIN) {
		CHECK(frozen || limited);
		CHECK(!limited || frozen || !before.pending || before.latched);
		CHECK(!memcmp(&before, &after, sizeof(before)));
		return;
	}
	CHECK(!frozen && ret == verdict(&before));
	CHECK(after.rings == before.rings + 1 && after.interrupts == before.interrupts + (ret == KVM_PVI_RAISED));
	CHECK(after.latched == (ret != KVM_PVI_RAISED && (before.latched || ret == KVM_PVI_LATCHED)));
	CHECK(!chan.word || (after.pending && after.count == before.count + 1));
}

static void freeze(bool on)
{
	static u8 blob[PAGE_SIZE];
	struct kvm_pvi_state s = { .size = sizeof(s), .flags = KVM_PVI_STATE_FREEZE,
				   .address = (u64)(uintptr_t)blob, .length = sizeof(blob) };
	struct kvm_pvi_thaw t = { .size = sizeof(t) };

	if (on)
		CHECK(!world_call(pvi_state_get, chan.to, &s, sizeof(s)));
	else
		CHECK(!world_call(pvi_state_thaw, chan.to, &t, sizeof(t)));
	frozen = on;
}

static void limit(u32 sender, u32 rate)
{
	struct kvm_pvi_allow a = { .size = sizeof(a), .gsi = chan.g->gsi, .rate = rate, .burst = rate ? 2 : 0 };

	export_uuid(a.uuid, &chan.from[sender]->uuid);
	CHECK(!world_call(pvi_acl_allow, chan.to, &a, sizeof(a)));
	limited |= rate;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t length)
{
	size_t allocated = shim_allocated();
	struct input in = { data, length };
	u8 how = take(&in, 1);

	frozen = limited = false;
	chan_make(how % 3, how & 8);
	while (in.left) {
		u8 what = take(&in, 1);

		switch (what % 12) {
		case 0:
			freeze(what & 0x40);
			break;
		case 1:
			limit(what / 12 % CHAN_SENDERS, what & 0x40 ? 1000 : 0);
			break;
		case 2:
			shim_now += what * 10000;
			break;
		case 3:
			chan_status(!chan.word);
			break;
		case 4:
		case 5:
			chan_spoil(what / 12);
			break;
		case 6:
			chan_mend();
			break;
		case 7:
			chan_handle();
			break;
		case 8:
			shim_run_works();
			break;
		default:
			ring(what / 12 % CHAN_SENDERS);
		}
		/* What nobody will come to pay the work tries again. */
		CHECK(chan.kind == KVM_PVI_GSI_EVENTFD || !pvi_gsi_wired(chan.g) || frozen || !chan_latched() ||
		      chan.g->retry.work.pending);
		shim_idle();
	}
	freeze(false);
	chan_check();
	chan_end();
	CHECK(shim_allocated() == allocated);
	return 0;
}
