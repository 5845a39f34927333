// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pvid kept - what guests had made whose VMM has stopped or ended
 *
 * A file of each, so that it is there for a pvid that comes later as well. It is given to a VM of the same name and user
 * whose guest comes from elsewhere, and forgotten when that runs, or when another guest begins.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pvid.h"

/* At the beginning of the file, behind which is the blob */
struct kept {
	char magic[8];
	uint32_t owner;
	uint32_t length;
};

#define MAGIC "PVIDKEPT"

static void kept_path(const struct pvid *d, const uuid_t uuid, const char *more, char path[static PATH_MAX])
{
	char text[UUID_STR_LEN];

	uuid_unparse_lower(uuid, text);
	snprintf(path, PATH_MAX, "%s/%s.state%s", d->run, text, more);
}

/* As a whole or not at all */
static int kept_write(const struct vm *vm, const void *blob, uint32_t length)
{
	struct kept kept = { .magic = MAGIC, .owner = vm->owner, .length = length };
	char path[PATH_MAX], new[PATH_MAX];
	int ret = 0;
	FILE *out;

	kept_path(vm->d, vm->uuid, "", path);
	kept_path(vm->d, vm->uuid, ".new", new);
	out = fopen(new, "we");
	if (!out)
		return -errno;
	errno = 0;
	if (fwrite(&kept, sizeof(kept), 1, out) != 1 || fwrite(blob, 1, length, out) != length)
		ret = errno ? -errno : -EIO;
	if (fclose(out) && !ret)
		ret = -errno;
	if (!ret && rename(new, path))
		ret = -errno;
	if (ret)
		unlink(new);
	return ret;
}

int kept_save(struct vm *vm)
{
	void *blob;
	int length = pvi_save_state(vm->pvi, &blob), ret;

	if (length < 0)
		return length;
	ret = kept_write(vm, blob, length);
	free(blob);
	return ret;
}

static int kept_read_file(FILE *in, uid_t owner, void **blob)
{
	struct kept kept;

	if (fread(&kept, sizeof(kept), 1, in) != 1 || memcmp(kept.magic, MAGIC, sizeof(kept.magic)) ||
	    kept.length > KVM_PVI_STATE_MAX)
		return -EINVAL;
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
