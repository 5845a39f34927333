// SPDX-License-Identifier: GPL-2.0-or-later
/* pvictl pipe - the side of a link that it is: a guest, or a process of the host */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "guest.h"
#include "link.h"
#include "pipe.h"

/* One that is not there looks when it comes; one that is rung too often has still to hear of it. */
static void end_ring(void *arg, uint32_t gsi)
{
	struct pipe_end *end = arg;
	int ret = end->guest >= 0 ? pvi_guest_ring(end->guest, end->shape.peer, gsi) :
				    pvi_ring(end->pvi, end->shape.peer, gsi);

	if (ret == -EAGAIN)
		pvi_msg_owe(end->msg, gsi);
}

void pipe_end_ring(struct pipe_end *end)
{
	end_ring(end, end->shape.peer_gsi);
}

static void guest_open(struct pipe_end *end, const struct pipe_args *args, int *own, int *peer)
{
	const unsigned char *link = args->link.set ? args->link.uuid : NULL;

	end->guest = open_guest();
	*own = pvi_guest_link(end->guest, link, &end->shape, peer);
	if (*own == -ENOTUNIQ)
		die_as(STATUS_USAGE, "there are several links of kind raw: say which");
	if (*own < 0)
		die_doing(DOING_LINK, *own, "cannot find the link among this guest's devices");
	end->bell = pvi_guest_wait(end->guest, end->shape.gsi, 0);
	if (end->bell < 0)
		die_doing(DOING_GUEST_WAIT, end->bell, "cannot be rung by GSI %u", end->shape.gsi);
	end->peers = pvi_guest_wait(end->guest, 0, KVM_PVI_GUEST_WAIT_PEERS);
	if (end->peers < 0)
		die_doing(DOING_GUEST_WAIT, end->peers, "cannot hear of peers");
}

static void host_open(struct pipe_end *end, const struct pipe_args *args, int *own, int *peer)
{
	int ret;

	*own = pvi_link_open(args->dir, args->link.uuid, args->self.uuid, &end->shape, peer);
	if (*own < 0)
		die_doing(DOING_LINK, *own, "%s is no side of link %s", uuid_text(args->self.uuid).s,
			  uuid_text(args->link.uuid).s);
	end->pvi = pvi_enrol(-1, args->self.uuid);
	if (end->pvi < 0)
		die_doing(end->pvi == -ENOENT ? DOING_OPEN : DOING_BIND, end->pvi, "cannot be %s",
			  uuid_text(args->self.uuid).s);
	ret = pvi_link_join(end->pvi, &end->shape);
	end->bell = ret ? ret : pvi_wire(end->pvi, end->shape.gsi, -1);
	if (end->bell < 0)
		die_doing(DOING_EXPOSE, end->bell, "cannot be rung by GSI %u", end->shape.gsi);
	end->peers = end->pvi;
	if (fcntl(end->pvi, F_SETFL, O_NONBLOCK))
		die("the endpoint: %s", strerror(errno));
}

void pipe_end_open(struct pipe_end *end, const struct pipe_args *args)
{
	int own, peer, ret;

	end->guest = -1;
	end->pvi = -1;
	if (args->self.set)
		host_open(end, args, &own, &peer);
	else
		guest_open(end, args, &own, &peer);
	ret = pvi_msg_open(&end->msg, own, peer, end_ring, end);
	if (ret)
		die_doing(DOING_LINK, ret, "cannot begin to use the link");
	close(own);
	close(peer);
}

void pipe_end_close(struct pipe_end *end)
{
	close(end->bell);
	if (end->guest >= 0) {
		close(end->peers);
		close(end->guest);
	} else {
		close(end->pvi);
	}
}

void pipe_end_hear(struct pipe_end *end)
{
	struct kvm_pvi_event event;
	uint64_t changes;

	if (end->guest >= 0) {
		if (read(end->peers, &changes, sizeof(changes)) < 0)
			return;
	} else {
		while (pvi_read_events(end->pvi, &event, 1) > 0)
			;
	}
}

static int end_list_peers(struct pipe_end *end, struct kvm_pvi_peer *peers, size_t nr, uint32_t first)
{
	return end->guest >= 0 ? pvi_guest_peers(end->guest, peers, nr, first) :
				 pvi_peers(end->pvi, peers, nr, first);
}

/*
 * Events alone do not tell: of the two that a death makes either may be the last, and some may be lost. Before it has
 * come in this session the peer has not left.
 */
bool pipe_end_is_left(struct pipe_end *end)
{
	struct kvm_pvi_peer peers[KVM_PVI_PEERS_MAX];
	uint32_t first = 0;
	int nr, i;

	while ((nr = end_list_peers(end, peers, ARRAY_SIZE(peers), first)) > 0) {
		for (i = 0; i < nr; i++) {
			if (memcmp(peers[i].uuid, end->shape.peer, sizeof(peers[i].uuid)))
				continue;
			end->has_come = true;
			return false;
		}
		first = peers[nr - 1].position + 1;
	}
	return !nr && end->has_come;
}
