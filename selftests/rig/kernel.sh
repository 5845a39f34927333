#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# kernel.sh SERIES - print the directory of a kernel ready to boot: "release" (uname -r), "build"
# (a link to the tree modules are built against), "vmlinuz", of which vmlinux.py makes
# "vmlinux" beside it, and "modules/kvm", "modules/9p"
# (unpacked, numbered in the order of loading). SERIES 6.1, 6.12, ... is the newest Debian kernel
# of that series with headers; 6.12-rt, 6.12-cloud that of a flavour. 6.12-trixie, and series that
# this Debian does not have, 7.3 for instance, come from trixie or its backports: there "build" is
# a path in the system that "root" is a link to. "debug", "debug-rt" and "debug-kcsan" are kernels that
# debug-kernel.sh builds. Kernels are kept in the cache, keyed by package version and by which modules
# are picked, and appear there whole or not at all. With RIG_KERNELS set, apt is asked once for each, and
# that directory remembers.

. "$(dirname "$0")/common.sh"

series=${1:?usage: kernel.sh SERIES}
case $series in
debug)	exec "$rig/debug-kernel.sh" ;;
debug-*) exec "$rig/debug-kernel.sh" "${1#debug-}" ;;
esac

[[ $series =~ ^([0-9.]+)(-(rt|cloud))?(-trixie)?$ ]] || die "there is no kernel '$series'"
number=${BASH_REMATCH[1]} flavour=${BASH_REMATCH[3]} root=
lock "$cache/linux-$series.lock"
known=${RIG_KERNELS:+$RIG_KERNELS/$series}
if [ -n "$known" ] && [ -e "$known" ]; then
	cat "$known"
	exit
fi

from=apt
if [ -n "${BASH_REMATCH[4]}" ] || [[ $number != 6.1 && $number != 6.12 ]]; then
	from="trixie's apt"
	root=$("$rig/trixie.sh")
fi

# Run a command of apt's where the kernel comes from.
run_apt()
{
	if [ -n "$root" ]; then
		as_root "$rig/in-root.sh" "$root" env DEBIAN_FRONTEND=noninteractive "$@"
	else
		"$@"
	fi
}

downloadable()
{
	run_apt apt-get download --print-uris "$@" >/dev/null 2>&1
}

# The releases of the series, the newest first.
list_releases()
{
	run_apt apt-cache pkgnames "linux-image-$number." |
		sed -n 's/^linux-image-\([0-9][0-9a-z.+~-]*-amd64\)$/\1/p' | sort -rV |
		if [ -n "$flavour" ]; then
			grep -e "-$flavour-amd64$"
		else
			grep -v -E -e '-(cloud|rt)-'
		fi
}

# Print the newest release of the series that has both an image and headers.
find_release()
{
	local release

	for release in $(list_releases); do
		if downloadable "linux-image-$release" "linux-headers-$release"; then
			echo "$release"
			return
		fi
	done
	return 1
}

update_lists()
{
	say "refreshing $from's package lists"
	quietly "$build/apt-update.log" as_root ${root:+"$rig/in-root.sh" "$root"} \
		apt-get -q -o DPkg::Lock::Timeout=300 update
}

# What has the image: that of newer kernels is split up.
packages_of()
{
	if downloadable "linux-binary-$1"; then
		echo "linux-base-$1" "linux-binary-$1" "linux-modules-$1"
	else
		echo "linux-image-$1"
	fi
}

fetch()
{
	if [ -n "$root" ]; then
		as_root "$rig/in-root.sh" -b "$PWD" "$root" sh -c 'cd /mnt && apt-get -q download "$@"' - "$@"
	else
		apt-get -q -o APT::Sandbox::User=root download "$@"
	fi
}

# The package that was split up has it in /boot.
vmlinuz_in()
{
	if [ -e "$1/boot/vmlinuz-$2" ]; then
		echo "$1/boot/vmlinuz-$2"
	else
		echo "$1/lib/modules/$2/vmlinuz"
	fi
}

# Download and unpack an image into the cache.
download()
{
	local release=$1 dir=$2 tmp=$cache/tmp-$series packages deb

	read -ra packages < <(packages_of "$release")
	say "downloading ${packages[*]}"
	rm -rf "$tmp"
	mkdir -p "$tmp/kernel"
	(cd "$tmp" && fetch "${packages[@]}") >"$build/download.log" 2>&1 || return

	say "unpacking ${packages[*]}"
	for deb in "$tmp"/*.deb; do
		dpkg -x "$deb" "$tmp/root" || return
	done
	if [ ! -e "$tmp/root/lib" ]; then
		ln -s usr/lib "$tmp/root/lib"
	fi
	mv "$(vmlinuz_in "$tmp/root" "$release")" "$tmp/kernel/vmlinuz" &&
	"$rig/pick-modules.sh" "$tmp/root" "$release" "$tmp/kernel/modules" &&
	echo "$release" >"$tmp/kernel/release" &&
	ln -s "/usr/src/linux-headers-$release" "$tmp/kernel/build" &&
	mv -T "$tmp/kernel" "$dir" &&
	rm -rf "$tmp"
}

# Set release and dir, and see that dir is there.
obtain()
{
	local version

	release=$(find_release) || return
	version=$(run_apt apt-cache show --no-all-versions "linux-image-$release" |
		sed -n 's/^Version: //p')
	dir=$cache/linux-$release-$version-$(sha256sum <"$rig/pick-modules.sh" | cut -c 1-6)
	[ -d "$dir" ] || download "$release" "$dir"
}

install_headers()
{
	local log=$build/trixie-headers.log

	if [ -z "$root" ]; then
		"$rig/setup.sh" "linux-headers-$release"
		return
	fi
	if [ ! -e "$root/usr/src/linux-headers-$release/Module.symvers" ]; then
		say "installing linux-headers-$release in $root"
		# Where it was interrupted before.
		quietly "$log" run_apt dpkg --configure -a
		quietly "$log" run_apt apt-get -y -q install --no-install-recommends "linux-headers-$release"
		quietly "$log" run_apt apt-get clean
	fi
	ln -sfn "$root" "$dir/root"
}

# A package vanishes from the mirror when a newer one comes: look again after an update.
if ! obtain; then
	update_lists
	obtain || die "cannot get a linux-image-$series.*-amd64 with matching linux-headers from $from;" \
		"see $build/download.log, or choose other kernels with KERNELS="
fi
install_headers
[ -z "$known" ] || echo "$dir" >"$known"
echo "$dir"
