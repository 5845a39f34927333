// SPDX-License-Identifier: GPL-2.0
/*
 * kvm-pvi selftests: TAP 13 runner. Every case runs in a child, so that each one starts with
 * nothing bound and a crash or a hang costs that case alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"

#define NAP_MS 10

/* Shared with the child, which leaves its reason here; the first of its threads to fail wins */
static struct {
	int taken;
	char text[512];
} *reason;

unsigned int test_slow(unsigned int time)
{
	const char *factor = getenv("PVI_SLOW");

	return factor && *factor ? time * strtoul(factor, NULL, 10) : time;
}

bool test_long(void)
{
	const char *value = getenv("PVI_LONG");

	return value && *value;
}

void test_diag(const char *fmt, ...)
{
	char line[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	printf("# %s\n", line);
	fflush(stdout);
}

void __test_fail(const char *file, int line, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	test_diag("%s:%d: %s", file, line, text);
	if (!__atomic_exchange_n(&reason->taken, 1, __ATOMIC_SEQ_CST))
		snprintf(reason->text, sizeof(reason->text), "%s:%d: %s", file, line, text);
	_exit(TAP_FAIL);
}

void __test_cmp_fail(const char *file, int line, const char *expr, long long a, long long b)
{
	__test_fail(file, line, "%s: left %lld (0x%llx), right %lld (0x%llx)", expr, a, a, b, b);
}

static void need_device(const char *path, const char *hint)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd >= 0) {
		close(fd);
		return;
	}
	printf("1..0 # SKIP %s: %s: %s\n", path, strerror(errno), hint);
	exit(TAP_SKIP);
}

static bool is_wanted(const char *name, int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++)
		if (!strcmp(name, argv[i]))
			return true;
	return argc < 2;
}

static const struct test_case *find_case(const struct test_case *cases, size_t nr, const char *name)
{
	size_t i;

	for (i = 0; i < nr; i++)
		if (!strcmp(name, cases[i].name))
			return &cases[i];
	return NULL;
}

static void describe_end(int status)
{
	if (WIFSIGNALED(status))
		snprintf(reason->text, sizeof(reason->text), "killed by signal %d (%s)",
			 WTERMSIG(status), strsignal(WTERMSIG(status)));
	else if (!reason->text[0])
		snprintf(reason->text, sizeof(reason->text), "exit status %d",
			 WEXITSTATUS(status));
}

static pid_t start_case(const struct test_case *test)
{
	pid_t pid;

	memset(reason, 0, sizeof(*reason));
	fflush(stdout);
	pid = fork();
	if (pid)
		return pid;
	setpgid(0, 0);
	test->fn();
	fflush(stdout);
	_exit(TAP_PASS);
}

/* Runs the case once, in a child; returns its status, or one of TAP_FAIL for reason->text */
static int try_case(const struct test_case *test)
{
	unsigned int deadline = test_slow(test->deadline_s ?: TEST_DEADLINE_S);
	struct pollfd pfd = { .events = POLLIN };
	int status, ready = 0;
	unsigned int naps;
	pid_t pid;

	pid = start_case(test);
	if (pid < 0) {
		snprintf(reason->text, sizeof(reason->text), "fork: %s", strerror(errno));
		return W_EXITCODE(TAP_FAIL, 0);
	}
	/* The child does the same; whoever comes first. Its own children go with it */
	setpgid(pid, pid);
	pfd.fd = syscall(SYS_pidfd_open, pid, 0);
	/* In naps, as wait_until() waits, and long ones: nobody waits for their end */
	for (naps = deadline * 1000 / NAP_MS; naps && !(ready = poll(&pfd, 1, NAP_MS)); naps--)
		;
	kill(-pid, SIGKILL);
	waitpid(pid, &status, 0);
	close(pfd.fd);
	if (ready <= 0) {
		snprintf(reason->text, sizeof(reason->text), "no result within %u s", deadline);
		return W_EXITCODE(TAP_FAIL, 0);
	}
	return status;
}

/* Returns whether the case passed; if not, reason->text says why */
static bool run_case(const struct test_case *test)
{
	int status = try_case(test);

	if (status)
		describe_end(status);
	return !status;
}

static size_t count_wanted(const struct test_case *cases, size_t nr, int argc, char **argv)
{
	size_t i, wanted = 0;

	for (i = 0; i < nr; i++)
		wanted += is_wanted(cases[i].name, argc, argv);
	return wanted;
}

static int list_cases(const struct test_case *cases, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++)
		puts(cases[i].name);
	return TAP_PASS;
}

static void check_arguments(const struct test_case *cases, size_t nr, int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++) {
		if (find_case(cases, nr, argv[i]))
			continue;
		fprintf(stderr, "%s: no case '%s'; -l lists them\n", argv[0], argv[i]);
		exit(TAP_FAIL);
	}
}

int test_main(int argc, char **argv, const struct test_case *cases, size_t nr,
	      unsigned int requires)
{
	unsigned int number = 0;
	bool failed = false;
	size_t i;

	if (argc == 2 && !strcmp(argv[1], "-l"))
		return list_cases(cases, nr);
	check_arguments(cases, nr, argc, argv);
	puts("TAP version 13");
	if (requires & TEST_REQUIRE_KVM)
		need_device("/dev/kvm", "load kvm-amd or kvm-intel");
	if (requires & TEST_REQUIRE_PVI)
		need_device("/dev/kvm_pvi", "load kvm_pvi");
	if (requires & TEST_REQUIRE_FAULTS)
		need_device("/proc/thread-self/fail-nth", "boot a kernel with CONFIG_FAULT_INJECTION");
	if (requires & TEST_REQUIRE_KCOV)
		need_device("/sys/kernel/debug/kcov", "boot a kernel with CONFIG_KCOV, and mount debugfs");
	reason = mmap(NULL, sizeof(*reason), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	if (reason == MAP_FAILED) {
		perror("mmap");
		return TAP_FAIL;
	}
	printf("1..%zu\n", count_wanted(cases, nr, argc, argv));
	for (i = 0; i < nr; i++) {
		if (!is_wanted(cases[i].name, argc, argv))
			continue;
		number++;
		if (run_case(&cases[i])) {
			printf("ok %u %s\n", number, cases[i].name);
			continue;
		}
		printf("not ok %u %s # %s\n", number, cases[i].name, reason->text);
		failed = true;
	}
	fflush(stdout);
	return failed ? TAP_FAIL : TAP_PASS;
}
