// SPDX-License-Identifier: GPL-2.0
/* pvi_ring.h in a kernel, as a driver uses it: modules/pvi_test_ring.c cannot be loaded else */
#include "pvi_test.h"

static void test_module(void)
{
	load_test_module("pvi_test_ring");
	unload_module("pvi_test_ring");
}

static const struct test_case cases[] = {
	{ "module", test_module },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases), 0);
}
