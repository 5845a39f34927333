// SPDX-License-Identifier: GPL-2.0-or-later
/* pvictl guest - inside a guest: who it is, what it may be rung by and whom it may ring */
#include <unistd.h>

#include "guest.h"

int open_guest(void)
{
	struct kvm_pvi_guest_info info = { .size = sizeof(info) };
	int guest = pvi_guest_open(), ret;

	if (guest < 0)
		die_doing(DOING_GUEST, guest, "/dev/kvm_pvi_guest");
	ret = pvi_guest_get_info(guest, &info);
	if (ret)
		die_doing(DOING_GUEST, ret, "/dev/kvm_pvi_guest");
	if (!info.features)
		die("the host does not serve this guest: its VM must be bound there, for instance by 'pvictl attach'");
	return guest;
}

static void add_guest(struct report *report, int guest)
{
	struct kvm_pvi_guest_info info = { .size = sizeof(info) };
	int ret = pvi_guest_get_info(guest, &info);

	if (ret)
		die_doing(DOING_GUEST, ret, "/dev/kvm_pvi_guest");
	report_table(report, "guest", NULL, "UUID EPOCH FEATURES");
	report_row(report);
	report_cell(report, "%s", uuid_text(info.uuid).s);
	report_cell(report, "%016llx", (unsigned long long)info.epoch);
	report_cell(report, "%#x", info.features);
}

static void add_gsi(struct report *report, const struct kvm_pvi_guest_gsi *gsi)
{
	report_row(report);
	report_cell(report, "%u", gsi->gsi);
	report_cell(report, "%s", kind_text(gsi->kind));
	report_cell(report, "%d", !!(gsi->state & KVM_PVI_GSI_WIRED));
	report_cell(report, "%d", !!(gsi->state & KVM_PVI_GSI_LATCHED));
	report_cell(report, "%d", !!(gsi->state & KVM_PVI_GSI_STATUS));
	if (gsi->bell == KVM_PVI_GUEST_NO_BELL)
		report_cell(report, "%s", "");
	else
		report_cell(report, "%u", gsi->bell);
	if (gsi->irq)
		report_cell(report, "%u", gsi->irq);
	else
		report_cell(report, "%s", "");
}

static void add_gsis(struct report *report, int guest)
{
	struct kvm_pvi_guest_gsi gsi = { .size = sizeof(gsi) };
	uint32_t i;

	report_table(report, "gsis", "GSIs", "#GSI KIND ?WIRED ?LATCHED ?STATUS #BELL #IRQ");
	for (i = 0; !pvi_guest_get_gsi(guest, i, &gsi); i++)
		add_gsi(report, &gsi);
}

static void add_peers(struct report *report, int guest)
{
	struct kvm_pvi_peer peers[KVM_PVI_PEERS_MAX];
	uint32_t first = 0;
	int nr, i;

	peers_table(report, false);
	while ((nr = pvi_guest_peers(guest, peers, ARRAY_SIZE(peers), first)) > 0) {
		for (i = 0; i < nr; i++)
			peers_row(report, &peers[i], false);
		first = peers[nr - 1].position + 1;
	}
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	(void)arg;
	if (key != ARGP_KEY_INIT)
		return ARGP_ERR_UNKNOWN;
	state->child_inputs[0] = state->input;
	return 0;
}

static const struct argp argp = {
	.parser = parse,
	.doc = "In a guest with kvm_pvi_guest: print its name, what it may be rung by, whom it may ring.",
	.children = report_child,
};

int cmd_guest(int argc, char **argv)
{
	struct report *report = report_new();
	int guest;

	argp_parse(&argp, argc, argv, 0, NULL, report);
	guest = open_guest();
	add_guest(report, guest);
	add_gsis(report, guest);
	add_peers(report, guest);
	report_print(report);
	close(guest);
	return 0;
}
