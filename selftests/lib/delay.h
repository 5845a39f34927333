/* SPDX-License-Identifier: GPL-2.0 */
/* kvm-pvi selftests: making the kernel wait, by the module pvi_test_delay */
#ifndef PVI_TEST_DELAY_H
#define PVI_TEST_DELAY_H

#include <pthread.h>
#include <sys/types.h>

#include "types.h"

enum delay {
	DELAY_MMAP_LOCK,	/* @value is the process whose memory nobody can map or unmap */
	DELAY_RCU,		/* no grace period ends; this process keeps to the first CPU */
	DELAY_TASKS_RCU,
	DELAY_LOCKS,		/* @value descriptors of this process: nobody gets the lock of an endpoint among them */
};

/* For 25 s at most, locks for 100, RCU for 90; delay_end() fails if that was not enough */
void delay_begin(enum delay what, u32 value);
void delay_end(enum delay what);
/* Load the module anew; without it afterwards. What was begun before has ended */
void delay_load(void);
void delay_unload(void);

/* True while thread @tid, of any process, sleeps in system call @nr, in ioctl @cmd */
bool sleeps_in_call(pid_t tid, unsigned long nr);
bool sleeps_in_ioctl(pid_t tid, unsigned long cmd);

/**
 * struct ioctl_call - an ioctl on a thread of its own
 * @fd: of which
 * @cmd: which
 * @arg: its argument
 * @tid: the thread
 * @done: it has returned
 * @killed: a signal has ended the process that made it
 * @ret: what: 0 or -errno
 */
struct ioctl_call {
	int fd;
	unsigned long cmd;
	void *arg;
	pthread_t thread;
	pid_t tid;
	bool done;
	bool killed;
	int ret;
};

/* Wait until it sleeps there or has returned; true if it sleeps */
bool ioctl_start(struct ioctl_call *call);
/* In a process of its own, which has this one's memory, and its descriptors as they are now */
bool ioctl_start_child(struct ioctl_call *call);
/* SIGKILL to that process, and to it alone; false if it has not gone by it @ms later. Nothing is left to join. */
bool ioctl_kill_child(struct ioctl_call *call, unsigned int ms);
/* A signal to the thread, which handles it */
void ioctl_interrupt(struct ioctl_call *call);
/* Whether it has returned @ms later at most; and wait for that */
bool ioctl_returns(struct ioctl_call *call, unsigned int ms);
int ioctl_join(struct ioctl_call *call);

#endif
