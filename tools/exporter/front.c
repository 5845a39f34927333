// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pvi-exporter front - serves HTTP to whom it does not trust
 *
 * Connections are accepted here, so that it is known whose they are, and handed to libmicrohttpd, which runs in
 * this loop. Each ends in time, whatever its peer does.
 */
#include <errno.h>
#include <microhttpd.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "exporter.h"

#define TEXT_TYPE "text/plain; version=0.0.4; charset=utf-8"
#define OPENMETRICS_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"

static int lister;

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * UINT64_C(1000) + now.tv_nsec / 1000000;
}

static struct client *client_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);

	return info ? client_find(info->connect_fd) : NULL;
}

static void notice(void *arg, struct MHD_Connection *connection, void **context,
		   enum MHD_ConnectionNotificationCode code)
{
	struct client *c = client_of(connection);

	(void)arg;
	(void)context;
	if (code == MHD_CONNECTION_NOTIFY_CLOSED && c)
		client_free(c);
}

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned int status, struct MHD_Response *response,
			      const char *type)
{
	enum MHD_Result ret = MHD_NO;

	if (!response)
		return MHD_NO;
	if (MHD_add_response_header(response, "Content-Type", type) == MHD_YES &&
	    MHD_add_response_header(response, "Cache-Control", "no-store") == MHD_YES &&
	    MHD_add_response_header(response, "Connection", "close") == MHD_YES)
		ret = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return ret;
}

static enum MHD_Result say(struct MHD_Connection *connection, unsigned int status, const char *text)
{
	return answer(connection, status, MHD_create_response_from_buffer(strlen(text), (void *)text,
									  MHD_RESPMEM_PERSISTENT), TEXT_TYPE);
}

/* Whoever does not ask for the newer format may not know it. */
static enum format format_of(struct MHD_Connection *connection)
{
	const char *accept = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Accept");

	return accept && strstr(accept, "application/openmetrics-text") ? FORMAT_OPENMETRICS : FORMAT_TEXT;
}

/* The client keeps it as long as it is read; the descriptor is the response's own. */
static enum MHD_Result say_metrics(struct MHD_Connection *connection)
{
	enum format format = format_of(connection);
	struct client *c = client_of(connection);
	struct MHD_Response *response;
	int fd;

	if (!c)
		return MHD_NO;
	snapshot_put(c->snapshot);
	c->snapshot = snapshot_get(lister, format, now_ms());
	fd = c->snapshot ? dup(c->snapshot->fd) : -1;
	if (fd < 0)
		return say(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "There are no metrics now, see the log.\n");
	response = MHD_create_response_from_fd_at_offset64(c->snapshot->size, fd, 0);
	if (!response)
		close(fd);
	return answer(connection, MHD_HTTP_OK, response, format == FORMAT_TEXT ? TEXT_TYPE : OPENMETRICS_TYPE);
}

/* Before a body comes: there is none that is read. */
static enum MHD_Result handle(void *arg, struct MHD_Connection *connection, const char *url, const char *method,
			      const char *version, const char *data, size_t *size, void **context)
{
	(void)arg;
	(void)version;
	(void)data;
	(void)size;
	(void)context;
	if (strcmp(method, "GET") && strcmp(method, "HEAD"))
		return say(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "GET /metrics\n");
	if (!strcmp(url, "/metrics"))
		return say_metrics(connection);
	if (!strcmp(url, "/"))
		return say(connection, MHD_HTTP_OK, "GET /metrics\n");
	return say(connection, MHD_HTTP_NOT_FOUND, "GET /metrics\n");
}

static void take_client(struct MHD_Daemon *daemon, int listener)
{
	struct sockaddr_storage address = { 0 };
	socklen_t len = sizeof(address);
	struct client *c;
	int fd;

	fd = accept4(listener, (struct sockaddr *)&address, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
	c = fd < 0 ? NULL : client_add(fd, now_ms());
	/* It closes what it does not take; of that nobody is told. */
	if (c && MHD_add_connection(daemon, fd, (struct sockaddr *)&address, len) != MHD_YES)
		client_free(c);
}

static struct MHD_Daemon *start(void)
{
	struct MHD_Daemon *daemon;

	daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET, 0, NULL, NULL, handle, NULL,
				  MHD_OPTION_CONNECTION_LIMIT, (unsigned int)MAX_CLIENTS,
				  MHD_OPTION_CONNECTION_TIMEOUT, IDLE_SECONDS,
				  MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CLIENT_MEMORY,
				  MHD_OPTION_NOTIFY_CONNECTION, notice, NULL, MHD_OPTION_END);
	if (!daemon)
		end("no HTTP", errno);
	return daemon;
}

/* ms, or -1: until something comes */
static int time_left(struct MHD_Daemon *daemon)
{
	int left = client_end_late(now_ms());
	MHD_UNSIGNED_LONG_LONG http;

	if (MHD_get_timeout(daemon, &http) == MHD_YES && (left < 0 || http < (unsigned int)left))
		left = http;
	return left;
}

void front_run(const int *listeners, unsigned int nr, int requests)
{
	struct MHD_Daemon *daemon = start();
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD);
	struct pollfd fds[MAX_LISTENERS + 2];
	unsigned int i;

	if (!info)
		end("no HTTP", ENOTSUP);
	lister = requests;
	client_init();
	for (;;) {
		/* Who comes when there is no room waits in the socket. */
		for (i = 0; i < nr; i++)
			fds[i] = (struct pollfd){ .fd = client_room() ? listeners[i] : -1, .events = POLLIN };
		fds[nr] = (struct pollfd){ .fd = info->epoll_fd, .events = POLLIN };
		fds[nr + 1] = (struct pollfd){ .fd = requests };
		if (poll(fds, nr + 2, time_left(daemon)) < 0 && errno != EINTR)
			end("cannot wait", errno);
		if (fds[nr + 1].revents)
			exit(0);
		for (i = 0; i < nr; i++)
			if (fds[i].revents && client_room())
				take_client(daemon, listeners[i]);
		MHD_run(daemon);
	}
}
