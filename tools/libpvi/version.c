// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* libpvi version - what the library is, and that the headers say the same */
#include "libpvi.h"
#include "libpvi_guest.h"

/* VERSION_MAJOR and VERSION_MINOR are of the file VERSION. */
#define BUILT	(VERSION_MAJOR << 16 | VERSION_MINOR)

_Static_assert(LIBPVI_VERSION == BUILT, "LIBPVI_VERSION is not that of the file VERSION");
_Static_assert(LIBPVI_GUEST_VERSION == BUILT, "LIBPVI_GUEST_VERSION is not that of the file VERSION");

unsigned int pvi_version(void)
{
	return BUILT;
}

unsigned int pvi_guest_version(void)
{
	return BUILT;
}
