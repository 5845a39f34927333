# SPDX-License-Identifier: GPL-2.0
#
# What every test program is built from. The including Makefile sets LIBDIR to this directory,
# adds -I for the uapi header, and compiles a test with LIB_CFLAGS as well.
#
# A test is its guests' memory (see pvi_test.h), so these flags are not a matter of taste: linked
# at low fixed addresses, all in one static image, no SSE and no red zone (an interrupt handler
# of the guest runs on the interrupted stack), and no libc call that the compiler makes up.

LIB_SRCS := tap.c child.c delay.c taken.c vm.c vcpu.c thread.c modes.c irq.c guest.c host.c module.c pvi.c \
	bell.c cgroup.c cost.c status.c state.c source.c peers.c foreign.c fentry.c fuse.c tso.c entry.S
LIB_OBJS := $(addsuffix .o,$(basename $(LIB_SRCS)))

LIB_CFLAGS := -std=gnu11 -O2 -g -Wall -Wextra -Wno-missing-field-initializers \
	-D_GNU_SOURCE -I$(LIBDIR) -pthread -fno-pie -mgeneral-regs-only -mno-red-zone \
	-fno-stack-protector -fcf-protection=none -fno-tree-loop-distribute-patterns
LIB_LDFLAGS := -static -no-pie -pthread -Wl,-z,noexecstack
