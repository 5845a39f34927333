#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# static.sh - what is said of the sources without running them: gcc -fanalyzer, behind selftests/userspace/shim.h, on
# the files of kernel/host that decide, and the layout of the structs on the way of a ring, by pahole. With PVI_LONG=1
# also the semantic patches of linux-source-6.12, by Coccinelle, on all modules, some minutes. Sparse and W=1 are
# build.sh's. What is known to be no fault stands in selftests/static with its reason; all else fails.
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

# The kernel's semantic patches that report something, but for those with parts in OCaml, which want its compiler
cocci()
{
	local dir=$cache/coccinelle tar=/usr/src/linux-source-6.12.tar.xz script nr=0 remarks

	if [ "$tar" -nt "$dir" ]; then
		rm -rf "$dir"
		mkdir "$dir" && tar -xf "$tar" -C "$dir" --strip-components=3 linux-source-6.12/scripts/coccinelle || return
		touch "$dir"
	fi
	: >"$out/remarks"
	for script in "$dir"/*/*.cocci; do
		grep -q 'virtual *report' "$script" || continue
		! grep -q ocaml "$script" || continue
		nr=$((nr + 1))
		spatch -D report --very-quiet --no-show-diff --include-headers --cocci-file "$script" \
			-I include -I include/uapi -I kernel kernel/*/*.c >"$out/spatch" 2>"$out/spatch-log" || {
			cat "$out/spatch-log"
			return 1
		}
		sed -n 's/^\(kernel[^ :]*\):[0-9]*:[-0-9]*: /\1: /p' "$out/spatch" >>"$out/remarks"
	done
	echo "# $nr semantic patches, $(grep -c . "$out/remarks") remarks, those that are known among them"
	remarks=$(grep -v -x -F -f <(entries "$known/cocci") "$out/remarks" || [ $? -eq 1 ])
	echo "$remarks"
	[ "$nr" -gt 0 ] && [ -z "$remarks" ]
}

"$rig/setup.sh"
tree=$(tree_of)
mkdir -p "$out"
kernel=$("$rig/kernel.sh" 6.12)
"$rig/build.sh" "$kernel" "$build/src-6.12"
echo "TAP version 13"
check "gcc -fanalyzer, what decides in kernel/host" analyze_host
check "holes and lines of the structs that a ring reads" layout "$build/src-6.12/kernel/kvm_pvi.ko"
if [ -n "${PVI_LONG:-}" ]; then
	"$rig/setup.sh" coccinelle linux-source-6.12
	check "Coccinelle, the kernel's semantic patches" cocci
fi
printf '%s\n' "${rows[@]}" | remember static "$tree"
checks_end
