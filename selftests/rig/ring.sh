#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# ring.sh [--figures|--mutants] - test pvi_ring.h in user space: its model, two threads and two
# processes under sanitizers, hostile peers, fuzzers, an implementation in another language, what a
# message costs. With PVI_LONG=1 100,000,000 cases for each fuzzer, 1,000 kills, and the mutants.
# Prints TAP and "N passed, N failed". --figures prints the table of ring.rst, --mutants runs
# mutants.sh alone.

. "$(dirname "$0")/common.sh"

source=$top/selftests/ring
out=$build/ring
points=0 failed=0

# Run a test that finds fault by a status other than 0.
check()
{
	local name=$1

	shift
	points=$((points + 1))
	doing "$name"
	if "$@" >"$out/output" 2>&1; then
		echo "ok $points $name"
		awk '/^# [0-9]/ { last = $0 } END { if (last) print last }' "$out/output"
	else
		failed=$((failed + 1))
		echo "not ok $points $name"
		tail -n 60 "$out/output" | sed 's/^/#   /'
	fi
}

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

build_all
case ${1:-} in
--figures)
	exec make -s -C "$source" OUTPUT="$out" figures ;;
--mutants)
	exec "$source/mutants.sh" "$out/mutants" ;;
esac

if [ -n "${PVI_LONG:-}" ]; then
	messages=10000000 kills=1000 rounds=10000000 runs=2000000 seed=()
	plan=12
else
	messages=100000 kills=20 rounds=300000 runs=20000 seed=(-seed=1)
	plan=11
fi
echo "TAP version 13"
echo "1..$plan"
check "all orders of the header's steps" "$out/litmus"
check "each rule broken once" "$out/hostile" list 0 0
check "a peer that stores anything" "$out/hostile" storm "$rounds" 1
check "two threads, thread sanitizer" "$out/stress-tsan" threads "$messages" 0 1
check "two threads, address sanitizer" "$out/stress-asan" threads "$messages" 0 1
check "two processes, address sanitizer, killed now and then" \
	"$out/stress-asan" processes "$messages" "$kills" 2
check "fuzzed receiver" fuzz receiver "$runs" "${seed[@]}"
check "fuzzed sender" fuzz sender "$runs" "${seed[@]}"
check "fuzzed handshake" fuzz link "$runs" "${seed[@]}"
check "an implementation from the page alone" "$source/interop.py" "$out/talk"
check "at most 60 instructions a message" "$source/figures.py" "$out/count" 60
[ -z "${PVI_LONG:-}" ] || check "mistakes are noticed" "$source/mutants.sh" "$out/mutants"
echo "$((points - failed)) passed, $failed failed"
[ "$failed" -eq 0 ]
