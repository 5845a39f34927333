// SPDX-License-Identifier: GPL-2.0-or-later
/* common policy_link - sections [link NAME] of a policy */
#include <ctype.h>
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "policy_reader.h"

#define MAX_ID 0xfffffffeu

/* A UUID of version 5 follows from it, and from whom a link is called and is between. */
static const uuid_t namespace = {
	0x5b, 0x0e, 0x6f, 0x1c, 0x8a, 0x4d, 0x4c, 0x2e, 0x9b, 0x73, 0x1f, 0x60, 0x2d, 0x9a, 0x44, 0xe7
};

static struct policy_link *last_link(const struct reader *r)
{
	return &r->policy->links[r->policy->nr_links - 1];
}

static void link_between(struct reader *r, struct policy_link *link, const char *value)
{
	char *copy = strdupa(value), *word = NULL;
	struct link_side *side;
	size_t i;

	for (i = 0; i < 2; i++) {
		side = &link->spec.sides[i];
		word = policy_next_word(&copy);
		side->host = word && !strncmp(word, "host:", 5);
		if (side->host)
			word += 5;
		if (!word || !*word || strlen(word) >= sizeof(link->texts[i]))
			break;
		stpcpy(link->texts[i], word);
	}
	if (i < 2 || copy)
		reader_complain(r, r->line, "'between' is '%s'; write two names of VMs, or UUIDs, with a comma between them, 'host:' before that of a process",
				policy_show(value).s);
}

/* USER or USER:GROUP; those of numbers nobody is asked for, who may be far away. */
static bool parse_owner(struct reader *r, char *text, struct link_side *side)
{
	char *group = strchr(text, ':');
	struct passwd *user = NULL;
	struct group *found;
	uint64_t number;
	bool is_number;

	if (group)
		*group++ = '\0';
	is_number = isdigit((unsigned char)*text);
	if (is_number && !policy_parse_number(r, "owner", text, MAX_ID, &number))
		return false;
	if (!is_number)
		user = getpwnam(text);
	if (!user && !is_number) {
		reader_no_such(r, "user", "passwd", text);
		return false;
	}
	side->uid = is_number ? number : user->pw_uid;
	side->grouped = group;
	if (!group)
		return true;
	if (isdigit((unsigned char)*group)) {
		if (!policy_parse_number(r, "owner", group, MAX_ID, &number))
			return false;
		side->gid = number;
		return true;
	}
	found = getgrnam(group);
	if (!found)
		reader_no_such(r, "group", "group", group);
	else
		side->gid = found->gr_gid;
	return found;
}

static void link_owner(struct reader *r, struct policy_link *link, const char *value)
{
	char *copy = strdupa(value), *first = policy_next_word(&copy), *second = policy_next_word(&copy);
	struct link_side *sides = link->spec.sides;

	if (copy) {
		reader_complain(r, r->line, "'owner' is '%s'; write a user, or two with a comma between them",
				policy_show(value).s);
		return;
	}
	if (!parse_owner(r, first, &sides[0]))
		return;
	sides[1].uid = sides[0].uid;
	sides[1].grouped = sides[0].grouped;
	sides[1].gid = sides[0].gid;
	link->spec.owned = !second || parse_owner(r, second, &sides[1]);
}

static void link_hugetlb(struct reader *r, struct policy_link *link, const char *value)
{
	bool mount = *value == '/' && strlen(value) < sizeof(link->huge_dir) && !strpbrk(value, " \t;#");

	link->spec.huge = mount || !strcmp(value, "yes");
	if (mount)
		stpcpy(link->huge_dir, value);
	else if (!link->spec.huge && strcmp(value, "no"))
		reader_complain(r, r->line, "'hugetlb' is '%s'; write yes, no, or where hugetlbfs is mounted",
				policy_show(value).s);
}

static void link_uuid(struct reader *r, struct policy_link *link, const char *value)
{
	if (uuid_parse(value, link->spec.uuid) || uuid_is_null(link->spec.uuid))
		reader_complain(r, r->line, "'%s' is not a UUID; write what 'uuidgen' says, or leave it out",
				policy_show(value).s);
}

static void link_queues(struct reader *r, struct policy_link *link, const char *value)
{
	uint64_t number = 0;

	if (policy_parse_number(r, "queues", value, PVI_RING_MAX_QUEUES, &number) && !number)
		reader_complain(r, r->line, "'queues' is '%s'; write a number from 1 to %u", policy_show(value).s,
				PVI_RING_MAX_QUEUES);
	link->spec.queues = number;
}

/* @wanted: what they should have written, or NULL */
static void must_be(struct reader *r, const char *key, const char *wanted, const char *value)
{
	if (wanted)
		reader_complain(r, r->line, "'%s' is '%s'; write %s", key, policy_show(value).s, wanted);
}

const char * const policy_link_keys[] = {
	"between", "kind", "size", "queues", "hugetlb", "owner", "cid", "ports", "uuid", NULL
};

void policy_link_key(struct reader *r, const char *key, const char *value)
{
	struct policy_link *link = last_link(r);
	struct link_spec *spec = &link->spec;

	if (!strcmp(key, "between"))
		link_between(r, link, value);
	else if (!strcmp(key, "kind"))
		must_be(r, key, links_parse_kind(value, &spec->kind), value);
	else if (!strcmp(key, "size"))
		must_be(r, key, links_parse_size(value, &spec->size), value);
	else if (!strcmp(key, "queues"))
		link_queues(r, link, value);
	else if (!strcmp(key, "hugetlb"))
		link_hugetlb(r, link, value);
	else if (!strcmp(key, "owner"))
		link_owner(r, link, value);
	else if (!strcmp(key, "cid"))
		must_be(r, key, links_parse_cids(strdupa(value), spec->cids), value);
	else if (!strcmp(key, "ports"))
		must_be(r, key, links_parse_ports(strdupa(value), spec->nr_ports, spec->ports), value);
	else
		link_uuid(r, link, value);
}

void policy_end_link(struct reader *r)
{
	struct policy_link *link = last_link(r);
	struct link_spec *spec = &link->spec;

	if (!*link->texts[1])
		reader_complain(r, r->section_line, "link '%s' does not say whom it is between; add a line 'between = A, B'",
				link->label);
	else if (spec->kind != PVI_RING_VSOCK && (spec->cids[0] || spec->nr_ports[0] || spec->nr_ports[1]))
		reader_complain(r, r->section_line, "link '%s' has addresses or ports, which are for 'kind = vsock'; leave them out, or add that",
				link->label);
	if (!spec->queues)
		spec->queues = links_queues(spec->kind);
}

static bool complain(struct policy *p, const struct policy_link *link, const char *fmt, ...) PRINTF_LIKE(3, 4);

static bool complain(struct policy *p, const struct policy_link *link, const char *fmt, ...)
{
	int len = snprintf(p->error, sizeof(p->error), "%s:%u: link '%s' ", link->file, link->line, link->label);
	va_list ap;

	va_start(ap, fmt);
	if (len < (int)sizeof(p->error))
		vsnprintf(p->error + len, sizeof(p->error) - len, fmt, ap);
	va_end(ap);
	return false;
}

static void name_link(struct policy_link *link)
{
	const unsigned char *a = link->spec.sides[0].uuid, *b = link->spec.sides[1].uuid;
	char text[POLICY_LABEL + 2 * UUID_STR_LEN], first[UUID_STR_LEN], second[UUID_STR_LEN];

	uuid_unparse_lower(uuid_compare(a, b) < 0 ? a : b, first);
	uuid_unparse_lower(uuid_compare(a, b) < 0 ? b : a, second);
	snprintf(text, sizeof(text), "%s %s %s", link->label, first, second);
	uuid_generate_sha1(link->spec.uuid, namespace, text, strlen(text));
}

/* A VM that is one user's: that one's VMM has the section. */
static void own_by_vm(struct link_spec *spec, size_t i, const struct policy_vm *vm)
{
	if (!vm || !vm->has_user)
		return;
	spec->owned = true;
	spec->sides[i].uid = vm->user;
}

static bool is_all_ones(const uuid_t uuid)
{
	size_t i;

	for (i = 0; i < sizeof(uuid_t) && uuid[i] == 0xff; i++)
		;
	return i == sizeof(uuid_t);
}

static bool resolve_sides(struct policy *p, struct policy_link *link,
			  const struct policy_vm *(*find)(const char *label, void *arg), void *arg)
{
	struct link_spec *spec = &link->spec;
	bool owned = spec->owned;
	const struct policy_vm *vm;
	struct link_side *side;
	const char *text;
	size_t i;

	for (i = 0; i < 2; i++) {
		side = &spec->sides[i];
		text = link->texts[i];
		vm = find(text, arg);
		if (vm && side->host)
			return complain(p, link, "is to 'host:%s', which is a VM; leave 'host:' out, or write the UUID of a process",
					text);
		if (vm)
			uuid_copy(side->uuid, vm->uuid);
		else if (uuid_parse(text, side->uuid) || uuid_is_null(side->uuid) || is_all_ones(side->uuid))
			return complain(p, link, side->host ? "is to a process '%s'; write a UUID behind 'host:'" :
					"is to '%s', which is no VM of the policy; write its section [vm NAME], or a UUID",
					policy_show(text).s);
		if (!owned)
			own_by_vm(spec, i, vm);
	}
	if (!uuid_compare(spec->sides[0].uuid, spec->sides[1].uuid))
		return complain(p, link, "is between one and the same; write two");
	return true;
}

static bool check_queues(struct policy *p, const struct policy_link *link)
{
	struct pvi_link shape = {
		.kind = link->spec.kind, .queues = link->spec.queues, .size = link->spec.size,
		.sides = { { .gsis = link->spec.queues }, { .gsis = link->spec.queues, .uuid = { 1 } } },
	};
	struct pvi_ring_shape unused;

	return !pvi_link_shape(&shape, 0, &unused) ||
		complain(p, link, "has no room for %u queues; write a larger 'size', or fewer 'queues'", link->spec.queues);
}

static int compare_links(const void *a, const void *b)
{
	const struct policy_link *x = a, *y = b;

	return uuid_compare(x->spec.uuid, y->spec.uuid);
}

/* QEMU is told the beginning. */
static bool check_uuids(struct policy *p)
{
	const struct policy_link *l = p->links;
	size_t i;

	for (i = 1; i < p->nr_links; i++)
		if (!memcmp(l[i - 1].spec.uuid, l[i].spec.uuid, LINKS_SHORT / 2))
			return complain(p, &l[i], "has a UUID that begins as that of link '%s'; write another 'uuid'",
					l[i - 1].label);
	return true;
}

/* An end of a link of kind vsock */
struct vsock_end {
	const struct policy_link *link;
	size_t side;
};

static const unsigned char *end_uuid(const struct vsock_end *e, bool peer)
{
	return e->link->spec.sides[peer ? 1 - e->side : e->side].uuid;
}

static uint32_t end_cid(const struct vsock_end *e)
{
	return e->link->spec.cids[e->side];
}

static int compare_numbers(uint32_t a, uint32_t b)
{
	return a < b ? -1 : a > b;
}

/* By whose it is, then by whose the other one is */
static int compare_pairs(const void *a, const void *b)
{
	return uuid_compare(end_uuid(a, false), end_uuid(b, false)) ?: uuid_compare(end_uuid(a, true), end_uuid(b, true));
}

/* By whose it is, then by address, of which none comes first */
static int compare_owners(const void *a, const void *b)
{
	return uuid_compare(end_uuid(a, false), end_uuid(b, false)) ?: compare_numbers(end_cid(a), end_cid(b));
}

static int compare_cids(const void *a, const void *b)
{
	return compare_numbers(end_cid(a), end_cid(b)) ?: uuid_compare(end_uuid(a, false), end_uuid(b, false));
}

/* A VM has one address, which is no other VM's, and one link to each. */
static bool check_ends(struct policy *p, struct vsock_end *e, size_t nr)
{
	size_t i;

	qsort(e, nr, sizeof(*e), compare_pairs);
	for (i = 1; i < nr; i++)
		if (!compare_pairs(&e[i - 1], &e[i]))
			return complain(p, e[i].link, "is of kind vsock between the same two as '%s'; leave one out",
					e[i - 1].link->label);
	qsort(e, nr, sizeof(*e), compare_owners);
	for (i = 1; i < nr; i++)
		if (!uuid_compare(end_uuid(&e[i - 1], false), end_uuid(&e[i], false)) && end_cid(&e[i - 1]) &&
		    end_cid(&e[i - 1]) != end_cid(&e[i]))
			return complain(p, e[i].link, "gives CID %u to whom '%s' gives %u; write one and the same",
					end_cid(&e[i]), e[i - 1].link->label, end_cid(&e[i - 1]));
	qsort(e, nr, sizeof(*e), compare_cids);
	for (i = 1; i < nr; i++)
		if (end_cid(&e[i]) && end_cid(&e[i - 1]) == end_cid(&e[i]) &&
		    uuid_compare(end_uuid(&e[i - 1], false), end_uuid(&e[i], false)))
			return complain(p, e[i].link, "gives CID %u, which '%s' gives to another one; write another 'cid'",
					end_cid(&e[i]), e[i - 1].link->label);
	return true;
}

static bool check_vsock(struct policy *p)
{
	struct vsock_end *ends = calloc(2 * p->nr_links + 1, sizeof(*ends));
	size_t i, nr = 0;
	bool done;

	if (!ends)
		abort();
	for (i = 0; i < 2 * p->nr_links; i++)
		if (p->links[i / 2].spec.kind == PVI_RING_VSOCK)
			ends[nr++] = (struct vsock_end){ &p->links[i / 2], i % 2 };
	done = check_ends(p, ends, nr);
	free(ends);
	return done;
}

bool policy_resolve_links(struct policy *p, const struct policy_vm *(*find)(const char *label, void *arg), void *arg)
{
	struct policy_link *link;
	size_t i;

	for (i = 0; i < p->nr_links; i++) {
		link = &p->links[i];
		if (!resolve_sides(p, link, find, arg) || !check_queues(p, link))
			return false;
		if (uuid_is_null(link->spec.uuid))
			name_link(link);
	}
	if (p->nr_links)
		qsort(p->links, p->nr_links, sizeof(*p->links), compare_links);
	return check_uuids(p) && check_vsock(p);
}

struct link_spec policy_link_spec(const struct policy_link *link, const char *text)
{
	struct link_spec spec = link->spec;

	spec.huge_dir = *link->huge_dir ? link->huge_dir : NULL;
	spec.label = link->label;
	spec.policy = text;
	return spec;
}

const struct policy_link *policy_link(const struct policy *p, const uuid_t uuid)
{
	struct policy_link key;

	uuid_copy(key.spec.uuid, uuid);
	return p->nr_links ? bsearch(&key, p->links, p->nr_links, sizeof(key), compare_links) : NULL;
}
