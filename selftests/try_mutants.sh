#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# In the L1 of rig/mutants.sh: run the lines of /runs, NAME TEST CASE..., from the one on that the kernel's
# command line names in mutants.from, each with the module /mutants/NAME.ko, but what a test has noticed no more. Ends
# the machine when a module stays, and leaves the rest to the next one after twenty minutes: that an hour of processor
# time is over is not to be taken for a mistake. Prints "begin NUMBER NAME", what the test said, and "end NUMBER NAME
# STATUS".

from=$(sed -n 's/.*mutants\.from=\([0-9]*\).*/\1/p' /proc/cmdline)
number=0 noticed=''
mkdir -p /run/test
while read -r name test cases; do
	number=$((number + 1))
	if [ "$number" -lt "$from" ] || [ "$name" = "$noticed" ]; then
		continue
	fi
	echo "begin $number $name"
	printf '#!/bin/sh\nexec /selftests/%s %s\n' "$test" "$cases" >"/run/test/$test"
	chmod +x "/run/test/$test"
	PVI_MODULE=/mutants/$name.ko RESULT='' /run_tests.sh /run/test "$test" >/run/output 2>&1 </dev/null
	status=$?
	sed 's/^/# /' /run/output
	echo "end $number $name $status"
	# What a mistake has left running for ever would keep the power on.
	[ ! -d /sys/module/kvm_pvi ] || echo b >/proc/sysrq-trigger
	[ "$status" -eq 0 ] || [ "$name" = none ] || noticed=$name
	[ "$(cut -d . -f 1 /proc/uptime)" -lt 1200 ] || break
done </runs
