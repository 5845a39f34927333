// SPDX-License-Identifier: GPL-2.0-or-later
/* pvid uevent - KVM says which thread makes a VM, before its process has it */
#include <errno.h>
#include <libudev.h>
#include <stdlib.h>
#include <string.h>

#include "pvid.h"

#define ROOM (1 << 20)		/* bytes of events */

/* There were too many: whoever made VMs meanwhile is looked for. */
static void events_lost(struct pvid *d)
{
	LOG(SD_NOTICE, "KVM has announced more VMs than there was room for; all are looked for");
	scan_later(d, LOST_WAIT);
}

/* The thread @tid makes a VM, or has ended. */
static void vm_created(struct pvid *d, pid_t tid)
{
	struct process p;
	int ret = process_read(tid, &p);

	if (!ret)
		candidate_add(d, p.pid, p.uid, true);
	else if (ret != -ESRCH)
		LOG(SD_ERR, "thread %d: cannot see whose it is: %s; 'pvictl apply' tries again", tid, strerror(-ret));
}

static int receive(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	struct udev_monitor *monitor = arg;
	struct pvid *d = udev_get_userdata(udev_monitor_get_udev(monitor));
	struct udev_device *device;
	const char *event, *pid;

	(void)source;
	(void)fd;
	(void)events;
	errno = 0;
	device = udev_monitor_receive_device(monitor);
	if (!device && errno == ENOBUFS)
		events_lost(d);
	if (!device)
		return 0;
	event = udev_device_get_property_value(device, "EVENT");
	pid = udev_device_get_property_value(device, "PID");
	if (event && pid && !strcmp(udev_device_get_sysname(device), "kvm") && !strcmp(event, "create"))
		vm_created(d, atoi(pid));
	udev_device_unref(device);
	return 0;
}

int uevent_listen(struct pvid *d)
{
	struct udev *udev = udev_new();
	struct udev_monitor *monitor = udev ? udev_monitor_new_from_netlink(udev, "kernel") : NULL;
	int ret;

	if (!monitor)
		return -errno;
	udev_set_userdata(udev, d);
	udev_monitor_set_receive_buffer_size(monitor, ROOM);
	ret = udev_monitor_filter_add_match_subsystem_devtype(monitor, "misc", NULL);
	if (ret >= 0)
		ret = udev_monitor_enable_receiving(monitor);
	if (ret >= 0)
		ret = sd_event_add_io(d->event, NULL, udev_monitor_get_fd(monitor), EPOLLIN, receive, monitor);
	return ret;
}
