#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# debug-kernel.sh [rt|kcsan] - print the directory of the debug kernel (see kernel.sh), built from Debian's
# linux-source-6.12 with debug.config: KASAN, lockdep, kmemleak and more; or of that with PREEMPT_RT or with
# KCSAN, with debug-rt.config or debug-kcsan.config behind it. It is kept in the cache (3 GB), keyed by the
# version of the source and by the configuration. PVI_DEBUG_BUILD names a ready build tree to be used instead
# of the first.

. "$(dirname "$0")/common.sh"

# All of a kernel would drive out what is made often.
export CCACHE_DISABLE=1

# Copy what is needed to boot from build tree $1 to directory $2.
stage()
{
	local tree=$1 dest=$2 tmp

	tmp=$(mktemp -d "$(dirname "$dest")/tmp.XXXXXX")
	quietly "$build/debug-modules.log" make -C "$tree" INSTALL_MOD_PATH="$tmp/root" \
		INSTALL_MOD_STRIP=1 modules_install
	mkdir "$tmp/kernel"
	cp "$tree/arch/x86/boot/bzImage" "$tmp/kernel/vmlinuz"
	cp "$tree/include/config/kernel.release" "$tmp/kernel/release"
	ln -s "$tree" "$tmp/kernel/build"
	"$rig/pick-modules.sh" "$tmp/root" "$(cat "$tmp/kernel/release")" "$tmp/kernel/modules"
	rm -rf "$dest"
	mv -T "$tmp/kernel" "$dest"
	rm -r "$tmp"
}

name=debug options=()
configs=("$rig/debug.config")
if [ -n "${1:-}" ]; then
	name=debug-$1
	configs+=("$rig/$name.config")
	[ "$1" != kcsan ] || options=(KCSAN_SANITIZE=n)
elif [ -n "${PVI_DEBUG_BUILD:-}" ]; then
	stage "$PVI_DEBUG_BUILD" "$build/debug-kernel"
	echo "$build/debug-kernel"
	exit
fi

"$rig/setup.sh" bc bison flex libelf-dev linux-source-6.12
version=$(dpkg-query -W -f '${Version}' linux-source-6.12)
dir=$cache/$name-$version-$(cat "${configs[@]}" | sha256sum | cut -c 1-12)
lock "$cache/$name.lock"
if [ ! -d "$dir/kernel" ]; then
	mkdir -p "$dir"
	tree=$dir/linux-source-6.12
	say "unpacking linux-source-6.12"
	tar -xf /usr/src/linux-source-6.12.tar.xz -C "$dir"
	say "building the kernel $name, about 20 minutes of processor time; log: $dir/build.log"
	quietly "$dir/config.log" make -C "$tree" tinyconfig
	(cd "$tree" && quietly "$dir/merge.log" scripts/kconfig/merge_config.sh .config "${configs[@]}")
	quietly "$dir/build.log" make -C "$tree" -j"$(nproc)" "${options[@]}" bzImage modules
	stage "$tree" "$dir/kernel"
fi
echo "$dir/kernel"
