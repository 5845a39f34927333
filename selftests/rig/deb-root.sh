#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# deb-root.sh [-v] RELEASE... - print the directory of a small Debian system, of the release of Debian
# that this one is, with DKMS, the headers of these kernels, and ccache for what DKMS builds. It is kept in the cache (800 MB),
# keyed by what is in it; the caller holds a lock. A file "used" beside it means that somebody has begun to change
# it, and did not get to the end: it is made anew. With -v it is a host of virtual machines, to be booted (1 GB):
# with the kernels themselves, systemd, libvirtd, QEMU, AppArmor, and what our packages depend on.

. "$(dirname "$0")/common.sh"

packages=(dkms gcc libc6-dev make openssl pkg-config python3)
vmm=
if [ "${1:-}" = -v ]; then
	vmm=1
	shift
	packages+=(apparmor dbus kmod libinih1 libmicrohttpd12 libsmartcols1 libvirt-clients libvirt-daemon-system
		qemu-system-x86 systemd-sysv udev "${@/#/linux-image-}")
fi
[ -n "$vmm" ] || packages+=(ccache)
for release; do
	packages+=("linux-headers-$release")
done
codename=$(. /etc/os-release && echo "${VERSION_CODENAME:?is not in /etc/os-release}")
dir=$cache/deb-$codename-$(echo "${packages[@]}" | sha256sum | cut -c 1-12)

"$rig/setup.sh" "${deb_needs[@]}"
if [ ! -d "$dir/root" ] || [ -e "$dir/used" ]; then
	as_root rm -rf "$dir"
	mkdir -p "$dir"
	"$rig/debian-root.sh" "$codename" "$dir/new" "${packages[@]}"
	as_root mv -T "$dir/new" "$dir/root"
fi
echo "$dir"
