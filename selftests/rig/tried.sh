# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced behind common.sh by mutants.sh and mutants-guests.sh: build modules with one mistake of a list after the other,
# run the tests that must notice it, all without any mistake first, and tell. What one test has noticed is no matter for
# its others. One L1, in which selftests/try_mutants.sh runs them, tries as many as it survives. Who sources this sets
#
#   list, below		the mistakes, and below which directory of kernel/ their files are
#   part, what		what PVI_MODULES is to build, and what that is called in figures
#   out, kernel, tree	where to build, for which kernel, and the commit
#   boot_options	L1's, of boot.sh
#   pack NAME		a function that makes, in $out/ko, what L1 needs of the modules that were built in $out/src/kernel
#
# and calls choose NAME..., build_all, makes $out/initramfs with $out/ko and $out/runs, and calls try_all and report.

# shellcheck disable=SC2154 # who sources this has them

survivors=$top/selftests/survivors
declare -A verdict=([none]='')
boots=0 points=0 failed=0 excused=0 named=0

of()
{
	python3 "$rig/mutants.py" "$list" "$@"
}

# choose [NAME...] - those, or all
choose()
{
	local name all

	mapfile -t all < <(of names)
	named=$# names=("$@")
	[ $# -gt 0 ] || names=("${all[@]}")
	for name in "${names[@]}"; do
		[[ " ${all[*]} " == *" $name "* ]] || die "no such mutant: $name; $list has them"
	done
	# shellcheck disable=SC2034 # who sources this builds them
	mapfile -t tests < <(of runs "${names[@]}" | cut -d ' ' -f 2 | sort -u)
}

# The compiler's refusal of a generated mistake says nothing of the tests.
build_module()
{
	local how=(quietly "$out/build.log")

	[ -z "${GENERATED:-}" ] || [ "$1" = none ] || how=(run_logged "$out/build.log")
	"${how[@]}" make -C "$(readlink -f "$kernel/build")" M="$out/src/kernel" -j"$(nproc)" W=1 cmd_checkdoc= \
		PVI_MODULES="$part" modules || return
	pack "$1"
}

# restore NAME - what it has changed is as it was, and newer than what was built of it.
restore()
{
	local file

	for file in $(of files "$1"); do
		cp "$out/kept/$below/$file" "$out/src/kernel/$below/$file"
	done
}

run_logged()
{
	local log=$1

	shift
	"$@" >"$log" 2>&1
}

build_all()
{
	local name number=0 built=()

	rm -rf "$out"
	mkdir -p "$out/ko"
	"$rig/build.sh" "$kernel" "$build/src-6.12"
	cp -a "$build/src-6.12" "$out/src"
	cp -r "$build/src-6.12/kernel" "$out/kept"
	now_in "$out/src" "$build/src-6.12"
	build_module none
	for name in "${names[@]}"; do
		number=$((number + 1))
		say "building mutant $number of ${#names[@]}, $name"
		of apply "$name" "$out/src/kernel/$below"
		if build_module "$name"; then
			built+=("$name")
		else
			[ -n "${GENERATED:-}" ] || die "$name does not build: $out/build.log"
			say "$name does not build"
		fi
		restore "$name"
	done
	[ ${#built[@]} -gt 0 ] || die "none of them builds"
	names=("${built[@]}")
	runs >"$out/runs"
}

# NAME TEST CASE..., all that L1 is to run, in order. Cases are tried without a mistake as with one: they may need others
runs()
{
	of runs "${names[@]}" | cut -d ' ' -f 2- | sort -u | sed 's/^/none /'
	of runs "${names[@]}"
}

# boot FROM - in L1, from that line of the runs on
boot()
{
	# One that panics of a mistake is no failure; judge() looks at what it has put out.
	"$rig/boot.sh" "$kernel" "$out/initramfs" "$out/l1" -t 3600 -q 600 "${boot_options[@]}" \
		-a "oops=panic panic_on_warn=1 mutants.from=$1" >/dev/null 2>&1 &
	trap 'kill $!; wait $!; exit 143' INT TERM
	wait $! || say "L1 has ended early"
	trap - INT TERM
	boots=$((boots + 1))
	cp "$out/l1/output" "$out/output-$boots"
	cp "$out/l1/console" "$out/console-$boots"
}

# What L1 was at when it ended has been noticed, unless it says otherwise. The next run is one of another mistake then.
judge()
{
	local word number name status begun=

	while read -r word number name status; do
		case $word in
		begin)	begun=$number at=$name ;;
		end)	begun=
			next=$((number + 1))
			[ "$status" -eq 0 ] || verdict[$name]=noticed ;;
		esac
	done < <(grep -a -E '^(begin|end) ' "$out/output-$boots")
	if [ -n "$begun" ]; then
		verdict[$at]=noticed
		next=$((begun + 1))
	fi
	while name=$(sed -n "$next s/ .*//p" "$out/runs") && [ "${name:-none}" != none ] && [ "${verdict[$name]:-}" ]; do
		next=$((next + 1))
	done
}

try_all()
{
	local next=1 before

	while [ "$next" -le "$(wc -l <"$out/runs")" ]; do
		say "trying, from run $next of $(wc -l <"$out/runs") on"
		before=$next
		boot "$next"
		judge
		[ "$next" -gt "$before" ] || die "L1 does not run: see $out/console-$boots"
	done
}

# point STATUS WORDS - a test point
point()
{
	points=$((points + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $points $2"
	else
		failed=$((failed + 1))
		echo "not ok $points $2"
	fi
}

# Why a mistake is not noticed; nothing is no reason.
reason_of()
{
	[ -z "${GENERATED:-}" ] || python3 "$rig/mutants.py" "$survivors" reason "$1"
}

# Those that were chosen are all that there are, and their tests pass: so many are noticed
remember_all()
{
	[ "$named" -eq 0 ] && [ ! "${verdict[none]:-}" ] || return 0
	if [ -z "${GENERATED:-}" ]; then
		printf 'mistakes in %s\t%d\t%d\t\n' "$what" "$1" ${#names[@]} | remember "${out##*/}" "$tree"
	elif [ "$GENERATED" -ge 300 ]; then
		printf 'standard mistakes in %s\t%d\t%d\tseed %d, %d survivors have a reason\n' \
			"$what" "$1" ${#names[@]} "${PVI_SEED:-1}" "$excused" | remember "${out##*/}.generated" "$tree"
	fi
}

report()
{
	local name why noticed=0

	echo "TAP version 13"
	point $((${#verdict[none]} > 0)) "none: the tests pass without a mistake"
	for name in "${names[@]}"; do
		if [ "${verdict[$name]:-}" ]; then
			noticed=$((noticed + 1))
			point 0 "$name: $(of what "$name")"
			continue
		fi
		why=$(reason_of "$name")
		[ -z "$why" ] || excused=$((excused + 1))
		point $((${#why} == 0)) "$name: $(of what "$name")${why:+, which nothing notices: $why}"
	done
	[ -z "${GENERATED:-}" ] || [ "$named" -gt 0 ] ||
		point $((noticed * 10 < ${#names[@]} * 9)) "$noticed of ${#names[@]} are noticed, nine of ten at least"
	echo "1..$points"
	remember_all "$noticed"
	echo "$((points - failed)) passed, $failed failed"
	[ "$failed" -eq 0 ]
}
