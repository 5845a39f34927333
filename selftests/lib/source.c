// SPDX-License-Identifier: GPL-2.0
/* kvm-pvi selftests: what sources ring */
#include "pvi_test.h"
#include "source.h"

struct pair pair_create(void)
{
	struct pair p = {
		.rx = pvi_bind(NULL, pvi_uuid[0]),
		.tx = pvi_bind(NULL, pvi_uuid[1]),
		.sink = new_eventfd(),
	};

	pvi_expose(p.rx, SOURCE_GSI, KVM_PVI_GSI_EVENTFD);
	pvi_wire(p.rx, SOURCE_GSI, p.sink);
	pvi_allow(p.rx, pvi_uuid[1], SOURCE_GSI);
	p.port = pvi_connect(p.tx, pvi_uuid[0], SOURCE_GSI);
	return p;
}

u64 accepted(int fd)
{
	struct kvm_pvi_stats stats = pvi_stats(fd);

	return stats.sent.raised + stats.sent.coalesced + stats.sent.latched;
}

u64 dropped(int fd)
{
	return pvi_stats(fd).dropped;
}

void wait_accepted(int fd, u64 count)
{
	if (!wait_until(accepted(fd) + dropped(fd) >= count, 10000))
		TEST_FAIL("%llu signals of %llu were rung", accepted(fd), count);
	ASSERT_EQ(accepted(fd), count);
	ASSERT_EQ(dropped(fd), 0);
}
