#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# mutants.sh [NAME...] - whether the tests would notice: build kvm_pvi for kernel 6.12 with one mistake
# of selftests/mutants after the other, and run the tests that must notice it, all without any
# mistake first. A mistake that none of its tests notices is a failure; so is a test that fails without.
# What one test has noticed is no matter for its others. One L1 tries as many as it survives. Prints TAP and
# "N passed, N failed"; what the tests said is in $BUILD/mutants/output-*. With GENERATED=N the mistakes are N of
# the standard ones that mutants.py knows, on the way of a ring, in life and in teardown, chosen by $PVI_SEED; those
# that the compiler refuses are left out. Nine of ten of them must be noticed, and selftests/survivors says of each other
# one why it is not: some change nothing. One without a reason is a failure.

. "$(dirname "$0")/common.sh"

list=$top/selftests/mutants survivors=$top/selftests/survivors out=$build/mutants
declare -A verdict=([none]='')
boots=0 points=0 failed=0 excused=0 named=$#

of()
{
	python3 "$rig/mutants.py" "$list" "$@"
}

generated=(acl bell bucket connect deliver edge expose grant inject life msi peer port ring source status vm)
wide=(ring latch status msi bell rate acl grant port connect peers source event close life bind_race flight revoke
	failing)
if [ -n "${GENERATED:-}" ]; then
	list=$build/mutants.generated
	mkdir -p "$build"
	of generate "$GENERATED" "${PVI_SEED:-1}" "$top/kernel/host" "$(printf '%s.c ' "${generated[@]}")" \
		"${wide[@]/%/_test}"
fi
mapfile -t all < <(of names)
names=("$@")
[ $# -gt 0 ] || names=("${all[@]}")
for name in "${names[@]}"; do
	[[ " ${all[*]} " == *" $name "* ]] || die "no such mutant: $name; selftests/mutants has them"
done

# The compiler's refusal of a generated mistake says nothing of the tests.
build_module()
{
	local how=(quietly "$out/build.log")

	[ -z "${GENERATED:-}" ] || [ "$1" = none ] || how=(run_logged "$out/build.log")
	"${how[@]}" make -C "$(readlink -f "$kernel/build")" M="$out/src/kernel" -j"$(nproc)" \
		PVI_MODULES=host modules || return
	strip --strip-debug -o "$out/ko/$1.ko" "$out/src/kernel/kvm_pvi.ko"
}

# What was changed is as it was, and newer than what was built of it.
restore()
{
	local file

	for file in "$out"/kept/*.[ch]; do
		cmp -s "$file" "$out/src/kernel/host/${file##*/}" || cp "$file" "$out/src/kernel/host/"
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
	cp -r "$out/src/kernel/host" "$out/kept"
	build_module none
	for name in "${names[@]}"; do
		number=$((number + 1))
		say "building mutant $number of ${#names[@]}, $name"
		of apply "$name" "$out/src/kernel/host"
		if build_module "$name"; then
			built+=("$name")
		else
			[ -n "${GENERATED:-}" ] || die "$name does not build: $out/build.log"
			say "$name does not build"
		fi
		restore
	done
	names=("${built[@]}")
}

# NAME TEST CASE..., all that L1 is to run, in order
runs()
{
	local name chosen

	chosen=$(for name in "${names[@]}"; do of runs | grep "^$name "; done)
	cut -d ' ' -f 2- <<<"$chosen" | sort -u | sed 's/^/none /'
	echo "$chosen"
}

# boot FROM - in L1, from that line of the runs on
boot()
{
	# One that panics of a mistake is no failure; judge() looks at what it has put out.
	"$rig/boot.sh" "$kernel" "$out/initramfs" "$out/l1" -t 3600 -q 600 \
		-a "oops=panic panic_on_warn=1 kfence.sample_interval=1 mutants.from=$1" >/dev/null 2>&1 &
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
		printf 'mistakes in kernel/host\t%d\t%d\t\n' "$1" ${#names[@]} | remember mutants "$tree"
	elif [ "$GENERATED" -ge 300 ]; then
		printf 'standard mistakes in kernel/host\t%d\t%d\tseed %d, %d survivors have a reason\n' \
			"$1" ${#names[@]} "${PVI_SEED:-1}" "$excused" | remember mutants.generated "$tree"
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

tree=$(tree_of)
lock "$build/lock"
export RIG_LOCKED=$build/lock
"$rig/setup.sh"
kernel=$("$rig/kernel.sh" 6.12)
mapfile -t tests < <(of runs | cut -d ' ' -f 2 | sort -u)
say "building the selftests"
quietly "$build/selftests.log" make -C "$top/selftests" -j2 OUTPUT="$build/selftests" TESTS="${tests[*]}" tests
build_all
runs >"$out/runs"
files=()
for test in "${tests[@]}"; do
	files+=(-f "$build/selftests/$test:/selftests/$test")
done
for ko in "$build"/src-6.12/selftests/modules/*.ko; do
	files+=(-f "$ko:/modules/${ko##*/}")
done
"$rig/initramfs.sh" "$kernel" "$out/initramfs" "${files[@]}" -f "$out/ko:/mutants" -f "$out/runs:/runs" \
	-f "$top/selftests/run_tests.sh:/run_tests.sh" -f "$top/selftests/try_mutants.sh:/try_mutants.sh" \
	-e PVI_RIG=1 -e PVI_TEST_MODULES=/modules -e "PVI_SLOW=$PVI_SLOW" -e TEST_DEADLINE=120 \
	-e RIG_RUN=/try_mutants.sh
try_all
report
