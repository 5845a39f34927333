#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# build.sh KDIR DIR - build the modules against KDIR in a copy of kernel/, include/ and
# selftests/modules/ under DIR, so that several kernels can be served at once and the checkout stays clean.
# Only changed files are copied; where there are none all is built already. Any warning, be it the
# compiler's at W=1, sparse's or modpost's, is an error.

. "$(dirname "$0")/common.sh"

kdir=$1 dir=$2

sources()
{
	(cd "$1" && find kernel include selftests/modules -type f \( -name '*.[chS]' -o -name Kbuild \) \
		! -name '*.mod.c' ! -name '*-asm-offsets.h' | sort)
}

mkdir -p "$dir/kernel" "$dir/include" "$dir/selftests/modules"
sources "$top" | while read -r file; do
	cmp -s "$top/$file" "$dir/$file" && continue
	rm -f "$dir/built"
	mkdir -p "$(dirname "$dir/$file")"
	cp "$top/$file" "$dir/$file"
done
comm -13 <(sources "$top") <(sources "$dir") | while read -r file; do
	rm -f "$dir/$file" "$dir/built"
done
[ "$(cat "$dir/built" 2>/dev/null)" != "$kdir" ] || [ "$kdir/Module.symvers" -nt "$dir/built" ] || exit 0

build_modules()
{
	local log=$dir/$1.log

	quietly "$log" make -C "$kdir" M="$dir/$2" -j"$(nproc)" W=1 KCFLAGS=-Werror \
		C=2 CF="-D__CHECK_ENDIAN__" modules
	if grep -E -i '^(.*: )?(warning|error):' "$log" >&2; then
		# Or the next make has nothing to do, and nothing to warn of.
		find "$dir/$2" -name '*.o' -delete
		die "warnings while building against $kdir; all output is in $log"
	fi
}

build_modules build kernel
build_modules build-test selftests/modules
echo "$kdir" >"$dir/built"
