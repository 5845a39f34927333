// SPDX-License-Identifier: GPL-2.0
/*
 * kvm-pvi bench: a QEMU plugin that watches the rings of the bench
 *
 * The bench guest marks where a row begins, and each ring and its end, by NOPs of its own (MARK in
 * bench.h). Between the marks of a ring this counts, of guest and host, how often each
 * instruction ran, and which cache lines of physical memory each virtual CPU read and wrote.
 * Instructions count in rings that were as long as the one before: no interrupt came into them.
 *
 * Writes to the file given as "out=FILE", for each row:
 *
 *	row NUMBER RINGS... STEADY	from 1 on; rings by virtual CPU; as long as the one before
 *	insn ADDRESS COUNT
 *	line ADDRESS WRITES... READS...	the address is the virtual one it was first seen under
 *
 * With "steps=N" also, of the first N rings of each row, whatever came into them:
 *
 *	begin ROW, s ADDRESS, end	each instruction, in its order
 *	count ADDRESS TARGET DELTA	that instruction adds DELTA to what GS has at TARGET
 *	flag ADDRESS on|off		that one lets interrupts in, or does not
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qemu.h"

#define MAX_VCPUS	2
#define TABLE_SIZE	(1u << 18)
#define LINE		64
#define MAX_INSNS	(1u << 20)	/* of a ring */

struct entry {
	uint64_t key;
	uint64_t seen;			/* a line's virtual address */
	uint64_t count[2][MAX_VCPUS];	/* [0]: runs of an instruction, or reads; [1]: writes */
};

/* The present ring of a virtual CPU, and how long the last one was */
struct ring {
	bool on;
	size_t len, last;
	uint64_t insn[MAX_INSNS];
};

QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_VERSION;

static struct entry insns[TABLE_SIZE], lines[TABLE_SIZE];
static struct ring ring[MAX_VCPUS];
static uint64_t rings[MAX_VCPUS], steady;
static uint64_t steps;
static unsigned int row;
static bool in_row;
static FILE *out;

/* Open addressing; 0 is no key */
static struct entry *find(struct entry *table, uint64_t key)
{
	uint32_t i = key * 0x9e3779b97f4a7c15 >> 46;

	while (table[i].key && table[i].key != key)
		i = (i + 1) % TABLE_SIZE;
	table[i].key = key;
	return &table[i];
}

static void write_row(void)
{
	unsigned int i;

	fprintf(out, "row %u %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", ++row, rings[0], rings[1],
		steady);
	for (i = 0; i < TABLE_SIZE; i++)
		if (insns[i].key)
			fprintf(out, "insn %016" PRIx64 " %" PRIu64 "\n", insns[i].key,
				insns[i].count[0][0]);
	for (i = 0; i < TABLE_SIZE; i++)
		if (lines[i].key)
			fprintf(out, "line %016" PRIx64 " %" PRIu64 " %" PRIu64 " %" PRIu64
				" %" PRIu64 "\n", lines[i].seen,
				lines[i].count[1][0], lines[i].count[1][1],
				lines[i].count[0][0], lines[i].count[0][1]);
	fflush(out);
	memset(insns, 0, sizeof(insns));
	memset(lines, 0, sizeof(lines));
	memset(rings, 0, sizeof(rings));
	steady = 0;
}

static void on_row(unsigned int vcpu, void *data)
{
	(void)vcpu;
	(void)data;
	in_row = true;
}

static void on_end_of_row(unsigned int vcpu, void *data)
{
	(void)vcpu;
	(void)data;
	if (in_row)
		write_row();
	in_row = false;
}

static void on_ring(unsigned int vcpu, void *data)
{
	(void)data;
	ring[vcpu].on = in_row;
	ring[vcpu].len = 0;
}

static void write_steps(const struct ring *r)
{
	size_t i;

	fprintf(out, "begin %u\n", row + 1);
	for (i = 0; i < r->len; i++)
		fprintf(out, "s %016" PRIx64 "\n", r->insn[i]);
	fprintf(out, "end\n");
}

static void on_end(unsigned int vcpu, void *data)
{
	struct ring *r = &ring[vcpu];
	size_t i;

	(void)data;
	if (!r->on)
		return;
	r->on = false;
	if (rings[vcpu]++ < steps)
		write_steps(r);
	if (r->len == r->last && r->len < MAX_INSNS) {
		steady++;
		for (i = 0; i < r->len; i++)
			find(insns, r->insn[i])->count[0][0]++;
	}
	r->last = r->len;
}

static void on_insn(unsigned int vcpu, void *data)
{
	struct ring *r = &ring[vcpu];

	if (r->on && r->len < MAX_INSNS)
		r->insn[r->len++] = (uint64_t)data;
}

static void on_access(unsigned int vcpu, qemu_plugin_meminfo_t info, uint64_t vaddr, void *data)
{
	struct qemu_plugin_hwaddr *addr;
	struct entry *line;

	(void)data;
	if (!ring[vcpu].on)
		return;
	addr = qemu_plugin_get_hwaddr(info, vaddr);
	if (!addr)
		return;
	/* Line 0 is nobody's */
	line = find(lines, qemu_plugin_hwaddr_phys_addr(addr) / LINE + 1);
	if (!line->seen)
		line->seen = vaddr;
	line->count[qemu_plugin_mem_is_store(info)][vcpu]++;
}

/* The number of a mark, or -1 */
static int mark(const struct qemu_plugin_insn *insn)
{
	static const uint8_t head[] = { 0x0f, 0x1f, 0x80 }, tail[] = { 0x56, 0x49, 0x50 };
	const uint8_t *code = qemu_plugin_insn_data(insn);

	if (qemu_plugin_insn_size(insn) != 7 || memcmp(code, head, 3) || memcmp(code + 4, tail, 3))
		return -1;
	return code[3];
}

/* INC, DEC, ADD and SUB of 32 bits at an address that RIP or nothing is added to, with a prefix of GS */
static void tell_count(const uint8_t *code, size_t size, uint64_t addr)
{
	uint8_t op = code[1], which = code[2] & 0x38;
	bool relative = (code[2] & 0xc7) == 0x05;
	size_t at = relative ? 3 : 4;
	uint64_t target;
	int32_t displacement, delta = 1;

	if (code[0] != 0x65 || (op != 0xff && op != 0x83 && op != 0x81) || size < at + 4 ||
	    (!relative && ((code[2] & 0xc7) != 0x04 || code[3] != 0x25)))
		return;
	memcpy(&displacement, code + at, 4);
	target = displacement + (relative ? addr + size : 0);
	if (op == 0x83)
		delta = (int8_t)code[at + 4];
	else if (op == 0x81)
		memcpy(&delta, code + at + 4, 4);
	if (which == (op == 0xff ? 0x08 : 0x28))
		delta = -delta;
	else if (which)
		return;
	fprintf(out, "count %016" PRIx64 " %016" PRIx64 " %d\n", addr, target, delta);
}

static void tell_effect(const struct qemu_plugin_insn *insn)
{
	const uint8_t *code = qemu_plugin_insn_data(insn);
	size_t size = qemu_plugin_insn_size(insn);
	uint64_t addr = qemu_plugin_insn_vaddr(insn);

	if (size == 1 && (code[0] == 0xfa || code[0] == 0xfb))
		fprintf(out, "flag %016" PRIx64 " %s\n", addr, code[0] == 0xfa ? "off" : "on");
	else if (size >= 7)
		tell_count(code, size, addr);
}

static void on_translation(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	static const qemu_plugin_exec_cb on_mark[] = { on_row, on_ring, on_end, on_end_of_row };
	size_t i;

	(void)id;
	for (i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		int n = mark(insn);

		if (steps)
			tell_effect(insn);
		qemu_plugin_register_vcpu_insn_exec_cb(insn, n >= 0 && n < 4 ? on_mark[n] : on_insn,
						       QEMU_PLUGIN_CB_NO_REGS,
						       (void *)qemu_plugin_insn_vaddr(insn));
		qemu_plugin_register_vcpu_mem_cb(insn, on_access, QEMU_PLUGIN_CB_NO_REGS,
						 QEMU_PLUGIN_MEM_RW, NULL);
	}
}

int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info, int argc, char **argv)
{
	(void)info;
	if (argc < 1 || argc > 2 || strncmp(argv[0], "out=", 4) ||
	    (argc == 2 && sscanf(argv[1], "steps=%" SCNu64, &steps) != 1)) {
		fprintf(stderr, "rings: the arguments are out=FILE and, if you like, steps=NUMBER\n");
		return -1;
	}
	out = fopen(argv[0] + 4, "w");
	if (!out) {
		perror(argv[0] + 4);
		return -1;
	}
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
	return 0;
}
