// SPDX-License-Identifier: GPL-2.0-or-later
/* common policy - its files as a whole, refused at the first thing that is wrong */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libpvi.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy_reader.h"

#define MAX_SIZE (64 << 20)	/* of all files */
#define NO_LIMIT SIZE_MAX

struct shown policy_show(const char *text)
{
	struct shown shown;

	escape(shown.s, sizeof(shown.s), text);
	return shown;
}

void *policy_grow(void *list, size_t nr, size_t size)
{
	void *more;

	/* By powers of two */
	if (nr & (nr - 1))
		return list;
	more = reallocarray(list, nr ? 2 * nr : 1, size);
	if (!more) {
		fputs("out of memory\n", stderr);
		abort();
	}
	return more;
}

static bool complain_of_file(struct policy *p, const char *file, const char *why, const char *cure)
{
	snprintf(p->error, sizeof(p->error), "%s:0: %s; %s", file, why, cure);
	return false;
}

/* @dropins: NULL, or what stands in for lines of it; @is_one: it is a drop-in itself */
static bool read_file(struct policy *p, struct dropins *dropins, bool is_one, const char *path, size_t limit)
{
	const char *cure = "let root read it, or remove it";
	/* A FIFO would have us wait. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	FILE *in = fd < 0 ? NULL : fdopen(fd, "r");
	struct stat st;
	const char *file;
	size_t size;
	char *text;
	bool done;

	if (!in)
		return complain_of_file(p, path, strerror(errno), cure);
	if (fstat(fileno(in), &st) || !S_ISREG(st.st_mode) || (size_t)st.st_size > limit - p->size) {
		fclose(in);
		return complain_of_file(p, path, "it is no file, or all are more than 64 MiB", cure);
	}
	p->size += st.st_size;
	p->files = policy_grow(p->files, p->nr_files, sizeof(*p->files));
	file = p->files[p->nr_files++] = strdup(path);
	text = malloc(st.st_size + 1);
	size = text ? fread(text, 1, st.st_size, in) : 0;
	if (!file || !text || ferror(in))
		done = complain_of_file(p, path, "it cannot be read", cure);
	else
		done = is_one ? policy_read_dropin(p, dropins, file, text, size) :
			policy_read_text(p, dropins, file, text, size);
	free(text);
	fclose(in);
	return done;
}

struct label {
	const char *label;
	const struct policy_vm *vm;
};

static int compare_labels(const void *a, const void *b)
{
	return strcmp(((const struct label *)a)->label, ((const struct label *)b)->label);
}

struct labels {
	const struct label *all;
	size_t nr;
};

static const struct policy_vm *find_label(const char *text, void *arg)
{
	const struct labels *labels = arg;
	struct label key = { .label = text };
	const struct label *found = labels->nr ? bsearch(&key, labels->all, labels->nr, sizeof(key), compare_labels) : NULL;

	return found ? found->vm : NULL;
}

static bool resolve_one(const struct label *labels, size_t nr, const char *text, uuid_t uuid)
{
	const struct policy_vm *found = find_label(text, &(struct labels){ labels, nr });

	if (found)
		uuid_copy(uuid, found->uuid);
	return found || !uuid_parse(text, uuid);
}

static int compare_allows(const void *a, const void *b)
{
	const struct policy_allow *x = a, *y = b;

	return uuid_compare(x->to, y->to) ?: uuid_compare(x->from, y->from) ?: x->bell - y->bell ?:
		(x->what < y->what ? -1 : x->what > y->what);
}

static bool check_doubles(struct policy *p)
{
	const struct policy_allow *a = p->allows;
	size_t i;

	if (p->nr_allows)
		qsort(p->allows, p->nr_allows, sizeof(*p->allows), compare_allows);
	for (i = 1; i < p->nr_allows; i++)
		if (!compare_allows(&a[i - 1], &a[i]))
			break;
	if (i < p->nr_allows)
		snprintf(p->error, sizeof(p->error), "%s:%u: '%s' allows what '%s' allows; leave one out",
			 a[i].file, a[i].line, a[i].label, a[i - 1].label);
	return i >= p->nr_allows;
}

static int compare_vms(const void *a, const void *b)
{
	const struct policy_vm *x = a, *y = b;

	return uuid_compare(x->uuid, y->uuid);
}

/* Those of one VM, for which it is not said what it exposes, are what permissions name. */
static bool imply_gsi(struct policy *p, const struct policy_allow *a)
{
	const struct policy_vm *found = policy_vm(p, a->to);
	struct policy_vm *to = found ? &p->vms[found - p->vms] : NULL;
	size_t i;

	if (!to || a->bell || a->what == KVM_PVI_GSI_ANY || (to->nr_gsis && !to->implied))
		return true;
	for (i = 0; i < to->nr_gsis; i++)
		if (to->gsis[i].gsi == a->what)
			return true;
	if (to->nr_gsis == POLICY_MAX_GSIS) {
		snprintf(p->error, sizeof(p->error), "%s:%u: '%s' allows one GSI of VM '%s' too many; a VM has at most %u",
			 a->file, a->line, a->label, to->label, POLICY_MAX_GSIS);
		return false;
	}
	to->gsis = policy_grow(to->gsis, to->nr_gsis, sizeof(*to->gsis));
	to->gsis[to->nr_gsis++] = (struct policy_gsi){
		.gsi = a->what, .bell = POLICY_NO_BELL, .word = POLICY_NO_WORD,
	};
	to->implied = true;
	return true;
}

static int compare_gsis(const void *a, const void *b)
{
	const struct policy_gsi *x = a, *y = b;

	return x->gsi < y->gsi ? -1 : x->gsi > y->gsi;
}

static void sort_gsis(struct policy *p)
{
	size_t i;

	for (i = 0; i < p->nr_vms; i++)
		if (p->vms[i].nr_gsis)
			qsort(p->vms[i].gsis, p->vms[i].nr_gsis, sizeof(*p->vms[i].gsis), compare_gsis);
}

/* A row for what is not there would serve nobody, and whoever exposes it later. */
static bool check_receiver(struct policy *p, const struct policy_allow *a)
{
	const struct policy_vm *to = policy_vm(p, a->to);
	bool there = a->what == KVM_PVI_GSI_ANY && !a->bell;
	size_t i;

	for (i = 0; to && i < to->nr_gsis && !there; i++)
		there = (a->bell ? to->gsis[i].bell : to->gsis[i].gsi) == a->what;
	if (!to)
		snprintf(p->error, sizeof(p->error), "%s:%u: '%s' is for '%s', which is no VM of the policy; write a section [vm NAME]",
			 a->file, a->line, a->label, policy_show(a->to_text).s);
	else if (!there)
		snprintf(p->error, sizeof(p->error), "%s:%u: '%s' allows %s %u, which VM '%s' has not; name its GSI in '%s' there",
			 a->file, a->line, a->label, a->bell ? "bell" : "GSI", a->what, to->label,
			 a->bell ? "bells" : "expose");
	return to && there;
}

/* A VM that is one user's may be named by another's endpoint, while it does not run. */
static void pin_sender(const struct policy *p, struct policy_allow *a)
{
	const struct policy_vm *from = policy_vm(p, a->from);

	if (!from || !from->has_user || a->has_owner)
		return;
	a->has_owner = true;
	a->owner = from->user;
}

static int compare_reserves(const void *a, const void *b)
{
	const struct policy_reserve *x = a, *y = b;

	return uuid_compare(x->uuid, y->uuid);
}

static int compare_reserve_lines(const void *a, const void *b)
{
	const struct policy_reserve *x = a, *y = b;

	return compare_reserves(x, y) ?: (x->line > y->line) - (x->line < y->line);
}

/* A name is one user's, who has to be the one that the VM is said to be of. */
static bool check_reserves(struct policy *p)
{
	struct policy_reserve *r = p->reserves;
	const struct policy_vm *vm;
	size_t i;

	if (p->nr_reserves)
		qsort(r, p->nr_reserves, sizeof(*r), compare_reserve_lines);
	for (i = 0; i < p->nr_reserves; i++) {
		vm = policy_vm(p, r[i].uuid);
		if (i && !compare_reserves(&r[i - 1], &r[i]))
			snprintf(p->error, sizeof(p->error), "%s:%u: '%s' has the UUID of '%s'; leave one out",
				 r[i].file, r[i].line, r[i].label, r[i - 1].label);
		else if (vm && vm->has_user && vm->user != r[i].user)
			snprintf(p->error, sizeof(p->error), "%s:%u: '%s' keeps the UUID of VM '%s' from its own user; write the same 'user'",
				 r[i].file, r[i].line, r[i].label, vm->label);
		else
			continue;
		return false;
	}
	return true;
}

const struct policy_reserve *policy_reserve(const struct policy *p, const uuid_t uuid)
{
	struct policy_reserve key;

	uuid_copy(key.uuid, uuid);
	return p->nr_reserves ? bsearch(&key, p->reserves, p->nr_reserves, sizeof(key), compare_reserves) : NULL;
}

static bool resolve(struct policy *p)
{
	struct label *labels = calloc(p->nr_vms + 1, sizeof(*labels));
	bool done = true;
	size_t i;

	if (!labels)
		abort();
	if (p->nr_vms)
		qsort(p->vms, p->nr_vms, sizeof(*p->vms), compare_vms);
	for (i = 0; i < p->nr_vms; i++)
		labels[i] = (struct label){ p->vms[i].label, &p->vms[i] };
	qsort(labels, p->nr_vms, sizeof(*labels), compare_labels);
	for (i = 0; i < p->nr_allows && done; i++) {
		struct policy_allow *a = &p->allows[i];
		const char *unknown = NULL;

		if (!resolve_one(labels, p->nr_vms, a->from_text, a->from))
			unknown = a->from_text;
		else if (!resolve_one(labels, p->nr_vms, a->to_text, a->to))
			unknown = a->to_text;
		if (unknown)
			snprintf(p->error, sizeof(p->error), "%s:%u: there is no VM '%s'; write a section [vm %s], or a UUID",
				 a->file, a->line, policy_show(unknown).s, policy_show(unknown).s);
		done = !unknown && imply_gsi(p, a) && check_receiver(p, a);
		if (done)
			pin_sender(p, a);
	}
	sort_gsis(p);
	done = done && check_doubles(p) && check_reserves(p) && policy_resolve_links(p, find_label, &(struct labels){ labels, p->nr_vms });
	free(labels);
	return done;
}

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), want = strlen(end);

	return *text != '.' && len > want && !strcmp(text + len - want, end);
}

static int is_conf(const struct dirent *entry)
{
	return ends_with(entry->d_name, ".conf");
}

static int is_conf_or_dropins(const struct dirent *entry)
{
	return is_conf(entry) || ends_with(entry->d_name, ".conf.d");
}

/* What @read() does with each of them, by their names, until one is wrong; -errno: there is no such directory */
static int for_each_file(struct policy *p, const char *dir, int (*is_one)(const struct dirent *entry),
			 bool (*read)(struct policy *p, const char *path, void *arg), void *arg)
{
	struct dirent **entries;
	int nr = scandir(dir, &entries, is_one, alphasort), i;
	int done = true;
	char *path;

	if (nr < 0)
		return -errno;
	for (i = 0; i < nr; i++) {
		if (done && asprintf(&path, "%s/%s", dir, entries[i]->d_name) >= 0) {
			done = read(p, path, arg);
			free(path);
		}
		free(entries[i]);
	}
	free(entries);
	return done;
}

static bool read_dropin(struct policy *p, const char *path, void *dropins)
{
	return read_file(p, dropins, true, path, MAX_SIZE);
}

/* The drop-ins of @file, which need not be there; of no other one */
static bool read_dropins(struct policy *p, const char *dir, struct dropins *dropins)
{
	int ret = for_each_file(p, dir, is_conf, read_dropin, dropins);

	dropins_sort(dropins);
	return ret == -ENOENT || (ret < 0 ? complain_of_file(p, dir, strerror(-ret), "make it a directory, or remove it") : ret);
}

/* A file with its drop-ins; these without it, if there is none */
static bool read_one(struct policy *p, const char *path, void *unused)
{
	bool is_dir = ends_with(path, ".conf.d"), done;
	struct dropins dropins = { 0 };
	char *file = strndup(path, strlen(path) - (is_dir ? 2 : 0)), *dir = NULL, nothing[] = "";

	(void)unused;
	if (!file || asprintf(&dir, "%s.d", file) < 0)
		abort();
	if (is_dir && !access(file, F_OK))
		done = true;
	else
		done = read_dropins(p, dir, &dropins) &&
			(is_dir ? policy_read_text(p, &dropins, dir, nothing, 0) : read_file(p, &dropins, false, path, MAX_SIZE));
	dropins_free(&dropins);
	free(file);
	free(dir);
	return done;
}

static bool read_dir(struct policy *p, const char *dir)
{
	int ret = for_each_file(p, dir, is_conf_or_dropins, read_one, NULL);

	return ret < 0 ? complain_of_file(p, dir, strerror(-ret), "make this directory; without a file in it nothing is bound") : ret;
}

static bool finish(struct policy *p, bool done)
{
	char error[sizeof(p->error)];
	bool no_user = p->no_user;

	if (done && resolve(p))
		return true;
	memcpy(error, p->error, sizeof(error));
	policy_free(p);
	memcpy(p->error, error, sizeof(error));
	p->no_user = no_user;
	return false;
}

bool policy_read(struct policy *p, const char *dir)
{
	*p = (struct policy){ 0 };
	return finish(p, read_dir(p, dir));
}

bool policy_read_file(struct policy *p, const char *file)
{
	*p = (struct policy){ 0 };
	return finish(p, read_file(p, NULL, false, file, NO_LIMIT));
}

void policy_free(struct policy *p)
{
	size_t i;

	for (i = 0; i < p->nr_vms; i++)
		free(p->vms[i].gsis);
	for (i = 0; i < p->nr_files; i++)
		free(p->files[i]);
	free(p->vms);
	free(p->allows);
	free(p->links);
	free(p->reserves);
	free(p->files);
	tdestroy(p->labels, free);
	tdestroy(p->uuids, free);
	if (p->older)
		policy_free(p->older);
	free(p->older);
	*p = (struct policy){ 0 };
}

const struct policy_vm *policy_vm(const struct policy *p, const uuid_t uuid)
{
	struct policy_vm key;

	uuid_copy(key.uuid, uuid);
	return p->nr_vms ? bsearch(&key, p->vms, p->nr_vms, sizeof(key), compare_vms) : NULL;
}

bool policy_has_allow(const struct policy *p, const struct policy_allow *allow)
{
	return p->nr_allows && bsearch(allow, p->allows, p->nr_allows, sizeof(*allow), compare_allows);
}

const struct policy_allow *policy_allows(const struct policy *p, const uuid_t to, size_t *nr)
{
	size_t low = 0, high = p->nr_allows, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (uuid_compare(p->allows[middle].to, to) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	while (high < p->nr_allows && !uuid_compare(p->allows[high].to, to))
		high++;
	*nr = high - low;
	return p->allows + low;
}
