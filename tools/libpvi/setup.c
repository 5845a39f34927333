// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* libpvi setup - the messages by which two VMMs say who they are, an extension of vhost-user */
#include <stdbool.h>

#include "internal.h"

#define SETUP_VERSION	1u	/* in the two low bits of the header's flags */

struct setup_header {
	uint32_t request;
	uint32_t flags;
	uint32_t size;
};

_Static_assert(sizeof(struct setup_header) == PVI_SETUP_HEADER, "the header has no holes");
_Static_assert(sizeof(struct pvi_setup) == 64, "the payload has no holes");
_Static_assert(sizeof(struct setup_header) + sizeof(struct pvi_setup) == PVI_SETUP_MAX,
	       "it is the longest one");
_Static_assert(PVI_SETUP_MAX <= sizeof(((struct pvi_setup_reader *)0)->bytes), "it can be received");

/* What follows the header: of a request to GET nothing, of a reply to SET 8 bytes, else a struct pvi_setup */
enum setup_payload { SETUP_NONE, SETUP_RESULT, SETUP_SIDE };

static enum setup_payload setup_payload(uint32_t request, uint32_t flags)
{
	bool is_set = request == PVI_SETUP_SET, is_reply = flags & PVI_SETUP_REPLY;

	if (is_set == is_reply)
		return is_set ? SETUP_RESULT : SETUP_NONE;
	return SETUP_SIDE;
}

static uint32_t setup_size(enum setup_payload payload)
{
	static const uint32_t sizes[] = {
		[SETUP_RESULT] = sizeof(uint64_t),
		[SETUP_SIDE] = sizeof(struct pvi_setup),
	};

	return sizes[payload];
}

/* Nil and max are no names */
static bool setup_uuid_is_name(const unsigned char *uuid)
{
	size_t i;

	if (uuid[0] != 0 && uuid[0] != 0xff)
		return true;
	for (i = 1; i < KVM_PVI_UUID_SIZE; i++)
		if (uuid[i] != uuid[0])
			return true;
	return false;
}

static bool setup_gsi_is_possible(uint32_t gsi)
{
	return gsi < KVM_PVI_GSI_MAX || (gsi >= KVM_PVI_GSI_VIRTUAL && gsi < KVM_PVI_GSI_VIRTUAL_END);
}

static bool setup_is_valid(const struct pvi_setup *setup)
{
	static const struct pvi_setup none;
	uint32_t flags = setup->flags;

	if (memcmp(setup->reserved, none.reserved, sizeof(none.reserved)))
		return false;
	if (flags & ~(PVI_SETUP_GSI | PVI_SETUP_BELL | PVI_SETUP_GRANT) || !setup_uuid_is_name(setup->uuid))
		return false;
	if (!(flags & PVI_SETUP_GSI))
		return !flags && !setup->gsi && !setup->bits;
	return setup_gsi_is_possible(setup->gsi) && !(flags & PVI_SETUP_BELL) == !setup->bits;
}

/* Without the version */
static bool setup_flags_are_valid(uint32_t flags)
{
	return !flags || flags == PVI_SETUP_REPLY || flags == PVI_SETUP_NEED_REPLY;
}

/* With what is not 0 where it means nothing it is none: a caller's mistake shows */
static bool setup_msg_is_valid(const struct pvi_setup_msg *msg)
{
	static const struct pvi_setup_msg none;
	bool empty = !memcmp(&msg->setup, &none.setup, sizeof(none.setup));

	if (memcmp(msg->reserved, none.reserved, sizeof(none.reserved)))
		return false;
	if ((msg->request != PVI_SETUP_GET && msg->request != PVI_SETUP_SET) || !setup_flags_are_valid(msg->flags))
		return false;
	if (msg->result && !(msg->flags & PVI_SETUP_REPLY))
		return false;
	if (setup_payload(msg->request, msg->flags) != SETUP_SIDE || msg->result)
		return empty && msg->grant == -1;
	return setup_is_valid(&msg->setup) && !(msg->setup.flags & PVI_SETUP_GRANT) == (msg->grant < 0);
}

int pvi_setup_encode(const struct pvi_setup_msg *msg, void *bytes, size_t size)
{
	enum setup_payload payload = setup_payload(msg->request, msg->flags);
	struct setup_header header = {
		.request = msg->request,
		.flags = msg->flags | SETUP_VERSION,
		.size = setup_size(payload),
	};

	if (!setup_msg_is_valid(msg))
		return -EINVAL;
	/* Who cannot say who it is says nothing */
	if (payload == SETUP_SIDE && msg->result)
		header.size = 0;
	if (size < sizeof(header) + header.size)
		return -EMSGSIZE;
	memcpy(bytes, &header, sizeof(header));
	memcpy((char *)bytes + sizeof(header),
	       payload == SETUP_RESULT ? (const void *)&msg->result : &msg->setup, header.size);
	return sizeof(header) + header.size;
}

int pvi_setup_length(const void *bytes)
{
	struct setup_header header;
	uint32_t flags;
	bool is_get;

	memcpy(&header, bytes, sizeof(header));
	flags = header.flags & ~SETUP_VERSION;
	is_get = header.request == PVI_SETUP_GET;
	if (!(header.flags & SETUP_VERSION) || !setup_flags_are_valid(flags) ||
	    !(is_get || header.request == PVI_SETUP_SET))
		return -EBADMSG;
	/* Of a back-end that does not say who it is */
	if (is_get && flags == PVI_SETUP_REPLY && !header.size)
		return PVI_SETUP_HEADER;
	return header.size == setup_size(setup_payload(header.request, flags)) ?
		(int)(PVI_SETUP_HEADER + header.size) : -EBADMSG;
}

/* Its bytes are as many as its header says */
static void setup_unpack(struct pvi_setup_msg *msg, const void *bytes)
{
	const char *payload = (const char *)bytes + sizeof(struct setup_header);
	struct setup_header header;

	memset(msg, 0, sizeof(*msg));
	memcpy(&header, bytes, sizeof(header));
	msg->request = header.request;
	msg->flags = header.flags & ~SETUP_VERSION;
	switch (setup_payload(msg->request, msg->flags)) {
	case SETUP_SIDE:
		memcpy(&msg->setup, payload, header.size);
		msg->result = !header.size;
		break;
	case SETUP_RESULT:
		memcpy(&msg->result, payload, header.size);
		break;
	case SETUP_NONE:
		break;
	}
}

int pvi_setup_decode(struct pvi_setup_msg *msg, const void *bytes, size_t length, const int *fds,
		     size_t nr_fds)
{
	size_t i;

	if (nr_fds <= 1 && length >= PVI_SETUP_HEADER && pvi_setup_length(bytes) == (ssize_t)length) {
		setup_unpack(msg, bytes);
		msg->grant = nr_fds ? fds[0] : -1;
		if (setup_msg_is_valid(msg))
			return 0;
	}
	for (i = 0; i < nr_fds; i++)
		close(fds[i]);
	memset(msg, 0, sizeof(*msg));
	msg->grant = -1;
	return -EBADMSG;
}
