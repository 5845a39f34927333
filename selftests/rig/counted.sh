# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced behind common.sh by the scripts that count which lines of a module are reached. Debian's kernels have no
# gcov: the compiler is told to put what it would register into a section, and coverage/counters.c reads that.
#
#   counted_build PART [SUFFIX...]	build kvm_pviSUFFIX.ko of $kernel's 6.12, from kernel/ of the same name (host for
#					""), in $out/src, of the modules that PVI_MODULES=PART has; the files that
#					$COUNTED names count, or all
#   counted_bytes KO			how long that section is
#   counted_take FILE			put the counters that FILE has where gcov looks for them
#   counted_report PAGE NAME WHAT VERDICT LEAST [REASONS]	the table of those below $out/src/kernel, under the tests'
#					VERDICT. Without $TESTS it is Documentation/PAGE too, and remembered as NAME of
#					WHAT. Fails if fewer than LEAST percent of the lines are reached.

# shellcheck disable=SC2154 # common.sh has the directories, who sources this $out, $kernel and $tree

counted_flags=(-fprofile-arcs -ftest-coverage -fprofile-info-section=.gcov_info -fprofile-update=atomic)

# counted_files DIRECTORY - the names of those that count
counted_files()
{
	local file

	for file in "$top/kernel/$1"/*.c; do
		file=$(basename "$file" .c)
		[[ -n ${COUNTED:-} && " $COUNTED " != *" $file "* ]] || echo "$file"
	done
}

counted_build()
{
	local part=$1 suffix dir file

	"$rig/build.sh" "$kernel" "$build/src-6.12"
	rm -rf "$out"
	mkdir -p "$out"
	cp -a "$build/src-6.12" "$out/src"
	now_in "$out/src" "$build/src-6.12"
	for suffix in "${@:2}"; do
		dir=${suffix#_}
		dir=${dir:-host}
		cp "$top/selftests/coverage/merge.c" "$out/src/kernel/$dir/"
		echo "kvm_pvi$suffix-y += $dir/merge.o" >>"$out/src/kernel/Kbuild"
		for file in $(counted_files "$dir"); do
			echo "CFLAGS_$dir/$file.o += ${counted_flags[*]}"
		done >>"$out/src/kernel/Kbuild"
	done
	quietly "$out/build.log" make -C "$(readlink -f "$kernel/build")" M="$out/src/kernel" -j"$(nproc)" W=1 \
		cmd_checkdoc= PVI_MODULES="$part" modules
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

counted_report()
{
	local page=$1 name=$2 what=$3 verdict=$4 wanted=("${@:5}") status=0

	# Of what was never loaded there are no counters.
	(cd "$out/src/kernel" && find . -name '*.gcda' -printf '%P\0' |
		xargs -0 gcov --json-format --branch-probabilities --stdout) >"$out/gcov.json"
	{
		echo "On $(date -I), of $tree, kernel $(cat "$kernel/release"): $verdict"
		echo
		python3 "$rig/coverage.py" "$out/gcov.json" "$out/src/kernel/" "${wanted[@]}" || status=$?
	} >"$out/coverage.txt"
	cat "$out/coverage.txt"
	[ -z "${TESTS:-}" ] || return "$status"
	cp "$out/coverage.txt" "$top/Documentation/$page"
	awk -v OFS='\t' -v what="$what" '
		$1 == "all" {
			print "lines of " what, $2, $4, $5 " %"
			print "branches of " what, $7, $9, $10 " %"
		}' "$out/coverage.txt" | remember "$name" "$tree"
	return "$status"
}
