// SPDX-License-Identifier: GPL-2.0-or-later
/* common links_text - what people write of links, in arguments and in a policy */
#include <ctype.h>
#include <string.h>

#include "links.h"

#define FIRST_CID	3u
#define MAX_SIZE	(1ull << 40)

static bool parse_number(const char *text, uint32_t *to)
{
	uint64_t value;
	char *end;

	if (!number_read(text, &end, &value) || *end || value > UINT32_MAX)
		return false;
	*to = value;
	return true;
}

const char *links_parse_kind(const char *text, uint32_t *kind)
{
	static const char * const kinds[] = { "net", "vsock", "raw" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		*kind = PVI_RING_NET + i;
		if (!strcmp(text, kinds[i]))
			return NULL;
	}
	return "net, vsock or raw";
}

const char *links_parse_size(const char *text, uint64_t *size)
{
	static const char units[] = "KMG";
	char *end;
	bool good = number_read(text, &end, size);
	const char *unit = good && *end ? strchr(units, toupper((unsigned char)*end)) : NULL;
	int shift;

	if (!good || (*end && (!unit || end[1])))
		return "a number with K, M or G behind it";
	shift = unit ? 10 * (unit - units + 1) : 0;
	/* PCI knows no others */
	if (*size > MAX_SIZE >> shift || *size << shift < 8192 || *size & (*size - 1))
		return "a power of two from 8K to 1024G";
	*size <<= shift;
	return NULL;
}

/* Without the blanks around it */
static char *strip(char *text)
{
	char *end;

	text += strspn(text, " \t");
	for (end = text + strlen(text); end > text && strchr(" \t", end[-1]); end--)
		;
	*end = '\0';
	return text;
}

const char *links_parse_cids(char *text, uint32_t cids[static 2])
{
	char *comma = strchr(text, ',');
	size_t i;

	if (!comma)
		return "two addresses, as 3,4";
	*comma++ = '\0';
	if (!parse_number(strip(text), &cids[0]) || !parse_number(strip(comma), &cids[1]))
		return "two numbers, as 3,4";
	for (i = 0; i < 2; i++)
		if (cids[i] < FIRST_CID || cids[i] == UINT32_MAX)
			return "CIDs of guests, which begin with 3 and end with 4294967294";
	return cids[0] == cids[1] ? "two CIDs that are not the same" : NULL;
}

static const char *parse_range(char *text, struct pvi_link_ports *range)
{
	char *dash = strchr(text, '-');

	if (dash)
		*dash++ = '\0';
	if (!parse_number(strip(text), &range->first) || !parse_number(dash ? strip(dash) : text, &range->last))
		return "numbers of ports and ranges, as 22,5000-5999";
	return range->last < range->first ? "ranges as FIRST-LAST, the first not behind the last" : NULL;
}

static const char *parse_side(char *text, uint32_t *nr, struct pvi_link_ports *ports)
{
	const char *wanted = NULL;
	char *range;

	*nr = 0;
	text = strip(text);
	if (!strcmp(text, "all"))
		return NULL;
	if (!strcmp(text, "none")) {
		ports[(*nr)++] = (struct pvi_link_ports){ 1, 0 };
		return NULL;
	}
	while (!wanted && (range = strsep(&text, ",")))
		wanted = *nr == PVI_LINK_PORT_RANGES ? "no more than 6 ranges of ports" :
			parse_range(range, &ports[(*nr)++]);
	return wanted;
}

const char *links_parse_ports(char *text, uint32_t nr[static 2],
			      struct pvi_link_ports ports[static 2][PVI_LINK_PORT_RANGES])
{
	char *slash = strchr(text, '/');
	const char *wanted;

	if (slash) {
		*slash++ = '\0';
		return parse_side(slash, &nr[1], ports[1]) ?: parse_side(text, &nr[0], ports[0]);
	}
	wanted = parse_side(text, &nr[0], ports[0]);
	nr[1] = nr[0];
	memcpy(ports[1], ports[0], sizeof(ports[1]));
	return wanted;
}
