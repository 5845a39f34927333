# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced behind common.sh by scripts of the rig whose test points are commands, which find fault by a status
# other than 0. They set output, the file that has what a command prints, and may set shown, how many of the lines
# that begin with "# " are printed when there is no fault. Of each point rows has what remember() takes.

points=0 failed=0 output=/dev/null shown=60 rows=()

# check NAME COMMAND...
check()
{
	local name=$1 good=1

	shift
	points=$((points + 1))
	doing "$name"
	if "$@" >"$output" 2>&1; then
		echo "ok $points $name"
		sed -n '/^# /p' "$output" | tail -n "$shown"
	else
		failed=$((failed + 1)) good=0
		echo "not ok $points $name"
		# A fuzzer's progress is not the reason.
		sed '/^#[0-9]/d' "$output" | tail -n 60 | sed 's/^/#   /'
	fi
	rows+=("$name"$'\t'"$good"$'\t1\t'"$(sed -n 's/^# //p' "$output" | tail -n 1)")
}

# Print the plan and "N passed, N failed", and succeed if none has failed.
checks_end()
{
	echo "1..$points"
	echo "$((points - failed)) passed, $failed failed"
	[ "$failed" -eq 0 ]
}
