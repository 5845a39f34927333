// SPDX-License-Identifier: GPL-2.0
/* kvm-pvi midway: two endpoints, one of each thing that hangs on them, and memory that lets wait */
#include <linux/userfaultfd.h>

#include "../lib/fuse.h"
#include "midway.h"

#define SLOT_GPA 0x80000000UL

struct world w;

void *room;
u8 answer[PAGE_SIZE] __aligned(PAGE_SIZE);
static bool room_of_fuse;
/* Readable when somebody waits there; of userfaultfd what it is answered by */
static int asked;

static void room_begin(bool fuse)
{
	room_of_fuse = fuse;
	room = fuse ? fuse_memory(&asked) : uffd_memory(PAGE_SIZE, &asked);
	memset(answer, 0, sizeof(answer));
}

void room_await(void)
{
	ASSERT_TRUE(wait_readable(asked, 10000));
}

void room_answer(void)
{
	struct uffdio_copy copy = { .dst = (u64)room, .src = (u64)answer, .len = PAGE_SIZE };

	if (room_of_fuse)
		fuse_answer(answer);
	else
		ASSERT_EQ(ioctl(asked, UFFDIO_COPY, &copy), 0);
}

static void room_end(void)
{
	munmap(room, PAGE_SIZE);
	if (room_of_fuse)
		fuse_end();
	else
		close(asked);
}

static void begin_self(void)
{
	w.self = pvi_bind(w.vm, SELF);
	pvi_expose(w.self, GSI, KVM_PVI_GSI_DIRECT);
	pvi_expose(w.self, BELL_GSI, KVM_PVI_GSI_DIRECT);
	pvi_expose(w.self, WORD_GSI, KVM_PVI_GSI_DIRECT);
	pvi_expose(w.self, FREE_GSI, KVM_PVI_GSI_EVENTFD);
	pvi_expose(w.self, MSI_GSI, KVM_PVI_GSI_MSI);
	pvi_bell(w.self, BELL, BELL_GSI);
	memset(w.mem.word, 0, 2 * sizeof(*w.mem.word));
	status_register(w.self, WORD_GSI, &w.mem);
	pvi_allow(w.self, PEER, GSI);
	w.grant = pvi_grant(w.self, GSI, 8, &w.grant_id);
	w.slot = vm_map_mem(w.vm, SLOT_GPA, w.vm->low, PAGE_SIZE, 0);
}

static void begin_peer(void)
{
	w.peer = pvi_bind_epoch(PEER, &w.peer_epoch);
	w.sink = new_eventfd();
	pvi_expose(w.peer, GSI, KVM_PVI_GSI_EVENTFD);
	pvi_wire(w.peer, GSI, w.sink);
	pvi_allow(w.peer, SELF, GSI);
}

void world_begin(bool fuse)
{
	room_begin(fuse);
	if (!w.vm) {
		w.vm = vm_create(1, 0);
		w.mem = status_make();
	}
	begin_self();
	begin_peer();
	w.port = pvi_connect(w.self, PEER, GSI);
	w.source = new_eventfd();
	pvi_wire_source(w.self, w.source, w.port);
	w.spare = new_eventfd();
	w.third = pvi_open();
	w.granted = -1;
	w.other = 0;
}

/* The other process has descriptors of all the others, which would not end. */
void world_end(void)
{
	if (w.other)
		child_kill(w.other);
	if (w.slot)
		vm_unmap_mem(w.vm, w.slot);
	if (w.granted >= 0)
		close(w.granted);
	close(w.grant);
	if (w.self >= 0)
		close(w.self);
	close(w.peer);
	close(w.third);
	close(w.sink);
	close(w.source);
	close(w.spare);
	room_end();
}
