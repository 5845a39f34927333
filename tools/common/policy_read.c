// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * common policy_read - a file of a policy, read by libinih
 *
 * libinih cuts what is too long for it and tells nobody that a section begins, so lines go through
 * reader_line(), which knows the line's number, refuses what would be cut, and ends sections.
 */
#include <ini.h>
#include <libpvi.h>
#include <search.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "policy_reader.h"

#define BLANKS " \t\n\v\f\r"	/* of libinih */
#define MAX_LINE 198		/* of libinih, which has 200 bytes for it */

void reader_complain(struct reader *r, unsigned int line, const char *fmt, ...)
{
	char text[640];
	va_list ap;

	if (r->error_line)
		return;
	r->error_line = r->dropin ? r->line : line;
	r->policy->no_user = false;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	snprintf(r->policy->error, sizeof(r->policy->error), "%s:%u: %s", r->dropin ? r->dropin->file : r->file,
		 r->dropin ? r->dropin->line : line, text);
}

void reader_no_such(struct reader *r, const char *what, const char *database, const char *name)
{
	bool first = !r->error_line;

	reader_complain(r, r->line, "there is no %s '%s'; write one of 'getent %s', or a number", what, policy_show(name).s,
			database);
	r->policy->no_user |= first;
}

static bool seen(const struct reader *r, const char * const keys[], const char *key)
{
	unsigned int i;

	for (i = 0; keys[i]; i++)
		if (!strcmp(keys[i], key))
			return r->keys & (1u << i);
	return false;
}

static int compare_uuids(const void *a, const void *b)
{
	return uuid_compare(a, b);
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* False if it was there */
static bool remember(void **set, const void *what, size_t size, int (*compare)(const void *, const void *))
{
	void *copy;

	if (tfind(what, set, compare))
		return false;
	copy = malloc(size);
	if (!copy || !tsearch(memcpy(copy, what, size), set, compare))
		abort();
	return true;
}

static void end_vm(struct reader *r)
{
	struct policy_vm *vm = &r->policy->vms[r->policy->nr_vms - 1];

	if (!seen(r, policy_vm_keys, "uuid"))
		reader_complain(r, r->section_line, "VM '%s' has no UUID; add a line 'uuid = ...'", vm->label);
	else if (!remember(&r->policy->uuids, vm->uuid, sizeof(vm->uuid), compare_uuids))
		reader_complain(r, r->section_line, "VM '%s' has the UUID of another one; a VM is one section",
			 vm->label);
}

static void allow_back(struct policy *p)
{
	struct policy_allow *allow, *back;

	p->allows = policy_grow(p->allows, p->nr_allows, sizeof(*p->allows));
	allow = &p->allows[p->nr_allows - 1];
	back = &p->allows[p->nr_allows++];
	*back = *allow;
	stpcpy(back->from_text, allow->to_text);
	stpcpy(back->to_text, allow->from_text);
}

static void end_allow(struct reader *r)
{
	struct policy_allow *allow = &r->policy->allows[r->policy->nr_allows - 1];
	bool both = seen(r, policy_allow_keys, "between");
	bool one = seen(r, policy_allow_keys, "from") || seen(r, policy_allow_keys, "to");

	if (both && one)
		reader_complain(r, r->section_line, "'%s' has 'between', and 'from' or 'to'; leave one out", allow->label);
	else if (!*allow->from_text || !*allow->to_text)
		reader_complain(r, r->section_line, "'%s' does not say who may ring whom; add 'from = ' and 'to = '",
			 allow->label);
	else if (seen(r, policy_allow_keys, "gsi") == seen(r, policy_allow_keys, "bell"))
		reader_complain(r, r->section_line, "'%s' needs one of 'gsi' and 'bell'; write one line", allow->label);
	else if (seen(r, policy_allow_keys, "flags") && !allow->bell)
		reader_complain(r, r->section_line, "'%s' has flags but no bell; leave them out", allow->label);
	else if (allow->burst && !allow->rate)
		reader_complain(r, r->section_line, "'%s' has a burst but no rate; add 'rate = '", allow->label);
	/* A rate without a burst lets no more come at once than in a second. */
	if (!allow->burst)
		allow->burst = allow->rate;
	if (both)
		allow_back(r->policy);
}

static void end_reserve(struct reader *r)
{
	const struct policy_reserve *reserve = &r->policy->reserves[r->policy->nr_reserves - 1];

	if (!seen(r, policy_reserve_keys, "uuid") || !seen(r, policy_reserve_keys, "user"))
		reader_complain(r, r->section_line, "'%s' does not say what is kept for whom; add 'uuid = ' and 'user = '",
				reserve->label);
}

static void read_rest(struct reader *r);

static void end_section(struct reader *r)
{
	if (r->section != SECTION_NONE && !r->fresh)
		read_rest(r);
	/* The section itself is as right as it was before. */
	r->dropin = r->changed;
	if (r->fresh)
		reader_complain(r, r->section_line, "nothing is in this section; write its keys below it, or remove it");
	else if (r->collects || r->error_line)
		;
	else if (r->section == SECTION_VM)
		end_vm(r);
	else if (r->section == SECTION_ALLOW)
		end_allow(r);
	else if (r->section == SECTION_LINK)
		policy_end_link(r);
	else if (r->section == SECTION_RESERVE)
		end_reserve(r);
	r->section = SECTION_NONE;
	r->dropin = r->changed = NULL;
	r->fresh = false;
}

static bool is_label(const char *text)
{
	return *text && text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")]
		== '\0';
}

#define SECTIONS "[vm NAME], [allow NAME], [link NAME] or [reserve NAME]"

/* The kinds of sections, and their keys */
static const struct kind {
	const char *name;
	const char * const *keys;
	void (*key)(struct reader *r, const char *key, const char *value);
} kinds[] = {
	[SECTION_NONE] = { 0 },
	[SECTION_VM] = { "vm", policy_vm_keys, policy_vm_key },
	[SECTION_ALLOW] = { "allow", policy_allow_keys, policy_allow_key },
	[SECTION_LINK] = { "link", policy_link_keys, policy_link_key },
	[SECTION_RESERVE] = { "reserve", policy_reserve_keys, policy_reserve_key },
};

static enum section kind_of(const char *section)
{
	size_t len = strcspn(section, " ");
	enum section kind;

	for (kind = SECTION_VM; kind <= SECTION_RESERVE; kind++)
		if (strlen(kinds[kind].name) == len && !strncmp(section, kinds[kind].name, len))
			return kind;
	return SECTION_NONE;
}

static void begin_vm(struct policy *p, const char *label)
{
	p->vms = policy_grow(p->vms, p->nr_vms, sizeof(*p->vms));
	p->vms[p->nr_vms] = (struct policy_vm){ 0 };
	stpcpy(p->vms[p->nr_vms++].label, label);
}

static void begin_allow(struct policy *p, const char *label, const struct reader *r)
{
	p->allows = policy_grow(p->allows, p->nr_allows, sizeof(*p->allows));
	p->allows[p->nr_allows] = (struct policy_allow){
		.bits = UINT64_MAX, .line = r->section_line, .file = r->file,
	};
	stpcpy(p->allows[p->nr_allows++].label, label);
}

static void begin_link(struct policy *p, const char *label, const struct reader *r)
{
	p->links = policy_grow(p->links, p->nr_links, sizeof(*p->links));
	p->links[p->nr_links] = (struct policy_link){
		.spec = { .kind = PVI_RING_NET, .size = LINKS_SIZE },
		.line = r->section_line, .file = r->file,
	};
	stpcpy(p->links[p->nr_links++].label, label);
}

static void begin_reserve(struct policy *p, const char *label, const struct reader *r)
{
	p->reserves = policy_grow(p->reserves, p->nr_reserves, sizeof(*p->reserves));
	p->reserves[p->nr_reserves] = (struct policy_reserve){ .line = r->section_line, .file = r->file };
	stpcpy(p->reserves[p->nr_reserves++].label, label);
}

static void begin_section(struct reader *r, const char *section)
{
	enum section kind = kind_of(section);
	const char *label = strchr(section, ' ');
	struct policy *p = r->policy;
	uuid_t unused;

	r->lines = r->keys = 0;
	r->fresh = false;
	if (!label || !is_label(label + 1) || !uuid_parse(label + 1, unused) || kind == SECTION_NONE) {
		reader_complain(r, r->section_line,
			 "there is no section '%s'; write " SECTIONS ", a NAME of letters, digits, '_', '.' and '-', but no UUID",
			 policy_show(section).s);
		return;
	}
	if (!remember(r->collects ? &r->collected : &p->labels, section, strlen(section) + 1, compare_texts)) {
		reader_complain(r, r->section_line, "section '%s' is there already; give it another name", section);
		return;
	}
	r->section = kind;
	snprintf(r->name, sizeof(r->name), "%s", section);
	if (r->collects)
		return;
	if (kind == SECTION_VM)
		begin_vm(p, label + 1);
	else if (kind == SECTION_ALLOW)
		begin_allow(p, label + 1, r);
	else if (kind == SECTION_LINK)
		begin_link(p, label + 1, r);
	else
		begin_reserve(p, label + 1, r);
}

/* They are few, and short. */
static const char *list_keys(const char * const *keys, char text[static 128])
{
	char *at = text;

	*at = '\0';
	for (; *keys; keys++)
		at = stpcpy(stpcpy(at, *keys), keys[1] ? ", " : "");
	return text;
}

/* Where it is said that a section, as it is, does not go with others */
static void move_section(const struct reader *r)
{
	struct policy *p = r->policy;
	const struct dropin *one = r->dropin;

	if (r->section == SECTION_ALLOW) {
		p->allows[p->nr_allows - 1].file = one->file;
		p->allows[p->nr_allows - 1].line = one->line;
	} else if (r->section == SECTION_LINK) {
		p->links[p->nr_links - 1].file = one->file;
		p->links[p->nr_links - 1].line = one->line;
	} else if (r->section == SECTION_RESERVE) {
		p->reserves[p->nr_reserves - 1].file = one->file;
		p->reserves[p->nr_reserves - 1].line = one->line;
	}
}

/* What a drop-in says, in place of a line or behind the last one */
static void read_one(struct reader *r, unsigned int key, const struct dropin *one)
{
	const struct kind *kind = &kinds[r->section];

	r->dropin = r->changed = one;
	move_section(r);
	if (*one->value) {
		r->keys |= 1u << key;
		kind->key(r, kind->keys[key], one->value);
	} else {
		r->keys &= ~(1u << key);
	}
	r->dropin = NULL;
}

static unsigned int find_key(const struct kind *kind, const char *key)
{
	unsigned int i = 0;

	while (kind->keys[i] && strcmp(kind->keys[i], key))
		i++;
	return i;
}

/* The keys of drop-ins that this section has not */
static void read_rest(struct reader *r)
{
	struct dropin *all, *last;
	size_t nr = 0, i;

	if (!r->dropins || r->collects)
		return;
	all = dropins_of(r->dropins, r->name, &nr);
	for (i = 0; i < nr && !r->error_line; i++) {
		last = dropins_take(r->dropins, r->name, all[i].key);
		if (last)
			read_one(r, find_key(&kinds[r->section], last->key), last);
	}
}

static int reader_key(void *arg, const char *section, const char *key, const char *value)
{
	struct reader *r = arg;
	const struct dropin *one;
	const struct kind *kind;
	unsigned int i;
	char text[128];

	if (r->error_line)
		return 0;
	if (*section && r->fresh)
		begin_section(r, section);
	if (!r->error_line && (!*section || r->section == SECTION_NONE))
		reader_complain(r, r->line, "'%s' is in no section; write " SECTIONS " above it", policy_show(key).s);
	if (r->error_line)
		return 0;
	kind = &kinds[r->section];
	i = find_key(kind, key);
	if (!kind->keys[i]) {
		reader_complain(r, r->line, "there is no key '%s' here; write one of %s", policy_show(key).s,
				list_keys(kind->keys, text));
	} else if (r->lines & (1u << i)) {
		reader_complain(r, r->line, "'%s' is there already; leave one out", key);
	} else {
		r->lines |= 1u << i;
		r->keys |= 1u << i;
		one = r->dropins && !r->collects ? dropins_take(r->dropins, section, key) : NULL;
		if (r->collects)
			dropins_add(r->dropins, r, section, key, value);
		else if (one)
			read_one(r, i, one);
		else
			kind->key(r, key, value);
	}
	return !r->error_line;
}

/* libinih takes no notice of what stands behind the bracket. */
static void begin_brackets(struct reader *r, const char *line)
{
	const char *end = strchr(line, ']'), *more = end ? end + 1 + strspn(end + 1, BLANKS) : "";
	size_t len = strcspn(more, "\n");

	end_section(r);
	r->fresh = true;
	r->section_line = r->line;
	if (strcspn(line, "]") > POLICY_LABEL)
		reader_complain(r, r->line, "the section's name is too long; %u bytes are allowed", POLICY_LABEL - 1);
	else if (*more && (*more != ';' || more == end + 1))
		reader_complain(r, r->line, "'%s' stands behind the section's name; write it in a line of its own",
				policy_show(strndupa(more, len)).s);
}

/* As fgets(): the next line, or NULL */
static char *reader_line(char *to, int room, void *arg)
{
	struct reader *r = arg;
	char *end, *text;
	size_t len;

	if (r->error_line || r->at == r->end)
		return NULL;
	r->line++;
	end = memchr(r->at, '\n', r->end - r->at) ?: r->end;
	len = end - r->at;
	if (len > MAX_LINE || len + 2 > (size_t)room) {
		reader_complain(r, r->line, "the line is too long; %u bytes are allowed", MAX_LINE);
		return NULL;
	}
	if (memchr(r->at, '\0', len)) {
		reader_complain(r, r->line, "there is a byte that is 0; write text");
		return NULL;
	}
	memcpy(to, r->at, len);
	stpcpy(to + len, "\n");
	r->at = end < r->end ? end + 1 : end;
	text = to + strspn(to, BLANKS);
	if (text > to && *text && !strchr("#;", *text))
		reader_complain(r, r->line, "the line begins with a blank; remove it");
	else if (*text == '[')
		begin_brackets(r, text);
	return r->error_line ? NULL : to;
}

static bool read_lines(struct reader *r, char *text, size_t size)
{
	size_t mark = size >= 3 && !memcmp(text, "\xef\xbb\xbf", 3) ? 3 : 0;
	int line;

	r->at = text + mark;
	r->end = text + size;
	/* libinih would take a second one for nothing. */
	if (size >= mark + 3 && mark && !memcmp(text + mark, "\xef\xbb\xbf", 3)) {
		reader_complain(r, 1, "the file begins with two byte order marks; remove them");
		return false;
	}
	line = ini_parse_stream(reader_line, r, reader_key, r);
	if (line > 0 && (!r->error_line || (unsigned int)line < r->error_line)) {
		r->error_line = 0;
		reader_complain(r, line, "that is neither [SECTION] nor KEY = VALUE; write one of them, or '#' before it");
	} else if (line < 0) {
		reader_complain(r, r->line, "out of memory; free some");
	}
	if (!r->error_line)
		end_section(r);
	return !r->error_line;
}

/* Sections that only drop-ins have */
static bool read_new_sections(struct reader *r)
{
	const struct dropin *one;
	size_t i;

	for (i = 0; i < r->dropins->nr && !r->error_line; i++) {
		one = &r->dropins->all[i];
		if (one->taken)
			continue;
		r->file = one->file;
		r->line = one->section_line;
		r->section_line = one->section_line;
		begin_section(r, one->section);
		if (!r->error_line)
			end_section(r);
	}
	return !r->error_line;
}

bool policy_read_text(struct policy *p, struct dropins *dropins, const char *file, char *text, size_t size)
{
	struct reader r = { .policy = p, .dropins = dropins, .file = file };

	return read_lines(&r, text, size) && (!dropins || read_new_sections(&r));
}

bool policy_read_dropin(struct policy *p, struct dropins *dropins, const char *file, char *text, size_t size)
{
	struct reader r = { .policy = p, .dropins = dropins, .collects = true, .file = file };
	bool done = read_lines(&r, text, size);

	tdestroy(r.collected, free);
	return done;
}
