// SPDX-License-Identifier: GPL-2.0-or-later
/* pvictl link - the files of a new link */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <mntent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "link.h"

/* Where the GSIs of links begin: of VMs, of processes */
#define FIRST_VIRTUAL	0x18000u
#define FIRST_EVENTFD	0x800u

/* Cut short where others read UUIDs: links of one directory differ in it */
#define SHORT_NAME	8

struct make {
	const struct link_args *args;
	const char *dir;
	char path[PATH_MAX];	/* of the link while it is not complete */
	char mount[PATH_MAX];	/* of hugetlbfs, or empty */
	struct link *links;	/* the others */
	size_t nr;
	struct pvi_link link;
};

/* What is there of the new link goes with this process */
static void make_fail(const struct make *m, int err, const char *fmt, ...) PRINTF_LIKE(3, 4) NORETURN;

static void make_fail(const struct make *m, int err, const char *fmt, ...)
{
	char text[PATH_MAX + 64];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	link_dir_clear(m->path);
	if (m->mount[0] && (err == -ENOSPC || err == -ENOMEM))
		die("%s: too few huge pages are free: raise /proc/sys/vm/nr_hugepages", text);
	die_doing(DOING_LINK, err, "%s", text);
}

/* The end of a link's range of GSIs at @uuid that @first to @first + @nr - 1 runs into, or 0 */
static uint32_t taken_until(const struct make *m, const uuid_t uuid, uint32_t first, uint32_t nr)
{
	const struct pvi_ring_shape *shape;
	size_t i;

	for (i = 0; i < 2 * m->nr; i++) {
		shape = &m->links[i / 2].shapes[i % 2];
		if (!uuid_compare(shape->owner, uuid) && first < shape->gsi + shape->gsis &&
		    shape->gsi < first + nr)
			return shape->gsi + shape->gsis;
	}
	return 0;
}

static void choose_gsis(const struct make *m, const struct link_side *from, struct pvi_link_side *to)
{
	uint32_t limit = from->host ? KVM_PVI_GSI_MAX : KVM_PVI_GSI_VIRTUAL_END;
	uint32_t first = from->host ? FIRST_EVENTFD : FIRST_VIRTUAL, end;

	uuid_copy(to->uuid, from->uuid);
	to->gsis = m->args->queues;
	while ((end = taken_until(m, from->uuid, first, to->gsis)))
		first = end;
	if (first + to->gsis > limit)
		die("%s has too many links", uuid_text(from->uuid).s);
	to->gsi = first;
}

static void choose_uuid(struct make *m)
{
	size_t i = 0;

	while (i == 0 || i < m->nr) {
		uuid_generate_random(m->link.uuid);
		for (i = 0; i < m->nr; i++)
			if (!memcmp(m->links[i].uuid, m->link.uuid, SHORT_NAME / 2))
				break;
		if (i == m->nr)
			return;
	}
}

static void find_mount(struct make *m)
{
	struct statfs fs;
	struct mntent *entry;
	FILE *mounts;

	if (m->args->huge_dir) {
		if (!realpath(m->args->huge_dir, m->mount))
			die_doing(DOING_OTHER, errno, "%s", m->args->huge_dir);
	} else {
		mounts = must_alloc(setmntent("/proc/self/mounts", "re"));
		while (!m->mount[0] && (entry = getmntent(mounts)))
			if (!strcmp(entry->mnt_type, "hugetlbfs"))
				snprintf(m->mount, sizeof(m->mount), "%s", entry->mnt_dir);
		endmntent(mounts);
		if (!m->mount[0])
			die_as(STATUS_ABSENT,
			       "no hugetlbfs is mounted: mount -t hugetlbfs none /dev/hugepages");
	}
	if (statfs(m->mount, &fs))
		die_doing(DOING_OTHER, errno, "%s", m->mount);
	if (m->args->size % fs.f_bsize)
		die("%s has pages of %ld bytes: --size must be a multiple", m->mount, (long)fs.f_bsize);
}

static void set_owner(const struct make *m, int fd, uint32_t side, const char *path)
{
	const struct link_side *own = &m->args->sides[side], *peer = &m->args->sides[1 - side];
	bool apart = m->args->owned && own->uid != peer->uid;

	/* The owner's VMM writes, that of the peer reads, and nobody else does either */
	if (m->args->owned && fchown(fd, own->uid, apart ? peer->gid : own->gid))
		make_fail(m, -errno, "%s", path);
	if (fchmod(fd, apart ? 0640 : 0600))
		make_fail(m, -errno, "%s", path);
}

/* hugetlbfs knows no write(), and maps no less than a page of its own */
static int configure(const struct make *m, int fd, const struct pvi_link_vsock *config)
{
	struct pvi_ring_header *header = mmap(NULL, m->link.size, PROT_READ | PROT_WRITE, MAP_SHARED,
					      fd, 0);

	if (header == MAP_FAILED)
		return -errno;
	memcpy(header->config, config, sizeof(*config));
	munmap(header, m->link.size);
	return 0;
}

static void make_section(const struct make *m, const struct link *link, uint32_t side)
{
	char path[PATH_MAX + LINK_TEXT], huge[PATH_MAX];
	int fd, ret;

	snprintf(path, sizeof(path), "%s/%s", m->path, link_sides[side]);
	if (m->mount[0]) {
		if (snprintf(huge, sizeof(huge), "%s/kvm-pvi-%s.%s", m->mount,
			     uuid_text(m->link.uuid).s, link_sides[side]) >= (int)sizeof(huge))
			make_fail(m, -ENAMETOOLONG, "%s", m->mount);
		if (symlink(huge, path))
			make_fail(m, -errno, "%s", path);
	}
	fd = open(m->mount[0] ? huge : path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		make_fail(m, -errno, "%s", path);
	ret = pvi_link_format(fd, &m->link, side);
	if (!ret)
		ret = configure(m, fd, &link->vsock[side]);
	if (ret)
		make_fail(m, ret, "cannot make %s of %llu bytes", path,
			  (unsigned long long)m->link.size);
	set_owner(m, fd, side, path);
	close(fd);
}

static void make_file(const struct make *m, const char *name, const void *data, ssize_t len)
{
	char path[PATH_MAX + LINK_TEXT];
	ssize_t put;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", m->path, name);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		make_fail(m, -errno, "%s", path);
	put = write(fd, data, len);
	if (put != len)
		make_fail(m, put < 0 ? -errno : -ENOSPC, "%s", path);
	close(fd);
}

void link_make(const struct link_args *args, const char *dir, struct link *link)
{
	struct make m = { .args = args, .dir = dir };
	char path[PATH_MAX];
	uint32_t i;

	m.nr = link_dir_read(dir, &m.links);
	m.link.kind = args->kind;
	m.link.queues = args->queues;
	m.link.size = args->size;
	choose_uuid(&m);
	uuid_copy(link->uuid, m.link.uuid);
	for (i = 0; i < 2; i++)
		choose_gsis(&m, &args->sides[i], &m.link.sides[i]);
	for (i = 0; i < 2; i++)
		if (pvi_link_shape(&m.link, i, &link->shapes[i]))
			die("%u queues need a larger --size", args->queues);
	link_vsock_choose(args, m.links, m.nr, link);
	if (args->huge)
		find_mount(&m);
	snprintf(m.path, sizeof(m.path), "%s/.%s", dir, uuid_text(m.link.uuid).s);
	if (mkdir(m.path, 0755))
		die_doing(DOING_LINK, errno, "%s", m.path);
	make_section(&m, link, 0);
	make_section(&m, link, 1);
	if (args->kind == PVI_RING_VSOCK)
		make_file(&m, LINK_VSOCK, link->vsock, sizeof(link->vsock));
	make_file(&m, PVI_LINK_SHAPES, link->shapes, sizeof(link->shapes));
	link_dir_file(path, sizeof(path), dir, link->uuid, "");
	if (rename(m.path, path))
		make_fail(&m, -errno, "%s", path);
	free(m.links);
}
