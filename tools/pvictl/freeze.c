// SPDX-License-Identifier: GPL-2.0-or-later
/* pvictl freeze, thaw, save, restore - what a guest has made, for whoever moves it */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pvictl.h"

struct args {
	bool with_file;
	uuid_t uuid;
	const char *file;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *args = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		if (state->arg_num > args->with_file)
			argp_error(state, "too many arguments: '%s'", arg);
		if (state->arg_num == 0)
			parse_vm(state, arg, args->uuid);
		else
			args->file = arg;
		return 0;
	case ARGP_KEY_END:
		if (state->arg_num <= args->with_file)
			argp_error(state, args->with_file ? "which VM, which file?" : "which VM?");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp freeze_argp = {
	.parser = parse,
	.args_doc = "VM",
	.doc = "From now on rings to the VM are to be tried again later.",
};

static const struct argp thaw_argp = {
	.parser = parse,
	.args_doc = "VM",
	.doc = "Let the VM be rung again, and deliver what it is owed.",
};

static const struct argp save_argp = {
	.parser = parse,
	.args_doc = "VM FILE",
	.doc = "Freeze a VM that is stopped, and write what its guest has made to FILE.",
};

static const struct argp restore_argp = {
	.parser = parse,
	.args_doc = "VM FILE",
	.doc = "Give a VM what its guest had made; 'thaw' lets it be rung.",
};

static int open_named(const struct argp *argp, int argc, char **argv, struct args *args)
{
	struct endpoint e;

	argp_parse(argp, argc, argv, 0, NULL, args);
	return open_endpoint(args->uuid, &e);
}

int cmd_freeze(int argc, char **argv)
{
	struct args args = { 0 };
	int pvi = open_named(&freeze_argp, argc, argv, &args);
	int ret = pvi_get_state(pvi, KVM_PVI_STATE_FREEZE, NULL, 0);

	if (ret < 0)
		die_doing(DOING_STATE, ret, "not frozen");
	close(pvi);
	return 0;
}

int cmd_thaw(int argc, char **argv)
{
	struct args args = { 0 };
	int pvi = open_named(&thaw_argp, argc, argv, &args), ret = pvi_thaw(pvi);

	if (ret)
		die_doing(DOING_STATE, ret, "not thawed");
	close(pvi);
	return 0;
}

/* All of it, or an errno */
static int write_all(int fd, const char *blob, size_t length)
{
	ssize_t done;

	for (; length; blob += done, length -= done) {
		done = write(fd, blob, length);
		if (done < 0)
			return errno;
	}
	return fsync(fd) && errno != EINVAL && errno != EROFS ? errno : 0;
}

/* A terminal, a pipe, a device, or a link, as /dev/stdout is, which is to stay one */
static bool is_no_file(const char *file)
{
	struct stat st;

	return !lstat(file, &st) && !S_ISREG(st.st_mode);
}

/* Opened anew it would be written from its beginning, whatever stands there. */
static bool is_stdout(const char *file)
{
	struct stat its, ours;

	return !stat(file, &its) && !fstat(STDOUT_FILENO, &ours) && its.st_dev == ours.st_dev && its.st_ino == ours.st_ino;
}

static void write_through(const char *file, const void *blob, size_t length)
{
	int fd = is_stdout(file) ? dup(STDOUT_FILENO) : open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int err = fd < 0 ? errno : write_all(fd, blob, length);

	if (err)
		die_doing(DOING_OTHER, err, "%s", file);
	close(fd);
}

/* The file is there as a whole or not at all */
static void write_file(const char *file, const void *blob, size_t length)
{
	char *temporary;
	int fd, err;

	if (is_no_file(file)) {
		write_through(file, blob, length);
		return;
	}
	if (asprintf(&temporary, "%s.XXXXXX", file) < 0)
		die("out of memory");
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		die_doing(DOING_OTHER, errno, "%s", temporary);
	err = write_all(fd, blob, length);
	if (!err && rename(temporary, file))
		err = errno;
	if (err) {
		unlink(temporary);
		die_doing(DOING_OTHER, err, "%s", file);
	}
	close(fd);
	free(temporary);
}

int cmd_save(int argc, char **argv)
{
	struct args args = { .with_file = true };
	int pvi = open_named(&save_argp, argc, argv, &args), length;
	void *blob;

	length = pvi_save_state(pvi, &blob);
	if (length < 0)
		die_doing(DOING_STATE, length, "not saved");
	write_file(args.file, blob, length);
	free(blob);
	close(pvi);
	return 0;
}

static size_t read_file(const char *name, void **blob)
{
	FILE *file = fopen(name, "re");
	size_t length;

	if (!file)
		die_doing(DOING_OTHER, errno, "%s", name);
	*blob = must_alloc(malloc(KVM_PVI_STATE_MAX + 1));
	length = fread(*blob, 1, KVM_PVI_STATE_MAX + 1, file);
	if (ferror(file))
		die_doing(DOING_OTHER, EIO, "%s", name);
	fclose(file);
	return length;
}

int cmd_restore(int argc, char **argv)
{
	struct args args = { .with_file = true };
	int pvi = open_named(&restore_argp, argc, argv, &args), ret;
	size_t length;
	void *blob;

	length = read_file(args.file, &blob);
	ret = pvi_set_state(pvi, blob, length);
	if (ret)
		die_doing(DOING_STATE, ret, "not restored");
	free(blob);
	close(pvi);
	return 0;
}
