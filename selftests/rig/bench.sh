#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# bench.sh - run the programs of selftests/bench in the kernels of $KERNELS (default "6.12 6.1"),
# in an emulated machine whose TSC counts instructions: figures that do not depend on the
# machine it runs on, nor on its load.

. "$(dirname "$0")/common.sh"

read -ra kernels <<<"${KERNELS:-6.12 6.1}"

lock "$build/lock"
"$rig/setup.sh"
quietly "$build/selftests.log" make -C "$top/selftests" -j2 OUTPUT="$build/selftests" bench
programs=()
for source in "$top"/selftests/bench/*.c; do
	name=$(basename "$source" .c)
	programs+=(-f "$build/selftests/bench/$name:/bench/$name")
done
for series in "${kernels[@]}"; do
	out=$build/bench-$series
	"$rig/prepare.sh" "$series" "$out" "${programs[@]}" \
		-e "RIG_RUN=insmod /modules/kvm_pvi.ko && run-parts --exit-on-error /bench"
	say "counting on $series"
	echo "# kernel $(cat "$out/kernel/release")"
	"$rig/boot.sh" "$out/kernel" "$out/initramfs" "$out" -c -l -t "${DEADLINE:-600}"
done
