/* SPDX-License-Identifier: GPL-2.0 */
/* kvm-pvi selftests: status words, in memory as a VMM makes it */
#ifndef PVI_TEST_STATUS_H
#define PVI_TEST_STATUS_H

#include <linux/kvm_pvi.h>

#include "types.h"

/*
 * @fd:		a sealed memfd of one page
 * @word:	the first word, for the receiver: a writable mapping from before the seals
 * @seen:	the same word, for senders
 */
struct status_mem {
	int fd;
	struct kvm_pvi_status *word;
	const struct kvm_pvi_status *seen;
};

struct status_mem status_make(void);

/* KVM_PVI_STATUS of any memory, and of word number @index of @mem */
int __pvi_status(int fd, u32 gsi, int memfd, u64 offset, const void *address, u32 flags);
int __status_register(int fd, u32 gsi, const struct status_mem *mem, u32 index);
void status_register(int fd, u32 gsi, const struct status_mem *mem);

#endif
