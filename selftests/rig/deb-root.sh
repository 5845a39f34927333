#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# deb-root.sh RELEASE... - print the directory of a small Debian system, of the release of Debian
# that this one is, with DKMS and the headers of these kernels. It is kept in the cache (800 MB),
# keyed by what is in it; the caller holds a lock. A file "used" beside it means that somebody has begun to change it, and
# did not get to the end: it is made anew.

. "$(dirname "$0")/common.sh"

packages=(dkms gcc libc6-dev make openssl pkg-config)
for release; do
	packages+=("linux-headers-$release")
done
codename=$(. /etc/os-release && echo "${VERSION_CODENAME:?is not in /etc/os-release}")
dir=$cache/deb-$codename-$(echo "${packages[@]}" | sha256sum | cut -c 1-12)

# Lines of a sources.list: this machine's sources, as far as they are Debian's.
sources()
{
	# shellcheck disable=SC2016 # apt's variables
	apt-get indextargets --format '$(ORIGIN) $(REPO_URI) $(CODENAME) $(COMPONENT)' \
		'Created-By: Packages' |
		sed -n -E "s/^Debian (.* $codename(-security|-updates)? main)$/deb \\1/p" | sort -u
}

mirror()
{
	sources | sed -n "s/^deb \\(.*\\) $codename main$/\\1/p" | awk 'NR == 1'
}

# The settings of apt here, proxies among them, hold there too.
configure_apt()
{
	local root=$1

	sources | as_root tee "$root/etc/apt/sources.list" >/dev/null
	as_root cp /etc/resolv.conf /etc/hosts "$root/etc/"
	apt-config dump | sed -n -E '/^Acquire::(http|https|Retries|ForceIPv[46]|Check-Valid-Until)\>/p' |
		as_root tee "$root/etc/apt/apt.conf.d/50rig" >/dev/null
}

make_root()
{
	local root=$1

	say "making a Debian system, $codename"
	quietly "$build/debootstrap.log" as_root debootstrap --variant=minbase "$codename" "$root" \
		"$(mirror)"
	configure_apt "$root"
	say "installing ${packages[*]} in it"
	# The headers bring the kernel, which nobody boots there.
	quietly "$build/deb-root.log" as_root "$rig/in-root.sh" "$root" sh -c "
		export DEBIAN_FRONTEND=noninteractive INITRD=No
		apt-get -y -q update &&
		apt-get -y -q install --no-install-recommends ${packages[*]} &&
		apt-get clean"
}

"$rig/setup.sh" "${deb_needs[@]}"
if [ ! -d "$dir/root" ] || [ -e "$dir/used" ]; then
	[ -n "$(mirror)" ] || die "apt has no source of Debian $codename main: run apt-get update"
	as_root rm -rf "$dir"
	mkdir -p "$dir"
	make_root "$dir/new"
	as_root mv -T "$dir/new" "$dir/root"
fi
echo "$dir"
