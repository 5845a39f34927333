/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PVI_BENCH_LINES_H
#define PVI_BENCH_LINES_H

#include <stdint.h>

#include "qemu.h"

/* Count from now on; or nothing below counts anything. -1: no memory */
int lines_begin(void);

/* An instruction that will run */
void lines_watch(struct qemu_plugin_insn *insn);

/* What runs is a guest, until lines_leave(). */
void lines_enter(void);
void lines_leave(void);

/* How many lines have gone over, from the first time on that this is asked */
uint64_t lines_gone(void);

#endif
