#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# static.sh - what is said of the sources without running them: gcc -fanalyzer, behind selftests/userspace/shim.h, on
# the files of kernel/host that decide, and the layout of the structs on the way of a ring, by pahole. Sparse and
# W=1 are build.sh's. What is known to be no fault stands in selftests/static with its reason; all else fails.
# Prints TAP and "N passed, N failed".

. "$(dirname "$0")/common.sh"
. "$rig/checks.sh"

out=$build/static known=$top/selftests/static
output=$out/output
cd "$top"

# Lines of a file that are neither a reason nor empty
entries()
{
	sed '/^#/d; /^$/d' "$1"
}

# analyze FLAGS... -- FILE... - each remark that is not known is printed, and fails
analyze()
{
	local flags=() file remarks

	while [ "$1" != -- ]; do
		flags+=("$1")
		shift
	done
	for file in "${@:2}"; do
		gcc -std=gnu11 -O1 -D_GNU_SOURCE -Iinclude/uapi "${flags[@]}" -fanalyzer -c -o /dev/null "$file" 2>&1 || return
	done | sed -n 's/^\([^ :]*\):[0-9:]* \(warning\|error\): /\1: /p' >"$out/remarks"
	remarks=$(grep -v -x -F -f <(entries "$known/gcc") "$out/remarks" || [ $? -eq 1 ])
	echo "$remarks"
	[ -z "$remarks" ]
}

analyze_host()
{
	local files

	make -s -C selftests/userspace OUTPUT="$out/userspace" "$out/userspace/include/empty" || return
	mapfile -t files < <(make -s -C selftests/userspace print-host)
	analyze -Wno-unused -fno-strict-aliasing -Ikernel/host -Ikernel -Iinclude -Iselftests/userspace \
		-idirafter "$out/userspace/include" -include selftests/userspace/shim.h -- "${files[@]}"
}

# layout MODULE - each struct is as large as it was, and what a ring reads of it is together
layout()
{
	local struct bytes holes fields field status=0

	while read -r struct bytes holes fields; do
		pahole -C "$struct" "$1" >"$out/pahole"
		echo "$struct: $(sed -n 's/.*size: \([0-9]*\), .*/\1/p' "$out/pahole") bytes," \
			"holes of $(sed -n 's/.*sum holes: \([0-9]*\) .*/\1/p' "$out/pahole")"
		[ "$(sed -n 's/.*size: \([0-9]*\), .*/\1/p' "$out/pahole")" -le "$bytes" ] || status=1
		[ "$(sed -n 's/.*sum holes: \([0-9]*\) .*/\1/p' "$out/pahole")" -le "$holes" ] || status=1
		for field in $fields; do
			sed -n -E "s,.* $field;.*/\* +([0-9]+) .*,\1,p" "$out/pahole" | head -n 1 |
				awk -v name="$field" '{ print name, int($1 / 64) } END { exit !NR }' || status=1
		done >"$out/lines"
		[ "$(awk '{ print $2 }' "$out/lines" | sort -u | wc -l)" -eq 1 ] || {
			echo "$struct: in more than one cache line:"
			cat "$out/lines"
			status=1
		}
	done < <(entries "$known/layout")
	return "$status"
}

"$rig/setup.sh"
tree=$(tree_of)
mkdir -p "$out"
kernel=$("$rig/kernel.sh" 6.12)
"$rig/build.sh" "$kernel" "$build/src-6.12"
echo "TAP version 13"
check "gcc -fanalyzer, what decides in kernel/host" analyze_host
check "holes and lines of the structs that a ring reads" layout "$build/src-6.12/kernel/kvm_pvi.ko"
printf '%s\n' "${rows[@]}" | remember static "$tree"
checks_end
