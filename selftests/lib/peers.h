/* SPDX-License-Identifier: GPL-2.0 */
/* kvm-pvi selftests: many endpoints of host processes, who sees whom, what they are told */
#ifndef PVI_TEST_PEERS_H
#define PVI_TEST_PEERS_H

#include "pvi.h"

/* pvi_bind() of a host process; stores which life it is */
int pvi_bind_epoch(const u8 *uuid, u64 *epoch);
/* One that exposes @gsi, wired to a new eventfd in *@eventfd, and allows @sender to ring it */
int pvi_receiver(const u8 *uuid, u32 gsi, const u8 *sender, int *eventfd);
/* ALLOW that holds while @sender belongs to the user @owner */
int __pvi_allow_owner(int fd, const u8 *sender, u32 gsi, u32 owner);
/* ALLOW of @rate rings a second, @burst at once */
void pvi_allow_rate(int fd, const u8 *sender, u32 gsi, u32 rate, u32 burst);

/* PEERS from position @first on, into room for @nr; how many there were */
s64 pvi_peers(int fd, struct kvm_pvi_peer *peers, u32 nr, u64 first);

/* Wait for the next event and check all of it but @lost, which is returned */
u32 pvi_expect_event(int fd, u32 type, const u8 *uuid, u64 epoch);
void pvi_expect_no_event(int fd);
/* Read what is there and forget it; how many there were */
u32 pvi_drop_events(int fd);

#endif
