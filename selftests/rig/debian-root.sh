#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# debian-root.sh CODENAME DIR PACKAGE... - make a small Debian system of that release in DIR, with
# these packages. Its mirrors and settings of apt are this machine's; a release other than this
# machine's has its backports too.

. "$(dirname "$0")/common.sh"

codename=$1 dir=$2
shift 2
here=$(codename_of "")

# Lines of a sources.list: this machine's sources, as far as they are Debian's.
sources()
{
	# shellcheck disable=SC2016 # apt's variables
	apt-get indextargets --format '$(ORIGIN) $(REPO_URI) $(CODENAME) $(COMPONENT)' \
		'Created-By: Packages' |
		sed -n -E "s/^Debian (.*) $here(-security|-updates)? main$/deb \\1 $codename\\2 main/p" |
		sort -u
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
	[ "$codename" = "$here" ] || echo "deb $(mirror) $codename-backports main" |
		as_root tee -a "$root/etc/apt/sources.list" >/dev/null
	as_root cp /etc/resolv.conf /etc/hosts "$root/etc/"
	apt-config dump | sed -n -E '/^Acquire::(http|https|Retries|ForceIPv[46]|Check-Valid-Until)\>/p' |
		as_root tee "$root/etc/apt/apt.conf.d/50rig" >/dev/null
}

[ -n "$(mirror)" ] || die "apt has no source of Debian $here main: run apt-get update"
say "making a Debian system, $codename"
quietly "$build/debootstrap.log" as_root debootstrap --variant=minbase "$codename" "$dir" "$(mirror)"
configure_apt "$dir"
say "installing $* in it"
# Headers may bring the kernel, which nobody boots there.
quietly "$build/debian-root.log" as_root "$rig/in-root.sh" "$dir" sh -c "
	export DEBIAN_FRONTEND=noninteractive INITRD=No
	apt-get -y -q update &&
	apt-get -y -q install --no-install-recommends $* &&
	apt-get clean"
