// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* libpvi inside_link - the sections of links, among the PCI devices of a guest */
#include <fcntl.h>
#include <glob.h>
#include <libpvi_guest.h>
#include <linux/pvi_ring.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"

#define DEVICES	"/sys/bus/pci/devices/*"

/* The attribute of a device, or 0 */
static unsigned long device_number(const char *device, const char *name)
{
	char path[256], text[32] = "";
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", device, name);
	f = fopen(path, "re");
	if (!f)
		return 0;
	if (!fgets(text, sizeof(text), f))
		text[0] = 0;
	fclose(f);
	return strtoul(text, NULL, 0);
}

/* Without a driver its memory is there only then. */
static int device_enable(const char *device)
{
	char path[256];
	int fd, ret = 0;

	snprintf(path, sizeof(path), "%s/enable", device);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "1", 1) != 1)
		ret = -errno;
	if (fd >= 0)
		close(fd);
	return ret;
}

/* What the section begins with, if it is one */
static int section_look(int fd, struct pvi_ring_shape *shape)
{
	struct stat st;
	bool known;
	void *map;

	if (fstat(fd, &st))
		return -errno;
	if (st.st_size < (off_t)sizeof(struct pvi_ring_header))
		return -ENOLINK;
	map = mmap(NULL, st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	known = pvi_ring_look(map, st.st_size, shape);
	munmap(map, st.st_size);
	return known ? 0 : -ENOLINK;
}

/* An ivshmem device without a driver that is a section: a descriptor of it, or -errno */
static int section_open(const char *device, struct pvi_ring_shape *shape)
{
	char path[256];
	int fd, ret;

	if (device_number(device, "vendor") != 0x1af4 || device_number(device, "device") != 0x1110)
		return -ENODEV;
	snprintf(path, sizeof(path), "%s/driver", device);
	if (!access(path, F_OK))
		return -EBUSY;
	ret = device_enable(device);
	if (ret)
		return ret;
	snprintf(path, sizeof(path), "%s/resource2", device);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = section_look(fd, shape);
	if (!ret)
		return fd;
	close(fd);
	return ret;
}

/* Whether the section of @shape, whose owner is @owner, is of the link wanted */
static bool section_is(const struct pvi_ring_shape *shape, const unsigned char *link,
		       const unsigned char *owner)
{
	if (memcmp(shape->owner, owner, PVI_RING_UUID_SIZE))
		return false;
	return link ? !memcmp(shape->link, link, PVI_RING_UUID_SIZE) : shape->kind == PVI_RING_RAW;
}

/* The only one, in @shape; -ENOENT: there is none, -ENOTUNIQ: there are several */
static int section_find(const glob_t *devices, const unsigned char *link, const unsigned char *owner,
			struct pvi_ring_shape *shape)
{
	struct pvi_ring_shape seen;
	int found = -ENOENT, fd;
	size_t i;

	for (i = 0; i < devices->gl_pathc; i++) {
		fd = section_open(devices->gl_pathv[i], &seen);
		if (fd == -EACCES || fd == -EPERM) {
			found = found < 0 ? fd : found;
			continue;
		}
		if (fd < 0)
			continue;
		if (!section_is(&seen, link, owner)) {
			close(fd);
			continue;
		}
		if (found >= 0) {
			close(fd);
			close(found);
			return -ENOTUNIQ;
		}
		found = fd;
		*shape = seen;
	}
	return found;
}

int pvi_guest_link(int guest, const unsigned char *link, struct pvi_ring_shape *shape, int *peer)
{
	struct kvm_pvi_guest_info info = { .size = sizeof(info) };
	int ret = pvi_guest_get_info(guest, &info), own;
	struct pvi_ring_shape theirs;
	glob_t devices;

	if (ret)
		return ret;
	if (glob(DEVICES, 0, NULL, &devices))
		return -ENOENT;
	own = section_find(&devices, link, info.uuid, shape);
	if (own >= 0) {
		*peer = section_find(&devices, shape->link, shape->peer, &theirs);
		if (*peer < 0) {
			close(own);
			own = *peer;
		}
	}
	globfree(&devices);
	return own;
}
