// SPDX-License-Identifier: GPL-2.0
/*
 * A load that fails at any of its steps: it says why, leaves nothing behind, and the next one works. Functions of KVM's
 * that are missing are such a step, but for those that only make a ring cheaper.
 */
#include <dirent.h>

#include "pvi_test.h"

#define MODULE		"kvm_pvi"
#define REFUSE		"pvi_test_refuse"
#define GSI		5

/* More than init calls of any of these functions */
#define STEPS_MAX	64

/* What init cannot do without: the call that is replaced, and seven more functions of KVM's */
#define FUNCTIONS_NEEDED 8

/* That of a workqueue; who works for any has the name of the last one behind its own */
static bool has_thread(void)
{
	struct dirent *entry;
	bool found = false;
	DIR *dir = opendir("/proc");
	char path[300], line[64];

	ASSERT_TRUE(dir);
	while (!found && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), "/proc/%s/comm", entry->d_name);
		found = !__read_line(path, line, sizeof(line)) &&
			(!strncmp(line, MODULE, strlen(MODULE)) || !strncmp(line, "kworker/R-kvm_p", 15));
	}
	closedir(dir);
	return found;
}

static void check_nothing_left(void)
{
	ASSERT_TRUE(!is_loaded(MODULE));
	ASSERT_TRUE(access("/dev/" MODULE, F_OK));
	ASSERT_TRUE(access("/sys/kernel/debug/" MODULE, F_OK));
	ASSERT_TRUE(!has_thread());
}

static void check_rings(void)
{
	int rx = pvi_bind(NULL, pvi_uuid[0]), tx = pvi_bind(NULL, pvi_uuid[1]), sink = new_eventfd();

	pvi_expose(rx, GSI, KVM_PVI_GSI_EVENTFD);
	pvi_wire(rx, GSI, sink);
	pvi_allow(rx, pvi_uuid[1], GSI);
	ASSERT_EQ(pvi_call(tx, KVM_HC_PVI, (u64)pvi_uuid[0], GSI, 0, 0), KVM_PVI_RAISED);
	close(rx);
	close(tx);
	close(sink);
}

/* Calls @after and the next of @function fail. False: there is no such function */
static bool refuse(const char *function, long answer, u32 after, u32 times)
{
	char params[128];
	int ret;

	snprintf(params, sizeof(params), "function=%s answer=%ld after=%u times=%u", function, answer, after, times);
	ret = __load_test_module_with(REFUSE, params);
	if (ret == -ENOENT)
		return false;
	ASSERT_EQ(ret, 0);
	return true;
}

/* Load with those calls failing; what that gave, and whether any was made */
static int load_refused(bool *met)
{
	int ret = __load_pvi();

	*met = read_param(REFUSE, "met");
	unload_module(REFUSE);
	if (ret) {
		check_nothing_left();
	} else {
		check_rings();
		unload_module(MODULE);
	}
	return ret;
}

static void check_error(int ret, int error)
{
	ASSERT_EQ(ret, ret == -ECANCELED ? ret : error);
}

/* How many calls of @function make the load fail, with @error, each for itself; the others it can do without */
static u32 count_needed(const char *function, long answer, u32 times, int error)
{
	u32 needed = 0, i;
	bool met = true;
	int ret;

	for (i = 0; met; i++) {
		ASSERT_LT(i, STEPS_MAX);
		if (!refuse(function, answer, i, times))
			return 0;
		ret = load_refused(&met);
		if (!ret)
			continue;
		ASSERT_TRUE(met);
		check_error(ret, error);
		needed++;
	}
	return needed;
}

/* Each is looked for twice, in kvm.ko and in the kernel */
static void test_functions(void)
{
	ASSERT_TRUE(has_thread());
	unload_module(MODULE);
	ASSERT_EQ(count_needed("register_kprobe", -ENOENT, 2, -ENOENT), FUNCTIONS_NEEDED);
	load_pvi();
}

/* @function, or what it is a macro for */
static u32 count_allocations(const char *function, long answer)
{
	char name[64];

	snprintf(name, sizeof(name), "%s_noprof", function);
	return count_needed(function, answer, 1, -ENOMEM) ?: count_needed(name, answer, 1, -ENOMEM);
}

/* Tables of endpoints, peers and their names, rows, eventfds in use; workqueues of latches and of ends */
static void test_memory(void)
{
	unload_module(MODULE);
	ASSERT_EQ(count_allocations("rhashtable_init", -ENOMEM), 5);
	ASSERT_EQ(count_allocations("alloc_workqueue", 0), 2);
	ASSERT_EQ(count_needed("misc_register", -ENOMEM, 1, -ENOMEM), 1);
	load_pvi();
	check_rings();
}

static const struct test_case cases[] = {
	{ "functions", test_functions, 120 },
	{ "memory", test_memory, 120 },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_KVM | TEST_REQUIRE_PVI);
}
