// SPDX-License-Identifier: GPL-2.0
/* kvm-pvi selftests: a bell between two host processes, whose raises can be counted */
#include "pvi_test.h"
#include "bell.h"

struct bell_pair bell;

s64 bell_op(enum op op, u64 a, u64 b, u64 *rbx)
{
	*rbx = 0;
	switch (op) {
	case SEND:
		return pvi_call_rbx(bell.tx, KVM_HC_BELL_SEND, bell.port, a, 0, 0, rbx);
	case RECEIVE:
		return pvi_call_rbx(bell.rx, KVM_HC_BELL_RECEIVE, BELL, a, 0, 0, rbx);
	case MASK:
		return pvi_call_rbx(bell.rx, KVM_HC_BELL_MASK, BELL, a, b, 0, rbx);
	case RESET:
		return pvi_call_rbx(bell.rx, KVM_HC_BELL_RESET, BELL, 0, 0, 0, rbx);
	}
	return -1;
}

s64 bell_send(u64 flags)
{
	u64 rbx;

	return bell_op(SEND, flags, 0, &rbx);
}

u64 bell_receive(u64 flags)
{
	u64 rbx;

	ASSERT_EQ(bell_op(RECEIVE, flags, 0, &rbx), 0);
	return rbx;
}

void bell_mask(u64 enable, u64 ack)
{
	u64 rbx;

	ASSERT_EQ(bell_op(MASK, enable, ack, &rbx), 0);
}

void bell_make(u64 bits)
{
	bell.rx = pvi_bind(NULL, pvi_uuid[0]);
	bell.tx = pvi_bind(NULL, pvi_uuid[1]);
	bell.efd = new_eventfd();
	pvi_expose(bell.rx, GSI, KVM_PVI_GSI_EVENTFD);
	pvi_wire(bell.rx, GSI, bell.efd);
	pvi_bell(bell.rx, BELL, GSI);
	pvi_allow_bell(bell.rx, pvi_uuid[1], BELL, bits);
	bell.port = pvi_connect(bell.tx, pvi_uuid[0], GSI);
}

struct state bell_state(void)
{
	unsigned long long flags, enable, ack;
	char path[64], line[256];
	bool found = false;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", bell.rx);
	file = fopen(path, "r");
	ASSERT_TRUE(file);
	while (!found && fgets(line, sizeof(line), file))
		found = sscanf(line, "pvi-bell: 7 gsi 33 flags %llx enable %llx ack %llx", &flags,
			       &enable, &ack) == 3;
	fclose(file);
	ASSERT_TRUE(found);
	return (struct state){ flags, enable, ack };
}

void bell_set_state(struct state s)
{
	bell_mask(0, 0);
	bell_receive(ALL);
	if (s.flags)
		ASSERT_EQ(bell_send(s.flags), KVM_PVI_COALESCED);
	bell_mask(s.enable, s.ack);
	read_eventfd(bell.efd);
}

