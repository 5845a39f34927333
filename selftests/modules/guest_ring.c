// SPDX-License-Identifier: GPL-2.0-only
/* pvi_test_guest ring - rings by name and by number, and handlers */
#include <linux/err.h>
#include <linux/interrupt.h>
#include <linux/kvm_para.h>
#include <linux/notifier.h>

#include "guest.h"

#define UNEXPOSED	0x1ffffu

static const uuid_t nobody = UUID_INIT(0xbadbad00, 0xbad0, 0x4bad, 0x8b, 0xad, 0, 0, 0, 0, 0, 0xff);

void test_host(void)
{
	u64 epoch = 0;

	CHECK_EQ(kvm_pvi_guest_probe(), 0);
	CHECK_EQ(KVM_PVI_FEAT_MAJOR(kvm_pvi_guest_features()), KVM_PVI_ABI_MAJOR);
	CHECK_EQ(kvm_pvi_guest_self(&self, &epoch), 0);
	CHECK(!uuid_is_null(&self));
	CHECK(epoch);
	CHECK_EQ(kvm_pvi_guest_self(NULL, NULL), 0);
}

void test_refused(void)
{
	CHECK_EQ(kvm_pvi_guest_ring(&uuid_null, pin), -EINVAL);
	CHECK_EQ(kvm_pvi_guest_ring(&nobody, pin), -EPERM);
	CHECK_EQ(kvm_pvi_guest_ring(&self, UNEXPOSED), -EPERM);
	CHECK_EQ(kvm_pvi_guest_ring(&self, bell_gsi), -EPERM);
	CHECK_EQ(PTR_ERR(kvm_pvi_guest_connect(&uuid_null, pin)), -EINVAL);
	CHECK_EQ(PTR_ERR(kvm_pvi_guest_connect(&nobody, pin)), -EPERM);
	CHECK_EQ(kvm_pvi_guest_notify(U32_MAX), -ENOENT);
	CHECK_EQ(kvm_pvi_guest_bell_notify(U32_MAX, 1, NULL), -ENOENT);
	CHECK_EQ(request(&a, UNEXPOSED), -ENOENT);
}

static int host_changed(struct notifier_block *nb, unsigned long action, void *data)
{
	return NOTIFY_OK;
}

static void ring_handlers(u32 gsi)
{
	CHECK_RINGS(kvm_pvi_guest_ring(&self, gsi));
	if (!CHECK_EQ(request(&b, gsi), 0))
		return;
	CHECK_EQ(kvm_pvi_guest_handler_irq(&a.handler), kvm_pvi_guest_handler_irq(&b.handler));
	CHECK_RINGS(kvm_pvi_guest_ring(&self, gsi));
	CHECK(was_rung(&b));
	release(&a);
	reinit_completion(&b.rung);
	CHECK_EQ(kvm_pvi_guest_ring(&self, gsi), KVM_PVI_RAISED);
	CHECK(was_rung(&b));
}

/* Without a handler a ring is recorded, and told to the next one. */
static void ring_before_handler(u32 gsi)
{
	release(&b);
	CHECK_EQ(kvm_pvi_guest_ring(&self, gsi), KVM_PVI_LATCHED);
	CHECK_EQ(kvm_pvi_guest_ring(&self, gsi), KVM_PVI_COALESCED);
	CHECK_EQ(request(&a, gsi), 0);
	CHECK(was_rung(&a));
}

/* A disabled interrupt is taken when it is enabled. */
static void ring_disabled(u32 gsi)
{
	int irq = kvm_pvi_guest_handler_irq(&a.handler), nr;

	disable_irq(irq);
	nr = READ_ONCE(a.nr);
	reinit_completion(&a.rung);
	CHECK(kvm_pvi_guest_ring(&self, gsi) >= 0);
	CHECK(kvm_pvi_guest_ring(&self, gsi) >= 0);
	CHECK_EQ(READ_ONCE(a.nr), nr);
	enable_irq(irq);
	CHECK(was_rung(&a));
}

static void test_gsi(u32 gsi)
{
	if (!CHECK_EQ(request(&a, gsi), 0))
		return;
	CHECK(kvm_pvi_guest_handler_irq(&a.handler) > 0);
	ring_handlers(gsi);
	ring_before_handler(gsi);
	if (a.live)
		ring_disabled(gsi);
	release(&a);
}

void test_pin(void)
{
	test_gsi(pin);
}

void test_msi(void)
{
	test_gsi(msi);
}

/* Who wants to be alone with a GSI is it, or is refused. */
void test_exclusive(void)
{
	struct notifier_block nb = { .notifier_call = host_changed };

	if (!CHECK_EQ(kvm_pvi_guest_request_exclusive(&a.handler, msi), 0))
		return;
	CHECK_EQ(request(&b, msi), -EBUSY);
	CHECK_EQ(kvm_pvi_guest_request_exclusive(&b.handler, msi), -EBUSY);
	CHECK_RINGS(kvm_pvi_guest_ring(&self, msi));
	kvm_pvi_guest_release(&a.handler);
	CHECK_EQ(request(&b, msi), 0);
	CHECK_EQ(kvm_pvi_guest_request_exclusive(&a.handler, msi), -EBUSY);
	release(&b);
	CHECK_EQ(kvm_pvi_guest_watch_host(&nb), 0);
	kvm_pvi_guest_unwatch_host(&nb);
}

void test_connection(void)
{
	struct kvm_pvi_status word = { .pending = 1 };
	struct kvm_pvi_guest_link *link = connect(msi);

	if (!link)
		return;
	CHECK_RINGS(kvm_pvi_guest_link_ring(link));
	CHECK_EQ(kvm_pvi_guest_link_ring_status(link, &word), KVM_PVI_COALESCED);
	CHECK_EQ(kvm_pvi_status_take(&word), 1);
	CHECK_RINGS(kvm_pvi_guest_link_ring_status(link, &word));
	CHECK_EQ(kvm_pvi_guest_bell_send(link, 1, NULL), -EINVAL);
	/* The host closes it, and cares for the word no more: whatever that says, nobody is due to look. */
	CHECK_EQ(kvm_hypercall4(KVM_HC_PVI_DISCONNECT, number_of(link), 0, 0, 0), 0);
	CHECK_EQ(kvm_pvi_guest_link_ring(link), -ENXIO);
	word.pending = 1;
	CHECK_EQ(kvm_pvi_guest_link_ring_status(link, &word), -ENXIO);
	disconnect(link);
}

/* A port of the VMM's is as good as one of a connection: ring that. */
void test_notify(void)
{
	struct kvm_pvi_guest_link *link = connect(msi);
	u32 port;

	if (!link)
		return;
	port = number_of(link);
	CHECK_RINGS(kvm_pvi_guest_notify(port));
	disconnect(link);
	CHECK_EQ(kvm_pvi_guest_notify(port), -ENOENT);
}
