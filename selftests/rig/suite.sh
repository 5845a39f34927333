#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# suite.sh oracle|races|faults|fuzz - run the long form of the tests that try what nobody has thought of,
# and end with a table of what each did, and "N passed, N failed".
#
#   oracle	1,000,000 random calls, each compared with a model of the header
#   races	what is stopped in its middle, and what happens at the same time
#   faults	each allocation and each access to memory that can fail, on the debug kernel
#   fuzz	hypercalls and ioctls with any arguments, also guided by which code they reach, on the debug
#		kernel; pvi_ring.h against hostile peers; what decides in kernel/host, in user space
#
# The short forms are part of check.sh, but for what needs the debug kernel. $KERNELS are others than usual.

. "$(dirname "$0")/common.sh"

suite=${1:-}
usual=6.12
case $suite in
oracle)	tests=(oracle_test) ;;
races)	tests=(midway_test sleep_race_test bind_race_test state_race_test inject_slow_test taken_test flight_test
		revoke_test life_test close_test source_life_test status_life_test unload_test storm_test) ;;
faults)	tests=(faults_test failing_test status_fails_test)
	usual=debug ;;
fuzz)	tests=(fuzz_test ioctl_fuzz_test guided_test plain_test stock_test state_roundtrip_test state_blob_test ring
		userspace)
	usual="6.12 debug:only" ;;
*)	die "usage: suite.sh oracle|races|faults|fuzz" ;;
esac
[[ $usual != *debug* ]] || export MEMORY=3072 PVI_SLOW=8
export KERNELS=${KERNELS:-$usual} TESTS="${tests[*]}" PVI_LONG=1
export DEADLINE=${DEADLINE:-7200} TEST_DEADLINE=${TEST_DEADLINE:-3600}
output=$build/suite-$suite.output

# Of each test how many points passed of how many, and the last count that it has told.
rows()
{
	awk '
		function flush() {
			if (name && points)
				printf "%s\t%d\t%d\t%s\n", name, good, points, told
			points = good = 0
			told = ""
		}
		/^# [a-z0-9_]+_test$/ { flush(); name = $2 }
		/^# (ring|userspace)$/ { flush(); name = $2 }
		/^(not )?ok / { points++; good += /^ok/ }
		/^# .*[0-9]/ && !/^# [a-z0-9_]+_test$/ && !/passed/ { told = substr($0, 3) }
		END { flush() }
	' "$output"
}

tree=$(tree_of)
status=0
"$rig/check.sh" >"$output" || status=$?
# What was interrupted has no rows, and those that there are stay.
[ "$status" -lt 128 ] || exit "$status"
grep -a '^not ok' "$output" || [ "$status" -eq 0 ]
echo
rows | awk -F '\t' '{ printf "%-24s %3d of %-3d  %s\n", $1, $2, $3, $4 }'
[ "$KERNELS" != "$usual" ] || grep -q 'ended without a result' "$output" || rows | remember "$suite" "$tree"
echo
tail -n 1 "$output"
exit "$status"
