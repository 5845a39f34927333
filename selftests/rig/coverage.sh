#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# coverage.sh - which lines and branches of the host's module the C tests reach: build it for kernel 6.12 so
# that it counts them, run the tests in an L1, and print a table by file, and by function what was not reached, with
# the reason that selftests/coverage/reasons has; to Documentation/coverage.txt too, unless $TESTS selects
# tests. cost_test and longest_test count instructions, and are left out, as are those that need the debug kernel. The counters
# are read from the kernel's memory after each test. Ends with the tests' "N passed, N failed", and fails if they do, or if fewer than $COVERAGE_LEAST percent
# of the lines (default 95, where $TESTS does not select) are reached.
# What the module does while it is being unloaded is counted, and not seen by any reader.

. "$(dirname "$0")/common.sh"
. "$rig/counted.sh"

out=$build/coverage
read -ra tests <<<"${TESTS:-$(cd "$top/selftests" && printf '%s ' *_test.c | sed -E 's/(cost|longest|faults|guided)_test.c //g')}"
tests=("${tests[@]%.c}")
"$rig/setup.sh" xxd
kernel=$("$rig/kernel.sh" 6.12)
tree=$(tree_of)
lock "$build/lock"
export RIG_LOCKED=$build/lock
say "building the selftests"
quietly "$build/selftests.log" make -C "$top/selftests" -j2 OUTPUT="$build/selftests" TESTS="${tests[*]}" \
	tests "$build/selftests/coverage/counters"
say "building the module"
counted_build host ""
bytes=$(counted_bytes "$out/src/kernel/kvm_pvi.ko")
files=()
for test in "${tests[@]}"; do
	files+=(-f "$build/selftests/$test:/selftests/$test")
done
for ko in "$build"/src-6.12/selftests/modules/*.ko; do
	files+=(-f "$ko:/modules/${ko##*/}")
done
"$rig/initramfs.sh" "$kernel" "$out/initramfs" "${files[@]}" -f "$out/src/kernel/kvm_pvi.ko:/modules/kvm_pvi.ko" \
	-f "$top/selftests/run_tests.sh:/run_tests.sh" -f "$build/selftests/coverage/counters:/counters" \
	-f "$top/selftests/coverage/run.sh:/run.sh" -e PVI_RIG=1 -e PVI_MODULE=/modules/kvm_pvi.ko \
	-e PVI_TEST_MODULES=/modules -e "PVI_SLOW=$PVI_SLOW" -e "TEST_DEADLINE=${TEST_DEADLINE:-600}" \
	-e "RIG_RUN=/run.sh $bytes ${tests[*]}"
say "running ${#tests[@]} tests"
status=0
"$rig/boot.sh" "$kernel" "$out/initramfs" "$out/l1" -t "${DEADLINE:-3600}" -a panic_on_warn=1 || status=$?
grep -a -v '^gcda ' "$out/l1/output" >"$out/tests"
counted_take "$out/l1/output"
least=("${COVERAGE_LEAST:-0}")
[ -n "${TESTS:-}" ] || least=("${COVERAGE_LEAST:-95}" "$top/selftests/coverage/reasons")
counted_report coverage.txt coverage "the host module" "$(tail -n 1 "$out/tests")" "${least[@]}" || status=1
sed -n '/^not ok/p' "$out/tests"
tail -n 1 "$out/tests"
exit "$status"
