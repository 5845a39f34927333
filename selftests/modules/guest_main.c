// SPDX-License-Identifier: GPL-2.0-only
/*
 * pvi_test_guest - calls all that kvm_pvi_guest exports, in a guest that may ring itself
 *
 * Loading it runs the cases. It loads if they pass; if not, loading fails with EIO, and the log
 * says what was seen.
 *
 * The VM's endpoint must expose the GSIs of the parameters, msi or bell_gsi as its last ones, have a
 * bell on bell_gsi, allow its own UUID to ring pin and msi and to set flags 0 and 1 of the bell, and
 * have made no port for the guest.
 */
#include <linux/err.h>
#include <linux/module.h>
#include <linux/smp.h>

#include "guest.h"

unsigned int pin = 20;
module_param(pin, uint, 0444);
MODULE_PARM_DESC(pin, "a direct GSI");

unsigned int msi = 0x10000;
module_param(msi, uint, 0444);
MODULE_PARM_DESC(msi, "a virtual GSI");

unsigned int bell_gsi = 0x10001;
module_param(bell_gsi, uint, 0444);
MODULE_PARM_DESC(bell_gsi, "a GSI with a bell");

unsigned int bell;
module_param(bell, uint, 0444);
MODULE_PARM_DESC(bell, "the number of that bell");

unsigned int rounds = 300;
module_param(rounds, uint, 0444);
MODULE_PARM_DESC(rounds, "of the cases in which two threads race");

uuid_t self;

static unsigned int failures;

/* A case goes on after a failure, unless it cannot, so that it gives back what it has. */
bool check(bool ok, const char *function, int line, const char *what)
{
	if (!ok) {
		pr_err("%s:%d: not so: %s\n", function, line, what);
		failures++;
	}
	return ok;
}

bool check_eq(long long seen, long long value, const char *function, int line,
	      const char *what)
{
	if (seen == value)
		return true;
	pr_err("%s:%d: %s is %lld, not %lld\n", function, line, what, seen, value);
	failures++;
	return false;
}

struct cpumask cpus;

void count(struct kvm_pvi_guest_handler *handler)
{
	struct counter *c = container_of(handler, struct counter, handler);

	cpumask_set_cpu(smp_processor_id(), &cpus);
	WRITE_ONCE(c->nr, c->nr + 1);
	complete(&c->rung);
}

struct counter a = { .handler.ring = count }, b = { .handler.ring = count };

int request(struct counter *c, u32 gsi)
{
	int ret;

	c->nr = 0;
	init_completion(&c->rung);
	ret = kvm_pvi_guest_request(&c->handler, gsi);
	c->live = !ret;
	return ret;
}

void release(struct counter *c)
{
	if (c->live)
		kvm_pvi_guest_release(&c->handler);
	c->live = false;
}

bool was_rung(struct counter *c)
{
	return wait_for_completion_timeout(&c->rung, DEADLINE);
}

struct kvm_pvi_guest_link *connect(u32 gsi)
{
	struct kvm_pvi_guest_link *link;

	if (!CHECK_EQ(request(&a, gsi), 0))
		return NULL;
	link = kvm_pvi_guest_connect(&self, gsi);
	if (CHECK_EQ(PTR_ERR_OR_ZERO(link), 0))
		return link;
	release(&a);
	return NULL;
}

void disconnect(struct kvm_pvi_guest_link *link)
{
	kvm_pvi_guest_disconnect(link);
	release(&a);
}

static const struct {
	const char *name;
	void (*fn)(void);
} cases[] = {
	{ "host", test_host },
	{ "refused", test_refused },
	{ "pin", test_pin },
	{ "msi", test_msi },
	{ "exclusive", test_exclusive },
	{ "connection", test_connection },
	{ "notify", test_notify },
	{ "bell", test_bell },
	{ "peers", test_peers },
	{ "affinity", test_affinity },
	{ "release", test_release },
};

static int __init test_init(void)
{
	unsigned int i, before;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		before = failures;
		cases[i].fn();
		pr_info("%s %s\n", failures == before ? "ok" : "not ok", cases[i].name);
	}
	return failures ? -EIO : 0;
}

static void __exit test_exit(void)
{
}

module_init(test_init);
module_exit(test_exit);

MODULE_DESCRIPTION("Test of kvm_pvi_guest: calls all that it exports");
MODULE_LICENSE("GPL");
