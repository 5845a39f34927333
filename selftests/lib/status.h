/* SPDX-License-Identifier: GPL-2.0 */
/* kvm-pvi selftests: status words, in memory as a VMM makes it */
#ifndef PVI_TEST_STATUS_H
#define PVI_TEST_STATUS_H

#include <linux/kvm_pvi.h>

#include "vm.h"

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

/* Where guests have that page: the receivers' own and, read-only, the senders' */
#define STATUS_WORD_GPA	0x80000000UL
#define STATUS_SEEN_GPA	0x80001000UL

#define guest_word	((struct kvm_pvi_status *)STATUS_WORD_GPA)
#define guest_seen	((const struct kvm_pvi_status *)STATUS_SEEN_GPA)

/*
 * VMs of one vCPU, bound as @fd. A receiver's pin STATUS_PIN and GSI STATUS_MSI_GSI, an MSI, are
 * vector STATUS_VECTOR; @gsi is exposed and has the first word.
 */
#define STATUS_PIN	20
#define STATUS_MSI_GSI	24
#define STATUS_VECTOR	0x40

struct vm *status_receiver(const struct status_mem *mem, const u8 *uuid, u32 kind, u32 gsi,
			   int *fd);
struct vm *status_sender(const struct status_mem *mem, const u8 *uuid, int *fd);

/* KVM_PVI_STATUS of any memory, and of word number @index of @mem */
int __pvi_status(int fd, u32 gsi, int memfd, u64 offset, const void *address, u32 flags);
int __status_register(int fd, u32 gsi, const struct status_mem *mem, u32 index);
void status_register(int fd, u32 gsi, const struct status_mem *mem);

#endif
