// SPDX-License-Identifier: GPL-2.0
/*
 * libpvi: the messages of the set-up phase between two VMMs. What their bytes are, and that nothing else is
 * taken, whatever comes: every length, every field, any number of descriptors.
 */
#include <sys/mman.h>

#include "libpvi_setup.h"

/* With @nr descriptors, which are gone afterwards but for what is returned */
static int decode(struct pvi_setup_msg *msg, const void *bytes, size_t length, u32 nr)
{
	int fds[8];
	u32 i;

	for (i = 0; i < nr; i++)
		fds[i] = new_eventfd();
	return pvi_setup_decode(msg, bytes, length, fds, nr);
}

static void refuse(const void *bytes, size_t length, u32 nr)
{
	struct pvi_setup_msg msg;

	memset(&msg, 0xa5, sizeof(msg));
	ASSERT_EQ(decode(&msg, bytes, length, nr), -EBADMSG);
	ASSERT_EQ(msg.grant, -1);
	check_leaks();
}

static void check_bytes(const struct pvi_setup_msg *msg, const u8 *expected, int length)
{
	u8 bytes[LENGTH + 1];

	memset(bytes, 0xa5, sizeof(bytes));
	ASSERT_EQ(pvi_setup_encode(msg, bytes, length - 1), -EMSGSIZE);
	ASSERT_EQ(bytes[0], 0xa5);
	ASSERT_EQ(pvi_setup_encode(msg, bytes, length), length);
	ASSERT_EQ(memcmp(bytes, expected, length), 0);
	ASSERT_EQ(bytes[length], 0xa5);
}

static void test_bytes(void)
{
	struct pvi_setup_msg msg = { .request = PVI_SETUP_GET, .grant = -1 };

	ASSERT_EQ(PVI_SETUP_MAX, LENGTH);
	ASSERT_EQ(PVI_SETUP_HEADER, HEADER);
	fds_before = count_fds();
	check_bytes(&msg, get_bytes, sizeof(get_bytes));
	ASSERT_EQ(decode(&msg, get_bytes, sizeof(get_bytes), 0), 0);
	ASSERT_EQ(msg.request, PVI_SETUP_GET);
	ASSERT_EQ(msg.flags, 0);
	ASSERT_EQ(msg.grant, -1);

	ASSERT_EQ(decode(&msg, get_reply_bytes, LENGTH, 1), 0);
	ASSERT_EQ(msg.flags, PVI_SETUP_REPLY);
	ASSERT_EQ(msg.result, 0);
	ASSERT_GE(msg.grant, 0);
	check_setup(&msg.setup, &back_setup);
	check_bytes(&msg, get_reply_bytes, LENGTH);
	close(msg.grant);

	ASSERT_EQ(decode(&msg, get_refused_bytes, HEADER, 0), 0);
	ASSERT_NE(msg.result, 0);
	check_bytes(&msg, get_refused_bytes, HEADER);

	ASSERT_EQ(decode(&msg, set_bytes, LENGTH, 0), 0);
	ASSERT_EQ(msg.request, PVI_SETUP_SET);
	ASSERT_EQ(msg.flags, PVI_SETUP_NEED_REPLY);
	ASSERT_EQ(msg.grant, -1);
	check_setup(&msg.setup, &front_setup);
	check_bytes(&msg, set_bytes, LENGTH);

	ASSERT_EQ(decode(&msg, quiet_bytes, LENGTH, 0), 0);
	ASSERT_EQ(msg.flags, 0);
	ASSERT_EQ(msg.setup.flags, 0);
	check_bytes(&msg, quiet_bytes, LENGTH);

	ASSERT_EQ(decode(&msg, set_reply_bytes, sizeof(set_reply_bytes), 0), 0);
	ASSERT_EQ(msg.result, 0x8000000000000201);
	check_bytes(&msg, set_reply_bytes, sizeof(set_reply_bytes));
	check_leaks();
}

/* What a VMM cannot say by mistake. Each has one fault */
static void test_encode(void)
{
	const struct pvi_setup_msg good = {
		.request = PVI_SETUP_SET, .grant = -1, .setup = front_setup,
	};
	const struct pvi_setup_msg ack = {
		.request = PVI_SETUP_SET, .flags = PVI_SETUP_REPLY, .grant = -1,
	};
	const struct pvi_setup_msg get = { .request = PVI_SETUP_GET, .grant = -1 };
	const struct pvi_setup_msg reply = {
		.request = PVI_SETUP_GET, .flags = PVI_SETUP_REPLY, .grant = -1, .setup = front_setup,
	};
	struct pvi_setup_msg msg;
	u8 bytes[LENGTH];

	ASSERT_EQ(pvi_setup_encode(&good, bytes, sizeof(bytes)), LENGTH);
	ASSERT_EQ(pvi_setup_encode(&reply, bytes, sizeof(bytes)), LENGTH);
	ASSERT_EQ(pvi_setup_encode(&ack, bytes, sizeof(bytes)), HEADER + 8);
#define FAULT(from, field, value)						\
	do {									\
		msg = (from);							\
		msg.field = (value);						\
		ASSERT_EQ(pvi_setup_encode(&msg, bytes, sizeof(bytes)), -EINVAL);		\
		ASSERT_EQ(pvi_setup_send(NO_SUCH, &msg), -EINVAL);		\
	} while (0)
	FAULT(good, request, PVI_SETUP_SET + 1);
	FAULT(good, flags, 1);
	FAULT(good, flags, PVI_SETUP_REPLY);
	FAULT(good, flags, PVI_SETUP_REPLY | PVI_SETUP_NEED_REPLY);
	FAULT(good, result, 1);
	FAULT(good, grant, 0);
	FAULT(good, setup.flags, 0);
	FAULT(good, setup.flags, PVI_SETUP_GSI | PVI_SETUP_BELL);
	FAULT(good, setup.flags, PVI_SETUP_GSI | PVI_SETUP_GRANT);
	FAULT(good, setup.gsi, KVM_PVI_GSI_ANY);
	FAULT(good, setup.bits, 1);
	FAULT(good, setup.uuid[0] = msg.setup.uuid[6] = msg.setup.uuid[8] = msg.setup.uuid[15], 0);
	FAULT(good, setup.reserved[3], 1);
	FAULT(good, reserved[8], 1);
	FAULT(get, reserved[0], 1);
	FAULT(ack, setup.uuid[0], 1);
	FAULT(ack, grant, 0);
	FAULT(ack, request, PVI_SETUP_GET);
	FAULT(get, result, 1);
	FAULT(reply, result, 1);
	FAULT(reply, request, PVI_SETUP_GET - 1);
#undef FAULT
	ASSERT_EQ(pvi_setup_set(NO_SUCH, &back_setup, -1, TIMEOUT), -EINVAL);
	ASSERT_EQ(pvi_setup_set(NO_SUCH, &front_setup, -1, TIMEOUT), -EBADF);
}

/* Of each message each length but the whole. Behind the last byte there is no memory */
static void test_length(void)
{
	const u32 most = 2 * LENGTH;
	u32 i, length, rest;
	u8 *end, *bytes;

	end = mmap(NULL, 2 * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_TRUE(end != MAP_FAILED);
	end += PAGE_SIZE;
	ASSERT_EQ(mprotect(end, PAGE_SIZE, PROT_NONE), 0);
	fds_before = count_fds();
	for (i = 0; i < ARRAY_SIZE(samples); i++) {
		for (length = 0; length <= most; length++) {
			if (length == samples[i].length)
				continue;
			bytes = end - length;
			memset(bytes, 0, length);
			rest = length < samples[i].length ? length : samples[i].length;
			memcpy(bytes, samples[i].bytes, rest);
			refuse(bytes, length, samples[i].fds);
		}
	}
}

/* Nil and max are no names, and what is nearly they is one */
static void test_names(void)
{
	struct pvi_setup_msg msg;
	u8 bytes[LENGTH];
	u32 i;

	fds_before = count_fds();
	memcpy(bytes, set_bytes, LENGTH);
	for (i = 0; i < 2 * KVM_PVI_UUID_SIZE; i++) {
		memset(&bytes[28], i % 2 ? 0xff : 0, KVM_PVI_UUID_SIZE);
		refuse(bytes, LENGTH, 0);
		bytes[28 + i / 2] ^= 0x10;
		ASSERT_EQ(decode(&msg, bytes, LENGTH, 0), 0);
		ASSERT_EQ(memcmp(msg.setup.uuid, &bytes[28], KVM_PVI_UUID_SIZE), 0);
	}
}

/* What the page says of a message with a payload of 64 bytes, from its bytes */
static bool is_meant(const u8 *bytes, u32 nr_fds)
{
	u32 word[LENGTH / 4], i, zeroes = 0, ones = 0;
	u64 bits;

	memcpy(word, bytes, LENGTH);
	memcpy(&bits, &bytes[20], 8);
	if (word[2] != 64)
		return false;
	if (word[0] == 0x50564901 ? word[1] != 0x5 : word[0] != 0x50564902 || (word[1] != 0x1 && word[1] != 0x9))
		return false;
	for (i = 44; i < LENGTH; i++)
		if (bytes[i])
			return false;
	for (i = 28; i < 44; i++) {
		zeroes += bytes[i] == 0;
		ones += bytes[i] == 0xff;
	}
	if (word[3] > 7 || zeroes == 16 || ones == 16)
		return false;
	if (nr_fds != (word[3] & 4) / 4)
		return false;
	if (!(word[3] & 1))
		return !word[3] && !word[4] && !bits;
	if (word[4] >= 4096 && (word[4] < 0x10000 || word[4] > 0x1ffff))
		return false;
	return word[3] & 2 ? bits != 0 : bits == 0;
}

/* The message with one of its 4-byte words changed; how many were taken */
static u32 try_word(const struct sample *sample, u32 at, u32 value, u32 nr_fds)
{
	struct pvi_setup_msg msg;
	u8 bytes[LENGTH];

	memcpy(bytes, sample->bytes, LENGTH);
	memcpy(&bytes[at], &value, 4);
	if (!is_meant(bytes, nr_fds)) {
		refuse(bytes, LENGTH, nr_fds);
		return 0;
	}
	ASSERT_EQ(decode(&msg, bytes, LENGTH, nr_fds), 0);
	ASSERT_EQ(msg.grant >= 0, nr_fds);
	if (nr_fds)
		close(msg.grant);
	check_leaks();
	return 1;
}

/* Each field, each bit, and the ends of each range */
static void test_fields(void)
{
	static const u32 values[] = {
		0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 16, 31, 32, 33, 4095, 4096, 0xffff, 0x10000, 0x1ffff,
		0x20000, 0x50564900, 0x50564901, 0x50564902, 0x50564903, 0x7fffffff, 0x80000000, 0xffffffff,
	};
	u32 taken = 0, tried = 0, i, at, bit, fds, word;

	fds_before = count_fds();
	for (i = 0; i < ARRAY_SIZE(samples); i++) {
		const struct sample *sample = &samples[i];

		if (sample->length != LENGTH)
			continue;
		for (at = 0; at < LENGTH; at += 4) {
			memcpy(&word, &sample->bytes[at], 4);
			for (fds = 0; fds < 3; fds++) {
				for (bit = 0; bit < 32; bit++, tried++)
					taken += try_word(sample, at, word ^ 1u << bit, fds);
				for (bit = 0; bit < ARRAY_SIZE(values); bit++, tried++)
					taken += try_word(sample, at, values[bit], fds);
			}
		}
	}
	test_diag("%u of %u were taken", taken, tried);
	ASSERT_GT(taken, 0);
	ASSERT_LT(taken, tried / 2);
}

/* Headers whose payloads are none or 8 bytes: each bit, and the sizes */
static void test_headers(void)
{
	u8 bytes[LENGTH + 20] = { 0 };
	struct pvi_setup_msg msg;
	u32 i, bit, size;

	fds_before = count_fds();
	for (i = 0; i < ARRAY_SIZE(samples); i++) {
		if (samples[i].length == LENGTH)
			continue;
		for (bit = 0; bit < 8 * HEADER; bit++) {
			memcpy(bytes, samples[i].bytes, samples[i].length);
			bytes[bit / 8] ^= 1 << bit % 8;
			/* A back-end has to answer in any case: need_reply says nothing new. And no name is no reply */
			if ((samples[i].bytes == get_bytes && (bit == 32 + 3 || bit == 32 + 2)) ||
			    (samples[i].bytes == get_refused_bytes && bit == 32 + 2))
				ASSERT_EQ(decode(&msg, bytes, samples[i].length, 0), 0);
			else
				refuse(bytes, samples[i].length, 0);
		}
		memcpy(bytes, samples[i].bytes, samples[i].length);
		for (size = 0; size < 84; size++) {
			memcpy(&bytes[8], &size, 4);
			if (HEADER + size != samples[i].length)
				refuse(bytes, HEADER + size, 0);
		}
	}
}

/* None where there has to be one, and one where there must not be; more than one never */
static void test_descriptors(void)
{
	u32 i, nr;

	fds_before = count_fds();
	for (i = 0; i < ARRAY_SIZE(samples); i++)
		for (nr = 0; nr <= 8; nr++)
			if (nr != samples[i].fds)
				refuse(samples[i].bytes, samples[i].length, nr);
}

static const struct test_case cases[] = {
	{ "bytes", test_bytes },
	{ "encode", test_encode },
	{ "length", test_length },
	{ "names", test_names },
	{ "fields", test_fields },
	{ "headers", test_headers },
	{ "descriptors", test_descriptors },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases), 0);
}
