// SPDX-License-Identifier: GPL-2.0-or-later
/* pvictl attach - status words in memory that the guests map */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "attach.h"
#include "pvictl.h"

/*
 * The word as this process has it mapped. The mapping stays: the receiver's VMM
 * has its own, and after sealing nobody gets another one.
 */
static void *map_word(const struct attach_status *s, int fd)
{
	uint64_t page = s->offset & ~(sysconf(_SC_PAGESIZE) - 1ull);
	char *memory = mmap(NULL, s->offset - page + sizeof(struct kvm_pvi_status),
			    PROT_READ | PROT_WRITE, MAP_SHARED, fd, page);

	if (memory == MAP_FAILED && errno == EPERM)
		die("%s is sealed already: make it anew for each receiver", s->path);
	if (memory == MAP_FAILED)
		die_doing(DOING_OTHER, errno, "%s", s->path);
	return memory + (s->offset - page);
}

void attach_set_status(const struct attach_status *s, int pvi)
{
	int fd = open(s->path, O_RDWR | O_CLOEXEC);
	void *word;
	int ret;

	if (fd < 0)
		die_doing(DOING_OTHER, errno, "%s", s->path);
	word = map_word(s, fd);
	/* Where this fails KVM_PVI_STATUS says whether it matters. */
	pvi_status_seal(fd);
	ret = pvi_set_status(pvi, s->gsi, fd, s->offset, word, s->flags);
	if (ret)
		die_doing(DOING_STATUS, ret, "cannot make a status word for GSI %u in %s", s->gsi,
			  s->path);
	close(fd);
}
