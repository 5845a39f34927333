// SPDX-License-Identifier: GPL-2.0-or-later
/* pvictl link, pvictl unlink - memory between two VMs, and that they may ring each other */
#include <errno.h>
#include <stdlib.h>

#include "link.h"

static void make(const struct link_args *args, const char *dir, struct link *link)
{
	uint32_t side;
	int ret;

	link_make(args, dir, link);
	for (side = 0; side < 2; side++) {
		ret = link_join(link, side);
		if (!ret)
			continue;
		link_leave(link, 0);
		link_leave(link, 1);
		link_dir_remove(dir, link->uuid);
		die_doing(DOING_LINK, ret, "%s cannot have the link",
			  uuid_text(link->shapes[side].owner).s);
	}
}

/* The sides that are VMs, and meant */
static void apply(const struct link_args *args, const char *dir, const struct link *link)
{
	const struct pvi_ring_shape *shape;

	for (shape = link->shapes; shape < link->shapes + 2; shape++)
		if (shape->gsi >= KVM_PVI_GSI_VIRTUAL &&
		    (!args->only.set || !uuid_compare(args->only.uuid, shape->owner)))
			link_libvirt_apply(dir, shape->owner);
}

int cmd_link(int argc, char **argv)
{
	struct link_args args = { 0 };
	struct link link;
	char *dir;

	link_parse(&args, argc, argv);
	if (args.nr == 1) {
		dir = realpath(args.dir, NULL);
		if (!dir)
			die_doing(DOING_LINK, errno, "%s", args.dir);
		link_dir_find(dir, args.uuid, &link);
	} else {
		dir = link_dir_lock(args.dir);
		make(&args, dir, &link);
	}
	link_print(&args, dir, &link);
	if (args.apply)
		apply(&args, dir, &link);
	free(dir);
	return 0;
}

struct unlink_args {
	const char *dir;
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
		if (args->nr == ARRAY_SIZE(args->uuids))
			argp_error(state, "too many arguments: '%s'", arg);
		parse_vm(state, arg, args->uuids[args->nr++]);
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

static bool is_meant(const struct unlink_args *args, const struct link *link)
{
	const unsigned char *a = link->shapes[0].owner, *b = link->shapes[1].owner;

	if (args->nr == 1)
		return !uuid_compare(link->uuid, args->uuids[0]);
	return (!uuid_compare(a, args->uuids[0]) && !uuid_compare(b, args->uuids[1])) ||
	       (!uuid_compare(a, args->uuids[1]) && !uuid_compare(b, args->uuids[0]));
}

/* Nobody attaches to it any more, then the endpoints are told: as link_ends.c has it */
static void unmake(const char *dir, const struct link *link)
{
	uint32_t side;
	int ret;

	link_dir_remove(dir, link->uuid);
	for (side = 0; side < 2; side++) {
		ret = link_leave(link, side);
		if (ret)
			die_doing(DOING_LINK, ret, "%s keeps the link's GSIs",
				  uuid_text(link->shapes[side].owner).s);
	}
}

int cmd_unlink(int argc, char **argv)
{
	struct unlink_args args = { .dir = PVI_LINK_DIR };
	size_t nr, i, done = 0;
	struct link *links;
	char *dir;

	argp_parse(&unlink_argp, argc, argv, 0, NULL, &args);
	dir = link_dir_lock(args.dir);
	nr = link_dir_read(dir, &links);
	for (i = 0; i < nr; i++) {
		if (!is_meant(&args, &links[i]))
			continue;
		unmake(dir, &links[i]);
		done++;
	}
	if (!done)
		die_as(STATUS_ABSENT, "there is no such link, see 'pvictl list'");
	free(links);
	free(dir);
	return 0;
}
