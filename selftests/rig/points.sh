# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced by scripts of the rig that are tests: a test point is a function that prints nothing
# unless it fails, in a subshell of its own with "set -e". They share the directory $tmp.

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

fail()
{
	echo "$*"
	exit 1
}

# Run these functions, print TAP and "N passed, N failed", and succeed if none has failed.
run_points()
{
	local test points=0 failed=0 status

	echo "TAP version 13"
	echo "1..$#"
	for test; do
		points=$((points + 1))
		doing "$test, $points of $#"
		# In a condition set -e would not hold in the subshell.
		set +e
		(set -e; "$test") >"$tmp/failure" 2>&1
		status=$?
		set -e
		if [ "$status" -eq 0 ]; then
			echo "ok $points $test"
		else
			failed=$((failed + 1))
			echo "not ok $points $test"
			sed 's/^/#   /' "$tmp/failure"
		fi
	done
	echo "$((points - failed)) passed, $failed failed"
	[ "$failed" -eq 0 ]
}
