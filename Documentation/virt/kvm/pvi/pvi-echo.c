// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * pvi-echo - a program of a guest's that sends back what comes over its link of kind raw
 *
 *	cc -o pvi-echo pvi-echo.c -lpvi
 *
 * The other side may be "pvictl pipe" in another guest.
 */
#include <libpvi.h>
#include <libpvi_guest.h>
#include <linux/pvi_ring.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int guest, bell;
static struct pvi_ring_shape shape;
static char data[1 << 16];
static bool owes;
static uint32_t owed;

static int complain(const char *what, int err)
{
	fprintf(stderr, "%s: %s\n", what, strerror(-err));
	return 1;
}

/* A peer that is not there looks when it comes. One that was rung too often has to be rung again. */
static void ring(void *arg, uint32_t gsi)
{
	(void)arg;
	owes = pvi_guest_ring(guest, shape.peer, gsi) == -EAGAIN;
	owed = gsi;
}

static void wait_for_ring(void)
{
	struct pollfd fd = { .fd = bell, .events = POLLIN };
	uint64_t rings;

	if (poll(&fd, 1, owes ? 20 : -1) > 0)
		(void)!read(bell, &rings, sizeof(rings));
	if (owes)
		ring(NULL, owed);
}

/* Until it is gone, or -errno: the session has ended, and another one begins */
static int send_back(struct pvi_msg *msg, ssize_t len)
{
	int ret;

	while ((ret = pvi_msg_send(msg, 0, data, len)) == -EAGAIN)
		wait_for_ring();
	return ret;
}

int main(void)
{
	struct pvi_msg *msg;
	int own, peer, ret;
	ssize_t len;

	guest = pvi_guest_open();
	if (guest < 0)
		return complain("/dev/kvm_pvi_guest", guest);
	own = pvi_guest_link(guest, NULL, &shape, &peer);
	if (own < 0)
		return complain("no link", own);
	bell = pvi_guest_wait(guest, shape.gsi, 0);
	if (bell < 0)
		return complain("cannot be rung", bell);
	ret = pvi_msg_open(&msg, own, peer, ring, NULL);
	if (ret)
		return complain("cannot use the link", ret);
	for (;;) {
		len = pvi_msg_receive(msg, 0, data, sizeof(data));
		if (len >= 0)
			len = send_back(msg, len);
		if (len == -EAGAIN || len == -ENOTCONN)
			wait_for_ring();
		else if (len < 0)
			complain("another session", len);
	}
}
