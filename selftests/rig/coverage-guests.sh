#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# coverage-guests.sh - which lines and branches of the modules for guests the tests with Linux guests reach: build them for
# 6.12 so that they count, run these tests by check.sh with guests of it, and print a table by file, and by function
# what was not reached; to Documentation/coverage-guests.txt too, unless $TESTS selects tests. Guests tell what they have
# counted behind each command, so that it is not lost where one is killed. Ends with "N passed, N failed" of check.sh, and
# fails if that does, or if fewer than $COVERAGE_LEAST percent of the lines (default 50, where $TESTS does not select) are reached.

. "$(dirname "$0")/common.sh"
. "$rig/counted.sh"

out=$build/coverage-guests
suffixes=(_guest _link _net _vsock)
tests=${TESTS:-e2e_test e2e_net_test e2e_vsock_test e2e_link_test e2e_move_test}

"$rig/setup.sh" python3
kernel=$("$rig/kernel.sh" 6.12)
tree=$(tree_of)
lock "$build/lock"
export RIG_LOCKED=$build/lock
say "building the modules"
counted_build guest "${suffixes[@]}"
quietly "$build/selftests.log" make -C "$top/selftests" OUTPUT="$build/selftests" "$build/selftests/coverage/counters"
cp "$build/selftests/coverage/counters" "$out/"
mkdir "$out/ko"
for suffix in "${suffixes[@]}"; do
	echo "kvm_pvi$suffix $(counted_bytes "$out/src/kernel/kvm_pvi$suffix.ko")"
	strip --strip-debug -o "$out/ko/kvm_pvi$suffix.ko" "$out/src/kernel/kvm_pvi$suffix.ko"
done >"$out/counted"
status=0
RIG_COUNTED=$out KERNELS=6.12 GUESTS="6.12 6.12" TESTS=$tests PVI_LONG=${PVI_LONG:-} "$rig/check.sh" >"$out/output" || status=$?
for test in $tests; do
	cat "$build/check-6.12-guests-$test/output"
done >"$out/heard"
python3 "$rig/heard.py" "$out/heard" "$out/src/kernel"
least=50
[ -z "${TESTS:-}" ] || least=0
counted_report coverage-guests.txt coverage.guests "the modules for guests" "$(tail -n 1 "$out/output")" \
	"${COVERAGE_LEAST:-$least}" || status=1
grep -a '^not ok' "$out/output" || [ "$status" -eq 0 ]
tail -n 1 "$out/output"
exit "$status"
