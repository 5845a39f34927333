/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of /dev/kvm_pvi_guest share. They run in a guest that is set up as
 * selftests/modules/guest_main.c wants it, and print TAP.
 *
 *	args_test|dev_test [PIN MSI BELL-GSI]
 */
#ifndef PVI_GUEST_TEST_H
#define PVI_GUEST_TEST_H

#include <errno.h>
#include <libpvi_guest.h>
#include <stdbool.h>

#define BELL		0
#define UNEXPOSED	0x1ffff
#define GRANTED		0x3
#define DEADLINE_MS	20000	/* against a hang */
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define PAGE		4096

struct guest_case {
	const char *name;
	void (*fn)(void);
};

extern int dev;		/* /dev/kvm_pvi_guest */
extern unsigned int pin, msi, bell_gsi;
extern unsigned char self[KVM_PVI_UUID_SIZE];

void check_eq(long long seen, long long value, int line, const char *what);
#define CHECK_EQ(expr, value) check_eq(expr, value, __LINE__, #expr)
unsigned int check_failures(void);

/* 0 or -errno */
int call(unsigned long cmd, void *arg);

/* What read() gives, or -errno; -ETIMEDOUT: nothing for long */
long long wait_for(int fd);
bool readable(int fd);
void drain(int fd);

/* To be returned by main() */
int run(int argc, char **argv, const struct guest_case *cases, unsigned int nr);

#endif
