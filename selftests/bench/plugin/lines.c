// SPDX-License-Identifier: GPL-2.0
/*
 * kvm-pvi bench: cache lines that go from one to another, of the host and two guests
 *
 * Each of the three is taken for a processor with a cache of its own. A line of physical memory goes over when one
 * of them loads or stores what another has stored since this one has had it. Of two that do no more than read, or
 * of one that works alone, no line goes over. What the host does for one guest and what for the other is the
 * host's, so what goes between the two of these is not counted.
 *
 * A guest is known by the stack of the thread that enters it: the last that the host has stored to.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "lines.h"

#define LINE_SHIFT	6
#define STACK_SHIFT	14
#define MAX_LINES	(1u << 27)	/* of 8 GB, with what QEMU has beside the memory */
#define HOST		0
#define PARTIES		3

static bool on;				/* before the first span nothing is noted */
static unsigned int party = HOST;
static uint64_t stack, stacks[PARTIES];	/* the host's last one, and those of guests */
static uint64_t gone;

/* Of each line: who has it since it was stored to, a bit each; 0: nobody has stored to it */
static uint8_t *has;

static void on_access(unsigned int vcpu, qemu_plugin_meminfo_t info, uint64_t vaddr, void *data)
{
	bool store = qemu_plugin_mem_is_store(info);
	struct qemu_plugin_hwaddr *addr;
	uint64_t line;
	uint8_t mine;

	(void)vcpu;
	(void)data;
	if (store && party == HOST)
		stack = vaddr >> STACK_SHIFT;
	if (!on)
		return;
	addr = qemu_plugin_get_hwaddr(info, vaddr);
	if (!addr || qemu_plugin_hwaddr_is_io(addr))
		return;
	line = qemu_plugin_hwaddr_phys_addr(addr) >> LINE_SHIFT;
	if (line >= MAX_LINES)
		return;
	mine = 1u << party;
	if (has[line] && !(has[line] & mine))
		gone++;
	if (store)
		has[line] = mine;
	else if (has[line])
		has[line] |= mine;
}

void lines_watch(struct qemu_plugin_insn *insn)
{
	if (has)
		qemu_plugin_register_vcpu_mem_cb(insn, on_access, QEMU_PLUGIN_CB_NO_REGS,
						 QEMU_PLUGIN_MEM_RW, NULL);
}

void lines_enter(void)
{
	if (!has)
		return;
	for (party = HOST + 1; party < PARTIES; party++) {
		if (!stacks[party])
			stacks[party] = stack;
		if (stacks[party] == stack)
			return;
	}
	fprintf(stderr, "lines: a third guest\n");
	exit(1);
}

void lines_leave(void)
{
	party = HOST;
}

uint64_t lines_gone(void)
{
	on = has;
	return gone;
}

int lines_begin(void)
{
	has = calloc(MAX_LINES, sizeof(*has));
	return has ? 0 : -1;
}
