/* SPDX-License-Identifier: GPL-2.0 */
/* kvm-pvi selftests: what pvi_spoil does to a link of any kind, and to those of kind vsock */
#ifndef E2E_SPOIL_H
#define E2E_SPOIL_H

#include <stdint.h>

#include "section.h"

/* pvi_spoil.c */
extern struct section *own;

unsigned int anything(void);
unsigned int load(const uint32_t *word);
void store(void *word, unsigned int value);
struct pvi_ring_header *header(void);
struct pvi_ring_queue *queue(unsigned int n);
int both_run(void);
/* Behind @prod, and where the data ends behind a pad; returns the index behind it. NULL: bytes that are 0 */
unsigned int put_message(unsigned int n, unsigned int prod, const void *message, unsigned int len);
/* Sends what was put, and waits until the peer has taken it */
void have_taken(unsigned int n, unsigned int prod);

/* spoil_vsock.c */

/* A packet that is nearly right, of at most @len bytes; returns how many it has */
unsigned int spoil_packet(unsigned char *message, unsigned int len);
/* @n packets of one byte to a connection of seqpacket from SPOIL_FROM to SPOIL_TO, whatever its credit */
void spoil_flood(int n);
/* @n connections to a port where nobody listens, whose answers this side does not take */
void spoil_connect(int n);
/*
 * @n packets, which fit into the ring, from SPOIL_SERVER to SPOIL_CLIENT: where there is no such connection;
 * or, the first of them a byte and an end, of one that this side has ended
 */
void spoil_stranger(int n);
void spoil_after(int n);

/* As the test has them */
#define SPOIL_FROM	3000
#define SPOIL_TO	22
#define SPOIL_NOBODY	70000
#define SPOIL_LISTENER	70001
#define SPOIL_SERVER	5000
#define SPOIL_CLIENT	70000

#endif /* E2E_SPOIL_H */
