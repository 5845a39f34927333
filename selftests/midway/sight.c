// SPDX-License-Identifier: GPL-2.0
/*
 * kvm-pvi midway: what is there, as lines
 *
 * Two worlds in which the same was done look the same. So what each binding has of its own is left out: epochs,
 * numbers, generations of ports.
 */
#include <stdarg.h>

#include "../lib/state.h"
#include "midway.h"

void see(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(t->bytes + t->length, sizeof(t->bytes) - t->length, fmt, ap);
	va_end(ap);
	ASSERT_LT(t->length + len, sizeof(t->bytes));
	t->length += len;
}

/* A name that @bytes has, one of those that there are */
static u32 name_of(const u8 *uuid)
{
	u32 i;

	for (i = 0; i < 3 && memcmp(uuid, pvi_uuid[i], KVM_PVI_UUID_SIZE); i++)
		;
	return i;
}

/* Which binding of a name that is: of the peer's there may be a second one */
static u32 life_of(const u8 *uuid, u64 epoch)
{
	return !memcmp(uuid, PEER, KVM_PVI_UUID_SIZE) && epoch != w.peer_epoch;
}

void see_peers(struct text *t, const struct kvm_pvi_peer *records, u32 nr)
{
	u32 i;

	for (i = 0; i < nr; i++)
		see(t, "peer %u, life %u, gsis %u\n", name_of(records[i].uuid),
		    life_of(records[i].uuid, records[i].epoch), records[i].gsis);
}

static void see_counts(struct text *t, const struct kvm_pvi_counts *c)
{
	see(t, " %llu %llu %llu %llu %llu\n", c->raised, c->coalesced, c->latched, c->denied, c->throttled);
}

void see_listed(struct text *t, const struct kvm_pvi_list_endpoint *records, u32 nr)
{
	const struct kvm_pvi_list_endpoint *r;

	for (r = records; r < records + nr; r++) {
		see(t, "listed %u, life %u, flags %#x, senders %u, grants %u, gsis %u, bells %u, dropped %llu\n",
		    name_of(r->uuid), life_of(r->uuid, r->epoch), r->flags, r->senders, r->grants, r->gsis,
		    r->bells, r->dropped);
		see_counts(t, &r->sent);
		see_counts(t, &r->received);
	}
}

void see_blob(struct text *t, const void *bytes, u32 length)
{
	struct kvm_pvi_state_port *ports;
	struct blob blob = { };
	u32 i, nr;

	blob_append(&blob, bytes, length);
	ports = (void *)blob_records(&blob, KVM_PVI_STATE_PORT, &nr);
	for (i = 0; i < nr; i++)
		ports[i].port = KVM_PVI_PORT_INDEX(ports[i].port);
	see(t, "state");
	for (i = 0; i < blob.length; i++)
		see(t, i % 4 ? "%02x" : " %02x", blob.bytes[i]);
	see(t, "\n");
}

static void look_at_line(struct text *t, const char *line)
{
	int end = 0;
	u32 port;

	if (sscanf(line, "pvi-port:\t%u%n", &port, &end) == 1)
		see(t, "pvi-port:\t%u%s\n", KVM_PVI_PORT_INDEX(port), line + end);
	else if (!strncmp(line, "pvi-", strlen("pvi-")))
		see(t, "%s\n", line);
}

void look_at_fd(struct text *t, int fd)
{
	char path[64], *text, *line, *next;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	text = read_file(path);
	for (line = strtok_r(text, "\n", &next); line; line = strtok_r(NULL, "\n", &next))
		look_at_line(t, line);
	free(text);
}

/* Rows and grants, in their order */
static void look_at_edges(struct text *t, int fd)
{
	struct kvm_pvi_edge edge = { .size = sizeof(edge) };

	while (!__pvi_ioctl(fd, KVM_PVI_GET_EDGE, &edge)) {
		see(t, "edge %llu of kind %u of %u to %u:", edge.cursor, edge.kind, name_of(edge.uuid), edge.gsi);
		see_counts(t, &edge.counts);
	}
}

static void look_at_events(struct text *t, int fd)
{
	struct kvm_pvi_event e;

	while (wait_readable(fd, 0) && read(fd, &e, sizeof(e)) == sizeof(e))
		see(t, "event %u of %u, life %u, %u lost\n", e.type, name_of(e.uuid), life_of(e.uuid, e.epoch), e.lost);
}

/* Bound, or not yet, or no more */
static void look_at_endpoint(struct text *t, int fd)
{
	struct kvm_pvi_stats stats = { .size = sizeof(stats) };
	struct blob blob;

	look_at_fd(t, fd);
	if (!__state_get(fd, 0, &blob))
		see_blob(t, blob.bytes, blob.length);
	if (!__pvi_ioctl(fd, KVM_PVI_GET_STATS, &stats))
		see(t, "dropped %llu\n", stats.dropped);
	look_at_edges(t, fd);
	look_at_events(t, fd);
}

/* What it sees, and how what it rings answers */
static void look_by_self(struct text *t)
{
	static struct kvm_pvi_peer peers[4];
	s64 nr = pvi_peers(w.self, peers, ARRAY_SIZE(peers), 0);

	ASSERT_GE(nr, 0);
	see_peers(t, peers, nr);
	see(t, "it rings: %lld\n", pvi_call(w.self, KVM_HC_PVI, (u64)PEER, GSI, 0, 0));
	see(t, "its port: %lld\n", pvi_call(w.self, KVM_HC_NOTIFY, w.port, 0, 0, 0));
}

static int take_reservation(void)
{
	struct kvm_pvi_reserve args = { .size = sizeof(args) };

	memcpy(args.uuid, THIRD, sizeof(args.uuid));
	return __pvi_ioctl(w.peer, KVM_PVI_UNRESERVE, &args);
}

static void look_at_host(struct text *t)
{
	struct kvm_pvi_info info = { .size = sizeof(info) };

	pvi_ioctl(w.peer, KVM_PVI_GET_INFO, &info);
	see(t, "hook %u\n", info.hook);
	see(t, "the third name was reserved: %d\n", take_reservation());
}

static void look_at_memory(struct text *t)
{
	u32 i;

	for (i = 0; i < 2; i++)
		see(t, "word %u: pending %u, count %llu\n", i, READ_ONCE(w.mem.seen[i].pending),
		    READ_ONCE(w.mem.seen[i].count));
	see(t, "sink %llu, source %llu, spare %llu\n", read_eventfd(w.sink), read_eventfd(w.source),
	    read_eventfd(w.spare));
}

void look(struct text *t)
{
	see(t, "self %s\n", w.self < 0 ? "is closed" : "is:");
	if (w.self >= 0)
		look_at_endpoint(t, w.self);
	see(t, "the peer is:\n");
	look_at_endpoint(t, w.peer);
	see(t, "the third is:\n");
	look_at_endpoint(t, w.third);
	see(t, "the grant is:\n");
	look_at_fd(t, w.grant);
	look_at_memory(t);
	look_at_host(t);
	see(t, "it is rung: %lld\n", pvi_call(w.peer, KVM_HC_PVI, (u64)SELF, GSI, 0, 0));
	if (w.self >= 0)
		look_by_self(t);
}
