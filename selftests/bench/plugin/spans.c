// SPDX-License-Identifier: GPL-2.0
/*
 * kvm-pvi bench: a QEMU plugin that counts what runs between two marks, of host and guests apart
 *
 * Whoever is measured marks where a span begins and ends, by NOPs of its own (span_begin() in
 * e2e/pvi_flow.c), in the host or in a guest. Guests run from VMRUN until the instruction behind it
 * is next. An idle processor runs nothing, and counts nothing.
 *
 * Writes to the file given as "out=FILE", for each span:
 *
 *	span HOST GUESTS EXITS LINES	instructions, instructions, how often a guest was entered, and, with
 *					"lines=on", which takes several times as long, lines.c's
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "lines.h"
#include "qemu.h"

#define MAX_VMRUNS	8

struct counts {
	uint64_t part[2];		/* instructions, [in_guest] */
	uint64_t entries;
	uint64_t lines;
};

QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_VERSION;

static uint64_t run, accounted;		/* instructions since the start */
static struct counts now, before;
static bool in_guest;
static uint64_t behind[MAX_VMRUNS];	/* addresses */
static unsigned int nr_vmruns;
static FILE *out;

/* All that has run but the last @ahead instructions was where we were until now. */
static void account(uint64_t ahead)
{
	now.part[in_guest] += run - ahead - accounted;
	accounted = run - ahead;
}

static void on_entry(unsigned int vcpu, void *data)
{
	(void)vcpu;
	(void)data;
	account(0);
	lines_enter();
	in_guest = true;
	now.entries++;
}

/* @data is how many instructions have been counted of what is yet to run. */
static void on_exit(unsigned int vcpu, void *data)
{
	(void)vcpu;
	account((uintptr_t)data);
	lines_leave();
	in_guest = false;
}

static void on_begin(unsigned int vcpu, void *data)
{
	(void)vcpu;
	(void)data;
	account(0);
	now.lines = lines_gone();
	before = now;
}

static void on_end(unsigned int vcpu, void *data)
{
	(void)vcpu;
	(void)data;
	account(0);
	fprintf(out, "span %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
		now.part[0] - before.part[0], now.part[1] - before.part[1],
		now.entries - before.entries, lines_gone() - before.lines);
	fflush(out);
}

static bool is_insn(const struct qemu_plugin_insn *insn, const uint8_t *code, size_t size)
{
	return qemu_plugin_insn_size(insn) == size && !memcmp(qemu_plugin_insn_data(insn), code, size);
}

static bool is_behind_vmrun(uint64_t addr)
{
	unsigned int i;

	for (i = 0; i < nr_vmruns; i++)
		if (behind[i] == addr)
			return true;
	return false;
}

/* The host's first one is known before it runs. */
static void note_vmrun(uint64_t addr)
{
	if (!is_behind_vmrun(addr) && nr_vmruns < MAX_VMRUNS)
		behind[nr_vmruns++] = addr;
}

static void on_translation(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	static const uint8_t vmrun[] = { 0x0f, 0x01, 0xd8 };
	static const uint8_t begin[] = { 0x0f, 0x1f, 0x80, 4, 0x56, 0x49, 0x50 };
	static const uint8_t end[] = { 0x0f, 0x1f, 0x80, 5, 0x56, 0x49, 0x50 };
	size_t n = qemu_plugin_tb_n_insns(tb), i;

	(void)id;
	qemu_plugin_register_vcpu_tb_exec_inline(tb, QEMU_PLUGIN_INLINE_ADD_U64, &run, n);
	for (i = 0; i < n; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		qemu_plugin_exec_cb cb = NULL;

		lines_watch(insn);
		if (is_insn(insn, vmrun, sizeof(vmrun))) {
			note_vmrun(qemu_plugin_insn_vaddr(insn) + sizeof(vmrun));
			cb = on_entry;
		} else if (is_behind_vmrun(qemu_plugin_insn_vaddr(insn))) {
			cb = on_exit;
		} else if (is_insn(insn, begin, sizeof(begin))) {
			cb = on_begin;
		} else if (is_insn(insn, end, sizeof(end))) {
			cb = on_end;
		}
		if (cb)
			qemu_plugin_register_vcpu_insn_exec_cb(insn, cb, QEMU_PLUGIN_CB_NO_REGS,
							       (void *)(n - i));
	}
}

int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info, int argc, char **argv)
{
	(void)info;
	if (argc < 1 || strncmp(argv[0], "out=", 4) || (argc > 1 && strcmp(argv[1], "lines=on"))) {
		fprintf(stderr, "spans: out=FILE is needed, and lines=on may follow\n");
		return -1;
	}
	out = fopen(argv[0] + 4, "w");
	if (!out || (argc > 1 && lines_begin())) {
		perror(argv[0] + 4);
		return -1;
	}
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
	return 0;
}
