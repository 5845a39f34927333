#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# limits.sh - what each ioctl and each hypercall takes at the documented limits: run the long form of longest_test on
# kernel 6.12, in an L1 whose TSC counts instructions, and write what it has counted, beside the bounds it has held
# it to, to Documentation/limits.txt. Ends with the tests' "N passed, N failed", and fails if they do, or if a
# call of the header was not counted.

. "$(dirname "$0")/common.sh"

output=$build/limits.output
l1=$build/check-6.12-count
page=$top/Documentation/limits.txt
export KERNELS=6.12 TESTS=longest_test PVI_LONG=1
export DEADLINE=${DEADLINE:-7200} TEST_DEADLINE=${TEST_DEADLINE:-3600}

# The calls that the header has, one a line
calls()
{
	sed -n -E 's/^#define (KVM_PVI_[A-Z_]+)\t+_IO\(.*/\1/p; s/^#define (KVM_HC_[A-Z_]+)\t+\(KVM_HC_PVI_BASE .*/\1/p' \
		"$top/include/uapi/linux/kvm_pvi.h" | sort
}

# The lines that the test has printed for this: call; what; entries; instructions, at most; in a row, at most
lines()
{
	sed -n 's/^# limit: //p' "$output"
}

counted()
{
	lines | cut -d ';' -f 1 | grep '^KVM_' | sort -u
}

table()
{
	awk -F '; ' '
		# Digits in threes
		function number(n,  s) {
			for (s = ""; length(n) > 3; n = substr(n, 1, length(n) - 3))
				s = "," substr(n, length(n) - 2) s
			return n s
		}
		BEGIN {
			form = "%-22s %-48s %7s %13s %13s %11s %11s\n"
			printf form, "call", "of what, or to what", "entries", "instructions", "at most", "in a row", "at most"
		}
		{ printf form, $1, $2, $3 == 0 ? "" : number($3), number($4), number($5), number($6), number($7) }' <(lines)
}

write_page()
{
	{
		echo "On $(date -I), of $tree, kernel $(cat "$l1/kernel/release"): $(grep -E '^[0-9]+ passed' "$l1/verdict")"
		echo
		table
	} >"$page.tmp"
	mv "$page.tmp" "$page"
	cat "$page"
	lines | awk -F '; ' -v OFS='\t' -v all="$(calls | wc -l)" '
		/^KVM_/ && $4 > most { most = $4; longest = $1 }
		/^KVM_/ && $6 > row { row = $6; where = $1 }
		END {
			print "ioctls and hypercalls at the limits", all, all,
				longest ": " most " instructions; " where ": " row " in a row"
		}' | remember limits "$tree"
}

tree=$(tree_of)
"$rig/check.sh" >"$output" || {
	status=$?
	sed -n '/^not ok/p' "$output"
	tail -n 1 "$output"
	exit "$status"
}
comm -23 <(calls) <(counted) >"$build/limits.missing"
if [ -s "$build/limits.missing" ]; then
	say "longest_test does not count: $(paste -s -d ' ' "$build/limits.missing")"
	echo "0 passed, 1 failed"
	exit 1
fi
write_page
echo
tail -n 1 "$output"
