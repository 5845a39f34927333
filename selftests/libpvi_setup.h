/* SPDX-License-Identifier: GPL-2.0 */
/* kvm-pvi selftests: messages of the set-up phase, their bytes written down once more */
#ifndef PVI_TEST_LIBPVI_SETUP_H
#define PVI_TEST_LIBPVI_SETUP_H

#include "libpvi_lib.h"

#define LENGTH		76u
#define HEADER		12u
#define TIMEOUT		60000u

/* A front-end with a virtual GSI, without a grant. The last 32 bytes are 0 in all of them */
static const u8 set_bytes[LENGTH] = {
	0x02, 0x49, 0x56, 0x50,			/* request */
	0x09, 0, 0, 0,				/* version 1, need_reply */
	64, 0, 0, 0,				/* size */
	0x01, 0, 0, 0,				/* flags: GSI */
	0x05, 0x00, 0x01, 0x00,			/* gsi */
	0, 0, 0, 0, 0, 0, 0, 0,			/* bits */
	0xf0, 0, 0, 0, 0, 0, 0x80, 0, 0x80, 0, 0, 0, 0, 0, 0, 2,
};

/* A back-end with a bell and a grant of it */
static const u8 get_reply_bytes[LENGTH] = {
	0x01, 0x49, 0x56, 0x50, 0x05, 0, 0, 0, 64, 0, 0, 0,
	0x07, 0, 0, 0, 0x07, 0, 0, 0, 0x03, 0, 0, 0, 0, 0, 0, 0x80,
	0xf0, 0, 0, 0, 0, 0, 0x80, 0, 0x80, 0, 0, 0, 0, 0, 0, 1,
};

/* A front-end that may not be rung, and wants no reply */
static const u8 quiet_bytes[LENGTH] = {
	0x02, 0x49, 0x56, 0x50, 0x01, 0, 0, 0, 64, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0xf0, 0, 0, 0, 0, 0, 0x80, 0, 0x80, 0, 0, 0, 0, 0, 0, 2,
};

static const u8 get_bytes[] = { 0x01, 0x49, 0x56, 0x50, 0x01, 0, 0, 0, 0, 0, 0, 0 };
static const u8 get_refused_bytes[] = { 0x01, 0x49, 0x56, 0x50, 0x05, 0, 0, 0, 0, 0, 0, 0 };
static const u8 set_reply_bytes[] = {
	0x02, 0x49, 0x56, 0x50, 0x05, 0, 0, 0, 8, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0x80,
};

/* One of each kind, and whether a descriptor comes with it */
static const struct sample {
	const u8 *bytes;
	u32 length, fds;
} samples[] = {
	{ get_bytes, sizeof(get_bytes), 0 },
	{ get_reply_bytes, sizeof(get_reply_bytes), 1 },
	{ get_refused_bytes, sizeof(get_refused_bytes), 0 },
	{ set_bytes, sizeof(set_bytes), 0 },
	{ quiet_bytes, sizeof(quiet_bytes), 0 },
	{ set_reply_bytes, sizeof(set_reply_bytes), 0 },
};

static const struct pvi_setup front_setup = {
	.flags = PVI_SETUP_GSI,
	.gsi = KVM_PVI_GSI_VIRTUAL + 5,
	.uuid = { 0xf0, [6] = 0x80, [8] = 0x80, [15] = 2 },
};

static const struct pvi_setup back_setup = {
	.flags = PVI_SETUP_GSI | PVI_SETUP_BELL | PVI_SETUP_GRANT,
	.gsi = GSI,
	.bits = 3 | 1ull << 63,
	.uuid = { 0xf0, [6] = 0x80, [8] = 0x80, [15] = 1 },
};

/* Descriptors open before the case */
static int fds_before;

static inline void check_leaks(void)
{
	ASSERT_EQ(count_fds(), fds_before);
}

static inline void check_setup(const struct pvi_setup *a, const struct pvi_setup *b)
{
	ASSERT_EQ(a->flags, b->flags);
	ASSERT_EQ(a->gsi, b->gsi);
	ASSERT_EQ(a->bits, b->bits);
	ASSERT_EQ(memcmp(a->uuid, b->uuid, sizeof(a->uuid)), 0);
}

#endif
