// SPDX-License-Identifier: GPL-2.0-or-later
/* common links_make - the files of a new link */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <mntent.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "links.h"

/* Where the GSIs of links begin: of VMs, of processes */
#define FIRST_VIRTUAL	0x18000u
#define FIRST_EVENTFD	0x800u

#define TMPFS		0x01021994
#define KEPT_FREE	4	/* a quarter, of memory that others need as well */

struct make {
	const struct link_spec *spec;
	const char *dir;
	char path[PATH_MAX];	/* of the link while it is not complete */
	char mount[PATH_MAX];	/* of hugetlbfs, or empty */
	const struct links *others;
	struct links gone;	/* whose ends have their GSIs perhaps */
	struct pvi_link link;
	unsigned char secret[PVI_LINK_SECRET];
	struct links_why *why;
};

uint32_t links_queues(uint32_t kind)
{
	return kind == PVI_RING_NET ? 4 : 1;
}

static int fail(const struct make *m, int err, const char *fmt, ...) PRINTF_LIKE(3, 4);

static int fail(const struct make *m, int err, const char *fmt, ...)
{
	char text[PATH_MAX + 64];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (m->mount[0] && (err == -ENOSPC || err == -ENOMEM))
		return links_refuse(m->why, err, "%s: too few huge pages are free: raise /proc/sys/vm/nr_hugepages",
				    text);
	return links_fail(m->why, err, "%s", text);
}

/* The end of a link's range of GSIs at @uuid that @first to @first + @nr - 1 runs into, or 0 */
static uint32_t taken_until(const struct links *links, const uuid_t uuid, uint32_t first, uint32_t nr)
{
	const struct pvi_ring_shape *shape;
	size_t i;

	for (i = 0; i < 2 * links->nr; i++) {
		shape = &links->all[i / 2].shapes[i % 2];
		if (!uuid_compare(shape->owner, uuid) && first < shape->gsi + shape->gsis &&
		    shape->gsi < first + nr)
			return shape->gsi + shape->gsis;
	}
	return 0;
}

static int choose_gsis(const struct make *m, const struct link_side *from, struct pvi_link_side *to)
{
	uint32_t limit = from->host ? KVM_PVI_GSI_MAX : KVM_PVI_GSI_VIRTUAL_END;
	uint32_t first = from->host ? FIRST_EVENTFD : FIRST_VIRTUAL, end;
	char text[UUID_STR_LEN];

	uuid_copy(to->uuid, from->uuid);
	to->gsis = m->spec->queues;
	while ((end = taken_until(m->others, from->uuid, first, to->gsis) ?:
		      taken_until(&m->gone, from->uuid, first, to->gsis)))
		first = end;
	uuid_unparse_lower(from->uuid, text);
	if (first + to->gsis > limit)
		return links_refuse(m->why, ENOSPC, "%s has too many links", text);
	to->gsi = first;
	return 0;
}

/* Of which QEMU is told the beginning; NULL: none */
static const struct link *begins_alike(const struct make *m, const uuid_t uuid)
{
	size_t i;

	for (i = 0; i < m->others->nr; i++)
		if (!memcmp(m->others->all[i].uuid, uuid, LINKS_SHORT / 2))
			return &m->others->all[i];
	return NULL;
}

static int choose_uuid(struct make *m)
{
	const struct link *other;
	char text[UUID_STR_LEN];

	uuid_copy(m->link.uuid, m->spec->uuid);
	if (uuid_is_null(m->spec->uuid)) {
		do
			uuid_generate_random(m->link.uuid);
		while (begins_alike(m, m->link.uuid));
		return 0;
	}
	other = begins_alike(m, m->link.uuid);
	if (!other)
		return 0;
	uuid_unparse_lower(other->uuid, text);
	return links_refuse(m->why, EEXIST, uuid_compare(other->uuid, m->link.uuid) ?
			    "link %s has a UUID that begins alike; give this one another" :
			    "link %s is there already, and is another one", text);
}

/* Whether links of that size can be in @m->mount */
static int check_mount(struct make *m)
{
	int fd = open(m->mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC), ret;
	struct statfs fs;

	if (fd < 0)
		return links_refuse(m->why, errno, "%s: %s", m->mount, strerror(errno));
	ret = links_check_dir(fd, m->mount, m->why);
	if (!ret && fstatfs(fd, &fs))
		ret = links_refuse(m->why, errno, "%s: %s", m->mount, strerror(errno));
	close(fd);
	if (!ret && m->spec->size % fs.f_bsize)
		return links_refuse(m->why, EINVAL, "%s has pages of %ld bytes: --size must be a multiple", m->mount,
				    (long)fs.f_bsize);
	return ret;
}

/* The one that is said, or the first that will do, or why the last one will not */
static int find_mount(struct make *m)
{
	struct mntent *entry;
	FILE *mounts;
	int ret;

	if (m->spec->huge_dir) {
		if (!realpath(m->spec->huge_dir, m->mount))
			return links_refuse(m->why, errno, "%s: %s", m->spec->huge_dir, strerror(errno));
		return check_mount(m);
	}
	ret = links_refuse(m->why, ENOENT, "no hugetlbfs is mounted: mount -t hugetlbfs none /dev/hugepages");
	mounts = setmntent("/proc/self/mounts", "re");
	while (ret && mounts && (entry = getmntent(mounts))) {
		if (strcmp(entry->mnt_type, "hugetlbfs"))
			continue;
		snprintf(m->mount, sizeof(m->mount), "%s", entry->mnt_dir);
		ret = check_mount(m);
	}
	if (mounts)
		endmntent(mounts);
	return ret;
}

/* Whether nothing but links is where they are, because it is a mount of its own */
static bool is_apart(const char *dir)
{
	char parent[PATH_MAX];
	struct stat st, above;

	snprintf(parent, sizeof(parent), "%s/..", dir);
	return !stat(dir, &st) && !stat(parent, &above) && st.st_dev != above.st_dev;
}

/* Those who use /run cannot do without it: links take no more than leaves them a part. */
static int check_room(const struct make *m)
{
	uint64_t left, all, kept, wanted = 2 * m->spec->size;
	struct statfs fs;

	if (m->spec->huge || statfs(m->dir, &fs) || fs.f_type != TMPFS || !fs.f_blocks)
		return 0;
	left = (uint64_t)fs.f_bavail * fs.f_bsize;
	all = (uint64_t)fs.f_blocks * fs.f_bsize;
	kept = is_apart(m->dir) ? 0 : all / KEPT_FREE;
	if (left >= kept && left - kept >= wanted)
		return 0;
	return links_refuse(m->why, ENOSPC,
			    "%s: no memory is left there: %llu KiB are wanted, %llu KiB free, of which %llu KiB stay free for others; make links smaller (--size), use --hugetlb, or mount a tmpfs of their own there",
			    m->dir, (unsigned long long)wanted >> 10, (unsigned long long)left >> 10,
			    (unsigned long long)kept >> 10);
}

static struct posix_acl_xattr_entry acl_entry(uint16_t tag, uint16_t perm, uint32_t id)
{
	return (struct posix_acl_xattr_entry){ htole16(tag), htole16(perm), htole32(id) };
}

/* Besides the owner that user alone reads it. -EOPNOTSUPP: nobody can be let so by this file system */
static int let_read(int fd, uid_t uid)
{
	const struct {
		struct posix_acl_xattr_header header;
		struct posix_acl_xattr_entry entries[5];
	} acl = {
		{ htole32(POSIX_ACL_XATTR_VERSION) },
		{
			acl_entry(ACL_USER_OBJ, ACL_READ | ACL_WRITE, ACL_UNDEFINED_ID),
			acl_entry(ACL_USER, ACL_READ, uid),
			acl_entry(ACL_GROUP_OBJ, 0, ACL_UNDEFINED_ID),
			acl_entry(ACL_MASK, ACL_READ, ACL_UNDEFINED_ID),
			acl_entry(ACL_OTHER, 0, ACL_UNDEFINED_ID),
		},
	};

	return fsetxattr(fd, "system.posix_acl_access", &acl, sizeof(acl), 0) ? -errno : 0;
}

/*
 * The owner's VMM writes, that of the peer reads, and nobody else does either. Who else is in a user's primary group is not
 * said, and may be everybody who runs a VMM: a group reads where it has been named, and no other one. All this comes before
 * it is the owner's, who alone may say it then.
 */
static int set_owner(const struct make *m, int fd, uint32_t side, const char *path)
{
	const struct link_side *own = &m->spec->sides[side], *peer = &m->spec->sides[1 - side];
	bool apart = m->spec->owned && own->uid != peer->uid;
	const struct link_side *group = apart ? peer : own;
	int ret = 0;

	if (fchmod(fd, apart && peer->grouped ? 0640 : 0600))
		return fail(m, -errno, "%s", path);
	if (apart && !peer->grouped)
		ret = let_read(fd, peer->uid);
	if (ret == -EOPNOTSUPP)
		return links_refuse(m->why, ret,
				    "%s has no access control lists, by which the other user alone could read a section: say --owner USER:GROUP,USER:GROUP (in a policy owner = USER:GROUP, USER:GROUP), groups of their own",
				    m->mount[0] ? m->mount : m->dir);
	if (ret)
		return fail(m, ret, "%s", path);
	if (m->spec->owned && fchown(fd, own->uid, group->grouped ? group->gid : (gid_t)-1))
		return fail(m, -errno, "%s", path);
	return 0;
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

/* In hugetlbfs, with a link that leads to it */
static int make_huge(const struct make *m, uint32_t side, const char *path, char huge[static PATH_MAX])
{
	char text[UUID_STR_LEN];

	uuid_unparse_lower(m->link.uuid, text);
	if (snprintf(huge, PATH_MAX, "%s/kvm-pvi-%s.%s", m->mount, text, links_sides[side]) >= PATH_MAX)
		return fail(m, -ENAMETOOLONG, "%s", m->mount);
	if (!access(huge, F_OK))
		return links_refuse(m->why, EEXIST, "%s is there, of a link that was removed by hand: remove it", huge);
	return symlink(huge, path) ? fail(m, -errno, "%s", path) : 0;
}

static int make_section(const struct make *m, const struct link *link, uint32_t side)
{
	char path[PATH_MAX + LINKS_TEXT], huge[PATH_MAX];
	int fd, ret = 0;

	snprintf(path, sizeof(path), "%s/%s", m->path, links_sides[side]);
	if (m->mount[0])
		ret = make_huge(m, side, path, huge);
	if (ret)
		return ret;
	fd = open(m->mount[0] ? huge : path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return fail(m, -errno, "%s", path);
	ret = pvi_link_format(fd, &m->link, side) ?: pvi_link_secret(fd, m->secret) ?:
	      configure(m, fd, &link->vsock[side]);
	if (ret)
		ret = fail(m, ret, "cannot make %s of %llu bytes", path, (unsigned long long)m->link.size);
	ret = ret ?: set_owner(m, fd, side, path);
	close(fd);
	return ret;
}

static int make_file(const struct make *m, const char *name, const void *data, size_t len)
{
	char path[PATH_MAX + LINKS_TEXT];
	int ret;

	snprintf(path, sizeof(path), "%s/%s", m->path, name);
	ret = links_write(path, data, len);
	return ret ? fail(m, ret, "%s", path) : 0;
}

static int make_files(const struct make *m, const struct link *link)
{
	char path[PATH_MAX], size[32];
	int ret;

	if (mkdir(m->path, 0755) || chmod(m->path, 0755))
		return fail(m, -errno, "%s", m->path);
	snprintf(size, sizeof(size), "%llu\n", (unsigned long long)m->link.size);
	ret = make_section(m, link, 0) ?: make_section(m, link, 1) ?: make_file(m, LINKS_BYTES, size, strlen(size));
	if (!ret && m->spec->kind == PVI_RING_VSOCK)
		ret = make_file(m, LINKS_VSOCK, link->vsock, sizeof(link->vsock));
	if (!ret && m->spec->policy)
		ret = make_file(m, LINKS_POLICY, m->spec->policy, strlen(m->spec->policy));
	if (!ret)
		ret = make_file(m, PVI_LINK_SHAPES, link->shapes, sizeof(link->shapes));
	links_file(path, sizeof(path), m->dir, link->uuid, "");
	if (!ret && rename(m->path, path))
		ret = fail(m, -errno, "%s", path);
	if (ret)
		links_clear(m->path);
	return ret;
}

/* All that is known of it before there is a file */
static int choose(struct make *m, struct link *link)
{
	uint32_t i;
	int ret = choose_uuid(m) ?: links_read_gone(m->dir, &m->gone, m->why);

	uuid_copy(link->uuid, m->link.uuid);
	for (i = 0; !ret && i < 2; i++)
		ret = choose_gsis(m, &m->spec->sides[i], &m->link.sides[i]);
	for (i = 0; !ret && i < 2; i++)
		if (pvi_link_shape(&m->link, i, &link->shapes[i]))
			ret = links_refuse(m->why, EINVAL, "%u queues need a larger --size", m->spec->queues);
	links_free(&m->gone);
	return ret ?: links_choose_vsock(m->spec, m->others, link, m->why);
}

int links_make(const char *dir, const struct link_spec *spec, struct links *others, struct links_why *why)
{
	struct make m = {
		.spec = spec, .dir = dir, .others = others, .why = why,
		.link = { .kind = spec->kind, .queues = spec->queues, .size = spec->size },
	};
	char text[UUID_STR_LEN];
	struct link link = { 0 }, *more;
	int ret;

	ret = choose(&m, &link) ?: check_room(&m);
	if (!ret && spec->huge)
		ret = find_mount(&m);
	if (ret)
		return ret;
	more = reallocarray(others->all, others->nr + 1, sizeof(link));
	if (!more)
		return links_fail(why, ENOMEM, "%s", dir);
	others->all = more;
	uuid_unparse_lower(link.uuid, text);
	snprintf(m.path, sizeof(m.path), "%s/.%s", dir, text);
	snprintf(link.label, sizeof(link.label), "%s", spec->label ?: "");
	if (getrandom(m.secret, sizeof(m.secret), 0) != sizeof(m.secret))
		return fail(&m, -EIO, "random bytes");
	ret = make_files(&m, &link);
	if (!ret)
		others->all[others->nr++] = link;
	return ret;
}

/*
 * Whose the sections are, and whether they are in huge pages; of the rest their owners may change what they like. Where no
 * owner is said they are those of who made the link.
 */
static bool is_owned_so(const char *dir, const struct link *link, const struct link_spec *spec)
{
	char path[PATH_MAX];
	struct stat st, made;
	size_t i;

	links_file(path, sizeof(path), dir, link->uuid, PVI_LINK_SHAPES);
	if (stat(path, &made))
		return false;
	for (i = 0; i < 2; i++) {
		links_file(path, sizeof(path), dir, link->uuid, links_sides[i]);
		if (lstat(path, &st) || S_ISLNK(st.st_mode) != spec->huge || stat(path, &st) ||
		    st.st_uid != (spec->owned ? spec->sides[i].uid : made.st_uid))
			return false;
	}
	return true;
}

bool links_is(const char *dir, const struct link *link, const struct link_spec *spec)
{
	const struct pvi_ring_shape *shape;
	size_t i;

	for (i = 0; i < 2; i++) {
		shape = &link->shapes[i];
		if (uuid_compare(shape->owner, spec->sides[i].uuid) ||
		    spec->sides[i].host != (shape->gsi < KVM_PVI_GSI_VIRTUAL) ||
		    (spec->cids[i] && link->vsock[i].cid != spec->cids[i]) ||
		    link->vsock[i].nr_ports != spec->nr_ports[i] ||
		    memcmp(link->vsock[i].ports, spec->ports[i], spec->nr_ports[i] * sizeof(*spec->ports[i])))
			return false;
	}
	return link->shapes[0].kind == spec->kind && link->shapes[0].queues == spec->queues &&
		links_size(dir, link) == spec->size && is_owned_so(dir, link, spec);
}
