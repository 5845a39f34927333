/* SPDX-License-Identifier: GPL-2.0 */
/*
 * kvm-pvi selftests: the one header a test includes
 *
 * A test program is its guests' memory: the program's image is mapped into every VM at the
 * addresses it has here. So guest code is C functions of the test, static variables are shared
 * by the host side, all guests and all vCPUs, and &variable is its guest-physical address.
 * Stack, heap and libc are the host's alone; what a guest takes as @arg is a number or the
 * address of a static variable.
 *
 *	static u64 mailbox;
 *
 *	static __guest u64 receiver(u64 arg)
 *	{
 *		guest_sync(1);
 *		guest_wait_irqs(0x40, arg);
 *		GUEST_ASSERT_EQ(mailbox, 7);
 *		return guest_irq_count(0x40);
 *	}
 *
 *	static __guest u64 sender(u64 port)
 *	{
 *		mailbox = 7;
 *		return guest_hypercall(KVM_HC_NOTIFY, port, 0, 0, 0);
 *	}
 *
 *	static void test_ring(void)
 *	{
 *		struct vm *rx = vm_create(1, 0), *tx = vm_create(1, 0);
 *		int rx_fd = pvi_bind(rx, pvi_uuid[0]), tx_fd = pvi_bind(tx, pvi_uuid[1]);
 *		u32 port;
 *
 *		vm_ioapic_set(rx, 5, 0x40, 0, 0);
 *		pvi_expose(rx_fd, 5, KVM_PVI_GSI_DIRECT);
 *		ASSERT_EQ(__pvi_connect(tx_fd, pvi_uuid[0], 5, &port), -EPERM);
 *		pvi_allow(rx_fd, pvi_uuid[1], 5);
 *		port = pvi_connect(tx_fd, pvi_uuid[0], 5);
 *
 *		vcpu_run_thread(&rx->vcpus[0], receiver, 1);
 *		vcpu_wait_sync(&rx->vcpus[0], 1);
 *		ASSERT_EQ(vcpu_call(&tx->vcpus[0], sender, port), KVM_PVI_RAISED);
 *		ASSERT_EQ(vcpu_join(&rx->vcpus[0]), 1);
 *	}
 *
 *	static const struct test_case cases[] = {
 *		{ "ring", test_ring },
 *	};
 *
 *	int main(int argc, char **argv)
 *	{
 *		return test_main(argc, argv, cases, ARRAY_SIZE(cases),
 *				 TEST_REQUIRE_KVM | TEST_REQUIRE_PVI);
 *	}
 *
 * Each case runs in a child of its own and has 30 s, so nothing needs to be freed; vm_free() and
 * close() are for tests of death. The first failed assertion ends the case, on the host's side
 * (ASSERT_*) or a guest's (GUEST_ASSERT_*), as do a guest's exceptions and unexpected exits.
 * Functions come in pairs: __x() returns -errno for a test to check, x() fails it.
 *
 * A vCPU starts in 64-bit mode, interrupts off, its APIC enabled (x2APIC), LINT0 masked; pins 0
 * to 23 of the IOAPIC are GSI 0 to 23 and masked; the 8259, which has GSI 0 to 15 too, is as at
 * reset. vcpu_hypercall_in_mode() goes through the other modes, and
 * needs no guest code. There are no sleeps: wait with guest_wait_irqs(), vcpu_wait_sync(),
 * vcpu_join() or wait_until(). Loops in guest code that make no hypercall cost no exits.
 */
#ifndef PVI_TEST_H
#define PVI_TEST_H

#include <errno.h>
#include <linux/kvm_para.h>
#include <linux/kvm_pvi.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "child.h"
#include "fentry.h"
#include "guest.h"
#include "host.h"
#include "module.h"
#include "peers.h"
#include "pvi.h"
#include "tap.h"
#include "vm.h"

#endif
