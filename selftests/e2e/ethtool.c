// SPDX-License-Identifier: GPL-2.0
/* kvm-pvi selftests: of pvi_net's verbs those that ethtool would do */
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pvi_net.h"

static int __ethtool(void *command)
{
	struct ifreq request = { .ifr_data = command };
	int fd = socket(AF_INET, SOCK_DGRAM, 0), ret;

	snprintf(request.ifr_name, IFNAMSIZ, "%s", arg[0]);
	ret = ioctl(fd, SIOCETHTOOL, &request);
	close(fd);
	return ret;
}

static void ethtool(void *command)
{
	if (__ethtool(command))
		die("command %#x to %s", *(uint32_t *)command, arg[0]);
}

void do_offload(void)
{
	static const uint32_t on[] = { ETHTOOL_STXCSUM, ETHTOOL_SSG, ETHTOOL_STSO, ETHTOOL_SGSO,
				       ETHTOOL_SGRO };
	struct ethtool_value value;
	unsigned int i, n = sizeof(on) / sizeof(*on);
	int want = atoi(arg[1]);

	for (i = 0; i < n; i++) {
		value.cmd = on[want ? i : n - 1 - i];
		value.data = want;
		ethtool(&value);
	}
}

void do_offloads(void)
{
	static const uint32_t of[] = { ETHTOOL_GTXCSUM, ETHTOOL_GSG, ETHTOOL_GTSO, ETHTOOL_GGSO,
				       ETHTOOL_GGRO };
	struct ethtool_value value;
	unsigned int i;

	printf("offloads");
	for (i = 0; i < sizeof(of) / sizeof(*of); i++) {
		value.cmd = of[i];
		ethtool(&value);
		printf(" %u", value.data);
	}
	printf("\n");
}

void do_info(void)
{
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };

	ethtool(&info);
	printf("%s %s %u %u\n", info.driver, info.bus_info, info.n_stats, info.testinfo_len);
}

void do_rings(void)
{
	struct ethtool_ringparam rings = { .cmd = ETHTOOL_GRINGPARAM };

	ethtool(&rings);
	printf("%u %u %u %u\n", rings.rx_pending, rings.rx_max_pending, rings.tx_pending,
	       rings.tx_max_pending);
}

void do_set_rings(void)
{
	struct ethtool_ringparam rings = { .cmd = ETHTOOL_GRINGPARAM };

	ethtool(&rings);
	rings.cmd = ETHTOOL_SRINGPARAM;
	rings.rx_pending = atoi(arg[1]);
	rings.tx_pending = atoi(arg[1]);
	ethtool(&rings);
}

void do_channels_of(void)
{
	struct ethtool_channels channels = { .cmd = ETHTOOL_GCHANNELS };

	ethtool(&channels);
	printf("%u %u\n", channels.combined_count, channels.max_combined);
}

void do_channels(void)
{
	struct ethtool_channels channels = { .cmd = ETHTOOL_GCHANNELS };

	ethtool(&channels);
	channels.cmd = ETHTOOL_SCHANNELS;
	channels.combined_count = atoi(arg[1]);
	ethtool(&channels);
}

/* How many strings of a set there are; in @strings then */
static unsigned int get_strings(uint32_t set, struct ethtool_gstrings **strings)
{
	struct { struct ethtool_sset_info info; uint32_t count; } count = {
		.info = { .cmd = ETHTOOL_GSSET_INFO, .sset_mask = 1ull << set },
	};

	ethtool(&count);
	*strings = calloc(1, sizeof(**strings) + count.count * ETH_GSTRING_LEN);
	(*strings)->cmd = ETHTOOL_GSTRINGS;
	(*strings)->string_set = set;
	(*strings)->len = count.count;
	ethtool(*strings);
	return count.count;
}

void do_names(void)
{
	struct ethtool_gstrings *names;
	unsigned int n = get_strings(ETH_SS_STATS, &names), i;

	for (i = 0; i < n; i++)
		printf("%.*s\n", ETH_GSTRING_LEN, (char *)names->data + i * ETH_GSTRING_LEN);
}

void do_stat(void)
{
	struct ethtool_gstrings *names;
	unsigned int n = get_strings(ETH_SS_STATS, &names), i;
	struct ethtool_stats *stats = calloc(1, sizeof(*stats) + n * sizeof(uint64_t));
	size_t len = strlen(arg[1]), has;
	unsigned long long sum = 0;
	int found = 0;

	stats->cmd = ETHTOOL_GSTATS;
	stats->n_stats = n;
	ethtool(stats);
	for (i = 0; i < n; i++) {
		const char *name = (const char *)names->data + i * ETH_GSTRING_LEN;

		has = strnlen(name, ETH_GSTRING_LEN);
		if (has < len || memcmp(name + has - len, arg[1], len))
			continue;
		sum += stats->data[i];
		found++;
	}
	if (!found)
		die("no statistic %s", arg[1]);
	printf("%llu\n", sum);
}

void do_test(void)
{
	struct ethtool_gstrings *names;
	unsigned int n = get_strings(ETH_SS_TEST, &names), i;
	struct ethtool_test *test = calloc(1, sizeof(*test) + n * sizeof(uint64_t));

	test->cmd = ETHTOOL_TEST;
	test->len = n;
	ethtool(test);
	for (i = 0; i < n; i++)
		printf("%.*s: %s\n", ETH_GSTRING_LEN, (char *)names->data + i * ETH_GSTRING_LEN,
		       test->data[i] ? "no" : "yes");
}
