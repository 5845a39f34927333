/* SPDX-License-Identifier: GPL-2.0 */
/* kvm-pvi selftests: TAP output, test table, assertions */
#ifndef PVI_TEST_TAP_H
#define PVI_TEST_TAP_H

#include "types.h"

/* Exit status of a test program, as in kselftest */
#define TAP_PASS 0
#define TAP_FAIL 1
#define TAP_SKIP 4

/* What the whole file needs; without it the program exits with TAP_SKIP */
#define TEST_REQUIRE_KVM (1u << 0)
#define TEST_REQUIRE_PVI (1u << 1)
#define TEST_REQUIRE_FAULTS (1u << 2)	/* the kernel's fault injection */
#define TEST_REQUIRE_KCOV (1u << 3)	/* what a thread reaches in the kernel */

#define TEST_DEADLINE_S 30

/* @deadline_s: 0 stands for TEST_DEADLINE_S; PVI_SLOW in the environment multiplies it */
struct test_case {
	const char *name;
	void (*fn)(void);
	unsigned int deadline_s;
};

int test_main(int argc, char **argv, const struct test_case *cases, size_t nr,
	      unsigned int requires);

/* Scale a time in any unit by PVI_SLOW */
unsigned int test_slow(unsigned int time);
/* Whether PVI_LONG asks the tests to take their time */
bool test_long(void);

void test_diag(const char *fmt, ...) __printf(1, 2);
/* End the test case from any of its threads */
void __test_fail(const char *file, int line, const char *fmt, ...)
	__printf(3, 4) __noreturn;
void __test_cmp_fail(const char *file, int line, const char *expr, long long a, long long b)
	__noreturn;

#define TEST_FAIL(fmt, ...) __test_fail(__FILE__, __LINE__, fmt, ##__VA_ARGS__)

#define ASSERT_TRUE(cond)                                                     \
	do {                                                                  \
		if (!(cond))                                                  \
			TEST_FAIL("%s is not so", #cond);                     \
	} while (0)

#define TEST_CMP(a, op, b)                                                    \
	do {                                                                  \
		long long __a = (long long)(a);                               \
		long long __b = (long long)(b);                               \
									      \
		if (!(__a op __b))                                            \
			__test_cmp_fail(__FILE__, __LINE__,                   \
					#a " " #op " " #b, __a, __b);         \
	} while (0)

#define ASSERT_EQ(a, b) TEST_CMP(a, ==, b)
#define ASSERT_NE(a, b) TEST_CMP(a, !=, b)
#define ASSERT_LT(a, b) TEST_CMP(a, <, b)
#define ASSERT_LE(a, b) TEST_CMP(a, <=, b)
#define ASSERT_GT(a, b) TEST_CMP(a, >, b)
#define ASSERT_GE(a, b) TEST_CMP(a, >=, b)

#endif
