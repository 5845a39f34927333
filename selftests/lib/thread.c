// SPDX-License-Identifier: GPL-2.0
/* kvm-pvi selftests: vCPUs on threads of their own */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "pvi_test.h"

#define JOIN_DEADLINE_S 20
#define KICK_SIGNAL SIGUSR1

static void on_kick(int signal)
{
	(void)signal;
}

static void *run_guest(void *arg)
{
	struct vcpu *vcpu = arg;

	for (;;) {
		vcpu->end = vcpu_run(vcpu);
		if (vcpu->end.cmd != UCALL_SYNC)
			return NULL;
		__atomic_store_n(&vcpu->synced, vcpu->end.args[0], __ATOMIC_RELEASE);
	}
}

void vcpu_run_thread(struct vcpu *vcpu, guest_fn fn, u64 arg)
{
	/* No SA_RESTART: KVM_RUN has to come back */
	struct sigaction action = { .sa_handler = on_kick };

	ASSERT_TRUE(!vcpu->running);
	ASSERT_EQ(sigaction(KICK_SIGNAL, &action, NULL), 0);
	vcpu->synced = 0;
	vcpu_start(vcpu, fn, arg);
	ASSERT_EQ(pthread_create(&vcpu->thread, NULL, run_guest, vcpu), 0);
	vcpu->running = true;
}

static bool join_until_deadline(struct vcpu *vcpu)
{
	if (!wait_until(!pthread_tryjoin_np(vcpu->thread, NULL), JOIN_DEADLINE_S * 1000))
		return false;
	vcpu->running = false;
	return true;
}

static bool kick_and_join(struct vcpu *vcpu)
{
	bool joined;

	__atomic_store_n(&vcpu->stop, true, __ATOMIC_RELEASE);
	__atomic_store_n(&vcpu->run->immediate_exit, 1, __ATOMIC_RELEASE);
	pthread_kill(vcpu->thread, KICK_SIGNAL);
	joined = join_until_deadline(vcpu);
	vcpu->run->immediate_exit = 0;
	vcpu->stop = false;
	return joined;
}

u64 vcpu_join(struct vcpu *vcpu)
{
	ASSERT_TRUE(vcpu->running);
	if (!join_until_deadline(vcpu)) {
		/* Registers can be read only from a vCPU that has left KVM_RUN */
		if (!kick_and_join(vcpu))
			TEST_FAIL("vCPU %u: stuck inside KVM_RUN", vcpu->id);
		vcpu_fail(vcpu, "the guest did not end in time");
	}
	if (vcpu->end.cmd != UCALL_EXIT)
		vcpu_fail(vcpu, "the guest did not reach its end");
	return vcpu->end.args[0];
}

void vcpu_wait_sync(struct vcpu *vcpu, u64 n)
{
	if (!wait_until(__atomic_load_n(&vcpu->synced, __ATOMIC_ACQUIRE) >= n,
			JOIN_DEADLINE_S * 1000))
		TEST_FAIL("vCPU %u: at sync %llu, not at %llu", vcpu->id, vcpu->synced, n);
}

void vcpu_wait_irqs(struct vcpu *vcpu, u8 vector, u64 count)
{
	u64 *counter = &vcpu->cpu->irq_count[vector];

	if (wait_until(__atomic_load_n(counter, __ATOMIC_ACQUIRE) >= count, JOIN_DEADLINE_S * 1000))
		return;
	vcpu_stop(vcpu);
	test_diag("vector 0x%x was taken %llu times, not %llu", vector, *counter, count);
	vcpu_fail(vcpu, "interrupts did not come in time");
}

void vcpu_stop(struct vcpu *vcpu)
{
	if (vcpu->running && !kick_and_join(vcpu))
		TEST_FAIL("vCPU %u: stuck inside KVM_RUN", vcpu->id);
}
