// SPDX-License-Identifier: GPL-2.0-or-later
/* pvi-exporter - serves the counters of all endpoints to Prometheus */
#include <argp.h>
#include <ctype.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "exporter.h"
#include "metrics.h"
#include "policy_path.h"

#define MAX_ROWS 10000000
#define AS_TEXT_OF(number) #number
#define AS_TEXT(number) AS_TEXT_OF(number)

const char *argp_program_version = "pvi-exporter " VERSION;

struct args {
	const char *run;
	const char *user;
	size_t rows;
};

static const struct argp_option options[] = {
	{ "edges", 'e', "NUMBER", 0,
	  "Rows of all tables at most (default " AS_TEXT(METRICS_ROWS) ")", 0 },
	{ "run", 'r', "DIR", 0, "Where pvid is, which knows what VMs are called (default " PVID_RUN ")", 0 },
	{ "user", 'u', "NAME", 0, "Who serves HTTP (default nobody)", 0 },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *args = state->input;
	char *behind;

	switch (key) {
	case 'e':
		args->rows = strtoul(arg, &behind, 10);
		if (!isdigit((unsigned char)*arg) || *behind || args->rows > MAX_ROWS)
			argp_error(state, "--edges is '%s': write a number up to %d", arg, MAX_ROWS);
		return 0;
	case 'r':
		args->run = arg;
		return 0;
	case 'u':
		args->user = arg;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.doc = "Serves the counters of kvm_pvi by HTTP, as Prometheus reads them, on the sockets that systemd gives it.",
};

void end(const char *what, int err)
{
	LOG(SD_ERR, "%s: %s", what, strerror(abs(err)));
	exit(1);
}

static unsigned int take_listeners(int *listeners)
{
	int nr = sd_listen_fds(1), i;

	if (nr <= 0 || nr > MAX_LISTENERS) {
		LOG(SD_ERR, "%s: start kvm-pvi-exporter.socket, or see systemd-socket-activate(1)",
		    nr > 0 ? "too many sockets" : "there is no socket");
		exit(1);
	}
	for (i = 0; i < nr; i++) {
		listeners[i] = SD_LISTEN_FDS_START + i;
		if (sd_is_socket(listeners[i], AF_UNSPEC, SOCK_STREAM, 1) <= 0)
			end("that is no socket that listens", EINVAL);
	}
	return nr;
}

/* Nor can it get any back, or be looked into by others of that user. */
static void become(const struct passwd *user)
{
	if (setgroups(0, NULL) || setresgid(user->pw_gid, user->pw_gid, user->pw_gid) ||
	    setresuid(user->pw_uid, user->pw_uid, user->pw_uid))
		end(user->pw_name, errno);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_DUMPABLE, 0) ||
	    prctl(PR_SET_PDEATHSIG, SIGTERM))
		end("prctl", errno);
}

int main(int argc, char **argv)
{
	struct args args = { .run = PVID_RUN, .user = "nobody", .rows = METRICS_ROWS };
	int listeners[MAX_LISTENERS], pair[2];
	const struct passwd *user;
	unsigned int nr;
	pid_t pid;

	output_check("pvi-exporter");
	argp_err_exit_status = 2;
	argp_parse(&argp, argc, argv, 0, NULL, &args);
	user = getpwnam(args.user);
	if (!user || !user->pw_uid)
		end(args.user, user ? EPERM : ENOENT);
	nr = take_listeners(listeners);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		end("socketpair", errno);
	pid = fork();
	if (pid < 0)
		end("fork", errno);
	if (!pid) {
		close(pair[0]);
		become(user);
		front_run(listeners, nr, pair[1]);
	}
	close(pair[1]);
	while (nr)
		close(listeners[--nr]);
	lister_run(pair[0], args.run, args.rows);
	LOG(SD_ERR, "who serves HTTP has ended");
	return 1;
}
