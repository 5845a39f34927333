// SPDX-License-Identifier: GPL-2.0
/* What chan.h declares. */
#include "chan.h"

struct chan chan;

static union {
	u8 bytes[PAGE_SIZE];
	struct kvm_pvi_status word;
} memory __aligned(4096);
static struct super_block sb = { TMPFS_MAGIC };
static struct inode inode = { .i_mode = S_IFREG, .i_sb = &sb, .size = PAGE_SIZE };
static struct file file = { .inode = &inode };
static struct vm_area_struct vma = { PAGE_SIZE, 2 * PAGE_SIZE, 0, VM_WRITE | VM_SHARED, &file };
static struct page page = { memory.bytes, 1 };
static struct mm_struct mm = { .vma = &vma, .page = &page };

static void interrupt(void)
{
	shim_add(&chan.interrupts, 1);
	WRITE_ONCE(chan.irq, true);
}

static void woken(struct eventfd_ctx *ctx)
{
	interrupt();
}

static u32 gsi_of(u32 kind)
{
	return kind == KVM_PVI_GSI_MSI ? KVM_PVI_GSI_VIRTUAL : 5;
}

static void wire(bool on)
{
	struct kvm_pvi_wire w = { .size = sizeof(w), .gsi = chan.g->gsi, .fd = WORLD_FD };
	struct kvm_pvi_gsi u = { .size = sizeof(u), .gsi = chan.g->gsi };

	CHECK(!(on ? pvi_expose_wire(chan.to, &w) : pvi_expose_unwire(chan.to, &u)));
}

void chan_status(bool on)
{
	struct kvm_pvi_set_status s = { .size = sizeof(s), .flags = KVM_PVI_STATUS_UNSEALED, .gsi = chan.g->gsi,
					.memfd = 3, .address = PAGE_SIZE };
	struct kvm_pvi_gsi u = { .size = sizeof(u), .gsi = chan.g->gsi };

	shim_file = &file;
	shim_task.mm = &mm;
	shim_memlock = PAGE_SIZE;
	CHECK(!(on ? pvi_status_create(chan.to, &s) : pvi_status_drop(chan.to, &u)));
	chan.word = on ? &memory.word : NULL;
	/* A receiver arms, and makes a pass unasked. */
	chan_kick();
	interrupt();
}

void chan_make(u32 kind, bool word)
{
	u32 i;

	memset(&chan, 0, sizeof(chan));
	world_irqchip = 1;
	world_handler = interrupt;
	world_eventfds[0].wake = woken;
	chan.kind = kind;
	chan.to = world_vm(1);
	chan.g = world_expose(chan.to, gsi_of(kind), kind);
	for (i = 0; i < CHAN_SENDERS; i++) {
		struct kvm_pvi_connect c = { .size = sizeof(c), .gsi = chan.g->gsi, .port = KVM_PVI_PORT_ANY };

		chan.from[i] = world_vm(2 + i);
		world_allow(chan.to, chan.from[i], chan.g->gsi, 0, 0);
		export_uuid(c.uuid, &chan.to->uuid);
		CHECK(!world_call(pvi_connect, chan.from[i], &c, sizeof(c)));
		chan.port[i] = c.port;
	}
	if (word)
		chan_status(true);
	chan_mend();
}

void chan_end(void)
{
	u32 i;

	for (i = 0; i < CHAN_SENDERS; i++)
		world_end(chan.from[i]);
	world_end(chan.to);
	CHECK(!page.pins && !mm.references && !mm.pinned_vm.counter);
}

bool chan_latched(void)
{
	return pvi_gsi_state(chan.g) & KVM_PVI_GSI_LATCHED;
}

bool chan_deliverable(void)
{
	return pvi_gsi_wired(chan.g) && (chan.kind == KVM_PVI_GSI_EVENTFD || READ_ONCE(world_irqchip) > 0);
}

/* An odd sender has no port. */
static int ring(u32 sender)
{
	struct pvi_vm *from = chan.from[sender];
	int ret;

	rcu_read_lock();
	ret = sender & 1 ? pvi_ring_uuid(from, pvi_words_of(&chan.to->uuid), chan.g->gsi) :
			   pvi_ring_port(from, chan.port[sender]);
	rcu_read_unlock();
	return ret;
}

/* The first sender does not look at the word. */
int chan_ring(u32 sender)
{
	u64 mine = chan.written[sender] + 1;
	struct kvm_pvi_status *word = chan.word;
	int ret;

	/* Pairs with chan_handle(). */
	smp_store_release(&chan.written[sender], mine);
	/* Data before the word; pairs with its exchange in chan_handle(). */
	smp_mb();
	/* The guest's exchange follows it. */
	if (word && sender && smp_load_acquire(&word->pending)) {
		shim_add(&chan.skipped, 1);
		ret = KVM_PVI_COALESCED;
	} else {
		ret = ring(sender);
	}
	if (ret >= 0)
		chan.accepted[sender] = mine;
	if (ret == KVM_PVI_LATCHED)
		shim_add(&chan.latched, 1);
	return ret;
}

void chan_spoil(u32 how)
{
	static const int answers[] = { 0, -1, -EWOULDBLOCK };

	if (chan.kind == KVM_PVI_GSI_EVENTFD)
		wire(false);
	else if (chan.kind == KVM_PVI_GSI_MSI && how & 4)
		pvi_msi_set(chan.g, 0, 0);
	else
		WRITE_ONCE(world_irqchip, answers[how % ARRAY_SIZE(answers)]);
}

void chan_kick(void)
{
	struct kvm_pvi_gsi u = { .size = sizeof(u), .gsi = chan.g->gsi };

	CHECK(!pvi_expose_kick(chan.to, &u));
}

void chan_mend(void)
{
	WRITE_ONCE(world_irqchip, 1);
	if (chan.kind == KVM_PVI_GSI_MSI)
		pvi_msi_set(chan.g, 0xfee00000, 0x40);
	if (chan.kind == KVM_PVI_GSI_EVENTFD)
		wire(true);
	else
		chan_kick();
}

bool chan_handle(void)
{
	u32 i;

	if (!xchg(&chan.irq, false))
		return false;
	if (chan.word)
		xchg(&chan.word->pending, 0);
	for (i = 0; i < CHAN_SENDERS; i++) {
		/* Pairs with chan_ring(). */
		chan.seen[i] = smp_load_acquire(&chan.written[i]);
	}
	return true;
}

void chan_check(void)
{
	u32 i;

	/* Where it can be delivered already nobody comes to pay, but the works. */
	if (!chan_deliverable())
		chan_mend();
	while (shim_run_works())
		;
	while (chan_handle())
		;
	for (i = 0; i < CHAN_SENDERS; i++)
		CHECK(chan.seen[i] >= chan.accepted[i]);
	CHECK(!chan_latched());
	/* Who is told that it was the first was: between two of them somebody was paid. */
	CHECK(chan.latched <= 1 + chan.interrupts);
}
