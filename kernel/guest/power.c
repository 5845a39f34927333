// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi_guest power - what is left behind when this kernel sleeps or ends
 *
 * Nothing: a ring must not hit a vector of a kernel that has just been started
 * by kexec, or of one that is being restored. A device of its own is told in
 * time: of sleep when all interrupts of devices are disabled already, of reboot
 * and kexec before the CPUs stop. A kernel that panics says so if it can. One that
 * jumps to a crash kernel at once, without crash_kexec_post_notifiers, cannot; nor
 * can one that is reset. Then the next driver's RESET, its first call, makes an end.
 */
#include <linux/err.h>
#include <linux/notifier.h>
#include <linux/panic_notifier.h>
#include <linux/platform_device.h>
#include <linux/pm.h>

#include "guest.h"

static struct platform_device *device;
static bool served;	/* when this guest went to sleep; protected by pvi_host_lock */

static int power_go_down(struct device *dev)
{
	mutex_lock(&pvi_host_lock);
	/* Before RESET; pairs with msi_tell(). */
	WRITE_ONCE(pvi_host.down, true);
	served = kvm_pvi_guest_features();
	pvi_detect_reset();
	mutex_unlock(&pvi_host_lock);
	return 0;
}

/* Whatever the host says, this guest goes on. One that has gone meanwhile was not asked yet by who would tell of it. */
static int power_come_up(struct device *dev)
{
	mutex_lock(&pvi_host_lock);
	WRITE_ONCE(pvi_host.down, false);
	if (pvi_detect_ask() && served)
		pvi_detect_gone();
	mutex_unlock(&pvi_host_lock);
	return 0;
}

static void power_shutdown(struct platform_device *pdev)
{
	power_go_down(&pdev->dev);
}

/* Other CPUs may hold any lock, and go on for a while. */
static int power_panicked(struct notifier_block *nb, unsigned long action, void *data)
{
	WRITE_ONCE(pvi_host.down, true);
	pvi_detect_reset();
	return NOTIFY_DONE;
}

static struct notifier_block panic_block = { .notifier_call = power_panicked };

static int power_probe(struct platform_device *pdev)
{
	return 0;
}

static const struct dev_pm_ops pm_ops = {
	NOIRQ_SYSTEM_SLEEP_PM_OPS(power_go_down, power_come_up)
};

static struct platform_driver driver = {
	.shutdown = power_shutdown,
	.driver = {
		.name = "kvm_pvi_guest",
		.pm = pm_sleep_ptr(&pm_ops),
		.suppress_bind_attrs = true,
	},
};

int __init pvi_power_init(void)
{
	device = platform_create_bundle(&driver, power_probe, NULL, 0, NULL, 0);
	if (IS_ERR(device))
		return PTR_ERR(device);
	atomic_notifier_chain_register(&panic_notifier_list, &panic_block);
	return 0;
}

void pvi_power_exit(void)
{
	atomic_notifier_chain_unregister(&panic_notifier_list, &panic_block);
	platform_device_unregister(device);
	platform_driver_unregister(&driver);
}
