# SPDX-License-Identifier: GPL-2.0
#
# Behind plot.awk: what a ring costs, of bench.sh's figures

BEGIN {
	title = "Instructions of one ring, guest and host together"
	note = " on an emulated Intel processor with VMX."
	add("# Signal an eventfd")
	add("pvi_eventfd kvm_pvi: HC_NOTIFY")
	add("hyperv_eventfd Hyper-V: HvSignalEvent")
	add("xen_eventfd Xen: EVTCHNOP_send")
	add("pio_eventfd port write: KVM_IOEVENTFD")
	add("mmio_eventfd MMIO write: KVM_IOEVENTFD")
	add("mmio_fast_eventfd MMIO write: of any length")
	add("# Interrupt another VM by an MSI")
	add("pvi_port_msi kvm_pvi: connection")
	add("pvi_uuid_msi kvm_pvi: by UUID")
	add("pvi_many_msi_64 kvm_pvi: NOTIFY_MANY, each of 64 /64")
	add("pvi_status_set kvm_pvi: status word, ring owed")
	add("hyperv_irqfd_msi Hyper-V: HvSignalEvent, KVM_IRQFD")
	add("xen_irqfd_msi Xen: EVTCHNOP_send, KVM_IRQFD")
	add("pio_irqfd_msi port write: KVM_IOEVENTFD, KVM_IRQFD")
	add("mmio_irqfd_msi MMIO write: KVM_IOEVENTFD, KVM_IRQFD")
	add("mmio_fast_irqfd_msi MMIO write: of any length, KVM_IRQFD")
	add("pio_user_msi port write: VMM, KVM_SIGNAL_MSI")
	add("mmio_user_msi MMIO write: VMM, KVM_SIGNAL_MSI")
	add("# Interrupt another VM by an IOAPIC pin")
	add("pvi_port_pin kvm_pvi: connection")
	add("pvi_uuid_pin kvm_pvi: by UUID")
	add("hyperv_irqfd_pin Hyper-V: HvSignalEvent, KVM_IRQFD")
	add("pio_irqfd_pin port write: KVM_IOEVENTFD, KVM_IRQFD")
	add("mmio_irqfd_pin MMIO write: KVM_IOEVENTFD, KVM_IRQFD")
	add("pio_user_pin port write: VMM, KVM_IRQ_LINE")
	add("mmio_user_pin MMIO write: VMM, KVM_IRQ_LINE")
}
