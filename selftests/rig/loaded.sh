#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# loaded.sh COMMAND... - run a command beside $LOAD busy loops (default 6), $RUNS times in a row
# (default 1), until it fails. The loops are as urgent as the command, and end with it. check.sh runs more at once then,
# for the loops get what it leaves; but 4 only, for what its machines_at_once() says.

. "$(dirname "$0")/common.sh"

loops=()
# Else a part of check.sh would wait for the loops.
export RIG_NICE=0
export RIG_AT_ONCE=${RIG_AT_ONCE:-4}

end_all()
{
	local children

	children=$(jobs -pr)
	# shellcheck disable=SC2086 # they are words
	[ -z "$children" ] || kill $children || say "one had ended"
	wait
}

# However this script ends, the loop does.
busy_loop()
{
	while kill -0 $$; do
		:
	done 2>/dev/null
}

trap end_all EXIT
trap 'exit 130' INT TERM
for ((i = 0; i < ${LOAD:-6}; i++)); do
	busy_loop &
	loops+=($!)
done
for ((run = 1; run <= ${RUNS:-1}; run++)); do
	say "run $run of ${RUNS:-1}, beside ${#loops[@]} busy loops: $*"
	# A signal ends it: bash would handle it behind a command.
	"$@" &
	wait $!
done
