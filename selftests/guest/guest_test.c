// SPDX-License-Identifier: GPL-2.0
/* What the tests of /dev/kvm_pvi_guest share */
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "guest_test.h"

int dev;
unsigned int pin = 20, msi = 0x10000, bell_gsi = 0x10001;
unsigned char self[KVM_PVI_UUID_SIZE];

static unsigned int failures;

void check_eq(long long seen, long long value, int line, const char *what)
{
	if (seen == value)
		return;
	printf("# line %d: %s is %lld, not %lld\n", line, what, seen, value);
	failures++;
}

unsigned int check_failures(void)
{
	return failures;
}

int call(unsigned long cmd, void *arg)
{
	return ioctl(dev, cmd, arg) ? -errno : 0;
}

long long wait_for(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	uint64_t count;

	if (poll(&pfd, 1, DEADLINE_MS) != 1)
		return -ETIMEDOUT;
	if (read(fd, &count, sizeof(count)) != sizeof(count))
		return -errno;
	return count;
}

bool readable(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	return poll(&pfd, 1, 0) == 1;
}

/* An interrupt may come twice. */
void drain(int fd)
{
	uint64_t count;

	while (readable(fd) && read(fd, &count, sizeof(count)) == sizeof(count))
		;
}

static int open_device(void)
{
	struct kvm_pvi_guest_info info = { .size = sizeof(info) };
	int ret;

	dev = pvi_guest_open();
	ret = dev < 0 ? dev : pvi_guest_get_info(dev, &info);
	if (ret)
		printf("Bail out! /dev/kvm_pvi_guest: %s\n", strerror(-ret));
	else
		memcpy(self, info.uuid, sizeof(self));
	return ret;
}

int run(int argc, char **argv, const struct guest_case *cases, unsigned int nr)
{
	unsigned int i, failed = 0;

	if (argc == 4) {
		pin = strtoul(argv[1], NULL, 0);
		msi = strtoul(argv[2], NULL, 0);
		bell_gsi = strtoul(argv[3], NULL, 0);
	}

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("TAP version 13\n1..%u\n", nr);
	if (open_device())
		return 1;
	for (i = 0; i < nr; i++) {
		failures = 0;
		cases[i].fn();
		failed += failures != 0;
		printf("%sok %u %s\n", failures ? "not " : "", i + 1, cases[i].name);
	}
	return failed != 0;
}
