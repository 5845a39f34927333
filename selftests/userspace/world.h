/* SPDX-License-Identifier: GPL-2.0 */
/* What the tests have in common: endpoints, a VM that takes interrupts or does not, input, random numbers. */
#ifndef WORLD_H
#define WORLD_H

#include "acl.h"
#include "bell.h"
#include "connect.h"
#include "deliver.h"
#include "event.h"
#include "expose.h"
#include "gsi.h"
#include "port.h"
#include "ring.h"
#include "section.h"
#include "state.h"
#include "status.h"
#include "vm.h"

/* What the VM's irqchip does with an interrupt: > 0 takes it, as kvm_set_irq() says */
extern int world_irqchip;
extern u64 world_taken;			/* interrupts */
extern void (*world_handler)(void);	/* called for each, if there is one */
extern struct eventfd_ctx world_eventfds[4];	/* descriptors 10 to 13 */
extern struct mm_struct world_mm;	/* of the VMs */
extern int world_attached;		/* endpoints that KVM calls us for */
extern u32 world_reserves;		/* not 0: every other BIND comes too late for a reservation; counts them */
extern int world_puts_in_works;		/* references to VMs that went elsewhere than in a call */
#define WORLD_FD	10
#define WORLD_VM_FD	20

void world_init(void);
struct pvi_vm *world_vm(u8 name);	/* bound, with a VM; never NULL */
void world_end(struct pvi_vm *vm);
struct file *world_kvm(void);		/* a VM's, for a descriptor */
void world_kvm_put(struct file *file);
uuid_t world_uuid(u8 name);
struct pvi_gsi *world_expose(struct pvi_vm *vm, u32 gsi, u32 kind);
void world_allow(struct pvi_vm *to, struct pvi_vm *from, u32 gsi, u32 flags, u64 bits);

/* As the ioctl would: the struct comes back in place. */
int world_call(int (*fn)(struct pvi_vm *vm, void *arg), struct pvi_vm *vm, void *arg, size_t size);

#endif
