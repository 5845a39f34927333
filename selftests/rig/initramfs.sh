#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# initramfs.sh KERNEL-DIR OUT [OPTION...] - make L1's initramfs: busybox, the modules that make
# /dev/kvm, the rig's init, and what the options add: -f FILE:PATH a file or a directory,
# -e NAME=VALUE a variable in init's environment (RIG_RUN is the command it runs), -9 the
# modules that mount the share which boot.sh -9 offers. -i INIT is another init.

. "$(dirname "$0")/common.sh"

kernel=$1 out=$2
shift 2

stage=$out.root
rm -rf "$stage"
trap 'rm -rf "$stage"' EXIT
mkdir -p "$stage"/{bin,dev,etc,host,lib,modules,proc,root,run,sys,tmp}
cp "$(command -v busybox)" "$stage/bin/"
ln -s busybox "$stage/bin/sh"
touch "$stage/etc/rig.env"
cp "$rig/init" "$stage/init"
cp -r "$kernel/modules/kvm" "$stage/modules/"

while getopts 9e:f:i: option; do
	case $option in
	9)	cp -r "$kernel/modules/9p" "$stage/modules/" ;;
	e)	value=${OPTARG#*=}
		echo "export ${OPTARG%%=*}='${value//"'"/"'\\''"}'" >>"$stage/etc/rig.env" ;;
	f)	mkdir -p "$(dirname "$stage${OPTARG#*:}")"
		cp -rL "${OPTARG%%:*}" "$stage${OPTARG#*:}" ;;
	i)	cp "$OPTARG" "$stage/init" ;;
	*)	die "usage: initramfs.sh KERNEL-DIR OUT [-9] [-e NAME=VALUE] [-f FILE:PATH] [-i INIT]" ;;
	esac
done

(cd "$stage" && find . | cpio -o -H newc -R 0:0 --quiet) >"$out.tmp"
mv "$out.tmp" "$out"
