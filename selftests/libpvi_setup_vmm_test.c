// SPDX-License-Identifier: GPL-2.0
/*
 * libpvi: two VMMs, each a process, that learn of each other by the set-up phase, and let their guests
 * ring each other.
 */
#include <sys/socket.h>

#include "child.h"
#include "libpvi_lib.h"

#define TIMEOUT		60000u
#define PIN		20
#define VECTOR		0x40
#define BELL		3

/* How the two VMMs permit each other to ring, and what */
enum way { BY_NAME, BY_GRANT, BY_BELL, BY_GRANT_OF_BELL };

static enum way way;
static int sockets[2];

static bool is_bell(void)
{
	return way == BY_BELL || way == BY_GRANT_OF_BELL;
}

static bool is_granted(void)
{
	return way == BY_GRANT || way == BY_GRANT_OF_BELL;
}

/*
 * A VMM: a VM that is rung by PIN, or a bell over it
 *
 * @mine:	what is said of it
 * @grant:	by which the other one may ring it, or -1
 * @port:	by which its guest rings the other one
 * @bits:	which flags of the other one's bell it sets
 */
struct vmm {
	struct vm *vm;
	int pvi;
	struct pvi_setup mine;
	int grant;
	int port;
	u64 bits;
};

static void vmm_create(struct vmm *vmm, const u8 *uuid, u64 bits)
{
	memset(vmm, 0, sizeof(*vmm));
	vmm->vm = vm_create(1, 0);
	vm_ioapic_set(vmm->vm, PIN, VECTOR, 0, 0);
	vmm->pvi = pvi_open();
	ASSERT_EQ(pvi_bind(vmm->pvi, vmm->vm->fd, uuid, is_granted() ? KVM_PVI_BIND_GRANTS_ONLY : 0, 0, NULL), 0);
	ASSERT_EQ(pvi_expose(vmm->pvi, PIN, KVM_PVI_GSI_DIRECT, NULL), 0);
	memcpy(vmm->mine.uuid, uuid, KVM_PVI_UUID_SIZE);
	vmm->mine.flags = PVI_SETUP_GSI;
	vmm->mine.gsi = PIN;
	vmm->grant = -1;
	if (is_bell()) {
		ASSERT_EQ(pvi_bell_create(vmm->pvi, BELL, PIN), 0);
		vmm->mine.flags |= PVI_SETUP_BELL;
		vmm->mine.bits = bits;
	}
	if (is_granted()) {
		vmm->mine.flags |= PVI_SETUP_GRANT;
		vmm->grant = is_bell() ? pvi_grant_bell(vmm->pvi, BELL, bits, 1, NULL, NULL) :
			pvi_grant(vmm->pvi, PIN, 1, NULL, NULL);
		ASSERT_GE(vmm->grant, 0);
	}
}

/* What the set-up phase is for: the row of the receiver's table */
static void vmm_allow(struct vmm *vmm, const struct pvi_setup *theirs)
{
	if (is_granted())
		return;
	if (is_bell())
		ASSERT_EQ(pvi_allow_bell(vmm->pvi, theirs->uuid, BELL, vmm->mine.bits, NULL), 0);
	else
		ASSERT_EQ(pvi_allow(vmm->pvi, theirs->uuid, PIN, NULL), 0);
}

static void vmm_connect(struct vmm *vmm, const struct pvi_setup *theirs, int grant)
{
	vmm->port = grant >= 0 ? pvi_connect_grant(vmm->pvi, KVM_PVI_PORT_ANY, grant) :
		pvi_connect(vmm->pvi, KVM_PVI_PORT_ANY, theirs->uuid, theirs->gsi);
	ASSERT_GE(vmm->port, 0);
	vmm->bits = theirs->bits;
}

static __guest u64 ring_and_be_rung(u64 port)
{
	u64 verdict = guest_hypercall(KVM_HC_NOTIFY, port, 0, 0, 0);

	guest_wait_irqs(VECTOR, 1);
	return verdict;
}

static u64 send_port, send_bits;

/* The flags that it was sent; RBX has the ones before */
static __guest u64 send_and_receive(u64 bell)
{
	u64 flags = send_port;

	GUEST_ASSERT_EQ(guest_hypercall_rbx(KVM_HC_BELL_SEND, &flags, send_bits, 0, 0) >> 2, 0);
	guest_wait_irqs(VECTOR, 1);
	flags = bell;
	GUEST_ASSERT_EQ(guest_hypercall_rbx(KVM_HC_BELL_RECEIVE, &flags, ~0ull, 0, 0), 0);
	return flags;
}

/* Its guest rings the other one's, and is rung */
static void vmm_run(struct vmm *vmm)
{
	struct vcpu *vcpu = &vmm->vm->vcpus[0];

	send_port = vmm->port;
	send_bits = vmm->bits;
	if (is_bell())
		ASSERT_EQ(vcpu_call(vcpu, send_and_receive, BELL), vmm->mine.bits);
	else
		ASSERT_LE(vcpu_call(vcpu, ring_and_be_rung, vmm->port), KVM_PVI_LATCHED);
}

static void run_front(u64 bits)
{
	struct pvi_setup theirs;
	struct vmm vmm;
	int grant;

	vmm_create(&vmm, tx_uuid, bits);
	ASSERT_EQ(pvi_setup_get(sockets[0], &theirs, &grant, TIMEOUT), 0);
	ASSERT_EQ(memcmp(theirs.uuid, rx_uuid, sizeof(rx_uuid)), 0);
	/* Until it has said who it is nobody lets it ring */
	ASSERT_EQ(pvi_connect(vmm.pvi, KVM_PVI_PORT_ANY, theirs.uuid, theirs.gsi), -EPERM);
	vmm_allow(&vmm, &theirs);
	ASSERT_EQ(pvi_setup_set(sockets[0], &vmm.mine, vmm.grant, TIMEOUT), 0);
	vmm_connect(&vmm, &theirs, grant);
	vmm_run(&vmm);
}

/* One message; true when there is no more to do */
static bool back_obey(struct vmm *vmm, const struct pvi_setup_msg *msg)
{
	struct pvi_setup_msg reply = {
		.request = msg->request,
		.flags = PVI_SETUP_REPLY,
		.grant = -1,
	};

	if (msg->request == PVI_SETUP_GET) {
		reply.setup = vmm->mine;
		reply.grant = vmm->grant;
	} else {
		vmm_allow(vmm, &msg->setup);
		vmm_connect(vmm, &msg->setup, msg->grant);
	}
	ASSERT_EQ(pvi_setup_send(sockets[1], &reply), 0);
	return msg->request == PVI_SETUP_SET;
}

static void run_back(u64 bits)
{
	struct pvi_setup_reader reader = { 0 };
	struct pvi_setup_msg msg;
	struct vmm vmm;
	int ret;

	vmm_create(&vmm, rx_uuid, bits);
	do {
		ASSERT_TRUE(wait_readable(sockets[1], TIMEOUT));
		ret = pvi_setup_receive(sockets[1], &reader, &msg);
		ASSERT_TRUE(!ret || ret == -EAGAIN);
	} while (ret || !back_obey(&vmm, &msg));
	vmm_run(&vmm);
}

static void two_vmms(enum way this_way)
{
	pid_t front, back;

	way = this_way;
	ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets), 0);
	front = child_run(run_front, 6);
	back = child_run(run_back, 9);
	child_join(front);
	child_join(back);
}

static void test_by_name(void)
{
	two_vmms(BY_NAME);
}

static void test_by_grant(void)
{
	two_vmms(BY_GRANT);
}

static void test_by_bell(void)
{
	two_vmms(BY_BELL);
}

static void test_by_grant_of_bell(void)
{
	two_vmms(BY_GRANT_OF_BELL);
}

static const struct test_case cases[] = {
	{ "by_name", test_by_name },
	{ "by_grant", test_by_grant },
	{ "by_bell", test_by_bell },
	{ "by_grant_of_bell", test_by_grant_of_bell },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases), 0);
}
