#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# mutants-guests.sh [NAME...] - whether the tests with Linux guests would notice: build the modules for guests for kernel
# 6.12 with one mistake of selftests/mutants-guests after the other, and run the tests that must notice it with guests of
# that kernel that have these modules, all without any mistake first. A mistake that none of its tests notices is a
# failure; so is a test that fails without. A kernel of a guest, or L1's, that complains begins anew, which its test
# notices. Prints TAP and "N passed, N failed"; what the tests said is in $BUILD/mutants-guests/output-*.

. "$(dirname "$0")/common.sh"
. "$rig/guests.sh"
. "$rig/tried.sh"

unset GENERATED
list=$top/selftests/mutants-guests below=. part=guest what="the modules for guests" out=$build/mutants-guests
boot_options=(-1 -9 / -a mitigations=off)

# What guests find in place of the modules that they have
pack()
{
	local stage=$out/stage modules ko

	modules=$stage/lib/modules/$(cat "$kernel/release")
	rm -rf "$stage"
	mkdir -p "$modules"
	for ko in "$out"/src/kernel/kvm_pvi_*.ko; do
		strip --strip-debug -o "$modules/${ko##*/}" "$ko" || return
	done
	(cd "$stage" && find . | cpio -o -H newc -R 0:0 --quiet) >"$out/ko/$1.cpio"
}

tree=$(tree_of)
choose "$@"
lock "$build/lock"
export RIG_LOCKED=$build/lock
"$rig/setup.sh" python3
kernel=$("$rig/kernel.sh" 6.12)
find_foreign
build selftests
build tools
build_all
prepare_guest 6.12
files=()
for test in "${tests[@]}"; do
	files+=(-f "$build/selftests/$test:/selftests/$test")
done
export RIG_BUILT=6.12
"$rig/prepare.sh" 6.12 "$out" -9 "${files[@]}" -f "$build/tools-root:/tools" \
	-f "$build/selftests/tools:/selftests/tools" -f "$build/guest-6.12:/guests/plain" \
	-f "$kernel/modules/vsock:/modules/vsock" -f "$out/ko:/mutants" -f "$out/runs:/runs" \
	-f "$top/selftests/run_tests.sh:/run_tests.sh" -f "$top/selftests/try_mutants.sh:/try_mutants.sh" \
	-e PVI_RIG=1 -e PVI_TEST_MODULES=/modules -e "PVI_SLOW=$PVI_SLOW" -e TEST_DEADLINE=120 \
	-e "PVI_GUEST_APPEND=oops=panic panic_on_warn=1 panic=-1" -e RIG_RUN=/try_mutants.sh
try_all
report
