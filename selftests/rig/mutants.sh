#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# mutants.sh [NAME...] - whether the tests would notice: build kvm_pvi for kernel 6.12 with one mistake
# of selftests/mutants after the other, and run the tests that must notice it, all without any
# mistake first. A mistake that none of its tests notices is a failure; so is a test that fails without.
# What one test has noticed is no matter for its others. One L1 tries as many as it survives. Prints TAP and
# "N passed, N failed"; what the tests said is in $BUILD/mutants/output-*. With GENERATED=N the mistakes are N of
# the standard ones that mutants.py knows, on the way of a ring, in life and in teardown, chosen by $PVI_SEED; those
# that the compiler refuses are left out. Nine of ten of them must be noticed, and selftests/survivors says of each other
# one why it is not: some change nothing. One without a reason is a failure.

. "$(dirname "$0")/common.sh"
. "$rig/tried.sh"

list=$top/selftests/mutants below=host part=host what=kernel/host out=$build/mutants
boot_options=(-a kfence.sample_interval=1)

generated=(acl bell bucket connect deliver edge expose grant inject life msi peer port ring source status vm)
wide=(ring latch status msi bell rate acl grant port connect peers source event close life bind_race flight revoke
	failing)
if [ -n "${GENERATED:-}" ]; then
	list=$build/mutants.generated
	mkdir -p "$build"
	of generate "$GENERATED" "${PVI_SEED:-1}" "$top/kernel/host" "$(printf '%s.c ' "${generated[@]}")" \
		"${wide[@]/%/_test}"
fi

pack()
{
	strip --strip-debug -o "$out/ko/$1.ko" "$out/src/kernel/kvm_pvi.ko"
}

tree=$(tree_of)
choose "$@"
lock "$build/lock"
export RIG_LOCKED=$build/lock
"$rig/setup.sh"
kernel=$("$rig/kernel.sh" 6.12)
say "building the selftests"
quietly "$build/selftests.log" make -C "$top/selftests" -j2 OUTPUT="$build/selftests" TESTS="${tests[*]}" tests
build_all
files=()
for test in "${tests[@]}"; do
	files+=(-f "$build/selftests/$test:/selftests/$test")
done
for ko in "$build"/src-6.12/selftests/modules/*.ko; do
	files+=(-f "$ko:/modules/${ko##*/}")
done
"$rig/initramfs.sh" "$kernel" "$out/initramfs" "${files[@]}" -f "$out/ko:/mutants" -f "$out/runs:/runs" \
	-f "$top/selftests/run_tests.sh:/run_tests.sh" -f "$top/selftests/try_mutants.sh:/try_mutants.sh" \
	-e PVI_RIG=1 -e PVI_TEST_MODULES=/modules -e "PVI_SLOW=$PVI_SLOW" -e TEST_DEADLINE=120 \
	-e RIG_RUN=/try_mutants.sh
try_all
report
