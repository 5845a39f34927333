// SPDX-License-Identifier: GPL-2.0
/*
 * counters add|print|tell MODULE BYTES - the counters of a module that was built with -fprofile-arcs and
 * -fprofile-info-section=.gcov_info, which is so many bytes long; for rig/coverage.sh.
 *
 * "add" reads them out of the kernel's memory and adds them up in a file, since they begin at 0 with each load
 * of the module: one that is less than before has done so. "print" does that too, and prints for each object
 * its file of counters as gcov has it: "gcda", its name, and its bytes in hexadecimal. A guest, who may be killed,
 * will "tell" instead what has come since it last told, in a line "counted", and first, in lines "object", what the
 * module consists of, for rig/heard.py. Each of these lines ends with how many colons it has.
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
#include <termios.h>
#include <unistd.h>

#define ROOM		(1 << 20)	/* for counters */
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

static const char *module;
static char state[256];		/* the file */
static enum { ADD, PRINT, TELL, OBJECTS } mode;

static int kcore;
static Elf64_Phdr *segments;
static unsigned int nr_segments;

/* Of loads that are over, and of this one */
static uint64_t *sums, *last;

static unsigned int told;	/* in this line */

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
	unsigned long long address;
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "/sys/module/%s/sections/.gcov_info", module);
	file = fopen(path, "re");
	if (!file || fscanf(file, "%llx", &address) != 1)
		err(1, "%s", path);
	fclose(file);
	return address;
}

static void load_sums(void)
{
	FILE *file = fopen(state, "re");
	size_t nr;

	sums = calloc(ROOM, sizeof(*sums));
	last = calloc(ROOM, sizeof(*last));
	if (!sums || !last)
		err(1, "memory");
	if (!file)
		return;
	nr = fread(sums, sizeof(*sums), ROOM, file) / 2;
	memcpy(last, sums + nr, nr * sizeof(*last));
	memset(sums + nr, 0, nr * sizeof(*sums));
	fclose(file);
}

static void save_sums(size_t nr)
{
	FILE *file = fopen(state, "we");

	if (!file || fwrite(sums, sizeof(*sums), nr, file) != nr ||
	    fwrite(last, sizeof(*last), nr, file) != nr || fclose(file))
		err(1, "%s", state);
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

/* What a counter has come to */
static void take_counter(size_t at, uint64_t now)
{
	uint64_t more = now - last[at];

	if (now < last[at]) {
		sums[at] += last[at];
		more = now;
	}
	last[at] = now;
	if (mode == TELL && more)
		told += printf(" %zx:%llx", at, (unsigned long long)more) > 0;
}

/* Adds up, from position @at on; returns the next one */
static size_t take_function(uint64_t address, size_t at)
{
	struct function f;
	uint64_t *now;
	uint32_t i;

	read_kernel(address, &f, sizeof(f));
	if (mode == OBJECTS) {
		told += printf(" %x:%x,%x,%llx", f.ident, f.lineno_checksum, f.cfg_checksum, (unsigned long long)f.nr) > 0;
		return at + f.nr;
	}
	now = calloc(f.nr, sizeof(*now));
	if (!now)
		err(1, "memory");
	read_kernel(f.counters, now, f.nr * sizeof(*now));
	for (i = 0; i < f.nr; i++)
		take_counter(at + i, now[i]);
	free(now);
	if (mode == PRINT)
		print_counters(&f, at);
	return at + f.nr;
}

static void begin_object(const struct info *info, const char *name, size_t at)
{
	if (mode == OBJECTS) {
		told = 0;
		printf("object %s %zx %s %x %x %x", module, at, name, info->version, info->stamp, info->checksum);
	} else if (mode == PRINT) {
		printf("gcda %s ", name);
		print_word(0x67636461);
		print_word(info->version);
		print_word(info->stamp);
		print_word(info->checksum);
	}
}

static size_t take_object(uint64_t address, size_t at)
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
	begin_object(&info, name, at);
	for (i = 0; i < info.nr_functions; i++) {
		read_kernel(info.functions + 8 * i, &function, sizeof(function));
		/* Another object has it where several have the same one. */
		if (function)
			at = take_function(function, at);
	}
	if (mode == OBJECTS)
		printf(" %x", told);
	if (mode == OBJECTS || mode == PRINT)
		printf("\n");
	return at;
}

/* Returns how many there are */
static size_t take_all(size_t bytes)
{
	uint64_t section = section_address(), object;
	size_t at = 0, i;

	for (i = 0; i < bytes / 8; i++) {
		read_kernel(section + 8 * i, &object, sizeof(object));
		at = take_object(object, at);
	}
	return at;
}

static void tell_objects(size_t bytes)
{
	mode = OBJECTS;
	take_all(bytes);
	mode = TELL;
	told = 0;
}

int main(int argc, char **argv)
{
	static const char *const modes[] = { [ADD] = "add", [PRINT] = "print", [TELL] = "tell" };
	size_t bytes;

	for (mode = ADD; argc == 4 && mode < TELL && strcmp(argv[1], modes[mode]); mode++)
		;
	if (argc != 4 || strcmp(argv[1], modes[mode]))
		errx(2, "usage: counters add|print|tell MODULE BYTES");
	module = argv[2];
	bytes = strtoul(argv[3], NULL, 0);
	snprintf(state, sizeof(state), P_tmpdir "/coverage-%s", module);
	open_kcore();
	if (mode == TELL && access(state, F_OK))
		tell_objects(bytes);
	load_sums();
	if (mode == TELL)
		printf("counted %s", module);
	save_sums(take_all(bytes));
	if (mode == TELL) {
		printf(" %x\n", told);
		/* Who is saved then has told nothing twice. */
		if (fflush(stdout) || (isatty(1) && tcdrain(1)))
			err(1, "told nobody");
	}
	return 0;
}
