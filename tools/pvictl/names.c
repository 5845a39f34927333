// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pvictl names - what VMs are called besides their UUIDs
 *
 * A name comes from the policy, which is root's, or from the command line of the VMM. Whoever runs a VMM chooses
 * what it is called: only where one VM has a name is it taken for it. The policy's VMs have theirs also while they do not
 * run, and whoever else is called so: then nobody's command line is read, which may keep who reads it waiting.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "policy.h"
#include "pvictl.h"

#define MIN_PREFIX 4

struct name_text name_text(const char *name)
{
	struct name_text text;

	escape(text.s, sizeof(text.s), name);
	return text;
}

void name_endpoint(struct endpoint *e)
{
	pid_t pid = e->vmm ? e->vmm : e->pid;
	struct vmm vmm;

	if (!e->named && pid && !e->host && !vmm_read(pid, &vmm))
		snprintf(e->name, sizeof(e->name), "%s", vmm.name);
	e->named = true;
}

/* What the policy and VMMs say, as it was when it was asked for; of VMMs that only which is asked for */
static struct {
	bool known;
	struct policy policy;	/* empty where it cannot be read */
	struct endpoint *all;	/* sorted by UUID, the living first */
	size_t nr;
} names;

static int compare_endpoints(const void *a, const void *b)
{
	const struct endpoint *x = a, *y = b;

	return uuid_compare(x->uuid, y->uuid) ?: x->dead - y->dead;
}

/* Of all at once: some may have gone when they are asked for */
static bool names_all;

/* That end who waits for a name, or -1: they end us */
static int names_signals = -1;

static void NORETURN tell_names(struct endpoint *all, size_t nr, int to)
{
	size_t i;

	for (i = 0; i < nr; i++) {
		name_endpoint(&all[i]);
		if (write(to, all[i].name, NAME_LEN) != NAME_LEN)
			break;
	}
	_exit(0);
}

/* False: a signal has come, or nobody tells it. It is not longer than what a pipe takes, and gives, as a whole. */
static bool hear_name(int from, char name[static NAME_LEN])
{
	struct pollfd fds[2] = {
		{ .fd = from, .events = POLLIN },
		{ .fd = names_signals, .events = POLLIN },
	};

	while (poll(fds, 2, -1) < 0)
		if (errno != EINTR)
			die("poll: %s", strerror(errno));
	return !fds[1].revents && read(from, name, NAME_LEN) == NAME_LEN;
}

/* A VMM may keep who reads what it was told waiting: that is a child, which is killed when a signal comes. */
static void name_by_child(struct endpoint *all, size_t nr)
{
	pid_t self = getpid(), pid;
	int ends[2];
	size_t i;

	if (pipe2(ends, O_CLOEXEC))
		die("pipe: %s", strerror(errno));
	pid = fork();
	if (pid < 0)
		die("fork: %s", strerror(errno));
	if (!pid) {
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != self)
			_exit(STATUS_FAILED);
		tell_names(all, nr, ends[1]);
	}
	close(ends[1]);
	for (i = 0; i < nr && hear_name(ends[0], all[i].name); i++)
		all[i].named = true;
	close(ends[0]);
	kill(pid, SIGKILL);
	child_wait(pid, child_until());
}

static void name_all(struct endpoint *all, size_t nr)
{
	size_t i;

	if (nr && names_signals >= 0) {
		name_by_child(all, nr);
		return;
	}
	for (i = 0; i < nr; i++)
		name_endpoint(&all[i]);
}

static void names_read(void)
{
	if (names.known)
		return;
	names.known = true;
	if (access(POLICY_DIR, R_OK) || !policy_read(&names.policy, POLICY_DIR))
		names.policy = (struct policy){ 0 };
	names.nr = find_endpoints(&names.all);
	if (names.nr)
		qsort(names.all, names.nr, sizeof(*names.all), compare_endpoints);
	if (names_all)
		name_all(names.all, names.nr);
}

void names_keep(void)
{
	names_all = true;
	names_read();
}

void names_watch(int signals)
{
	names_signals = signals;
}

void names_forget(void)
{
	if (!names.known)
		return;
	policy_free(&names.policy);
	free(names.all);
	memset(&names, 0, sizeof(names));
}

struct name_text name_of(const unsigned char *uuid)
{
	const struct policy_vm *vm;
	struct endpoint key = { .dead = false }, *e;

	names_read();
	vm = policy_vm(&names.policy, uuid);
	if (vm)
		return name_text(vm->label);
	uuid_copy(key.uuid, uuid);
	e = names.nr ? bsearch(&key, names.all, names.nr, sizeof(key), compare_endpoints) : NULL;
	if (e && !e->named)
		name_all(e, 1);
	return name_text(e ? e->name : "");
}

/* Whom @text may mean: those that are called so, and those whose UUID begins like that */
struct meaning {
	const char *text;
	uuid_t named;
	size_t nr_named;
	uuid_t begun;
	size_t nr_begun;
};

/* Keeps the first one. @nr is more than 1 if there are two that differ, however often each is found */
static void found(uuid_t at, size_t *nr, const uuid_t uuid)
{
	if (!*nr)
		uuid_copy(at, uuid);
	else if (!uuid_compare(at, uuid))
		return;
	++*nr;
}

static void look_at_name(const uuid_t uuid, const char *name, void *arg)
{
	struct meaning *m = arg;
	size_t len = strlen(m->text);

	if (!strcmp(name, m->text))
		found(m->named, &m->nr_named, uuid);
	if (len >= MIN_PREFIX && !strncasecmp(uuid_text(uuid).s, m->text, len))
		found(m->begun, &m->nr_begun, uuid);
}

/* VMs that are not bound yet: to attach or to allow them */
static void look_at_process(pid_t pid, void *arg)
{
	struct vm_fds vms;
	struct vmm vmm;

	/* Whoever has no VM keeps nobody waiting who reads what they were told. */
	if (!find_vm_fds(pid, &vms) && vms.nr && !vmm_read(pid, &vmm) && vmm.has_uuid)
		look_at_name(vmm.uuid, vmm.name, arg);
}

/*
 * VMs that may run or not. Who asks as another user may not read it, and sees processes of their own; root would take
 * somebody else's VM for one of the policy's.
 */
static void look_at_policy(struct meaning *m)
{
	struct policy policy;
	size_t i;

	if (access(POLICY_DIR, F_OK) || (!policy_read(&policy, POLICY_DIR) && geteuid()))
		return;
	if (*policy.error)
		die("whom '%s' means the policy may say, which cannot be read: %s, or say a UUID", name_text(m->text).s,
		    policy.error);
	for (i = 0; i < policy.nr_vms; i++) {
		look_at_name(policy.vms[i].uuid, policy.vms[i].label, m);
		look_at_name(policy.vms[i].uuid, policy.vms[i].name, m);
	}
	policy_free(&policy);
}

static void look_everywhere(struct meaning *m)
{
	struct endpoint *all;
	size_t nr, i;

	nr = find_endpoints(&all);
	for (i = 0; i < nr; i++) {
		if (all[i].dead)
			continue;
		name_endpoint(&all[i]);
		look_at_name(all[i].uuid, all[i].name, m);
	}
	free(all);
	if (!m->nr_named && !m->nr_begun)
		each_process(look_at_process, m);
}

void parse_vm(struct argp_state *state, const char *text, uuid_t uuid)
{
	struct meaning m = { .text = text };

	if (!uuid_parse(text, uuid))
		return;
	if (!*text)
		argp_error(state, "a VM has a UUID or a name");
	look_at_policy(&m);
	if (!m.nr_named)
		look_everywhere(&m);
	/* Or whoever calls a VM by the beginning of another's UUID would be taken for that one. */
	if (m.nr_named == 1 && m.nr_begun && (m.nr_begun > 1 || uuid_compare(m.named, m.begun)))
		die_as(STATUS_USAGE, "'%s' is what a VM is called, and the beginning of another's UUID: say a UUID, see 'pvictl list'",
		       name_text(text).s);
	if (m.nr_named > 1 || (!m.nr_named && m.nr_begun > 1))
		die_as(STATUS_USAGE, "more than one VM %s '%s': say its UUID, see 'pvictl list'",
		       m.nr_named ? "is called" : "has a UUID that begins with", name_text(text).s);
	if (!m.nr_named && !m.nr_begun)
		die_as(STATUS_ABSENT, "no VM is called '%s', see 'pvictl list'", name_text(text).s);
	uuid_copy(uuid, m.nr_named ? m.named : m.begun);
}
