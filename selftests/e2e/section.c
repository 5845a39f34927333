// SPDX-License-Identifier: GPL-2.0
/* kvm-pvi selftests: the sections of links that a guest's program finds among its PCI devices */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "section.h"

struct section sections[MAX_SECTIONS];
int nr_sections;
int guest;
unsigned char self[KVM_PVI_UUID_SIZE];

void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

/* The file @name beside @path, which ends with "resource2" */
static FILE *open_beside(const char *path, const char *name, const char *mode)
{
	char file[256];
	FILE *f;

	snprintf(file, sizeof(file), "%.*s%s", (int)(strlen(path) - strlen("resource2")), path, name);
	f = fopen(file, mode);
	if (!f)
		die("%s: %s", file, strerror(errno));
	return f;
}

static unsigned long read_attribute(const char *path, const char *name)
{
	FILE *f = open_beside(path, name, "r");
	char text[32] = "";

	if (!fgets(text, sizeof(text), f))
		die("%s: nothing in %s", path, name);
	fclose(f);
	return strtoul(text, NULL, 0);
}

/* Its memory is there only then */
static void enable(const char *path)
{
	FILE *f = open_beside(path, "enable", "w");

	fputs("1", f);
	fclose(f);
}

/* Both are mapped writable: what the guest may do is not what keeps it from storing */
static void look_at(const char *path)
{
	struct section *s = &sections[nr_sections];
	struct stat st;

	if (read_attribute(path, "vendor") != 0x1af4 || read_attribute(path, "device") != 0x1110 ||
	    nr_sections == MAX_SECTIONS)
		return;
	enable(path);
	s->fd = open(path, O_RDWR | O_CLOEXEC);
	if (s->fd < 0 || fstat(s->fd, &st))
		die("%s: %s", path, strerror(errno));
	s->size = st.st_size;
	s->map = mmap(NULL, s->size, PROT_READ | PROT_WRITE, MAP_SHARED, s->fd, 0);
	if (s->map == MAP_FAILED)
		die("%s: %s", path, strerror(errno));
	if (pvi_ring_look((struct pvi_ring_header *)s->map, s->size, &s->shape))
		nr_sections++;
}

static void look(void)
{
	glob_t found;
	size_t i;

	/* There may be none */
	if (glob("/sys/bus/pci/devices/*/resource2", 0, NULL, &found))
		return;
	for (i = 0; i < found.gl_pathc; i++)
		look_at(found.gl_pathv[i]);
	globfree(&found);
}

struct section *section_find(const unsigned char *link, const unsigned char *owner)
{
	int i;

	for (i = 0; i < nr_sections; i++)
		if ((!link || !memcmp(sections[i].shape.link, link, PVI_RING_UUID_SIZE)) &&
		    !memcmp(sections[i].shape.owner, owner, PVI_RING_UUID_SIZE))
			return &sections[i];
	die("no such section among %d", nr_sections);
}

static void read_self(void)
{
	struct kvm_pvi_guest_info info = { .size = sizeof(info) };
	int ret;

	guest = pvi_guest_open();
	if (guest < 0)
		die("/dev/kvm_pvi_guest: %s", strerror(-guest));
	ret = pvi_guest_get_info(guest, &info);
	if (ret)
		die("who am I? %s", strerror(-ret));
	memcpy(self, info.uuid, sizeof(self));
}

void section_begin(void)
{
	read_self();
	look();
}
