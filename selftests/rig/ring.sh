#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# ring.sh [--figures|--mutants|--long|--fuzz] - test pvi_ring.h in user space: its model, two threads and two
# processes under sanitizers, hostile peers, fuzzers, an implementation in another language, what a
# message costs, and whether some mistakes are noticed. With PVI_LONG=1 100,000,000 cases for each fuzzer,
# 1,000 kills, and all mutants. Prints TAP and "N passed, N failed". --figures prints the table of ring.rst,
# --mutants runs mutants.sh alone, --fuzz the fuzzers alone, with 100,000,000 cases each, --long writes
# Documentation/ring-long.txt: 10,000,000 messages each way, which the two
# sides expect by number and content, and a side killed 1,000 times.

. "$(dirname "$0")/common.sh"
. "$rig/checks.sh"

source=$top/selftests/ring
out=$build/ring
output=$out/output shown=1

# The program says how many cases it makes of an input.
fuzz()
{
	local target=$1 runs=$2

	shift 2
	(cd "$out" && "./fuzz-$target" -runs="$runs" -max_len=64 -rss_limit_mb=0 "$@" -artifact_prefix="$out/")
}

build_all()
{
	"$rig/setup.sh" clang libclang-rt-dev python3 valgrind
	mkdir -p "$out"
	quietly "$build/ring.log" make -C "$source" -j2 OUTPUT="$out"
}

# row NAME COMMAND... - a line of the table; the program fails where a message is not the one that must come
row()
{
	local numbers name=$1

	shift
	"$@" >"$out/long" || die "$name: $(tail -n 20 "$out/long")"
	mapfile -t numbers < <(grep -o -E '[0-9]+' "$out/long")
	[ ${#numbers[@]} -eq 7 ] || die "$name says: $(cat "$out/long")"
	printf '%-32s %9d %9d %8d %8d %6d %16d\n' "$name" "${numbers[@]:0:2}" $((numbers[2] + numbers[3])) \
		$((numbers[4] + numbers[5])) "${numbers[6]}" 0
}

write_long()
{
	local to=$top/Documentation/ring-long.txt tree

	tree=$(tree_of)

	{
		echo "On $(date -I), of $tree, messages that either side has received:"
		echo
		printf '%-32s %9s %9s %8s %8s %6s %16s\n' "" "of 1's" "of 0's" sessions sleeps kills "lost, twice, torn"
		row "two threads, thread sanitizer" "$out/stress-tsan" threads 10000000 0 1
		row "two threads, address sanitizer" "$out/stress-asan" threads 10000000 0 1
		row "two processes, address sanitizer" "$out/stress-asan" processes 10000000 1000 2
	} >"$to.tmp"
	mv "$to.tmp" "$to"
	cat "$to"
	sed -n -E 's/^(two [a-z, ]*[a-z]) +([0-9]+) +([0-9]+) +[0-9]+ +[0-9]+ +([0-9]+) +0$/\1\t1\t1\t\2 and \3 messages, \4 kills/p' \
		"$to" | remember ring-long "$tree"
}

# What ring/mutants.sh has said, in stdin
remember_mutants()
{
	awk -v OFS='\t' '/^ok / { good++ } /^(not )?ok / { all++ } END { print "mistakes in pvi_ring.h", +good, +all, "" }' |
		remember ring-mutants "$tree"
}

fuzz_all()
{
	check "fuzzed receiver" fuzz receiver "$@"
	check "fuzzed sender" fuzz sender "$@"
	check "fuzzed handshake" fuzz link "$@"
}

# Each of them of $1 inputs, which are 50 cases each. One that is reported ends it: then they are none
remember_fuzz()
{
	printf '%s\n' "${rows[@]}" | awk -F '\t' -v OFS='\t' -v cases=$(($1 * 50)) '
		/^fuzzed / { print "cases of the " substr($1, 8), $2 * cases, cases, "" }' | remember ring-fuzz "$tree"
}

many=2000000
build_all
case ${1:-} in
--figures)
	exec make -s -C "$source" OUTPUT="$out" figures ;;
--mutants)
	tree=$(tree_of) status=0
	"$source/mutants.sh" "$out/mutants" | tee "$output" || status=$?
	remember_mutants <"$output"
	exit "$status" ;;
--fuzz)
	tree=$(tree_of)
	echo "TAP version 13"
	fuzz_all "$many"
	remember_fuzz "$many"
	checks_end
	exit ;;
--long)
	write_long
	exit ;;
esac

# With what two of one side are told who ask at once
broken_rules()
{
	check "each rule broken once" "$out/hostile" list 0 0
}

if [ -n "${PVI_LONG:-}" ]; then
	messages=10000000 kills=1000 rounds=10000000 fuzzed=("$many")
else
	messages=100000 kills=20 rounds=300000 fuzzed=(20000 -seed=1)
fi
tree=$(tree_of)
echo "TAP version 13"
check "all orders of the header's steps" "$out/litmus"
broken_rules
check "a peer that stores anything" "$out/hostile" storm "$rounds" 1
check "two threads, thread sanitizer" "$out/stress-tsan" threads "$messages" 0 1
check "two threads, address sanitizer" "$out/stress-asan" threads "$messages" 0 1
check "two processes, address sanitizer, killed now and then" \
	"$out/stress-asan" processes "$messages" "$kills" 2
fuzz_all "${fuzzed[@]}"
check "an implementation from the page alone" "$source/interop.py" "$out/talk"
check "the same in lockstep: queues, laps, wakes, rings that are owed" "$source/lockstep.py" "$out/side.so"
check "at most 60 instructions a message" "$source/figures.py" "$out/count" 60
if [ -n "${PVI_LONG:-}" ]; then
	remember_fuzz "$many"
	check "mistakes are noticed" "$source/mutants.sh" "$out/mutants"
	remember_mutants <"$output"
else
	# By the orders of steps, in two seconds each
	check "three mistakes of thirty are noticed" "$source/mutants.sh" "$out/mutants" \
		"no barrier between index and wake" "index published relaxed" "secret not compared"
fi
checks_end
