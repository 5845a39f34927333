#!/bin/sh
# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# What rig/bench-link.sh runs in L1: two guests with three networks between them, kvm_pvi_net's and
# virtio-net's with and without vhost, and on each the same flows, $ROUNDS times; and two ways for
# AF_VSOCK, kvm_pvi_vsock's and by the host, with socat there. Prints
# "span NAME UNITS RINGS HALTS INTERRUPTS" of each flow, in the order in which a plugin of QEMU's counts them.
# The last three are what our drivers, KVM and the guests' kernels have counted, with what goes before the span, a
# fourth of it. With $TRIED, what is tried for a goal that is missed, kvm_pvi_net's flows alone.

. "$(dirname "$0")/tools/enter.sh"
. "$(dirname "$0")/tools/lib.sh"
. "$(dirname "$0")/tools/guest.sh"
. "$(dirname "$0")/tools/network.sh"
. "$(dirname "$0")/tools/sockets.sh"

cid_a=33 cid_b=4
port=7 turns=500 bursts=80 burst=64 segments=2000 segment=1448

# set_up GUEST N - its address on each network ends so. TCP's segments are as long as they may be: how long it
# takes to send one, which it would look at, says nothing here.
set_up()
{
	load_nics "$1"
	await run "$1" "[ -e $bus/modalias ]"
	run "$1" "modprobe \$(cat $bus/modalias); ip link set lo up;" \
		"ip addr add 10.9.0.$2/24 dev pvi0; ip addr add 10.9.1.$2/24 dev eth0;" \
		"ip addr add 10.9.2.$2/24 dev eth1;" \
		"for i in pvi0 eth0 eth1; do ip link set \$i up; done;" \
		"echo 30 >/proc/sys/net/ipv4/tcp_tso_rtt_log"
}

# told COMMAND - the sum of what both guests print
told()
{
	local side

	for side in g_a g_b; do
		run $side "$1"
	done | awk '{ n += $1 } END { print n }'
}

# counts - the rings of our drivers, halts, and interrupts of all interfaces
counts()
{
	echo $(($(told "pvi_net stat pvi0 rings0") + $(told "cat $bus/rung")))
	cat /sys/kernel/debug/kvm/halt_exits
	told "awk '/kvm_pvi|virtio/ { n += \$2 } END { print n }' /proc/interrupts"
}

# flow NAME UNITS VERB... - units of work
flow()
{
	local was is

	mapfile -t was < <(counts)
	run g_a pvi_flow "${@:3}"
	mapfile -t is < <(counts)
	echo "span $1 $2 $((is[0] - was[0])) $((is[1] - was[1])) $((is[2] - was[2]))"
}

# flows NAME INTERFACE ADDRESS
flows()
{
	local side

	for side in g_a g_b; do
		run $side pvi_net offload "$2" 1
	done
	await run g_a ping -q -c 1 -W 2 "$3"
	flow "$1_turn" $turns turns "$3" $port $turns
	flow "$1_burst" $((bursts * burst)) bursts "$3" $port $bursts
	flow "$1_byte" $((segments * 4 * segment)) stream "$3" $port $((segments * 4 * segment))
	for side in g_a g_b; do
		run $side pvi_net offload "$2" 0
	done
	flow "$1_segment" $segments stream "$3" $port $((segments * segment))
}

# sockets NAME CID
sockets()
{
	flow "$1_turn" $turns turns "vsock:$2" $port $turns
	flow "$1_byte" $((segments * 4 * segment)) stream "vsock:$2" $port $((segments * 4 * segment))
}

# links SIDE - what QEMU is told of both
links()
{
	pvictl link --for "${!1}" "$net"
	pvictl link --for "${!1}" "$vsock"
}

# What rig/bench-link.sh --tried has words for
size=4M append='' in_guests=true
case ${TRIED:-nothing} in
nothing) ;;
guests_poll) append=idle=poll ;;
host_polls_not) echo 0 >/sys/module/kvm/parameters/halt_poll_ns ;;
sockets_poll) in_guests="echo 1000 | tee /proc/sys/net/core/busy_read >/proc/sys/net/core/busy_poll" ;;
interrupts_later) in_guests="cd /sys/class/net/pvi0; echo 2 >napi_defer_hard_irqs; echo 200000 >gro_flush_timeout" ;;
large_rings) size=32M ;;
*)	fail "nobody knows how to try $TRIED" ;;
esac

tmp=$(mktemp -d)
trap 'stop_jobs; rm -rf "$tmp"' EXIT
set -e

mount -t debugfs debugfs /sys/kernel/debug
load_networks
network vhost
network tap
load_sockets
net=$(pvictl link --size $size "$a" "$b" | sed -n 's/^link //p')
vsock=$(pvictl link --kind vsock --cid $cid_a,$cid_b --size 4M "$a" "$b" | sed -n 's/^link //p')
# shellcheck disable=SC2046 # they are words
guest g_a newer -uuid "$a" $(links a) $(nic vhost a on) $(nic tap a off) \
	-device "vhost-vsock-pci,guest-cid=$cid_a"
# shellcheck disable=SC2046
guest g_b newer -uuid "$b" $(links b) $(nic vhost b on) $(nic tap b off) \
	-device "vhost-vsock-pci,guest-cid=$cid_b"
booted g_a
booted g_b
attach at_a --pid "$g_a"
attach at_b --pid "$g_b"
bus=/sys/bus/pvi_link/devices/$net
set_up g_a 1
set_up g_b 2
bus=/sys/bus/pvi_link/devices/$vsock
plug g_a
plug g_b
connected
run g_b pvi_flow serve $port
run g_a "$in_guests"
run g_b "$in_guests"
echo "# kernel $(run g_a uname -r)"
if [ -n "${TRIED:-}" ]; then
	flows pvi pvi0 10.9.0.2
	exit
fi
run g_b pvi_flow serve_vsock $port
socat -b 65536 VSOCK-LISTEN:$port,fork VSOCK-CONNECT:$cid_b:$port &
await run g_a "pvi_vsock talk stream 2 $port 1 0 | grep -q 'talk 1'"
for ((i = 0; i < ${ROUNDS:-3}; i++)); do
	flows pvi pvi0 10.9.0.2
	flows vhost eth0 10.9.1.2
	flows tap eth1 10.9.2.2
	sockets vsock $cid_b
	sockets legs 2
done
