// SPDX-License-Identifier: GPL-2.0
/*
 * kvm-pvi selftests: what pvi_spoil does with sockets: packets of virtio's format that no honest peer sends.
 * At last they were not sent, by which a session ends.
 */
#include <linux/pvi_link.h>
#include <linux/virtio_vsock.h>
#include <string.h>

#include "spoil.h"

#define PACKET	sizeof(struct virtio_vsock_hdr)

/* What a side has in its section */
static const struct pvi_link_vsock *config(void)
{
	return (const struct pvi_link_vsock *)header()->config;
}

static struct virtio_vsock_hdr packet(unsigned int op, unsigned int type, unsigned int from, unsigned int to)
{
	return (struct virtio_vsock_hdr){
		.src_cid = config()->cid,
		.dst_cid = config()->peer_cid,
		.src_port = from,
		.dst_port = to,
		.type = type,
		.op = op,
		.buf_alloc = anything(),
		.fwd_cnt = anything(),
	};
}

/* Few, so that packets are about one connection */
static unsigned int any_port(void)
{
	static const unsigned int ports[] = { SPOIL_FROM, SPOIL_TO, SPOIL_NOBODY, SPOIL_LISTENER };

	return anything() % 8 ? ports[anything() % (sizeof(ports) / sizeof(*ports))] : anything();
}

/* One number in eight is anything */
static unsigned int nearly(unsigned int number)
{
	return anything() % 8 ? number : anything();
}

unsigned int spoil_packet(unsigned char *message, unsigned int len)
{
	struct virtio_vsock_hdr hdr = packet(nearly(anything() % 9), nearly(1 + anything() % 2),
					     any_port(), anything() & 1 ? SPOIL_LISTENER : any_port());
	unsigned int i;

	if (!(anything() % 16))
		hdr.src_cid = anything() % 8;
	if (!(anything() % 16))
		hdr.dst_cid = anything() % 8 + (anything() & 1) * (1ull << 32);
	hdr.flags = anything();
	/* What has no data goes no further if it has some */
	if (len >= PACKET && hdr.op != VIRTIO_VSOCK_OP_RW)
		len = nearly(0) % 64 + PACKET;
	hdr.len = nearly(len - PACKET);
	for (i = 0; i < len; i++)
		message[i] = anything();
	memcpy(message, &hdr, len < PACKET ? len : PACKET);
	return len;
}

/*
 * Sends packets that @make makes in bursts that fill half of the ring. The last of them may be too many: this
 * side's driver sends something when the connection has ended, and so ends the session
 */
static void send_all(int n, unsigned int (*make)(unsigned char *message, int i))
{
	unsigned int first = load(queue(0)->prod), prod = first, sent = first, len;
	unsigned char message[PACKET + 1];
	int i;

	for (i = 0; i < n && both_run(); i++) {
		len = make(message, i);
		prod = put_message(0, prod, message, len);
		if (prod - sent < own->shape.data_size / 2 && i + 1 < n)
			continue;
		have_taken(0, prod);
		sent = prod;
	}
	store(queue(0)->prod, first);
}

static unsigned int make_byte(unsigned char *message, int i)
{
	struct virtio_vsock_hdr hdr = packet(VIRTIO_VSOCK_OP_RW, VIRTIO_VSOCK_TYPE_SEQPACKET, SPOIL_FROM,
					     SPOIL_TO);

	hdr.len = 1;
	hdr.flags = VIRTIO_VSOCK_SEQ_EOM;
	memcpy(message, &hdr, PACKET);
	message[PACKET] = i;
	return PACKET + 1;
}

void spoil_flood(int n)
{
	send_all(n, make_byte);
}

static unsigned int make_request(unsigned char *message, int i)
{
	struct virtio_vsock_hdr hdr = packet(VIRTIO_VSOCK_OP_REQUEST, VIRTIO_VSOCK_TYPE_STREAM, 10000 + i,
					     SPOIL_NOBODY);

	memcpy(message, &hdr, PACKET);
	return PACKET;
}

void spoil_connect(int n)
{
	/* Then the peer does not ring for its answers */
	store(queue(0)->data_wake, PVI_RING_WAKE_NEVER);
	send_all(n, make_request);
}

/* A packet between the two ports of one connection, with a byte if it is one of data */
static unsigned int put_packet(unsigned char *message, unsigned int op, unsigned int flags)
{
	struct virtio_vsock_hdr hdr = packet(op, VIRTIO_VSOCK_TYPE_STREAM, SPOIL_SERVER, SPOIL_CLIENT);

	hdr.len = op == VIRTIO_VSOCK_OP_RW;
	hdr.flags = flags;
	hdr.buf_alloc = 1 << 18;
	hdr.fwd_cnt = 0;
	memcpy(message, &hdr, PACKET);
	message[PACKET] = 'x';
	return PACKET + hdr.len;
}

/* In one piece, so that what this side's driver sends because of one of them does not stand in their place */
static void send_burst(int n, unsigned int (*make)(unsigned char *message, int i))
{
	unsigned int prod = load(queue(0)->prod);
	unsigned char message[PACKET + 1];
	int i;

	for (i = 0; i < n; i++)
		prod = put_message(0, prod, message, make(message, i));
	have_taken(0, prod);
}

static unsigned int make_stranger(unsigned char *message, int i)
{
	static const unsigned int ops[] = {
		VIRTIO_VSOCK_OP_RW, VIRTIO_VSOCK_OP_RESPONSE, VIRTIO_VSOCK_OP_REQUEST, VIRTIO_VSOCK_OP_RST,
	};

	return put_packet(message, ops[i % 4], 0);
}

void spoil_stranger(int n)
{
	send_burst(n, make_stranger);
}

static unsigned int make_after(unsigned char *message, int i)
{
	switch (i) {
	case 0:
		return put_packet(message, VIRTIO_VSOCK_OP_RW, 0);
	case 1:
		return put_packet(message, VIRTIO_VSOCK_OP_REQUEST, 0);
	case 2:
		return put_packet(message, VIRTIO_VSOCK_OP_SHUTDOWN,
				  VIRTIO_VSOCK_SHUTDOWN_RCV | VIRTIO_VSOCK_SHUTDOWN_SEND);
	default:
		/* The end of a message, behind which no kernel puts another byte */
		return put_packet(message, VIRTIO_VSOCK_OP_RW, VIRTIO_VSOCK_SEQ_EOM);
	}
}

void spoil_after(int n)
{
	send_burst(n, make_after);
}
