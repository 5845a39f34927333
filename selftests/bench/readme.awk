# SPDX-License-Identifier: GPL-2.0
#
# awk -f readme.awk figures.txt README.md - print the README with the figures of its table, between
# "<!-- figures -->" and "<!-- /figures -->", written anew.

# 12345 as 12,345
function n(name, value, text)
{
	if (!(name in raw)) {
		printf "README.md needs %s, which was not measured\n", name >"/dev/stderr"
		status = 1
	}
	value = raw[name] ""
	for (; length(value) > 3; value = substr(value, 1, length(value) - 3))
		text = "," substr(value, length(value) - 2) text
	return value text
}

function row(what, ours, beside) { printf "| %s | %s | %s |\n", what, ours, beside }

function figures()
{
	printf "On Debian's %s KVM's null hypercall costs %s, %s of them to skip the instruction by decoding it,\n", release,
		n("null_not_loaded"), n("skip")
	print "which no processor with NRIPS pays:"
	print ""
	row("", "instructions", "beside")
	row("---", "---", "---")
	row("other guests' null hypercall while VMs are bound", n("null_unbound"), n("null_not_loaded"))
	row("`HC_NOTIFY` to an eventfd", n("pvi_eventfd"),
		"Hyper-V's HvSignalEvent " n("hyperv_eventfd") ", Xen's EVTCHNOP_send " n("xen_eventfd"))
	row("ring to an MSI in another VM", n("pvi_port_msi"), "HvSignalEvent, eventfd, irqfd " \
		n("hyperv_irqfd_msi") "; MMIO ioeventfd, irqfd " n("mmio_irqfd_msi") \
		", one of length 0, as virtio has, " n("mmio_fast_irqfd_msi"))
	row("the same by a virtual GSI", n("pvi_port_virtual"), n("pvi_port_msi"))
	row("ring to an IOAPIC pin", n("pvi_port_pin"), "port ioeventfd, irqfd " n("pio_irqfd_pin"))
	row("ring by UUID instead of by port", n("pvi_uuid_msi"), n("pvi_port_msi"))
	row("64 ports in one exit", n("pvi_many_msi_64"), n("pvi_port_msi_64_times") " one by one")
	row("ring to a receiver that is due to look (status word)", n("pvi_status_set") ", no exit", "")
	print ""
	printf "A port write to an ioeventfd is cheaper than any hypercall here, %s with an irqfd to an MSI, since KVM skips it\n",
		n("pio_irqfd_msi")
	print "without decoding. So may be an MMIO write to one of length 0, where KVM takes it before decoding: on Intel,"
	print "and on AMD in later kernels, not here."
}

FNR == 1 { file++ }
file == 1 && /^# kernel / { release = $3; sub(/\.[0-9]+\+.*/, "", release) }
file == 1 { raw[$1] = $2; next }

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
