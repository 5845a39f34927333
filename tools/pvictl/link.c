// SPDX-License-Identifier: GPL-2.0-or-later
/* pvictl link, pvictl unlink - memory between two VMs, and that they may ring each other */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "link.h"

#define CANNOT_JOIN "%s cannot have the link"

/* 0: in the child */
static pid_t begin(void)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork: %s", strerror(errno));
	return pid;
}

/* In a process of its own, which is not there any more when the links may change. */
static pid_t join(const struct link *link, uint32_t side)
{
	pid_t self = getpid(), pid = begin();
	int ret;

	if (pid)
		return pid;
	link_dir_unlock();
	/* Who reads what has been printed waits for nobody else. */
	close(STDOUT_FILENO);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != self)
		exit(STATUS_FAILED);
	ret = link_join(link, side);
	if (ret)
		die_doing(DOING_LINK, ret, CANNOT_JOIN, uuid_text(link->shapes[side].owner).s);
	exit(0);
}

static bool is_meant(const struct filter *only, const struct pvi_ring_shape *shape)
{
	return !only->set || !uuid_compare(only->uuid, shape->owner);
}

/*
 * Those that are bound, and meant, have their part of it from then on. Whoever has an endpoint may keep us waiting for a
 * while, but not the other end. How one has failed, or 0; @late: one has not answered.
 */
static int join_all(const struct link *link, const struct filter *only, bool *late)
{
	int status, result = 0;
	pid_t pids[2] = { 0 };
	int64_t until;
	size_t i;

	for (i = 0; i < 2; i++)
		if (is_meant(only, &link->shapes[i]))
			pids[i] = join(link, i);
	until = child_until();
	for (i = 0; i < 2; i++) {
		status = pids[i] ? child_wait(pids[i], until) : 0;
		*late |= status == -ETIMEDOUT;
		if (status == -ETIMEDOUT)
			warn(CANNOT_JOIN ": %s", uuid_text(link->shapes[i].owner).s, explain(DOING_LINK, status));
		result = result ?: status < 0 ? STATUS_FAILED : status;
	}
	return result;
}

/* One that is there and is the same: it has been asked for again, as by a service when the host has booted. */
static bool is_there(const struct link_spec *spec, const char *dir, const struct links *links, struct link *link)
{
	size_t i;

	for (i = 0; i < links->nr; i++) {
		if (uuid_compare(links->all[i].uuid, spec->uuid))
			continue;
		*link = links->all[i];
		/* links_make() says what is wrong. */
		return links_is(dir, link, spec);
	}
	return false;
}

/*
 * In a process of its own, for whoever has the endpoint may keep it waiting: the other side is told meanwhile, and if this
 * one is ended.
 */
static pid_t leave(const struct link *link, uint32_t side)
{
	pid_t pid = begin();
	int ret;

	if (pid)
		return pid;
	ret = link_leave(link, side);
	if (ret)
		die_doing(DOING_LINK, ret, "%s keeps the link's GSIs", uuid_text(link->shapes[side].owner).s);
	exit(0);
}

/* How it has failed, or 0 */
static int wait_for(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return STATUS_FAILED;
	return WEXITSTATUS(status);
}

/* All ends, while others may change links: nobody is given the GSIs of these. How one has failed, or 0 */
static int leave_all(const char *dir, const struct links *gone)
{
	pid_t *pids = must_alloc(calloc(2 * gone->nr, sizeof(*pids)));
	int failed[2], result = 0;
	struct links_why why;
	size_t i;

	link_dir_unlock();
	for (i = 0; i < 2 * gone->nr; i++)
		pids[i] = leave(&gone->all[i / 2], i % 2);
	for (i = 0; i < gone->nr; i++) {
		failed[0] = wait_for(pids[2 * i]);
		failed[1] = wait_for(pids[2 * i + 1]);
		result = result ?: failed[0] ?: failed[1];
		if (!failed[0] && !failed[1] && links_forget(dir, &gone->all[i], &why))
			warn("%s", why.text);
	}
	free(pids);
	return result;
}

/* It has just been made. */
static void take_back(const char *dir, struct link *link)
{
	struct links gone = { .all = link, .nr = 1 };
	struct links_why why;

	link_dir_unlock();
	free(link_dir_lock(dir));
	/* Somebody else may have done it. */
	if (!links_take_back(dir, link, &why))
		leave_all(dir, &gone);
}

/* How an end has failed, or 0: one that is late does not undo it, for it may be a stranger's. */
static int make(const struct link_args *args, const char *dir, struct link *link)
{
	const struct link_spec *spec = &args->spec;
	bool there = false, late = false;
	struct links links = { 0 };
	struct filter all = { 0 };
	struct links_why why;
	int ret;

	links.nr = link_dir_read(dir, &links.all);
	if (!uuid_is_null(spec->uuid))
		there = is_there(spec, dir, &links, link);
	if (!there) {
		ret = links_make(dir, spec, &links, &why);
		if (ret)
			link_die(ret, &why);
		*link = links.all[links.nr - 1];
	}
	links_free(&links);
	/* Ends may keep us waiting, but nobody who is to have other links. */
	link_dir_share();
	link_dir_find(dir, link->uuid, link);
	ret = join_all(link, there ? &args->only : &all, &late);
	if (ret && !there && !late) {
		take_back(dir, link);
		exit(ret);
	}
	link_print(args, dir, link);
	return ret;
}

/* One that is there: printed first, for that goes by itself. How an end that is meant has failed, or 0 */
static int print_again(const struct link_args *args, const char *dir, struct link *link)
{
	bool late = false;

	link_dir_hold(dir);
	link_dir_find(dir, args->spec.uuid, link);
	link_print(args, dir, link);
	return join_all(link, &args->only, &late);
}

/* The sides that are VMs, and meant */
static void apply(const struct link_args *args, const char *dir, const struct link *link)
{
	const struct pvi_ring_shape *shape;

	for (shape = link->shapes; shape < link->shapes + 2; shape++)
		if (shape->gsi >= KVM_PVI_GSI_VIRTUAL && is_meant(&args->only, shape))
			link_libvirt_apply(dir, shape->owner);
}

/* Before a link is made that its ends could not be given */
static void check_domains(const struct link_args *args)
{
	const struct link_side *side;

	for (side = args->spec.sides; side < args->spec.sides + 2; side++)
		if (!side->host && (!args->only.set || !uuid_compare(args->only.uuid, side->uuid)))
			link_libvirt_check(side->uuid);
}

int cmd_link(int argc, char **argv)
{
	struct link_args args = { 0 };
	struct link link;
	char *dir;
	int ret = 0;

	link_parse(&args, argc, argv);
	if (!args.nr) {
		dir = realpath(args.dir, NULL);
		link_libvirt_apply(dir ?: args.dir, args.only.uuid);
	} else if (args.nr == 1) {
		dir = realpath(args.dir, NULL);
		if (!dir)
			die_doing(DOING_LINK, errno, "%s", args.dir);
		ret = print_again(&args, dir, &link);
	} else {
		if (args.apply)
			check_domains(&args);
		dir = link_dir_lock(args.dir);
		ret = make(&args, dir, &link);
	}
	link_dir_unlock();
	if (args.apply && args.nr)
		apply(&args, dir, &link);
	free(dir);
	return ret;
}

struct unlink_args {
	const char *dir;
	const char *texts[2];
	uuid_t uuids[2];
	size_t nr;
};

static error_t parse_unlink(int key, char *arg, struct argp_state *state)
{
	struct unlink_args *args = state->input;

	switch (key) {
	case 'd':
		args->dir = arg;
		return 0;
	case ARGP_KEY_ARG:
		if (args->nr == ARRAY_SIZE(args->texts))
			argp_error(state, "too many arguments: '%s'", arg);
		args->texts[args->nr++] = arg;
		return 0;
	case ARGP_KEY_SUCCESS:
		if (args->nr == 2) {
			parse_vm(state, args->texts[0], args->uuids[0]);
			parse_vm(state, args->texts[1], args->uuids[1]);
		}
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which link?");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_option unlink_options[] = {
	LINKS_OPTION,
	{ 0 }
};

static const struct argp unlink_argp = {
	.options = unlink_options,
	.parser = parse_unlink,
	.args_doc = "LINK\nA B",
	.doc = "Take a link back, or all links between A and B.",
};

static bool is_to_go(const struct unlink_args *args, const struct link *link)
{
	const unsigned char *a = link->shapes[0].owner, *b = link->shapes[1].owner;

	if (args->nr == 1)
		return !uuid_compare(link->uuid, args->uuids[0]);
	return (!uuid_compare(a, args->uuids[0]) && !uuid_compare(b, args->uuids[1])) ||
	       (!uuid_compare(a, args->uuids[1]) && !uuid_compare(b, args->uuids[0]));
}

int cmd_unlink(int argc, char **argv)
{
	struct unlink_args args = { .dir = PVI_LINK_DIR };
	struct links gone = { 0 };
	struct links_why why;
	struct link *links;
	size_t nr, i;
	char *dir;
	int ret;

	argp_parse(&unlink_argp, argc, argv, 0, NULL, &args);
	dir = link_dir_lock(args.dir);
	if (args.nr == 1)
		link_dir_parse(dir, args.texts[0], args.uuids[0]);
	nr = link_dir_read(dir, &links);
	gone.all = links;
	for (i = 0; i < nr; i++) {
		if (!is_to_go(&args, &links[i]))
			continue;
		ret = links_take_back(dir, &links[i], &why);
		if (ret)
			link_die(ret, &why);
		links[gone.nr++] = links[i];
	}
	if (!gone.nr)
		die_as(STATUS_ABSENT, "there is no such link, see 'pvictl list'");
	ret = leave_all(dir, &gone);
	free(links);
	free(dir);
	return ret;
}
