#!/bin/sh
# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# What the tests with guests hear is what was said, wherever the time is over.

. "$(dirname "$0")/tools/enter.sh"
. "$(dirname "$0")/tools/lib.sh"
. "$(dirname "$0")/tools/hear.sh"

# guest.sh wants to know what guests boot. None does here.
PVI_GUESTS=$(mktemp -d)
trap 'stop_jobs; rm -rf "$PVI_GUESTS"' EXIT
mkdir "$PVI_GUESTS/older"
: >"$PVI_GUESTS/older/vmlinux"
. "$(dirname "$0")/tools/guest.sh"

# speak LINES - in pieces, behind pauses of about as long as the listener waits
speak()
{
	python3 -I -S - "$1" <<'PYTHON'
import random, sys, time
random.seed(1)
for n in range(int(sys.argv[1])):
    said = b"" if n % 7 == 0 else b"\005=%d" % n
    said += b"\r\n"
    while said:
        size = random.randint(1, 3)
        sys.stdout.buffer.write(said[:size])
        sys.stdout.buffer.flush()
        said = said[size:]
        if random.random() < .5:
            time.sleep(random.uniform(.0009, .0015))
PYTHON
}

hears()
{
	local lines=3000 n over=0 want fd

	mkfifo "$tmp/said"
	speak $lines >"$tmp/said" &
	exec {fd}<"$tmp/said"
	for ((n = 0; n < lines; n++)); do
		until hear "$fd" 0.001; do
			over=$((over + 1))
			kill -0 $! 2>/dev/null || hear "$fd" 1 || fail "line $n never came"
		done
		want=$'\005='$n
		((n % 7)) || want=''
		same "$heard" "$want"
	done
	[ "$over" -gt 0 ] || fail "the time was never over"
}

# loses NUMBER... - a serial port on which these lines are lost
loses()
{
	local line lost=" $* " number=0

	while IFS= read -r line; do
		number=$((number + 1))
		[[ $lost == *" $number "* ]] || printf '%s\n' "$line"
	done
}

# Of what is said a line is lost, of what is answered another one: then it is said again, and not done again.
told_again()
{
	local here

	here=$(dirname "$0")
	mkfifo "$tmp/in" "$tmp/out"
	loses 2 <"$tmp/in" | sh -c ". $here/tools/answers.sh; answers true" | loses 6 | sed -u 's/$/\r/' >"$tmp/out" &
	# shellcheck disable=SC2034 # guest.sh uses them
	g_a=$! g_a_console=/dev/null
	# shellcheck disable=SC2034
	exec {g_a_in}>"$tmp/in" {g_a_out}<"$tmp/out"
	booted g_a
	same "$(run g_a "echo one >>$tmp/done; echo 1")" 1
	same "$(run g_a "echo two >>$tmp/done; echo 2")" 2
	same "$(run g_a "echo three >>$tmp/done; false"; echo $?)" 1
	same "$(cat "$tmp/done")" "one"$'\n'"two"$'\n'"three"
}

run_tests hears told_again
