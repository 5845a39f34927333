// SPDX-License-Identifier: GPL-2.0
/* A library to be preloaded: what a program exposes may be rung once a second. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <linux/kvm_pvi.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/ioctl.h>

int ioctl(int fd, unsigned long cmd, ...)
{
	int (*real)(int, unsigned long, ...) = dlsym(RTLD_NEXT, "ioctl");
	struct kvm_pvi_expose *arg;
	va_list args;

	va_start(args, cmd);
	arg = va_arg(args, void *);
	va_end(args);
	if (!real)
		abort();
	if (cmd == KVM_PVI_EXPOSE) {
		arg->rate = 1;
		arg->burst = 1;
	}
	return real(fd, cmd, arg);
}
