#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# sshd.sh - print the path of Debian's sshd. Its package is not installed, which would have this machine run a server: it
# is unpacked into the cache, 2 MB, keyed by its version.

. "$(dirname "$0")/common.sh"

version_of_package()
{
	apt-cache show --no-all-versions openssh-server 2>/dev/null | sed -n 's/^Version: //p'
}

download()
{
	(cd "$1" && apt-get -q -o APT::Sandbox::User=root download "openssh-server=$version" && dpkg-deb -x ./*.deb root)
}

# Sets version and dir, and sees that dir is there.
obtain()
{
	local tmp=$cache/tmp-sshd

	version=$(version_of_package)
	[ -n "$version" ] || return
	dir=$cache/sshd-${version#*:}
	[ ! -e "$dir/sshd" ] || return 0
	rm -rf "$tmp"
	mkdir -p "$tmp" "$dir"
	say "downloading openssh-server $version"
	download "$tmp" >"$build/sshd.log" 2>&1 || return
	mv "$tmp/root/usr/sbin/sshd" "$dir/"
	rm -rf "$tmp"
}

# A library of its own that other programs here may have no need of
"$rig/setup.sh" libwrap0
lock "$cache/sshd.lock"
# A package vanishes from the mirror when a newer one comes: look again after an update.
if ! obtain; then
	say "refreshing apt's package lists"
	quietly "$build/apt-update.log" as_root apt-get -q -o DPkg::Lock::Timeout=300 update
	obtain || die "cannot get openssh-server; see $build/sshd.log"
fi
echo "$dir/sshd"
