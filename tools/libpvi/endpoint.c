// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* libpvi endpoint - open and bind */
#include <fcntl.h>
#include <unistd.h>

#include "internal.h"

int pvi_open(void)
{
	int fd = open("/dev/kvm_pvi", O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int pvi_get_info(int pvi, struct kvm_pvi_info *info)
{
	return pvi_ioctl(pvi, KVM_PVI_GET_INFO, info);
}

int pvi_bind(int pvi, int vm_fd, const unsigned char *uuid, uint32_t flags, uid_t owner,
	     uint64_t *epoch)
{
	struct kvm_pvi_bind bind = PVI_ARG(kvm_pvi_bind,
		.flags = flags | (vm_fd < 0 ? KVM_PVI_BIND_HOST : 0),
		.vm_fd = vm_fd,
		.owner = owner);
	int ret;

	pvi_copy_uuid(bind.uuid, uuid);
	/* Any signal may end it, before anything has come of it. */
	do {
		ret = pvi_ioctl(pvi, KVM_PVI_BIND, &bind);
	} while (ret == -EINTR);
	if (!ret && epoch)
		*epoch = bind.epoch;
	return ret;
}

static int check_version(int pvi)
{
	struct kvm_pvi_info info = PVI_ARG(kvm_pvi_info);
	int ret = pvi_get_info(pvi, &info);

	if (ret)
		return ret;
	return info.abi_major == KVM_PVI_ABI_MAJOR ? 0 : -EPROTO;
}

int pvi_enrol(int vm_fd, const unsigned char *uuid)
{
	int pvi = pvi_open();
	int ret;

	if (pvi < 0)
		return pvi;
	ret = check_version(pvi);
	if (!ret)
		ret = pvi_bind(pvi, vm_fd, uuid, 0, 0, NULL);
	if (!ret)
		return pvi;
	close(pvi);
	return ret;
}
