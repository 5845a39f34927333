// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pvi-ivshmem-server account - what a process and a user may take of what there is for all
 *
 * Two things run out: places, which come back when a client goes, and ids, which stay taken for as
 * long as somebody is connected who may know them. Both are charged to the process that connected
 * and to its user, as the kernel named them then.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "server.h"

struct account {
	LIST_ENTRY(account) entry;
	enum payer payer;
	unsigned int number;	/* of the process or the user */
	unsigned int places;
	unsigned int ids;
	unsigned int warn_at;	/* so many ids left */
};

static const char * const names[NR_PAYERS] = { "process", "user" };

static struct accounts *bucket(struct server *server, unsigned int number)
{
	return &server->accounts[number % NR_BUCKETS];
}

static struct account *find_account(struct server *server, enum payer payer, unsigned int number)
{
	struct accounts *list = bucket(server, number);
	struct account *a;

	LIST_FOREACH(a, list, entry)
		if (a->payer == payer && a->number == number)
			return a;
	a = calloc(1, sizeof(*a));
	if (!a)
		return NULL;
	a->payer = payer;
	a->number = number;
	a->warn_at = server->settings.quotas[payer].ids / 2;
	LIST_INSERT_HEAD(list, a, entry);
	return a;
}

static void close_idle(struct account *a)
{
	if (a->places || a->ids)
		return;
	LIST_REMOVE(a, entry);
	free(a);
}

static int take_place(struct peer *client, enum payer payer, unsigned int number)
{
	struct account *a = find_account(client->server, payer, number);

	if (!a)
		return -ENOMEM;
	a->places++;
	client->payers[payer] = a;
	return 0;
}

int accounts_open(struct peer *client)
{
	struct ucred cred;
	socklen_t size = sizeof(cred);
	int ret;

	if (getsockopt(client->socket, SOL_SOCKET, SO_PEERCRED, &cred, &size))
		return -errno;
	client->pid = cred.pid;
	client->uid = cred.uid;
	ret = take_place(client, USER, cred.uid);
	/* 0: of a PID namespace that is not ours. There is no telling such processes apart. */
	if (!ret && cred.pid)
		ret = take_place(client, PROCESS, cred.pid);
	return ret;
}

void accounts_close(struct peer *client)
{
	enum payer i;

	for (i = 0; i < NR_PAYERS; i++) {
		if (!client->payers[i])
			continue;
		client->payers[i]->places--;
		close_idle(client->payers[i]);
	}
}

static const char *refuse(const struct account *a, unsigned int used, unsigned int limit,
			  const char *what, const char *option)
{
	static char why[128];

	if (used < limit)
		return NULL;
	snprintf(why, sizeof(why), "%s %u has %u %s, as many as --%s-per-%s allows", names[a->payer],
		 a->number, used, what, option, names[a->payer]);
	return why;
}

const char *accounts_refuse(const struct peer *client)
{
	const struct quota *quotas = client->server->settings.quotas;
	const struct account *a;
	const char *why = NULL;
	enum payer i;

	for (i = 0; i < NR_PAYERS && !why; i++) {
		a = client->payers[i];
		if (!a)
			continue;
		/* Its own place is one of them. */
		why = refuse(a, a->places - 1, quotas[i].places, "connections", "max");
		if (!why)
			why = refuse(a, a->ids, quotas[i].ids, "ids that others may know", "ids");
	}
	return why;
}

/* Each time that half of what was left is used up */
static void account_charge(struct account *a, unsigned int limit)
{
	/* There may be fewer now than are used. */
	unsigned int left = ++a->ids < limit ? limit - a->ids : 0;

	if (left > a->warn_at)
		return;
	warn("%s %u has %u of its %u ids left", names[a->payer], a->number, left, limit);
	a->warn_at = left / 2;
}

void accounts_charge_id(const struct server *server, struct account *payers[NR_PAYERS])
{
	enum payer i;

	for (i = 0; i < NR_PAYERS; i++)
		if (payers[i])
			account_charge(payers[i], server->settings.quotas[i].ids);
}

int accounts_recharge_id(struct server *server, struct account *payers[NR_PAYERS], pid_t pid, uid_t uid)
{
	payers[USER] = find_account(server, USER, uid);
	payers[PROCESS] = pid ? find_account(server, PROCESS, pid) : NULL;
	if (!payers[USER] || (pid && !payers[PROCESS]))
		return -ENOMEM;
	payers[USER]->ids++;
	if (pid)
		payers[PROCESS]->ids++;
	return 0;
}

void accounts_reload(struct server *server)
{
	struct account *a;
	unsigned int i;

	for (i = 0; i < NR_BUCKETS; i++)
		LIST_FOREACH(a, &server->accounts[i], entry)
			a->warn_at = server->settings.quotas[a->payer].ids / 2;
}

void accounts_return_id(const struct server *server, struct account *payers[NR_PAYERS])
{
	struct account *a;
	enum payer i;

	for (i = 0; i < NR_PAYERS; i++) {
		a = payers[i];
		payers[i] = NULL;
		if (!a)
			continue;
		a->ids--;
		a->warn_at = server->settings.quotas[i].ids / 2;
		close_idle(a);
	}
}
