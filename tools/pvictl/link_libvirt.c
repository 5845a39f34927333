// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pvictl link --libvirt - links as a domain of libvirt has them
 *
 * <shmem> knows neither files elsewhere than in /dev/shm nor memory that the guest may only read. So it is
 * <qemu:commandline>, to which libvirt adds nothing: no address either, and each link has a slot of its own, from
 * where libvirt gives none to its devices. What it prints of a domain is read here, a line for each element.
 */
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "link.h"

#define NAMESPACE "http://libvirt.org/schemas/domain/qemu/1.0"
#define OPENING "  <qemu:commandline>\n"
#define CLOSING "  </qemu:commandline>\n"
#define FIRST_SLOT 0x18
#define LAST_SLOT 0x08

/* AppArmor's rules for QEMUs of libvirt, and what an administrator adds to them */
#define RULES "/etc/apparmor.d/abstractions/libvirt-qemu"
#define LOCAL "/etc/apparmor.d/local/abstractions"
#define LOCAL_RULES LOCAL "/libvirt-qemu"

static const struct pvi_ring_shape *shape_of(const struct link *link, const uuid_t uuid)
{
	int side = uuid_compare(link->shapes[0].owner, uuid) ? 1 : 0;

	return uuid_compare(link->shapes[side].owner, uuid) ? NULL : &link->shapes[side];
}

/* Each of a VM's links has other GSIs */
static unsigned int slot_of(const struct link *links, size_t nr, const struct pvi_ring_shape *shape)
{
	const struct pvi_ring_shape *other;
	unsigned int slot = FIRST_SLOT;
	size_t i;

	for (i = 0; i < nr; i++) {
		other = shape_of(&links[i], shape->owner);
		slot -= other && other->gsi < shape->gsi;
	}
	if (slot < LAST_SLOT)
		die("%s has too many links for one domain", uuid_text(shape->owner).s);
	return slot;
}

static void print_section(FILE *out, const char *dir, const struct link *link, uint32_t of, uint32_t section,
			  unsigned int slot)
{
	char path[PATH_MAX], id[16];

	snprintf(id, sizeof(id), LINK_ID "%.8s-%u", uuid_text(link->uuid).s, section);
	links_file(path, sizeof(path), dir, link->uuid, links_sides[section]);
	fprintf(out, "    <qemu:arg value='-object'/>\n");
	fprintf(out, "    <qemu:arg value='memory-backend-file,id=%s,size=%llu,share=on,%smem-path=%s'/>\n", id,
		(unsigned long long)links_size(dir, link), of == section ? "" : "readonly=on,", path);
	fprintf(out, "    <qemu:arg value='-device'/>\n");
	fprintf(out, "    <qemu:arg value='ivshmem-plain,id=%s-dev,memdev=%s,addr=0x%x.%u%s'/>\n", id, id, slot,
		of != section, of == section ? ",multifunction=on" : "");
}

/* One link of the VM that @side of it is, among all links there are */
static void print_link(FILE *out, const char *dir, const struct link *link, uint32_t side,
		       const struct link *links, size_t nr)
{
	unsigned int slot = slot_of(links, nr, &link->shapes[side]);

	print_section(out, dir, link, side, side, slot);
	print_section(out, dir, link, side, 1 - side, slot);
}

void link_libvirt_print(const char *dir, const struct link *link, uint32_t side)
{
	struct link *links;
	size_t nr = link_dir_read(dir, &links);

	fputs(OPENING, stdout);
	print_link(stdout, dir, link, side, links, nr);
	fputs(CLOSING, stdout);
	free(links);
}

static FILE *virsh(const char *mode, const char *fmt, ...) PRINTF_LIKE(2, 3);

static FILE *virsh(const char *mode, const char *fmt, ...)
{
	char command[256];
	va_list ap;
	int len = snprintf(command, sizeof(command), "virsh -q -c qemu:///system ");

	va_start(ap, fmt);
	vsnprintf(command + len, sizeof(command) - len, fmt, ap);
	va_end(ap);
	fflush(NULL);
	return must_alloc(popen(command, mode));
}

static bool begins(const char *line, const char *with)
{
	return !strncmp(line + strspn(line, " "), with, strlen(with));
}

/* An argument of ours, which is the second of two */
static bool is_ours(const char *line)
{
	return begins(line, "<qemu:arg value='memory-backend-file,id=" LINK_ID) ||
	       begins(line, "<qemu:arg value='ivshmem-plain,id=" LINK_ID);
}

/* Links that one domain is to have */
struct wanted {
	const char *dir;
	uuid_t uuid;
	struct link *links;	/* all that there are */
	size_t nr;
	bool any;		/* is the domain's */
};

static void find_wanted(struct wanted *w, const char *dir, const uuid_t uuid)
{
	size_t i;

	*w = (struct wanted){ .dir = dir };
	uuid_copy(w->uuid, uuid);
	w->nr = link_dir_read(dir, &w->links);
	for (i = 0; i < w->nr; i++)
		w->any |= shape_of(&w->links[i], uuid) != NULL;
}

static void print_all(FILE *out, const struct wanted *w)
{
	size_t i;

	for (i = 0; i < 2 * w->nr; i++)
		if (!uuid_compare(w->links[i / 2].shapes[i % 2].owner, w->uuid))
			print_link(out, w->dir, &w->links[i / 2], i % 2, w->links, w->nr);
}

/* The root element, which has to name the namespace */
static void copy_root(FILE *out, const char *line)
{
	size_t len = strcspn(line, ">");

	fprintf(out, "%.*s%s%s", (int)len, line, strstr(line, NAMESPACE) ? "" : " xmlns:qemu='" NAMESPACE "'",
		line + len);
}

/*
 * A domain without the links that it had, and with all that it is a side of. What QEMU is told is the last that libvirt
 * prints but for elements of other namespaces, whose order is nobody's. An option goes where its argument goes.
 */
static bool edit(FILE *in, FILE *out, const struct wanted *w)
{
	char *line = NULL, *option = NULL;
	bool root = false, done = !w->any;
	size_t room = 0;

	while (getline(&line, &room, in) > 0) {
		if (option && !is_ours(line))
			fputs(option, out);
		free(option);
		option = NULL;
		if (begins(line, "<qemu:arg value='-object'/>") || begins(line, "<qemu:arg value='-device'/>")) {
			option = must_alloc(strdup(line));
			continue;
		}
		if (is_ours(line))
			continue;
		if (begins(line, "</domain>") && !done) {
			fputs(OPENING, out);
			print_all(out, w);
			fputs(CLOSING, out);
			done = true;
		}
		if (!root && w->any && begins(line, "<domain "))
			copy_root(out, line);
		else
			fputs(line, out);
		root |= begins(line, "<domain ");
		if (begins(line, "<qemu:commandline>")) {
			print_all(out, w);
			done = true;
		}
	}
	free(line);
	free(option);
	return root && done;
}

/* AppArmor keeps QEMUs of libvirt from all files that no element names. It reads this when a domain starts. */
static void allow_files(const char *dir)
{
	char rule[PATH_MAX + 32], *line = NULL;
	bool there = false;
	size_t room = 0;
	struct stat st;
	FILE *f;

	if (stat(RULES, &st))
		return;
	snprintf(rule, sizeof(rule), "%s/*/[01] rwk,\n", dir);
	if (mkdir(LOCAL, 0755) && errno != EEXIST)
		die_doing(DOING_OTHER, errno, "%s", LOCAL);
	f = fopen(LOCAL_RULES, "a+e");
	if (!f)
		die_doing(DOING_OTHER, errno, "%s", LOCAL_RULES);
	while (getline(&line, &room, f) > 0)
		there |= !strcmp(line, rule);
	free(line);
	if (!there)
		fprintf(f, "# Links of kvm-pvi, by pvictl link --apply\n%s", rule);
	if (fclose(f))
		die_doing(DOING_OTHER, errno, "%s", LOCAL_RULES);
}

#define PRINT "dumpxml --inactive --security-info %s"

static void NORETURN die_without(const uuid_t uuid)
{
	die_as(STATUS_ABSENT, "%s: virsh does not print such a domain", uuid_text(uuid).s);
}

void link_libvirt_check(const uuid_t uuid)
{
	if (pclose(virsh("r", PRINT " >/dev/null", uuid_text(uuid).s)))
		die_without(uuid);
}

void link_libvirt_apply(const char *dir, const uuid_t uuid)
{
	struct wanted w;
	char *xml = NULL;
	size_t size = 0;
	FILE *in, *out;
	bool good;

	find_wanted(&w, dir, uuid);
	in = virsh("r", PRINT, uuid_text(uuid).s);
	out = must_alloc(open_memstream(&xml, &size));
	good = edit(in, out, &w);
	fclose(out);
	free(w.links);
	if (pclose(in) || !good)
		die_without(uuid);
	if (w.any)
		allow_files(dir);
	out = virsh("w", "define /dev/stdin >/dev/null");
	fwrite(xml, 1, size, out);
	if (pclose(out))
		die("%s: libvirt does not take the domain with its links", uuid_text(uuid).s);
	free(xml);
}
