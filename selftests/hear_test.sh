#!/bin/sh
# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# What the tests with guests hear is what was said, wherever the time is over.

. "$(dirname "$0")/tools/enter.sh"
. "$(dirname "$0")/tools/lib.sh"
. "$(dirname "$0")/tools/hear.sh"

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

run_tests hears
