# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced behind common.sh by the scripts that count which lines of a module are reached. Debian's kernels have no
# gcov: the compiler is told to put what it would register into a section, and coverage/counters.c reads that.
#
#   counted_build PART [SUFFIX...]	build kvm_pviSUFFIX.ko of $kernel's 6.12, from kernel/ of the same name (host for
#					""), in $out/src, of the modules that PVI_MODULES=PART has
#   counted_bytes KO			how long that section is
#   counted_take FILE			put the counters that FILE has where gcov looks for them

# shellcheck disable=SC2154 # common.sh has the directories, who sources this $out and $kernel

counted_flags=(-fprofile-arcs -ftest-coverage -fprofile-info-section=.gcov_info -fprofile-update=atomic)

counted_build()
{
	local part=$1 suffix dir

	"$rig/build.sh" "$kernel" "$build/src-6.12"
	rm -rf "$out"
	mkdir -p "$out"
	cp -a "$build/src-6.12" "$out/src"
	for suffix in "${@:2}"; do
		dir=${suffix#_}
		dir=${dir:-host}
		cp "$top/selftests/coverage/merge.c" "$out/src/kernel/$dir/"
		echo "kvm_pvi$suffix-y += $dir/merge.o" >>"$out/src/kernel/Kbuild"
	done
	find "$out/src/kernel" -name '*.o' -delete
	quietly "$out/build.log" make -C "$(readlink -f "$kernel/build")" M="$out/src/kernel" -j"$(nproc)" \
		PVI_MODULES="$part" KCFLAGS="${counted_flags[*]}" modules
}

counted_bytes()
{
	size -A "$1" | awk '$1 == ".gcov_info" { print $2 }'
}

# None leaves the directory.
counted_take()
{
	local name hex

	while read -r _ name hex; do
		[[ $name == "$out"/src/kernel/*/* && $name != *..* ]] || die "what is $name?"
		xxd -r -p <<<"$hex" >"$name"
	done < <(grep -a '^gcda ' "$1")
}
