// SPDX-License-Identifier: GPL-2.0-or-later
/* pvictl error - what was wrong and what to do */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "links.h"
#include "pvictl.h"

static const struct {
	enum doing doing;
	int err;
	const char *text;
} meanings[] = {
	{ DOING_OPEN, ENOENT, "kvm_pvi is not loaded: modprobe kvm_pvi" },
	{ DOING_OPEN, EACCES, "run as root, or as a member of the group that owns /dev/kvm_pvi" },
	{ DOING_GUEST, ENOENT, "kvm_pvi_guest is not loaded in this guest: modprobe kvm_pvi_guest" },
	{ DOING_GUEST, EACCES, "run as root, or as a member of the group that owns it" },
	{ DOING_GUEST, ENODEV, "the host does not serve this guest any more" },
	{ DOING_GUEST_WAIT, ENOENT,
	  "this guest may not be rung there: on the host, 'pvictl attach --expose'; 'pvictl guest' lists what is" },
	{ DOING_GUEST_WAIT, EBUSY, "another driver of this guest has that interrupt" },
	{ DOING_GUEST_WAIT, EOPNOTSUPP, "it is neither a pin of the IOAPIC nor a virtual GSI" },
	{ DOING_TAKE, EPERM, "needs the permission to trace that process: run as root" },
	{ DOING_TAKE, EACCES, "needs the permission to trace that process: run as root" },
	{ DOING_TAKE, EBADF, "the process has closed it meanwhile" },
	{ DOING_TAKE, ESRCH, "there is no such process" },
	{ DOING_TAKE, EINVAL, "that is not the number of a process, but of a thread or of none" },
	{ DOING_BIND, EINVAL, "a UUID must not be all zeroes or all ones" },
	{ DOING_BIND, EEXIST, "this VM or this UUID is bound already, see 'pvictl list'" },
	{ DOING_BIND, EBUSY, "hypercalls cannot be intercepted now, the kernel log says why" },
	{ DOING_BIND, EACCES, "this UUID is reserved for another user" },
	{ DOING_BIND, ENOSPC,
	  "too many endpoints: raise /sys/module/kvm_pvi/parameters/max_vms" },
	{ DOING_BIND, ESRCH, "that process has gone, or the VM is another one's, which has only been given to it" },
	{ DOING_BIND, EPERM,
	  "the process runs with another user's privileges, or CAP_SETUID is missing: see 'pvictl attach' in pvictl(8)" },
	{ DOING_EXPOSE, EEXIST, "it is exposed already" },
	{ DOING_EXPOSE, EINVAL,
	  "GSIs are 0 to 4095, which the VM must have a route for, virtual ones 65536 to 131071" },
	{ DOING_EXPOSE, ENOSPC,
	  "too many GSIs: raise /sys/module/kvm_pvi/parameters/max_gsis" },
	{ DOING_EXPOSE, EOPNOTSUPP,
	  "the VM has no in-kernel LAPIC (QEMU: kernel-irqchip=off), or the GSI belongs to Xen or Hyper-V" },
	{ DOING_BELL, ENOENT, "it is not exposed: name it with --expose, too" },
	{ DOING_BELL, EEXIST, "it has one" },
	{ DOING_BELL, EBUSY, "it has a status word" },
	{ DOING_BELL, EINVAL, "too many bells: raise /sys/module/kvm_pvi/parameters/max_bells" },
	{ DOING_STATUS, ENOENT, "it is not exposed: name it with --expose, too" },
	{ DOING_STATUS, EEXIST, "it has one" },
	{ DOING_STATUS, EBUSY, "it has a bell" },
	{ DOING_STATUS, EPERM,
	  "senders could write it: use what 'pvictl memory' makes, or --unsealed before --status" },
	{ DOING_STATUS, EINVAL, "the offset must be a multiple of 64 and within the file" },
	{ DOING_STATUS, EOPNOTSUPP, "only memory will do: memfd, tmpfs or hugetlbfs" },
	{ DOING_STATUS, ENOMEM, "no memory, or RLIMIT_MEMLOCK is reached" },
	{ DOING_GSI, ENOENT, "there is none, see 'pvictl show'" },
	{ DOING_STATE, EBUSY, "its guest has made something already: restore before it runs" },
	{ DOING_STATE, EINVAL, "that is not what 'pvictl save' wrote, or its guest could not have made it" },
	{ DOING_STATE, ENOENT, "a GSI or a bell that the guest had is not exposed" },
	{ DOING_STATE, EEXIST, "there is a port where the guest had one" },
	{ DOING_ALLOW, EINVAL,
	  "a UUID must not be all zeroes or all ones; a rate needs a burst; no such bell can be" },
	{ DOING_ALLOW, ENOSPC,
	  "too many senders: raise /sys/module/kvm_pvi/parameters/max_senders" },
	{ DOING_REVOKE, ENOENT, "it was not allowed like that, see 'pvictl show'" },
	{ DOING_RING, EPERM,
	  "the receiver does not allow it or has not exposed that GSI, a bell is over it (--flags), or there is no such VM" },
	{ DOING_RING, EAGAIN,
	  "throttled, as the rate that the receiver allows is used up, or the receiver is frozen" },
	{ DOING_RING, EINVAL,
	  "no such GSI can be, or the UUID is all zeroes or all ones, or there is no bell for --flags" },
	{ DOING_RESERVE, EPERM, "only root may" },
	{ DOING_RESERVE, EINVAL, "a UUID must not be all zeroes or all ones" },
	{ DOING_RESERVE, ENOENT, "it is not reserved" },
	{ DOING_RESERVE, ENOSPC,
	  "too many: raise /sys/module/kvm_pvi/parameters/max_reserved" },
	{ DOING_RING, EOPNOTSUPP, "this host does not serve that" },
};

static bool is_gone(enum doing doing, int err)
{
	return err == ENODEV && doing >= DOING_EXPOSE;
}

const char *explain(enum doing doing, int err)
{
	size_t i;

	err = abs(err);
	if (is_gone(doing, err))
		return "the VM's process has gone";
	if (doing == DOING_LINK)
		return links_explain(err);
	for (i = 0; i < ARRAY_SIZE(meanings); i++)
		if (meanings[i].doing == doing && meanings[i].err == err)
			return meanings[i].text;
	return strerror(err);
}

enum status status_of(enum doing doing, int err)
{
	/* The module: there is nothing that could refuse, or be looked for. */
	if (err == ENOENT && (doing == DOING_OPEN || doing == DOING_GUEST))
		return STATUS_FAILED;
	if (is_gone(doing, err))
		return STATUS_ABSENT;
	switch (err) {
	case EPERM:
	case EACCES:
		return STATUS_REFUSED;
	case EAGAIN:
		return STATUS_THROTTLED;
	case ENOENT:
	case ENXIO:
	case ESRCH:
	case EBADF:
		return STATUS_ABSENT;
	}
	return STATUS_FAILED;
}

static void say(const char *fmt, va_list ap)
{
	fputs("pvictl: ", stderr);
	vfprintf(stderr, fmt, ap);
}

void warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(STATUS_FAILED);
}

void die_as(enum status status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(status);
}

void die_doing(enum doing doing, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
	fprintf(stderr, ": %s\n", explain(doing, err));
	exit(status_of(doing, abs(err)));
}

void *must_alloc(void *ptr)
{
	if (!ptr)
		die("out of memory");
	return ptr;
}
