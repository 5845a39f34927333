// SPDX-License-Identifier: GPL-2.0-or-later
/* pvi-ivshmem-server listen - the socket that QEMUs connect to */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "server.h"

#define BACKLOG 128

static int take_from_systemd(const struct server *server)
{
	int fd = server->store.listener;

	if (fd < 0 && (!server->store.strange || server->settings.socket))
		return -1;
	if (fd < 0)
		die("systemd must pass a listening unix stream socket (ListenStream=PATH)");
	if (server->settings.socket)
		die("systemd has passed a socket: leave --socket out");
	if (server->store.nr_listeners > 1)
		die("systemd must pass one listening unix stream socket (ListenStream=PATH)");
	if (fcntl(fd, F_SETFL, O_NONBLOCK))
		die("fcntl: %s", strerror(errno));
	return fd;
}

static void set_path(struct sockaddr_un *addr, const char *path)
{
	*addr = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (!*path || strlen(path) >= sizeof(addr->sun_path))
		die("'%s': the path of a socket has 1 to %zu bytes", path,
		    sizeof(addr->sun_path) - 1);
	memcpy(addr->sun_path, path, strlen(path));
}

static int new_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		die("socket: %s", strerror(errno));
	return fd;
}

/* A server that was killed leaves its socket behind: nobody listens there. */
static bool is_stale(const struct sockaddr_un *addr)
{
	int fd = new_socket(), ret, err;
	struct stat st;

	ret = connect(fd, (const struct sockaddr *)addr, sizeof(*addr));
	err = errno;
	close(fd);
	/* ECONNREFUSED is said of a file that is no socket, too. */
	return ret && err == ECONNREFUSED && !lstat(addr->sun_path, &st) && S_ISSOCK(st.st_mode);
}

static int make_socket(const char *path)
{
	struct sockaddr_un addr;
	int fd = new_socket(), ret;

	set_path(&addr, path);
	ret = bind(fd, (struct sockaddr *)&addr, sizeof(addr));
	if (ret && errno == EADDRINUSE) {
		if (!is_stale(&addr))
			die("%s: another server listens there, or it is no socket", path);
		unlink(path);
		ret = bind(fd, (struct sockaddr *)&addr, sizeof(addr));
	}
	if (ret || listen(fd, BACKLOG))
		die("%s: %s", path, strerror(errno));
	return fd;
}

/* One UUID, each time and for everyone who knows the path: uuidgen(1) makes it, too. */
static void make_uuid(struct settings *settings, int fd)
{
	struct sockaddr_un addr = { 0 };
	socklen_t size = sizeof(addr);
	char name[sizeof(addr.sun_path) + 8];

	getsockname(fd, (struct sockaddr *)&addr, &size);
	if (!addr.sun_path[0])
		addr.sun_path[0] = '@';
	snprintf(name, sizeof(name), "unix:%.*s", (int)sizeof(addr.sun_path), addr.sun_path);
	uuid_generate_sha1(settings->uuid, *uuid_get_template("url"), name, strlen(name));
	settings->uuid[14] = 0;
	settings->uuid[15] = 0;
}

static int on_connection(struct sd_event_source *source, int fd, UNUSED uint32_t events,
			 void *userdata)
{
	struct server *server = userdata;
	int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (client >= 0) {
		client_join(server, client, -1);
	} else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
		/* The connection stays, and would be reported again and again. */
		warn("cannot accept a connection, trying again: %s", strerror(errno));
		sd_event_source_set_enabled(source, SD_EVENT_OFF);
		tick_soon(server);
	}
	return 0;
}

void listen_open(struct server *server)
{
	struct settings *settings = &server->settings;
	int fd = take_from_systemd(server);

	if (fd < 0 && !settings->socket)
		die("where to listen? Give --socket PATH");
	if (fd < 0)
		fd = make_socket(settings->socket);
	if (!settings->has_uuid)
		make_uuid(settings, fd);
	server->listening = fd;
}

void listen_start(struct server *server)
{
	int ret = sd_event_add_io(server->event, &server->listener, server->listening, EPOLLIN, on_connection,
				  server);

	if (ret < 0)
		die("cannot watch the socket: %s", strerror(-ret));
}

void listen_resume(struct server *server)
{
	sd_event_source_set_enabled(server->listener, SD_EVENT_ON);
}

void listen_end(struct server *server)
{
	if (server->settings.socket)
		unlink(server->settings.socket);
	sd_event_source_disable_unref(server->listener);
}
