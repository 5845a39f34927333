// SPDX-License-Identifier: GPL-2.0
/* kvm-pvi bench: the rows. Those above "load" run before kvm_pvi is loaded */
#include "bench.h"

static const struct test_case cases[] = {
	{ "null_not_loaded", row_null_not_loaded },
	{ "hyperv_eventfd", row_hyperv_eventfd },
	{ "hyperv_irqfd_msi", row_hyperv_irqfd_msi },
	{ "hyperv_irqfd_pin", row_hyperv_irqfd_pin },
	{ "xen_eventfd", row_xen_eventfd },
	{ "xen_irqfd_msi", row_xen_irqfd_msi },
	{ "xen_port", row_xen_port },
	{ "pio", row_pio },
	{ "mmio", row_mmio },
	{ "mmio_fast", row_mmio_fast },
	{ "irqfd_halted", row_irqfd_halted },
	{ "pio_user", row_pio_user },
	{ "mmio_user", row_mmio_user },
	{ "flat_null", row_flat_null },
	{ "flat_pio", row_flat_pio },
	{ "load", row_load },
	{ "null_loaded", row_null_loaded },
	{ "null_unbound", row_null_unbound },
	{ "null_bound", row_null_bound },
	{ "memory", row_memory, 120 },
	{ "pvi_eventfd", row_pvi_eventfd },
	{ "pvi_irqfd_msi", row_pvi_irqfd_msi },
	{ "pvi_port_msi", row_pvi_port_msi },
	{ "pvi_port_pin", row_pvi_port_pin },
	{ "pvi_uuid_msi", row_pvi_uuid_msi },
	{ "pvi_uuid_pin", row_pvi_uuid_pin },
	{ "pvi_virtual", row_pvi_virtual },
	{ "pvi_bell", row_pvi_bell },
	{ "pvi_source", row_pvi_source },
	{ "pvi_many", row_pvi_many },
	{ "pvi_status", row_pvi_status },
	{ "flat_pvi", row_flat_pvi },
	{ "halted", row_halted },
	{ "apart", row_apart },
	{ "scale_uuids", row_scale_uuids, 120 },
	{ "scale_senders", row_scale_senders },
	{ "scale_ports", row_scale_ports },
	{ "teardown", row_teardown, 120 },
	/* Ten thousand VMs take their time to go: nobody has to wait for that any more */
	{ "scale_vms", row_scale_vms, 240 },
};

int main(int argc, char **argv)
{
	bench_begin();
	return test_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_KVM);
}
