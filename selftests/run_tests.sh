#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# run_tests.sh DIRECTORY [TEST...] - run the selftests in DIRECTORY, all or those named, on the
# present kernel, and count their test points. A test that reports less than it planned, exits
# other than 0, outlives its deadline, or makes the kernel complain has failed, whatever it
# printed. Ends with "N passed, N failed[, N skipped]", also written to $RESULT if set.
#
# TEST_DEADLINE  seconds of processor time that a test may use, and that it may be seen asleep, default
#                120: how busy the machine is otherwise decides nothing
# PVI_MODULE     the kvm_pvi.ko to load, default what modprobe finds
# PVI_TEST_MODULES  where the modules of selftests/modules are
# AFTER_TEST     a command to run behind each test while the module is still loaded
# PVI_RIG        set in an emulated machine, where nothing can be missing: a skipped test is then a failure. Its
#                processor time passes while the host does other things: a test may use twenty times as much of
#                it, and whoever emulates the machine limits what is really used

directory=${1:?usage: run_tests.sh DIRECTORY [TEST...]}
shift
deadline=${TEST_DEADLINE:-120}
busy=$deadline
[ -z "${PVI_RIG:-}" ] || busy=$((20 * deadline))
passed=0
failed=0
skipped=0
marks=0
kmemleak=/sys/kernel/debug/kmemleak

reports='WARNING|BUG:|kernel BUG|Oops|possible circular locking|suspicious RCU|======|KASAN|KCSAN'
reports="$reports|UBSAN|hung task|blocked for more than|rcu: INFO|soft lockup|hard LOCKUP"
reports="$reports|general protection|[Uu]nable to handle|refcount_t|new suspected memory leaks"

# A failure that is no test point of the test itself.
fail()
{
	failed=$((failed + 1))
	echo "not ok - $*"
}

# Put a mark into the kernel log, from which check_log() reads on.
mark_log()
{
	marks=$((marks + 1))
	mark="run_tests[$$.$marks]: $1"
	echo "$mark" >/dev/kmsg
}

check_log()
{
	dmesg | awk -v mark="$mark" 'seen { print } index($0, mark) { seen = 1 } END { exit !seen }' \
		>"$tmp/log" || fail "$1: the kernel log has overrun, its beginning is lost"
	if grep -q -E "$reports" "$tmp/log"; then
		fail "$1: the kernel complained:"
		sed 's/^/#   /' "$tmp/log"
	fi
}

# What the test's session does: the ticks of processor time that its processes have used, and "awake"
# if one of them runs, wants a processor or waits for a disk.
work_of_test()
{
	cat /proc/[0-9]*/stat 2>/dev/null | awk -v session="$(cat "$tmp/pid")" '
		{ sub(/.*\) /, "") }
		$4 == session { ticks += $12 + $13 + $14 + $15 }
		$4 == session && $1 ~ /[RD]/ { state = "awake" }
		END { print ticks + 0, state }'
}

# Return when the test is late, and leave the reason in $tmp/late. Threads show as ticks alone.
await_late()
{
	asleep=0
	before=
	while sleep 2; do
		work=$(work_of_test)
		if [ $((${work%% *} / 100)) -ge "$busy" ]; then
			reason="not done within $busy s of processor time"
			break
		elif [ "$work" != "$before" ] || [ "${work#* }" ]; then
			before=$work
		elif [ $((asleep += 2)) -ge "$deadline" ]; then
			reason="asleep for $deadline s"
			break
		fi
	done
	echo "$reason" >"$tmp/late"
}

# Run a test in a session of its own, so that nothing of it stays, and set status. It is
# empty when the test was late; then the test was killed.
run_with_deadline()
{
	rm -f "$tmp/status"
	: >"$tmp/pid"
	await_late &
	timer=$!
	{
		# shellcheck disable=SC2016 # the inner shell's own number, which becomes the test's
		setsid sh -c 'echo $$ >"$0"; exec "$1"' "$tmp/pid" "$1" >"$tmp/output" 2>&1 </dev/null
		echo $? >"$tmp/status"
		kill "$timer"
	} 2>/dev/null &
	wait "$timer" 2>/dev/null
	status=$(cat "$tmp/status" 2>/dev/null)
	kill -KILL "-$(cat "$tmp/pid")" 2>/dev/null
}

# A late test was killed; where it still does not end the kernel holds it.
check_late()
{
	fail "$1: killed, $(cat "$tmp/late")"
	sleep 2
	[ -e "$tmp/status" ] && return
	echo w >/proc/sysrq-trigger
	fail "$1: cannot be killed:"
	dmesg | tail -n 40 | sed 's/^/#   /'
}

# Print: number of plans, points planned, passed, failed, skipped.
count_points()
{
	awk '/^1\.\.[0-9]+/ { plans++; plan = substr($1, 4) }
	     /^not ok( |$)/ { failed++ }
	     /^ok( |$)/ { if (toupper($0) ~ /# *SKIP/) skipped++; else passed++ }
	     END { print plans + 0, plan + 0, passed + 0, failed + 0, skipped + 0 }' "$tmp/output"
}

judge()
{
	name=$1
	# shellcheck disable=SC2046
	set -- $(count_points)
	passed=$((passed + $3))
	failed=$((failed + $4))
	skipped=$((skipped + $5))

	if [ -z "$status" ]; then
		check_late "$name"
	elif [ "$status" -eq 4 ] && [ $(($3 + $4 + $5)) -eq 0 ]; then
		skipped=$((skipped + 1))
	elif [ "$status" -gt 4 ] || { [ "$status" -ne 0 ] && [ $(($4 + $5)) -eq 0 ]; }; then
		fail "$name: exit status $status"
	elif [ "$1" -ne 1 ]; then
		fail "$name: printed $1 plans (lines 1..N), not one"
	elif [ $(($3 + $4 + $5)) -ne "$2" ] || [ "$2" -eq 0 ]; then
		fail "$name: planned $2 test points, ran $(($3 + $4 + $5))"
	fi
}

run_test()
{
	echo "# $1"
	mark_log "$1"
	run_with_deadline "$directory/$1"
	cat "$tmp/output"
	judge "$1"
	check_log "$1"
	[ -z "$AFTER_TEST" ] || $AFTER_TEST || fail "$1: '$AFTER_TEST' has failed"
}

loaded()
{
	[ -d /sys/module/kvm_pvi ]
}

load_module()
{
	loaded && return
	mark_log "load"
	if [ -n "$PVI_MODULE" ]; then
		insmod "$PVI_MODULE"
	else
		modprobe kvm_pvi
	fi
	if ! loaded; then
		fail "kvm_pvi could not be loaded:"
		dmesg | tail -n 3 | sed 's/^/#   /'
	fi
	check_log "loading kvm_pvi"
	ours=1
}

unload_module()
{
	[ -n "$ours" ] && loaded || return 1
	mark_log "unload"
	rmmod kvm_pvi || fail "kvm_pvi could not be unloaded"
	check_log "unloading kvm_pvi"
}

# What was lost before is not ours. A scan in the middle of a test may suspect what is in use.
forget_leaks()
{
	[ -w "$kmemleak" ] || return
	[ -z "$PVI_RIG" ] || echo scan=off >"$kmemleak"
	echo clear >"$kmemleak"
}

# Where the kernel has kmemleak, nothing may have been lost. It reports what is older than 5 s.
check_leaks()
{
	[ -w "$kmemleak" ] || return
	sleep 6
	echo scan >"$kmemleak"
	echo scan >"$kmemleak"
	if grep -q . "$kmemleak"; then
		fail "memory was leaked:"
		sed 's/^/#   /' "$kmemleak"
		echo clear >"$kmemleak"
	fi
}

summary()
{
	echo "$passed passed, $failed failed$([ "$skipped" -eq 0 ] || echo ", $skipped skipped")"
}

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
if [ ! -w /dev/kmsg ]; then
	echo "run_tests.sh: must run as root, to load kvm_pvi and to read the kernel log" >&2
	exit 1
fi

forget_leaks
if [ $# -eq 0 ]; then
	for test in "$directory"/*_test; do
		set -- "$@" "$(basename "$test")"
	done
fi
load_module
for test; do
	run_test "$test"
done
# Once while the names of the module's functions are known, and once when it had to free all.
check_leaks
if unload_module; then
	check_leaks
fi

[ $((passed + failed)) -gt 0 ] || fail "no test has run"
summary
[ -z "$RESULT" ] || summary >"$RESULT"
[ "$failed" -eq 0 ] && { [ -z "$PVI_RIG" ] || [ "$skipped" -eq 0 ]; }
