# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced by who hears what a guest says on a serial port, line by line, with a limit. Each line ends with \r\n:
# where the time is over just as bash takes the end of a line, "read -t" has taken it and says that the time is over.
# So \n ends nothing here.

declare -A hear_begun

# hear FD SECONDS - the next line from there, as $heard. False: there was none by then, what has come is kept.
hear()
{
	local part status

	while :; do
		status=0
		IFS= read -r -t "$2" part <&"$1" || status=$?
		hear_begun[$1]+=$part
		if [[ ${hear_begun[$1]-} == *$'\r' ]]; then
			# shellcheck disable=SC2034 # it is for the caller
			heard=${hear_begun[$1]%$'\r'}
			hear_begun[$1]=''
			return
		fi
		[ "$status" -eq 0 ] || return
	done
}
