// SPDX-License-Identifier: GPL-2.0
/* /dev/kvm_pvi_guest: what each of its ioctls does */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest_test.h"

/* Ascending, and ENOENT behind the last. */
static void find_gsi(unsigned int number, struct kvm_pvi_guest_gsi *gsi)
{
	unsigned int i = 0, last = 0;

	do {
		CHECK_EQ(pvi_guest_get_gsi(dev, i, gsi), 0);
		CHECK_EQ(!i || gsi->gsi > last, 1);
		last = gsi->gsi;
	} while (gsi->gsi != number && ++i < KVM_PVI_GSI_MAX && !check_failures());
	CHECK_EQ(gsi->gsi, number);
}

static void test_info(void)
{
	struct kvm_pvi_guest_info info = { .size = sizeof(info) };
	struct kvm_pvi_guest_gsi gsi = { .size = sizeof(gsi) };

	CHECK_EQ(pvi_guest_get_info(dev, &info), 0);
	CHECK_EQ(info.size, sizeof(info));
	CHECK_EQ(info.abi_major, KVM_PVI_ABI_MAJOR);
	CHECK_EQ(KVM_PVI_FEAT_MAJOR(info.features), KVM_PVI_ABI_MAJOR);
	CHECK_EQ(info.epoch != 0, 1);
	CHECK_EQ(memcmp(info.uuid, self, sizeof(self)), 0);

	find_gsi(pin, &gsi);
	CHECK_EQ(gsi.kind, KVM_PVI_GSI_DIRECT);
	CHECK_EQ(gsi.bell, KVM_PVI_GUEST_NO_BELL);
	CHECK_EQ(gsi.irq, 0);
	find_gsi(msi, &gsi);
	CHECK_EQ(gsi.kind, KVM_PVI_GSI_MSI);
	find_gsi(bell_gsi, &gsi);
	CHECK_EQ(gsi.bell, BELL);
	CHECK_EQ(pvi_guest_get_gsi(dev, ~0u, &gsi), -ENOENT);
}

/* A program that was built with a shorter struct than the library. */
static void test_short_structs(void)
{
	struct { struct kvm_pvi_guest_info it; unsigned char behind[8]; } info = {
		.it.size = offsetof(struct kvm_pvi_guest_info, max_ports), .behind = "behind",
	};
	struct { struct kvm_pvi_guest_gsi it; unsigned char behind[8]; } gsi = { .behind = "behind" };

	CHECK_EQ(pvi_guest_get_info(dev, &info.it), -EINVAL);
	CHECK_EQ(info.it.size, offsetof(struct kvm_pvi_guest_info, max_ports));
	info.it.size = sizeof(info.it);
	CHECK_EQ(pvi_guest_get_info(dev, &info.it), 0);
	CHECK_EQ(memcmp(info.behind, "behind", 7), 0);
	CHECK_EQ(pvi_guest_get_gsi(dev, 0, &gsi.it), -EINVAL);
	CHECK_EQ(gsi.it.size, 0);
	gsi.it.size = sizeof(gsi.it);
	CHECK_EQ(pvi_guest_get_gsi(dev, 0, &gsi.it), 0);
	CHECK_EQ(memcmp(gsi.behind, "behind", 7), 0);
	CHECK_EQ(pvi_guest_version(), LIBPVI_GUEST_VERSION);
}

static void wait_on(unsigned int gsi)
{
	int a = pvi_guest_wait(dev, gsi, 0);
	int b = pvi_guest_wait(dev, gsi, KVM_PVI_GUEST_WAIT_NONBLOCK);
	char small[4];

	CHECK_EQ(a >= 0 && b >= 0, 1);
	CHECK_EQ(read(b, small, sizeof(small)) < 0 ? -errno : 0, -EINVAL);
	CHECK_EQ(pvi_guest_ring(dev, self, gsi), KVM_PVI_RAISED);
	CHECK_EQ(wait_for(a) > 0, 1);
	CHECK_EQ(wait_for(b) > 0, 1);
	CHECK_EQ(pvi_guest_ring(dev, self, gsi), KVM_PVI_RAISED);
	CHECK_EQ(syscall(SYS_read, a, 1, 8) < 0 ? -errno : 0, -EFAULT);
	CHECK_EQ(wait_for(a) > 0, 1);
	CHECK_EQ(wait_for(b) > 0, 1);
	close(a);
	drain(b);
	CHECK_EQ(read(b, &(uint64_t){ 0 }, 8) < 0 ? -errno : 0, -EAGAIN);
	CHECK_EQ(pvi_guest_ring(dev, self, gsi), KVM_PVI_RAISED);
	CHECK_EQ(wait_for(b) > 0, 1);
	close(b);

	/* Nobody waits: it is recorded, once, and told to the next. */
	CHECK_EQ(pvi_guest_ring(dev, self, gsi), KVM_PVI_LATCHED);
	CHECK_EQ(pvi_guest_ring(dev, self, gsi), KVM_PVI_COALESCED);
	a = pvi_guest_wait(dev, gsi, 0);
	CHECK_EQ(wait_for(a) > 0, 1);
	close(a);
}

static void test_wait(void)
{
	wait_on(pin);
	wait_on(msi);
}

static void test_wire(void)
{
	int fd = pvi_guest_wire(dev, msi, -1), other;

	CHECK_EQ(fd >= 0, 1);
	CHECK_EQ(pvi_guest_wire(dev, msi, fd), -EEXIST);
	CHECK_EQ(pvi_guest_ring(dev, self, msi), KVM_PVI_RAISED);
	CHECK_EQ(wait_for(fd) > 0, 1);
	CHECK_EQ(pvi_guest_wire(dev, pin, fd), fd);
	CHECK_EQ(pvi_guest_ring(dev, self, pin), KVM_PVI_RAISED);
	CHECK_EQ(wait_for(fd) > 0, 1);
	CHECK_EQ(pvi_guest_unwire(dev, pin, fd), 0);
	CHECK_EQ(pvi_guest_unwire(dev, pin, fd), -ENOENT);
	other = pvi_guest_open();
	CHECK_EQ(pvi_guest_unwire(other, msi, fd), -ENOENT);
	CHECK_EQ(pvi_guest_wire(other, msi, fd), fd);
	CHECK_EQ(pvi_guest_unwire(dev, msi, fd), 0);
	CHECK_EQ(pvi_guest_ring(dev, self, msi), KVM_PVI_RAISED);
	CHECK_EQ(wait_for(fd) > 0, 1);
	close(other);
	drain(fd);
	CHECK_EQ(pvi_guest_ring(dev, self, msi), KVM_PVI_LATCHED);
	CHECK_EQ(readable(fd), 0);
	close(fd);
}

/* The host's number of a connection, which it has for all of the guest; 0: it is not listed */
static unsigned int host_number(int file, int port)
{
	unsigned int number = 0, found;
	char path[40], line[80];
	int listed;
	FILE *info;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", file);
	info = fopen(path, "r");
	while (info && fgets(line, sizeof(line), info))
		if (sscanf(line, "pvi-port: %d host %u", &listed, &found) == 2 && listed == port)
			number = found;
	if (info)
		fclose(info);
	return number;
}

static void test_port(void)
{
	int fd = pvi_guest_wait(dev, msi, 0), port = pvi_guest_connect(dev, self, msi);
	int other = pvi_guest_open();
	unsigned int number = host_number(dev, port);

	CHECK_EQ(port, 0);
	drain(fd);
	CHECK_EQ(pvi_guest_notify(dev, port, 0), KVM_PVI_RAISED);
	CHECK_EQ(wait_for(fd) > 0, 1);
	/* It is this open file's alone, and is no port of the VMM's, for which any number may be said. */
	CHECK_EQ(pvi_guest_notify(other, port, 0), -ENOENT);
	CHECK_EQ(number != 0, 1);
	CHECK_EQ(pvi_guest_notify(dev, number, KVM_PVI_GUEST_PORT_VMM), -ENOENT);
	CHECK_EQ(pvi_guest_notify(other, number, KVM_PVI_GUEST_PORT_VMM), -ENOENT);
	CHECK_EQ(pvi_guest_connect(dev, self, msi), 1);
	CHECK_EQ(pvi_guest_bell_send(dev, port, 0, 1, NULL), -EINVAL);
	CHECK_EQ(pvi_guest_disconnect(dev, port), 0);
	CHECK_EQ(pvi_guest_notify(dev, port, 0), -ENOENT);
	CHECK_EQ(pvi_guest_disconnect(dev, port), -ENOENT);
	CHECK_EQ(pvi_guest_notify(dev, 1, 0), KVM_PVI_RAISED);
	CHECK_EQ(pvi_guest_disconnect(dev, 1), 0);
	close(other);
	close(fd);
}

static void test_limits(void)
{
	struct kvm_pvi_guest_info info = { .size = sizeof(info) };
	int other = pvi_guest_open(), fd = eventfd(0, EFD_CLOEXEC), ret = 0;
	uint32_t n;

	CHECK_EQ(pvi_guest_get_info(dev, &info), 0);
	for (n = 0; ret >= 0 && n <= info.max_ports; n++)
		ret = pvi_guest_connect(other, self, msi);
	CHECK_EQ(ret, -ENOSPC);
	CHECK_EQ(n, info.max_ports + 1);
	for (n = 0, ret = 0; ret >= 0 && n <= info.max_eventfds; n++)
		ret = pvi_guest_wire(other, msi, eventfd(0, EFD_CLOEXEC));
	CHECK_EQ(ret, -ENOSPC);
	CHECK_EQ(n, info.max_eventfds + 1);
	close(other);
	CHECK_EQ(pvi_guest_connect(dev, self, msi), 0);
	CHECK_EQ(pvi_guest_disconnect(dev, 0), 0);
	close(fd);
}

/* How many descriptors for @gsi an open file gets before ENOSPC; -1 if it is another error. */
static int take_seats(int file, unsigned int gsi, uint32_t flags, int *fds, int room)
{
	int n, ret = 0;

	for (n = 0; n < room; n++) {
		ret = pvi_guest_wait(file, gsi, flags);
		if (ret < 0)
			break;
		fds[n] = ret;
	}
	return n < room && ret == -ENOSPC ? n : -1;
}

static void close_all(const int *fds, int nr)
{
	while (nr-- > 0)
		close(fds[nr]);
}

/* An open file gets a quarter of what may wait for one thing; the thing is a GSI, peers or the host. */
static void seats_of_file(int max)
{
	int other = pvi_guest_open(), fds[256], fd;
	static const struct { uint32_t flags; bool is_gsi; } kinds[] = {
		{ 0, true }, { KVM_PVI_GUEST_WAIT_PEERS, false }, { KVM_PVI_GUEST_WAIT_HOST, false },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		unsigned int gsi = kinds[i].is_gsi ? msi : 0;
		int nr = take_seats(dev, gsi, kinds[i].flags, fds, ARRAY_SIZE(fds));

		CHECK_EQ(nr, max / 4);
		fd = pvi_guest_wait(other, gsi, kinds[i].flags);
		CHECK_EQ(fd >= 0, 1);
		close(fd);
		close_all(fds, nr);
	}
	close(other);
}

/* A user gets half, by any number of open files. */
static void seats_of_user(int max)
{
	int files[3], fds[3][256], nr[3], i, status;
	pid_t child = fork();

	if (!child) {
		for (i = 0; i < 3; i++)
			files[i] = pvi_guest_open();
		CHECK_EQ(setuid(1000), 0);
		for (i = 0; i < 3; i++)
			nr[i] = take_seats(files[i], msi, 0, fds[i], 256);
		CHECK_EQ(nr[0], max / 4);
		CHECK_EQ(nr[1], max / 4);
		CHECK_EQ(nr[2], 0);
		_exit(check_failures() != 0);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
}

/* All programs together leave an eighth to drivers. */
static void seats_of_all(int max)
{
	int files[4], fds[4][256], nr[4], i, sum = 0;

	for (i = 0; i < 4; i++) {
		files[i] = pvi_guest_open();
		nr[i] = take_seats(files[i], msi, 0, fds[i], 256);
		sum += nr[i];
	}
	CHECK_EQ(sum, max - max / 8);
	for (i = 0; i < 4; i++) {
		close_all(fds[i], nr[i]);
		close(files[i]);
	}
}

static void test_seats(void)
{
	struct kvm_pvi_guest_info info = { .size = sizeof(info) };

	CHECK_EQ(pvi_guest_get_info(dev, &info), 0);
	CHECK_EQ(info.max_waiters, 256);
	seats_of_file(info.max_waiters);
	seats_of_user(info.max_waiters);
	seats_of_all(info.max_waiters);
}

/* Nothing has happened to it. */
static void test_host(void)
{
	struct kvm_pvi_guest_wait arg = {
		.size = sizeof(arg), .flags = KVM_PVI_GUEST_WAIT_HOST, .gsi = 1,
	};
	int fd = pvi_guest_wait(dev, 0, KVM_PVI_GUEST_WAIT_HOST | KVM_PVI_GUEST_WAIT_NONBLOCK);

	CHECK_EQ(fd >= 0, 1);
	CHECK_EQ(readable(fd), 0);
	CHECK_EQ(read(fd, &(uint64_t){ 0 }, 8) < 0 ? -errno : 0, -EAGAIN);
	close(fd);
	CHECK_EQ(call(KVM_PVI_GUEST_WAIT, &arg), -EINVAL);
	arg.gsi = 0;
	arg.flags |= KVM_PVI_GUEST_WAIT_PEERS;
	CHECK_EQ(call(KVM_PVI_GUEST_WAIT, &arg), -EINVAL);
	CHECK_EQ(pvi_guest_wait(dev, KVM_PVI_GSI_ANY, 0), -ENOENT);
	CHECK_EQ(pvi_guest_wait(dev, KVM_PVI_GSI_ANY - 1, 0), -ENOENT);
	CHECK_EQ(pvi_guest_wire(dev, KVM_PVI_GSI_ANY, -1), -ENOENT);
}

static void test_bell(void)
{
	int fd = pvi_guest_wait(dev, bell_gsi, 0), port = pvi_guest_connect(dev, self, bell_gsi);
	unsigned int number = host_number(dev, port);
	uint64_t old = ~0ull;

	CHECK_EQ(pvi_guest_notify(dev, port, 0), -EINVAL);
	CHECK_EQ(pvi_guest_bell_send(dev, port, 0, 0, NULL), -EINVAL);
	CHECK_EQ(pvi_guest_bell_send(dev, port, 0, ~(uint64_t)GRANTED, NULL), -EPERM);
	CHECK_EQ(pvi_guest_bell_send(dev, port + 1, 0, 1, NULL), -ENOENT);
	CHECK_EQ(pvi_guest_bell_send(dev, ~0u, KVM_PVI_GUEST_PORT_VMM, 1, NULL), -ENOENT);
	CHECK_EQ(number != 0, 1);
	CHECK_EQ(pvi_guest_bell_send(dev, number, KVM_PVI_GUEST_PORT_VMM, 1, NULL), -ENOENT);
	CHECK_EQ(pvi_guest_bell_receive(dev, BELL, 0, &old), -EINVAL);
	CHECK_EQ(pvi_guest_bell_receive(dev, ~0u, 1, &old), -ENOENT);
	CHECK_EQ(pvi_guest_bell_mask(dev, ~0u, 1, 0), -ENOENT);
	CHECK_EQ(pvi_guest_bell_reset(dev, ~0u), -ENOENT);

	CHECK_EQ(pvi_guest_bell_send(dev, port, 0, 1, &old), KVM_PVI_RAISED);
	CHECK_EQ(old, 0);
	CHECK_EQ(wait_for(fd) > 0, 1);
	CHECK_EQ(pvi_guest_bell_send(dev, port, 0, 1, &old), KVM_PVI_COALESCED);
	CHECK_EQ(old, 1);
	CHECK_EQ(pvi_guest_bell_receive(dev, BELL, 1, &old), 0);
	CHECK_EQ(old, 1);
	CHECK_EQ(pvi_guest_bell_mask(dev, BELL, 1, 0), 0);
	CHECK_EQ(pvi_guest_bell_send(dev, port, 0, 2, NULL), KVM_PVI_COALESCED);
	CHECK_EQ(pvi_guest_bell_mask(dev, BELL, 2, 0), 0);
	CHECK_EQ(wait_for(fd) > 0, 1);
	CHECK_EQ(pvi_guest_bell_reset(dev, BELL), 0);
	CHECK_EQ(pvi_guest_bell_receive(dev, BELL, 1, &old), 0);
	CHECK_EQ(old, 0);
	CHECK_EQ(pvi_guest_bell_receive(dev, BELL, 1, NULL), 0);
	CHECK_EQ(pvi_guest_disconnect(dev, port), 0);
	close(fd);
}

static void test_peers(void)
{
	struct kvm_pvi_peer peers[KVM_PVI_PEERS_MAX];
	struct kvm_pvi_guest_peers arg = { .size = sizeof(arg), .nr = 1 };
	int nr = pvi_guest_peers(dev, peers, KVM_PVI_PEERS_MAX, 0), i;
	int fd = pvi_guest_wait(dev, 0, KVM_PVI_GUEST_WAIT_PEERS), port;

	for (i = 0; i < nr && memcmp(peers[i].uuid, self, sizeof(self)); i++)
		;
	CHECK_EQ(i < nr, 1);
	CHECK_EQ(pvi_guest_peers(dev, peers, 1, ~0u), 0);
	CHECK_EQ(pvi_guest_peers(dev, peers, 0, 0), -EINVAL);
	CHECK_EQ(call(KVM_PVI_GUEST_PEERS, &arg), -EFAULT);

	/* The interrupt that tells of them is that of the last GSI, which others may ring. */
	port = pvi_guest_connect(dev, self, bell_gsi);
	CHECK_EQ(pvi_guest_bell_send(dev, port, 0, 1, NULL) >= 0, 1);
	CHECK_EQ(pvi_guest_ring(dev, self, msi) >= 0, 1);
	CHECK_EQ(wait_for(fd) > 0, 1);
	CHECK_EQ(pvi_guest_bell_reset(dev, BELL), 0);
	CHECK_EQ(pvi_guest_disconnect(dev, port), 0);
	close(fd);
}

/* Several at once; what they leave behind goes with them. */
static void test_processes(void)
{
	pid_t children[4];
	size_t i;
	int status, fd;

	for (i = 0; i < ARRAY_SIZE(children); i++) {
		children[i] = fork();
		if (children[i])
			continue;
		dev = pvi_guest_open();
		fd = pvi_guest_wait(dev, msi, 0);
		CHECK_EQ(pvi_guest_connect(dev, self, msi), 0);
		CHECK_EQ(pvi_guest_notify(dev, 0, 0) >= 0, 1);
		CHECK_EQ(wait_for(fd) > 0, 1);
		_exit(check_failures() != 0);
	}
	for (i = 0; i < ARRAY_SIZE(children); i++) {
		CHECK_EQ(waitpid(children[i], &status, 0), children[i]);
		CHECK_EQ(status, 0);
	}
	fd = pvi_guest_wait(dev, msi, 0);
	close(fd);
	CHECK_EQ(pvi_guest_ring(dev, self, msi), KVM_PVI_LATCHED);
}

static const struct guest_case cases[] = {
	{ "info", test_info },
	{ "short_structs", test_short_structs },
	{ "wait", test_wait },
	{ "wire", test_wire },
	{ "port", test_port },
	{ "limits", test_limits },
	{ "seats", test_seats },
	{ "host", test_host },
	{ "bell", test_bell },
	{ "peers", test_peers },
	{ "processes", test_processes },
};

int main(int argc, char **argv)
{
	return run(argc, argv, cases, ARRAY_SIZE(cases));
}
