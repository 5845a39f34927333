# SPDX-License-Identifier: GPL-2.0

KDIR ?= /lib/modules/$(shell uname -r)/build
PREFIX ?= /usr
BUILD ?= $(CURDIR)/build
RIG := selftests/rig

# For the scripts in $(RIG).
export BUILD

all: modules tools

modules: kdir
	+$(MAKE) -C $(KDIR) M=$(CURDIR)/kernel modules

kdir:
	@test -f $(KDIR)/Makefile || { \
		echo "No kernel build tree in $(KDIR): install the headers of the kernel to build for" \
			"(Debian: apt-get install linux-headers-$$(uname -r)), or say where it is with KDIR=" >&2; \
		exit 1; }

tools:
	+$(MAKE) -C tools OUTPUT=$(BUILD)/tools

install: modules_install headers_install tools_install

modules_install: kdir
	+$(MAKE) -C $(KDIR) M=$(CURDIR)/kernel \
		INSTALL_MOD_PATH=$(or $(INSTALL_MOD_PATH),$(DESTDIR)) modules_install

headers_install:
	install -d $(DESTDIR)$(PREFIX)/include/linux
	install -m 644 include/uapi/linux/*.h $(DESTDIR)$(PREFIX)/include/linux

tools_install:
	+$(MAKE) -C tools OUTPUT=$(BUILD)/tools install

check:
	@$(RIG)/check.sh

# That check says the same on a busy machine.
check-loaded:
	@$(RIG)/loaded.sh $(RIG)/check.sh

# Debian packages, in $(BUILD)/deb.
deb:
	@$(RIG)/deb.sh

deb-check:
	@$(RIG)/deb-check.sh $(KERNELS)
	@$(if $(KERNELS),,$(RIG)/deb-check.sh 6.12-trixie 7.3)

# A Debian host with libvirt and our packages.
libvirt-check:
	@$(RIG)/libvirt-check.sh

check-long: export PVI_LONG := 1
check-long: export KERNELS ?= 6.12 6.1
check-long: export DEADLINE ?= 3600
check-long: export TEST_DEADLINE ?= 900
check-long: check

check-debug: export KERNELS := debug
check-debug: export MEMORY ?= 3072
check-debug: export PVI_SLOW ?= 8
check-debug: export DEADLINE ?= 7200
check-debug: export TEST_DEADLINE ?= 1800
check-debug: export PVI_OPS ?= 100000
check-debug: check

check-all:
	@$(RIG)/check-all.sh

# The C tests on Intel's VMX with APICv and IBT, as Bochs emulates it.
check-intel: export KERNELS := intel intel-smp
check-intel: export DEADLINE ?= 7200
check-intel: check

demo:
	@$(RIG)/demo.sh

bench:
	@$(RIG)/bench.sh

bench-check:
	@$(RIG)/bench.sh --check

# What two Linux guests say to each other costs, over a link and over virtio-net.
bench-link:
	@$(RIG)/bench-link.sh

# What was tried for those of its goals that are missed
bench-tried:
	@$(RIG)/bench-link.sh --tried

# What pvictl top and the dashboard look like, into Documentation/.
pictures:
	@$(RIG)/pictures.sh

bench-here:
	@$(RIG)/bench.sh --here

bench-profile:
	@$(RIG)/profile.sh $(CASES)

bench-apart:
	@$(RIG)/profile.sh --apart

bench-held:
	@$(RIG)/profile.sh --held $(KERNELS)

# What a message of pvi_ring.h costs, whether its tests notice mistakes in it, how many arrive, and what fuzzers find.
ring-figures ring-mutants ring-long ring-fuzz:
	@$(RIG)/ring.sh --$(@:ring-%=%)

# What decides in kernel/host, in user space under sanitizers, and whether it notices mistakes.
userspace:
	@$(RIG)/userspace.sh

userspace-mutants:
	@$(RIG)/userspace.sh --mutants $(MUTANTS)

# What is said of the sources without running them.
static:
	@PVI_LONG=1 $(RIG)/static.sh

# What nobody has thought of, each with a table of what it did.
oracle races faults fuzz:
	@$(RIG)/suite.sh $@

mutants:
	@$(RIG)/mutants.sh $(MUTANTS)

mutants-guests:
	@$(RIG)/mutants-guests.sh $(MUTANTS)

# Which lines of the host's module the C tests reach, and of those for guests the tests with guests.
coverage:
	@$(RIG)/coverage.sh
	@$(RIG)/coverage-guests.sh

# What each ioctl and hypercall takes at the documented limits, into Documentation/.
limits:
	@$(RIG)/limits.sh

# The table of testing.rst.
figures:
	@$(RIG)/figures.sh

style:
	@$(RIG)/style.sh

# What kbuild leaves in kernel/ is removed without its help: KDIR may be gone.
clean:
	rm -rf $(BUILD)
	find kernel -type f \( -name '*.[os]' -o -name '*.ko' -o -name '*.mod' -o -name '*.mod.c' \
		-o -name '.*.cmd' -o -name '.*.d' -o -name '*-asm-offsets.h' \
		-o -name modules.order -o -name Module.symvers \) -delete

help:
	@echo 'Targets:'
	@echo '  all          build the kernel modules and the tools (the default)'
	@echo '  modules      build the kernel modules'
	@echo '  tools        build the library and the programs'
	@echo '  install      install all of it, and the headers of include/uapi; the parts are'
	@echo '               modules_install, tools_install and headers_install'
	@echo '  check        run all tests in emulated machines, needs no virtualization hardware;'
	@echo '               installs and downloads what it needs from Debian'
	@echo '  check-loaded  the same beside LOAD= busy loops [6], RUNS= times in a row [1]'
	@echo '  check-long   the same, and the tests take their time'
	@echo '  check-intel  the C tests on an emulated Intel processor that enforces IBT, and on two'
	@echo '  check-debug  the same tests on a kernel with KASAN, lockdep and kmemleak, built first'
	@echo '  check-all    all of these and more, on all kernels that are supported: many hours; goes on'
	@echo '               where it was interrupted; SUITES="oracle-6.12 ...": those only'
	@echo '  oracle       a million random calls, each compared with a model'
	@echo '  races        what is stopped in its middle, and what happens at the same time'
	@echo '  faults       each allocation fails in turn, on the debug kernel'
	@echo '  fuzz         hypercalls and rings with anything in them'
	@echo '  mutants      put the mistakes of selftests/mutants, or MUTANTS=, into the host module, and see'
	@echo '               whether the tests notice them; GENERATED=N: N standard mistakes, chosen by PVI_SEED=,'
	@echo '               with selftests/survivors for those that none notices'
	@echo '  mutants-guests  put the mistakes of selftests/mutants-guests, or MUTANTS=, into the modules for guests, and'
	@echo '               see whether the tests with Linux guests notice them'
	@echo '  coverage     which lines and branches of the host module the C tests reach'
	@echo '  limits       count what each ioctl and hypercall takes at the documented limits, into Documentation/'
	@echo '  figures      the table of testing.rst, of what the long commands gave when they last ran here'
	@echo '  style        shellcheck, kernel-doc, checkpatch'
	@echo '  deb          build Debian packages, in $(BUILD)/deb'
	@echo '  deb-check    install, use and remove them in a Debian 12 and a Debian 13 of their own; the former'
	@echo '               is part of check-long, and KERNELS= chooses, e.g. KERNELS="6.12-trixie 7.3"'
	@echo '  libvirt-check  install them in a Debian host with systemd and libvirtd, boot it, and use them with'
	@echo '               domains; part of check-all'
	@echo '  demo         show two guests ring each other'
	@echo '  bench        count the instructions of a ring, of our paths and of the stock kernel'
	@echo '  bench-link   count what a segment, a byte, a turn between two Linux guests cost, over a link and'
	@echo '               over virtio-net'
	@echo '  bench-tried  count what was tried for those of its goals that are missed'
	@echo '  pictures     draw what pvictl top and the dashboard of Grafana show of four VMs that ring each other'
	@echo '  bench-check  fail if a row costs more than 2 % more than when bench last ran'
	@echo '  bench-here   measure this kernel in cycles, as root, with kvm_pvi installed'
	@echo '  bench-profile  where the instructions of a ring go, by function'
	@echo '  bench-apart  show that vCPUs which ring different receivers share no memory they write'
	@echo '  bench-held   for how many instructions of a ring the host can not be preempted, on 6.12-rt'
	@echo '  ring-figures  count what a message of pvi_ring.h costs, in instructions and cache lines'
	@echo '  ring-mutants  put mistakes into pvi_ring.h, and see whether its tests notice them'
	@echo '  userspace    the files of kernel/host that decide, in user space: fuzzed, in many orders, with threads'
	@echo '  userspace-mutants  put the mistakes of selftests/userspace/mutants, or MUTANTS=, into them'
	@echo '  static       gcc -fanalyzer, Coccinelle, and the layout of the structs that a ring reads'
	@echo '  ring-fuzz    fuzz pvi_ring.h: 100,000,000 cases each of a receiver, a sender and a handshake'
	@echo '  ring-long    ten million messages of pvi_ring.h each way, with sides killed, into Documentation/'
	@echo '  clean        remove what was built'
	@echo 'To run the tests on the present kernel, as root: make -C selftests run_tests'
	@echo
	@echo 'Variables:'
	@echo '  KDIR=        kernel build tree to build for [$(KDIR)]'
	@echo '  PVI_MODULES= "host", "guest" or both: which modules to build [host guest]'
	@echo '  DESTDIR=     root of the installation; INSTALL_MOD_PATH= that of the modules alone'
	@echo '  PREFIX=      where tools and headers go [$(PREFIX)]; LIBDIR= where the library goes'
	@echo '  BUILD=       where tools, check, demo and bench build [$(BUILD)]'
	@echo '  KERNELS=     kernels of check, e.g. KERNELS=6.12 [6.12 6.1:c intel-smoke 7.3:smoke]'
	@echo '  GUESTS=      kernels of the Linux guests of check, an older and a newer one [6.1 6.12]'
	@echo '  TESTS=       tests of check, e.g. TESTS="bind_test acl_test" [all]'
	@echo '  CASES=       cases of bench-profile, e.g. CASES="load pvi_port_msi" [some], or of libvirt-check [all]'
	@echo '  CMDLINE=     added to the command line of these kernels, e.g. CMDLINE=preempt=full'
	@echo '  DEADLINE=, TEST_DEADLINE=  seconds of processor time of an emulated machine, of a test'
	@echo '  PVI_SEED=    where the random sequences of oracle_test begin, as a failure prints it'
	@echo '  PVI_DEBUG_BUILD=  a built kernel tree that check-debug takes instead of its own'

.PHONY: all modules tools kdir install modules_install headers_install tools_install \
	check check-loaded check-long check-intel check-debug check-all deb deb-check libvirt-check demo bench \
	bench-check bench-here pictures bench-profile bench-apart bench-held bench-link bench-tried ring-figures ring-mutants \
	ring-long ring-fuzz userspace userspace-mutants static oracle races faults fuzz mutants mutants-guests coverage limits figures \
	style clean help
