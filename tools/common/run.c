// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * common run - whether a VMM's vCPUs run
 *
 * KVM tells nobody but the VMM. But a thread that is a vCPU has used time in a guest, or sleeps in KVM because
 * its vCPU has halted; where no such thread is in the guest, wants a processor, or sleeps so, the VMM has its
 * vCPUs, and may have stopped them. Nothing that is read here waits for the process.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common.h"

#define MAX_THREADS 4096	/* that are looked at: who has more runs */
#define GUEST_TIME 40		/* fields behind the state, which is the third: proc(5) */
#define HALTED "kvm_vcpu_"	/* how the functions of KVM are called that a vCPU sleeps in */

/* As text; false: it is not there any more */
static bool read_of_thread(int task, const char *tid, const char *name, char *text, size_t room)
{
	char path[64];
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", tid, name);
	fd = openat(task, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	len = read(fd, text, room - 1);
	close(fd);
	text[len < 0 ? 0 : len] = '\0';
	return len >= 0;
}

/* Stores its state, and whether it has been in a guest, from the line in /proc */
static bool parse_stat(const char *line, char *state, bool *is_vcpu)
{
	const char *at = strrchr(line, ')');
	unsigned long long guest;
	int i;

	if (!at || sscanf(at + 1, " %c", state) != 1)
		return false;
	for (i = 0, at += 2; i < GUEST_TIME && at; i++)
		at = strchr(at + 1, ' ');
	if (!at || sscanf(at, "%llu", &guest) != 1)
		return false;
	*is_vcpu = guest;
	return true;
}

static bool thread_runs_vcpu(int task, const char *tid)
{
	char line[1024], where[64], state;
	bool is_vcpu;

	if (!read_of_thread(task, tid, "stat", line, sizeof(line)))
		return false;
	if (!parse_stat(line, &state, &is_vcpu))
		return true;
	if (state == 'R' || state == 'D')
		return is_vcpu;
	if (state == 'Z' || state == 'X')
		return false;
	if (!read_of_thread(task, tid, "wchan", where, sizeof(where)))
		return false;
	/* A vCPU may just have woken; any other thread may too, and that says nothing. */
	return !strncmp(where, HALTED, strlen(HALTED)) || (is_vcpu && !strcmp(where, "0"));
}

int vmm_runs(pid_t pid, unsigned int *looked)
{
	struct dirent *entry;
	char path[32];
	int nr = 0, runs = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	if (!dir)
		return -errno;
	while (!runs && (entry = readdir(dir))) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		runs = nr++ == MAX_THREADS || thread_runs_vcpu(dirfd(dir), entry->d_name);
	}
	closedir(dir);
	*looked += nr;
	return nr ? runs : -ESRCH;
}
