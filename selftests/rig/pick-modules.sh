#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# pick-modules.sh ROOT RELEASE DEST - copy from ROOT/lib/modules/RELEASE the modules that make
# /dev/kvm, and FUSE (DEST/kvm), those that mount a 9p share (DEST/9p), those of networks of the stock kernel's
# (DEST/net), and those that kvm_pvi_vsock needs, goes with or does not go with (DEST/vsock), with all they
# depend on, decompressed for busybox's insmod and numbered in the order of loading. A kernel that has no
# such modules, as Debian's cloud kernels have no 9p, gets an empty directory.

. "$(dirname "$0")/common.sh"

root=$1 release=$2 dest=$3

pick()
{
	local group=$1 n=10 path name

	shift
	mkdir -p "$dest/$group"
	# Lines read "insmod PATH" or, for what is built in, "builtin NAME".
	modprobe -a -S "$release" -d "$root" --show-depends "$@" |
		awk '$1 == "insmod" && !seen[$2]++ { print $2 }' |
	while read -r path; do
		name=$(basename "${path%.xz}")
		case $path in
		*.xz)	xz -dc "$path" >"$dest/$group/$n-$name" ;;
		*)	cp "$path" "$dest/$group/$n-$name" ;;
		esac
		n=$((n + 1))
	done
}

has()
{
	modinfo -k "$release" -b "$root" -F name "$1" >/dev/null 2>&1
}

depmod -b "$root" "$release"
mkdir -p "$dest"/{kvm,9p,net,vsock}
kvm=()
for name in kvm-amd kvm-intel fuse; do
	! has "$name" || kvm+=("$name")
done
[ ${#kvm[@]} -eq 0 ] || pick kvm "${kvm[@]}"
! has 9p || pick 9p virtio_pci 9pnet_virtio 9p
net=()
for name in virtio_pci virtio_net tun bridge veth vhost_net 8021q; do
	! has "$name" || net+=("$name")
done
[ ${#net[@]} -eq 0 ] || pick net "${net[@]}"
vsock=()
for name in vsock_loopback vmw_vsock_virtio_transport vhost_vsock; do
	! has "$name" || vsock+=("$name")
done
[ ${#vsock[@]} -eq 0 ] || pick vsock "${vsock[@]}"
