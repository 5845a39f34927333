// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pvi-ivshmem-server discard - close a client's socket, whatever the client has put into it
 *
 * What a client has sent, and is not read, goes with the socket: descriptors, too, the last ones of
 * their files perhaps. To close a file may take as long as its owner wants, for instance a TCP
 * socket with SO_LINGER. The kernel gives up waiting when there is a signal.
 */
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/time.h>
#include <unistd.h>

#include "server.h"

static void on_alarm(UNUSED int number)
{
}

void discard_init(void)
{
	const struct sigaction action = { .sa_handler = on_alarm };

	sigaction(SIGALRM, &action, NULL);
}

/* Again and again: one that comes before the kernel waits would not end that. */
static void set_alarms(suseconds_t usec)
{
	const struct itimerval timer = {
		.it_value.tv_usec = usec,
		.it_interval.tv_usec = usec,
	};

	setitimer(ITIMER_REAL, &timer, NULL);
}

bool has_input(int socket)
{
	int bytes = 0;

	return !ioctl(socket, FIONREAD, &bytes) && bytes > 0;
}

void discard(int socket)
{
	set_alarms(1000);
	close(socket);
	set_alarms(0);
}
