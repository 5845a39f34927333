// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * common words - files with the status words of VMs of the policy
 *
 * A VMM maps its VM's file as a device's memory. It is the user's who runs that, and root's group has it too, for pvid
 * registers words in it and may do no more with others' files than anybody.
 */
#include <errno.h>
#include <fcntl.h>
#include <libpvi.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "words.h"

#define PAGE 4096
#define FILE_MODE 0660

static int open_dir(const char *dir)
{
	int fd;

	if (mkdir(dir, 0700) && errno != EEXIST)
		return -errno;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	/* Whatever the umask is */
	if (!fchmod(fd, 0755))
		return fd;
	close(fd);
	return -EPERM;
}

static int open_file(int dir, const uuid_t uuid, int flags)
{
	char name[UUID_STR_LEN];
	int fd;

	uuid_unparse_lower(uuid, name);
	fd = openat(dir, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | flags, 0600);
	return fd < 0 ? -errno : fd;
}

/* Grows, and never shrinks: somebody may have it mapped. */
static int fit_file(int fd, const struct policy_vm *vm)
{
	size_t size = (vm->nr_words * sizeof(struct kvm_pvi_status) + PAGE - 1) / PAGE * PAGE;
	uid_t user = vm->has_user ? vm->user : 0;
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EEXIST;
	if ((size_t)st.st_size < size && ftruncate(fd, size))
		return -errno;
	/* While it is ours */
	if (st.st_uid == geteuid() && (st.st_mode & 07777) != FILE_MODE && fchmod(fd, FILE_MODE))
		return -errno;
	if ((st.st_uid != user || st.st_gid != 0) && fchown(fd, user, 0))
		return -errno;
	return 0;
}

static bool stat_file(int dir, const uuid_t uuid, struct stat *st)
{
	char name[UUID_STR_LEN];

	uuid_unparse_lower(uuid, name);
	return !fstatat(dir, name, st, AT_SYMLINK_NOFOLLOW);
}

/* Whoever has had it may have it open, and could write in it whosever it was. */
static bool is_anothers(int dir, const struct policy_vm *vm)
{
	struct stat st;

	return stat_file(dir, vm->uuid, &st) && st.st_uid != geteuid() && (!vm->has_user || st.st_uid != vm->user);
}

bool words_are_users(const char *dir, const struct policy_vm *vm)
{
	int at = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	bool are;

	are = at >= 0 && vm->has_user && vm->user != geteuid() && stat_file(at, vm->uuid, &st) &&
		st.st_uid == vm->user;
	if (at >= 0)
		close(at);
	return are;
}

int words_make(const char *dir, const struct policy_vm *vm)
{
	int at = open_dir(dir), fd, ret;

	if (at < 0)
		return at;
	ret = is_anothers(at, vm) ? words_remove(dir, vm->uuid) : 0;
	fd = ret ?: open_file(at, vm->uuid, O_CREAT);
	ret = fd < 0 ? fd : fit_file(fd, vm);
	if (fd >= 0)
		close(fd);
	close(at);
	return ret;
}

int words_remove(const char *dir, const uuid_t uuid)
{
	char path[PATH_MAX], name[UUID_STR_LEN];

	uuid_unparse_lower(uuid, name);
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return unlink(path) && errno != ENOENT ? -errno : 0;
}

/* The module keeps the page, and needs the mapping no longer. */
static int register_word(int pvi, int fd, uint32_t gsi, uint64_t offset)
{
	uint64_t page = offset / PAGE * PAGE;
	char *map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, page);
	int ret;

	if (map == MAP_FAILED)
		return -errno;
	ret = pvi_set_status(pvi, gsi, fd, offset, map + (offset - page), KVM_PVI_STATUS_UNSEALED);
	munmap(map, PAGE);
	return ret;
}

int words_give(const char *dir, const uuid_t uuid, int pvi, uint32_t gsi, uint32_t word)
{
	int at = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), fd, ret;

	if (at < 0)
		return -errno;
	fd = open_file(at, uuid, 0);
	ret = fd < 0 ? fd : register_word(pvi, fd, gsi, (uint64_t)word * sizeof(struct kvm_pvi_status));
	if (fd >= 0)
		close(fd);
	close(at);
	return ret;
}
