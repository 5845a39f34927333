// SPDX-License-Identifier: GPL-2.0
/*
 * kvm-pvi selftests: a BPF program at the entry of a kernel function. BPF names the function by
 * its number in the module's BTF, whose types are counted on from those of vmlinux.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/btf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fentry.h"
#include "tap.h"

struct btf {
	struct btf_header *header;
	const char *types;
	const char *strings;
};

static int bpf(int cmd, union bpf_attr *attr)
{
	int ret = syscall(SYS_bpf, cmd, attr, sizeof(*attr));

	return ret < 0 ? -errno : ret;
}

static void btf_path(char *path, size_t size, const char *module)
{
	snprintf(path, size, "/sys/kernel/btf/%s", module);
}

bool fentry_possible(const char *module)
{
	char path[256];

	btf_path(path, sizeof(path), module);
	return !access(path, R_OK);
}

/* sysfs gives no more than a page at a time */
static void read_all(int fd, char *buf, size_t size)
{
	ssize_t len;

	for (; size; buf += len, size -= len) {
		len = read(fd, buf, size);
		ASSERT_GT(len, 0);
	}
}

static struct btf load_btf(const char *module)
{
	struct stat stat;
	struct btf btf;
	char path[256];
	int fd;

	btf_path(path, sizeof(path), module);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &stat))
		TEST_FAIL("%s: %s", path, strerror(errno));
	btf.header = malloc(stat.st_size);
	ASSERT_TRUE(btf.header);
	read_all(fd, (char *)btf.header, stat.st_size);
	close(fd);
	ASSERT_EQ(btf.header->magic, BTF_MAGIC);
	btf.types = (char *)btf.header + btf.header->hdr_len + btf.header->type_off;
	btf.strings = (char *)btf.header + btf.header->hdr_len + btf.header->str_off;
	return btf;
}

/* Bytes of a type */
static size_t size_of(const struct btf_type *type)
{
	u32 n = BTF_INFO_VLEN(type->info);

	switch (BTF_INFO_KIND(type->info)) {
	case BTF_KIND_INT:
		return sizeof(*type) + sizeof(u32);
	case BTF_KIND_ARRAY:
		return sizeof(*type) + sizeof(struct btf_array);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return sizeof(*type) + n * sizeof(struct btf_member);
	case BTF_KIND_ENUM:
		return sizeof(*type) + n * sizeof(struct btf_enum);
	case BTF_KIND_ENUM64:
		return sizeof(*type) + n * sizeof(struct btf_enum64);
	case BTF_KIND_FUNC_PROTO:
		return sizeof(*type) + n * sizeof(struct btf_param);
	case BTF_KIND_VAR:
		return sizeof(*type) + sizeof(struct btf_var);
	case BTF_KIND_DATASEC:
		return sizeof(*type) + n * sizeof(struct btf_var_secinfo);
	case BTF_KIND_DECL_TAG:
		return sizeof(*type) + sizeof(struct btf_decl_tag);
	default:
		return sizeof(*type);
	}
}

/* How many types stand before @function, or all if that is NULL; -1 if there is no such one */
static int count_types(const struct btf *btf, u32 first_string, const char *function)
{
	const char *at = btf->types, *end = at + btf->header->type_len;
	const struct btf_type *type;
	int n;

	for (n = 0; at < end; n++, at += size_of(type)) {
		type = (const struct btf_type *)at;
		if (function && BTF_INFO_KIND(type->info) == BTF_KIND_FUNC &&
		    type->name_off >= first_string &&
		    !strcmp(btf->strings + type->name_off - first_string, function))
			return n;
	}
	return function ? -1 : n;
}

/* Numbers and strings of a module's BTF go on where those of vmlinux end; type 0 is void */
static u32 find_function(const char *module, const char *function)
{
	struct btf base = load_btf("vmlinux"), btf = load_btf(module);
	int before = count_types(&btf, base.header->str_len, function);
	u32 id = 1 + count_types(&base, 0, NULL) + before;

	if (before < 0)
		TEST_FAIL("no function %s() in the BTF of %s", function, module);
	free(base.header);
	free(btf.header);
	return id;
}

/* A descriptor of the kernel's BTF object of that name */
static int open_btf(const char *module)
{
	union bpf_attr attr = { };
	char name[64];
	int fd;

	while (!bpf(BPF_BTF_GET_NEXT_ID, &attr)) {
		struct bpf_btf_info info = { .name = (u64)name, .name_len = sizeof(name) };
		union bpf_attr get = { .btf_id = attr.next_id };
		union bpf_attr ask = { };

		fd = bpf(BPF_BTF_GET_FD_BY_ID, &get);
		ASSERT_GE(fd, 0);
		ask.info.bpf_fd = fd;
		ask.info.info = (u64)&info;
		ask.info.info_len = sizeof(info);
		ASSERT_EQ(bpf(BPF_OBJ_GET_INFO_BY_FD, &ask), 0);
		if (info.kernel_btf && !strcmp(name, module))
			return fd;
		close(fd);
		attr.start_id = attr.next_id;
	}
	TEST_FAIL("the kernel has no BTF of %s", module);
}

static int load_program(int btf, u32 function)
{
	struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_TRACING,
		.expected_attach_type = BPF_TRACE_FENTRY,
		.insns = (u64)code,
		.insn_cnt = ARRAY_SIZE(code),
		.license = (u64)"GPL",
		.attach_btf_id = function,
		.attach_btf_obj_fd = btf,
	};
	int fd = bpf(BPF_PROG_LOAD, &attr);

	if (fd < 0)
		TEST_FAIL("BPF_PROG_LOAD: %s", strerror(-fd));
	return fd;
}

int __fentry_attach(const char *module, const char *function)
{
	int btf = open_btf(module), program = load_program(btf, find_function(module, function));
	union bpf_attr attr = { .raw_tracepoint.prog_fd = program };
	int link = bpf(BPF_RAW_TRACEPOINT_OPEN, &attr);

	close(program);
	close(btf);
	return link;
}
