// SPDX-License-Identifier: GPL-2.0
/*
 * Hypercalls that are not ours answer as KVM alone answers them, in every mode and ring: with nothing
 * bound, with another VM bound, with the caller bound, and with the module gone.
 */
#include "pvi_test.h"
#include "random.h"

#define SEED		20260610
#define STOCK		256	/* numbers from 0 on */
#define RANDOM		5000	/* others, in each mode; a twentieth of that unless there is time */
#define NR		(STOCK + RANDOM)

struct answers {
	u64 rax[NR_GUEST_MODES][NR];
};

static struct hcall calls[NR_GUEST_MODES][NR];
static u32 nr_calls;	/* of them in each mode */

/* What the host looks at, in that mode */
static u64 effective(enum guest_mode mode, u64 nr)
{
	return guest_mode_is_64bit(mode) ? nr : (u32)nr;
}

static bool is_ours(enum guest_mode mode, u64 nr)
{
	return effective(mode, nr) - KVM_HC_PVI_BASE < KVM_HC_PVI_NR;
}

/* Of any magnitude, and many near our block */
static u64 random_number(struct rng *rng, enum guest_mode mode)
{
	u64 nr;

	do {
		nr = rng_any(rng);
		if (!rng_below(rng, 4))
			nr = (nr << 32) + KVM_HC_PVI_BASE - 64 + rng_below(rng, 128);
	} while (is_ours(mode, nr));
	return nr;
}

static struct hcall random_call(struct rng *rng, enum guest_mode mode, u64 nr)
{
	struct hcall call = {
		nr, rng_next(rng), rng_next(rng), rng_next(rng), rng_next(rng)
	};

	/* An IPI is a fixed one, to vCPUs around the only one; it waits, interrupts are off */
	if (effective(mode, nr) == KVM_HC_SEND_IPI) {
		call.rdx = rng_below(rng, 3);
		call.rsi = 0x40;
	}
	return call;
}

static void make_calls(void)
{
	struct rng rng = { SEED };
	u32 m, i;

	nr_calls = test_long() ? NR : STOCK + RANDOM / 20;
	for (m = 0; m < NR_GUEST_MODES; m++)
		for (i = 0; i < nr_calls; i++)
			calls[m][i] = random_call(&rng, m,
						  i < STOCK ? i : random_number(&rng, m));
}

/* RBX may not change either; the library checks the rest */
static struct answers *ask(struct vm *vm)
{
	struct answers *answers = malloc(sizeof(*answers));
	struct saved_mode saved;
	struct hcall call;
	u32 m, i;

	ASSERT_TRUE(answers);
	for (m = 0; m < NR_GUEST_MODES; m++) {
		vcpu_mode_enter(&vm->vcpus[0], m, &saved);
		for (i = 0; i < nr_calls; i++) {
			call = calls[m][i];
			answers->rax[m][i] = vcpu_mode_hypercall(&vm->vcpus[0], &saved, &call);
			ASSERT_EQ(call.rbx, calls[m][i].rbx);
		}
		vcpu_mode_leave(&vm->vcpus[0], &saved);
	}
	return answers;
}

static void compare(const struct answers *stock, const struct answers *answers, const char *when)
{
	u32 m, i;

	for (m = 0; m < NR_GUEST_MODES; m++)
		for (i = 0; i < nr_calls; i++)
			if (stock->rax[m][i] != answers->rax[m][i])
				TEST_FAIL("%s, %s, number 0x%llx: 0x%llx, stock is 0x%llx", when,
					  guest_mode_name[m], calls[m][i].rax,
					  answers->rax[m][i], stock->rax[m][i]);
}

static u32 count_known(const struct answers *stock)
{
	u32 i, known = 0;

	for (i = 0; i < STOCK; i++)
		known += stock->rax[GUEST_LONG64][i] != -(u64)KVM_ENOSYS;
	return known;
}

/* Endpoints that have closed let the module go a little later */
static struct answers *ask_without_module(struct vm *vm)
{
	struct answers *answers;

	ASSERT_TRUE(wait_until(!__unload_module("kvm_pvi"), 20000));
	answers = ask(vm);
	load_pvi();
	return answers;
}

static void test_same_answers(void)
{
	struct vm *vm = vm_create(1, 0), *other = vm_create(1, 0);
	struct answers *stock;
	int fd;

	make_calls();
	stock = ask_without_module(vm);
	test_diag("KVM knows %u of the first %u numbers", count_known(stock), STOCK);
	ASSERT_GT(count_known(stock), 0);
	compare(stock, ask(vm), "nothing bound");
	pvi_bind(other, pvi_uuid[0]);
	compare(stock, ask(vm), "another VM bound");
	fd = pvi_bind(vm, pvi_uuid[1]);
	compare(stock, ask(vm), "this VM bound");
	close(fd);
	compare(stock, ask(vm), "bound no more");
}

static const struct test_case cases[] = {
	{ "same_answers", test_same_answers, 400 },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_KVM | TEST_REQUIRE_PVI);
}
