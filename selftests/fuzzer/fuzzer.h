/* SPDX-License-Identifier: GPL-2.0 */
/*
 * kvm-pvi selftests: any ioctl, with anything in its struct, by pointers to anywhere, on descriptors in any state.
 * Half of what is in the fields is what may belong there, so that each call also works now and then. What
 * comes back must be what the header lists. All is drawn from a struct rng.
 */
#ifndef PVI_TEST_FUZZER_H
#define PVI_TEST_FUZZER_H

#include "pvi_test.h"
#include "random.h"
#include "status.h"

#define FUZZ_THREADS	3
#define FUZZ_ENDPOINTS	4	/* of each thread */
#define FUZZ_GRANTS	3
#define FUZZ_NAMES	6
#define FUZZ_SANDBOX	0x10000	/* bytes that calls may write to */
#define FUZZ_GSI	5
#define FUZZ_KINDS	28	/* of ioctls */
#define FUZZ_NAME(n)	pvi_uuid[240 + (n)]	/* no other test's: they may be reserved */

/**
 * struct fuzzer - one thread
 * @fds: its endpoints; others call them, and it alone opens and closes them
 * @grants: what GRANT gave it
 * @pages: where structs are: two pages, one that is not there behind them
 * @box: where calls may write; names at its beginning
 * @worked: how often each ioctl did
 */
struct fuzzer {
	pthread_t thread;
	struct rng rng;
	int fds[FUZZ_ENDPOINTS], grants[FUZZ_GRANTS];
	u8 *pages, *box;
	u32 worked[FUZZ_KINDS], calls;
};

/* What all threads share: @nr of them, eventfds, memory, and VMs, the first with a vCPU */
struct fuzz_world {
	struct fuzzer fuzzers[FUZZ_THREADS];
	u32 nr;
	int eventfds[4], memfds[3], vms[3];
	struct vm *vm;
	struct status_mem mem;
};

extern struct fuzz_world fuzz_world;

#define FUZZ_ANY(rng, array) (array)[rng_below(rng, ARRAY_SIZE(array))]

/* fuzzer.c: for @nr fuzzers, which have no endpoints yet, and no seed */
void fuzz_prepare(u32 nr);
void fuzzer_open(struct fuzzer *f);
void fuzzer_close(struct fuzzer *f);
/* One ioctl, and now and then something else with a descriptor */
void fuzzer_step(struct fuzzer *f);
/* With all descriptors closed nothing is left, and all that there is works */
void fuzz_check_health(void);
/* What they did. Which kinds worked is chance, but few never do */
void fuzz_report(void);
/* Names stay reserved when descriptors are closed */
void fuzz_unreserve(void);

/* ioctls.c */
void fuzzer_call(struct fuzzer *f);
const char *fuzz_kind(u32 i);
/* Whether the header lists an ioctl's answer */
bool fuzz_is_documented(int ret);
u64 fuzzer_address(struct fuzzer *f);

/* hcall.c: hypercalls of a guest, whose memory has names at FUZZ_HCALL_NAMES */
#define FUZZ_HCALL_NAMES	0x4000
struct hcall fuzz_hcall(struct rng *rng, enum guest_mode mode);
u64 fuzz_argument(struct rng *rng);
bool fuzz_is_answer(s64 ret);
bool fuzz_returns_rbx(u64 nr);
/* Fails the test if the header does not list the answer @out to @in */
void fuzz_check_answer(enum guest_mode mode, const struct hcall *in, const struct hcall *out);

#endif
