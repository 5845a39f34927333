/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR MIT) */
/*
 * pvi_link - what kinds of links have in the @config of their sections
 */
#ifndef LINUX_PVI_LINK_KINDS_H
#define LINUX_PVI_LINK_KINDS_H

#include <linux/types.h>

#define PVI_LINK_PORT_RANGES	6

/**
 * struct pvi_link_ports - a range of ports
 * @first: the first of them
 * @last: the last of them; below @first: there is none
 */
struct pvi_link_ports {
	__u32 first;
	__u32 last;
};

/**
 * struct pvi_link_vsock - @config of a section of kind PVI_RING_VSOCK
 * @cid: the owner's address on this link, above 2
 * @peer_cid: the other side's
 * @nr_ports: how many of @ports count; 0: the peer may connect to any port of the owner's
 * @__reserved: 0
 * @ports: else to these alone
 *
 * Who makes the link writes it. A side believes its own section, which its peer cannot write.
 */
struct pvi_link_vsock {
	__u32 cid;
	__u32 peer_cid;
	__u32 nr_ports;
	__u32 __reserved;
	struct pvi_link_ports ports[PVI_LINK_PORT_RANGES];
};

#endif /* LINUX_PVI_LINK_KINDS_H */
