// SPDX-License-Identifier: GPL-2.0
/* kvm-pvi selftests: sections as who makes a link writes them */
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shared.h"

/* What ring.rst says */
#define AT(type, member, offset) \
	_Static_assert(offsetof(struct type, member) == (offset), #type "." #member)

AT(pvi_ring_shape, magic, 0x00);
AT(pvi_ring_shape, version, 0x08);
AT(pvi_ring_shape, kind, 0x0c);
AT(pvi_ring_shape, link, 0x10);
AT(pvi_ring_shape, owner, 0x20);
AT(pvi_ring_shape, peer, 0x30);
AT(pvi_ring_shape, gsi, 0x40);
AT(pvi_ring_shape, gsis, 0x44);
AT(pvi_ring_shape, peer_gsi, 0x48);
AT(pvi_ring_shape, peer_gsis, 0x4c);
AT(pvi_ring_shape, queues, 0x50);
AT(pvi_ring_shape, data_offset, 0x54);
AT(pvi_ring_shape, data_size, 0x58);
AT(pvi_ring_shape, side, 0x5c);
AT(pvi_ring_header, secret, 0x60);
AT(pvi_ring_header, __reserved0, 0x70);
AT(pvi_ring_header, life, 0x80);
AT(pvi_ring_header, use, 0x84);
AT(pvi_ring_header, epoch, 0x88);
AT(pvi_ring_header, mark, 0x90);
AT(pvi_ring_header, __reserved1, 0x98);
AT(pvi_ring_header, config, 0xc0);
_Static_assert(sizeof(struct pvi_ring_header) == PVI_RING_QUEUES, "struct pvi_ring_header");
AT(pvi_ring_queue, prod, 0x00);
AT(pvi_ring_queue, room_wake, 0x40);
AT(pvi_ring_queue, cons, 0x80);
AT(pvi_ring_queue, data_wake, 0xc0);
_Static_assert(sizeof(struct pvi_ring_queue) == 0x100, "struct pvi_ring_queue");

static u32 section_data(u32 queues)
{
	u64 end = PVI_RING_QUEUES + queues * sizeof(struct pvi_ring_queue);

	return (end + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
}

u64 section_size(u32 queues, u32 data_size)
{
	return section_data(queues) + (u64)queues * data_size;
}

void section_make(void *section, u32 side, u32 queues, u32 data_size)
{
	struct pvi_ring_header *header = section;
	struct pvi_ring_shape *shape = &header->shape;

	memset(section, 0, section_data(queues));
	shape->magic = PVI_RING_MAGIC;
	shape->version = PVI_RING_VERSION;
	shape->kind = PVI_RING_RAW;
	shape->side = side;
	memset(shape->link, 0x11, sizeof(shape->link));
	memset(shape->owner, 0xa0 + side, sizeof(shape->owner));
	memset(shape->peer, 0xa1 - side, sizeof(shape->peer));
	shape->gsi = 0x10000 + side;
	shape->gsis = 1;
	shape->peer_gsi = 0x10001 - side;
	shape->peer_gsis = 1;
	shape->queues = queues;
	shape->data_offset = section_data(queues);
	shape->data_size = data_size;
}

void *memory_map(int fd, u64 size, int prot)
{
	int flags = MAP_SHARED | MAP_FIXED | (fd < 0 ? MAP_ANONYMOUS : 0);
	char *at = mmap(NULL, size + 2 * PAGE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED || size % PAGE_SIZE ||
	    mmap(at + PAGE_SIZE, size, prot, flags, fd, 0) == MAP_FAILED)
		RING_FAIL("no memory");
	return at + PAGE_SIZE;
}

int memory_section(u32 side, u32 queues, u32 data_size)
{
	u64 size = section_size(queues, data_size);
	int fd = memfd_create("section", MFD_CLOEXEC);
	void *section;

	if (fd < 0 || ftruncate(fd, size))
		RING_FAIL("no memfd");
	section = memory_map(fd, size, PROT_READ | PROT_WRITE);
	section_make(section, side, queues, data_size);
	munmap(section, size);
	return fd;
}
