#!/bin/sh
# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# A guest goes on in another QEMU of the same host, where pvid runs: by a live migration, and by a file. It is rung,
# and rings, in a loop in which no ring makes good for one before: who waits for a ring that was lost waits for ever,
# and nothing else wakes.

. "$(dirname "$0")/tools/enter.sh"
. "$(dirname "$0")/tools/lib.sh"
. "$(dirname "$0")/tools/guest.sh"

pin=20 word=21 virtual=65536 rounds=1
[ -z "${PVI_LONG:-}" ] || rounds=5

policy()
{
	mkdir "$tmp/policy"
	cat >"$tmp/policy/pair.conf" <<-POLICY
		[vm stays]
		uuid = $a
		expose = $pin,$word
		status = $word
		[vm moves]
		uuid = $b
		expose = $pin,$virtual
		[allow there]
		from = stays
		to = moves
		gsi = any
		[allow back]
		from = moves
		to = stays
		gsi = any
		[allow itself]
		from = stays
		to = stays
		gsi = $word
	POLICY
}

# is_at VMM - what moves is there
is_at()
(
	pvictl list --json >"$tmp/json" && json "$tmp/json" "[e['vmm'] for e in it['endpoints'] if e['uuid'] == '$b'] == [$1]"
)

# goes_on NAME - it is rung there, and answers, by the port and with the virtual GSI that it had
goes_on()
{
	await is_at "${!1}"
	await accepts_more "$b" $(($(accepted "$b") + 10))
	same "$(run "$1" cat /tmp/answer)" "wait 4"
	quiet "$1"
}

# another NAME - a QEMU to which the guest will come
another()
{
	rm -f "$kept/$1".{in,out,qmp}
	guest "$1" older -uuid "$b" -incoming defer -qmp "unix:$kept/$1.qmp,server=on,wait=off"
	await test -S "$kept/$1.qmp"
}

# Where it was QEMU stays a while, as it does for whoever does not end it at once.
live()
{
	another "$2"
	await grep -q "process ${!2} waits for moves ($b) to stop" "$kept/pvid.log"
	is_at "${!1}"
	python3 "$here/vm_state.py" migrate "$kept/$1.qmp" "$kept/$2.qmp" "$kept/socket"
	goes_on "$2"
	kill "${!1}"
	await has_ended "${!1}"
	goes_on "$2"
}

by_file()
{
	python3 "$here/vm_state.py" dump "$kept/$1.qmp" "$kept/file"
	await has_ended "${!1}"
	another "$2"
	await is_at "${!2}"
	python3 "$here/vm_state.py" undump "$kept/$2.qmp" "$kept/file"
	rm "$kept/file"
	goes_on "$2"
}

# as_documented ID MORE - what QEMU is told to have the words of a, by pvi.conf(5); MORE is for senders
as_documented()
{
	tr '\n' ' ' <"${PVI_TOOLS:-}/usr/share/man/man5/pvi.conf.5" |
		grep -o -E -e '-object memory-backend-file,id=words[^.]*' |
		sed -e 's/ \\ / /' -e "s/words/$1/g" -e "s/share=on/&$2/" -e "s|/run/kvm-pvi/status/UUID|$tmp/status/$a|"
}

# What a policy says of status words a Debian guest has by these lines: as a receiver it takes them, as a sender it sees
# them and cannot write.
worded()
{
	local devices at seen

	trap say_log EXIT
	# shellcheck disable=SC2016 # the guest's shell knows it
	read -ra devices <<<"$(run g_a 'echo $(grep -l 0x1110 /sys/bus/pci/devices/*/device | xargs -n 1 dirname)')"
	same "${#devices[@]}" 2
	at="${devices[0]}/resource2 0" seen="${devices[1]}/resource2 0"
	run g_a "echo 1 >${devices[0]}/enable; echo 1 >${devices[1]}/enable"
	same "$(run g_a pvi owed "$seen")" "owed 0"
	wakes g_a take "$at" wait $word poll 4 take "$at"
	same "$(run g_a pvi ring "$a" $word)" "ring 0"
	has "$(woken g_a)" "poll 1
take 1"
	# Nobody waits: it is owed, which is why a sender that looks has no need to ring.
	same "$(run g_a pvi owed "$seen" ring "$a" $word owed "$seen" ring "$a" $word)" "owed 0
ring 2
owed 1
ring 1"
	same "$(run g_a pvi store "$seen" owed "$seen")" "store 0
owed 1"
}

# Beside what a test that fails prints.
say_log()
{
	local status=$?

	[ "$status" -eq 0 ] || cat "$kept/pvid.log"
	stop_jobs
}

moves()
{
	local round

	trap say_log EXIT
	tmp=$kept
	goes_on g_b
	for ((round = 0; round < rounds; round++)); do
		live g_b g_c
		by_file g_c g_b
	done
	quiet g_a
	same "$(run g_a cat /tmp/volley)" "wait 4"
}

start_guests()
{
	policy
	pvid --config "$tmp/policy" --run "$tmp/run" 2>"$tmp/pvid.log" &
	await test -S "$tmp/run/socket"
	# shellcheck disable=SC2046 # they are words
	guest g_a newer -uuid "$a" $(as_documented words) $(as_documented seen ,readonly=on)
	guest g_b older -uuid "$b" -qmp "unix:$tmp/g_b.qmp,server=on,wait=off"
	booted g_a
	booted g_b
	for guest in g_a g_b; do
		run $guest "insmod /kvm_pvi_guest.ko check_seconds=3600"
	done
	run g_b "pvi wait $virtual answer $a $pin 4 >/tmp/answer 2>&1 & true"
	run g_a "pvi wait $pin volley $b $virtual 4 1000000000 >/tmp/volley 2>&1 & true"
}

tmp=$(mktemp -d)
kept=$tmp
trap 'stop_jobs; rm -rf "$kept"' EXIT
set -e
start_guests
set +e
# Where bash would say that QEMUs were killed.
run_tests worded moves 2>"$tmp/stderr"
