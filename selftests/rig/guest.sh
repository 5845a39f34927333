#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# guest.sh SERIES OUT [FILE...] - make what a Linux guest of L1 boots: OUT/vmlinux and OUT/initramfs,
# which holds busybox, e2e/init, the modules for that kernel, where modprobe looks and in /, those of AF_VSOCK
# and of virtio, where modprobe looks, those of the stock kernel's networks in /net, and the FILEs in /bin, with the
# libraries they need. With $RIG_COUNTED modules come from there that count their lines, and what e2e/init tells of them.

. "$(dirname "$0")/common.sh"

series=$1 out=$2
shift 2

kernel=$("$rig/kernel.sh" "$series")
say "making ready what guests of $(cat "$kernel/release") boot"
src=$build/src-$series
"$rig/build.sh" "$kernel" "$src"

stage=$out/root
rm -rf "$out"
trap 'rm -rf "$stage"' EXIT
mkdir -p "$stage"/{bin,dev,proc,sys,tmp}
mkdir -p "$stage"/{lib64,lib/x86_64-linux-gnu}
cp "$(command -v busybox)" "$@" "$stage/bin/"
# Where its loader looks without a configuration.
for file; do
	libraries=$(ldd "$file" 2>/dev/null | grep -o '/[^ ]*') || continue
	for library in $libraries; do
		case $library in
		*/ld-linux*)	cp -L "$library" "$stage/lib64/" ;;
		*)		cp -L "$library" "$stage/lib/x86_64-linux-gnu/" ;;
		esac
	done
done
ln -s busybox "$stage/bin/sh"
cp "$top/selftests/e2e/init" "$stage/init"
cp "$top/selftests/tools/answers.sh" "$stage/answers.sh"
release=$(cat "$kernel/release")
modules=lib/modules/$release
mkdir -p "$stage/$modules"
for ko in "$src"/kernel/kvm_pvi_{guest,link,net,vsock}.ko "$src"/selftests/modules/*.ko; do
	name=$(basename "$ko")
	[ ! -e "${RIG_COUNTED:-}/ko/$name" ] || ko=$RIG_COUNTED/ko/$name
	strip --strip-debug -o "$stage/$modules/$name" "$ko"
	ln -s "$modules/$name" "$stage/$name"
done
[ -z "${RIG_COUNTED:-}" ] || cp "$RIG_COUNTED"/{counted,counters} "$stage/"
# A kernel may have them built in.
for ko in "$kernel"/modules/vsock/*.ko "$kernel"/modules/net/*-virtio*.ko; do
	name=$(basename "$ko")
	[ ! -e "$ko" ] || cp "$ko" "$stage/$modules/${name#*-}"
done
cp -r "$kernel/modules/net" "$stage/"
touch "$stage/$modules"/modules.{order,builtin,builtin.modinfo}
depmod -b "$stage" "$release"

(cd "$stage" && find . | cpio -o -H newc -R 0:0 --quiet) >"$out/initramfs.tmp"
mv "$out/initramfs.tmp" "$out/initramfs"
cp "$("$rig/vmlinux.py" "$kernel")" "$out/vmlinux"
