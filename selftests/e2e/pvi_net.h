/* SPDX-License-Identifier: GPL-2.0 */
/* kvm-pvi selftests: pvi_net's verbs, and what they have in common */
#ifndef E2E_PVI_NET_H
#define E2E_PVI_NET_H

/* What stands behind the verb */
extern char *arg[8];

/* Says on stderr what is wrong, with errno, and ends */
_Noreturn void die(const char *fmt, ...);

/* ethtool.c */
void do_offload(void);
void do_offloads(void);
void do_info(void);
void do_names(void);
void do_rings(void);
void do_set_rings(void);
void do_channels(void);
void do_channels_of(void);
void do_stat(void);
void do_test(void);

#endif /* E2E_PVI_NET_H */
