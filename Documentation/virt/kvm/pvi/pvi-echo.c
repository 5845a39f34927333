// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * pvi-echo - a program of a guest's that sends back what comes over its link of kind raw, for instance
 * from "pvictl pipe" in another guest: cc -o pvi-echo pvi-echo.c -lpvi
 */
#include <err.h>
#include <errno.h>
#include <libpvi.h>
#include <libpvi_guest.h>
#include <linux/pvi_ring.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

static struct pvi_msg *msg;
static int guest, bell;
static char data[1 << 16];

/* A peer that is not there looks when it comes. One that was rung too often has to be rung again */
static void ring(void *peer_uuid, uint32_t gsi)
{
	if (pvi_guest_ring(guest, peer_uuid, gsi) == -EAGAIN)
		pvi_msg_owe(msg, gsi);
}

static void wait_for_ring(void)
{
	struct pollfd fd = { .fd = bell, .events = POLLIN };
	uint64_t rings;

	if (poll(&fd, 1, pvi_msg_pay(msg)) > 0)
		(void)!read(bell, &rings, sizeof(rings));
}

static int try(const char *what, int ret)
{
	if (ret < 0)
		errx(1, "%s: %s", what, strerror(-ret));
	return ret;
}

int main(void)
{
	struct pvi_ring_shape shape;
	int own, peer, ret, len;

	guest = try("/dev/kvm_pvi_guest", pvi_guest_open());
	own = try("no link", pvi_guest_link(guest, NULL, &shape, &peer));
	bell = try("cannot be rung", pvi_guest_wait(guest, shape.gsi, 0));
	try("cannot use the link", pvi_msg_open(&msg, own, peer, ring, shape.peer));
	for (;;) {
		ret = len = pvi_msg_receive(msg, 0, data, sizeof(data));
		while (len >= 0 && (ret = pvi_msg_send(msg, 0, data, len)) == -EAGAIN)
			wait_for_ring();
		if (ret == -EAGAIN || ret == -ENOTCONN)
			wait_for_ring();
		else if (ret < 0)
			warnx("another session: %s", strerror(-ret));
	}
}
