// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>

#include "fuzzer.h"

struct fuzz_world fuzz_world;

static int open_endpoint(struct fuzzer *f)
{
	int fd = open("/dev/kvm_pvi", (rng_below(&f->rng, 8) ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK);

	ASSERT_GE(fd, 0);
	return fd;
}

/* If it may be: the name, or the VM, may be another's, or it is open for reading. Then somebody may ring it */
static void bind_any(struct fuzzer *f, int fd)
{
	struct kvm_pvi_bind bind = { .size = sizeof(bind), .vm_fd = FUZZ_ANY(&f->rng, fuzz_world.vms) };
	const u8 *sender;
	u32 i;

	if (rng_below(&f->rng, 2)) {
		bind.flags = KVM_PVI_BIND_HOST;
		bind.vm_fd = -1;
	}
	memcpy(bind.uuid, FUZZ_NAME(rng_below(&f->rng, FUZZ_NAMES)), sizeof(bind.uuid));
	ASSERT_TRUE(fuzz_is_documented(__pvi_ioctl(fd, KVM_PVI_BIND, &bind)));
	ASSERT_TRUE(fuzz_is_documented(__pvi_expose(fd, FUZZ_GSI, KVM_PVI_GSI_EVENTFD)));
	for (i = 0; i < FUZZ_NAMES / 2; i++) {
		sender = FUZZ_NAME(rng_below(&f->rng, FUZZ_NAMES));
		ASSERT_TRUE(fuzz_is_documented(__pvi_allow(fd, sender, KVM_PVI_GSI_ANY)));
	}
}

/* What else there is to do with descriptors */
static void do_other(struct fuzzer *f)
{
	u32 i = rng_below(&f->rng, FUZZ_ENDPOINTS);
	struct kvm_pvi_event events[2];
	int old = f->fds[i], new;

	switch (rng_below(&f->rng, 16)) {
	case 0:
		new = open_endpoint(f);
		if (rng_below(&f->rng, 4))
			bind_any(f, new);
		WRITE_ONCE(f->fds[i], new);
		close(old);
		break;
	case 1:
		read(old, events, sizeof(events));
		break;
	case 2:
		read(old, (void *)fuzzer_address(f), rng_below(&f->rng, 100));
		break;
	default:
		signal_eventfd(FUZZ_ANY(&f->rng, fuzz_world.eventfds));
		break;
	}
}

/* One ioctl, and now and then something else */
void fuzzer_step(struct fuzzer *f)
{
	fuzzer_call(f);
	if (!rng_below(&f->rng, 16))
		do_other(f);
}

void fuzz_prepare(u32 nr)
{
	struct fuzz_world *world = &fuzz_world;
	struct fuzzer *f;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(world->eventfds); i++)
		world->eventfds[i] = new_eventfd();
	world->vm = vm_create(1, 0);
	world->vms[0] = world->vm->fd;
	world->vms[1] = vm_create(0, VM_NO_IRQCHIP)->fd;
	world->vms[2] = world->eventfds[0];
	world->mem = status_make();
	world->memfds[0] = world->mem.fd;
	world->memfds[1] = memfd_create_sized(PAGE_SIZE);
	world->memfds[2] = world->eventfds[1];
	world->nr = nr;
	for (f = world->fuzzers; f < world->fuzzers + nr; f++) {
		f->pages = mmap(NULL, 3 * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		f->box = mmap(NULL, FUZZ_SANDBOX, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		ASSERT_TRUE(f->pages != MAP_FAILED && f->box != MAP_FAILED);
		ASSERT_EQ(munmap(f->pages + 2 * PAGE_SIZE, PAGE_SIZE), 0);
	}
}

void fuzzer_open(struct fuzzer *f)
{
	u32 i;

	for (i = 0; i < FUZZ_ENDPOINTS; i++) {
		f->fds[i] = open_endpoint(f);
		bind_any(f, f->fds[i]);
	}
	for (i = 0; i < FUZZ_GRANTS; i++)
		f->grants[i] = new_eventfd();
}

void fuzzer_close(struct fuzzer *f)
{
	u32 i;

	for (i = 0; i < FUZZ_ENDPOINTS; i++)
		close(f->fds[i]);
	for (i = 0; i < FUZZ_GRANTS; i++)
		close(f->grants[i]);
}

/* Which of them are is chance */
void fuzz_unreserve(void)
{
	struct kvm_pvi_reserve arg = { .size = sizeof(arg) };
	int fd = open("/dev/kvm_pvi", O_RDWR | O_CLOEXEC);
	u32 i;

	for (i = 0; i < FUZZ_NAMES; i++) {
		memcpy(arg.uuid, FUZZ_NAME(i), sizeof(arg.uuid));
		__pvi_ioctl(fd, KVM_PVI_UNRESERVE, &arg);
	}
	close(fd);
}

static u32 count_lines(const char *path)
{
	char *text = read_file(path), *at = text;
	u32 nr = 0;

	while ((at = strchr(at, '\n'))) {
		at++;
		nr++;
	}
	free(text);
	return nr;
}

void fuzz_check_health(void)
{
	int rx, tx, sink;
	u32 i;

	fuzz_unreserve();
	tx = pvi_open();
	ASSERT_EQ(count_lines("/sys/kernel/debug/kvm_pvi/vms"), 1);
	ASSERT_EQ(count_lines("/sys/kernel/debug/kvm_pvi/edges"), 1);
	ASSERT_EQ(count_lines("/sys/kernel/debug/kvm_pvi/reserved"), 1);
	rx = pvi_receiver(FUZZ_NAME(0), FUZZ_GSI, FUZZ_NAME(1), &sink);
	ASSERT_EQ(__pvi_bind(tx, NULL, FUZZ_NAME(1)), 0);
	ASSERT_EQ(pvi_call(tx, KVM_HC_PVI, (u64)FUZZ_NAME(0), FUZZ_GSI, 0, 0), KVM_PVI_RAISED);
	ASSERT_EQ(pvi_call(tx, KVM_HC_NOTIFY, pvi_connect(tx, FUZZ_NAME(0), FUZZ_GSI), 0, 0, 0), KVM_PVI_RAISED);
	ASSERT_EQ(read_eventfd(sink), 2);
	pvi_revoke(rx, FUZZ_NAME(1), FUZZ_GSI);
	ASSERT_EQ(pvi_call(tx, KVM_HC_PVI, (u64)FUZZ_NAME(0), FUZZ_GSI, 0, 0), -EPERM);
	/* Each eventfd is free for both of its uses */
	for (i = 0; i < ARRAY_SIZE(fuzz_world.eventfds); i++) {
		pvi_wire_source(tx, fuzz_world.eventfds[i], 0);
		pvi_unwire_source(tx, fuzz_world.eventfds[i], 0);
		pvi_set_port(tx, fuzz_world.eventfds[i]);
	}
}

void fuzz_report(void)
{
	struct fuzz_world *world = &fuzz_world;
	u32 i, kinds = 0, calls = 0, done = 0;
	struct fuzzer *f;

	for (i = 0; i < FUZZ_KINDS; i++) {
		u32 sum = 0;

		for (f = world->fuzzers; f < world->fuzzers + world->nr; f++)
			sum += f->worked[i];
		if (!sum)
			test_diag("no %s has worked", fuzz_kind(i));
		kinds += sum > 0;
		done += sum;
	}
	for (f = world->fuzzers; f < world->fuzzers + world->nr; f++)
		calls += f->calls;
	test_diag("%u ioctls of %u kinds by %u threads: %u worked, of %u kinds", calls, FUZZ_KINDS, world->nr,
		  done, kinds);
	ASSERT_GE(kinds, FUZZ_KINDS - 4);
}
