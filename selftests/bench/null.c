// SPDX-License-Identifier: GPL-2.0
/* kvm-pvi bench: what guests pay that ring nobody, before and after the module is loaded */
#include <fcntl.h>
#include <sys/syscall.h>

#include "bench.h"

void row_null_not_loaded(void)
{
	if (!access("/dev/kvm_pvi", F_OK))
		TEST_FAIL("kvm_pvi is loaded, remove it: the bench loads it when the stock rows are done");
	bench_null("null_not_loaded", vm_create(1, 0));
}

void row_load(void)
{
	const char *path = getenv("PVI_MODULE");
	int fd;

	if (!path)
		TEST_FAIL("PVI_MODULE does not say where kvm_pvi.ko is");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || syscall(SYS_finit_module, fd, "", 0))
		TEST_FAIL("%s: %s", path, strerror(errno));
	/* KVM takes the static key of the rows with Xen back a second after their end */
	sleep(2);
}

void row_null_loaded(void)
{
	bench_null("null_loaded", vm_create(1, 0));
}

/* While another VM is bound */
void row_null_unbound(void)
{
	pvi_bind(vm_create(1, 0), pvi_uuid[0]);
	bench_null("null_unbound", vm_create(1, 0));
}

void row_null_bound(void)
{
	struct vm *vm = vm_create(1, 0);

	pvi_bind(vm, pvi_uuid[0]);
	bench_null("null_bound", vm);
}
