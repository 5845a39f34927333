// SPDX-License-Identifier: GPL-2.0
/*
 * counters add|print BYTES - the counters of a kvm_pvi that was built with -fprofile-arcs and
 * -fprofile-info-section=.gcov_info, which is so many bytes long; for rig/coverage.sh.
 *
 * "add" reads them out of the kernel's memory and adds them up in a file, since they begin at 0 with each load
 * of the module: one that is less than before has done so. "print" does that too, and prints for each object
 * its file of counters as gcov has it: "gcda", its name, and its bytes in hexadecimal.
 *
 * The structures and the file are those of GCC 12, whose gcov-io.h describes them; no header that is
 * installed does.
 */
#include <elf.h>
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MODULE		"kvm_pvi"
#define SUMS		"/tmp/coverage"
#define NR_KINDS	8		/* of counters; the first is that of arcs */
#define TAG_FUNCTION	0x01000000u
#define TAG_ARCS	0x01a10000u

struct info {			/* struct gcov_info of gcov-io.h */
	uint32_t version;
	uint64_t next;
	uint32_t stamp;
	uint32_t checksum;
	uint64_t filename;
	uint64_t merge[NR_KINDS];
	uint32_t nr_functions;
	uint64_t functions;
};

struct function {		/* struct gcov_fn_info, with the arcs' counters alone */
	uint64_t key;
	uint32_t ident;
	uint32_t lineno_checksum;
	uint32_t cfg_checksum;
	uint64_t nr;
	uint64_t counters;
};

static int kcore;
static Elf64_Phdr *segments;
static unsigned int nr_segments;

/* Of loads that are over, and of this one */
static uint64_t *sums, *last;

static void open_kcore(void)
{
	Elf64_Ehdr header;

	kcore = open("/proc/kcore", O_RDONLY | O_CLOEXEC);
	if (kcore < 0 || pread(kcore, &header, sizeof(header), 0) != sizeof(header))
		err(1, "/proc/kcore");
	nr_segments = header.e_phnum;
	segments = calloc(nr_segments, sizeof(*segments));
	if (!segments || pread(kcore, segments, nr_segments * sizeof(*segments), header.e_phoff) < 0)
		err(1, "/proc/kcore");
}

static void read_kernel(uint64_t address, void *to, size_t size)
{
	const Elf64_Phdr *s;

	for (s = segments; s < segments + nr_segments; s++)
		if (s->p_type == PT_LOAD && address - s->p_vaddr < s->p_memsz)
			break;
	if (s == segments + nr_segments ||
	    pread(kcore, to, size, s->p_offset + address - s->p_vaddr) != (ssize_t)size)
		errx(1, "no kernel memory at %#llx", (unsigned long long)address);
}

static uint64_t section_address(void)
{
	FILE *file = fopen("/sys/module/" MODULE "/sections/.gcov_info", "re");
	unsigned long long address;

	if (!file || fscanf(file, "%llx", &address) != 1)
		err(1, "the section of " MODULE);
	fclose(file);
	return address;
}

static void load_sums(void)
{
	FILE *file = fopen(SUMS, "re");
	size_t room = 1 << 20, nr;

	sums = calloc(room, sizeof(*sums));
	last = calloc(room, sizeof(*last));
	if (!sums || !last)
		err(1, "memory");
	if (!file)
		return;
	nr = fread(sums, sizeof(*sums), room, file) / 2;
	memcpy(last, sums + nr, nr * sizeof(*last));
	memset(sums + nr, 0, nr * sizeof(*sums));
	fclose(file);
}

static void save_sums(size_t nr)
{
	FILE *file = fopen(SUMS, "we");

	if (!file || fwrite(sums, sizeof(*sums), nr, file) != nr ||
	    fwrite(last, sizeof(*last), nr, file) != nr || fclose(file))
		err(1, SUMS);
}

static void print_word(uint32_t word)
{
	unsigned int i;

	for (i = 0; i < 32; i += 8)
		printf("%02x", word >> i & 0xff);
}

static void print_counters(const struct function *f, size_t first)
{
	uint32_t i;

	print_word(TAG_FUNCTION);
	print_word(12);
	print_word(f->ident);
	print_word(f->lineno_checksum);
	print_word(f->cfg_checksum);
	print_word(TAG_ARCS);
	print_word(8 * f->nr);
	for (i = 0; i < f->nr; i++) {
		print_word(sums[first + i] + last[first + i]);
		print_word((sums[first + i] + last[first + i]) >> 32);
	}
}

/* Adds up, from position @at on; returns the next one */
static size_t take_function(uint64_t address, size_t at, int print)
{
	struct function f;
	uint64_t *now;
	uint32_t i;

	read_kernel(address, &f, sizeof(f));
	now = calloc(f.nr, sizeof(*now));
	if (!now)
		err(1, "memory");
	read_kernel(f.counters, now, f.nr * sizeof(*now));
	for (i = 0; i < f.nr; i++) {
		if (now[i] < last[at + i])
			sums[at + i] += last[at + i];
		last[at + i] = now[i];
	}
	free(now);
	if (print)
		print_counters(&f, at);
	return at + f.nr;
}

static size_t take_object(uint64_t address, size_t at, int print)
{
	char name[512] = "";
	struct info info;
	uint64_t function;
	uint32_t i;

	read_kernel(address, &info, sizeof(info));
	for (i = 0; i < sizeof(name) - 1; i++) {
		read_kernel(info.filename + i, name + i, 1);
		if (!name[i])
			break;
	}
	if (print) {
		printf("gcda %s ", name);
		print_word(0x67636461);
		print_word(info.version);
		print_word(info.stamp);
		print_word(info.checksum);
	}
	for (i = 0; i < info.nr_functions; i++) {
		read_kernel(info.functions + 8 * i, &function, sizeof(function));
		/* Another object has it where several have the same one. */
		if (function)
			at = take_function(function, at, print);
	}
	if (print)
		printf("\n");
	return at;
}

int main(int argc, char **argv)
{
	uint64_t section, object;
	size_t at = 0, i;

	if (argc != 3)
		errx(2, "usage: counters add|print BYTES");
	open_kcore();
	load_sums();
	section = section_address();
	for (i = 0; i < strtoul(argv[2], NULL, 0) / 8; i++) {
		read_kernel(section + 8 * i, &object, sizeof(object));
		at = take_object(object, at, !strcmp(argv[1], "print"));
	}
	save_sums(at);
	return 0;
}
