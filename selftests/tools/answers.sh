# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0
#
# Sourced by the init of Linux guests: what comes in on stdin is run line by line; \005, "=", its number and the status end
# its output, which need not end a line. A line is its length, ":", its number, ":" and the command: where the emulated UART
# has lost some of it, it is not run, and asked for again. Who waits for an answer sends a line again, for it may be lost
# as a whole, as may the answer: a number is run once, and answered each time. An empty line is nothing.

# ends NUMBER:STATUS|again - the output of a command
ends()
{
	printf '\005=%s\n' "$1"
}

# answers COMMAND... - all that comes; COMMAND is run behind each
answers()
{
	answer=boot:0
	ends $answer
	while IFS= read -r line; do
		[ -n "$line" ] || continue
		told=${line#*:}
		if [ "${line%%:*}" != "${#told}" ]; then
			ends again
			continue
		fi
		if [ "${told%%:*}" != "${answer%:*}" ]; then
			eval "${told#*:}"
			answer=${told%%:*}:$?
			"$@"
		fi
		ends "$answer"
	done
}
