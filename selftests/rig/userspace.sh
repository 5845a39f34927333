#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# userspace.sh [--mutants [NAME...]] - the host module's decisions in user space: the files of kernel/host as they
# are, behind selftests/userspace/shim.h, under the address and the undefined behaviour sanitizer with inputs that
# a fuzzer makes; in orders of atomic operations that a seed makes; and with threads under the thread sanitizer.
# With PVI_LONG=1 fifty times as many, and all mutants, else one of forty. Prints TAP and "N passed, N failed".
# --mutants puts one mistake of selftests/userspace/mutants after the other into a copy, and runs the programs that
# must notice it; with GENERATED=N, N standard ones, chosen by $PVI_SEED, of which the survivors are told.

. "$(dirname "$0")/common.sh"
. "$rig/checks.sh"

source=$top/selftests/userspace list=$top/selftests/userspace/mutants
out=$build/userspace
output=$out/output times=1
[ -z "${PVI_LONG:-}" ] || times=50
# What each does in a second or two
declare -A runs=([args]=200000 [acl]=20000 [bell]=50000 [bucket]=10000 [state]=20000 [status]=200000 [ring]=20000)

# run DIR PROGRAM - in short, or at length; prints what it did
run()
{
	local dir=$1 target=${2#fuzz_} seed=(-seed=1)

	[ -z "${PVI_LONG:-}" ] || seed=()
	case $2 in
	fuzz_*)	"$dir/fuzz-$target" -runs=$((${runs[$target]} * times)) -max_len=128 -len_control=0 -rss_limit_mb=0 \
			"${seed[@]}" -artifact_prefix="$dir/" 2>&1 &&
			echo "# $((${runs[$target]} * times)) inputs" ;;
	orders)	"$dir/orders" $((20000 * times)) "${PVI_SEED:-1}" 2>&1 ;;
	faults)	"$dir/faults" 2>&1 ;;
	# From where each mistake that only an order shows is met in as many
	lives)	"$dir/lives" $((90000 * times)) "${PVI_SEED:-1340001}" 2>&1 ;;
	threads) "$dir/threads" $((10000 * times)) 2>&1 ;;
	esac
}

of()
{
	python3 "$rig/mutants.py" "$list" "$@"
}

# The programs that must notice a mistake do so, one at least, built of a copy.
notices()
{
	local name=$1 dir=$out/mutants file program status=1

	for file in $(of files "$name"); do
		cp "$dir/kernel/host/$file" "$dir/kept"
	done
	of apply "$name" "$dir/kernel/host"
	for program in $(of runs | sed -n "s/^$name //p"); do
		if ! make -s -C "$source" OUTPUT="$dir" SOURCES="$dir/kernel" "$dir/${program/_/-}" >"$dir/build.log" 2>&1; then
			[ -n "${GENERATED:-}" ] || die "$name does not build: $dir/build.log"
			echo "# noticed by the compiler"
			status=0
			break
		fi
		if ! run "$dir" "$program" >"$dir/output"; then
			echo "# noticed by $program"
			status=0
			break
		fi
	done
	cp "$dir/kept" "$dir/kernel/host/$file"
	return "$status"
}

mutants()
{
	local name names=("$@") files

	if [ -n "${GENERATED:-}" ]; then
		list=$out/generated
		files=$(sed -n '/^HOST :=/,/[^\\]$/p' "$source/Makefile" | sed 's/^HOST :=//; s/\\$//' | tr '\n' ' ')
		# shellcheck disable=SC2086 # they are words
		of generate "$GENERATED" "${PVI_SEED:-1}" "$top/kernel/host" "$(printf '%s.c ' $files)" \
			fuzz_acl fuzz_bell fuzz_bucket fuzz_state fuzz_status fuzz_ring orders
	fi
	[ $# -gt 0 ] || mapfile -t names < <(of names)
	# What was built without a mistake need not be again.
	rm -rf "$out/mutants"
	mkdir -p "$out/mutants"
	for files in "$top/kernel" "$out"/{fuzz,sched,tsan,include}; do
		[ ! -e "$files" ] || cp -a "$files" "$out/mutants/"
	done
	rows=()
	for name in "${names[@]}"; do
		check "$name: $(of what "$name")" notices "$name"
	done
	# Those chosen by name are not all.
	[ $# -gt 0 ] || printf '%s\n' "${rows[@]}" | awk -F '\t' -v OFS='\t' -v part="mistakes in kernel/host${GENERATED:+, by a generator}" '
		{ good += $2 } END { print part, good, NR, "" }' | remember "userspace-mutants${GENERATED:+.generated}" "$tree"
}

"$rig/setup.sh" clang libclang-rt-dev python3
tree=$(tree_of)
mkdir -p "$out"
if [ "${1:-}" = --mutants ]; then
	echo "TAP version 13"
	mutants "${@:2}"
else
	quietly "$out/build.log" make -s -C "$source" -j2 OUTPUT="$out"
	echo "TAP version 13"
	check "any request with any struct" run "$out" fuzz_args
	check "the receivers' tables, and their hash" run "$out" fuzz_acl
	check "bells" run "$out" fuzz_bell
	check "rates" run "$out" fuzz_bucket
	check "saved states of anything" run "$out" fuzz_state
	check "status words of anything" run "$out" fuzz_status
	check "one ring after the other" run "$out" fuzz_ring
	check "rings, payers and guest in many orders" run "$out" orders
	check "each allocation, and each copy to the caller, fails in turn" run "$out" faults
	check "endpoints, sources, grants, names and GSIs that begin and end, in many orders" run "$out" lives
	check "threads, thread sanitizer" run "$out" threads
	if [ -n "${PVI_LONG:-}" ]; then
		printf '%s\n' "${rows[@]}" | remember userspace "$tree"
		mutants
	else
		mapfile -t names < <(of names | awk 'NR % 40 == 0')
		mutants "${names[@]}"
	fi
fi
checks_end
