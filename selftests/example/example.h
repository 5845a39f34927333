/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* kvm-pvi example: a VMM (enrol.c) and its guests (guest.c, guest64.S, guest32.S) */
#ifndef PVI_EXAMPLE_H
#define PVI_EXAMPLE_H

#include <linux/types.h>

/* enrol.c */
int example_enrol_receiver(int vm_fd, const __u8 *self, const __u8 *sender, __u32 direct,
			   __u32 wired);
int example_enrol_sender(int vm_fd, const __u8 *self, const __u8 *receiver, __u32 gsi, __u32 *port);

/* guest.c: for the guest alone, as is all below */
extern unsigned char example_vmmcall;
extern unsigned long example_mailbox;	/* memory shared with the senders */
extern unsigned long example_seen;
unsigned long example_detect(void);
long example_ring_uuid(const __u8 *uuid, unsigned long gsi);
long example_ring(unsigned long port);
long example_listen(unsigned long nth, unsigned char vector);
void example_handler(unsigned char vector);

/* guest64.S, guest32.S */
extern unsigned int example_rung;
long example64_ring(unsigned long port);
long example64_listen(unsigned long gsi, unsigned long vector);
long example64_wait(void);
void example64_handler(void);
long example32_ring(unsigned long port);
long example32_listen(unsigned long gsi, unsigned long vector);
long example32_wait(void);
void example32_handler(void);

#endif
