/* SPDX-License-Identifier: GPL-2.0-only */
/* pvi_test_guest - what its files share */
#ifndef PVI_TEST_GUEST_H
#define PVI_TEST_GUEST_H

#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/kvm_pvi_guest.h>
#include <linux/printk.h>

#define DEADLINE	(20 * HZ)	/* against a hang */

extern unsigned int pin, msi, bell_gsi, bell, rounds;
extern uuid_t self;

bool check(bool ok, const char *function, int line, const char *what);
bool check_eq(long long seen, long long value, const char *function, int line, const char *what);

#define CHECK(cond) check(cond, __func__, __LINE__, #cond)
#define CHECK_EQ(expr, value) check_eq(expr, value, __func__, __LINE__, #expr)

/* Rings, and sees that counter a is told. */
#define CHECK_RINGS(call) do {						\
	reinit_completion(&a.rung);					\
	CHECK_EQ(call, KVM_PVI_RAISED);					\
	CHECK(was_rung(&a));						\
} while (0)

/* A handler that counts, while it is @live */
struct counter {
	struct kvm_pvi_guest_handler handler;
	struct completion rung;
	bool live;
	int nr;
};

extern struct counter a, b;
extern struct cpumask cpus;	/* those that have counted */

void count(struct kvm_pvi_guest_handler *handler);
int request(struct counter *c, u32 gsi);
void release(struct counter *c);
bool was_rung(struct counter *c);

/* A connection to a GSI of this guest that counter a handles, or NULL */
struct kvm_pvi_guest_link *connect(u32 gsi);
void disconnect(struct kvm_pvi_guest_link *link);

/* The host's number of a connection, which the driver keeps first of all, and tells nobody */
static inline u32 number_of(const struct kvm_pvi_guest_link *link)
{
	return *(const u32 *)link;
}

/* guest_ring.c */
void test_host(void);
void test_refused(void);
void test_pin(void);
void test_msi(void);
void test_exclusive(void);
void test_connection(void);
void test_notify(void);

/* guest_bell.c */
void test_bell(void);
void test_peers(void);

/* guest_race.c */
void test_affinity(void);
void test_release(void);

#endif
