// SPDX-License-Identifier: GPL-2.0
/*
 * libpvi, continued: events and peers, reserved names, what a guest has made and its state.
 */
#include <stdlib.h>
#include <sys/wait.h>

#include "libpvi_lib.h"

static const u8 nil[KVM_PVI_UUID_SIZE];

/* A receiver that lets tx_uuid ring GSI, which is wired to the eventfd */
static int receiver(int *efd)
{
	int rx = enrol(rx_uuid);

	ASSERT_EQ(pvi_expose(rx, GSI, KVM_PVI_GSI_EVENTFD, NULL), 0);
	*efd = pvi_wire(rx, GSI, -1);
	ASSERT_GE(*efd, 0);
	ASSERT_EQ(pvi_allow(rx, tx_uuid, GSI, NULL), 0);
	return rx;
}

static void test_events(void)
{
	struct kvm_pvi_event events[3];
	int tx = enrol(tx_uuid), unbound = pvi_open(), rx, efd;

	ASSERT_EQ(pvi_read_events(unbound, events, 3), -ENOTCONN);
	ASSERT_EQ(fcntl(tx, F_SETFL, O_NONBLOCK), 0);
	ASSERT_EQ(pvi_read_events(tx, events, 3), -EAGAIN);
	ASSERT_EQ(pvi_read_events(tx, events, 0), -EINVAL);
	rx = receiver(&efd);
	ASSERT_EQ(pvi_revoke_all(rx, tx_uuid), 0);
	ASSERT_EQ(pvi_allow(rx, tx_uuid, GSI, NULL), 0);
	close(rx);
	ASSERT_EQ(pvi_read_events(tx, events, 1), 1);
	ASSERT_EQ(events[0].type, KVM_PVI_EVENT_PEER_UP);
	ASSERT_EQ(memcmp(events[0].uuid, rx_uuid, sizeof(rx_uuid)), 0);
	ASSERT_EQ(pvi_read_events(tx, events, 3), 3);
	ASSERT_EQ(events[0].type, KVM_PVI_EVENT_PEER_REVOKED);
	ASSERT_EQ(events[2].type, KVM_PVI_EVENT_PEER_DOWN);
	ASSERT_EQ(pvi_read_events(tx, events, 3), -EAGAIN);
}

/* The endpoint dies with its VM: who waits for events is told. */
static void test_events_end(void)
{
	struct kvm_pvi_event event;
	struct kvm_pvi_peer peer;
	int pvi = pvi_open();
	pid_t child = fork();

	if (!child)
		_exit(pvi_bind(pvi, vm_create(0, 0)->fd, rx_uuid, 0, 0, NULL));
	ASSERT_EQ(waitpid(child, NULL, 0), child);
	ASSERT_EQ(pvi_read_events(pvi, &event, 1), 0);
	ASSERT_EQ(pvi_peers(pvi, &peer, 1, 0), -ENODEV);
}

static void test_peers(void)
{
	struct kvm_pvi_peer peers[2];
	int efd, config, tx = enrol(tx_uuid), rx;

	ASSERT_EQ(pvi_peers(tx, peers, 2, 0), 0);
	ASSERT_EQ(pvi_peers(tx, peers, 0, 0), -EINVAL);
	ASSERT_EQ(pvi_set_config(tx, GSI), -ENOENT);
	ASSERT_EQ(pvi_expose(tx, GSI, KVM_PVI_GSI_EVENTFD, NULL), 0);
	config = pvi_wire(tx, GSI, -1);
	ASSERT_EQ(pvi_set_config(tx, GSI), 0);
	rx = receiver(&efd);
	ASSERT_EQ(read_eventfd(config), 1);
	ASSERT_EQ(pvi_peers(tx, peers, 2, 0), 1);
	ASSERT_EQ(memcmp(peers[0].uuid, rx_uuid, sizeof(rx_uuid)), 0);
	ASSERT_EQ(peers[0].gsis, 1);
	ASSERT_EQ(pvi_peers(tx, peers, 2, peers[0].position + 1), 0);
	ASSERT_EQ(pvi_set_config(tx, KVM_PVI_GSI_ANY), 0);
	close(rx);
	ASSERT_EQ(read_eventfd(config), 0);
}

#define CROWD (KVM_PVI_BROADCAST_MAX + 3)

static void test_broadcast(void)
{
	unsigned char uuid[KVM_PVI_UUID_SIZE];
	int tx = enrol(tx_uuid), rx, i;

	ASSERT_EQ(pvi_broadcast_all(tx, GSI), 0);
	memcpy(uuid, rx_uuid, sizeof(uuid));
	for (i = 0; i < CROWD; i++) {
		uuid[1] = i + 1;
		rx = enrol(uuid);
		ASSERT_EQ(pvi_expose(rx, GSI, KVM_PVI_GSI_EVENTFD, NULL), 0);
		ASSERT_EQ(pvi_allow(rx, tx_uuid, GSI, NULL), 0);
	}
	ASSERT_EQ(pvi_broadcast(tx, GSI, 0), KVM_PVI_BROADCAST_MAX);
	ASSERT_EQ(pvi_broadcast(tx, GSI, KVM_PVI_BROADCAST_MAX), CROWD - KVM_PVI_BROADCAST_MAX);
	ASSERT_EQ(pvi_broadcast_all(tx, GSI), CROWD);
	ASSERT_EQ(pvi_broadcast_all(tx, GSI + 1), 0);
	ASSERT_EQ(pvi_broadcast_all(tx, KVM_PVI_GSI_MAX), -EINVAL);
}

static void test_reserve(void)
{
	int pvi = pvi_open();

	ASSERT_EQ(pvi_reserve(pvi, nil, 1000), -EINVAL);
	ASSERT_EQ(pvi_reserve(pvi, rx_uuid, geteuid() + 1), 0);
	ASSERT_EQ(pvi_enrol(-1, rx_uuid), -EACCES);
	ASSERT_EQ(pvi_unreserve(pvi, rx_uuid), 0);
	ASSERT_EQ(pvi_unreserve(pvi, rx_uuid), -ENOENT);
	ASSERT_EQ(pvi_reserve_from(pvi, rx_uuid, 1000, 1000), 0);
	ASSERT_EQ(pvi_reserve_from(pvi, rx_uuid, 1001, 1002), -EEXIST);
	ASSERT_EQ(pvi_reserve_from(pvi, rx_uuid, 1001, 1000), 0);
	ASSERT_EQ(pvi_unreserve_from(pvi, rx_uuid, 1000), -EEXIST);
	ASSERT_EQ(pvi_unreserve_from(pvi, rx_uuid, 1001), 0);
	ASSERT_EQ(pvi_unreserve_from(pvi, rx_uuid, 1001), -ENOENT);
	enrol(rx_uuid);
	ASSERT_EQ(setresuid(1000, 1000, 1000), 0);
	ASSERT_EQ(pvi_reserve(pvi, rx_uuid, 1000), -EPERM);
	ASSERT_EQ(pvi_unreserve(pvi, rx_uuid), -EPERM);
}

static void test_guest_calls(void)
{
	int efd, rx = receiver(&efd), tx = enrol(tx_uuid);
	unsigned char uuid[KVM_PVI_UUID_SIZE];
	int port;

	ASSERT_EQ(pvi_query_uuid(tx, uuid), 0);
	ASSERT_EQ(memcmp(uuid, tx_uuid, sizeof(uuid)), 0);
	ASSERT_EQ(pvi_call_connect(tx, nil, GSI), -EINVAL);
	ASSERT_EQ(pvi_call_connect(tx, rx_uuid, GSI + 1), -EPERM);
	ASSERT_EQ(pvi_connect(tx, 0, rx_uuid, GSI), 0);
	port = pvi_call_connect(tx, rx_uuid, GSI);
	ASSERT_EQ(KVM_PVI_PORT_INDEX(port), 1);
	ASSERT_EQ(pvi_call_connect(tx, rx_uuid, GSI), port + 1);
	ASSERT_EQ(pvi_notify(tx, port), KVM_PVI_RAISED);
	ASSERT_EQ(pvi_call_disconnect(tx, port), 0);
	ASSERT_EQ(pvi_call_disconnect(tx, port), -ENOENT);
	ASSERT_EQ(pvi_call_disconnect(tx, 0), -EPERM);
	ASSERT_EQ(pvi_reset(tx), 0);
	ASSERT_EQ(pvi_notify(tx, port + 1), -ENOENT);
	ASSERT_EQ(pvi_notify(tx, 0), KVM_PVI_RAISED);
	ASSERT_EQ(pvi_arm(rx, GSI), 0);
	ASSERT_EQ(pvi_arm(rx, GSI + 1), -ENOENT);
}

static void test_msi(void)
{
	struct vm *vm = vm_create(1, 0);
	int pvi = pvi_enrol(vm->fd, rx_uuid), tx = enrol(tx_uuid);

	ASSERT_EQ(pvi_set_msi(pvi, KVM_PVI_GSI_VIRTUAL, 0xfee00000, 0x40), -ENOENT);
	ASSERT_EQ(pvi_expose(pvi, KVM_PVI_GSI_VIRTUAL, KVM_PVI_GSI_MSI, NULL), 0);
	ASSERT_EQ(pvi_allow(pvi, tx_uuid, KVM_PVI_GSI_VIRTUAL, NULL), 0);
	ASSERT_EQ(pvi_ring(tx, rx_uuid, KVM_PVI_GSI_VIRTUAL), KVM_PVI_LATCHED);
	ASSERT_EQ(pvi_set_msi(pvi, KVM_PVI_GSI_VIRTUAL, 0xfee00000, 0xf), -EINVAL);
	ASSERT_EQ(pvi_set_msi(pvi, KVM_PVI_GSI_VIRTUAL, 0xfee00000, 0x40), 0);
	ASSERT_EQ(pvi_set_msi(pvi, KVM_PVI_GSI_VIRTUAL, 0, 0), 0);
}

/* What the guest of @tx has connected is there again in another endpoint of that name. */
static void test_state(void)
{
	int efd, rx = receiver(&efd), tx = enrol(tx_uuid), length, port;
	struct kvm_pvi_state_header *header;
	void *blob;

	ASSERT_GE(rx, 0);
	port = pvi_call_connect(tx, rx_uuid, GSI);
	ASSERT_EQ(KVM_PVI_PORT_INDEX(port), 0);
	length = pvi_get_state(tx, 0, NULL, 0);
	ASSERT_GT(length, (int)sizeof(*header));
	ASSERT_EQ(pvi_get_state(tx, 2, NULL, 0), -EINVAL);
	ASSERT_EQ(pvi_get_state(tx, 0, NULL, length), -EFAULT);
	ASSERT_EQ(pvi_save_state(tx, &blob), length);
	header = blob;
	ASSERT_EQ(header->magic, KVM_PVI_STATE_MAGIC);
	ASSERT_EQ(header->length, length);
	ASSERT_EQ(pvi_set_state(tx, blob, length), -EBUSY);
	close(tx);

	tx = enrol(tx_uuid);
	ASSERT_EQ(pvi_set_state(tx, blob, length - 1), -EINVAL);
	ASSERT_EQ(pvi_set_state(tx, blob, 1ull << 32 | length), -EINVAL);
	ASSERT_EQ(pvi_set_state(tx, blob, length), 0);
	ASSERT_EQ(pvi_notify(tx, port), KVM_PVI_RAISED);
	free(blob);

	close(tx);
	ASSERT_EQ(pvi_save_state(tx, &blob), -EBADF);
	ASSERT_TRUE(!blob);
}

static void test_freeze(void)
{
	int efd, rx = receiver(&efd), tx = enrol(tx_uuid), unbound = pvi_open();
	void *blob;

	ASSERT_EQ(pvi_thaw(unbound), -ENOTCONN);
	ASSERT_EQ(pvi_thaw(rx), 0);
	ASSERT_EQ(pvi_save_state(rx, &blob), sizeof(struct kvm_pvi_state_header));
	free(blob);
	ASSERT_EQ(pvi_ring(tx, rx_uuid, GSI), -EAGAIN);
	ASSERT_EQ(pvi_thaw(rx), 0);
	ASSERT_EQ(pvi_ring(tx, rx_uuid, GSI), KVM_PVI_RAISED);
	ASSERT_EQ(read_eventfd(efd), 1);
}

static const struct test_case cases[] = {
	{ "events", test_events },
	{ "events end", test_events_end },
	{ "peers", test_peers },
	{ "broadcast", test_broadcast },
	{ "reserve", test_reserve },
	{ "guest calls", test_guest_calls },
	{ "msi", test_msi },
	{ "state", test_state },
	{ "freeze", test_freeze },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases),
			 TEST_REQUIRE_KVM | TEST_REQUIRE_PVI);
}
