// SPDX-License-Identifier: GPL-2.0-or-later
/* pvid - binds VMs as they come, as the policy says */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "applied.h"
#include "policy_args.h"
#include "pvid.h"
#include "words.h"

const char *argp_program_version = "pvid " VERSION;

static const struct argp argp = {
	.options = policy_options,
	.parser = policy_args_parse,
	.doc = "Binds virtual machines to kvm_pvi as they come, as the policy says.",
};

static void ATTRIBUTE(noreturn) end(const char *what, int err)
{
	LOG(SD_ERR, "%s: %s", what, strerror(abs(err)));
	exit(1);
}

static int on_reload(sd_event_source *source, const struct signalfd_siginfo *info, void *arg)
{
	(void)source;
	(void)info;
	reload(arg);
	return 0;
}

static void block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, CLOSED_SIGNAL);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

static void take_kept(struct pvid *d)
{
	char **names = NULL;
	int nr = sd_listen_fds_with_names(1, &names), i;

	for (i = 0; i < nr; i++) {
		vm_restore(d, names[i], SD_LISTEN_FDS_START + i);
		free(names[i]);
	}
	free(names);
}

static char *in(const char *dir, const char *name)
{
	char *path;

	if (asprintf(&path, "%s/%s", dir, name) < 0)
		end(dir, ENOMEM);
	return path;
}

/* What VMMs may reach is not within what is pvid's, but beside it. */
static char *beside(const char *run, const char *name)
{
	char *copy = strdup(run), *path;

	if (!copy)
		end(run, ENOMEM);
	path = in(dirname(copy), name);
	free(copy);
	return path;
}

/*
 * Of two, the second would take the first one's socket, its files and half of its VMs. A record lock is this process's alone,
 * and gone when it is: helpers that outlive it have none. It is held as long as the file is open, to the end.
 */
static void be_alone(const char *run)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char *path = in(run, PVID_LOCK);
	int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		end(path, errno);
	if (fcntl(fd, F_SETLK, &lock)) {
		if (errno != EACCES && errno != EAGAIN)
			end(path, errno);
		LOG(SD_ERR, "%s: another pvid runs: see 'systemctl status kvm-pvid'", run);
		exit(1);
	}
	free(path);
}

static void set_up(struct pvid *d, const struct policy_args *args)
{
	char *socket = in(args->run, PVID_SOCKET);
	int ret;

	d->dir = args->dir;
	d->run = args->run;
	d->links = args->links;
	d->words = beside(args->run, WORDS_NAME);
	if (mkdir(args->run, 0700) && errno != EEXIST)
		end(args->run, errno);
	be_alone(args->run);
	d->lister = open("/dev/kvm_pvi", O_RDONLY | O_CLOEXEC);
	if (d->lister < 0)
		end("/dev/kvm_pvi (modprobe kvm_pvi)", errno);
	ret = sd_event_new(&d->event);
	if (ret >= 0)
		ret = sd_event_add_signal(d->event, NULL, SIGHUP, on_reload, d);
	if (ret >= 0)
		ret = sd_event_add_signal(d->event, NULL, SIGTERM, NULL, NULL);
	if (ret >= 0)
		ret = sd_event_add_signal(d->event, NULL, SIGINT, NULL, NULL);
	if (ret >= 0)
		ret = sd_event_set_watchdog(d->event, true);
	if (ret >= 0)
		ret = helper_init(d);
	if (ret < 0)
		end("cannot wait", ret);
	if (!applied_read(&d->policy, d->run))
		LOG(SD_ERR, "%s", d->policy.error);
	take_kept(d);
	/* From before those that run are looked for: none comes in between. */
	ret = uevent_listen(d);
	if (ret < 0)
		end("KVM's events", ret);
	ret = control_listen(d, socket);
	if (ret < 0)
		end(socket, ret);
	free(socket);
	reload(d);
}

int main(int argc, char **argv)
{
	struct policy_args args = { .dir = POLICY_DIR, .run = PVID_RUN, .links = PVI_LINK_DIR };
	struct pvid d = { 0 };
	int ret;

	output_check("pvid");
	argp_err_exit_status = 2;
	argp_parse(&argp, argc, argv, 0, NULL, &args);
	block_signals();
	umask(0077);
	set_up(&d, &args);
	ret = sd_event_loop(d.event);
	sd_notify(0, "STOPPING=1");
	return ret < 0;
}
