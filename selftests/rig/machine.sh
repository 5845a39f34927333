# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced behind common.sh by the scripts that boot a machine in an emulator: its files, how long
# it may take, and what it resulted in. OUT/console is the kernel's console, OUT/output what the
# command of its init printed, OUT/verdict what it resulted in.
#
#   machine_begin OUT LOG		make the files anew; LOG is the emulator's own
#   machine_watch PID SECONDS QUIET	wait until the emulator has ended, or end it
#   machine_end NAME			return the status of the command, or 124 with the end of the
#					console if there is none
#
# How busy the host is must not decide anything. So the limit is processor time of the emulator, not
# the time of day. A machine that hangs asleep uses none: it may be seen idle QUIET times, once a
# second, since its last output. A thread that waits for a processor or a disk is not idle.

machine_ticks=$(getconf CLK_TCK)
machine_late=''
machine_seconds=0

machine_begin()
{
	machine_out=$1 machine_log=$2 machine_late=''
	rm -f "$machine_out"/{console,output,verdict} "$machine_log"
	touch "$machine_out"/{console,output,verdict} "$machine_log"
}

# Set machine_seconds, the processor time that process $1 has used; false if it has ended.
machine_used()
{
	local line fields

	{ read -r line <"/proc/$1/stat"; } 2>/dev/null || return
	# Behind its name, which may contain anything, comes the state, field 3.
	read -ra fields <<<"${line##*) }"
	[ "${fields[0]}" != Z ] || return
	machine_seconds=$(((fields[11] + fields[12]) / machine_ticks))
}

# No thread of process $1 works, wants a processor or waits for a disk.
machine_idle()
{
	local stat line

	for stat in "/proc/$1/task/"*/stat; do
		{ read -r line <"$stat"; } 2>/dev/null || continue
		[[ ${line##*) } != [RD]* ]] || return
	done
}

# How much it has put out.
machine_size()
{
	stat -c %s "$machine_out"/{console,output,verdict} | tr '\n' ' '
}

# Ask the emulator to end, and see that it does.
machine_kill()
{
	local n

	for ((n = 0; n < 20; n++)); do
		kill "$1" 2>/dev/null || return 0
		sleep 0.5
	done
	kill -KILL "$1" 2>/dev/null || return 0
}

machine_watch()
{
	local emulator=$1 limit=$2 quiet=$3 idle=0 size=''

	while machine_used "$emulator"; do
		if [ "$machine_seconds" -ge "$limit" ]; then
			machine_late="no result within $limit s of processor time"
		elif [ "$idle" -ge "$quiet" ]; then
			machine_late="asleep for $quiet s, without any output"
		fi
		if [ -n "$machine_late" ]; then
			machine_kill "$emulator"
			return
		fi
		sleep 1
		if ! machine_idle "$emulator"; then
			continue
		elif [ "$size" = "$(machine_size)" ]; then
			idle=$((idle + 1))
		else
			size=$(machine_size)
			idle=0
		fi
	done
}

# Bits 3, 5, 15 and 22 to 31 of EFLAGS are zero, and bit 1 is one, whatever is loaded into it.
machine_is_impossible()
{
	local flags

	while read -r flags; do
		(((16#$flags & 0xffc0802a) == 2)) || return 0
	done < <(grep -a -h -o -E 'EFLAGS: [0-9a-f]{8}\b' "$@" | cut -d ' ' -f 2)
	return 1
}

machine_end()
{
	local result

	say "$1: $machine_seconds s of processor time"
	result=$(sed -n '$ s/^exit \([0-9]*\)$/\1/p' "$machine_out/verdict")
	[ -z "$result" ] || return "$result"
	say "$1: ${machine_late:-ended without a result}; the end of its console:"
	tail -n 50 "$machine_out/console" "$machine_log" >&2
	return 124
}
