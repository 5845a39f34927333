// SPDX-License-Identifier: GPL-2.0-or-later
/* pvi-ivshmem-server - shared memory and doorbells for QEMUs, joined with kvm_pvi */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "server.h"

/* Descriptors beside those of the peers */
#define NR_OTHER_FDS 64

/* So that what is missing is said now, and not when the last QEMU is started. */
static void check_limit(const struct settings *s)
{
	rlim_t each = s->vectors + 2;
	rlim_t need = NR_OTHER_FDS + each * (s->max_peers + s->nr_targets);
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		die("getrlimit: %s", strerror(errno));
	if (need > limit.rlim_max)
		die("--max-peers %u and --vectors %u need %llu descriptors, but only %llu may be open: lower them, or raise the limit (ulimit -H -n, LimitNOFILE=)",
		    s->max_peers, s->vectors, (unsigned long long)need,
		    (unsigned long long)limit.rlim_max);
	/* All of it: descriptors that a client has not read yet count as well. */
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit))
		die("setrlimit: %s", strerror(errno));
}

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

int main(int argc, char **argv)
{
	static struct server server = {
		.clients = TAILQ_HEAD_INITIALIZER(server.clients),
		.parting = TAILQ_HEAD_INITIALIZER(server.parting),
		.virtuals = TAILQ_HEAD_INITIALIZER(server.virtuals),
	};
	int ret;

	parse_args(&server.settings, argc, argv);
	setlinebuf(stdout);
	check_limit(&server.settings);
	if (!server.settings.no_kvm_pvi)
		endpoint_check();
	make_event_loop(&server);
	discard_init();
	server.warn_at = server.settings.ids / 2;
	server.memory = make_memory(server.settings.size);
	listen_start(&server);
	virtuals_start(&server);
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
