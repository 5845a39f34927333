// SPDX-License-Identifier: GPL-2.0
/* kvm-pvi selftests: many endpoints of host processes, who sees whom, what they are told */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "host.h"
#include "peers.h"

#define EVENT_DEADLINE_MS 5000

int pvi_bind_epoch(const u8 *uuid, u64 *epoch)
{
	struct kvm_pvi_bind bind = {
		.size = sizeof(bind),
		.flags = KVM_PVI_BIND_HOST,
		.vm_fd = -1,
	};
	int fd = pvi_open();

	memcpy(bind.uuid, uuid, sizeof(bind.uuid));
	pvi_ioctl(fd, KVM_PVI_BIND, &bind);
	*epoch = bind.epoch;
	return fd;
}

int pvi_receiver(const u8 *uuid, u32 gsi, const u8 *sender, int *eventfd)
{
	int fd = pvi_bind(NULL, uuid);

	*eventfd = new_eventfd();
	pvi_expose(fd, gsi, KVM_PVI_GSI_EVENTFD);
	pvi_wire(fd, gsi, *eventfd);
	pvi_allow(fd, sender, gsi);
	return fd;
}

static int allow(int fd, const u8 *sender, struct kvm_pvi_allow allow)
{
	allow.size = sizeof(allow);
	memcpy(allow.uuid, sender, sizeof(allow.uuid));
	return __pvi_ioctl(fd, KVM_PVI_ALLOW, &allow);
}

int __pvi_allow_owner(int fd, const u8 *sender, u32 gsi, u32 owner)
{
	return allow(fd, sender, (struct kvm_pvi_allow){
		.flags = KVM_PVI_ALLOW_OWNER,
		.gsi = gsi,
		.owner = owner,
	});
}

void pvi_allow_rate(int fd, const u8 *sender, u32 gsi, u32 rate, u32 burst)
{
	ASSERT_EQ(allow(fd, sender, (struct kvm_pvi_allow){
		.gsi = gsi,
		.rate = rate,
		.burst = burst,
	}), 0);
}

s64 pvi_peers(int fd, struct kvm_pvi_peer *peers, u32 nr, u64 first)
{
	return pvi_call(fd, KVM_HC_PVI_PEERS, (u64)peers, nr * sizeof(*peers), first, 0);
}

static struct kvm_pvi_event read_event(int fd)
{
	struct kvm_pvi_event event;

	ASSERT_EQ(read(fd, &event, sizeof(event)), sizeof(event));
	return event;
}

u32 pvi_expect_event(int fd, u32 type, const u8 *uuid, u64 epoch)
{
	struct kvm_pvi_event event;

	if (!wait_readable(fd, EVENT_DEADLINE_MS))
		TEST_FAIL("no event, not of type %u", type);
	event = read_event(fd);
	ASSERT_EQ(event.type, type);
	ASSERT_EQ(memcmp(event.uuid, uuid, sizeof(event.uuid)), 0);
	ASSERT_EQ(event.epoch, epoch);
	return event.lost;
}

static bool has_event(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	return poll(&pfd, 1, 0) && (pfd.revents & POLLIN);
}

void pvi_expect_no_event(int fd)
{
	if (has_event(fd))
		TEST_FAIL("an event of type %u that should not be", read_event(fd).type);
}

u32 pvi_drop_events(int fd)
{
	u32 nr;

	for (nr = 0; has_event(fd); nr++)
		read_event(fd);
	return nr;
}
