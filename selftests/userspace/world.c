// SPDX-License-Identifier: GPL-2.0
/* What world.h declares, and what the files under test call of those that are not built here. */
#include "attach.h"
#include "eventfd.h"
#include "generation.h"
#include "grant.h"
#include "inside.h"
#include "kvm_abi.h"
#include "life.h"
#include "peer.h"
#include "reply.h"
#include "reserve.h"
#include "source.h"
#include "world.h"

int world_irqchip = 1;
u64 world_taken;
void (*world_handler)(void);
struct eventfd_ctx world_eventfds[4];
struct mm_struct world_mm = { .users = 1 };
int world_attached, world_puts_in_works;
u32 world_reserves;

static struct kvm kvm;
static struct file eventfds[ARRAY_SIZE(world_eventfds)];
static union pvi_arg back;
static struct kvm_irq_routing_table *routes;
static struct kvm_kernel_irq_routing_entry pins[24];

static int interrupt(void)
{
	int ret = READ_ONCE(world_irqchip);

	if (ret > 0) {
		shim_add(&world_taken, 1);
		if (world_handler)
			world_handler();
	}
	return ret;
}

static int pin_set(struct kvm_kernel_irq_routing_entry *e, struct kvm *vm, int source, int level,
		   bool line_status)
{
	return level ? interrupt() : 1;
}

static int set_irq_inatomic(struct kvm_kernel_irq_routing_entry *e, struct kvm *vm, int source,
			    int level, bool line_status)
{
	return interrupt();
}

__typeof__(kvm_arch_set_irq_inatomic) *shim_call_pvi_set_irq_inatomic = set_irq_inatomic;
__typeof__(kvm_vcpu_gfn_to_hva) *shim_call_pvi_gfn_to_hva;
__typeof__(kvm_emulate_hypercall) *shim_call_pvi_original;

int pvi_kvm_send_msi(struct kvm *vm, u64 address, u32 data)
{
	return interrupt();
}

bool pvi_kvm_has_lapic(struct kvm *vm)
{
	return true;
}

struct kvm *pvi_kvm_get(struct file *file)
{
	struct kvm *vm = file->private_data;

	shim_add(&vm->references, 1);
	return vm;
}

struct mm_struct *pvi_kvm_mm(struct kvm *vm)
{
	return vm->mm;
}

void pvi_kvm_put(struct kvm *vm)
{
	if (shim_in_work())
		shim_add(&world_puts_in_works, 1);
	if (!shim_add(&vm->references, -1))
		kfree(vm);
}

int pvi_attach_get(void)
{
	shim_add(&world_attached, 1);
	return 0;
}

void pvi_attach_put(void)
{
	CHECK(shim_add(&world_attached, -1) >= 0);
}

bool pvi_reserve_permits(const uuid_t *uuid, kuid_t owner)
{
	return true;
}

bool pvi_reserve_let(const uuid_t *uuid, kuid_t owner, void (*publish)(struct pvi_vm *vm), struct pvi_vm *vm)
{
	if (world_reserves && world_reserves++ & 1)
		return false;
	publish(vm);
	return true;
}

long pvi_inside;

int pvi_kvm_read(struct kvm_vcpu *vcpu, u64 gpa, void *to, size_t len, bool may_sleep)
{
	return -EFAULT;
}

int pvi_kvm_write(struct kvm_vcpu *vcpu, u64 gpa, const void *from, size_t len)
{
	return -EFAULT;
}

int pvi_inside_sleep(struct pvi_call *c)
{
	return 0;
}

void pvi_inside_wake(struct pvi_call *c)
{
}

void world_init(void)
{
	u32 i;

	shim_user_own(&back, sizeof(back));
	CHECK(!pvi_vm_init() && !pvi_acl_init() && !pvi_peer_init() && !pvi_deliver_init());
	CHECK(!pvi_eventfd_init() && !pvi_life_init());
	for (i = 0; i < ARRAY_SIZE(eventfds); i++) {
		eventfds[i].eventfd = &world_eventfds[i];
		shim_set_fd(WORLD_FD + i, &eventfds[i]);
	}
	pvi_generation_init();
	routes = calloc(1, struct_size(routes, map, ARRAY_SIZE(pins)));
	routes->nr_rt_entries = ARRAY_SIZE(pins);
	for (i = 0; i < ARRAY_SIZE(pins); i++) {
		pins[i] = (struct kvm_kernel_irq_routing_entry){
			.gsi = i, .type = KVM_IRQ_ROUTING_IRQCHIP, .set = pin_set,
			.irqchip = { KVM_IRQCHIP_IOAPIC, i },
		};
		hlist_add_head(&pins[i].link, &routes->map[i]);
	}
	kvm.irq_routing = routes;
}

uuid_t world_uuid(u8 name)
{
	uuid_t uuid = { };

	memset(uuid.b, 0x40, sizeof(uuid.b));
	uuid.b[7] = name;
	return uuid;
}

struct file *world_kvm(void)
{
	struct file *file = shim_alloc(sizeof(*file));
	struct kvm *vm = shim_alloc(sizeof(*vm));

	*vm = kvm;
	vm->mm = &world_mm;
	vm->references = 1;
	file->private_data = vm;
	return file;
}

void world_kvm_put(struct file *file)
{
	pvi_kvm_put(file->private_data);
	kfree(file);
}

struct pvi_vm *world_vm(u8 name)
{
	struct kvm_pvi_bind b = { .size = sizeof(b), .flags = KVM_PVI_BIND_OWNER, .owner = name, .vm_fd = WORLD_VM_FD };
	uuid_t uuid = world_uuid(name);
	bool capable = shim_capable;
	struct file *file = world_kvm();
	struct pvi_vm *vm = pvi_life_open();

	export_uuid(b.uuid, &uuid);
	shim_set_fd(WORLD_VM_FD, file);
	shim_capable = true;
	CHECK(vm && !world_call(pvi_life_bind, vm, &b, sizeof(b)));
	shim_capable = capable;
	shim_set_fd(WORLD_VM_FD, NULL);
	world_kvm_put(file);
	return vm;
}

/* With all that is left to works. */
void world_end(struct pvi_vm *vm)
{
	pvi_life_close(vm);
	do {
		shim_idle();
	} while (shim_run_works());
}

int world_call(int (*fn)(struct pvi_vm *vm, void *arg), struct pvi_vm *vm, void *arg, size_t size)
{
	struct pvi_reply r = { .user = &back, .size = size };
	int ret;

	memcpy(&r.arg, arg, size);
	ret = fn(vm, &r.arg);
	memcpy(arg, &r.arg, size);
	shim_idle();
	return ret;
}

struct pvi_gsi *world_expose(struct pvi_vm *vm, u32 gsi, u32 kind)
{
	struct kvm_pvi_expose e = { .size = sizeof(e), .gsi = gsi, .kind = kind };

	CHECK(!world_call(pvi_expose, vm, &e, sizeof(e)));
	return pvi_gsi_find(vm, gsi);
}

void world_allow(struct pvi_vm *to, struct pvi_vm *from, u32 gsi, u32 flags, u64 bits)
{
	struct kvm_pvi_allow a = { .size = sizeof(a), .gsi = gsi, .flags = flags, .bits = bits };

	export_uuid(a.uuid, &from->uuid);
	CHECK(!world_call(pvi_acl_allow, to, &a, sizeof(a)));
}
