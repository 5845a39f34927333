// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * kvm-pvi example: the smallest guest that rings and is rung. This source serves 64-bit and
 * 32-bit guests; it runs in ring 0, and its addresses are guest-physical ones.
 */
#include <cpuid.h>
#include <linux/kvm_pvi.h>

#include "example.h"

#define IOAPIC	0xfec00000ul
#define HYGON	0x6f677948	/* "Hygo" */

unsigned char example_vmmcall;	/* AMD's instruction, not Intel's */
unsigned long example_mailbox;
unsigned long example_seen;

static long hypercall(unsigned long nr, unsigned long a0, unsigned long a1, unsigned long a2,
		      unsigned long a3)
{
	if (example_vmmcall)
		asm volatile("vmmcall"
			     : "+a" (nr) : "b" (a0), "c" (a1), "d" (a2), "S" (a3) : "memory");
	else
		asm volatile("vmcall"
			     : "+a" (nr) : "b" (a0), "c" (a1), "d" (a2), "S" (a3) : "memory");
	return nr;
}

/* KVM's leaves, which another hypervisor's interface may have moved. */
static int on_kvm(void)
{
	unsigned int leaf, eax, ebx, ecx, edx;

	for (leaf = 0x40000000; leaf < 0x40010000; leaf += 0x100) {
		__cpuid(leaf, eax, ebx, ecx, edx);
		if (ebx == 0x4b4d564b && ecx == 0x564b4d56 && edx == 0x4d)	/* "KVMKVMKVM" */
			return 1;
	}
	return 0;
}

/* Returns KVM_PVI_FEAT_*, 0 if there is no kvm_pvi here. */
unsigned long example_detect(void)
{
	unsigned int eax, ebx, ecx, edx;
	long features;

	if (!on_kvm())
		return 0;
	__cpuid(0, eax, ebx, ecx, edx);
	example_vmmcall = ebx == signature_AMD_ebx || ebx == HYGON;
	features = hypercall(KVM_HC_PVI_FEATURES, 0, 0, 0, 0);
	if (features <= 0 || KVM_PVI_FEAT_MAJOR(features) != KVM_PVI_ABI_MAJOR)
		return 0;
	hypercall(KVM_HC_PVI_RESET, 0, 0, 0, 0);
	return features;
}

/* @uuid is 16-byte aligned. */
long example_ring_uuid(const __u8 *uuid, unsigned long gsi)
{
	return hypercall(KVM_HC_PVI, (unsigned long)uuid, gsi, 0, 0);
}

/* Data first, then the ring. Throttled means that nothing was rung: the caller owes another try. */
long example_ring(unsigned long port)
{
	long ret;

	__atomic_fetch_add(&example_mailbox, 1, __ATOMIC_RELEASE);
	do {
		ret = hypercall(KVM_HC_NOTIFY, port, 0, 0, 0);
	} while (ret == -KVM_PVI_EAGAIN);
	return ret;
}

static void ioapic_write(unsigned long reg, unsigned int value)
{
	asm volatile("movl %0, (%1)" : : "r" ((unsigned int)reg), "r" (IOAPIC) : "memory");
	asm volatile("movl %0, (%1)" : : "r" (value), "r" (IOAPIC + 0x10) : "memory");
}

/* Looks at everything there is: many rings may have become one interrupt. */
static void drain(void)
{
	example_seen = __atomic_load_n(&example_mailbox, __ATOMIC_ACQUIRE);
}

/* Called by the interrupt entry, which ends with an EOI. */
void example_handler(unsigned char vector)
{
	(void)vector;
	drain();
}

/* Takes interrupts of the @nth exposed GSI; the handler stands behind @vector already. */
long example_listen(unsigned long nth, unsigned char vector)
{
	long gsi = hypercall(KVM_HC_PVI_QUERY, KVM_PVI_Q_GSI, nth, KVM_PVI_Q_GSI_NUMBER, 0);
	long ret;

	if (gsi < 0)
		return gsi;
	ioapic_write(0x11 + 2 * gsi, 0);	/* to the CPU with APIC ID 0 */
	ioapic_write(0x10 + 2 * gsi, vector);	/* fixed, edge, active high, not masked */
	ret = hypercall(KVM_HC_PVI_ARM, gsi, 0, 0, 0);
	if (!ret)
		drain();
	return ret;
}
