/* SPDX-License-Identifier: GPL-2.0 */
/* kvm-pvi selftests: what the tests of libpvi share. It and lib/pvi.h do not go together */
#ifndef PVI_TEST_LIBPVI_LIB_H
#define PVI_TEST_LIBPVI_LIB_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libpvi.h>
#include <linux/kvm_pvi.h>
#include <string.h>
#include <unistd.h>

#include "guest.h"
#include "host.h"
#include "tap.h"
#include "vm.h"

#define GSI	7
#define NO_SUCH	99

static const u8 rx_uuid[KVM_PVI_UUID_SIZE] = { 0xf0, [6] = 0x80, [8] = 0x80, [15] = 1 };
static const u8 tx_uuid[KVM_PVI_UUID_SIZE] = { 0xf0, [6] = 0x80, [8] = 0x80, [15] = 2 };

static inline int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	ASSERT_TRUE(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static inline bool is_cloexec(int fd)
{
	return fcntl(fd, F_GETFD) & FD_CLOEXEC;
}

static inline int enrol(const u8 *uuid)
{
	int pvi = pvi_enrol(-1, uuid);

	ASSERT_GE(pvi, 0);
	return pvi;
}

#endif
