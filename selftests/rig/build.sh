#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# build.sh KERNEL-DIR DIR - build the modules for a kernel of kernel.sh in a copy of kernel/, include/ and
# selftests/modules/ under DIR, so that several kernels can be served at once and the checkout stays clean.
# Only changed files are copied; where there are none all is built already, and where the same sources were
# built for the same kernel in another DIR, what was made of them comes from the cache. Any warning, be it the
# compiler's at W=1, sparse's, kernel-doc's or modpost's, is an error, but not to the compiler: mutants.sh goes on from
# these objects, and a mistake may warn. Sparse and kernel-doc, which take a third of the time, look
# on when it is built for 6.12, or with $PVI_LONG for any kernel. Kernels of a newer Debian are built for
# by its compiler, in its root directory, where DIR is /mnt.

. "$(dirname "$0")/common.sh"

kernel=$1 dir=$2
if [ -e "$kernel/root" ]; then
	root=$(readlink -f "$kernel/root")
	kdir=$(readlink "$kernel/build")
else
	root=
	kdir=$(readlink -f "$kernel/build")
fi

sources()
{
	(cd "$1" && find kernel include selftests/modules -type f \( -name '*.[chS]' -o -name Kbuild -o -name '*.mk' \) \
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
watch=(cmd_checkdoc=)
if [ -n "${PVI_LONG:-}" ] || [[ $(cat "$kernel/release") == 6.12.* ]]; then
	watch=(C=2 CF=-D__CHECK_ENDIAN__)
fi
[ "$(cat "$dir/built" 2>/dev/null)" != "$root$kdir ${watch[*]}" ] ||
	[ "$root$kdir/Module.symvers" -nt "$dir/built" ] || exit 0

# What the modules are made of: sources, the kernel's symbols, how they are built
key=$({
	(cd "$top" && sources . | xargs -d '\n' sha256sum)
	sha256sum <"$root$kdir/Module.symvers"
	cat "$rig/build.sh"
	echo "$root$kdir ${watch[*]}"
} | sha256sum | cut -c 1-16)
kept=$cache/modules-$(cat "$kernel/release")

# What was made of the last few sources
keep()
{
	local tmp=$kept/tmp-$$ old

	mkdir -p "$tmp"
	echo "$dir" >"$tmp/dir"
	comm -13 <(sources "$dir") <(cd "$dir" && find kernel selftests/modules -type f | sort) |
		(cd "$dir" && xargs -d '\n' cp --parents -t "$tmp")
	rm -rf "${kept:?}/$key"
	mv "$tmp" "$kept/$key"
	find "$kept" -mindepth 1 -maxdepth 1 -printf '%T@ %p\n' | sort -rn | tail -n +5 | cut -d ' ' -f 2- |
		while read -r old; do
			rm -rf "$old"
		done
}

# make_in SUBDIRECTORY ARGUMENT...
make_in()
{
	local where=$1

	shift
	if [ -n "$root" ]; then
		as_root "$rig/in-root.sh" -b "$dir" "$root" make -C "$kdir" M="/mnt/$where" "$@"
	else
		make -C "$kdir" M="$dir/$where" "$@"
	fi
}

build_modules()
{
	local log=$dir/$1.log

	quietly "$log" make_in "$2" -j"$(nproc)" W=1 "${watch[@]}" modules
	if grep -E -i '^(.*: )?(warning|error):' "$log" >&2; then
		# Or the next make has nothing to do, and nothing to warn of.
		find "$dir/$2" -name '*.o' -delete
		die "warnings while building against $root$kdir; all output is in $log"
	fi
}

if [ -d "$kept/$key" ]; then
	cp -r "$kept/$key"/{kernel,selftests} "$dir/"
	now_in "$dir" "$(cat "$kept/$key/dir")"
	touch "$kept/$key"
else
	build_modules build kernel
	build_modules build-test selftests/modules
	keep
fi
echo "$root$kdir ${watch[*]}" >"$dir/built"
