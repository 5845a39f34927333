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

/* What is said in lines of UUIDs, with who they are behind it */
struct diff {
	struct policy new;
	struct policy old;
	struct links links;
	FILE *out;
};

/* "" : nobody knows */
static struct name_text diff_name(const struct diff *d, const uuid_t uuid)
{
	const struct policy_vm *vm = policy_vm(&d->new, uuid) ?: policy_vm(&d->old, uuid);
	const struct policy_link *link = policy_link(&d->new, uuid);
	const struct policy_reserve *reserve = policy_reserve(&d->new, uuid) ?: policy_reserve(&d->old, uuid);
	size_t i;

	for (i = 0; i < d->links.nr; i++)
		if (!uuid_compare(d->links.all[i].uuid, uuid))
			return name_text(d->links.all[i].label);
	if (!vm && !link && reserve)
		return name_text(reserve->label);
	return vm ? name_text(vm->label) : link ? name_text(link->label) : name_of(uuid);
}

/* One line, with its end */
static void print_named(const struct diff *d, const char *line)
{
	size_t len = strcspn(line, "\n"), end;
	const char *between = "  # ";
	char text[UUID_STR_LEN];
	struct name_text name;
	uuid_t uuid;

	printf("%.*s", (int)len, line);
	for (; len; line += end, len -= end) {
		end = strcspn(line, " \n");
		snprintf(text, sizeof(text), "%.*s", (int)end, line);
		end += line[end] == ' ';
		if (uuid_parse(text, uuid))
			continue;
		name = diff_name(d, uuid);
		if (*name.s)
			printf("%s%s", between, name.s);
		between = *name.s ? ", " : between;
	}
	putchar('\n');
}

/* Lines as they are written: the stream has a buffer for each */
static ssize_t write_named(void *cookie, const char *text, size_t size)
{
	char *lines = must_alloc(strndup(text, size)), *rest = lines, *line;

	while ((line = strsep(&rest, "\n")))
		if (*line)
			print_named(cookie, line);
	free(lines);
	return size;
}

/* A VM that pvid has bound, or is to bind */
static void diff_vm(int pvi, const struct policy_vm *vm, const struct diff *d)
{
	const struct policy *old = &d->old, *new = &d->new;
	struct kvm_pvi_list_endpoint r;
	char what[RECONCILE_WHAT];
	int ret = find_listed(pvi, vm->uuid, &r);
	uuid_t unused;

	if (ret == -ENOENT)
		return;
	if (!ret && !policy_vm(new, vm->uuid))
		fprintf(d->out, "detach %s\n", uuid_text(vm->uuid).s);
	else if (!ret)
		ret = reconcile(pvi, r.number, -1, vm->uuid, old, new, NULL, d->out, what) ?:
			links_join(&d->links, new, vm->uuid, pvi, r.number, -1, d->out, unused);
	if (ret && ret != -ENOENT)
		die_doing(DOING_OTHER, ret, "%s", vm->label);
}

/* Where in the policy the link stands that is complained of, if it is one: pvid has it from a copy. Dies of it */
static void die_of_answer(const struct policy *policy, const char *answer) NORETURN;

static void die_of_answer(const struct policy *policy, const char *answer)
{
	const char *name = answer + strlen(LINKS_OF_POLICY);
	const struct policy_link *link;
	size_t i;

	for (i = 0; !strncmp(answer, LINKS_OF_POLICY, strlen(LINKS_OF_POLICY)) && i < policy->nr_links; i++) {
		link = &policy->links[i];
		if (strcspn(name, "'") == strlen(link->label) && !strncmp(name, link->label, strlen(link->label)))
			die("%s:%u: %s", link->file, link->line, answer);
	}
	die("%s", answer);
}

static void diff_links(const char *dir, const struct diff *d)
{
	const struct links *links = &d->links;
	const struct policy *new = &d->new;
	const struct policy_link *wanted;
	struct links_why why;
	size_t i;
	int ret;

	for (i = 0; i < links->nr; i++)
		if (links_is_old(dir, &links->all[i], new))
			fprintf(d->out, "unlink %s\n", uuid_text(links->all[i].uuid).s);
	for (i = 0; i < new->nr_links; i++) {
		wanted = &new->links[i];
		ret = links_is_there(dir, links, new, wanted, &why);
		if (ret < 0)
			die_of_answer(new, why.text);
		if (!ret)
			fprintf(d->out, "link %s %s %s\n", uuid_text(wanted->spec.uuid).s,
				uuid_text(wanted->spec.sides[0].uuid).s, uuid_text(wanted->spec.sides[1].uuid).s);
	}
}

/* What was carried out, not what there is: the module lists no reservations. */
static void diff_reserves(const struct diff *d)
{
	const struct policy_reserve *r, *other;
	size_t i;

	for (i = 0; i < d->old.nr_reserves; i++) {
		r = &d->old.reserves[i];
		if (!policy_reserve(&d->new, r->uuid))
			fprintf(d->out, "unreserve %s\n", uuid_text(r->uuid).s);
	}
	for (i = 0; i < d->new.nr_reserves; i++) {
		r = &d->new.reserves[i];
		other = policy_reserve(&d->old, r->uuid);
		if (!other || other->user != r->user)
			fprintf(d->out, "reserve %s %u\n", uuid_text(r->uuid).s, r->user);
	}
}

int cmd_diff(int argc, char **argv)
{
	struct policy_args args;
	struct diff d = { 0 };
	size_t i;
	int pvi;

	read_policy(&diff_argp, argc, argv, &args, &d.new);
	if (!applied_read(&d.old, args.run))
		die("%s", d.old.error);
	pvi = open_listing();
	if (pvi < 0)
		die_doing(pvi == -EPERM ? DOING_RESERVE : DOING_OPEN, pvi, "nobody is listed");
	d.links.nr = link_dir_read(args.links, &d.links.all);
	d.out = must_alloc(fopencookie(&d, "w", (cookie_io_functions_t){ .write = write_named }));
	setvbuf(d.out, NULL, _IOLBF, BUFSIZ);
	for (i = 0; i < d.old.nr_vms; i++)
		diff_vm(pvi, &d.old.vms[i], &d);
	for (i = 0; i < d.new.nr_vms; i++)
		if (!policy_vm(&d.old, d.new.vms[i].uuid))
			diff_vm(pvi, &d.new.vms[i], &d);
	diff_links(args.links, &d);
	diff_reserves(&d);
	fclose(d.out);
	links_free(&d.links);
	policy_free(&d.old);
	policy_free(&d.new);
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
	answer = must_alloc(fdopen(connect_pvid(args.run), "r"));
	if (!fgets(line, sizeof(line), answer))
		die("pvid has ended meanwhile, or does not answer");
	line[strcspn(line, "\n")] = '\0';
	if (*line)
		die_of_answer(&policy, line);
	fclose(answer);
	policy_free(&policy);
	return 0;
}
