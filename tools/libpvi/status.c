// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* libpvi status - status words */
#include <fcntl.h>
#include <linux/memfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "internal.h"

int pvi_status_memory(size_t size, void **address)
{
	int fd = memfd_create("kvm-pvi", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int ret;

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, size))
		goto err;
	*address = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (*address == MAP_FAILED)
		goto err;
	return fd;

err:
	ret = -errno;
	close(fd);
	return ret;
}

int pvi_status_seal(int memfd)
{
	return fcntl(memfd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE | F_SEAL_SHRINK | F_SEAL_GROW |
		     F_SEAL_SEAL) ? -errno : 0;
}

int pvi_set_status(int pvi, uint32_t gsi, int memfd, uint64_t offset, void *address, uint32_t flags)
{
	struct kvm_pvi_set_status arg = PVI_ARG(kvm_pvi_set_status,
		.flags = flags,
		.gsi = gsi,
		.memfd = memfd,
		.offset = offset,
		.address = (uintptr_t)address);

	return pvi_ioctl(pvi, KVM_PVI_STATUS, &arg);
}

int pvi_unstatus(int pvi, uint32_t gsi)
{
	struct kvm_pvi_gsi arg = PVI_ARG(kvm_pvi_gsi, .gsi = gsi);

	return pvi_ioctl(pvi, KVM_PVI_UNSTATUS, &arg);
}
