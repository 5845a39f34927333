/* SPDX-License-Identifier: GPL-2.0 */
/* kvm-pvi selftests: a BPF program at the entry of a kernel function, without libbpf */
#ifndef PVI_TEST_FENTRY_H
#define PVI_TEST_FENTRY_H

#include "types.h"

/* Whether this kernel can do it for functions of @module */
bool fentry_possible(const char *module);
/* Puts a program that does nothing there; a descriptor, to be closed to take it away, or -errno */
int __fentry_attach(const char *module, const char *function);

#endif
