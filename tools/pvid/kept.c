// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pvid kept - what guests had made whose VMM has stopped or ended
 *
 * A file of each, so that it is there for a pvid that comes later as well. It is given to a VM of the same name and user
 * whose guest comes from elsewhere, and forgotten when that runs, or when another guest begins. The process that it was of
 * has it back if it goes on.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pvid.h"

/*
 * At the beginning of the file, behind which is the blob. One without is there while that is asked for: the endpoint is
 * frozen then, and the pvid that comes next is told by it who has frozen it.
 */
struct kept {
	char magic[8];
	uint32_t owner;
	uint32_t length;
	uint64_t began;		/* the process that has stopped, and may go on; 0: it has ended */
	int32_t pid;
	uint32_t unused;
};

#define MAGIC "PVIDKEP2"
#define OLDER_MAGIC "PVIDKEPT"	/* ends with its length */

static void kept_path(const struct pvid *d, const uuid_t uuid, const char *more, char path[static PATH_MAX])
{
	char text[UUID_STR_LEN];

	uuid_unparse_lower(uuid, text);
	snprintf(path, PATH_MAX, "%s/%s.state%s", d->run, text, more);
}

/* As a whole or not at all */
int kept_put(const struct vm *vm, bool stopped, const void *blob, uint32_t length)
{
	struct kept kept = { .magic = MAGIC, .owner = vm->owner, .length = length };
	char path[PATH_MAX], new[PATH_MAX];
	int ret = 0;
	FILE *out;

	if (stopped) {
		kept.pid = vm->pid;
		kept.began = process_began(vm->pid);
	}
	kept_path(vm->d, vm->uuid, "", path);
	kept_path(vm->d, vm->uuid, ".new", new);
	out = fopen(new, "we");
	if (!out)
		return -errno;
	errno = 0;
	if (fwrite(&kept, sizeof(kept), 1, out) != 1 || (length && fwrite(blob, 1, length, out) != length))
		ret = errno ? -errno : -EIO;
	if (fclose(out) && !ret)
		ret = -errno;
	if (!ret && rename(new, path))
		ret = -errno;
	if (ret)
		unlink(new);
	return ret;
}

bool kept_any(const struct pvid *d, const uuid_t uuid)
{
	char path[PATH_MAX];

	kept_path(d, uuid, "", path);
	return !access(path, F_OK);
}

int kept_begin(struct vm *vm)
{
	return kept_any(vm->d, vm->uuid) ? 0 : kept_put(vm, false, NULL, 0);
}

int kept_save(struct vm *vm)
{
	int length, ret = kept_begin(vm);
	void *blob;

	if (ret)
		return ret;
	length = pvi_save_state(vm->pvi, &blob);
	ret = length < 0 ? length : kept_put(vm, false, blob, length);
	if (length >= 0)
		free(blob);
	return ret;
}

static int kept_read_head(FILE *in, struct kept *kept)
{
	size_t older = offsetof(struct kept, began);

	memset(kept, 0, sizeof(*kept));
	if (fread(kept, older, 1, in) != 1 || kept->length > KVM_PVI_STATE_MAX)
		return -EINVAL;
	if (!memcmp(kept->magic, OLDER_MAGIC, sizeof(kept->magic)))
		return 0;
	if (memcmp(kept->magic, MAGIC, sizeof(kept->magic)) ||
	    fread((char *)kept + older, sizeof(*kept) - older, 1, in) != 1)
		return -EINVAL;
	return kept->length ? 0 : -ENOENT;
}

bool kept_left_by(const struct pvid *d, const uuid_t uuid, pid_t pid, uid_t owner)
{
	char path[PATH_MAX];
	struct kept kept;
	bool left;
	FILE *in;

	kept_path(d, uuid, "", path);
	in = fopen(path, "re");
	if (!in)
		return false;
	left = !kept_read_head(in, &kept) && kept.pid == pid && kept.owner == owner && kept.began &&
	       kept.began == process_began(pid);
	fclose(in);
	return left;
}

static int kept_read_file(FILE *in, uid_t owner, void **blob)
{
	struct kept kept;
	int ret = kept_read_head(in, &kept);

	if (ret)
		return ret;
	if (kept.owner != owner)
		return -ENOENT;
	*blob = malloc(kept.length);
	if (!*blob)
		return -ENOMEM;
	return fread(*blob, 1, kept.length, in) == kept.length ? (int)kept.length : -EINVAL;
}

int kept_read(const struct vm *vm, void **blob)
{
	char path[PATH_MAX];
	FILE *in;
	int ret;

	*blob = NULL;
	kept_path(vm->d, vm->uuid, "", path);
	in = fopen(path, "re");
	if (!in)
		return -errno;
	ret = kept_read_file(in, vm->owner, blob);
	fclose(in);
	if (ret < 0) {
		free(*blob);
		*blob = NULL;
	}
	return ret;
}

void kept_forget(const struct pvid *d, const uuid_t uuid)
{
	char path[PATH_MAX];

	kept_path(d, uuid, "", path);
	unlink(path);
}
