// SPDX-License-Identifier: GPL-2.0-or-later
/* pvictl diff, apply - the policy, and what pvid has made of it */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "applied.h"
#include "link.h"
#include "links_policy.h"
#include "policy_args.h"
#include "pvictl.h"
#include "reconcile.h"

#define LONGEST_ANSWER 300	/* seconds */

static const struct argp diff_argp = {
	.options = policy_options,
	.parser = policy_args_parse,
	.doc = "Print what 'pvictl apply' would change.",
};

static const struct argp_option apply_options[] = {
	POLICY_CONFIG_OPTION,
	POLICY_RUN_OPTION,
	{ 0 }
};

static const struct argp apply_argp = {
	.options = apply_options,
	.parser = policy_args_parse,
	.doc = "Have pvid carry the policy out: what differs, and nothing else.",
};

static void read_policy(const struct argp *argp, int argc, char **argv, struct policy_args *args, struct policy *p)
{
	*args = (struct policy_args){ .dir = POLICY_DIR, .run = PVID_RUN, .links = PVI_LINK_DIR };
	argp_parse(argp, argc, argv, 0, NULL, args);
	if (!policy_read(p, args->dir))
		die("%s", p->error);
}

/* A VM that pvid has bound, or is to bind */
static void diff_vm(int pvi, const struct policy_vm *vm, const struct policy *old, const struct policy *new,
		    const struct links *links)
{
	struct kvm_pvi_list_endpoint r;
	char what[RECONCILE_WHAT];
	int ret = find_listed(pvi, vm->uuid, &r);
	uuid_t unused;

	if (ret == -ENOENT)
		return;
	if (!ret && !policy_vm(new, vm->uuid))
		printf("detach %s\n", uuid_text(vm->uuid).s);
	else if (!ret)
		ret = reconcile(pvi, r.number, -1, vm->uuid, old, new, stdout, what) ?:
			links_join(links, vm->uuid, pvi, r.number, -1, stdout, unused);
	if (ret && ret != -ENOENT)
		die_doing(DOING_OTHER, ret, "%s", vm->label);
}

static void diff_links(const char *dir, const struct links *links, const struct policy *new)
{
	const struct policy_link *wanted;
	struct links_why why;
	size_t i;
	int ret;

	for (i = 0; i < links->nr; i++)
		if (links_is_old(dir, &links->all[i], new))
			printf("unlink %s\n", uuid_text(links->all[i].uuid).s);
	for (i = 0; i < new->nr_links; i++) {
		wanted = &new->links[i];
		ret = links_is_there(dir, links, new, wanted, &why);
		if (ret < 0)
			die("%s", why.text);
		if (!ret)
			printf("link %s %s %s\n", uuid_text(wanted->spec.uuid).s,
			       uuid_text(wanted->spec.sides[0].uuid).s, uuid_text(wanted->spec.sides[1].uuid).s);
	}
}

int cmd_diff(int argc, char **argv)
{
	struct policy new, old;
	struct policy_args args;
	struct links links = { 0 };
	size_t i;
	int pvi;

	read_policy(&diff_argp, argc, argv, &args, &new);
	if (!applied_read(&old, args.run))
		die("%s", old.error);
	pvi = open_listing();
	if (pvi < 0)
		die_doing(pvi == -EPERM ? DOING_RESERVE : DOING_OPEN, pvi, "nobody is listed");
	links.nr = link_dir_read(args.links, &links.all);
	for (i = 0; i < old.nr_vms; i++)
		diff_vm(pvi, &old.vms[i], &old, &new, &links);
	for (i = 0; i < new.nr_vms; i++)
		if (!policy_vm(&old, new.vms[i].uuid))
			diff_vm(pvi, &new.vms[i], &old, &new, &links);
	diff_links(args.links, &links, &new);
	links_free(&links);
	policy_free(&old);
	policy_free(&new);
	return 0;
}

static int connect_pvid(const char *run)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s", run, PVID_SOCKET);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){ .tv_sec = LONGEST_ANSWER },
		   sizeof(struct timeval));
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)))
		die_doing(DOING_OTHER, errno, "pvid does not run: %s", address.sun_path);
	return fd;
}

int cmd_apply(int argc, char **argv)
{
	struct policy policy;
	struct policy_args args;
	char line[2048];
	FILE *answer;

	read_policy(&apply_argp, argc, argv, &args, &policy);
	policy_free(&policy);
	answer = must_alloc(fdopen(connect_pvid(args.run), "r"));
	if (!fgets(line, sizeof(line), answer))
		die("pvid has ended meanwhile, or does not answer");
	line[strcspn(line, "\n")] = '\0';
	if (*line)
		die("%s", line);
	fclose(answer);
	return 0;
}
