#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# from-deb.sh PACKAGE FILE - print the path of a file of a package of Debian's, as usr/sbin/sshd of openssh-server. It is
# taken out of the package, which is not installed: that would have this machine run a server, or get much that nobody
# needs. Kept in the cache, keyed by the package's version.

. "$(dirname "$0")/common.sh"

package=$1 file=$2

version_of_package()
{
	apt-cache show --no-all-versions "$package" 2>/dev/null | sed -n 's/^Version: //p'
}

download()
{
	(cd "$1" && apt-get -q -o APT::Sandbox::User=root download "$package=$version" &&
		dpkg-deb --fsys-tarfile ./*.deb | tar -x "./$file")
}

# Sets version and dir, and sees that dir has it.
obtain()
{
	local tmp=$cache/tmp-$package

	version=$(version_of_package)
	[ -n "$version" ] || return
	dir=$cache/$package-${version#*:}
	[ ! -e "$dir/${file##*/}" ] || return 0
	rm -rf "$tmp"
	mkdir -p "$tmp" "$dir"
	say "downloading $package $version"
	download "$tmp" >"$build/$package.log" 2>&1 || return
	mv "$tmp/$file" "$dir/"
	rm -rf "$tmp"
}

lock "$cache/$package.lock"
# A package vanishes from the mirror when a newer one comes: look again after an update.
if ! obtain; then
	say "refreshing apt's package lists"
	(
		lock "$cache/apt.lock"
		quietly "$build/apt-update.log" as_root apt-get -q -o DPkg::Lock::Timeout=300 update
	)
	obtain || die "cannot get $package; see $build/$package.log"
fi
echo "$dir/${file##*/}"
