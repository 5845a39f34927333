// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* libpvi inside_link - the sections of links, among the PCI devices of a guest */
#include <dirent.h>
#include <fcntl.h>
#include <libpvi_guest.h>
#include <linux/pvi_ring.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"

#define DEVICES	"/sys/bus/pci/devices"
#define PATH	512	/* bytes of one of them, of 255, and of an attribute */

/* Whether an attribute of a device is @number: 0, -ENODEV, or -errno */
static int device_check(const char *device, const char *name, unsigned long number)
{
	char path[PATH], text[32] = "";
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", device, name);
	f = fopen(path, "re");
	if (!f)
		return -errno;
	if (!fgets(text, sizeof(text), f))
		text[0] = 0;
	fclose(f);
	return strtoul(text, NULL, 0) == number ? 0 : -ENODEV;
}

/* Without a driver its memory is there only then. */
static int device_enable(const char *device)
{
	char path[PATH];
	int fd, ret = 0;

	snprintf(path, sizeof(path), "%s/enable", device);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "1", 1) != 1)
		ret = -errno;
	if (fd >= 0)
		close(fd);
	return ret;
}

/* What is sought, and what a section has: @secret NULL: whatever it is, and the guest can write to it */
struct section {
	const unsigned char *link, *owner, *secret;
};

/* Whether what @shape was read of is the section that is sought */
static bool section_is(const struct section *sought, struct pvi_ring_header *header,
		       const struct pvi_ring_shape *shape)
{
	uint64_t number;

	if (memcmp(shape->owner, sought->owner, PVI_RING_UUID_SIZE) ||
	    (sought->link ? memcmp(shape->link, sought->link, PVI_RING_UUID_SIZE) : shape->kind != PVI_RING_RAW))
		return false;
	if (sought->secret)
		return !memcmp(header->secret, sought->secret, PVI_LINK_SECRET);
	/* A peer may have written this guest's name into its own. */
	return getrandom(&number, sizeof(number), 0) == sizeof(number) && pvi_ring_owns(header, number);
}

/* What the section begins with, if it is the one that is sought; @secret: what it has, unless that was known */
static int section_look(int fd, const struct section *sought, struct pvi_ring_shape *shape, unsigned char *secret)
{
	struct pvi_ring_header *map;
	struct stat st;
	bool known;

	if (fstat(fd, &st))
		return -errno;
	if (st.st_size < (off_t)sizeof(struct pvi_ring_header))
		return -ENOLINK;
	map = mmap(NULL, st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	known = pvi_ring_look(map, st.st_size, shape) && section_is(sought, map, shape);
	if (known && !sought->secret)
		memcpy(secret, map->secret, PVI_LINK_SECRET);
	munmap(map, st.st_size);
	return known ? 0 : -ENOLINK;
}

/* An ivshmem device without a driver that is the section: a descriptor of it, or -errno */
static int section_open(const char *device, const struct section *sought, struct pvi_ring_shape *shape,
			unsigned char *secret)
{
	char path[PATH];
	int fd, ret;

	ret = device_check(device, "vendor", 0x1af4) ?: device_check(device, "device", 0x1110);
	if (ret)
		return ret;
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
	ret = section_look(fd, sought, shape, secret);
	if (!ret)
		return fd;
	close(fd);
	return ret;
}

/* What it says of the caller, and nothing of the device */
static bool is_shortage(int error)
{
	return error == -EMFILE || error == -ENFILE || error == -ENOMEM;
}

/* The only one, in @shape and @secret; -ENOENT: there is none, -ENOTUNIQ: there are several */
static int section_find(struct dirent **devices, int nr, const struct section *sought, struct pvi_ring_shape *shape,
			unsigned char *secret)
{
	unsigned char seen_secret[PVI_LINK_SECRET] = { 0 };
	struct pvi_ring_shape seen;
	int found = -ENOENT, fd, i;
	char device[sizeof(DEVICES) + 256];

	for (i = 0; i < nr; i++) {
		snprintf(device, sizeof(device), "%s/%s", DEVICES, devices[i]->d_name);
		fd = section_open(device, sought, &seen, seen_secret);
		/* Any of those that were not looked at may be one. */
		if (is_shortage(fd)) {
			if (found >= 0)
				close(found);
			return fd;
		}
		if (fd == -EACCES || fd == -EPERM) {
			found = found < 0 ? fd : found;
			continue;
		}
		if (fd < 0)
			continue;
		if (found >= 0) {
			close(fd);
			close(found);
			return -ENOTUNIQ;
		}
		found = fd;
		*shape = seen;
		if (secret)
			memcpy(secret, seen_secret, sizeof(seen_secret));
	}
	return found;
}

static int is_device(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

int pvi_guest_link(int guest, const unsigned char *link, struct pvi_ring_shape *shape, int *peer)
{
	struct kvm_pvi_guest_info info = { .size = sizeof(info) };
	int ret = pvi_guest_get_info(guest, &info), own, nr;
	unsigned char secret[PVI_LINK_SECRET];
	struct pvi_ring_shape theirs;
	struct section sought;
	struct dirent **devices;

	if (ret)
		return ret;
	nr = scandir(DEVICES, &devices, is_device, alphasort);
	if (nr < 0)
		return -errno;
	sought = (struct section){ link, info.uuid, NULL };
	own = section_find(devices, nr, &sought, shape, secret);
	if (own >= 0) {
		sought = (struct section){ shape->link, shape->peer, secret };
		*peer = section_find(devices, nr, &sought, &theirs, NULL);
		if (*peer < 0) {
			close(own);
			own = *peer;
		}
	}
	while (nr)
		free(devices[--nr]);
	free(devices);
	return own;
}
