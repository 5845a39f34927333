// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pvi-exporter lister - who may list all endpoints
 *
 * A request is a byte, the answer a status and a file that cannot be changed any more. A VM is called what the
 * policy calls it: who reads its VMM's command line may have to wait for that.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "applied.h"
#include "exporter.h"
#include "metrics.h"

#define PATIENCE 60	/* seconds that the front waits for its answer */

union fd_control {
	char bytes[CMSG_SPACE(sizeof(int))];
	struct cmsghdr header;
};

static void name(const struct kvm_pvi_list_endpoint *r, char *to, size_t size, void *arg)
{
	const struct policy_vm *vm = policy_vm(arg, r->uuid);

	if (vm)
		snprintf(to, size, "%s", *vm->name ? vm->name : vm->label);
}

static int print_metrics(int fd, int pvi, enum format format, const char *run, size_t rows)
{
	FILE *out = fdopen(fd, "w");
	struct policy policy;
	int ret;

	if (!out)
		return -errno;
	/* Without pvid, or while it has no policy, VMs have no names here. */
	if (!applied_read(&policy, run))
		policy = (struct policy){ 0 };
	ret = metrics_print(out, pvi, PVI_LINK_DIR, rows, format == FORMAT_OPENMETRICS, name, &policy);
	policy_free(&policy);
	if (!ret && ferror(out))
		ret = -ENOSPC;
	return fclose(out) && !ret ? -errno : ret;
}

static int make_file(int pvi, enum format format, const char *run, size_t rows)
{
	int fd = memfd_create("metrics", MFD_CLOEXEC | MFD_ALLOW_SEALING), copy, ret;

	if (fd < 0)
		return -errno;
	copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	ret = copy < 0 ? -errno : print_metrics(copy, pvi, format, run, rows);
	if (!ret && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL))
		ret = -errno;
	if (!ret)
		return fd;
	close(fd);
	return ret;
}

/* @fd: or -errno */
static int answer(int requests, int fd)
{
	int status = fd < 0 ? fd : 0;
	union fd_control control = { 0 };
	struct iovec iov = { &status, sizeof(status) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (fd >= 0) {
		msg.msg_control = control.bytes;
		msg.msg_controllen = sizeof(control.bytes);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	}
	return sendmsg(requests, &msg, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

void lister_run(int requests, const char *run, size_t rows)
{
	int pvi = open("/dev/kvm_pvi", O_RDONLY | O_CLOEXEC), fd;
	unsigned char format;

	if (pvi < 0)
		end("/dev/kvm_pvi (modprobe kvm_pvi)", errno);
	sd_notify(0, "READY=1");
	while (recv(requests, &format, 1, 0) == 1) {
		fd = format < NR_FORMATS ? make_file(pvi, format, run, rows) : -EINVAL;
		if (fd < 0)
			LOG(SD_ERR, "there are no metrics: %s", strerror(-fd));
		if (answer(requests, fd))
			break;
		if (fd >= 0)
			close(fd);
	}
}

int lister_ask(int requests, enum format format)
{
	struct timeval patience = { .tv_sec = PATIENCE };
	union fd_control control;
	unsigned char byte = format;
	int status = 0, fd;
	struct iovec iov = { &status, sizeof(status) };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.bytes, .msg_controllen = sizeof(control.bytes),
	};

	setsockopt(requests, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	/* Without its lister the front is of no use. */
	if (send(requests, &byte, 1, MSG_NOSIGNAL) != 1 ||
	    recvmsg(requests, &msg, MSG_CMSG_CLOEXEC) != sizeof(status))
		end("there is nobody to ask", errno);
	if (status)
		return status;
	if (!CMSG_FIRSTHDR(&msg))
		return -EPROTO;
	memcpy(&fd, CMSG_DATA(&control.header), sizeof(fd));
	return fd;
}
