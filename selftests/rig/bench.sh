#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# bench.sh [--check|--here] [MACHINE...] - count what rings cost, in emulated machines whose TSC counts
# instructions: figures that depend neither on the machine it runs on nor on its load. The machines
# are "tcg", AMD's SVM without NRIPS, and of Bochs's "intel" and "ryzen", AMD with NRIPS, where the rows of
# many VMs and those of memory are left out; default all. Writes the figures of each to selftests/bench, as a
# table with the goals to Documentation/bench.txt, as a picture to Documentation/bench.svg, and some
# of them into README.md. With --check writes nothing, but fails if a row costs more than 2 % more
# than the file says, or misses a goal that it met, or if what is made of the files is not up to date;
# its last line is "N passed, N failed". With --here measures the present kernel, in cycles, as root.

. "$(dirname "$0")/common.sh"

mode=''
case ${1:-} in
--*)	mode=$1
	shift ;;
esac
all=(tcg intel ryzen)
machines=("$@")
[ $# -gt 0 ] || machines=("${all[@]}")
series=6.12
bench=$top/selftests/bench

# The file of a machine's figures, in the tree
figures_of()
{
	case $1 in
	tcg)	echo "$bench/figures.txt" ;;
	*)	echo "$bench/figures-$1.txt" ;;
	esac
}

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
	echo "# name median exits user-exits"
	sed -n 's/^figure //p'
}

# report [MACHINE FILE] - the table, of the figures in the tree, but that machine's in that file
report()
{
	local machine files=()

	for machine in "${all[@]}"; do
		if [ "$machine" = "${1:-}" ]; then
			files+=("$2")
		else
			files+=("$(figures_of "$machine")")
		fi
	done
	awk -v machines="${all[*]}" -f "$bench/report.awk" "${files[@]}" "$bench/goals"
}

# Those with figures, but what takes hours where each instruction is emulated by itself, and is the same everywhere
cases_of()
{
	local without='apart|halted|irqfd_halted'

	[ "$1" = tcg ] || without+='|memory|scale_.*|teardown'
	sed -n -E 's/^\t\{ "([a-z_]*)".*/\1/p' "$bench/main.c" | grep -v -x -E "$without"
}

# Tiger Lake has a hypercall's length from VMX, Ryzen from NRIPS.
boot()
{
	local machine=$1 out=$2

	case $machine in
	tcg)	"$rig/boot.sh" "$out/kernel" "$out/initramfs" "$out" -c -t "${DEADLINE:-1800}" -m 3072 ;;
	intel)	"$rig/boot-bochs.sh" "$out/kernel" "$out/initramfs" "$out" -c -t "${DEADLINE:-1800}" -M tigerlake ;;
	*)	"$rig/boot-bochs.sh" "$out/kernel" "$out/initramfs" "$out" -c -t "${DEADLINE:-1800}" -M "$machine" ;;
	esac
}

# Count on a machine; its figures are in $out/figures.txt.
run_in_rig()
{
	local machine=$1 status=0

	out=$build/bench-$machine
	mapfile -t cases < <(cases_of "$machine")
	"$rig/prepare.sh" "$series" "$out" -f "$build/selftests/bench/bench:/bench" \
		-e PVI_MODULE=/modules/kvm_pvi.ko -e "RIG_RUN=/bench ${cases[*]}"
	say "counting on $(cat "$out/kernel/release"), $machine"
	boot "$machine" "$out" &
	trap 'kill $!; wait $!; exit 143' INT TERM
	wait $! || status=$?
	if [ "$status" -ne 0 ]; then
		sed '/^figure /d; /^ok /d' "$out/output" >&2
		die "rows have failed; all output is in $out"
	fi
	figures "$(cat "$out/kernel/release")" instructions <"$out/output" >"$out/figures.txt"
}

# The goals that are missed, as report() has them
missed()
{
	report "$@" | sed -n 's/^MISSED *[^ ]*, //p' | sort
}

picture()
{
	awk -f "$bench/plot.awk" -f "$bench/plot_rings.awk" "$(figures_of intel)"
}

readme()
{
	awk -f "$bench/readme.awk" "$(figures_of tcg)" "$(figures_of intel)" "$(figures_of ryzen)" \
		"$top/README.md"
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
	local machine=$1 bad=0

	run_in_rig "$machine"
	awk -v of="$(figures_of "$machine")" -f "$bench/compare.awk" "$(figures_of "$machine")" \
		"$out/figures.txt" || bad=1
	comm -13 <(missed) <(missed "$machine" "$out/figures.txt") >"$out/missed"
	sed 's/^/# now missed: /' "$out/missed"
	[ ! -s "$out/missed" ] || bad=1
	return "$bad"
}

check_all()
{
	local point=0 failed=0 machine

	echo "1..$((${#machines[@]} + 1))"
	for machine in tree "${machines[@]}"; do
		point=$((point + 1))
		if [ "$machine" = tree ]; then
			is_made_by report Documentation/bench.txt &&
			is_made_by picture Documentation/bench.svg && is_made_by readme README.md &&
			"$rig/bench-link.sh" --tree
		else
			check "$machine"
		fi && echo "ok $point bench: $machine" && continue
		echo "not ok $point bench: $machine"
		failed=$((failed + 1))
	done
	echo "$((point - failed)) passed, $failed failed"
	return "$failed"
}

count_all()
{
	local machine

	for machine in "${machines[@]}"; do
		run_in_rig "$machine"
		cp "$out/figures.txt" "$(figures_of "$machine")"
	done
	report | tee "$top/Documentation/bench.txt"
	picture >"$top/Documentation/bench.svg"
	readme >"$build/README.md"
	cp "$build/README.md" "$top/README.md"
}

run_here()
{
	[ "$(id -u)" -eq 0 ] || die "measuring this kernel needs root, to load kvm_pvi and to trace"
	build_program
	PVI_MODULE=${PVI_MODULE:-$(modinfo -F filename kvm_pvi)} "$build/selftests/bench/bench" \
		>"$build/bench-here" || die "rows have failed; all output is in $build/bench-here"
	figures "$(uname -r)" cycles <"$build/bench-here" >"$build/figures-here.txt"
	awk -v machines=here -f "$bench/report.awk" "$build/figures-here.txt" "$bench/goals"
}

if [ "$mode" = --here ]; then
	run_here
	exit
fi
lock "$build/lock"
"$rig/setup.sh"
build_program
case $mode in
'')	count_all ;;
--check) check_all ;;
*)	die "usage: bench.sh [--check|--here] [MACHINE...]" ;;
esac
