#!/bin/sh
# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# End to end: a link between two stock QEMUs, by nothing but what pvictl link prints. a is a "pc"
# that has the link from the start, b a "q35" that gets it while it runs. Their programs find the
# sections among their PCI devices. The guests live through all of the tests.

. "$(dirname "$0")/tools/enter.sh"
. "$(dirname "$0")/tools/lib.sh"
. "$(dirname "$0")/tools/guest.sh"
. "$(dirname "$0")/tools/saved.sh"

# The link that there is; how many messages the programs exchange.
link='' messages=20

# Where the monitors are, which outlive the tests
monitors=$(mktemp -d)

# arguments NAME OPTION... - what the link's side has to be told, in words
arguments()
{
	pvictl link --for "$1" "${@:2}" "$link"
}

# links NAME - the links that the guest finds among its devices
links()
{
	run "$1" pvi_link find
}

has_links()
{
	[ "$(links "$1")" = "$2" ]
}

# A guest of $b's, with what is behind it: ports with so much room that it is above 4 GB
start_b()
{
	guest g_b newer -machine q35 -uuid "$b" -monitor "unix:$monitors/g_b,server=on,wait=off" \
		-device pcie-root-port,id=port1,chassis=1,slot=1,pref64-reserve=4G \
		-device pcie-root-port,id=port2,chassis=2,slot=2,pref64-reserve=4G \
		-device pcie-root-port,id=port3,chassis=3,slot=3 -device pcie-root-port,id=port4,chassis=4,slot=4 \
		-device pcie-root-port,id=port5,chassis=5,slot=5 -device pcie-root-port,id=port6,chassis=6,slot=6 "$@"
	booted g_b
}

load()
{
	run "$1" insmod /kvm_pvi_guest.ko
}

# a talks, and b says it back, each begun first
exchange()
{
	run g_b "pvi_link echo $messages >/tmp/out 2>&1 & true"
	same "$(run g_a pvi_link talk $messages)" "talk $messages"
	same "$(woken g_b)" "echo $messages"
	run g_a "pvi_link echo $messages >/tmp/out 2>&1 & true"
	same "$(run g_b pvi_link talk $messages)" "talk $messages"
	same "$(woken g_a)" "echo $messages"
}

# b's kernel finds what its QEMU is given while it runs.
hotplug()
{
	same "$(links g_b)" ""
	arguments "$b" --hotplug --bus port1,port2 | monitor "$monitors/g_b"
	await has_links g_b "$link 3 $a"
}

# above NAME - how many sections are above 4 GB
above()
{
	# shellcheck disable=SC2016 # the guest's shell knows them
	run "$1" 'for device in $(grep -l 0x1110 /sys/bus/pci/devices/*/device); do sed -n 3p ${device%device}resource; done |' \
		'grep -c "^0x0000000[1-9]"; true'
}

found()
{
	same "$(links g_a)" "$link 3 $b"
	same "$(links g_b)" "$link 3 $a"
	same "$(above g_b)" 2
}

# Both have both sections writable, as far as they know; QEMU lets nothing through.
store()
{
	same "$(run g_a pvi_link store)" "own 15 peer 0"
	same "$(run g_b pvi_link store)" "own 15 peer 0"
}

messages()
{
	exchange
	pvictl list --json >"$tmp/json"
	json "$tmp/json" "[(l['link'], l['a_state'], l['b_state']) for l in it['links']] == \
		[('$link', 'run', 'run')]"
}

# nr_refused UUID - how many rings to it were refused for now
nr_refused()
{
	pvictl show --json "$1" >"$tmp/json" &&
		python3 -I -S -c 'import json, sys
print(sum(sender["throttled"] for sender in json.load(open(sys.argv[1]))["senders"]))' "$tmp/json"
}

refuses_more()
{
	local refused

	refused=$(nr_refused "$1") && [ "$refused" -gt "$2" ]
}

# A ring that is refused for now, as one to a VM that is frozen, is made again, though nothing comes from there.
frozen()
{
	local refused

	run g_b "pvi_link echo $messages >/tmp/out 2>&1 & true"
	sleeps g_b
	refused=$(nr_refused "$b")
	pvictl freeze "$b"
	run g_a "pvi_link talk $messages >/tmp/out 2>&1 & true"
	await refuses_more "$b" "$refused"
	pvictl thaw "$b"
	same "$(woken g_a)" "talk $messages"
	same "$(woken g_b)" "echo $messages"
}

# pipe_in NAME - a program of the guest's that sends /tmp/sent and keeps what comes, in the background
pipe_in()
{
	run "$1" "head -c $2 /dev/urandom >/tmp/sent; pvictl pipe </tmp/sent >/tmp/got 2>/tmp/out & true"
}

# A file each way, of different lengths, and both ends know when all is there.
piped()
{
	pipe_in g_b 300000
	pipe_in g_a 50000
	# shellcheck disable=SC2016 # the guest's shell knows it
	run g_a 'wait $! || { cat /tmp/out; false; }'
	same "$(woken g_b)" ""
	same "$(run g_a "md5sum </tmp/got")" "$(run g_b "md5sum </tmp/sent")"
	same "$(run g_b "md5sum </tmp/got")" "$(run g_a "md5sum </tmp/sent")"
}

# The example of the documentation sends back what pvictl pipe sends, to its last word.
echoed()
{
	run g_b "pvi_echo >/tmp/echo 2>&1 & echo \$! >/tmp/echoes"
	pipe_in g_a 200000
	# shellcheck disable=SC2016 # the guest's shell knows them
	run g_a 'wait $! || { cat /tmp/out; false; }'
	same "$(run g_a "md5sum </tmp/got")" "$(run g_a "md5sum </tmp/sent")"
	# shellcheck disable=SC2016
	run g_b 'kill $(cat /tmp/echoes) && cat /tmp/echo'
}

# One side is a process of the host.
with_host()
{
	local to_host side

	to_host=$(pvictl link --kind raw --size 64K "$a" "host:$c" | sed -n 's/^link //p')
	pvictl link --hotplug --for "$a" "$to_host" | monitor "$monitors/g_a"
	head -c 100001 /dev/urandom >"$tmp/sent"
	pvictl pipe --self "$c" "$to_host" <"$tmp/sent" >"$tmp/got" &
	side=$!
	await run g_a "[ \$(grep -l 0x1110 /sys/bus/pci/devices/*/device | wc -l) -eq 4 ]"
	run g_a "head -c 200000 /dev/urandom >/tmp/sent; pvictl pipe $to_host </tmp/sent >/tmp/got"
	wait $side
	same "$(run g_a "md5sum </tmp/got")" "$(md5sum <"$tmp/sent")"
	same "$(run g_a "md5sum </tmp/sent")" "$(md5sum <"$tmp/got")"
	unplug g_a "$to_host"
	pvictl unlink "$to_host"
}

# Without the link no ring is accepted, and its devices go like any others.
taken_back()
{
	local name

	pvictl unlink "$a" "$b"
	refuses 3 "the receiver does not allow it" run g_a pvictl guest-ring "$b" 98304
	for name in g_a g_b; do
		unplug $name "$link"
		has_links $name ""
	done
}

# Another one, in huge pages, to a as well while it runs.
again()
{
	echo 4 >/proc/sys/vm/nr_hugepages
	mkdir -p /dev/hugepages
	mount -t hugetlbfs none /dev/hugepages
	link=$(pvictl link --kind raw --size 2M --hugetlb "$a" "$b" | sed -n 's/^link //p')
	arguments "$a" --hotplug | monitor "$monitors/g_a"
	arguments "$b" --hotplug --bus port1,port2 | monitor "$monitors/g_b"
	await has_links g_a "$link 3 $b"
	await has_links g_b "$link 3 $a"
	store
	exchange
}

# plug_both UUID PORTS - a link's devices, to guests that run
plug_both()
{
	local link=$1

	arguments "$a" --hotplug | monitor "$monitors/g_a"
	arguments "$b" --hotplug --bus "$2" | monitor "$monitors/g_b"
}

has_link()
{
	links "$1" | grep -q "^$2 "
}

# With the b that restart() has started, and last, for what is left of both is of no use: b has two links to a, and makes
# one of its own of what it may write. A section of a's is none of these, whatever stands there. The link that is made
# last is found when they have been looked at.
forged()
{
	local second third buses=/sys/bus/pvi_link/devices

	second=$(pvictl link --kind raw --size 64K "$a" "$b" | sed -n 's/^link //p')
	plug_both "$second" port3,port4
	await has_link g_a "$second"
	await has_link g_b "$second"
	same "$(run g_b pvi_link forge)" forge
	run g_a modprobe kvm_pvi_link
	third=$(pvictl link --kind net --size 256K "$a" "$b" | sed -n 's/^link //p')
	plug_both "$third" port5,port6
	await run g_a "[ -e $buses/$third ]"
	same "$(run g_a ls $buses)" "$third"
}

# Nobody has to do anything at a when b is killed and started anew, now with the link.
restart()
{
	link=$(ls /run/kvm-pvi/links)
	quiet g_b
	kill -KILL "$g_b"
	await has_ended "$at_b"
	# shellcheck disable=SC2046 # they are words
	start_b $(arguments "$b" --bus port1,port2)
	attach at_b --pid "$g_b"
	load g_b
	found
	exchange
	forged
	quiet g_a
	quiet g_b
}

start_guests()
{
	link=$(pvictl link --kind raw --size 1M "$a" "$b" | sed -n 's/^link //p')
	# shellcheck disable=SC2046 # they are words
	guest g_a older -uuid "$a" -monitor "unix:$monitors/g_a,server=on,wait=off" \
		$(arguments "$a")
	start_b
	booted g_a
	attach at_a --pid "$g_a"
	attach at_b --pid "$g_b"
	load g_a
	load g_b
}

tmp=$(mktemp -d)
# A link that stayed would be joined by whoever attaches these VMs next.
trap 'stop_jobs; pvictl unlink "$a" "$b" >/dev/null 2>&1; rm -rf "/run/kvm-pvi/links/${link:-none}" "$tmp" "$monitors"' EXIT
set -e
start_guests
set +e
# Where bash would say that b was killed.
run_tests hotplug found store messages frozen piped echoed with_host taken_back again restart 2>"$tmp/stderr"
