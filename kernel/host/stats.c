// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi stats - what a host sees: counters by ioctl, fdinfo and debugfs
 */
#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/seq_file.h>

#include "acl.h"
#include "bell.h"
#include "grant.h"
#include "gsi.h"
#include "port.h"
#include "reserve.h"
#include "source.h"
#include "stats.h"
#include "status.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

static struct dentry *stats_dir;

static void stats_sum(struct pvi_vm *vm, struct pvi_stats *sum)
{
	int cpu, i;

	memset(sum, 0, sizeof(*sum));
	for_each_possible_cpu(cpu) {
		const struct pvi_stats *one = per_cpu_ptr(vm->stats, cpu);

		for (i = 0; i < PVI_NR_COUNTS; i++) {
			sum->sent[i] += READ_ONCE(one->sent[i]);
			sum->received[i] += READ_ONCE(one->received[i]);
		}
		sum->retries += READ_ONCE(one->retries);
		sum->dropped += READ_ONCE(one->dropped);
	}
}

static void stats_to_user(struct kvm_pvi_counts *to, const u64 *from)
{
	to->raised = from[PVI_RAISED];
	to->coalesced = from[PVI_COALESCED];
	to->latched = from[PVI_LATCHED];
	to->denied = from[PVI_DENIED];
	to->throttled = from[PVI_THROTTLED];
}

int pvi_stats_get(struct pvi_vm *vm, void *arg)
{
	struct kvm_pvi_stats *s = arg;
	struct pvi_stats sum;

	stats_sum(vm, &sum);
	stats_to_user(&s->sent, sum.sent);
	stats_to_user(&s->received, sum.received);
	s->retries = sum.retries;
	s->dropped = sum.dropped;
	return 0;
}

static void stats_show_counts(struct seq_file *m, const char *name, const u64 *counts)
{
	seq_printf(m, "pvi-%s:\traised %llu coalesced %llu latched %llu denied %llu throttled %llu\n",
		   name, counts[PVI_RAISED], counts[PVI_COALESCED], counts[PVI_LATCHED],
		   counts[PVI_DENIED], counts[PVI_THROTTLED]);
}

void pvi_stats_fdinfo(struct seq_file *m, struct file *file)
{
	static const char * const lives[] = { "unbound", "binding", "bound", "dead", "dead" };
	struct pvi_vm *vm = file->private_data;
	struct pvi_stats sum;
	u8 life;
	struct pvi_gsi *g;
	struct pvi_port *p;
	unsigned long i;
	u32 port;

	if (pvi_vm_lock_any(vm))
		return;
	/* Pairs with the stores of life.c. What is seen bound here stays until the lock is let go. */
	life = smp_load_acquire(&vm->life);
	seq_printf(m, "pvi-state:\t%s%s\n", lives[life], pvi_vm_frozen(vm) ? ", frozen" : "");
	if (life < PVI_LIFE_BOUND)
		goto out;
	stats_sum(vm, &sum);
	seq_printf(m, "pvi-uuid:\t%pUb\n", &vm->uuid);
	seq_printf(m, "pvi-senders:\t%u\n", vm->nr_edges);
	stats_show_counts(m, "sent", sum.sent);
	stats_show_counts(m, "received", sum.received);
	if (life != PVI_LIFE_BOUND)
		goto out;
	xa_for_each(&vm->gsis, i, g) {
		seq_printf(m, "pvi-gsi:\t%u kind %u state %#x rings %lld\n", g->gsi, g->kind,
			   pvi_gsi_state(g), atomic64_read(&g->rings));
		pvi_bell_show(m, g);
		pvi_status_show(m, g);
		cond_resched();
	}
	for (port = 0; port < pvi_port_end(vm); port++) {
		p = pvi_port_at(vm, port);
		if (p && pvi_port_shown(p, port))
			seq_printf(m, "pvi-port:\t%u state %u gsi %u\n", p->number,
				   pvi_port_state(p), p->gsi);
		cond_resched();
	}
	pvi_source_list(m, vm);
	pvi_grant_list(m, vm);
out:
	pvi_vm_unlock(vm);
}

static void stats_show_vm(struct pvi_vm *vm, void *arg)
{
	struct seq_file *m = arg;
	struct pvi_stats sum;
	int i;

	stats_sum(vm, &sum);
	seq_printf(m, "%pUb %u %s", &vm->uuid, from_kuid_munged(&init_user_ns, vm->owner),
		   vm->kvm ? "vm" : "host");
	for (i = 0; i < PVI_NR_COUNTS; i++)
		seq_printf(m, " %llu", sum.sent[i]);
	for (i = 0; i < PVI_NR_COUNTS; i++)
		seq_printf(m, " %llu", sum.received[i]);
	seq_printf(m, " %llu\n", sum.retries);
}

/* One line for each bound endpoint. */
static int vms_show(struct seq_file *m, void *unused)
{
	seq_puts(m, "uuid owner kind sent: raised coalesced latched denied throttled received: raised coalesced latched denied throttled retries\n");
	pvi_vm_for_each(stats_show_vm, m);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(vms);

static int edges_show(struct seq_file *m, void *unused)
{
	pvi_acl_list(m);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(edges);

static int reserved_show(struct seq_file *m, void *unused)
{
	pvi_reserve_list(m);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(reserved);

/* A host without debugfs serves as well. */
void __init pvi_stats_init(void)
{
	stats_dir = debugfs_create_dir("kvm_pvi", NULL);
	debugfs_create_file("vms", 0400, stats_dir, NULL, &vms_fops);
	debugfs_create_file("edges", 0400, stats_dir, NULL, &edges_fops);
	debugfs_create_file("reserved", 0400, stats_dir, NULL, &reserved_fops);
}

void pvi_stats_exit(void)
{
	debugfs_remove(stats_dir);
}
