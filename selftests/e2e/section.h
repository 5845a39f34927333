/* SPDX-License-Identifier: GPL-2.0 */
/* kvm-pvi selftests: the sections of links that a guest's program finds among its PCI devices */
#ifndef E2E_SECTION_H
#define E2E_SECTION_H

#include <libpvi_guest.h>
#include <linux/pvi_ring.h>
#include <stddef.h>

#define MAX_SECTIONS	16

/* A device that is a section, of whatever link */
struct section {
	int fd;
	char *map;
	size_t size;
	struct pvi_ring_shape shape;
};

extern struct section sections[MAX_SECTIONS];
extern int nr_sections;
/* /dev/kvm_pvi_guest, and the UUID of this guest */
extern int guest;
extern unsigned char self[KVM_PVI_UUID_SIZE];

/* Says on stderr what is wrong, and ends */
_Noreturn void die(const char *fmt, ...);

/* Look who this guest is and what sections there are. First of all */
void section_begin(void);

/* That of @link, NULL: of the first, whose owner is @owner. There must be one */
struct section *section_find(const unsigned char *link, const unsigned char *owner);

#endif /* E2E_SECTION_H */
