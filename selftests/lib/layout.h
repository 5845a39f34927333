/* SPDX-License-Identifier: GPL-2.0 */
/*
 * kvm-pvi selftests: constants that C and assembly share
 *
 * Guest-physical memory of every VM, identity-mapped up to 4 GiB, all of it open to ring 3:
 *
 *   0x00000000  low memory of the VM's own: mode code, then a struct guest_cpu for each vCPU
 *   image       the test program itself, .text to .bss, the same bytes for all VMs
 *   elsewhere   what the test maps with vm_add_mem() and vm_map_mem()
 */
#ifndef PVI_TEST_LAYOUT_H
#define PVI_TEST_LAYOUT_H

#define LOW_SIZE	0x100000
#define LOW_CODE	0x1000	/* below 64 KiB: real mode runs here */
#define LOW_CPUS	0x20000
#define CPU_SIZE	0x8000
#define MAX_VCPUS	((LOW_SIZE - LOW_CPUS) / CPU_SIZE)

#define UCALL_PORT	0xe4

#define SEL_KCODE	0x08
#define SEL_KDATA	0x10
#define SEL_UDATA	(0x18 | 3)
#define SEL_UCODE	(0x20 | 3)
#define SEL_TSS		0x28

#define VEC_LEAVE_USER	0x80
#define VEC_SPURIOUS	0xff

/* Offsets in struct guest_cpu, checked in guest.c */
#define CPU_RESUME_RSP	8
#define CPU_USER_STACK	16
#define CPU_TSS_RSP0	28

#endif
