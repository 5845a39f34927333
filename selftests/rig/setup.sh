#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# setup.sh [PACKAGE...] - install what the rig needs, and the Debian packages named, as far as
# they are not installed yet. Runs without questions, as root or through sudo, and does not touch
# the network when nothing is missing.

. "$(dirname "$0")/common.sh"

# To build; to make and boot L1; to check the sources.
base=(ccache gcc g++ libc6-dev make pahole "${tools_need[@]}" systemd
	busybox-static cpio kmod lz4 python3 qemu-system-x86 socat xz-utils zstd
	groff-base shellcheck sparse)

missing=()
for package in "${base[@]}" "$@"; do
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] ||
		missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

command -v apt-get >/dev/null ||
	die "no apt-get here: install by hand what these Debian packages hold: ${missing[*]}"

say "installing ${missing[*]}"
lock "$cache/apt.lock"
apt=(env DEBIAN_FRONTEND=noninteractive apt-get -y -q -o DPkg::Lock::Timeout=300)
quietly "$build/apt-update.log" as_root "${apt[@]}" update
quietly "$build/apt-install.log" as_root "${apt[@]}" install --no-install-recommends "${missing[@]}"
