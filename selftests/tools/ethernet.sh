# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced behind guest.sh by tests of an Ethernet between the guests g_a and g_b. $bus is the link in the guests,
# $address_a and the like are their addresses, $port is where they serve, $queues how many the link has.

# shellcheck disable=SC2154 # the test sets them

# plug NAME - what a guest's udev does for devices that it finds, twice: they have children
plug()
{
	# shellcheck disable=SC2016 # the guest's shell knows it
	run "$1" 'modprobe -q -a $(cat /sys/bus/pci/devices/*/modalias); true'
	await run "$1" "[ -e $bus/kind ]"
	run "$1" "modprobe \$(cat $bus/modalias)"
	await run "$1" "[ -e /sys/class/net/pvi0 ]"
}

# up NAME ADDRESS ADDRESS6 - take the interface into use
up()
{
	run "$1" "echo 0 >/proc/sys/net/ipv6/conf/pvi0/accept_dad && ip link set lo up &&" \
		"ip addr add $2/24 dev pvi0 && ip link set pvi0 up && ip addr add $3/64 dev pvi0"
}

# has_carrier NAME 0|1
has_carrier()
{
	[ "$(run "$1" cat /sys/class/net/pvi0/carrier)" = "$2" ]
}

# connected - frames go both ways; what was sent into a session that has ended is lost
connected()
{
	attempts=25 await run g_a ping -q -c 1 -W 2 "$address_b"
}

# pings NAME ADDRESS SIZE... - an answer to each
pings()
{
	same "$(run "$1" "for size in ${*:3}; do" \
		"ping -q -c 1 -W 60 -s \$size $2 >/dev/null || echo \$size; done")" ""
}

# transfer SIZE - over TCP and UDP, in both directions, by both protocols
transfer()
{
	exchange g_a "$address_b" "$1"
	exchange g_b "$address6_a" "$1"
	[ -n "${PVI_LONG:-}" ] || return 0
	exchange g_a "$address6_b" "$1"
	exchange g_b "$address_a" "$1"
}

# exchange NAME ADDRESS SIZE
exchange()
{
	run "$1" "pvi_net tcp $2 $port $3 && pvi_net udp $2 $port 12"
}

# set_mtu SIZE - of both. Below 1280 Linux takes IPv6 away, and remembers for ten minutes that not more went to
# a destination
set_mtu()
{
	local name

	for name in g_a g_b; do
		run $name "ip link set pvi0 mtu $1 && echo 1 >/proc/sys/net/ipv4/route/flush"
	done
	[ "$1" -lt 1280 ] || with_address6
}

# with_address6 - also where it was taken away, with the interface for instance
with_address6()
{
	run g_a "ip addr | grep -q $address6_a || ip addr add $address6_a/64 dev pvi0"
	run g_b "ip addr | grep -q $address6_b || ip addr add $address6_b/64 dev pvi0"
}

# packets NAME - how many it has sent
packets()
{
	run "$1" cat /sys/class/net/pvi0/statistics/tx_packets
}

# sent_by SIZE - how many frames a has needed for so many bytes
sent_by()
{
	local before after

	before=$(packets g_a)
	run g_a pvi_net tcp "$address_b" "$port" "$1"
	after=$(packets g_a)
	echo $((after - before))
}

# start_flood NAME ADDRESS - to a port where nobody listens
start_flood()
{
	run "$1" "pvi_net flood $2 9 >/dev/null 2>&1 & echo \$! >/tmp/flood"
}

stop_flood()
{
	# shellcheck disable=SC2016
	run "$1" 'kill -KILL $(cat /tmp/flood)'
}

# finds NAME - what a test may have left of a guest
finds()
{
	# shellcheck disable=SC2016 # the guest's shell knows them
	run "$1" 'echo interfaces $(ls /sys/class/net), pvi0 $(cat /sys/class/net/pvi0/mtu /sys/class/net/pvi0/flags);' \
		'echo addresses $(ip addr show pvi0 | sed -n "s/fe80:[^ ]*/local/; s/^ *inet6* \([^ ]*\).*/\1/p" | sort);' \
		'echo neighbours $(grep -c 0x6 /proc/net/arp) fixed; echo programs $(ps | grep -o "[p]vi_net [fst].*");' \
		'echo namespaces $(ls -l /proc/[0-9]*/ns/net 2>/dev/null | sed "s/.*> //" | sort -u | wc -l);' \
		"echo queues \$(cat $bus/queues); pvi_net offloads pvi0"
}

# is_to_find NAME - as each test is to find it
is_to_find()
{
	local address=address_${1#g_} address6=address6_${1#g_}

	printf '%s\n' "interfaces lo pvi0, pvi0 1500 0x1003" "addresses ${!address}/24 ${!address6}/64 local" \
		"neighbours 0 fixed" "programs pvi_net serve $port pvi_net serve $port" \
		"namespaces 1" "queues $queues" "offloads 1 1 1 1 1"
}

is_as_found()
{
	[ "$(finds "$1")" = "$(is_to_find "$1")" ]
}

# as_found - both guests are; what Linux does by itself may take a moment
as_found()
{
	local name

	for name in g_a g_b; do
		(attempts=10 await is_as_found $name) >/dev/null || same "$(finds $name)" "$(is_to_find $name)"
	done
}

# begin_namespace - one of a's, where a process sleeps
begin_namespace()
{
	# Or the wait below has no end.
	run g_a "[ -e /proc/self/ns/net ]"
	# shellcheck disable=SC2016 # the guest's shell knows them
	run g_a 'unshare -n sleep 100000 >/dev/null 2>&1 & echo $! >/tmp/namespace;' \
		'until [ "$(readlink /proc/$!/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do usleep 20000; done'
}

# inside COMMAND... - in it
inside()
{
	# shellcheck disable=SC2016
	run g_a 'nsenter -t $(cat /tmp/namespace) -n sh -c' "'$*'"
}

# end_namespace - of whatever is in it. One of them may have ended just now
end_namespace()
{
	# shellcheck disable=SC2016
	run g_a 'kill -KILL $(ls -l /proc/[0-9]*/ns/net 2>/dev/null |' \
		'grep -F "$(readlink /proc/$(cat /tmp/namespace)/ns/net)" | cut -d / -f 3); true'
}
