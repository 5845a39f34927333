#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# promtool.sh - print the path of promtool, which checks rules and metrics as Prometheus reads them. It is taken out of
# Debian's package prometheus, without what else that has and needs, and kept in the cache, 48 MB, keyed by the package's
# version.

. "$(dirname "$0")/common.sh"

candidate()
{
	apt-cache policy prometheus | sed -n 's/^  Candidate: \([^(]*\)$/\1/p'
}

fetch()
{
	cd "$1" &&
	apt-get -q -o APT::Sandbox::User=root download "prometheus=$version" &&
	dpkg-deb --fsys-tarfile prometheus_*.deb | tar -x ./usr/bin/promtool
}

version=$(candidate)
if [ -z "$version" ]; then
	lock "$cache/apt.lock"
	quietly "$build/apt-update.log" as_root apt-get -q -o DPkg::Lock::Timeout=300 update
	version=$(candidate)
	[ -n "$version" ] || die "apt knows no package prometheus, which has promtool"
fi
dir=$cache/promtool-$version
lock "$cache/promtool.lock"
if [ ! -e "$dir/promtool" ]; then
	tmp=$cache/tmp-promtool
	rm -rf "$tmp"
	mkdir -p "$tmp"
	say "downloading promtool of prometheus $version, 19 MB"
	quietly "$build/promtool.log" fetch "$tmp"
	mkdir -p "$dir"
	mv "$tmp/usr/bin/promtool" "$dir/"
	rm -rf "$tmp"
fi
echo "$dir/promtool"
