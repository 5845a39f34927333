// SPDX-License-Identifier: GPL-2.0-or-later
/* common policy_keys - what the keys of a policy's sections say */
#include <libpvi.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "policy_reader.h"

#define MAX_GSI (KVM_PVI_GSI_VIRTUAL_END - 1)
#define MAX_BELL 0xffffu

bool policy_parse_number(struct reader *r, const char *key, const char *text, uint64_t max, uint64_t *to)
{
	char *end;

	if (number_read(text, &end, to) && !*end && *to <= max)
		return true;
	reader_complain(r, r->line, "'%s' is '%s'; write a number from 0 to %llu", key, policy_show(text).s,
		 (unsigned long long)max);
	return false;
}

static bool parse_user(struct reader *r, const char *key, const char *text, uid_t *to)
{
	static char known[64];
	static uid_t uid;
	struct passwd *user;
	uint64_t number;

	if (*text >= '0' && *text <= '9') {
		if (!policy_parse_number(r, key, text, 0xfffffffeu, &number))
			return false;
		*to = number;
		return true;
	}
	/* Mostly it is the same as in the section before, and whoever is asked may be far away. */
	if (*known && !strcmp(text, known)) {
		*to = uid;
		return true;
	}
	user = getpwnam(text);
	if (!user) {
		reader_no_such(r, "user", "passwd", text);
		return false;
	}
	*to = uid = user->pw_uid;
	snprintf(known, sizeof(known), "%s", strlen(text) < sizeof(known) ? text : "");
	return true;
}

static bool parse_gsi(struct reader *r, const char *key, const char *text, uint64_t *to)
{
	if (!policy_parse_number(r, key, text, MAX_GSI, to))
		return false;
	if (*to < KVM_PVI_GSI_MAX || *to >= KVM_PVI_GSI_VIRTUAL)
		return true;
	reader_complain(r, r->line, "'%s' is '%s', which is no GSI; write a number from 0 to %u, or from %u to %u", key,
			policy_show(text).s, KVM_PVI_GSI_MAX - 1, KVM_PVI_GSI_VIRTUAL, MAX_GSI);
	return false;
}

char *policy_next_word(char **list)
{
	char *word = strsep(list, ","), *end;

	if (!word)
		return NULL;
	word += strspn(word, " \t");
	for (end = word + strlen(word); end > word && strchr(" \t", end[-1]); end--)
		;
	*end = '\0';
	return word;
}

static struct policy_gsi *vm_gsi(const struct policy_vm *vm, uint32_t gsi)
{
	size_t i;

	for (i = 0; i < vm->nr_gsis; i++)
		if (vm->gsis[i].gsi == gsi)
			return &vm->gsis[i];
	return NULL;
}

/*
 * What stands behind the GSIs, as "rate 1000 burst 100", is cut off; only what begins with one of these words is, for all
 * else is no GSI
 */
static bool parse_limits(struct reader *r, char *range, struct policy_gsi *limits)
{
	char *at = range + strcspn(range, " \t"), *word, *value;
	bool has_rate = false, has_burst = false, *has;
	uint64_t number;

	*limits = (struct policy_gsi){ 0 };
	while (*at) {
		word = at + strspn(at, " \t");
		has = !strncmp(word, "rate", 4) && strchr(" \t", word[4]) ? &has_rate :
			!strncmp(word, "burst", 5) && strchr(" \t", word[5]) ? &has_burst : NULL;
		if (!has)
			break;
		*at = '\0';
		at = word + strcspn(word, " \t");
		value = at + strspn(at, " \t");
		at = value + strcspn(value, " \t");
		value = strndupa(value, at - value);
		if (!policy_parse_number(r, has == &has_rate ? "rate" : "burst", value, UINT32_MAX, &number))
			return false;
		if (*has)
			reader_complain(r, r->line, "'%s' is there twice; leave one out", has == &has_rate ? "rate" : "burst");
		*has = true;
		*(has == &has_rate ? &limits->rate : &limits->burst) = number;
	}
	if ((has_rate || has_burst) && *at)
		reader_complain(r, r->line, "'%s' is neither rate nor burst; write GSI rate N burst N",
				policy_show(at + strspn(at, " \t")).s);
	else if (limits->burst && !limits->rate)
		reader_complain(r, r->line, "GSI %s has a burst but no rate; add 'rate N'", policy_show(range).s);
	/* A rate without a burst lets no more come at once than in a second. */
	if (!limits->burst)
		limits->burst = limits->rate;
	return !r->error_line;
}

static void vm_expose(struct reader *r, struct policy_vm *vm, const char *text)
{
	char *copy = strdupa(text), *range, *dash;
	struct policy_gsi gsi;
	uint64_t first, last;

	while ((range = policy_next_word(&copy))) {
		if (!parse_limits(r, range, &gsi))
			return;
		dash = strchr(range, '-');
		if (dash)
			*dash++ = '\0';
		if (!parse_gsi(r, "expose", range, &first) || !parse_gsi(r, "expose", dash ?: range, &last))
			return;
		if (last < first || last - first >= POLICY_MAX_GSIS - vm->nr_gsis) {
			reader_complain(r, r->line, "'%s' is no range, or too much; write FIRST-LAST, at most %u GSIs",
				 policy_show(text).s, POLICY_MAX_GSIS);
			return;
		}
		for (; first <= last; first++) {
			if (vm_gsi(vm, first)) {
				reader_complain(r, r->line, "GSI %u is exposed twice; leave one out",
					 (unsigned int)first);
				return;
			}
			vm->gsis = policy_grow(vm->gsis, vm->nr_gsis, sizeof(*vm->gsis));
			gsi.gsi = first;
			gsi.bell = POLICY_NO_BELL;
			gsi.word = POLICY_NO_WORD;
			vm->gsis[vm->nr_gsis++] = gsi;
		}
	}
}

/*
 * Numbers the bells or words of GSIs in the order in which @key names them, and returns how many there are. A ring of a
 * bell is owed by its flags, so it has no word.
 */
static uint32_t vm_number(struct reader *r, struct policy_vm *vm, const char *key, const char *text, bool words)
{
	char *copy = strdupa(text), *word;
	struct policy_gsi *gsi;
	uint64_t number;
	uint32_t nr = 0;

	while ((word = policy_next_word(&copy))) {
		if (!parse_gsi(r, key, word, &number))
			break;
		gsi = vm_gsi(vm, number);
		if (!gsi || gsi->bell != POLICY_NO_BELL || gsi->word != POLICY_NO_WORD) {
			reader_complain(r, r->line, "GSI %u %s; '%s' names GSIs of an 'expose' above it that have neither bell nor status word, each once",
				 (unsigned int)number, !gsi ? "is not exposed" :
				 gsi->bell != POLICY_NO_BELL ? "has a bell" : "has a status word", key);
			break;
		}
		*(words ? &gsi->word : &gsi->bell) = nr++;
	}
	return nr;
}

static void parse_text(struct reader *r, const char *key, const char *value, char *to, size_t room)
{
	if (!*value || strlen(value) >= room)
		reader_complain(r, r->line, "'%s' is empty or too long; write 1 to %zu bytes", key, room - 1);
	else
		stpcpy(to, value);
}

static void parse_name(struct reader *r, const char *text, uuid_t to)
{
	if (uuid_parse(text, to) || uuid_is_null(to))
		reader_complain(r, r->line, "'%s' is not a UUID; write what QEMU's -uuid or 'virsh domuuid' says",
				policy_show(text).s);
}

const char * const policy_vm_keys[] = { "uuid", "name", "user", "cgroup", "expose", "bells", "status", NULL };

void policy_vm_key(struct reader *r, const char *key, const char *value)
{
	struct policy_vm *vm = &r->policy->vms[r->policy->nr_vms - 1];

	if (!strcmp(key, "uuid")) {
		parse_name(r, value, vm->uuid);
	} else if (!strcmp(key, "name")) {
		parse_text(r, key, value, vm->name, sizeof(vm->name));
	} else if (!strcmp(key, "user")) {
		vm->has_user = parse_user(r, key, value, &vm->user);
	} else if (!strcmp(key, "cgroup")) {
		parse_text(r, key, value, vm->cgroup, sizeof(vm->cgroup));
		if (*vm->cgroup != '/')
			reader_complain(r, r->line, "'cgroup' is '%s'; write it from its root, as /machine.slice",
				 policy_show(value).s);
	} else if (!strcmp(key, "expose")) {
		vm_expose(r, vm, value);
	} else if (!strcmp(key, "bells")) {
		vm_number(r, vm, key, value, false);
	} else {
		vm->nr_words = vm_number(r, vm, key, value, true);
	}
}

const char * const policy_allow_keys[] = {
	"from", "to", "between", "gsi", "bell", "flags", "rate", "burst", "owner", NULL
};

/* The other direction is a permission of its own, when the section ends. */
static void allow_between(struct reader *r, struct policy_allow *allow, const char *value)
{
	char *copy = strdupa(value), *from = policy_next_word(&copy), *to = policy_next_word(&copy);

	if (!to || copy || !*from || !*to || !strcmp(from, to)) {
		reader_complain(r, r->line, "'between' is '%s'; write two names of VMs with a comma between them",
				policy_show(value).s);
		return;
	}
	parse_text(r, "between", from, allow->from_text, sizeof(allow->from_text));
	parse_text(r, "between", to, allow->to_text, sizeof(allow->to_text));
}

void policy_allow_key(struct reader *r, const char *key, const char *value)
{
	struct policy_allow *allow = &r->policy->allows[r->policy->nr_allows - 1];
	uint64_t number = 0;

	if (!strcmp(key, "from")) {
		parse_text(r, key, value, allow->from_text, sizeof(allow->from_text));
	} else if (!strcmp(key, "to")) {
		parse_text(r, key, value, allow->to_text, sizeof(allow->to_text));
	} else if (!strcmp(key, "between")) {
		allow_between(r, allow, value);
	} else if (!strcmp(key, "gsi")) {
		if (!strcmp(value, "any"))
			allow->what = KVM_PVI_GSI_ANY;
		else if (parse_gsi(r, key, value, &number))
			allow->what = number;
	} else if (!strcmp(key, "bell")) {
		allow->bell = policy_parse_number(r, key, value, MAX_BELL, &number);
		allow->what = number;
	} else if (!strcmp(key, "flags")) {
		if (policy_parse_number(r, key, value, UINT64_MAX, &allow->bits) && !allow->bits)
			reader_complain(r, r->line, "'flags' are none; write a number with bits set, as 0xff");
	} else if (!strcmp(key, "rate")) {
		policy_parse_number(r, key, value, UINT32_MAX, &number);
		allow->rate = number;
	} else if (!strcmp(key, "burst")) {
		policy_parse_number(r, key, value, UINT32_MAX, &number);
		allow->burst = number;
	} else {
		allow->has_owner = parse_user(r, key, value, &allow->owner);
	}
}

const char * const policy_reserve_keys[] = { "uuid", "user", NULL };

void policy_reserve_key(struct reader *r, const char *key, const char *value)
{
	struct policy_reserve *reserve = &r->policy->reserves[r->policy->nr_reserves - 1];

	if (!strcmp(key, "uuid"))
		parse_name(r, value, reserve->uuid);
	else
		parse_user(r, key, value, &reserve->user);
}
