/* SPDX-License-Identifier: GPL-2.0 */
/* kvm-pvi selftests: descriptors, files and waiting, on the host's side */
#ifndef PVI_TEST_HOST_H
#define PVI_TEST_HOST_H

#include "types.h"

#define SEALS_FOR_STATUS (F_SEAL_FUTURE_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

/* Milliseconds of a clock that never jumps */
u64 now_ms(void);
/*
 * How long a test waits for what must happen is counted in naps, not read off a clock. A machine
 * to which its host gives no processor takes no naps either, so whoever is waited for gets its
 * share of them.
 *
 * wait_step() yields at first and naps later; false when it has napped for @ms (scaled by PVI_SLOW).
 */
bool wait_step(unsigned int step, unsigned int ms);

/* Wait for a condition. False if it has not come true in @ms of naps */
#define wait_until(cond, ms)                                                  \
	({                                                                    \
		unsigned int __step = 0;                                      \
		bool __met;                                                   \
									      \
		while (!(__met = !!(cond)) && wait_step(__step++, ms))        \
			;                                                     \
		__met;                                                        \
	})

int new_eventfd(void);
/* The count, which it clears; 0 if it was not signalled */
u64 read_eventfd(int fd);
void signal_eventfd(int fd);
/* Wait until @fd is readable; false if it is not @ms later */
bool wait_readable(int fd, unsigned int ms);

int memfd_create_sized(u64 size);
void memfd_seal(int fd, unsigned int seals);
void *map_shared(int fd, u64 size);

/* One descriptor over a socket */
void send_fd(int socket, int fd);
int recv_fd(int socket);

/*
 * Memory at which every first access waits for an answer that never comes. The userfaultfd is
 * readable once somebody waits; closing it lets them go on.
 */
void *uffd_memory(u64 size, int *uffd);

/* Text files of one line: without the newline; -errno if it cannot be read or written */
int __read_line(const char *path, char *line, size_t size);
int __write_line(const char *path, const char *line);
u64 read_number(const char *path);
/* A whole file, to be freed by the caller */
char *read_file(const char *path);

/* Where tracefs is, once it is mounted there */
#define TRACING	"/sys/kernel/tracing/"
void mount_tracefs(void);

/* A parameter of a module: /sys/module/@module/parameters/@name */
u64 read_param(const char *module, const char *name);
int __write_param(const char *module, const char *name, const char *value);
void write_param(const char *module, const char *name, u64 value);

#endif
