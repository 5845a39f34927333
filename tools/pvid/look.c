// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pvid look - whether VMMs run, again and again
 *
 * No VMM says when it has stopped, or goes on, so those are looked at of which it matters: in turns, one timer for each
 * user. A look costs a thread's entries in /proc for each of its threads, of which a process may have thousands. What
 * a user's looks cost in a turn beyond a share is paid by its next ones, so nobody's VMMs keep the loop from others'.
 */
#include "pvid.h"

#define LOOKS_WAIT 4		/* 16 ms */
#define SHARE 64		/* threads in a turn: a few usual QEMUs */

static int turn(sd_event_source *source, uint64_t now, void *arg);

static int turn_later(struct user *user)
{
	return retry_after(user->d, &user->turn, LOOKS_WAIT, turn, user);
}

static int turn(sd_event_source *source, uint64_t now, void *arg)
{
	struct user *user = arg;
	unsigned int left = user->nr_looks;
	struct look *look;

	(void)source;
	(void)now;
	/* What is looked at may be its last. */
	user->refs++;
	sd_event_source_disable_unref(user->turn);
	user->turn = NULL;
	for (; left && user->looked < SHARE && (look = TAILQ_FIRST(&user->looks)); left--) {
		look_end(look);
		user->looked += look->fn(look->owner);
	}
	user->looked -= user->looked < SHARE ? user->looked : SHARE;
	/* There is one already, unless nobody has asked again. */
	if (user->nr_looks && !user->turn && turn_later(user))
		LOG(SD_ERR, "user %u: out of memory; 'pvictl apply' tries again", user->uid);
	user_put(user);
	return 0;
}

int look_begin(struct look *look, struct user *user, unsigned int (*fn)(void *owner), void *owner)
{
	int ret = user->turn ? 0 : turn_later(user);

	if (ret || look->user)
		return ret;
	*look = (struct look){ .user = user, .fn = fn, .owner = owner };
	TAILQ_INSERT_TAIL(&user->looks, look, entry);
	user->nr_looks++;
	return 0;
}

void look_end(struct look *look)
{
	struct user *user = look->user;

	if (!user)
		return;
	TAILQ_REMOVE(&user->looks, look, entry);
	look->user = NULL;
	if (!--user->nr_looks) {
		sd_event_source_disable_unref(user->turn);
		user->turn = NULL;
	}
}
