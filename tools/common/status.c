// SPDX-License-Identifier: GPL-2.0-or-later
/* common status - who a process is */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"

/* The next line, without its end; false: there is none */
static bool next_line(FILE *file, char **line, size_t *room)
{
	ssize_t len = getline(line, room, file);

	if (len > 0 && (*line)[len - 1] == '\n')
		(*line)[len - 1] = '\0';
	return len >= 0;
}

static FILE *open_proc(pid_t pid, const char *name)
{
	char path[48];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	return fopen(path, "re");
}

int process_read(pid_t tid, struct process *p)
{
	FILE *file = open_proc(tid, "status");
	bool has_pid = false, has_uid = false;
	unsigned int uid[4];
	char *line = NULL;
	size_t room = 0;

	if (!file)
		return errno == ENOENT ? -ESRCH : -errno;
	while (next_line(file, &line, &room)) {
		if (sscanf(line, "Tgid:\t%d", &p->pid) == 1)
			has_pid = true;
		else if (sscanf(line, "Uid:\t%u\t%u\t%u\t%u", &uid[0], &uid[1], &uid[2], &uid[3]) == 4)
			has_uid = true;
	}
	free(line);
	fclose(file);
	/* It has ended meanwhile. */
	if (!has_pid || !has_uid)
		return -ESRCH;
	p->uid = uid[0];
	p->one_user = uid[1] == uid[0] && uid[2] == uid[0] && uid[3] == uid[0];
	return 0;
}

uint64_t process_began(pid_t pid)
{
	FILE *file = open_proc(pid, "stat");
	unsigned long long began = 0;
	char line[1024], *at = NULL;
	int i;

	if (!file)
		return 0;
	/* Behind its name, which may contain anything, comes the state, field 3: proc(5). */
	if (fgets(line, sizeof(line), file))
		at = strrchr(line, ')');
	fclose(file);
	for (i = 2; i < 22 && at; i++)
		at = strchr(at + 1, ' ');
	return at && sscanf(at, "%llu", &began) == 1 ? began : 0;
}

static bool is_below(const char *path, const char *cgroup)
{
	size_t len = strlen(cgroup);

	return !strncmp(path, cgroup, len) && (!path[len] || path[len] == '/' || cgroup[len - 1] == '/');
}

int process_in_cgroup(pid_t pid, const char *cgroup)
{
	FILE *file = open_proc(pid, "cgroup");
	char *line = NULL;
	bool is_in = false;
	size_t room = 0;

	if (!file)
		return errno == ENOENT ? -ESRCH : -errno;
	/* Those of version 1 have other numbers. Users may have made some of them, with any name. */
	while (next_line(file, &line, &room))
		is_in |= !strncmp(line, "0::", 3) && is_below(line + 3, cgroup);
	free(line);
	fclose(file);
	return is_in;
}
