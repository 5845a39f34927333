// SPDX-License-Identifier: GPL-2.0
/*
 * KVM_PVI_STATUS of any file, mapping and offset: an errno of its list, and neither is anything written to the
 * word nor anything pinned, charged or left; or it is there, and gone without a trace when it is dropped.
 */
#include "status.h"
#include "world.h"

#define GSI	5
#define OTHER	6	/* has a bell */
#define BASE	0x7000000000ULL

static struct pvi_vm *vm;
static struct pvi_gsi *g;
static union {
	u8 bytes[PAGE_SIZE];
	struct kvm_pvi_status words[PAGE_SIZE / sizeof(struct kvm_pvi_status)];
} memory __aligned(4096), before;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct kvm_pvi_bell bell = { .size = sizeof(bell), .bell = 1, .gsi = OTHER };

	world_init();
	vm = world_vm(1);
	g = world_expose(vm, GSI, KVM_PVI_GSI_EVENTFD);
	world_expose(vm, OTHER, KVM_PVI_GSI_EVENTFD);
	CHECK(!world_call(pvi_bell_create, vm, &bell, sizeof(bell)));
	return 0;
}

static struct super_block sb;
static struct inode inode, foreign;
static struct file file = { .inode = &inode }, another = { .inode = &foreign };
static struct vm_area_struct vma;
static struct page page = { memory.bytes, 1 };
static struct mm_struct mm;

/* What the caller has, mostly good */
static void build(struct input *in)
{
	static const unsigned long magics[] = { TMPFS_MAGIC, HUGETLBFS_MAGIC, 0xef53 };
	u32 bad = take(in, 2);

	sb.s_magic = magics[take(in, 1) % 3 % (bad & 1 ? 3 : 2)];
	inode = (struct inode){ .i_mode = bad & 2 ? S_IFIFO : S_IFREG, .i_sb = &sb, .size = 2 * PAGE_SIZE };
	inode.seals = F_SEAL_FUTURE_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
	if (bad & 4)
		inode.seals &= take(in, 1);
	if (bad & 8)
		inode.size = take(in, 2);
	vma = (struct vm_area_struct){ BASE, BASE + 2 * PAGE_SIZE, 0, VM_WRITE | VM_SHARED, &file };
	if (bad & 16)
		vma.vm_flags &= take(in, 1);
	if (bad & 32)
		vma.vm_file = take(in, 1) & 1 ? &another : NULL;
	if (bad & 64)
		vma.vm_pgoff = 1;
	mm = (struct mm_struct){ .vma = bad & 128 ? NULL : &vma, .page = bad & 256 ? NULL : &page };
	page.nr = bad & 512 ? 512 : 1;
	shim_task.mm = &mm;
	shim_file = bad & 1024 ? NULL : &file;
	shim_memlock = bad & 2048 ? 0 : 1024 * PAGE_SIZE;
	shim_capable = bad & 4096;
}

static bool mapped(const struct kvm_pvi_set_status *u)
{
	return mm.vma && u->address >= vma.vm_start && u->address < vma.vm_end && vma.vm_file &&
	       vma.vm_file->inode == &inode && (vma.vm_flags & 10) == 10 && u->offset < inode.size &&
	       inode.size - u->offset >= 64 && u->address - BASE + vma.vm_pgoff * PAGE_SIZE == u->offset;
}

/* What the header says, in the order of the checks */
static int expected(const struct kvm_pvi_set_status *u)
{
	bool huge = sb.s_magic == HUGETLBFS_MAGIC;

	if (!pvi_gsi_valid(u->gsi) || u->offset % 64)
		return -EINVAL;
	if (!shim_file || u->memfd != 3)
		return -EBADF;
	if (!S_ISREG(inode.i_mode) || (sb.s_magic != TMPFS_MAGIC && !huge))
		return -EOPNOTSUPP;
	if (!u->flags && (~inode.seals & (F_SEAL_FUTURE_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)))
		return -EPERM;
	if (!mapped(u))
		return -EINVAL;
	if (!mm.page)
		return -EFAULT;
	if (page.nr * PAGE_SIZE > shim_memlock && !shim_capable)
		return -ENOMEM;
	return u->gsi == GSI ? 0 : u->gsi == OTHER ? -EBUSY : -ENOENT;
}

static void check_nothing(void)
{
	CHECK(!mm.pinned_vm.counter && !mm.references && !page.pins && !mm.locked);
}

/* A word that is there is set by a ring, once, and counts; a second one says that it is there. */
static void use(struct kvm_pvi_set_status *u)
{
	struct kvm_pvi_status *word = &memory.words[u->offset % PAGE_SIZE / 64];
	struct kvm_pvi_gsi drop = { .size = sizeof(drop), .gsi = GSI };

	CHECK(!word->pending && !word->count && page.pins == 1);
	CHECK(mm.pinned_vm.counter == page.nr && mm.references == 1);
	rcu_read_lock();
	CHECK(!pvi_status_owed(g) && !pvi_status_pending(g));
	CHECK(!pvi_status_mark(g) && word->pending == 1 && word->count == 1);
	CHECK(pvi_status_owed(g) && word->count == 2);
	CHECK(pvi_status_mark(g) && word->count == 3);
	/* What is latched is not on its way. */
	set_bit(PVI_GSI_LATCH, &g->flags);
	CHECK(!pvi_status_owed(g) && !pvi_status_mark(g) && word->count == 4);
	clear_bit(PVI_GSI_LATCH, &g->flags);
	rcu_read_unlock();
	CHECK(world_call(pvi_status_create, vm, u, sizeof(*u)) == -EEXIST);
	CHECK(word->pending == 1 && word->count == 4 && page.pins == 1);
	CHECK(!world_call(pvi_status_drop, vm, &drop, sizeof(drop)));
	CHECK(!word->pending && word->count == 4);
	CHECK(world_call(pvi_status_drop, vm, &drop, sizeof(drop)) == -ENOENT);
	check_nothing();
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t length)
{
	static const u32 gsis[] = { GSI, GSI, GSI, OTHER, 7, 4096 };
	struct kvm_pvi_set_status u = { .size = sizeof(u) };
	size_t allocated = shim_allocated();
	struct input in = { data, length };
	int ret;
	u8 how;

	build(&in);
	how = take(&in, 1);
	u.flags = how & 1 ? KVM_PVI_STATUS_UNSEALED : 0;
	u.memfd = how & 2 && how & 4 ? 4 : 3;
	u.gsi = gsis[take(&in, 1) % ARRAY_SIZE(gsis)];
	u.offset = how & 8 ? take(&in, 2) : take(&in, 1) * 64;
	u.address = BASE + u.offset - vma.vm_pgoff * PAGE_SIZE + (how & 16 ? take(&in, 2) : 0);
	memset(memory.bytes, 0xcd, sizeof(memory));
	before = memory;
	shim_fail_alloc((how & 0xe0) == 0xe0);
	ret = world_call(pvi_status_create, vm, &u, sizeof(u));
	if (shim_alloc_failed())
		CHECK(ret == -ENOMEM);
	else
		CHECK(ret == expected(&u));
	shim_fail_alloc(0);
	if (ret) {
		CHECK(!memcmp(&memory, &before, sizeof(memory)));
		check_nothing();
	} else {
		use(&u);
	}
	CHECK(shim_allocated() == allocated);
	return 0;
}
