// SPDX-License-Identifier: GPL-2.0-or-later
/* pvi-ivshmem-server - shared memory and doorbells for QEMUs, joined with kvm_pvi */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "record.h"

/* Sealed: a client that cuts it off would kill all others. */
static int make_memory(uint64_t size)
{
	int fd = memfd_create("ivshmem", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || ftruncate(fd, size) ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		die("cannot make the shared memory: %s", strerror(errno));
	return fd;
}

static void make_event_loop(struct server *server)
{
	sigset_t set;
	int ret;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	ret = sd_event_default(&server->event);
	if (ret >= 0)
		ret = sd_event_add_signal(server->event, NULL, SIGINT, NULL, NULL);
	if (ret >= 0)
		ret = sd_event_add_signal(server->event, NULL, SIGTERM, NULL, NULL);
	if (ret < 0)
		die("cannot make an event loop: %s", strerror(-ret));
}

static void read_settings(struct server *server, int argc, char **argv)
{
	char error[ERROR_MAX];

	server->argc = argc;
	server->argv = argv;
	if (!settings_read(&server->settings, argc, argv, error)) {
		warn("%s", error);
		exit(argp_err_exit_status);
	}
	if (server->settings.reload)
		ask_to_reload(server->settings.reload);
	if (server->settings.reload || server->settings.check)
		exit(EXIT_SUCCESS);
}

/* systemd tells since version 254 how much it keeps. */
static void check_store(const struct settings *s)
{
	const char *room = getenv("FDSTORE");
	unsigned long need = 2 + (s->vectors + 2ul) * (s->max_peers + s->nr_targets);

	if (room && strtoul(room, NULL, 10) < need)
		warn("systemd keeps %s descriptors, and %lu may be needed: a restart ends clients it has not kept all of, unless FileDescriptorStoreMax= is raised",
		     room, need);
}

static void start(struct server *server)
{
	store_take(&server->store);
	listen_open(server);
	if (!restore(server)) {
		store_drop_rest(&server->store);
		server->memory = make_memory(server->settings.size);
		record_make(server);
		store_keep(server, STORED_MEMORY, 0, &server->memory, 1);
		/* Behind all that it is about. */
		store_keep(server, STORED_RECORD, 0, &server->record_fd, 1);
		virtuals_start(server);
	}
	store_drop_rest(&server->store);
	if (virtuals_tick(server))
		tick_soon(server);
	listen_start(server);
}

int main(int argc, char **argv)
{
	static struct server server = {
		.clients = TAILQ_HEAD_INITIALIZER(server.clients),
		.parting = TAILQ_HEAD_INITIALIZER(server.parting),
		.virtuals = TAILQ_HEAD_INITIALIZER(server.virtuals),
	};
	const char *why;
	int ret;

	output_check("pvi-ivshmem-server");
	read_settings(&server, argc, argv);
	output_is_log();
	setlinebuf(stdout);
	why = limits_set(&server.settings);
	if (why)
		die("%s", why);
	check_store(&server.settings);
	if (!server.settings.no_kvm_pvi)
		endpoint_check();
	make_event_loop(&server);
	reload_init(&server);
	discard_init();
	server.warn_at = server.settings.ids / 2;
	start(&server);
	puts("ready");
	sd_notify(0, "READY=1");
	ret = sd_event_loop(server.event);
	sd_notify(0, "STOPPING=1");
	clients_end(&server);
	listen_end(&server);
	if (ret < 0)
		die("the event loop has failed: %s", strerror(-ret));
	return 0;
}
