#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# bench.sh - run the programs of selftests/bench in the kernels of $KERNELS (default "6.12 6.1"),
# in an emulated machine whose TSC counts instructions: figures that do not depend on the
# machine it runs on, nor on its load.

. "$(dirname "$0")/common.sh"

series=6.12
out=$build/bench-$series

lock "$build/lock"
"$rig/setup.sh"
quietly "$build/selftests.log" make -C "$top/selftests" -j2 OUTPUT="$build/selftests" bench
"$rig/prepare.sh" "$series" "$out" -f "$build/selftests/bench/bench:/bench" \
	-e PVI_MODULE=/modules/kvm_pvi.ko -e RIG_RUN=/bench
say "counting on $(cat "$out/kernel/release")"
"$rig/boot.sh" "$out/kernel" "$out/initramfs" "$out" -c -t "${DEADLINE:-600}" || status=$?
cat "$out/output"
exit "${status:-0}"
