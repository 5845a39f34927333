# SPDX-License-Identifier: GPL-2.0
#
# awk -f readme.awk figures.txt figures-intel.txt figures-ryzen.txt README.md - print the README with
# the figures of its table, between "<!-- figures -->" and "<!-- /figures -->", written anew.

BEGIN { split("tcg intel ryzen", machine) }

# 12345 as 12,345
function n(of, name, value, text)
{
	if (!((of, name) in raw)) {
		printf "README.md needs %s of %s, which was not measured\n", name, of >"/dev/stderr"
		status = 1
	}
	value = raw[of, name] ""
	for (; length(value) > 3; value = substr(value, 1, length(value) - 3))
		text = "," substr(value, length(value) - 2) text
	return value text
}

function both(name) { return n("intel", name) " / " n("ryzen", name) }

# Peers come as "FIGURE TEXT; FIGURE TEXT"
function row(what, ours, peers, nr, peer, i, figure, beside)
{
	nr = split(peers, peer, "; ")
	for (i = 1; i <= nr; i++) {
		figure = peer[i]
		sub(/ .*/, "", figure)
		beside = beside (i > 1 ? "; " : "") substr(peer[i], length(figure) + 2) " " both(figure)
	}
	printf "| %s | %s | %s | %s |\n", what, n("intel", ours), n("ryzen", ours), beside
}

function figures()
{
	printf "On Debian's %s, whose null hypercall costs %s on Intel and %s on AMD:\n", release,
		n("intel", "null_not_loaded"), n("ryzen", "null_not_loaded")
	print ""
	print "| instructions | Intel | AMD | beside, Intel / AMD |"
	print "| --- | --- | --- | --- |"
	row("other guests' null hypercall while VMs are bound", "null_unbound", "null_not_loaded without")
	row("`HC_NOTIFY` to an eventfd", "pvi_eventfd",
		"mmio_fast_eventfd virtio's MMIO ioeventfd; pio_eventfd port ioeventfd; " \
		"hyperv_eventfd HvSignalEvent; xen_eventfd EVTCHNOP_send")
	row("ring to an MSI in another VM", "pvi_port_msi",
		"mmio_fast_irqfd_msi virtio's MMIO ioeventfd, irqfd; pio_irqfd_msi port ioeventfd, irqfd; " \
		"hyperv_irqfd_msi HvSignalEvent, eventfd, irqfd")
	row("the same by a virtual GSI", "pvi_port_virtual", "")
	row("ring to an IOAPIC pin", "pvi_port_pin", "pio_irqfd_pin port ioeventfd, irqfd")
	row("ring by UUID instead of by port", "pvi_uuid_msi", "pvi_port_msi by port")
	row("64 ports in one exit", "pvi_many_msi_64", "pvi_port_msi_64_times one by one")
	row("ring to a receiver that is due to look (status word), no exit", "pvi_status_set", "")
}

FNR == 1 { file++ }
file <= 3 && /^# kernel / { release = $3; sub(/\.[0-9]+\+.*/, "", release) }
file <= 3 { raw[machine[file], $1] = $2; next }

/^<!-- \/figures -->/ { inside = 0 }
!inside { print }
/^<!-- figures -->/ { inside = 1; begun++; figures() }

END {
	if (begun != 1) {
		print "README.md has no \"<!-- figures -->\"" >"/dev/stderr"
		status = 1
	}
	exit status
}
