// SPDX-License-Identifier: GPL-2.0
/*
 * libpvi: a back-end that is told more than once who its front-ends are. What it allowed one of them nobody
 * else changes, and what is said anew kills no port that it need not.
 */
#include <sys/socket.h>

#include "libpvi_lib.h"

#define OTHER	(GSI + 1)

/* What the back-end keeps of a connection, as pvi_setup(3) has it */
struct dev {
	int pvi;
	u32 gsi;
	bool named;
	u8 name[KVM_PVI_UUID_SIZE];
};

static const u8 third_uuid[KVM_PVI_UUID_SIZE] = { 0xf0, [6] = 0x80, [8] = 0x80, [15] = 3 };
static struct dev devs[2];

static void dev_forget(struct dev *dev)
{
	if (dev->named)
		ASSERT_EQ(pvi_revoke(dev->pvi, dev->name, dev->gsi), 0);
	dev->named = false;
}

/* Whether there is a row which this connection may not touch: of another one, or of nobody */
static bool dev_is_taken(const struct dev *dev, const u8 *name)
{
	struct kvm_pvi_edge edge = { .size = sizeof(edge) };
	int ret;

	while ((ret = pvi_next_edge(dev->pvi, &edge)) > 0)
		if (edge.kind == KVM_PVI_EDGE_GSI && !memcmp(edge.uuid, name, KVM_PVI_UUID_SIZE) &&
		    (edge.gsi == dev->gsi || edge.gsi == KVM_PVI_GSI_ANY))
			return true;
	ASSERT_EQ(ret, 0);
	return false;
}

static int dev_permit(struct dev *dev, const u8 *name)
{
	if (dev->named && !memcmp(dev->name, name, sizeof(dev->name)))
		return 0;
	dev_forget(dev);
	if (dev_is_taken(dev, name))
		return -EEXIST;
	ASSERT_EQ(pvi_allow(dev->pvi, name, dev->gsi, NULL), 0);
	memcpy(dev->name, name, sizeof(dev->name));
	dev->named = true;
	return 0;
}

/* Two connections of the front-ends to one back-end, on one GSI */
static int back_start(int (*sockets)[2])
{
	int rx = enrol(rx_uuid);
	u32 i;

	ASSERT_EQ(pvi_expose(rx, GSI, KVM_PVI_GSI_EVENTFD, NULL), 0);
	for (i = 0; i < ARRAY_SIZE(devs); i++) {
		devs[i] = (struct dev){ .pvi = rx, .gsi = GSI };
		ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets[i]), 0);
	}
	return rx;
}

/* The back-end's turn: a message, or the end of the connection */
static void back_turn(struct dev *dev, int socket)
{
	struct pvi_setup_reader reader = { 0 };
	struct pvi_setup_msg msg;
	int ret = pvi_setup_receive(socket, &reader, &msg);

	if (ret) {
		ASSERT_EQ(ret, -ECONNRESET);
		dev_forget(dev);
		return;
	}
	ASSERT_EQ(msg.request, PVI_SETUP_SET);
	ret = dev_permit(dev, msg.setup.uuid);
	msg = (struct pvi_setup_msg){
		.request = PVI_SETUP_SET, .flags = PVI_SETUP_REPLY, .result = !!ret, .grant = -1,
	};
	ASSERT_EQ(pvi_setup_send(socket, &msg), 0);
}

/* A front-end says that name: what it is answered */
static u64 say(u32 nr, int (*sockets)[2], const u8 *name)
{
	struct pvi_setup_msg msg = {
		.request = PVI_SETUP_SET, .flags = PVI_SETUP_NEED_REPLY, .grant = -1,
	};
	struct pvi_setup_reader reader = { 0 };

	memcpy(msg.setup.uuid, name, KVM_PVI_UUID_SIZE);
	ASSERT_EQ(pvi_setup_send(sockets[nr][0], &msg), 0);
	back_turn(&devs[nr], sockets[nr][1]);
	ASSERT_EQ(pvi_setup_receive(sockets[nr][0], &reader, &msg), 0);
	return msg.result;
}

static void hang_up(u32 nr, int (*sockets)[2])
{
	close(sockets[nr][0]);
	back_turn(&devs[nr], sockets[nr][1]);
}

static int connect_to_back(int tx)
{
	return pvi_connect(tx, KVM_PVI_PORT_ANY, rx_uuid, GSI);
}

/* A name that is said again leaves its ports alone; another one ends them */
static void test_again(void)
{
	int sockets[2][2], rx = back_start(sockets), tx = enrol(tx_uuid), third = enrol(third_uuid), port;

	ASSERT_EQ(connect_to_back(tx), -EPERM);
	ASSERT_EQ(say(0, sockets, tx_uuid), 0);
	port = connect_to_back(tx);
	ASSERT_GE(port, 0);
	ASSERT_EQ(say(0, sockets, tx_uuid), 0);
	ASSERT_EQ(pvi_notify(tx, port), KVM_PVI_LATCHED);
	ASSERT_EQ(say(0, sockets, third_uuid), 0);
	ASSERT_EQ(pvi_notify(tx, port), -EPERM);
	ASSERT_EQ(connect_to_back(tx), -EPERM);
	ASSERT_GE(connect_to_back(third), 0);

	/* Allowed once more the old port is as dead: it has to connect anew */
	ASSERT_EQ(say(0, sockets, tx_uuid), 0);
	ASSERT_EQ(pvi_notify(tx, port), -EPERM);
	port = connect_to_back(tx);
	ASSERT_EQ(pvi_notify(tx, port), KVM_PVI_COALESCED);
	hang_up(0, sockets);
	ASSERT_EQ(pvi_notify(tx, port), -EPERM);
	ASSERT_EQ(connect_to_back(tx), -EPERM);
	close(rx);
}

/* Who says the name of another connection gets nothing, and takes nothing away, also by going */
static void test_claimed(void)
{
	int sockets[2][2], rx = back_start(sockets), tx = enrol(tx_uuid), port;

	ASSERT_EQ(say(0, sockets, tx_uuid), 0);
	port = connect_to_back(tx);
	ASSERT_NE(say(1, sockets, tx_uuid), 0);
	ASSERT_EQ(pvi_notify(tx, port), KVM_PVI_LATCHED);
	ASSERT_EQ(say(1, sockets, third_uuid), 0);
	ASSERT_NE(say(1, sockets, tx_uuid), 0);
	hang_up(1, sockets);
	ASSERT_EQ(pvi_notify(tx, port), KVM_PVI_COALESCED);
	hang_up(0, sockets);
	ASSERT_EQ(pvi_notify(tx, port), -EPERM);
	close(rx);
}

/* Nor does who says one that an administrator has allowed, for this GSI or for all */
static void test_policy(void)
{
	int sockets[2][2], rx = back_start(sockets), tx = enrol(tx_uuid);

	ASSERT_EQ(pvi_allow_owner(rx, tx_uuid, GSI, getuid() + 1, NULL), 0);
	ASSERT_NE(say(0, sockets, tx_uuid), 0);
	ASSERT_EQ(connect_to_back(tx), -EPERM);
	ASSERT_EQ(pvi_revoke(rx, tx_uuid, GSI), 0);
	ASSERT_EQ(pvi_allow_owner(rx, tx_uuid, KVM_PVI_GSI_ANY, getuid() + 1, NULL), 0);
	ASSERT_NE(say(0, sockets, tx_uuid), 0);
	ASSERT_EQ(connect_to_back(tx), -EPERM);
	ASSERT_EQ(pvi_revoke(rx, tx_uuid, KVM_PVI_GSI_ANY), 0);
	ASSERT_EQ(pvi_allow(rx, tx_uuid, OTHER, NULL), 0);
	ASSERT_EQ(say(0, sockets, tx_uuid), 0);
	ASSERT_GE(connect_to_back(tx), 0);
	hang_up(0, sockets);
	close(rx);
}

static const struct test_case cases[] = {
	{ "again", test_again },
	{ "claimed", test_claimed },
	{ "policy", test_policy },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases), 0);
}
