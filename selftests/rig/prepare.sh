#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# prepare.sh SERIES OUT [OPTION...] - make all that boot.sh needs to boot a kernel with our modules
# in /modules: OUT/kernel, OUT/initramfs. The options are those of initramfs.sh. The modules
# for the kernels that $RIG_BUILT names have been built.

. "$(dirname "$0")/common.sh"

series=$1 out=$2
shift 2

kernel=$("$rig/kernel.sh" "$series")
mkdir -p "$out"
ln -sfn "$kernel" "$out/kernel"

say "making ready what $(basename "$out") boots, $(cat "$kernel/release")"
src=$build/src-$series
[[ " ${RIG_BUILT:-} " == *" $series "* ]] || "$rig/build.sh" "$kernel" "$src"

# What tells a debugger of lines is nine tenths of them, and L1 would copy it at each load.
mkdir -p "$out/modules"
modules=()
for ko in "$src"/{kernel,selftests/modules}/*.ko; do
	stripped=$out/modules/$(basename "$ko")
	strip --strip-debug -o "$stripped" "$ko"
	modules+=(-f "$stripped:/modules/$(basename "$ko")")
done
"$rig/initramfs.sh" "$kernel" "$out/initramfs" "${modules[@]}" "$@"
