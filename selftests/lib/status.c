// SPDX-License-Identifier: GPL-2.0
/* kvm-pvi selftests: status words, in memory as a VMM makes it */
#include <fcntl.h>
#include <sys/mman.h>

#include "pvi_test.h"
#include "status.h"

struct status_mem status_make(void)
{
	struct status_mem mem = { .fd = memfd_create_sized(PAGE_SIZE) };

	mem.word = map_shared(mem.fd, PAGE_SIZE);
	memfd_seal(mem.fd, SEALS_FOR_STATUS);
	mem.seen = mmap(NULL, PAGE_SIZE, PROT_READ, MAP_SHARED, mem.fd, 0);
	ASSERT_TRUE(mem.seen != MAP_FAILED);
	return mem;
}

int __pvi_status(int fd, u32 gsi, int memfd, u64 offset, const void *address, u32 flags)
{
	struct kvm_pvi_set_status arg = {
		.size = sizeof(arg),
		.flags = flags,
		.gsi = gsi,
		.memfd = memfd,
		.offset = offset,
		.address = (u64)address,
	};

	return __pvi_ioctl(fd, KVM_PVI_STATUS, &arg);
}

int __status_register(int fd, u32 gsi, const struct status_mem *mem, u32 index)
{
	return __pvi_status(fd, gsi, mem->fd, index * sizeof(*mem->word), mem->word + index, 0);
}

void status_register(int fd, u32 gsi, const struct status_mem *mem)
{
	int ret = __status_register(fd, gsi, mem, 0);

	if (ret)
		TEST_FAIL("KVM_PVI_STATUS: %s (%d)", strerror(-ret), ret);
}

struct vm *status_receiver(const struct status_mem *mem, const u8 *uuid, u32 kind, u32 gsi, int *fd)
{
	struct vm *vm = vm_create(1, 0);

	vm_map_mem(vm, STATUS_WORD_GPA, mem->word, PAGE_SIZE, 0);
	vm_ioapic_set(vm, STATUS_PIN, STATUS_VECTOR, 0, 0);
	vm_route_msi(vm, STATUS_MSI_GSI, 0, STATUS_VECTOR);
	*fd = pvi_bind(vm, uuid);
	pvi_expose(*fd, gsi, kind);
	status_register(*fd, gsi, mem);
	return vm;
}

struct vm *status_sender(const struct status_mem *mem, const u8 *uuid, int *fd)
{
	struct vm *vm = vm_create(1, 0);

	vm_map_mem(vm, STATUS_SEEN_GPA, (void *)mem->seen, PAGE_SIZE, KVM_MEM_READONLY);
	*fd = pvi_bind(vm, uuid);
	return vm;
}
