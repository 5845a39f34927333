// SPDX-License-Identifier: GPL-2.0
#include "fuzzer.h"

/* A GSI, a port, an address, a mask: likely ones, and others of any magnitude */
u64 fuzz_argument(struct rng *rng)
{
	static const u64 likely[] = {
		0, 0, 0, 0, 1, 2, 3, 4, FUZZ_GSI, FUZZ_GSI + 1,
		FUZZ_HCALL_NAMES, FUZZ_HCALL_NAMES + 16, FUZZ_HCALL_NAMES + 32, FUZZ_HCALL_NAMES + 48,
		KVM_PVI_GSI_VIRTUAL, KVM_PVI_GSI_MAX, KVM_PVI_GSI_ANY, 0xfee00000, 0x40, 64,
		1ULL << 32, 1ULL << 63, ~0ULL
	};
	u64 value = rng_any(rng);

	if (rng_below(rng, 4))
		return likely[rng_below(rng, ARRAY_SIZE(likely))];
	/* What a call writes must not hit the test's own image, which is guest memory too */
	return value & 0x40000000 ? value : value | 0x40000000;
}

static u64 random_nr(struct rng *rng, enum guest_mode mode)
{
	u64 nr = KVM_HC_PVI_BASE + rng_below(rng, KVM_HC_PVI_NR);

	return mode != GUEST_LONG64 || rng_below(rng, 16) == 0 ? nr | rng_next(rng) << 32 : nr;
}

/* A hypercall with any arguments */
struct hcall fuzz_hcall(struct rng *rng, enum guest_mode mode)
{
	struct hcall in = {
		random_nr(rng, mode), fuzz_argument(rng),
		rng_below(rng, 2) ? fuzz_argument(rng) : 0,
		rng_below(rng, 4) ? 0 : fuzz_argument(rng),
		rng_below(rng, 32) ? 0 : fuzz_argument(rng),
	};

	/* What it writes must not hit the code that makes the calls either */
	if ((u32)in.rax == KVM_HC_PVI_PEERS && (u32)in.rbx == LOW_CODE)
		in.rbx = FUZZ_HCALL_NAMES;
	return in;
}

bool fuzz_is_answer(s64 ret)
{
	switch (ret) {
	case -KVM_PVI_EPERM:
	case -KVM_PVI_ENOENT:
	case -KVM_PVI_ENXIO:
	case -KVM_PVI_EAGAIN:
	case -KVM_PVI_EFAULT:
	case -KVM_PVI_EINVAL:
	case -KVM_PVI_ENOSPC:
	case -KVM_PVI_EOPNOTSUPP:
	case -KVM_PVI_ENOSYS:
		return true;
	}
	return ret >= 0 && ret <= 0x7fffffff;
}

bool fuzz_returns_rbx(u64 nr)
{
	return (u32)nr == KVM_HC_NOTIFY_MANY || (u32)nr == KVM_HC_BELL_SEND ||
	       (u32)nr == KVM_HC_BELL_RECEIVE;
}

void fuzz_check_answer(enum guest_mode mode, const struct hcall *in, const struct hcall *out)
{
	s64 ret = guest_mode_is_64bit(mode) ? (s64)out->rax : (s32)out->rax;
	bool good = fuzz_is_answer(ret);

	if (guest_mode_is_user(mode))
		good = ret == -KVM_EPERM;
	if (!guest_mode_is_64bit(mode))
		good &= !(out->rax >> 32);
	if (mode == GUEST_LONG64 && in->rax >> 32)
		good &= ret == -KVM_ENOSYS;
	good &= in->rbx == out->rbx || (fuzz_returns_rbx(in->rax) && ret >= 0);
	if (!good)
		TEST_FAIL("%s, %llx(%llx, %llx, %llx, %llx): RAX %llx, RBX %llx",
			  guest_mode_name[mode], in->rax, in->rbx, in->rcx, in->rdx, in->rsi,
			  out->rax, out->rbx);
}
