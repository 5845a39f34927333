// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pvictl endpoint - who is bound
 *
 * An endpoint is a descriptor of the process that bound it. /proc shows it with
 * its UUID, and pidfd_getfd() gives it to whoever may trace that process: so
 * every command works on every endpoint, without anything to be asked for it.
 */
#include <ctype.h>
#include <dirent.h>
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
		if (key(line, "pvi-state", &value))
			e->dead = !strcmp(value, "dead");
		else if (key(line, "pvi-uuid", &value))
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

static void look_at_fd(pid_t pid, int fd, const char *target, void *arg)
{
	const char *name = strrchr(target, '/');
	struct list *list = arg;
	struct endpoint e;

	if (!name || strcmp(name, "/kvm_pvi") || !read_endpoint(pid, fd, &e) || is_known(list, &e))
		return;
	read_comm(pid, e.comm);
	list->all = must_alloc(realloc(list->all, (list->nr + 1) * sizeof(e)));
	list->all[list->nr++] = e;
}

size_t find_endpoints(struct endpoint **endpoints)
{
	struct list list = { 0 };
	struct dirent *entry;
	DIR *proc = opendir("/proc");

	if (!proc)
		die("/proc: %s", strerror(errno));
	while ((entry = readdir(proc)))
		/* Whose descriptors may not be seen, has none for us. */
		if (isdigit((unsigned char)entry->d_name[0]))
			each_fd(atoi(entry->d_name), look_at_fd, &list);
	closedir(proc);
	tdestroy(list.known, free);
	if (!list.nr && access("/dev/kvm_pvi", F_OK) && errno == ENOENT)
		die_doing(DOING_OPEN, ENOENT, "there are no endpoints");
	*endpoints = list.all;
	return list.nr;
}

int take_endpoint(const struct endpoint *e)
{
	struct endpoint taken;
	int pidfd, fd;

	pidfd = open_pidfd(e->pid);
	if (pidfd < 0)
		return pidfd;
	fd = take_fd(pidfd, e->fd);
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

int open_endpoint(const uuid_t uuid, struct endpoint *endpoint)
{
	int fd;

	if (!find_endpoint(uuid, endpoint))
		die_as(STATUS_ABSENT, "no endpoint is bound to %s%s", uuid_text(uuid).s,
		       geteuid() ? " by a process of yours; root sees all" : ", see 'pvictl list'");
	fd = take_endpoint(endpoint);
	if (fd < 0)
		die_doing(DOING_TAKE, fd, "cannot take the endpoint of process %d (%s)",
			  endpoint->pid, endpoint->comm);
	return fd;
}
