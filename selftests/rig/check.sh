#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# check.sh - build everything and run the selftests in the kernels of $KERNELS (default "6.12 6.1:c
# intel-smoke 7.3:smoke", with $TESTS "6.12 6.1"; ":c" is that kernel with the C tests that take it less than
# half a minute, ":smoke" with some of them, "debug:only" with those that need the debug kernel), each in an
# L1 of its own. Beside them, one at a time, run the quick part of style.sh, install.sh if there are tests
# that need the tools, and without $TESTS, if 6.12 is among the kernels, ring.sh, userspace.sh, static.sh,
# mutants.sh with some mistakes, for what some tests cover coverage.sh, and with $PVI_LONG deb-check.sh; with
# kernel 6.12 or intel bench.sh --check. Each test with Linux guests, e2e*_test.sh, has an L1 of that kernel too,
# those of the tools, which are scripts as well, three, and another has cost_test and longest_test, which compare what
# calls cost: there time is instructions, and the host's caches are none. Tests that need no kernel of their own run
# on the host, as root like all. $GUESTS are the kernels of the guests, an older and a newer one, and a third for
# one of e2e_test's, by default 6.1, 6.12 and 7.3. $RIG_AT_ONCE is how many machines run at once, and
# $RIG_NICE how nice what runs beside them is, 19 by default.
# "intel" and "intel-smp" stand for kernel 6.12 on an Intel processor of Bochs's and on two, which share the
# C tests; "intel-smoke" has some of them, or those of $TESTS.
# Ends with "N passed, N failed[, N skipped]", the sum of all, and succeeds when nothing failed, nothing was
# skipped and each L1 has run a test. $TESTS selects tests; "deb", "bench", "ring", "userspace", "static",
# "mutants" and "coverage" stand for these scripts. $DEADLINE limits the seconds of processor time of an L1,
# $TEST_DEADLINE those of a test, $MEMORY is L1's in megabytes, $CMDLINE is added to its kernel's command
# line, PVI_LONG=1 asks the tests to take their time, PVI_SLOW=N has them wait N times as long, 4 by
# default. PVI_SEED is where random ones begin, PVI_OPS how many calls oracle_test makes.
#
# Stock kernels watch themselves: with KFENCE, where they have it, each millisecond, or where programs are
# tested, whose processes allocate all the time, each ten, else, as Debian's 6.1, with slub_debug=FZP; and a
# warning is a panic. slub_debug makes six of the tests, boot included, cost 26 s of processor time instead
# of 22, and 33 s if it keeps the users of each object as well. L1s with Linux guests, which are busy with
# other things than our objects, have panic_on_warn alone. And where programs are tested, with guests or
# without, the kernel goes without mitigations, a tenth of the processor time: the C tests meet the module
# with them.

. "$(dirname "$0")/common.sh"
. "$rig/guests.sh"

few=(bind_test ring_test gsi_test msi_test port_test bell_test status_test source_test state_test
	query_test peers_test hook_test unload_test)

# Random ones, races and storms, which the first kernel has in full, and those of bytes between programs and of tables
# of the module's own, which are the same on each; and what is charged
slow=(flight_test fuzz_test ioctl_fuzz_test midway_test oracle_test plain_test state_race_test state_roundtrip_test
	status_guest_test stock_test storm_test libpvi_inside_test libpvi_link_test libpvi_msg_test
	libpvi_setup_again_test libpvi_setup_socket_test libpvi_setup_test acl_test generation_test grant_test ioctl_test
	latch_test lib_test load_test charge_test)
# What a stock kernel has not: fault injection, KCOV
debug_only=(faults_test guided_test)
# A Debian guest that goes from QEMU to QEMU, for a minute and a half, and what the README says that e2e_net_test does in
# other words: with $PVI_LONG, or when it is named
long=(e2e_move_test e2e_readme_test)

default="6.12 6.1:c intel-smoke 7.3:smoke"
[ -z "${TESTS:-}" ] || default="6.12 6.1"
read -ra kernels <<<"${KERNELS:-$default}"
read -r older newer newest <<<"${GUESTS:-6.1 6.12 7.3}"
declare -A part
for i in "${!kernels[@]}"; do
	[[ ${kernels[i]} != *:* ]] || part[${kernels[i]%:*}]=${kernels[i]#*:}
	kernels[i]=${kernels[i]%:*}
done
read -ra tests <<<"${TESTS:-$(cd "$top/selftests" && printf '%s ' *_test.c *_test.sh)}"
tests=("${tests[@]%.*}")
if [ -z "${TESTS:-}${PVI_LONG:-}" ]; then
	mapfile -t tests < <(printf '%s\n' "${tests[@]}" | grep -v -x -F "$(printf '%s\n' "${long[@]}")")
fi
# What is asked of no kernel is done where it is named, and beside 6.12 where no test is; packages, which take longest, with
# $PVI_LONG
[[ " ${kernels[*]} " == *" 6.12 "* ]] && beside_kernels=1 || beside_kernels=
wanted()
{
	local unnamed=$1

	[ "$1" != deb ] || [ -n "${PVI_LONG:-}" ] || unnamed=
	[[ " ${TESTS:-${beside_kernels:+$unnamed}} " == *" $1 "* ]]
}
processors=()
if [[ " ${TESTS:-bench} " == *" bench "* ]]; then
	[[ " ${kernels[*]} " != *" 6.12 "* ]] || processors+=(tcg)
	[[ " ${kernels[*]} " != *" intel "* ]] || processors+=(intel ryzen)
fi
for i in "${!tests[@]}"; do
	[[ ! ${tests[i]} =~ ^(deb|bench|ring|userspace|static|mutants|coverage)$ ]] || unset "tests[i]"
done
plain=() with_guests=() costs=() native=()
for test in "${tests[@]}"; do
	case $test in
	e2e*)	with_guests+=("$test") ;;
	cost_test | longest_test | quota_test) costs+=("$test") ;;
	hear_test | ivshmem_reload_test | ivshmem_restart_test | ivshmem_server_test | pvictl_check_test | status_litmus_test | uapi_layout_test) native+=("$test") ;;
	*)	plain+=("$test") ;;
	esac
done
# The scripts among them need the tools, and a host's file system, which Bochs has no share of.
scripts=()
for test in "${tests[@]}"; do
	[ ! -e "$top/selftests/$test.sh" ] || [[ ! " ${kernels[*]} " =~ \ [^i] ]] || scripts+=("$test")
done
[ ${#scripts[@]} -gt 0 ] || with_guests=()
# What two processors do at once. On one each thread waits for its turn.
two_at_once=$(printf '%s_test\n' broadcast connect event life many msi posted revoke ring source_life source \
	status_life storm trace unload)
# Each way that a ring can take, and every call in every mode
smoke=$(printf '%s_test\n' gsi hypercall msi plain ring)
[ -z "${TESTS:-}" ] || smoke=$(printf '%s\n' "${tests[@]}")
passed=0 failed=0 skipped=0 failures=() running=$build/running ended=$build/ended
counted='^([0-9]+) passed, ([0-9]+) failed(, ([0-9]+) skipped)?$'

[ -n "${TESTS:-}$beside_kernels" ] || native=()

# What runs beside the machines, in this order: of each, NAME, there is a check_NAME
beside=()
if [ -n "${TESTS:-}$beside_kernels" ]; then
	beside+=(style)
	[ ${#scripts[@]} -eq 0 ] || beside+=(install)
fi
[ ${#native[@]} -eq 0 ] || beside+=(native)
[ ${#processors[@]} -eq 0 ] || beside+=(bench)
for name in deb ring userspace static mutants coverage; do
	! wanted "$name" || beside+=("$name")
done

# Whatever happens, the last line is the count, and it tells a failure.
finish()
{
	local status=$? children

	children=$(jobs -pr)
	# shellcheck disable=SC2086 # they are words
	if [ -n "$children" ] && kill $children 2>/dev/null; then
		wait
	fi
	[ "$status" -eq 0 ] || [ $((failed + skipped)) -gt 0 ] || failed=1
	echo "$passed passed, $failed failed$([ "$skipped" -eq 0 ] || echo ", $skipped skipped")"
}

# Print the results in file $2 under the heading $1; what they add up to is in file $3.
report()
{
	local line

	echo "# $1"
	sed -E "/$counted/d" "$2"
	while read -r line; do
		failures+=("$1: $line")
	done < <(grep -a -E '^not ok|^ok .*# SKIP' "$2")
	if [[ $(grep -E "$counted" "$3" | tail -n 1) =~ $counted ]]; then
		echo "# $1: ${BASH_REMATCH[0]}"
	else
		echo "not ok - $1: ended without a result"
		failures+=("$1: ended without a result")
		BASH_REMATCH=("" 0 1 "" 0)
	fi
	passed=$((passed + BASH_REMATCH[1]))
	failed=$((failed + BASH_REMATCH[2]))
	skipped=$((skipped + ${BASH_REMATCH[4]:-0}))
}

check_style()
{
	exec "$rig/style.sh" --quick >"$build/style-output"
}

check_install()
{
	exec "$rig/install.sh" "$build/tools-root" >"$build/install-output"
}

# The kernels for which DKMS builds in a system like this one.
debian_kernels()
{
	printf '%s\n' "${kernels[@]}" | sed -n -E '/^6\.(1|12)$/p'
}

# For the last of them; make deb-check has all. As urgent as the others: nice would have it wait for whoever else
# keeps the host busy. timeout ends all of it, if the network hangs.
check_deb()
{
	local quick=1 series

	[ -z "${PVI_LONG:-}" ] || quick=
	series=$(debian_kernels | tail -n 1)
	exec timeout -k 10 14400 "$rig/deb-check.sh" ${quick:+-q} ${series:+"$series"} >"$build/deb-output"
}

check_bench()
{
	exec "$rig/bench.sh" --check "${processors[@]}" >"$build/bench-output"
}

# What few tests reach of few files, so that it is known to count; make coverage has all
check_coverage()
{
	TESTS="ring_test gsi_test msi_test port_test bell_test status_test" COVERAGE_LEAST=75 \
		COUNTED="acl bell deliver gsi msi port ring status" \
		"$rig/coverage.sh" | grep -v '^not reached:' >"$build/coverage-output"
}

check_ring()
{
	exec "$rig/ring.sh" >"$build/ring-output"
}

check_userspace()
{
	exec "$rig/userspace.sh" >"$build/userspace-output"
}

check_static()
{
	exec "$rig/static.sh" >"$build/static-output"
}

# Mistakes that are noticed at once, each in another file, so that it is known that they would be; make mutants has
# all. It builds what others beside it may build at the same time, in a place of its own.
check_mutants()
{
	exec "$rig/mutants.sh" acl_compares_half grant_ignores_uses \
		frozen_before_permitted state_key_twice >"$build/mutants-output"
}

# As many lines "ok" and "not ok" as the tests have points
check_native()
{
	local test

	for test in "${native[@]}"; do
		echo "# $test"
		as_root env "PVI_TOOLS=$build/tools-root" "$build/selftests/$test" ||
			echo "not ok - $test has failed"
	done >"$build/native"
	awk '/^ok / { passed++ } /^not ok/ { failed++ } { print }
		END { printf "%d passed, %d failed\n", passed, failed; exit failed > 0 || !passed }' \
		"$build/native" >"$build/native-output"
}

# The C tests that need nothing else than a kernel, a stock one unless it is the debug kernel that is to run them
c_tests()
{
	local test

	for test in "${plain[@]}"; do
		[[ ! -e $top/selftests/$test.c || " ${debug_only[*]} " == *" $test "* ]] || echo "$test"
	done
}

# The scripts that need no Linux guests
tool_tests()
{
	local test

	for test in "${plain[@]}"; do
		[ ! -e "$top/selftests/$test.sh" ] || echo "$test"
	done
}

# Of the tests on stdin those that kernel $1 runs.
selected()
{
	case ${part[$1]:-} in
	smoke)	grep -x -F "$(printf '%s\n' "${few[@]}")" ;;
	c)	grep -x -F "$(c_tests)" | grep -v -x -F "$(printf '%s\n' "${slow[@]}")" ;;
	only)	;;
	'')	grep . ;;
	*)	die "no such part of the tests: ${part[$1]}" ;;
	esac
}

# The tests of a machine, one a line. Bochs has no share of the host's files, which the scripts need.
tests_of()
{
	case $1 in
	intel)	c_tests | grep -v -x -F "$two_at_once" ;;
	intel-smp) c_tests | grep -x -F "$two_at_once" ;;
	intel-smoke) c_tests | grep -x -F "$smoke" ;;
	*-guests-*) printf '%s\n' "${with_guests[@]}" | grep -x "${1##*-}" | selected "$(series_of "$1")" ;;
	*-tools) tool_tests | grep -v '^pvi\(d\|ctl\)_' | selected "$(series_of "$1")" ;;
	*-pvictl | *-pvid) tool_tests | grep "^${1##*-}_" | selected "$(series_of "$1")" ;;
	# What cost_test and longest_test count, and what charge_test compares with what is charged, a kernel that watches itself
	# uses many times. The shares that quota_test compares are a stock kernel's, and no debug kernel has the cpu controller.
	debug*-count) ;;
	*-count) printf '%s\n' "${costs[@]}" | selected "$(series_of "$1")" ;;
	debug)	{
			[ "${part[debug]:-}" = only ] || c_tests
			printf '%s\n' "${plain[@]}" | grep -x -F "$(printf '%s\n' "${debug_only[@]}")"
		} | grep -v -x -F charge_test ;;
	debug-*) c_tests | selected "$1" | grep -v -x -F charge_test ;;
	*)	c_tests | selected "$1" ;;
	esac
}

# The names of the L1s of a kernel.
machines_of()
{
	local machines=("$1") machine

	[[ $1 == intel* ]] || machines+=("${with_guests[@]/#/$1-guests-}" "$1-pvid" "$1-tools" "$1-pvictl" "$1-count")
	for machine in "${machines[@]}"; do
		[ -z "$(tests_of "$machine")" ] || echo "$machine"
	done
}

# What it is called beyond its kernel's series.
kind_of()
{
	[[ ! $1 =~ -(guests-[a-z0-9_]+|tools|pvictl|pvid|count)$ ]] || echo "${BASH_REMATCH[0]}"
}

# The kernel's series that a machine boots
series_of()
{
	case $1 in
	intel*)	echo 6.12 ;;
	*)	echo "${1%"$(kind_of "$1")"}" ;;
	esac
}

# at_once COMMAND NAME... - the command with each of the names, and fail if one of them does
at_once()
{
	local name started=() pid

	for name in "${@:2}"; do
		"$1" "$name" &
		started+=($!)
	done
	for pid in "${started[@]}"; do
		wait "$pid"
	done
}

# The kernels that the Linux guests boot
guest_kernels()
{
	printf '%s\n' "$older" "$newer"
	[[ -z $newest || " ${with_guests[*]} " != *" e2e_test "* ]] || echo "$newest"
}

# Make what machine $1 needs to run its tests.
prepare()
{
	local machine=$1 run=run_tests.sh test its_tests files=() deadline=600

	mapfile -t its_tests < <(tests_of "$machine")
	for test in "${its_tests[@]}"; do
		files+=(-f "$build/selftests/$test:/selftests/$test")
	done
	if [[ $machine == intel* ]]; then
		run=ibt.sh
		files+=(-f "$top/selftests/ibt.sh:/ibt.sh")
	elif [[ $(kind_of "$machine") =~ ^-(guests|tools|pvictl|pvid) ]]; then
		files+=(-9 -f "$build/tools-root:/tools" -f "$build/selftests/tools:/selftests/tools")
	fi
	if [[ " ${its_tests[*]} " == *" pvi_exporter_test "* ]]; then
		files+=(-e "PVI_PROMTOOL=$("$rig/from-deb.sh" prometheus usr/bin/promtool)")
	fi
	if [[ $machine == *-guests-* ]]; then
		files+=(-f "$build/guest-$older:/guests/older" -f "$build/guest-$newer:/guests/newer"
			-f "$("$rig/kernel.sh" "$(series_of "$machine")")/modules/vsock:/modules/vsock")
		[[ $machine != *-e2e_test || -z $newest ]] || files+=(-f "$build/guest-$newest:/guests/newest")
		[[ "$older $newer" != *debug* ]] || files+=(-e PVI_GUEST_MEMORY=480)
		if [ -n "${RIG_COUNTED:-}" ]; then
			run=run_guests.sh
			files+=(-f "$top/selftests/coverage/$run:/$run")
		fi
		deadline=1800
	fi
	"$rig/prepare.sh" "$(series_of "$machine")" "$build/check-$machine" "${files[@]}" \
		-f "$top/selftests/run_tests.sh:/run_tests.sh" \
		-e PVI_RIG=1 -e PVI_MODULE=/modules/kvm_pvi.ko -e PVI_TEST_MODULES=/modules \
		${PVI_LONG:+-e "PVI_LONG=$PVI_LONG"} -e "PVI_SLOW=$PVI_SLOW" \
		${PVI_SEED:+-e "PVI_SEED=$PVI_SEED"} ${PVI_OPS:+-e "PVI_OPS=$PVI_OPS"} \
		-e "TEST_DEADLINE=${TEST_DEADLINE:-$deadline}" \
		-e "RIG_RUN=/$run /selftests ${its_tests[*]}"
}

# How the stock kernel of machine $1 watches itself; see above.
stock_debug()
{
	local kernel=$build/check-$1/kernel tree

	echo panic_on_warn=1
	[[ $(kind_of "$1") =~ ^(-tools|-pvictl|-pvid)?$ && $1 != intel* ]] || return 0
	tree=$kernel/build
	[ ! -e "$kernel/root" ] || tree=$(readlink -f "$kernel/root")$(readlink "$tree")
	if grep -q -x CONFIG_KFENCE=y "$tree/.config"; then
		echo "kfence.sample_interval=$([ -n "$(kind_of "$1")" ] && echo 10 || echo 1)"
	else
		echo slub_debug=FZP
	fi
}

boot()
{
	local dir=$build/check-$1 emulator=boot.sh options=()

	prepare "$1"
	doing booting
	[[ $1 == debug* ]] || options=(-a "$(stock_debug "$1" | paste -s -d ' ')")
	case $1 in
	intel-smp) emulator=boot-bochs.sh options+=(-2) ;;
	intel*)	emulator=boot-bochs.sh ;;
	*-guests-*) options+=(-1 -9 / -a mitigations=off) ;;
	*-tools | *-pvictl | *-pvid) options+=(-9 / -a mitigations=off)
		# Who runs alone waits for no interrupt of another vCPU, which is a tenth of all.
		[ -n "${PVI_LONG:-}" ] || options+=(-1) ;;
	*-count) options+=(-c) ;;
	esac
	exec "$rig/$emulator" "$dir/kernel" "$dir/initramfs" "$dir" -t "${DEADLINE:-1800}" \
		-m "${MEMORY:-2048}" -a "${CMDLINE:-}" "${options[@]}"
}

# job NAME COMMAND... - run it. While it runs, $running/NAME says what it does; $ended/NAME has its
# status then, which wait would have forgotten when another process has its number again.
job()
{
	local status=0

	export RIG_DOING=$running/$1
	doing starting
	"${@:2}" &
	trap 'kill $!; wait $!; exit 143' INT TERM
	wait $! || status=$?
	# Of an L1 machine_end() says it.
	if [[ " ${machines[*]} " != *" $1 "* ]]; then
		times >"$ended/$1.times"
		say "$1: $(awk -F '[ms ]' 'END { printf "%d", $1 * 60 + $2 + $4 * 60 + $5 }' "$ended/$1.times") s of processor time"
	fi
	echo "$status" >"$ended/$1"
	rm "$RIG_DOING"
}

# How many machines run at once: one on each processor, two where there is one, and five at most, of 2 GB each. An
# emulator that shares a processor finds what it has translated in no cache: e2e_test takes 84 s of processor time where
# two run on two processors, 112 s where three do, and 244 s where five do. What runs beside them has the time that the
# machines wait.
machines_at_once()
{
	local processors

	processors=$(nproc)
	echo $((processors < 2 ? 2 : processors > 5 ? 5 : processors))
}

# Whoever runs at last gives its turn to another.
run_in_turn()
{
	case $1 in
	machines) job "$2" boot "$2" ;;
	beside)	renice -n "${RIG_NICE:-19}" "$BASHPID" >/dev/null
		job "$2" "check_$2" ;;
	esac
	echo >&"$turns"
}

# run_all KIND N NAME... - all of them in their order, each when fewer than N others run
run_all()
{
	local kind=$1 at_once=$2 name turns i

	mkfifo "$running/.turns-$kind"
	exec {turns}<>"$running/.turns-$kind"
	for ((i = 0; i < at_once; i++)); do
		echo >&"$turns"
	done
	trap 'kill $(jobs -pr) 2>/dev/null; wait; exit 143' INT TERM
	for name in "${@:3}"; do
		read -r -u "$turns"
		run_in_turn "$kind" "$name" &
	done
	wait
}

# Of an L1 its output tells, of the others what they have said at last.
how_far()
{
	local output=$build/check-$1/output

	case $1 in
	bench)	echo "$(cat "$running/$1"), $(cat "$build"/bench-*/output | grep -c '^figure ') rows" ;;
	*)	if [ ! -s "$output" ]; then
			cat "$running/$1"
			return
		fi
		awk '/^(not )?ok/ { points++ }
			/^# [a-z0-9_]+_test$/ { test = ", now in " $2 }
			END { printf "%d test points%s\n", points, test }' "$output" ;;
	esac
}

# Every 20 seconds say what is still running and how far it is, until all have ended.
wait_for_all()
{
	local seconds=0 job

	while [ -n "$(jobs -pr)" ]; do
		sleep 1
		seconds=$((seconds + 1))
		[ $((seconds % 20)) -eq 0 ] || continue
		for job in "$running"/*; do
			# It may have ended just now.
			[ ! -e "$job" ] || say "running: ${job##*/}: $(how_far "${job##*/}" 2>/dev/null)"
		done
	done
}

trap finish EXIT
trap 'exit 130' INT TERM
lock "$build/lock"
export RIG_LOCKED=$build/lock
needs=()
! wanted deb || needs+=("${deb_needs[@]}")
! wanted coverage || needs+=(xxd)
"$rig/setup.sh" "${needs[@]}" ${scripts[0]:+cargo rustc}
export RIG_KERNELS=$build/kernels
rm -rf "$RIG_KERNELS"
mkdir -p "$RIG_KERNELS"
machines=()
for series in "${kernels[@]}"; do
	mapfile -t -O ${#machines[@]} machines < <(machines_of "$series")
done
guests=()
[[ " ${machines[*]}" != *-guests-* ]] || mapfile -t guests < <(guest_kernels | sort -u)
mapfile -t series < <({
	printf '%s\n' "${guests[@]}"
	for machine in "${machines[@]}"; do
		series_of "$machine"
	done
} | grep . | sort -u)
# One after the other, since apt works for one at a time
for it in "${series[@]}"; do
	"$rig/kernel.sh" "$it" >/dev/null
done
[ ${#guests[@]} -eq 0 ] || find_foreign
at_once build selftests ${scripts[0]:+tools} "${series[@]}"
at_once prepare_guest "${guests[@]}"
# The checkout may be another one when a machine's turn comes.
export RIG_BUILT="${series[*]}"

say "booting ${machines[*]}"
for machine in "${machines[@]}"; do
	mkdir -p "$build/check-$machine"
	: >"$build/check-$machine/output"
	: >"$build/check-$machine/verdict"
done
bad=0
rm -rf "$running" "$ended"
mkdir -p "$running" "$ended"
# Those with Linux guests first, since they take longest, and those with few tests last, for no processor to be idle
# at the end.
first=() second=() last=()
for machine in "${machines[@]}"; do
	case $machine in
	*-guests-*) first+=("$machine") ;;
	*-count | intel-smoke) last+=("$machine") ;;
	*)	if [ "${part[$machine]:-}" = smoke ]; then
			last+=("$machine")
		else
			second+=("$machine")
		fi ;;
	esac
done
run_all machines "${RIG_AT_ONCE:-$(machines_at_once)}" "${first[@]}" "${second[@]}" "${last[@]}" &
run_all beside 1 "${beside[@]}" &
wait_for_all
for name in "${beside[@]}" "${machines[@]}"; do
	status=$(cat "$ended/$name" 2>/dev/null || echo none)
	[ "$status" != 0 ] || continue
	bad=1
	failures+=("$name: status $status")
done
for name in "${beside[@]}"; do
	report "$name" "$build/$name-output" "$build/$name-output"
done
for machine in "${machines[@]}"; do
	dir=$build/check-$machine
	report "$machine, kernel $(cat "$dir/kernel/release")" "$dir/output" "$dir/verdict"
done
# Of a long output only the end may be kept.
if [ ${#failures[@]} -gt 0 ]; then
	echo "# What failed"
	printf '# %s\n' "${failures[@]}"
fi
[ "$bad" -eq 0 ] || say "consoles and outputs are in $build/check-*/"
exit "$bad"
