#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# bochs.sh fast|exact - print the path of a Bochs that runs KVM with VMX, APICv and CET: that of
# Debian's trixie, from its source package, with bochs.patch. "fast" chains the handlers of
# instructions, and knows several processors; its TSC moves by basic blocks. "exact" has one
# processor, whose TSC moves with each instruction. They are kept in the cache, 5 MB each, keyed by the
# version of the source, the patch and the options. apt takes the source with lists of the rig's own.

. "$(dirname "$0")/common.sh"

kind=${1:?usage: bochs.sh fast|exact}
suite=trixie
options=(--with-nogui --without-x --disable-docbook --disable-show-ips
	--enable-cpu-level=6 --enable-x86-64 --enable-pci --enable-memtype --enable-monitor-mwait
	--enable-avx --enable-evex --enable-cet --enable-protection-keys --enable-svm --enable-vmx=2
	--enable-repeat-speedups --enable-fast-function-calls)
case $kind in
fast)	options+=(--enable-handlers-chaining --enable-smp) ;;
exact)	;;
*)	die "usage: bochs.sh fast|exact" ;;
esac
key=$(cat "$rig/bochs.patch" <(echo "${options[@]}") | sha256sum | cut -c 1-12)
apt=$cache/bochs-apt
mkdir -p "$cache"

# apt, with sources and lists in the cache alone
apt_here()
{
	local command=$1

	shift
	"$command" -q -o Dir::Etc::sourcelist="$apt/sources.list" -o Dir::Etc::sourceparts=/dev/null \
		-o Dir::State::lists="$apt/lists" -o Dir::Cache="$apt" -o APT::Sandbox::User= "$@"
}

download()
{
	local key=/usr/share/keyrings/debian-archive-keyring.gpg

	mkdir -p "$apt"/{lists/partial,archives/partial}
	echo "deb-src [signed-by=$key] http://deb.debian.org/debian $suite main" >"$apt/sources.list"
	apt_here apt-get update || return
	# The tar file is all that is built from; apt checks it against the signed list.
	(cd "$1" && apt_here apt-get source --download-only --tar-only "bochs/$suite")
}

build_bochs()
{
	local tmp=$1

	mkdir "$tmp/src" &&
	tar -xf "$tmp"/bochs_*.orig.tar.* -C "$tmp/src" --strip-components=1 &&
	cd "$tmp/src" &&
	patch -p1 --forward <"$rig/bochs.patch" &&
	./configure CFLAGS="-O2 -pipe" CXXFLAGS="-O2 -pipe" "${options[@]}" &&
	make -j"$(nproc)" bochs &&
	strip -o "$tmp/bochs" bochs
}

find_built()
{
	built=$(find "$cache" -maxdepth 1 -name "bochs-*-$key" | sort -V | tail -n 1)
	[ -n "$built" ]
}

if ! find_built && lock "$cache/bochs.lock" && ! find_built; then
	"$rig/setup.sh" debian-archive-keyring patch
	tmp=$cache/tmp-bochs
	rm -rf "$tmp"
	mkdir "$tmp"
	say "downloading the source of Bochs"
	quietly "$build/bochs-download.log" download "$tmp"
	say "building Bochs, $kind, three minutes of processor time"
	quietly "$build/bochs-$kind.log" build_bochs "$tmp"
	version=$(basename "$tmp"/bochs_*.orig.tar.*)
	version=${version#bochs_}
	built=$cache/bochs-${version%.orig.tar.*}-$key
	mkdir "$tmp/built"
	mv "$tmp/bochs" "$tmp/built/bochs"
	mv -T "$tmp/built" "$built"
	rm -rf "$tmp"
fi
echo "$built/bochs"
