#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# trixie.sh - print the directory of a small Debian trixie, whose compiler builds for the kernels
# that this machine's Debian does not have, and whose apt knows them and those of its backports.
# kernel.sh adds their headers. It is kept in the cache (450 MB, 150 more with each kernel).

. "$(dirname "$0")/common.sh"

packages=(gcc-14 libc6-dev libelf1t64 make pahole sparse)
root=$cache/trixie-$(echo "${packages[@]}" | sha256sum | cut -c 1-12)

lock "$cache/trixie.lock"
if [ ! -d "$root" ]; then
	"$rig/setup.sh" debootstrap
	as_root rm -rf "$root.new"
	"$rig/debian-root.sh" trixie "$root.new" "${packages[@]}"
	as_root mv -T "$root.new" "$root"
fi
echo "$root"
