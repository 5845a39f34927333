#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# bench.sh [--check|--here] - count what rings cost, in an emulated machine whose TSC counts
# instructions: figures that depend neither on the machine it runs on nor on its load. Writes
# them to selftests/bench/figures.txt, as a table with the goals to Documentation/bench.txt, as a
# picture to Documentation/bench.svg, and some of them into README.md. With --check writes nothing,
# but fails if a row costs more than 2 % more than the file says, or misses a goal that it met, or
# if what is made of the file is not up to date; its last line is "N passed, N failed". With --here
# measures the present kernel, in cycles, as root.

. "$(dirname "$0")/common.sh"

mode=${1:-}
series=6.12
out=$build/bench-$series
bench=$top/selftests/bench

build_program()
{
	quietly "$build/bench.log" make -C "$top/selftests" -j2 OUTPUT="$build/selftests" bench
}

# Turn the program's output into a file of figures. It printed TAP, and "figure ...".
figures()
{
	local kernel=$1 unit=$2

	echo "# kernel $kernel"
	echo "# unit $unit"
	echo "# name median exits user-exits skips"
	sed -n 's/^figure //p'
}

report()
{
	awk -f "$bench/report.awk" "$1" "$bench/goals"
}

run_in_rig()
{
	local status=0

	lock "$build/lock"
	"$rig/setup.sh"
	build_program
	"$rig/prepare.sh" "$series" "$out" -f "$build/selftests/bench/bench:/bench" \
		-e PVI_MODULE=/modules/kvm_pvi.ko -e RIG_RUN=/bench
	say "counting on $(cat "$out/kernel/release")"
	"$rig/boot.sh" "$out/kernel" "$out/initramfs" "$out" -c -m 3072 -t "${DEADLINE:-900}" &
	trap 'kill $!; wait $!; exit 143' INT TERM
	wait $! || status=$?
	if [ "$status" -ne 0 ]; then
		sed '/^figure /d; /^ok /d' "$out/output" >&2
		die "rows have failed; all output is in $out"
	fi
	figures "$(cat "$out/kernel/release")" instructions <"$out/output" >"$out/figures.txt"
}

# The goals that the figures in file $1 miss
missed()
{
	report "$1" | sed -n 's/^MISSED *[^ ]*, //p' | sort
}

# What is made of the figures in the tree
table()
{
	report "$bench/figures.txt"
}

picture()
{
	awk -f "$bench/plot.awk" "$bench/figures.txt"
}

readme()
{
	awk -f "$bench/readme.awk" "$bench/figures.txt" "$top/README.md"
}

# is_made_by FUNCTION FILE
is_made_by()
{
	"$1" | cmp -s - "$top/$2" && return
	echo "# $2 is not of the figures in the tree: \"make bench\", and commit what it writes"
	return 1
}

check()
{
	local bad=0 name

	name="no row costs more than 2 % more than before, or misses a goal it met"
	is_made_by table Documentation/bench.txt || bad=1
	is_made_by picture Documentation/bench.svg || bad=1
	is_made_by readme README.md || bad=1
	awk -f "$bench/compare.awk" "$bench/figures.txt" "$out/figures.txt" || bad=1
	comm -13 <(missed "$bench/figures.txt") <(missed "$out/figures.txt") >"$out/missed"
	sed 's/^/# now missed: /' "$out/missed"
	[ ! -s "$out/missed" ] || bad=1
	if [ "$bad" -eq 0 ]; then
		echo "ok 1 bench: $name"
	else
		echo "not ok 1 bench: $name"
	fi
	echo "$((1 - bad)) passed, $bad failed"
	return "$bad"
}

run_here()
{
	[ "$(id -u)" -eq 0 ] || die "measuring this kernel needs root, to load kvm_pvi and to trace"
	build_program
	PVI_MODULE=${PVI_MODULE:-$(modinfo -F filename kvm_pvi)} "$build/selftests/bench/bench" \
		>"$build/bench-here" || die "rows have failed; all output is in $build/bench-here"
	figures "$(uname -r)" cycles <"$build/bench-here" >"$build/figures-here.txt"
	report "$build/figures-here.txt"
}

case $mode in
'')	run_in_rig
	cp "$out/figures.txt" "$bench/figures.txt"
	table | tee "$top/Documentation/bench.txt"
	picture >"$top/Documentation/bench.svg"
	readme >"$build/README.md"
	cp "$build/README.md" "$top/README.md" ;;
--check) run_in_rig
	check ;;
--here)	run_here ;;
*)	die "usage: bench.sh [--check|--here]" ;;
esac
