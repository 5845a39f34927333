// SPDX-License-Identifier: GPL-2.0
/* kvm-pvi selftests: VMs and their memory */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "entry.h"
#include "vm.h"

/* Three pages that KVM takes on Intel; out of the way of all else */
#define TSS_GPA 0xfffbd000UL

#define NR_PIC_PINS 16

#define IMAGE_END_MAX (1UL << 30)

int __test_ioctl(int fd, unsigned long cmd, void *arg)
{
	int ret = ioctl(fd, cmd, arg);

	return ret < 0 ? -errno : ret;
}

int test_ioctl(const char *file, int line, const char *name, int fd, unsigned long cmd, void *arg)
{
	int ret = __test_ioctl(fd, cmd, arg);

	if (ret < 0)
		__test_fail(file, line, "%s: %s (%d)", name, strerror(-ret), ret);
	return ret;
}

int kvm_dev_fd(void)
{
	static int fd = -1;

	if (fd < 0)
		fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		TEST_FAIL("open /dev/kvm: %s", strerror(errno));
	return fd;
}

int __vm_map_mem(struct vm *vm, u64 gpa, void *hva, u64 size, u32 flags)
{
	struct kvm_userspace_memory_region region = {
		.slot = vm->nr_slots,
		.flags = flags,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = (u64)hva,
	};
	int ret = __vm_ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region);

	return ret ? ret : (int)vm->nr_slots++;
}

int vm_map_mem(struct vm *vm, u64 gpa, void *hva, u64 size, u32 flags)
{
	int slot = __vm_map_mem(vm, gpa, hva, size, flags);

	if (slot < 0)
		TEST_FAIL("map 0x%llx bytes at gpa 0x%llx: %s", size, gpa, strerror(-slot));
	return slot;
}

void *vm_add_mem(struct vm *vm, u64 gpa, u64 size, u32 flags)
{
	void *mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (mem == MAP_FAILED)
		TEST_FAIL("mmap: %s", strerror(errno));
	vm_map_mem(vm, gpa, mem, size, flags);
	return mem;
}

void vm_unmap_mem(struct vm *vm, u32 slot)
{
	struct kvm_userspace_memory_region region = { .slot = slot };

	vm_ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region);
}

static void map_image(struct vm *vm)
{
	u64 start = (u64)__executable_start & ~(PAGE_SIZE - 1);
	u64 end = ((u64)_end + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);

	if (start < LOW_SIZE || end > IMAGE_END_MAX)
		TEST_FAIL("image at 0x%llx to 0x%llx: link the test with LIB_LDFLAGS", start, end);
	vm_map_mem(vm, start, (void *)start, end - start, 0);
}

static void add_pin_route(struct vm *vm, u32 gsi, u32 chip, u32 pin)
{
	vm->routes[vm->nr_routes++] = (struct kvm_irq_routing_entry){
		.gsi = gsi,
		.type = KVM_IRQ_ROUTING_IRQCHIP,
		.u.irqchip = { .irqchip = chip, .pin = pin },
	};
}

static void create_irqchip(struct vm *vm)
{
	struct kvm_enable_cap split = {
		.cap = KVM_CAP_SPLIT_IRQCHIP,
		.args = { 24 },
	};
	u32 pin;

	if (vm->flags & VM_SPLIT_IRQCHIP)
		vm_ioctl(vm, KVM_ENABLE_CAP, &split);
	if (vm->flags & (VM_SPLIT_IRQCHIP | VM_NO_IRQCHIP))
		return;
	vm_ioctl(vm, KVM_CREATE_IRQCHIP, NULL);
	/* As KVM's own table: the first 16 go to the 8259 as well */
	for (pin = 0; pin < KVM_IOAPIC_NUM_PINS; pin++) {
		add_pin_route(vm, pin, KVM_IRQCHIP_IOAPIC, pin);
		if (pin < NR_PIC_PINS)
			add_pin_route(vm, pin, pin < 8 ? KVM_IRQCHIP_PIC_MASTER :
				      KVM_IRQCHIP_PIC_SLAVE, pin % 8);
	}
}

struct vm *vm_create(u32 nr_vcpus, unsigned int flags)
{
	struct vm *vm = calloc(1, sizeof(*vm));
	u32 id;

	if (!vm)
		TEST_FAIL("out of memory");
	vm->flags = flags;
	vm->cr3 = guest_init_tables();
	vm->fd = test_ioctl(__FILE__, __LINE__, "KVM_CREATE_VM", kvm_dev_fd(), KVM_CREATE_VM, NULL);
	vm_ioctl(vm, KVM_SET_TSS_ADDR, TSS_GPA);
	create_irqchip(vm);
	vm->low = vm_add_mem(vm, 0, LOW_SIZE, 0);
	map_image(vm);
	for (id = 0; id < nr_vcpus; id++)
		vm_vcpu_add(vm, id);
	return vm;
}

void vm_free(struct vm *vm)
{
	u32 i;

	for (i = 0; i < vm->nr_vcpus; i++) {
		vcpu_stop(&vm->vcpus[i]);
		munmap(vm->vcpus[i].run, ioctl(kvm_dev_fd(), KVM_GET_VCPU_MMAP_SIZE, 0));
		close(vm->vcpus[i].fd);
	}
	close(vm->fd);
	munmap(vm->low, LOW_SIZE);
	free(vm);
}
