/* SPDX-License-Identifier: GPL-2.0 */
/* kvm-pvi selftests: loading and unloading kernel modules. __x() returns -errno */
#ifndef PVI_TEST_MODULE_H
#define PVI_TEST_MODULE_H

#include "types.h"

/* From the directory of $PVI_MODULE, which is kvm_pvi.ko; without it, what modprobe finds */
void load_module(const char *name);
/* Never waits: -EWOULDBLOCK if the module is in use */
int __unload_module(const char *name);
void unload_module(const char *name);
bool is_loaded(const char *name);

#endif
