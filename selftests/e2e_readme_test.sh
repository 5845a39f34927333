#!/bin/sh
# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# End to end: the README's lines, from a policy to a ping, as they stand there. Where they name disks the guests boot
# what the rig has; systemctl starts a pvid; ping ends.

. "$(dirname "$0")/tools/enter.sh"
. "$(dirname "$0")/tools/lib.sh"
. "$(dirname "$0")/tools/policy.sh"
. "$(dirname "$0")/tools/guest.sh"
. "$(dirname "$0")/tools/ethernet.sh"

bus=''

systemctl()
{
	same "$*" "enable --now kvm-pvid"
	pvid --config "$tmp/policy" --run "$tmp/run" 2>"$tmp/pvid.log" &
	await test -S "$tmp/run/socket"
}

# As the README has it, where that policy is the host's, and pvid is where systemctl() has started it
pvictl()
{
	local where=()

	[ "$1" != apply ] || where=(--run "$tmp/run")
	with_policy pvictl "$@" "${where[@]}"
}

# starts COMMAND - the guest whose disk it names
starts()
{
	local name='' words=()

	# What a shell makes of it
	eval "set -- $1"
	shift
	while [ $# -gt 0 ]; do
		case $1 in
		-accel | -m)	shift ;;
		-nographic)	;;
		*.qcow2)	name=g_${1%.qcow2} ;;
		*)		words+=("$1") ;;
		esac
		shift
	done
	[ "$name" = g_web ] || [ "$name" = g_db ] || fail "it starts '$name'"
	has "${words[*]}" "ivshmem-plain"
	guest "$name" "$([ "$name" = g_web ] && echo older || echo newer)" "${words[@]}"
}

# On the host, or in a guest
carry_out()
{
	case "$1 $2" in
	"host qemu-system-x86_64 "*) starts "$2" ;;
	"host "*)	eval "$2" ;;
	*" ping "*)	attempts=25 await run "g_$1" "ping -q -c 1 -W 2 ${2#ping }" ;;
	*)		run "g_$1" "$2" ;;
	esac
}

say_log()
{
	local status=$?

	[ "$status" -eq 0 ] || cat "$tmp/pvid.log"
	stop_jobs
}

pings()
{
	local who line link up=''

	trap say_log EXIT
	mkdir "$tmp/policy"
	cp "$here/readme.conf" "$tmp/policy/pair.conf"
	while read -r -u 9 who line; do
		who=${who%#}
		if [ "$who" != host ] && [ -z "$up" ]; then
			link=$(pvictl link wire | sed -n 's/^link //p')
			bus=/sys/bus/pvi_link/devices/$link
			booted g_web
			booted g_db
			# That is udev's
			plug g_web
			plug g_db
			up=1
		fi
		carry_out "$who" "$line"
	done 9<"$here/readme.lines"
	[ -n "$up" ] || fail "no line is a guest's"
	quiet g_web
	quiet g_db
	pvictl unlink "$link"
}

run_tests pings
