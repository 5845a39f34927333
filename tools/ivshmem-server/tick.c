// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pvi-ivshmem-server tick - look again in a second
 *
 * At whatever nobody tells of: clients that do not read, shortages of the system's that pass, GSIs that a
 * receiver has yet to expose, and one of several that it may not allow any more. When there is none of these
 * no timer runs.
 */
#include "server.h"

static int on_tick(UNUSED struct sd_event_source *source, UNUSED uint64_t when, void *userdata)
{
	struct server *server = userdata;
	bool again = clients_tick(server);

	again |= virtuals_tick(server);
	again |= store_tick(server);
	listen_resume(server);
	if (again)
		tick_soon(server);
	return 0;
}

void tick_soon(struct server *server)
{
	int enabled = SD_EVENT_OFF;
	uint64_t now;

	sd_event_now(server->event, CLOCK_MONOTONIC, &now);
	if (!server->tick) {
		sd_event_add_time(server->event, &server->tick, CLOCK_MONOTONIC, now + USEC, 0,
				  on_tick, server);
		return;
	}
	sd_event_source_get_enabled(server->tick, &enabled);
	if (enabled != SD_EVENT_OFF)
		return;
	sd_event_source_set_time(server->tick, now + USEC);
	sd_event_source_set_enabled(server->tick, SD_EVENT_ONESHOT);
}
