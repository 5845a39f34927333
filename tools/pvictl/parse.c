// SPDX-License-Identifier: GPL-2.0-or-later
/* pvictl parse - arguments */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pvictl.h"

struct uuid_text uuid_text(const unsigned char *uuid)
{
	struct uuid_text text;

	uuid_unparse_lower(uuid, text.s);
	return text;
}

void parse_uuid(struct argp_state *state, const char *text, uuid_t uuid)
{
	if (uuid_parse(text, uuid))
		argp_error(state, "'%s' is not a UUID", text);
}

uint32_t parse_number(struct argp_state *state, const char *text, uint32_t max, const char *what)
{
	unsigned long long value;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 0);
	if (errno || end == text || *end || *text == '-' || value > max)
		argp_error(state, "%s must be a number from 0 to %u, not '%s'", what, max, text);
	return value;
}

uint32_t parse_gsi(struct argp_state *state, const char *text)
{
	if (!strcmp(text, "any"))
		return KVM_PVI_GSI_ANY;
	return parse_number(state, text, KVM_PVI_GSI_VIRTUAL_END - 1, "a GSI");
}

const char *gsi_text(uint32_t gsi, char text[static 11])
{
	if (gsi == KVM_PVI_GSI_ANY)
		return "any";
	snprintf(text, 11, "%u", gsi);
	return text;
}
