// SPDX-License-Identifier: GPL-2.0
/* kvm-pvi selftests: saved states, read and written */
#include <string.h>

#include "pvi.h"
#include "state.h"

int __state_get(int fd, u32 flags, struct blob *blob)
{
	struct kvm_pvi_state arg = {
		.size = sizeof(arg), .flags = flags,
		.address = (u64)blob->bytes, .length = sizeof(blob->bytes),
	};
	int ret;

	memset(blob, 0, sizeof(*blob));
	ret = __pvi_ioctl(fd, KVM_PVI_GET_STATE, &arg);
	blob->length = arg.length;
	return ret;
}

int __state_set(int fd, const struct blob *blob)
{
	struct kvm_pvi_state arg = {
		.size = sizeof(arg), .address = (u64)blob->bytes, .length = blob->length,
	};

	return __pvi_ioctl(fd, KVM_PVI_SET_STATE, &arg);
}

void state_freeze(int fd, struct blob *blob)
{
	ASSERT_EQ(__state_get(fd, KVM_PVI_STATE_FREEZE, blob), 0);
}

void state_thaw(int fd)
{
	struct kvm_pvi_thaw arg = { .size = sizeof(arg) };

	pvi_ioctl(fd, KVM_PVI_THAW, &arg);
}

void blob_start(struct blob *blob)
{
	memset(blob, 0, sizeof(*blob));
	blob->header.magic = KVM_PVI_STATE_MAGIC;
	blob->header.version = KVM_PVI_STATE_VERSION;
	blob->header.length = sizeof(blob->header);
	blob->length = sizeof(blob->header);
}

void blob_append(struct blob *blob, const void *bytes, u32 length)
{
	ASSERT_LE(blob->length + length, sizeof(blob->bytes));
	memcpy(blob->bytes + blob->length, bytes, length);
	blob->length += length;
	blob->header.length = blob->length;
}

void blob_section(struct blob *blob, u32 type, const void *records, u32 size, u32 nr)
{
	struct kvm_pvi_state_section head = { .type = type, .size = size, .nr = nr };

	blob_append(blob, &head, sizeof(head));
	blob_append(blob, records, size * nr);
	blob->header.sections++;
}

struct kvm_pvi_state_port port_record(u32 port, const u8 *uuid, u32 gsi)
{
	struct kvm_pvi_state_port r = { .port = port, .gsi = gsi };

	memcpy(r.uuid, uuid, sizeof(r.uuid));
	return r;
}

/* The records of a section, and how many; NULL and 0 if there is none */
const void *blob_records(const struct blob *blob, u32 type, u32 *nr)
{
	const struct kvm_pvi_state_section *s = (void *)(blob->bytes + sizeof(blob->header));
	u32 i;

	*nr = 0;
	for (i = 0; i < blob->header.sections; i++) {
		if (s->type == type) {
			*nr = s->nr;
			return s + 1;
		}
		s = (void *)(s + 1) + s->nr * s->size;
	}
	return NULL;
}

void blob_expect_same(const struct blob *a, const struct blob *b)
{
	ASSERT_EQ(a->length, b->length);
	ASSERT_TRUE(!memcmp(a->bytes, b->bytes, a->length));
}

int state_receiver(const u8 *uuid, const u8 *sender, int sink)
{
	int fd = pvi_bind(NULL, uuid);

	pvi_expose(fd, STATE_GSI, KVM_PVI_GSI_EVENTFD);
	if (sink >= 0)
		pvi_wire(fd, STATE_GSI, sink);
	pvi_allow(fd, sender, STATE_GSI);
	return fd;
}

s64 state_connect(int fd, const u8 *uuid)
{
	return pvi_call(fd, KVM_HC_PVI_CONNECT, (u64)uuid, STATE_GSI, 0, 0);
}
