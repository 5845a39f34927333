// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pvictl attach - bind a running VM whose VMM knows nothing of kvm_pvi
 *
 * Whoever has a VM's descriptor may bind it, so take it from the VMM. All that
 * is set up belongs to the endpoint and goes when this process ends; when the
 * VMM ends, this process does.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "attach.h"
#include "link.h"
#include "pvictl.h"

/*
 * It belongs to the VMM's user, and the kernel sees to it that this is the process whose VM it is: a descriptor may
 * be passed on. Whoever is not privileged takes the VMs of their own processes, in their own name.
 */
static int bind_vm(const struct attach *a, int vm_fd)
{
	uint32_t flags = geteuid() ? 0 : KVM_PVI_BIND_VMM;
	int pvi, ret;

	pvi = pvi_open();
	if (pvi < 0)
		die_doing(DOING_OPEN, pvi, "cannot open /dev/kvm_pvi");
	ret = pvi_bind(pvi, vm_fd, a->uuid, flags, flags ? a->pid : 0, NULL);
	if (ret)
		die_doing(DOING_BIND, ret, "cannot bind the VM of process %d to %s", a->pid,
			  uuid_text(a->uuid).s);
	return pvi;
}

static void make_bells(const struct attach *a, int pvi)
{
	size_t i;
	int ret;

	for (i = 0; i < a->nr_bells; i++) {
		ret = pvi_bell_create(pvi, i, a->bells[i]);
		if (ret)
			die_doing(DOING_BELL, ret, "cannot make a bell over GSI %u", a->bells[i]);
	}
}

static void expose_gsis(const struct attach *a, int pvi)
{
	uint32_t kind, gsi;
	size_t i;
	int ret;

	for (i = 0; i < a->nr_gsis; i++) {
		gsi = a->gsis[i];
		kind = gsi >= KVM_PVI_GSI_VIRTUAL ? KVM_PVI_GSI_MSI : KVM_PVI_GSI_DIRECT;
		ret = pvi_expose(pvi, gsi, kind, NULL);
		if (ret)
			die_doing(DOING_EXPOSE, ret, "cannot expose GSI %u", gsi);
	}
}

static void allow_senders(const struct attach *a, int pvi)
{
	size_t i;
	int ret;

	for (i = 0; i < a->nr_rows; i++) {
		ret = add_row(pvi, &a->rows[i]);
		if (ret)
			die_doing(DOING_ALLOW, ret, "cannot allow %s", uuid_text(a->rows[i].sender).s);
	}
}

/* True if the process has ended, false if we are to. */
static bool wait_for_end(int pidfd, int signals)
{
	struct pollfd fds[2] = {
		{ .fd = pidfd, .events = POLLIN },
		{ .fd = signals, .events = POLLIN },
	};

	while (poll(fds, 2, -1) < 0)
		if (errno != EINTR)
			die("poll: %s", strerror(errno));
	return fds[0].revents;
}

int cmd_attach(int argc, char **argv)
{
	struct attach a = { 0 };
	int signals, pidfd, vm_fd, pvi;
	char comm[COMM_LEN];
	size_t i;

	attach_parse(&a, argc, argv);
	pidfd = open_pidfd(a.pid);
	if (pidfd < 0)
		die_doing(DOING_TAKE, pidfd, "process %d", a.pid);
	vm_fd = attach_take_vm(&a, pidfd);
	if (!a.has_uuid)
		attach_read_uuid(&a);
	read_comm(a.pid, comm);
	attach_check_alive(&a, pidfd);
	pvi = bind_vm(&a, vm_fd);
	/* The VM's end is its owner's affair: it has to be the last to close it. */
	close(vm_fd);
	expose_gsis(&a, pvi);
	make_bells(&a, pvi);
	for (i = 0; i < a.nr_words; i++)
		attach_set_status(&a.words[i], pvi);
	allow_senders(&a, pvi);
	link_join_all(a.links, a.uuid, pvi);
	/* Until here they end us, and all that is set up. Behind it the VMM has nothing to have us wait for. */
	signals = open_signals();

	printf("process %d (%s) is %s\n", a.pid, comm, uuid_text(a.uuid).s);
	fflush(stdout);
	sd_notifyf(0, "READY=1\nSTATUS=Process %d (%s) is %s", a.pid, comm, uuid_text(a.uuid).s);
	if (wait_for_end(pidfd, signals))
		printf("process %d has ended\n", a.pid);
	sd_notify(0, "STOPPING=1");
	/* What we have open is closed by our end, which waits for nobody who has the endpoint's lock. */
	return 0;
}
