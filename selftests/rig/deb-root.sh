#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# deb-root.sh [-v] CODENAME RELEASE... - print the directory of a small Debian system, of that release of Debian,
# with DKMS, the headers of these kernels, and ccache for what DKMS builds. It is kept in the cache (800 MB, of trixie
# 1.2 GB), keyed by what is in it; the caller holds a lock. A file "used" beside it means that somebody has begun to change
# it, and did not get to the end: it is made anew. With -v it is a host of virtual machines, to be booted (1 GB):
# with the kernels themselves, systemd, libvirtd, QEMU, AppArmor, and what our packages depend on.
# deb-root.sh -b CODENAME - likewise of one in which our packages are built (700 MB).

. "$(dirname "$0")/common.sh"

packages=(dkms gcc libc6-dev make openssl pkg-config python3)
kind=
while getopts bv option; do
	kind=$option
done
shift $((OPTIND - 1))
codename=$1
shift
case $kind in
b)	packages=(build-essential python3 "${deb_needs[@]}" "${tools_need[@]}") ;;
v)	packages+=(apparmor dbus kmod libinih1 libmicrohttpd12 libsmartcols1 libvirt-clients libvirt-daemon-system
		qemu-system-x86 systemd-sysv udev) ;;
esac
# The DKMS of trixie has modules found by alias only where the kernel is installed as well.
if [ "$kind" = v ] || [ "$codename" = trixie ]; then
	packages+=("${@/#/linux-image-}")
fi
[ -n "$kind" ] || packages+=(ccache)
for release; do
	packages+=("linux-headers-$release")
	# A kernel of trixie's backports, which apt takes nothing else from that is not named
	[ "$codename" != trixie ] || [[ $release == 6.12.* ]] || packages+=(linux-base/trixie-backports)
done
dir=$cache/deb-$codename-$(echo "${packages[@]}" | sha256sum | cut -c 1-12)

"$rig/setup.sh" "${deb_needs[@]}"
if [ ! -d "$dir/root" ] || [ -e "$dir/used" ]; then
	as_root rm -rf "$dir"
	mkdir -p "$dir"
	"$rig/debian-root.sh" "$codename" "$dir/new" "${packages[@]}"
	as_root mv -T "$dir/new" "$dir/root"
fi
echo "$dir"
