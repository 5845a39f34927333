// SPDX-License-Identifier: GPL-2.0-only
/* pvi_test_guest bell - flags, and peers that come and go */
#include <linux/notifier.h>

#include "guest.h"

#define GRANTED		0x3ull

static void bell_refused(struct kvm_pvi_guest_link *link)
{
	u64 old;

	CHECK_EQ(kvm_pvi_guest_link_ring(link), -EINVAL);
	CHECK_EQ(kvm_pvi_guest_bell_send(link, 0, NULL), -EINVAL);
	CHECK_EQ(kvm_pvi_guest_bell_send(link, ~GRANTED, NULL), -EPERM);
	CHECK_EQ(kvm_pvi_guest_bell_receive(bell, 0, &old), -EINVAL);
	CHECK_EQ(kvm_pvi_guest_bell_receive(U32_MAX, 1, &old), -ENOENT);
	CHECK_EQ(kvm_pvi_guest_bell_mask(U32_MAX, 1, 0), -ENOENT);
	CHECK_EQ(kvm_pvi_guest_bell_reset(U32_MAX), -ENOENT);
}

static void bell_flags(struct kvm_pvi_guest_link *link)
{
	u64 old = ~0ull;

	CHECK_RINGS(kvm_pvi_guest_bell_send(link, 1, &old));
	CHECK_EQ(old, 0);
	CHECK_RINGS(kvm_pvi_guest_bell_send(link, 2, &old));
	CHECK_EQ(old, 1);
	CHECK_EQ(kvm_pvi_guest_bell_send(link, 2, &old), KVM_PVI_COALESCED);
	CHECK_EQ(old, 3);
	/* One that is left interrupts again. */
	CHECK_RINGS(kvm_pvi_guest_bell_receive(bell, 1, &old));
	CHECK_EQ(old, 3);
	CHECK_EQ(kvm_pvi_guest_bell_receive(bell, ~0ull, &old), 0);
	CHECK_EQ(old, 2);
}

static void bell_mask(struct kvm_pvi_guest_link *link)
{
	u64 old;

	CHECK_EQ(kvm_pvi_guest_bell_mask(bell, 2, 2), 0);
	CHECK_EQ(kvm_pvi_guest_bell_send(link, 1, NULL), KVM_PVI_COALESCED);
	CHECK_RINGS(kvm_pvi_guest_bell_send(link, 2, NULL));
	CHECK_EQ(kvm_pvi_guest_bell_receive(bell, 4, NULL), 0);
	CHECK_EQ(kvm_pvi_guest_bell_receive(bell, 4, &old), 0);
	CHECK_EQ(old, 1);
	CHECK_EQ(kvm_pvi_guest_bell_reset(bell), 0);
	CHECK_EQ(kvm_pvi_guest_bell_receive(bell, 1, &old), 0);
	CHECK_EQ(old, 0);
}

/* As test_notify() */
static void bell_notify(struct kvm_pvi_guest_link *link)
{
	u64 old = ~0ull;

	CHECK_RINGS(kvm_pvi_guest_bell_notify(number_of(link), 1, &old));
	CHECK_EQ(old, 0);
	CHECK_EQ(kvm_pvi_guest_bell_reset(bell), 0);
}

void test_bell(void)
{
	struct kvm_pvi_guest_link *link = connect(bell_gsi);

	if (!link)
		return;
	bell_refused(link);
	bell_flags(link);
	bell_mask(link);
	bell_notify(link);
	disconnect(link);
}

static DECLARE_COMPLETION(changed);

static int change(struct notifier_block *nb, unsigned long action, void *data)
{
	complete(&changed);
	return NOTIFY_OK;
}

static void peers_list(void)
{
	static struct kvm_pvi_peer peers[KVM_PVI_PEERS_MAX];
	int i, nr = kvm_pvi_guest_peers(0, peers, ARRAY_SIZE(peers));

	CHECK_EQ(kvm_pvi_guest_peers(0, peers, 0), -EINVAL);
	if (!CHECK(nr > 0))
		return;
	for (i = 0; i < nr && memcmp(peers[i].uuid, &self, sizeof(self)); i++)
		;
	CHECK(i < nr);
	CHECK_EQ(kvm_pvi_guest_peers(peers[nr - 1].position + 1, peers, 1), 0);
}

/* The interrupt that tells of peers is that of the last GSI, whichever that is. */
static void peers_watch(struct kvm_pvi_guest_link *link)
{
	struct notifier_block one = { .notifier_call = change }, two = one;

	if (!CHECK_EQ(kvm_pvi_guest_watch(&one), 0))
		return;
	CHECK_EQ(kvm_pvi_guest_watch(&two), 0);
	kvm_pvi_guest_unwatch(&one);
	CHECK_RINGS(kvm_pvi_guest_bell_send(link, 1, NULL));
	CHECK(kvm_pvi_guest_ring(&self, msi) >= 0);
	CHECK(wait_for_completion_timeout(&changed, DEADLINE));
	kvm_pvi_guest_unwatch(&two);
	CHECK_EQ(kvm_pvi_guest_bell_reset(bell), 0);
}

void test_peers(void)
{
	struct kvm_pvi_guest_link *link = connect(bell_gsi);

	if (!link)
		return;
	peers_list();
	peers_watch(link);
	disconnect(link);
}
