// SPDX-License-Identifier: GPL-2.0
/* kvm-pvi midway: what is done to the endpoint, its peer, its VM, and the module, while a call is stopped */
#include "../lib/state.h"
#include "midway.h"

#define PROBE		"pvi_midway"
#define OTHER_UID	4711

static int do_nothing(struct text *t)
{
	(void)t;
	return 0;
}

static int do_expose(struct text *t)
{
	(void)t;
	return __pvi_expose(w.self, NEW, KVM_PVI_GSI_EVENTFD);
}

static int do_unexpose(struct text *t)
{
	(void)t;
	return __pvi_gsi(w.self, KVM_PVI_UNEXPOSE, GSI);
}

static int do_wire(struct text *t)
{
	(void)t;
	return __pvi_wire(w.self, FREE_GSI, w.sink);
}

static int do_kick(struct text *t)
{
	(void)t;
	return __pvi_gsi(w.self, KVM_PVI_KICK, GSI);
}

static int do_allow(struct text *t)
{
	(void)t;
	return __pvi_allow(w.self, THIRD, GSI);
}

static int do_revoke(struct text *t)
{
	(void)t;
	return __pvi_revoke(w.self, PEER, GSI);
}

static int do_bell(struct text *t)
{
	(void)t;
	return __pvi_bell(w.self, BELL + 1, FREE_GSI);
}

static int do_allow_bell(struct text *t)
{
	(void)t;
	return __pvi_allow_bell(w.self, PEER, BELL, 1);
}

static int do_status(struct text *t)
{
	(void)t;
	return __status_register(w.self, FREE_GSI, &w.mem, 1);
}

static int do_unstatus(struct text *t)
{
	(void)t;
	return __pvi_gsi(w.self, KVM_PVI_UNSTATUS, WORD_GSI);
}

/* A port that was made, or why not */
static int see_port(struct text *t, int ret, u32 port)
{
	if (!ret)
		see(t, "port %u\n", port);
	return ret;
}

static int do_set_port(struct text *t)
{
	u32 port;
	int ret = __pvi_set_port(w.self, w.sink, &port);

	return see_port(t, ret, port);
}

static int do_connect(struct text *t)
{
	u32 port;
	int ret = __pvi_connect(w.self, PEER, GSI, &port);

	return see_port(t, ret, port);
}

static int do_close_port(struct text *t)
{
	(void)t;
	return __pvi_close_port(w.self, w.port);
}

static int do_grant(struct text *t)
{
	u64 id;
	int ret = __pvi_grant(w.self, FREE_GSI, 1, &w.granted, &id);

	if (!ret)
		see(t, "grant %llu\n", id);
	return ret;
}

static int do_ungrant(struct text *t)
{
	(void)t;
	return __pvi_ungrant(w.self, w.grant_id);
}

static int do_connect_grant(struct text *t)
{
	u32 port;
	int ret = __pvi_connect_grant(w.peer, w.grant, &port);

	return see_port(t, ret, port);
}

static int do_wire_source(struct text *t)
{
	(void)t;
	return __pvi_wire_source(w.self, w.spare, w.port);
}

static int do_unwire_source(struct text *t)
{
	(void)t;
	return __pvi_unwire_source(w.self, w.source, w.port);
}

static bool source_has_rung(void)
{
	static struct text seen;

	seen.length = 0;
	look_at_fd(&seen, w.self);
	return strstr(seen.bytes, "signals 1 ");
}

static int do_signal_source(struct text *t)
{
	(void)t;
	signal_eventfd(w.source);
	return wait_until(source_has_rung(), 10000) ? 0 : -ETIME;
}

static int reserve(unsigned long cmd, u32 uid)
{
	struct kvm_pvi_reserve args = { .size = sizeof(args), .uid = uid };

	memcpy(args.uuid, THIRD, sizeof(args.uuid));
	return __pvi_ioctl(w.peer, cmd, &args);
}

static int do_reserve(struct text *t)
{
	(void)t;
	return reserve(KVM_PVI_RESERVE, OTHER_UID);
}

static void reserve_before(void)
{
	ASSERT_EQ(reserve(KVM_PVI_RESERVE, OTHER_UID), 0);
}

static int do_unreserve(struct text *t)
{
	(void)t;
	return reserve(KVM_PVI_UNRESERVE, 0);
}

static int do_get_state(struct text *t)
{
	struct blob blob;
	int ret = __state_get(w.self, 0, &blob);

	if (!ret)
		see_blob(t, blob.bytes, blob.length);
	return ret;
}

static int do_freeze(struct text *t)
{
	struct kvm_pvi_thaw thaw = { .size = sizeof(thaw) };
	struct blob blob;
	int ret = __state_get(w.self, KVM_PVI_STATE_FREEZE, &blob);

	if (ret)
		return ret;
	see_blob(t, blob.bytes, blob.length);
	return __pvi_ioctl(w.self, KVM_PVI_THAW, &thaw);
}

static int do_set_state(struct text *t)
{
	struct blob blob;

	(void)t;
	blob_start(&blob);
	return __state_set(w.self, &blob);
}

static int do_list(struct text *t)
{
	static struct kvm_pvi_list_endpoint records[4];
	struct kvm_pvi_list args = {
		.size = sizeof(args), .kind = KVM_PVI_LIST_ENDPOINTS, .record = sizeof(records[0]),
		.address = (u64)records, .nr = ARRAY_SIZE(records),
	};
	int ret = __pvi_ioctl(w.peer, KVM_PVI_LIST, &args);

	if (!ret)
		see_listed(t, records, args.nr);
	return ret;
}

static int do_stats(struct text *t)
{
	struct kvm_pvi_stats stats = { .size = sizeof(stats) };
	int ret = __pvi_ioctl(w.self, KVM_PVI_GET_STATS, &stats);

	see(t, "sent %llu, received %llu\n", stats.sent.raised, stats.received.latched);
	return ret;
}

static int do_edge(struct text *t)
{
	struct kvm_pvi_edge edge = { .size = sizeof(edge) };
	int ret = __pvi_ioctl(w.self, KVM_PVI_GET_EDGE, &edge);

	see(t, "edge %llu to %u, latched %llu\n", edge.cursor, edge.gsi, edge.counts.latched);
	return ret;
}

/* What a hypercall answers: a verdict, a number, or an error */
static int see_call(struct text *t, s64 ret)
{
	see(t, "answers %lld\n", ret);
	return ret < 0 ? ret : 0;
}

static int do_peers(struct text *t)
{
	static struct kvm_pvi_peer peers[4];
	s64 ret = pvi_peers(w.self, peers, ARRAY_SIZE(peers), 0);

	see_peers(t, peers, ret < 0 ? 0 : ret);
	return see_call(t, ret);
}

static int do_ring(struct text *t)
{
	return see_call(t, pvi_call(w.self, KVM_HC_PVI, (u64)PEER, GSI, 0, 0));
}

static int do_be_rung(struct text *t)
{
	return see_call(t, pvi_call(w.peer, KVM_HC_PVI, (u64)SELF, GSI, 0, 0));
}

static int do_reset(struct text *t)
{
	return see_call(t, pvi_call(w.self, KVM_HC_PVI_RESET, 0, 0, 0, 0));
}

static int do_set_msi(struct text *t)
{
	return see_call(t, pvi_call(w.self, KVM_HC_PVI_SET_MSI, MSI_GSI, 0xfee00000, 0x41, 0));
}

static int do_arm(struct text *t)
{
	return see_call(t, pvi_call(w.self, KVM_HC_PVI_ARM, GSI, 0, 0, 0));
}

static int do_set_config(struct text *t)
{
	return see_call(t, pvi_call(w.self, KVM_HC_PVI_SET_CONFIG, FREE_GSI, 0, 0, 0));
}

static int do_query(struct text *t)
{
	return see_call(t, pvi_call(w.self, KVM_HC_PVI_QUERY, KVM_PVI_Q_PORT, w.port, KVM_PVI_Q_PORT_STATE, 0));
}

static int do_peer_unexpose(struct text *t)
{
	(void)t;
	return __pvi_gsi(w.peer, KVM_PVI_UNEXPOSE, GSI);
}

static int do_peer_revoke(struct text *t)
{
	(void)t;
	return __pvi_revoke(w.peer, SELF, GSI);
}

static int do_rebind_peer(struct text *t)
{
	(void)t;
	close(w.peer);
	w.peer = pvi_bind(NULL, PEER);
	pvi_expose(w.peer, GSI, KVM_PVI_GSI_EVENTFD);
	pvi_allow(w.peer, SELF, GSI);
	return 0;
}

/* In a process that stays, so that its endpoint does: tells by @ready what BIND has answered */
static void bind_and_stay(u64 ready)
{
	int fd = pvi_open(), ret = __pvi_bind(fd, NULL, THIRD);

	if (!ret) {
		pvi_expose(fd, GSI, KVM_PVI_GSI_EVENTFD);
		pvi_allow(fd, SELF, GSI);
	}
	ASSERT_EQ(eventfd_write(ready, 1 - ret), 0);
	for (;;)
		pause();
}

static int do_bind_by_another(struct text *t)
{
	int ready = new_eventfd(), ret;

	(void)t;
	w.other = child_run(bind_and_stay, ready);
	ASSERT_TRUE(wait_readable(ready, 10000));
	ret = 1 - (int)read_eventfd(ready);
	close(ready);
	return ret;
}

/* A call of its own keeps it alive until that has returned; of a guest's it is sleep_race_test's */
static int do_close(struct text *t)
{
	(void)t;
	close(w.self);
	w.self = -1;
	return 0;
}

static __guest u64 guest_features(u64 arg)
{
	return guest_hypercall(KVM_HC_PVI_FEATURES, arg, 0, 0, 0);
}

static int do_create_vcpu(struct text *t)
{
	return see_call(t, vcpu_call(vm_vcpu_add(w.vm, w.vm->nr_vcpus), guest_features, 0));
}

static int do_routing(struct text *t)
{
	(void)t;
	vm_set_routing(w.vm);
	return 0;
}

static int do_unmap(struct text *t)
{
	(void)t;
	vm_unmap_mem(w.vm, w.slot);
	w.slot = 0;
	return 0;
}

/* Who counts hypercalls, at the place that is intercepted */
static int do_probe(struct text *t)
{
	int ret;

	mount_tracefs();
	ret = __write_line(TRACING "kprobe_events", "p:" PROBE " kvm_emulate_hypercall") ?:
	      __write_line(TRACING "events/kprobes/" PROBE "/enable", "1") ?:
	      see_call(t, vcpu_call(&w.vm->vcpus[0], guest_features, 0)) ?:
	      __write_line(TRACING "events/kprobes/" PROBE "/enable", "0");
	return ret ?: __write_line(TRACING "kprobe_events", "-:" PROBE);
}

static int do_detach(struct text *t)
{
	(void)t;
	return __write_param("kvm_pvi", "attach", "0");
}

static int do_attach(struct text *t)
{
	(void)t;
	return __write_param("kvm_pvi", "attach", "1");
}

static void detach_before(void)
{
	write_param("kvm_pvi", "attach", 0);
}

static void attach_after(void)
{
	write_param("kvm_pvi", "attach", 1);
}

static int do_unload(struct text *t)
{
	(void)t;
	return __unload_module("kvm_pvi");
}

void deeds_undo(void)
{
	__write_param("kvm_pvi", "attach", "1");
	__write_line(TRACING "events/kprobes/" PROBE "/enable", "0");
	__write_line(TRACING "kprobe_events", "-:" PROBE);
}

const struct deed deeds[] = {
	{ "SIGKILL of its process", do_nothing, .kills = true },
	{ "EXPOSE", do_expose },
	{ "UNEXPOSE", do_unexpose },
	{ "WIRE", do_wire },
	{ "KICK", do_kick },
	{ "ALLOW", do_allow },
	{ "REVOKE", do_revoke },
	{ "BELL", do_bell },
	{ "ALLOW of a bell", do_allow_bell },
	{ "STATUS", do_status },
	{ "UNSTATUS", do_unstatus },
	{ "SET_PORT", do_set_port },
	{ "CONNECT", do_connect },
	{ "CLOSE_PORT", do_close_port },
	{ "GRANT", do_grant },
	{ "UNGRANT", do_ungrant },
	{ "CONNECT by a grant", do_connect_grant },
	{ "WIRE_SOURCE", do_wire_source },
	{ "UNWIRE_SOURCE", do_unwire_source },
	{ "a source", do_signal_source },
	{ "RESERVE", do_reserve },
	{ "UNRESERVE", do_unreserve, .before = reserve_before },
	{ "GET_STATE", do_get_state },
	{ "FREEZE and THAW", do_freeze },
	{ "SET_STATE", do_set_state },
	{ "LIST", do_list },
	{ "GET_STATS", do_stats },
	{ "GET_EDGE", do_edge },
	{ "PEERS", do_peers },
	{ "a ring", do_ring },
	{ "a ring to it", do_be_rung },
	{ "RESET", do_reset },
	{ "SET_MSI", do_set_msi },
	{ "ARM", do_arm },
	{ "SET_CONFIG", do_set_config },
	{ "QUERY", do_query },
	{ "UNEXPOSE by the peer", do_peer_unexpose },
	{ "REVOKE by the peer", do_peer_revoke },
	{ "the peer anew", do_rebind_peer },
	{ "BIND by another process", do_bind_by_another },
	{ "the end of the endpoint", do_close },
	{ "KVM_CREATE_VCPU", do_create_vcpu },
	{ "KVM_SET_GSI_ROUTING", do_routing },
	{ "a memory slot less", do_unmap },
	{ "a kprobe", do_probe },
	{ "attach=0", do_detach, .after = attach_after, .waits = true },
	{ "attach=1", do_attach, .before = detach_before, .after = attach_after },
	{ "rmmod", do_unload, .want = -EWOULDBLOCK },
};

const u32 nr_deeds = ARRAY_SIZE(deeds);
