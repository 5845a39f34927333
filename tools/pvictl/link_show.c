// SPDX-License-Identifier: GPL-2.0-or-later
/* pvictl link - what is printed of links */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "flows.h"
#include "link.h"

/* Where the owner of the section is, or "" if that may not be seen */
static const char *state_text(const char *dir, const struct link *link, uint32_t side)
{
	struct flow_side says;
	char path[PATH_MAX];

	links_file(path, sizeof(path), dir, link->uuid, links_sides[side]);
	flow_side_read(path, &link->shapes[side], &says);
	return says.seen ? flow_state(says.state) : "";
}

static void links_row(struct report *report, const char *dir, const struct link *link)
{
	bool vsock = link->shapes[0].kind == PVI_RING_VSOCK;
	uint32_t i;

	report_row(report);
	report_cell(report, "%s", uuid_text(link->uuid).s);
	report_cell(report, "%s", flow_kind(link->shapes[0].kind));
	report_cell(report, "%llu", (unsigned long long)links_size(dir, link));
	report_cell(report, "%u", link->shapes[0].queues);
	for (i = 0; i < 2; i++) {
		report_cell(report, "%s", uuid_text(link->shapes[i].owner).s);
		report_cell(report, "%s", name_of(link->shapes[i].owner).s);
		report_cell(report, vsock ? "%u" : "", link->vsock[i].cid);
		report_cell(report, "%u", link->shapes[i].gsi);
		report_cell(report, "%s", state_text(dir, link, i));
	}
	report_cell(report, "%s", link->label);
}

static bool is_side(const struct link *link, const unsigned char *uuid)
{
	return !uuid_compare(link->shapes[0].owner, uuid) ||
	       !uuid_compare(link->shapes[1].owner, uuid);
}

#define LINK_COLUMNS \
	"LINK KIND #SIZE #QUEUES A A_NAME #A_CID #A_GSI A_STATE B B_NAME #B_CID #B_GSI B_STATE LINK_NAME"

void links_table(struct report *report, const char *dir, const unsigned char *uuid)
{
	struct link *links;
	size_t nr = link_dir_read(dir, &links), i;
	bool begun = false;

	for (i = 0; i <= nr; i++) {
		if (i < nr ? uuid && !is_side(&links[i], uuid) : !report_is_json(report))
			continue;
		if (!begun)
			report_table(report, "links", "Links", LINK_COLUMNS);
		begun = true;
		if (i < nr)
			links_row(report, dir, &links[i]);
	}
	free(links);
}

/* One section, as a device of the VM of side @of */
static void print_device(const struct link_args *args, const char *dir, const struct link *link,
			 uint32_t of, uint32_t section)
{
	const char *dash = args->hotplug ? "" : "-", *mode = of == section ? "" : "readonly=on,";
	const char *object = args->hotplug ? "object_add" : "object";
	const char *device = args->hotplug ? "\ndevice_add" : " -device";
	const char *bus = args->buses[of != section];
	char path[PATH_MAX], id[16];

	snprintf(id, sizeof(id), LINK_ID "%.8s-%u", uuid_text(link->uuid).s, section);
	links_file(path, sizeof(path), dir, link->uuid, links_sides[section]);
	printf("%s%s memory-backend-file,id=%s,size=%llu,share=on,%smem-path=%s", dash, object, id,
	       (unsigned long long)links_size(dir, link), mode, path);
	printf("%s ivshmem-plain,id=%s-dev,memdev=%s%s%s\n", device, id, id, bus ? ",bus=" : "",
	       bus ? bus : "");
}

static void print_process(const char *dir, const struct link *link, uint32_t side)
{
	const struct pvi_ring_shape *shape = &link->shapes[side];
	char path[PATH_MAX];

	links_file(path, sizeof(path), dir, link->uuid, links_sides[side]);
	printf("own section %s, GSI %u\n", path, shape->gsi);
	links_file(path, sizeof(path), dir, link->uuid, links_sides[1 - side]);
	printf("peer's section %s, GSI %u\n", path, shape->peer_gsi);
}

static void print_side(const struct link_args *args, const char *dir, const struct link *link,
		       uint32_t side)
{
	if (link->shapes[side].gsi < KVM_PVI_GSI_VIRTUAL) {
		print_process(dir, link, side);
		return;
	}
	if (args->libvirt) {
		link_libvirt_print(dir, link, side);
		return;
	}
	print_device(args, dir, link, side, side);
	print_device(args, dir, link, side, 1 - side);
}

static void print_name(const struct link *link, uint32_t side)
{
	printf("\n%s", uuid_text(link->shapes[side].owner).s);
	if (link->shapes[side].kind == PVI_RING_VSOCK)
		printf(", CID %u", link->vsock[side].cid);
	printf(":\n");
}

void link_print(const struct link_args *args, const char *dir, const struct link *link)
{
	uint32_t i;

	if (args->only.set && !is_side(link, args->only.uuid))
		die_as(STATUS_ABSENT, "%s is no side of link %s", uuid_text(args->only.uuid).s,
		       uuid_text(link->uuid).s);
	if (!args->only.set)
		printf("link %s\n", uuid_text(link->uuid).s);
	for (i = 0; i < 2; i++) {
		if (args->only.set && uuid_compare(args->only.uuid, link->shapes[i].owner))
			continue;
		if (!args->only.set)
			print_name(link, i);
		print_side(args, dir, link, i);
	}
	fflush(stdout);
}
