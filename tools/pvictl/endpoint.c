// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pvictl endpoint - who is bound
 *
 * The module lists all endpoints for root. Others see those of their processes:
 * an endpoint is a descriptor, which /proc shows with its UUID. pidfd_getfd() gives
 * it to whoever may trace that process, so every command works on every endpoint,
 * without anything to be asked for it.
 */
#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pvictl.h"

struct list {
	struct endpoint *all;
	size_t nr;
	void *known;		/* of tsearch(): by name and whether they are dead */
};

static void parse_counts(const char *line, struct kvm_pvi_counts *counts)
{
	if (sscanf(line, "raised %llu coalesced %llu latched %llu denied %llu throttled %llu",
		   &counts->raised, &counts->coalesced, &counts->latched, &counts->denied,
		   &counts->throttled) != 5)
		warn("/proc shows counters that this version does not know: '%s'", line);
}

static bool key(char *line, const char *name, char **value)
{
	size_t len = strlen(name);

	line[strcspn(line, "\n")] = '\0';
	if (strncmp(line, name, len) || line[len] != ':')
		return false;
	*value = line + len + 1 + strspn(line + len + 1, "\t ");
	return true;
}

/* What fdinfo says of @fd in process @pid; false if that is not a bound endpoint. */
static bool read_endpoint(pid_t pid, int fd, struct endpoint *e)
{
	char path[64], line[256], *value;
	bool bound = false;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", pid, fd);
	file = fopen(path, "re");
	if (!file)
		return false;
	*e = (struct endpoint){ .pid = pid, .fd = fd };
	while (fgets(line, sizeof(line), file)) {
		if (key(line, "pvi-state", &value)) {
			e->dead = !strncmp(value, "dead", 4);
			e->frozen = strstr(value, "frozen");
		}
		if (key(line, "pvi-uuid", &value))
			bound = !uuid_parse(value, e->uuid);
		else if (key(line, "pvi-senders", &value))
			e->senders = strtoul(value, NULL, 10);
		else if (key(line, "pvi-sent", &value))
			parse_counts(value, &e->sent);
		else if (key(line, "pvi-received", &value))
			parse_counts(value, &e->received);
	}
	fclose(file);
	return bound;
}

static int compare(const void *a, const void *b)
{
	const struct endpoint *x = a, *y = b;

	return uuid_compare(x->uuid, y->uuid) ?: x->dead - y->dead;
}

/* A descriptor may be in several processes; the first one found is as good as any. */
static bool is_known(struct list *list, const struct endpoint *e)
{
	struct endpoint *copy;

	if (tfind(e, &list->known, compare))
		return true;
	copy = must_alloc(malloc(sizeof(*copy)));
	*copy = *e;
	must_alloc(tsearch(copy, &list->known, compare));
	return false;
}

static bool look_at_fd(pid_t pid, int fd, const char *target, void *arg)
{
	struct list *list = arg;
	struct endpoint e;

	if (!is_of_kvm_pvi(pid, fd, target) || !read_endpoint(pid, fd, &e) || is_known(list, &e))
		return true;
	read_comm(pid, e.comm);
	list->all = must_alloc(realloc(list->all, (list->nr + 1) * sizeof(e)));
	list->all[list->nr++] = e;
	return true;
}

static void look_at_process(pid_t pid, void *arg)
{
	/* Whose descriptors may not be seen, has none for us. */
	each_fd(pid, look_at_fd, arg);
}

static void search_proc(struct list *list)
{
	int ret = each_process(look_at_process, list);

	if (ret)
		die("/proc: %s", strerror(-ret));
	tdestroy(list->known, free);
	list->known = NULL;
}

static void add_listed(struct list *list, const struct kvm_pvi_list_endpoint *r)
{
	struct endpoint *e;

	list->all = must_alloc(reallocarray(list->all, list->nr + 1, sizeof(*e)));
	e = &list->all[list->nr++];
	*e = (struct endpoint){
		.listed = true,
		.number = r->number,
		.pid = r->opener,
		.fd = -1,
		.vmm = r->vmm,
		.dead = r->flags & KVM_PVI_LISTED_DEAD,
		.frozen = r->flags & KVM_PVI_LISTED_FROZEN,
		.host = r->flags & KVM_PVI_LISTED_HOST,
		.owner = r->owner,
		.gsis = r->gsis,
		.bells = r->bells,
		.senders = r->senders,
		.sent = r->sent,
		.received = r->received,
		.retries = r->retries,
		.dropped = r->dropped,
	};
	uuid_copy(e->uuid, r->uuid);
	if (e->pid)
		read_comm(e->pid, e->comm);
}

static void search_listing(struct list *list)
{
	struct kvm_pvi_list_endpoint page[64];
	uint64_t cursor = 0;
	unsigned int nr, i;

	while ((nr = list_page(KVM_PVI_LIST_ENDPOINTS, 0, &cursor, page, sizeof(page[0]),
			       ARRAY_SIZE(page))))
		for (i = 0; i < nr; i++)
			add_listed(list, &page[i]);
}

size_t find_endpoints(struct endpoint **endpoints)
{
	struct list list = { 0 };

	if (open_listing() >= 0)
		search_listing(&list);
	else
		search_proc(&list);
	if (!list.nr && access("/dev/kvm_pvi", F_OK) && errno == ENOENT)
		die_doing(DOING_OPEN, ENOENT, "there are no endpoints");
	*endpoints = list.all;
	return list.nr;
}

/* The others of that process may be any VM's, whose locks its vCPUs may have for long. */
static bool is_wanted(pid_t pid, int fd, const char *target, void *arg)
{
	const struct endpoint *wanted = arg;
	struct endpoint e;

	if (!is_of_kvm_pvi(pid, fd, target))
		return false;
	if (ask_endpoint_of(pid, fd, e.uuid))
		e.dead = false;
	else if (!read_endpoint(pid, fd, &e))
		return false;
	return !uuid_compare(e.uuid, wanted->uuid) && e.dead == wanted->dead;
}

int take_endpoint(const struct endpoint *e)
{
	struct endpoint taken;
	int pidfd, fd, at = e->fd, ret = 0;
	pid_t pid = e->pid;

	if (at < 0)
		ret = find_fd(e->pid, is_wanted, (void *)e, &pid, &at);
	if (ret)
		return ret;
	pidfd = open_pidfd(pid);
	if (pidfd < 0)
		return pidfd;
	fd = take_fd(pidfd, at);
	close(pidfd);
	if (fd < 0)
		return fd;
	/* The number may stand for another file by now. */
	if (read_endpoint(getpid(), fd, &taken) && !uuid_compare(taken.uuid, e->uuid))
		return fd;
	close(fd);
	return -EBADF;
}

bool find_endpoint(const uuid_t uuid, struct endpoint *endpoint)
{
	struct endpoint *all;
	size_t nr = find_endpoints(&all), i;
	bool found = false;

	for (i = 0; i < nr && !found; i++) {
		found = !uuid_compare(all[i].uuid, uuid) && !all[i].dead;
		if (found)
			*endpoint = all[i];
	}
	free(all);
	return found;
}

void need_endpoint(const uuid_t uuid, struct endpoint *endpoint)
{
	if (!find_endpoint(uuid, endpoint))
		die_as(STATUS_ABSENT, "no endpoint is bound to %s%s", uuid_text(uuid).s,
		       geteuid() ? " by a process of yours; root sees all" : ", see 'pvictl list'");
}

int open_endpoint(const uuid_t uuid, struct endpoint *endpoint)
{
	int fd;

	need_endpoint(uuid, endpoint);
	fd = take_endpoint(endpoint);
	if (fd < 0)
		die_doing(DOING_TAKE, fd, "cannot take the endpoint of process %d (%s)",
			  endpoint->pid, endpoint->comm);
	return fd;
}
