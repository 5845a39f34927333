#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# vsock-test.sh - print the path of vsock_test, the kernel's own test of AF_VSOCK, static, of Debian's
# linux-source-6.12 with vsock-test.patch, which has it wait longer. It is kept in the cache, 1 MB, keyed by
# the version of the source and the patch.

. "$(dirname "$0")/common.sh"

build_test()
{
	local tmp=$1 tests=$1/src/tools/testing/vsock

	mkdir -p "$tmp/src/usr/include/linux" &&
	tar -xf /usr/src/linux-source-6.12.tar.xz -C "$tmp/src" --strip-components=1 \
		linux-source-6.12/tools/{include,testing/vsock} linux-source-6.12/include/uapi/linux/vm_sockets.h &&
	patch -d "$tmp/src" -p1 --forward <"$rig/vsock-test.patch" &&
	# What make headers_install would make of it
	cp "$tmp/src/include/uapi/linux/vm_sockets.h" "$tmp/src/usr/include/linux/" &&
	make -C "$tests" LDFLAGS=-static vsock_test &&
	strip -o "$tmp/vsock_test" "$tests/vsock_test"
}

"$rig/setup.sh" linux-source-6.12 patch
version=$(dpkg-query -W -f '${Version}' linux-source-6.12)
dir=$cache/vsock-test-$version-$(sha256sum <"$rig/vsock-test.patch" | cut -c 1-12)
lock "$cache/vsock-test.lock"
if [ ! -e "$dir/vsock_test" ]; then
	tmp=$cache/tmp-vsock-test
	rm -rf "$tmp"
	mkdir -p "$tmp"
	say "building vsock_test of linux-source-6.12 $version, half a minute of processor time"
	quietly "$build/vsock-test.log" build_test "$tmp"
	mkdir -p "$dir"
	mv "$tmp/vsock_test" "$dir/"
	rm -rf "$tmp"
fi
echo "$dir/vsock_test"
