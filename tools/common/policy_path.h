/* SPDX-License-Identifier: GPL-2.0-or-later */
/* common policy_path - where pvid and pvictl meet */
#ifndef POLICY_PATH_H
#define POLICY_PATH_H

#define PVID_RUN "/run/kvm-pvi/pvid"	/* --run */
#define PVID_APPLIED "applied"		/* the policy as it was carried out last */
#define PVID_NEW ".new"			/* as it was read, until it is taken on; also room for the next one */
#define PVID_LOCK ".lock"		/* of the pvid that runs there */
#define PVID_SOCKET "socket"		/* each connection is a request to apply; the answer is a line, "" for done */

#endif
