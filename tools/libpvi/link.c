// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* libpvi link - the two sections of a link, and who may ring whom because of it */
#include <fcntl.h>
#include <linux/memfd.h>
#include <linux/pvi_ring.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "internal.h"

#define LINK_PAGE	4096u

static int side_check(const struct pvi_link_side *side)
{
	uint64_t end = (uint64_t)side->gsi + side->gsis;

	if (!side->gsis)
		return 0;
	return side->gsi < KVM_PVI_GSI_VIRTUAL ? end <= KVM_PVI_GSI_MAX :
						 end <= KVM_PVI_GSI_VIRTUAL_END;
}

/* The largest data of a queue that are a power of two and fit; 0 if none do */
static uint32_t data_size(const struct pvi_link *link, uint32_t offset)
{
	uint64_t size = PVI_RING_MAX_DATA;

	while (offset + size * link->queues > link->size && size)
		size /= 2;
	return size < PVI_RING_MIN_DATA ? 0 : size;
}

int pvi_link_shape(const struct pvi_link *link, uint32_t side, struct pvi_ring_shape *shape)
{
	const struct pvi_link_side *own, *peer;
	uint32_t offset;

	if (side > 1 || link->kind < PVI_RING_NET || link->kind > PVI_RING_RAW ||
	    !link->queues || link->queues > PVI_RING_MAX_QUEUES)
		return -EINVAL;
	own = &link->sides[side];
	peer = &link->sides[1 - side];
	offset = PVI_RING_QUEUES + link->queues * sizeof(struct pvi_ring_queue);
	offset = (offset + LINK_PAGE - 1) / LINK_PAGE * LINK_PAGE;
	if (!side_check(own) || !side_check(peer) || !data_size(link, offset) ||
	    !memcmp(own->uuid, peer->uuid, sizeof(own->uuid)))
		return -EINVAL;
	*shape = (struct pvi_ring_shape){
		.magic = PVI_RING_MAGIC,
		.version = PVI_RING_VERSION,
		.kind = link->kind,
		.gsi = own->gsi,
		.gsis = own->gsis,
		.peer_gsi = peer->gsi,
		.peer_gsis = peer->gsis,
		.queues = link->queues,
		.data_offset = offset,
		.data_size = data_size(link, offset),
		.side = side,
	};
	pvi_copy_uuid(shape->link, link->uuid);
	pvi_copy_uuid(shape->owner, own->uuid);
	pvi_copy_uuid(shape->peer, peer->uuid);
	return 0;
}

/* Whoever touched memory that cannot be had would be ended. In pieces, for a signal undoes the one that it meets. */
static int allocate(int fd, uint64_t size)
{
	uint64_t at = 0, piece = 2 << 20;
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	/* hugetlbfs: a page of its own */
	if (piece < (uint64_t)st.st_blksize)
		piece = st.st_blksize;
	while (at < size) {
		if (fallocate(fd, 0, at, size - at < piece ? size - at : piece)) {
			if (errno != EINTR)
				return -errno;
			continue;
		}
		at += piece;
	}
	return 0;
}

int pvi_link_format(int section, const struct pvi_link *link, uint32_t side)
{
	struct pvi_ring_shape shape;
	int ret = pvi_link_shape(link, side, &shape);
	void *map;

	if (ret)
		return ret;
	if (ftruncate(section, link->size))
		return -errno;
	ret = allocate(section, link->size);
	if (ret)
		return ret;
	/* All of it: hugetlbfs maps no less than a page of its own, and knows no write() */
	map = mmap(NULL, link->size, PROT_READ | PROT_WRITE, MAP_SHARED, section, 0);
	if (map == MAP_FAILED)
		return -errno;
	memset(map, 0, shape.data_offset);
	memcpy(map, &shape, sizeof(shape));
	munmap(map, link->size);
	return 0;
}

int pvi_link_secret(int section, const unsigned char *secret)
{
	struct pvi_ring_shape shape;
	struct pvi_ring_header *map;
	struct stat st;
	size_t size;
	int ret = 0;

	if (fstat(section, &st))
		return -errno;
	/* hugetlbfs maps no less than a page of its own */
	size = st.st_size;
	map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, section, 0);
	if (map == MAP_FAILED)
		return -errno;
	if (pvi_ring_look(map, size, &shape))
		memcpy(map->secret, secret, sizeof(map->secret));
	else
		ret = -EINVAL;
	munmap(map, size);
	return ret;
}

static int reopen(int fd)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int pvi_link_memory(const struct pvi_link *link, uint32_t side, uint32_t flags, int *peer)
{
	int huge = flags & PVI_LINK_HUGETLB ? MFD_HUGETLB : 0;
	int fd, ret;

	if (flags & ~PVI_LINK_HUGETLB)
		return -EINVAL;
	fd = memfd_create("kvm-pvi-link", MFD_CLOEXEC | MFD_ALLOW_SEALING | huge);
	if (fd < 0)
		return -errno;
	ret = pvi_link_format(fd, link, side);
	if (ret)
		goto err;
	/* Nobody ends the peer by making it shorter; and it is not opened for writing once more */
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) || fchmod(fd, 0400)) {
		ret = -errno;
		goto err;
	}
	ret = reopen(fd);
	if (ret < 0)
		goto err;
	*peer = ret;
	return fd;

err:
	close(fd);
	return ret;
}

static int expose(int pvi, uint32_t gsi)
{
	uint32_t kind = gsi < KVM_PVI_GSI_VIRTUAL ? KVM_PVI_GSI_EVENTFD : KVM_PVI_GSI_MSI;
	int ret = pvi_expose(pvi, gsi, kind, NULL);

	return ret == -EEXIST ? 0 : ret;
}

/* A row that is there keeps whose it is, and its rate. */
static int allow(int pvi, const unsigned char *uuid, uint32_t gsi)
{
	struct kvm_pvi_edge edge = PVI_ARG(kvm_pvi_edge);
	int ret;

	while ((ret = pvi_next_edge(pvi, &edge)) > 0)
		if (edge.kind == KVM_PVI_EDGE_GSI && edge.gsi == gsi &&
		    !memcmp(edge.uuid, uuid, sizeof(edge.uuid)))
			return 0;
	return ret ? ret : pvi_allow(pvi, uuid, gsi, NULL);
}

int pvi_link_join(int pvi, const struct pvi_ring_shape *shape)
{
	uint32_t i;
	int ret;

	for (i = 0; i < shape->gsis; i++) {
		ret = expose(pvi, shape->gsi + i);
		if (!ret)
			ret = allow(pvi, shape->peer, shape->gsi + i);
		if (ret)
			return ret;
	}
	return 0;
}

int pvi_link_leave(int pvi, const struct pvi_ring_shape *shape)
{
	int ret, result = 0;
	uint32_t i;

	for (i = 0; i < shape->gsis; i++) {
		ret = pvi_revoke(pvi, shape->peer, shape->gsi + i);
		if (ret && ret != -ENOENT)
			result = ret;
		ret = pvi_unexpose(pvi, shape->gsi + i);
		if (ret && ret != -ENOENT)
			result = ret;
	}
	return result;
}

/* @uuid in the form of @dir/UUID/@name. The owner of a section may have a lease on it, for whose end nobody waits. */
static int open_in(const char *dir, const unsigned char *uuid, const char *name, int flags)
{
	char path[4096], text[37];
	int i, at = 0, fd, len;

	for (i = 0; i < KVM_PVI_UUID_SIZE; i++)
		at += sprintf(text + at, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x",
			      uuid[i]);
	len = snprintf(path, sizeof(path), "%s/%s/%s", dir, text, name);
	if (len >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, flags | O_CLOEXEC | O_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

/* What a VMM could write would say whom to allow */
static int check_owner(int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	return (st.st_uid && st.st_uid != geteuid()) || st.st_mode & 022 ? -EPERM : 0;
}

/* Who may write there could have one link stand for another */
static int check_dir(const char *dir)
{
	int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC), ret;

	if (fd < 0)
		return -errno;
	ret = check_owner(fd);
	close(fd);
	return ret;
}

static bool is_of_link(const struct pvi_ring_shape *shape, const unsigned char *uuid)
{
	return shape->magic == PVI_RING_MAGIC && shape->version == PVI_RING_VERSION &&
	       !memcmp(shape->link, uuid, sizeof(shape->link));
}

int pvi_link_read(const char *dir, const unsigned char *uuid, struct pvi_ring_shape *shapes)
{
	int ret = check_dir(dir), fd;
	ssize_t got;

	if (ret)
		return ret;
	fd = open_in(dir, uuid, PVI_LINK_SHAPES, O_RDONLY);
	if (fd < 0)
		return fd;
	ret = check_owner(fd);
	got = ret ? 0 : read(fd, shapes, 2 * sizeof(*shapes));
	close(fd);
	if (!ret && (got != 2 * sizeof(*shapes) || !is_of_link(&shapes[0], uuid) || !is_of_link(&shapes[1], uuid)))
		ret = -EBADMSG;
	return ret;
}

int pvi_link_open(const char *dir, const unsigned char *uuid, const unsigned char *self,
		  struct pvi_ring_shape *shape, int *peer)
{
	static const char * const names[2] = { "0", "1" };
	struct pvi_ring_shape shapes[2];
	int ret = pvi_link_read(dir, uuid, shapes), own;
	uint32_t side = 0;

	if (ret)
		return ret;
	while (memcmp(shapes[side].owner, self, KVM_PVI_UUID_SIZE))
		if (++side > 1)
			return -ENOENT;
	own = open_in(dir, uuid, names[side], O_RDWR);
	if (own < 0)
		return own;
	ret = open_in(dir, uuid, names[1 - side], O_RDONLY);
	if (ret < 0) {
		close(own);
		return ret;
	}
	*shape = shapes[side];
	*peer = ret;
	return own;
}
