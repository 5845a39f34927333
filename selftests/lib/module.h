/* SPDX-License-Identifier: GPL-2.0 */
/* kvm-pvi selftests: loading and unloading kernel modules. __x() returns -errno */
#ifndef PVI_TEST_MODULE_H
#define PVI_TEST_MODULE_H

#include "types.h"

/* kvm_pvi: $PVI_MODULE, without it what modprobe finds */
void load_pvi(void);
/* -ECANCELED where modprobe does not tell why it has failed */
int __load_pvi(void);
/* One of selftests/modules, in $PVI_TEST_MODULES, with @params */
int __load_test_module_with(const char *name, const char *params);
int __load_test_module(const char *name);
void load_test_module(const char *name);
/* Never waits: -EWOULDBLOCK if the module is in use */
int __unload_module(const char *name);
void unload_module(const char *name);
bool is_loaded(const char *name);

#endif
