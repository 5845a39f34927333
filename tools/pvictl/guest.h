/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pvictl: what its commands for guests share */
#ifndef PVICTL_GUEST_H
#define PVICTL_GUEST_H

#include <libpvi_guest.h>

#include "pvictl.h"

/* /dev/kvm_pvi_guest; dies if there is no host behind it */
int open_guest(void);

#endif
