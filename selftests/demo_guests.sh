#!/bin/sh
# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# The last scene of the demo: two QEMUs as Debian has them, attached from outside while they run.

. "$(dirname "$0")/tools/enter.sh"
. "$(dirname "$0")/tools/lib.sh"
. "$(dirname "$0")/tools/guest.sh"
. "$(dirname "$0")/tools/network.sh"

pin=20 port=7 packets=4000 segment=1448

# typed WHERE COMMAND... - a command as a user types it, done or to be done, on the host or in a guest
typed()
{
	echo "    $1# pvictl ${*:2}"
}

# rings STATUS SAYS - a user of a rings b, which must end so and say that
rings()
{
	local status=0 output

	typed a guest-ring "$b" "$pin"
	output=$(run g_a pvictl guest-ring "$b" "$pin" 2>/dev/null) || status=$?
	echo "    $output"
	[ "$status" -eq "$1" ]
	has "$output" "$2"
}

# plug SIDE ADDRESS - its devices of the link; then what a guest's udev and its user do
plug()
{
	pvictl link --hotplug --for "${!1}" "$link" | monitor "$tmp/g_$1.monitor"
	await run "g_$1" "[ \$(grep -l 0x1110 /sys/bus/pci/devices/*/device | wc -l) -eq 2 ]" 2>/dev/null
	load_nics "g_$1"
	await run "g_$1" "[ -e $bus/modalias ]" 2>/dev/null
	run "g_$1" "modprobe \$(cat $bus/modalias) && ip addr add $2/24 dev pvi0 && ip link set pvi0 up"
}

# Without the host's own interrupts, of which a busy machine has more
exits()
{
	echo $(($(cat /sys/kernel/debug/kvm/exits) - $(cat /sys/kernel/debug/kvm/irq_exits)))
}

# exits_of BYTES ADDRESS - how many a copy makes
exits_of()
{
	local before

	before=$(exits)
	run g_a pvi_flow stream "$2" $port "$1"
	echo $(($(exits) - before))
}

# least_of BYTES ADDRESS - ticks of the guests' are among them: the fewest of three copies
least_of()
{
	local n

	for n in 1 2 3; do
		exits_of "$1" "$2"
	done | sort -n | head -n 1
}

# copy NAME ADDRESS - beside those of a copy of nothing, which are the test's own
copy()
{
	local all own

	own=$(least_of 4 "$2")
	all=$(least_of $((packets * segment)) "$2")
	# A fourth goes before.
	awk -v name="$1" -v exits=$((all - own)) -v n=$((packets * 5 / 4)) \
		'BEGIN { printf "    %-32s %.2f VM exits a packet\n", name, exits / n }'
}

tmp=$(mktemp -d)
trap 'stop_jobs; rm -rf "$tmp"' EXIT
set -e

mount -t debugfs debugfs /sys/kernel/debug
load_networks
network vhost
for name in a b; do
	# shellcheck disable=SC2046 # they are words
	guest g_$name $([ $name = a ] && echo older || echo newer) -uuid "${!name}" \
		-monitor "unix:$tmp/g_$name.monitor,server=on,wait=off" $(nic vhost $name on)
done
booted g_a
booted g_b
echo "And two Linux guests on stock QEMU, with kvm_pvi_guest, attached while they run:"
echo "    a is process $g_a and runs $(run g_a uname -r)"
echo "    b is process $g_b and runs $(run g_b uname -r)"
attach at_a --pid "$g_a" --uuid "$a"
typed host attach --pid "$g_a" --uuid "$a"
attach at_b --pid "$g_b" --uuid "$b" --expose $pin
typed host attach --pid "$g_b" --uuid "$b" --expose $pin
run g_a insmod /kvm_pvi_guest.ko
run g_b insmod /kvm_pvi_guest.ko
typed b guest-wait $pin
run g_b "pvictl guest-wait --count 1 $pin >/tmp/out & true"
run g_b "until grep -q kvm_pvi:$pin /proc/interrupts; do usleep 20000; done"
rings 3 "the receiver does not allow it"
typed host allow "$b" "$a" $pin
pvictl allow "$b" "$a" $pin
rings 0 "raised"
echo "    and b's guest-wait says: $(woken g_b)"
typed host list
pvictl list | sed 's/^/    /'

echo "A network between them, over memory that both see:"
link=$(pvictl link "$a" "$b" | sed -n 's/^link //p')
bus=/sys/bus/pvi_link/devices/$link
typed host link "$a" "$b"
typed host "link --hotplug --for $a ${link%%-*}..., to a's monitor; and to b's what is for b"
plug a 10.9.0.1
plug b 10.9.0.2
echo "    a# ip address add 10.9.0.1/24 dev pvi0 && ip link set pvi0 up; and b# 10.9.0.2"
await run g_a ping -q -c 1 -W 2 10.9.0.2 2>/dev/null
echo "    a# ping -c 3 10.9.0.2"
run g_a ping -c 3 10.9.0.2 | sed -n -E 's/^([0-9]+ bytes from|.*packets).*/    &/p'
run g_a "ip addr add 10.9.1.1/24 dev eth0 && ip link set eth0 up"
run g_b "ip addr add 10.9.1.2/24 dev eth0 && ip link set eth0 up && pvi_flow serve $port"
for name in pvi0 eth0; do
	run g_a pvi_net offload $name 0
	run g_b pvi_net offload $name 0
done
await run g_a ping -q -c 1 -W 2 10.9.1.2 2>/dev/null
echo "a copies $((packets * segment * 5 / 4)) bytes to b, in packets of $segment; but for the host's own interrupts, over"
copy "the link, kvm_pvi_net" 10.9.0.2
copy "virtio-net, vhost-net, a bridge" 10.9.1.2
