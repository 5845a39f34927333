// SPDX-License-Identifier: GPL-2.0
/* What world.h declares, and what the files under test call of those that are not built here. */
#include "eventfd.h"
#include "generation.h"
#include "grant.h"
#include "peer.h"
#include "reply.h"
#include "world.h"

int world_irqchip = 1;
u64 world_taken;
void (*world_handler)(void);
struct eventfd_ctx world_eventfds[4];

static struct kvm kvm;
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

struct eventfd_ctx *pvi_eventfd_get_sink(int fd)
{
	return fd >= WORLD_FD && fd < WORLD_FD + ARRAY_SIZE(world_eventfds) ?
	       &world_eventfds[fd - WORLD_FD] : ERR_PTR(-EBADF);
}

void pvi_eventfd_put_sink(struct eventfd_ctx *eventfd)
{
}

struct pvi_edge *pvi_grant_get(struct pvi_vm *vm, int fd, const kuid_t *owner, u32 *gsi)
{
	return ERR_PTR(-EBADF);
}

int pvi_grant_use(struct pvi_vm *vm, struct pvi_edge *edge)
{
	CHECK(false);
	return -EBADF;
}

void pvi_grant_unuse(struct pvi_edge *edge)
{
}

void world_init(void)
{
	u32 i;

	CHECK(!pvi_vm_init() && !pvi_acl_init() && !pvi_peer_init() && !pvi_deliver_init());
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

/* As life.c ends it, all at once. */
static void vm_free(struct kref *ref)
{
	struct pvi_vm *vm = container_of(ref, struct pvi_vm, ref);

	pvi_expose_free(vm);
	pvi_port_free_all(vm);
	pvi_edge_free_all(vm);
	pvi_peer_put_name(vm);
	xa_destroy(&vm->gsis);
	xa_destroy(&vm->bells);
	pvi_event_free(vm);
	kfree(vm->stats);
	kfree(vm->kvm);
	kfree(vm);
}

struct pvi_vm *world_vm(u8 name)
{
	static u64 epochs;
	struct pvi_vm *vm = shim_alloc(sizeof(*vm));

	vm->stats = shim_alloc(sizeof(*vm->stats));
	CHECK(!pvi_event_alloc(vm));
	pvi_port_init(vm);
	INIT_LIST_HEAD(&vm->sources);
	INIT_LIST_HEAD(&vm->peers);
	kref_init(&vm->ref);
	vm->release = vm_free;
	vm->owner.val = name;
	vm->uuid = world_uuid(name);
	vm->kvm = shim_alloc(sizeof(*vm->kvm));
	*vm->kvm = kvm;
	vm->epoch = ++epochs;
	CHECK(!pvi_peer_get_name(vm) && !pvi_vm_list(vm));
	/* Pairs with pvi_vm_bound(), as life_publish() does. */
	smp_store_release(&vm->life, PVI_LIFE_BOUND);
	return vm;
}

void world_end(struct pvi_vm *vm)
{
	WRITE_ONCE(vm->life, PVI_LIFE_DYING);
	mutex_lock(&vm->lock);
	pvi_peer_tell_senders(vm);
	pvi_acl_unpublish(vm);
	mutex_unlock(&vm->lock);
	pvi_vm_unlist(vm);
	synchronize_rcu();
	pvi_peer_tell_receivers(vm);
	pvi_expose_end(vm);
	pvi_port_end_all(vm);
	WRITE_ONCE(vm->life, PVI_LIFE_DEAD);
	pvi_vm_forget(vm);
	pvi_peer_forget(vm);
	pvi_vm_put(vm);
	shim_idle();
}

int world_call(int (*fn)(struct pvi_vm *vm, void *arg), struct pvi_vm *vm, void *arg, size_t size)
{
	static struct pvi_reply r;
	union pvi_arg back;
	int ret;

	r = (struct pvi_reply){ .user = &back, .size = size };
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
