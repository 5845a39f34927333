#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# In the L1 of rig/mutants.sh and rig/mutants-guests.sh: run the lines of /runs, NAME TEST CASE..., from the one on that
# the kernel's command line names in mutants.from, each with the module /mutants/NAME.ko, or with guests that find what is
# in /mutants/NAME.cpio beside what all of them boot, but what a test has noticed no more. Ends
# the machine when a module stays, and leaves the rest to the next one after twenty minutes: that an hour of processor
# time is over is not to be taken for a mistake. Prints "begin NUMBER NAME", what the test said, and "end NUMBER NAME
# STATUS".

from=$(sed -n 's/.*mutants\.from=\([0-9]*\).*/\1/p' /proc/cmdline)
number=0 noticed=''
mkdir -p /run/test

# The modules of NAME are those of the host, whose place is in $module, or of guests. What a test that was killed has left
# is not for the next one.
place()
{
	module=/mutants/$1.ko
	if [ ! -e "$module" ]; then
		module=/modules/kvm_pvi.ko
		mkdir -p /guests/newer
		ln -sfn newer /guests/older
		ln -sf ../plain/vmlinux /guests/newer/vmlinux
		cat /guests/plain/initramfs "/mutants/$1.cpio" >/guests/newer/initramfs
		rm -rf /run/kvm-pvi/links
	fi
}

while read -r name test cases; do
	number=$((number + 1))
	if [ "$number" -lt "$from" ] || [ "$name" = "$noticed" ]; then
		continue
	fi
	echo "begin $number $name"
	printf '#!/bin/sh\nexec /selftests/%s %s\n' "$test" "$cases" >"/run/test/$test"
	chmod +x "/run/test/$test"
	place "$name"
	PVI_MODULE=$module RESULT='' /run_tests.sh /run/test "$test" >/run/output 2>&1 </dev/null
	status=$?
	sed 's/^/# /' /run/output
	echo "end $number $name $status"
	# What a mistake has left running for ever would keep the power on.
	[ ! -d /sys/module/kvm_pvi ] || echo b >/proc/sysrq-trigger
	[ "$status" -eq 0 ] || [ "$name" = none ] || noticed=$name
	[ "$(cut -d . -f 1 /proc/uptime)" -lt 1200 ] || break
done </runs
