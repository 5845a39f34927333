// SPDX-License-Identifier: GPL-2.0
/* kvm-pvi selftests: routing, irqfds, ioeventfds, IOAPIC pins, statistics */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vm.h"

void vm_set_routing(struct vm *vm)
{
	struct {
		struct kvm_irq_routing head;
		struct kvm_irq_routing_entry entries[MAX_ROUTES];
	} table = { .head.nr = vm->nr_routes };

	memcpy(table.entries, vm->routes, sizeof(vm->routes));
	vm_ioctl(vm, KVM_SET_GSI_ROUTING, &table);
}

static void drop_routes(struct vm *vm, u32 gsi)
{
	u32 i, kept = 0;

	for (i = 0; i < vm->nr_routes; i++)
		if (vm->routes[i].gsi != gsi)
			vm->routes[kept++] = vm->routes[i];
	vm->nr_routes = kept;
}

static void replace_route(struct vm *vm, struct kvm_irq_routing_entry entry)
{
	drop_routes(vm, entry.gsi);
	ASSERT_LT(vm->nr_routes, MAX_ROUTES);
	vm->routes[vm->nr_routes++] = entry;
	vm_set_routing(vm);
}

void vm_route_pin(struct vm *vm, u32 gsi, u32 pin)
{
	replace_route(vm, (struct kvm_irq_routing_entry){
		.gsi = gsi,
		.type = KVM_IRQ_ROUTING_IRQCHIP,
		.u.irqchip = { .irqchip = KVM_IRQCHIP_IOAPIC, .pin = pin },
	});
}

void vm_route_msi(struct vm *vm, u32 gsi, u32 apic_id, u8 vector)
{
	replace_route(vm, (struct kvm_irq_routing_entry){
		.gsi = gsi,
		.type = KVM_IRQ_ROUTING_MSI,
		.u.msi = { .address_lo = 0xfee00000 | apic_id << 12, .data = vector },
	});
}

void vm_unroute(struct vm *vm, u32 gsi)
{
	drop_routes(vm, gsi);
	vm_set_routing(vm);
}

void vm_irqfd(struct vm *vm, u32 gsi, int eventfd)
{
	struct kvm_irqfd irqfd = { .fd = eventfd, .gsi = gsi };

	vm_ioctl(vm, KVM_IRQFD, &irqfd);
}

void vm_irqfd_resample(struct vm *vm, u32 gsi, int eventfd, int resamplefd)
{
	struct kvm_irqfd irqfd = {
		.fd = eventfd,
		.gsi = gsi,
		.flags = KVM_IRQFD_FLAG_RESAMPLE,
		.resamplefd = resamplefd,
	};

	vm_ioctl(vm, KVM_IRQFD, &irqfd);
}

void vm_irqfd_deassign(struct vm *vm, u32 gsi, int eventfd)
{
	struct kvm_irqfd irqfd = { .fd = eventfd, .gsi = gsi, .flags = KVM_IRQFD_FLAG_DEASSIGN };

	vm_ioctl(vm, KVM_IRQFD, &irqfd);
}

void vm_ioeventfd_port(struct vm *vm, u16 port, u32 len, int eventfd)
{
	struct kvm_ioeventfd ioeventfd = {
		.addr = port,
		.len = len,
		.fd = eventfd,
		.flags = KVM_IOEVENTFD_FLAG_PIO,
	};

	vm_ioctl(vm, KVM_IOEVENTFD, &ioeventfd);
}

void vm_irq_line(struct vm *vm, u32 gsi, u32 level)
{
	struct kvm_irq_level line = { .irq = gsi, .level = level };

	vm_ioctl(vm, KVM_IRQ_LINE, &line);
}

void vm_ioapic_set(struct vm *vm, u8 pin, u8 vector, u32 flags, u8 apic_id)
{
	struct kvm_irqchip chip = { .chip_id = KVM_IRQCHIP_IOAPIC };

	vm_ioctl(vm, KVM_GET_IRQCHIP, &chip);
	chip.chip.ioapic.redirtbl[pin].bits = (u64)apic_id << 56 | flags | vector;
	vm_ioctl(vm, KVM_SET_IRQCHIP, &chip);
}

static void read_at(int fd, void *buf, size_t len, u64 offset)
{
	ASSERT_EQ(pread(fd, buf, len, offset), len);
}

u64 read_stat(int stats, const char *name)
{
	struct kvm_stats_header header;
	struct kvm_stats_desc *desc;
	size_t desc_size;
	u64 value = 0;
	u32 i;

	read_at(stats, &header, sizeof(header), 0);
	desc_size = sizeof(*desc) + header.name_size;
	desc = malloc(desc_size);
	ASSERT_TRUE(desc);
	for (i = 0; i < header.num_desc; i++) {
		read_at(stats, desc, desc_size, header.desc_offset + i * desc_size);
		if (!strcmp(desc->name, name))
			break;
	}
	if (i == header.num_desc)
		TEST_FAIL("KVM has no statistic '%s'", name);
	read_at(stats, &value, sizeof(value), header.data_offset + desc->offset);
	free(desc);
	return value;
}

static u64 read_and_close(int stats, const char *name)
{
	u64 value = read_stat(stats, name);

	close(stats);
	return value;
}

u64 vm_stat(struct vm *vm, const char *name)
{
	return read_and_close(vm_ioctl(vm, KVM_GET_STATS_FD, NULL), name);
}

u64 vcpu_stat(struct vcpu *vcpu, const char *name)
{
	return read_and_close(vcpu_ioctl(vcpu, KVM_GET_STATS_FD, NULL), name);
}
