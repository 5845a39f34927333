// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * common escape - text that others have written, made harmless
 *
 * A process names itself as it likes. What a terminal, a table or JSON would not take as text
 * becomes a backslash and three octal digits for each byte, as does the backslash.
 */
#include <stdio.h>
#include <string.h>

#include "common.h"

/* How many bytes the character at @s has, or 0: it is none of UTF-8. */
static size_t decode(const unsigned char *s, uint32_t *c)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t len = *s < 0x80 ? 1 : *s < 0xc0 ? 0 : *s < 0xe0 ? 2 : *s < 0xf0 ? 3 :
		     *s < 0xf8 ? 4 : 0;
	size_t i;

	*c = len < 2 ? *s : *s & (0x7f >> len);
	for (i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		*c = *c << 6 | (s[i] & 0x3f);
	}
	if (!len || *c < least[len] || *c > 0x10ffff || (*c >= 0xd800 && *c < 0xe000))
		return 0;
	return len;
}

/* Controls, and what turns the direction of the text, or its lines */
static bool is_text(uint32_t c)
{
	return c >= ' ' && c != '\\' && (c < 0x7f || c >= 0xa0) && c != 0x61c &&
	       !(c >= 0x200b && c <= 0x200f) && !(c >= 0x2028 && c <= 0x202e) &&
	       !(c >= 0x2060 && c <= 0x206f) && c != 0xfeff;
}

void escape(char *to, size_t room, const char *from)
{
	const unsigned char *s = (const unsigned char *)from;
	size_t len, bytes;
	uint32_t c;

	while (*s) {
		len = decode(s, &c);
		bytes = len && is_text(c) ? len : 4;
		if (room <= bytes)
			break;
		if (bytes == len && is_text(c)) {
			memcpy(to, s, len);
		} else {
			snprintf(to, room, "\\%03o", *s);
			len = 1;
		}
		s += len;
		to += bytes;
		room -= bytes;
	}
	*to = '\0';
}
