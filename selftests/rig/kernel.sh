#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# kernel.sh SERIES - print the directory of a kernel ready to boot: "release" (uname -r), "build"
# (a link to the tree modules are built against), "vmlinuz", and "modules/kvm", "modules/9p"
# (unpacked, numbered in the order of loading). SERIES 6.1, 6.12, ... is the newest Debian kernel
# of that series with headers; "debug" is the one debug-kernel.sh builds. Kernels are kept in
# the cache, keyed by package version, and appear there whole or not at all.

. "$(dirname "$0")/common.sh"

series=${1:?usage: kernel.sh SERIES}
[ "$series" != debug ] || exec "$rig/debug-kernel.sh"

downloadable()
{
	apt-get download --print-uris "$1" >/dev/null 2>&1
}

# Print the newest release of the series that has both an image and headers.
find_release()
{
	local release

	for release in $(apt-cache pkgnames "linux-image-$series." |
			sed -n 's/^linux-image-\([0-9][0-9a-z.+~-]*-amd64\)$/\1/p' |
			grep -v -E -e '-(cloud|rt)-' | sort -rV); do
		if downloadable "linux-image-$release" && downloadable "linux-headers-$release"; then
			echo "$release"
			return
		fi
	done
	return 1
}

update_lists()
{
	say "refreshing apt's package lists"
	quietly "$build/apt-update.log" as_root apt-get -q -o DPkg::Lock::Timeout=300 update
}

# Download and unpack an image into the cache.
download()
{
	local release=$1 dir=$2 tmp=$cache/tmp-$series

	say "downloading linux-image-$release"
	rm -rf "$tmp"
	mkdir -p "$tmp/kernel"
	(cd "$tmp" && apt-get -q -o APT::Sandbox::User=root download "linux-image-$release") \
		>"$build/download.log" 2>&1 || return

	say "unpacking linux-image-$release"
	dpkg -x "$tmp"/linux-image-*.deb "$tmp/root" &&
	mv "$tmp/root/boot/vmlinuz-$release" "$tmp/kernel/vmlinuz" &&
	"$rig/pick-modules.sh" "$tmp/root" "$release" "$tmp/kernel/modules" &&
	echo "$release" >"$tmp/kernel/release" &&
	ln -s "/lib/modules/$release/build" "$tmp/kernel/build" &&
	mv -T "$tmp/kernel" "$dir" &&
	rm -rf "$tmp"
}

# Set release and dir, and see that dir is there.
obtain()
{
	local version

	release=$(find_release) || return
	version=$(apt-cache show --no-all-versions "linux-image-$release" | sed -n 's/^Version: //p')
	dir=$cache/linux-$release-$version
	[ -d "$dir" ] || download "$release" "$dir"
}

lock "$cache/linux-$series.lock"
# A package vanishes from the mirror when a newer one comes: look again after an update.
if ! obtain; then
	update_lists
	obtain || die "cannot get a linux-image-$series.*-amd64 with matching linux-headers from apt;" \
		"see $build/download.log, or choose other kernels with KERNELS="
fi
"$rig/setup.sh" "linux-headers-$release"
echo "$dir"
