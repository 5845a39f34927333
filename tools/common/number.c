// SPDX-License-Identifier: GPL-2.0-or-later
/* common number - what people write as one */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

#include "common.h"

bool number_read(const char *text, char **end, uint64_t *value)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X') && isxdigit((unsigned char)text[2]);
	bool plain = isdigit((unsigned char)*text) && (*text != '0' || !isdigit((unsigned char)text[1]));

	errno = 0;
	*value = strtoull(text, end, hex ? 16 : 10);
	return !errno && (hex || plain);
}
