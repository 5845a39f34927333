/* SPDX-License-Identifier: GPL-2.0-or-later */
/* common words - files with the status words of VMs of the policy, DIR/UUID: the first word first, 64 bytes each */
#ifndef WORDS_H
#define WORDS_H

#include "policy.h"

#define WORDS_NAME "status"	/* of the directory, beside PVID_RUN */

/* The file of a VM that has words, for whoever runs it; one that is there stays, unless it was another user's. -errno */
int words_make(const char *dir, const struct policy_vm *vm);
/* It is there, and the user's: what cannot be done with it is that one's doing */
bool words_are_users(const char *dir, const struct policy_vm *vm);
int words_remove(const char *dir, const uuid_t uuid);
/* That one of them is the GSI's of the endpoint */
int words_give(const char *dir, const uuid_t uuid, int pvi, uint32_t gsi, uint32_t word);

#endif
