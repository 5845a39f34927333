// SPDX-License-Identifier: GPL-2.0
/*
 * The uapi headers: no struct has holes or changes its layout. The compiler has checked the same
 * numbers in uapi_layout.h and uapi_guest_layout.h; here they are shown, and that nothing lies
 * between the members.
 */
#include "pvi_test.h"
#include "uapi_guest_layout.h"
#include "uapi_layout.h"

static void check_holes(const struct uapi_member *rows, size_t nr)
{
	u32 i, end = 0;

	for (i = 0; i < nr; i++) {
		const struct uapi_member *row = &rows[i];

		test_diag("%3u %3u %s%s%s", row->offset, row->size, row->type,
			  row->name ? "." : " ends", row->name ?: "");
		ASSERT_EQ(row->offset, end);
		end = row->name ? end + row->size : 0;
	}
}

static void test_no_holes(void)
{
	check_holes(uapi_members, ARRAY_SIZE(uapi_members));
	check_holes(uapi_guest_members, ARRAY_SIZE(uapi_guest_members));
}

/* An array of them keeps the 8-byte members aligned, on 32-bit machines too */
static void check_words(const struct uapi_member *rows, size_t nr)
{
	u32 i;

	for (i = 0; i < nr; i++)
		if (!rows[i].name)
			ASSERT_EQ(rows[i].offset % 8, 0);
}

static void test_whole_words(void)
{
	check_words(uapi_members, ARRAY_SIZE(uapi_members));
	check_words(uapi_guest_members, ARRAY_SIZE(uapi_guest_members));
}

static bool is_type(const struct uapi_member *row, const char *type)
{
	return !strcmp(row->type, type);
}

/* The others are part of a struct, in guest memory, or what read() gives */
static bool is_argument(const struct uapi_member *row)
{
	static const char *const others[] = {
		"kvm_pvi_peer", "kvm_pvi_status", "kvm_pvi_counts", "kvm_pvi_event",
		"kvm_pvi_state_header", "kvm_pvi_state_section", "kvm_pvi_state_port",
		"kvm_pvi_state_latch", "kvm_pvi_state_bell", "kvm_pvi_state_msi",
		"kvm_pvi_state_config", "kvm_pvi_list_endpoint", "kvm_pvi_list_edge",
		"kvm_pvi_list_gsi", "kvm_pvi_list_port",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(others); i++)
		if (is_type(row, others[i]))
			return false;
	return true;
}

/* An argument of an ioctl starts with its size and its flags. How many arguments there are */
static u32 check_beginnings(const struct uapi_member *rows, size_t nr)
{
	u32 i, args = 0;

	for (i = 0; i < nr; i++) {
		if ((i && rows[i - 1].name) || !is_argument(&rows[i]))
			continue;
		ASSERT_TRUE(!strcmp(rows[i].name, "size"));
		ASSERT_TRUE(!strcmp(rows[i + 1].name, "flags"));
		args++;
	}
	return args;
}

static void test_size_and_flags(void)
{
	ASSERT_GE(check_beginnings(uapi_members, ARRAY_SIZE(uapi_members)), 12);
	ASSERT_GE(check_beginnings(uapi_guest_members, ARRAY_SIZE(uapi_guest_members)), 12);
}

/* 1 and 2 never reach a driver, and no two may be the same */
static void check_numbers(const struct uapi_ioctl *ioctls, size_t nr)
{
	u32 i;

	for (i = 0; i < nr; i++) {
		test_diag("0x%02x %s", ioctls[i].nr, ioctls[i].name);
		ASSERT_GE(ioctls[i].nr, i ? ioctls[i - 1].nr + 1 : 0x10);
	}
}

static void test_ioctl_numbers(void)
{
	check_numbers(uapi_ioctls, ARRAY_SIZE(uapi_ioctls));
	check_numbers(uapi_guest_ioctls, ARRAY_SIZE(uapi_guest_ioctls));
}

static const struct test_case cases[] = {
	{ "no_holes", test_no_holes },
	{ "whole_words", test_whole_words },
	{ "size_and_flags", test_size_and_flags },
	{ "ioctl_numbers", test_ioctl_numbers },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases), 0);
}
