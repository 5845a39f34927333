#!/bin/sh
# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# End to end: an Ethernet between two stock QEMUs, by what pvictl link prints and modules that are
# loaded by their aliases. a has an ivshmem device that is no section as well. The guests live
# through all of the tests.

. "$(dirname "$0")/tools/enter.sh"
. "$(dirname "$0")/tools/lib.sh"
. "$(dirname "$0")/tools/guest.sh"
. "$(dirname "$0")/tools/ethernet.sh"
. "$(dirname "$0")/tools/liar.sh"
. "$(dirname "$0")/tools/saved.sh"
. "$(dirname "$0")/tools/sleep.sh"
. "$(dirname "$0")/tools/spoil.sh"

# The link that there is, where the guests have it, and their side of a command line
link='' bus='' port=7 queues=2
address_a=10.9.0.1 address_b=10.9.0.2 address6_a=fd09::1 address6_b=fd09::2

# Where the monitors are, which outlive the tests
monitors=$(mktemp -d)

alone()
{
	plug g_a
	# shellcheck disable=SC2016
	same "$(run g_a 'ls /sys/bus/pci/drivers/kvm_pvi_link | grep -c :;' \
		'grep -l 0x1110 /sys/bus/pci/devices/*/device | wc -l')" "2"$'\n'"3"
	same "$(run g_a "cat $bus/kind $bus/side $bus/peer $bus/state")" "net"$'\n'"0"$'\n'"$b"$'\n'"reset"
	up g_a $address_a $address6_a
	await run g_a "grep -q init $bus/state"
	has_carrier g_a 0
}

# That the peer's driver is there is not enough: its interface has to be up.
carrier()
{
	plug g_b
	await run g_b "grep -q reset $bus/state"
	has_carrier g_a 0
	up g_b $address_b $address6_b
	connected
	same "$(run g_a "cat $bus/state $bus/sessions $bus/queues $bus/broken")" \
		"run"$'\n'"1"$'\n'"2"$'\n'"0"
	pvictl list --json >"$tmp/json"
	json "$tmp/json" "[(l['link'], l['a_state'], l['b_state']) for l in it['links']] == \
		[('$link', 'run', 'run')]"
	run g_b ip link set pvi0 down
	await has_carrier g_a 0
	run g_b ip link set pvi0 up
	connected
	with_address6
	run g_a pvi_net serve $port
	run g_b pvi_net serve $port
	as_found
}

sizes()
{
	if [ -n "${PVI_LONG:-}" ]; then
		pings g_a $address_b 0 1 17 18 1471 1472 1473 2959 2960 2961 9000 65507
	fi
	# shellcheck disable=SC2046 # they are words
	pings g_a $address_b 0 18 $(seq 1464 1480) 65507
	pings g_b $address_a 0 18 1472 1473 65507
	as_found
}

# counts NAME - what went either way, of all queues as of the interface, which counts on meanwhile
counts()
{
	# shellcheck disable=SC2016 # the guest's shell knows them
	same "$(run "$1" 'cd /sys/class/net/pvi0/statistics; for of in rx_packets rx_bytes tx_packets tx_bytes; do' \
		'before=$(cat $of); sum=0; for n in 0 1; do' \
		'sum=$((sum + $(pvi_net stat pvi0 ${of%_*}${n}_${of#*_}))); done; after=$(cat $of);' \
		'[ $before -gt 0 ] && [ $sum -ge $before ] && [ $sum -le $after ] ||' \
		'echo $sum $of of all queues, of the interface $before to $after; done')" ""
}

traffic()
{
	transfer 300000
	counts g_a
	counts g_b
	as_found
}

# wrong_sums NAME - how many it has found, of TCP, of UDP and of UDP over IPv6
wrong_sums()
{
	# shellcheck disable=SC2016 # the guest's shell knows them
	run "$1" 'echo $(awk "/^(Tcp|Udp):/ { for (i = 2; i <= NF; i++) if (!(\$1 in seen)) name[\$1, i] = \$i;' \
		'else if (name[\$1, i] == \"InCsumErrors\") print \$i; seen[\$1] = 1 }" /proc/net/snmp)' \
		'$(awk "/^Udp6InCsumErrors/ { print \$2 }" /proc/net/snmp6)'
}

# With them a frame has many segments; without, it is one, and has its sum.
offloads()
{
	local size=300000 long short

	long=$(sent_by $size)
	run g_a pvi_net offload pvi0 0
	run g_b pvi_net offload pvi0 0
	short=$(sent_by $size)
	[ "$long" -lt $((size / 1448)) ] || fail "$long frames, though long ones may be sent"
	[ "$short" -ge $((size / 1448)) ] || fail "$short frames, though only short ones may be sent"
	transfer 50000
	run g_a pvi_net offload pvi0 1
	transfer 50000
	run g_b pvi_net offload pvi0 1
	same "$(wrong_sums g_a)" "0 0 0"
	same "$(wrong_sums g_b)" "0 0 0"
	as_found
}

# The longest that is one frame, and the shortest that is two; after offloads were switched off and on
mtu()
{
	local size sizes=(68 65521)

	[ -z "${PVI_LONG:-}" ] || sizes=(68 576 1280 9000 16384 65521)
	for size in "${sizes[@]}"; do
		set_mtu "$size"
		pings g_a $address_b $((size - 28)) $((size - 27))
		pings g_b $address_a $((size - 28)) $((size - 27))
		run g_a pvi_net tcp $address_b $port $((size * 10))
		run g_b pvi_net tcp $address_a $port $((size * 10))
	done
	! run g_a "ip link set pvi0 mtu 65522 2>/dev/null" 2>/dev/null || fail "longer than the longest"
	set_mtu 1500
	as_found
}

# takes MAC - b's interface does, frames with a VLAN's tag, of which the longest has the MTU behind it
takes()
{
	run g_b "rm -f /tmp/tagged; pvi_net tagged pvi0 20 /tmp/tagged"
	run g_a pvi_net tag pvi0 "$1" 20
	await run g_b "[ -e /tmp/tagged ]"
}

has_filtered()
{
	[ "$(run g_b pvi_net stat pvi0 _filtered)" -eq "$1" ]
}

# What is for another one's address is not for b, unless it listens to all, or has that address
filter()
{
	local mac other=02:00:00:00:00:99 filtered

	mac=$(run g_b cat /sys/class/net/pvi0/address)
	filtered=$(run g_b pvi_net stat pvi0 _filtered)
	takes "$mac"
	has_filtered "$filtered"
	run g_a pvi_net tag pvi0 $other 20
	filtered=$((filtered + 20))
	await has_filtered $filtered
	run g_b ip link set pvi0 promisc on
	takes $other
	run g_b ip link set pvi0 promisc off
	run g_b ip link set pvi0 address $other
	takes $other
	has_filtered $filtered
	run g_b ip link set pvi0 address "$mac"
	as_found
}

# vlan NAME ADDRESS ADDRESS6 - Linux' interface of VLAN 7, over the link
vlan()
{
	# shellcheck disable=SC2016 # the guest's shell knows it
	run "$1" 'for module in llc stp garp mrp 8021q; do insmod /net/*-$module.ko; done 2>/dev/null;' \
		'ip link add link pvi0 name pvi0.7 type vlan id 7 &&' \
		"echo 0 >/proc/sys/net/ipv6/conf/pvi0.7/accept_dad &&" \
		"ip addr add $2/24 dev pvi0.7 && ip addr add $3/64 dev pvi0.7"
}

# With the longest MTU; and another VLAN in it, whose frames are as long
vlans_long()
{
	set_mtu 65521
	run g_a ip link set pvi0.7 mtu 65521
	run g_b ip link set pvi0.7 mtu 65521
	pings g_a 10.9.7.2 65493 65494
	run g_b pvi_net tcp 10.9.7.1 $port $((65521 * 10))
	set_mtu 1500
	run g_a "ip link add link pvi0.7 name pvi0.8 type vlan id 8 && ip addr add 10.9.8.1/24 dev pvi0.8"
	run g_b "ip link add link pvi0.7 name pvi0.8 type vlan id 8 && ip addr add 10.9.8.2/24 dev pvi0.8"
	run g_a ip link set pvi0.8 up
	run g_b ip link set pvi0.8 up
	attempts=25 await run g_a ping -q -c 1 -W 2 10.9.8.2
	pings g_a 10.9.8.2 1472 1473
	run g_b pvi_net tcp 10.9.8.1 $port 100000
}

# A VLAN with the MTU of the link, in segments as long; with an address of its own in b, for which the interface takes
# what is not its own
vlans()
{
	local size=300000 frames

	vlan g_a 10.9.7.1 fd09:7::1
	vlan g_b 10.9.7.2 fd09:7::2
	run g_b ip link set pvi0.7 address 02:00:00:00:00:07
	run g_a ip link set pvi0.7 up
	run g_b ip link set pvi0.7 up
	attempts=25 await run g_a ping -q -c 1 -W 2 10.9.7.2
	pings g_a 10.9.7.2 0 1472 1473 65507
	pings g_b 10.9.7.1 1472 1473 65507
	exchange g_a 10.9.7.2 100000
	exchange g_b fd09:7::1 100000
	frames=$(address_b=10.9.7.2 sent_by $size)
	[ "$frames" -lt $((size / 1448)) ] || fail "$frames frames, though long ones may be sent"
	[ -z "${PVI_LONG:-}" ] || vlans_long
	run g_a ip link del pvi0.7
	run g_b ip link del pvi0.7
	as_found
}

# mac_of LINK SIDE - the address that follows from the link's UUID
mac_of()
{
	local digits=${1##*-}

	printf '%02x:%s:%s:%s:%s:%02x\n' $((0x${digits:0:2} & ~1 | 2)) "${digits:2:2}" "${digits:4:2}" \
		"${digits:6:2}" "${digits:8:2}" $((0x${digits:10:2} & ~1 | $2))
}

# What ethtool asks and sets; of the bus it takes 31 characters. A queue of this link has 512 KiB, which hold 341 frames
# of 1,536 bytes.
asked()
{
	local n of

	same "$(run g_a pvi_net info pvi0)" "kvm_pvi_net ${link:0:31} 52 3"
	for n in 0 1 2 3; do
		printf '%s\n' rx${n}_{packets,bytes,length_errors,frame_errors,no_memory,filtered,polls} \
			tx${n}_{packets,bytes,dropped,stopped} rung$n rings$n
	done >"$tmp/names"
	same "$(run g_a pvi_net names pvi0)" "$(cat "$tmp/names")"
	for of in packets bytes; do
		for n in tx2 tx3 rx2 rx3; do
			same "$(run g_a pvi_net stat pvi0 ${n}_$of)" 0
		done
	done
	same "$(run g_a pvi_net rings pvi0)" "341 341 341 341"
	has "$(run g_a "pvi_net set_rings pvi0 100 2>&1; true")" "Operation not supported"
	same "$(run g_a pvi_net channels_of pvi0)" "2 4"
	run g_a "! pvi_net channels pvi0 5 2>/dev/null && ! pvi_net channels pvi0 0 2>/dev/null"
	same "$(run g_a pvi_net channels_of pvi0)" "2 4"
	same "$(run g_a cat /sys/class/net/pvi0/address)" "$(mac_of "$link" 0)"
	same "$(run g_b cat /sys/class/net/pvi0/address)" "$(mac_of "$link" 1)"
	as_found
}

# gets VM LINK - its QEMU, which runs
gets()
{
	pvictl link --hotplug --for "${!1}" "${@:3}" "$2" | monitor "$monitors/$1"
}

# interface NAME LINK SIDE - the other link is one, with an address of its own
interface()
{
	await run "$1" "[ -e /sys/class/net/pvi1/address ]"
	same "$(run "$1" "ls /sys/bus/pvi_link/devices/$2/net; cat /sys/class/net/pvi1/address")" \
		"pvi1"$'\n'"$(mac_of "$2" "$3")"
	run "$1" "ip addr add 10.9.6.$(($3 + 1))/24 dev pvi1 && ip link set pvi1 up"
}

# takes_back LINK - from both, which run
takes_back()
{
	unplug a "$1"
	unplug b "$1"
	pvictl unlink "$1"
}

# A link that is made when both VMs run, and are attached, in huge pages: guests that have its modules have nothing to do.
# It goes while frames go both ways.
another()
{
	local second

	mkdir -p /dev/hugepages
	mountpoint -q /dev/hugepages || mount -t hugetlbfs none /dev/hugepages
	echo 2 >/proc/sys/vm/nr_hugepages
	second=$(pvictl link --size 2M --hugetlb "$a" "$b" | sed -n 's/^link //p')
	gets a "$second"
	gets b "$second"
	interface g_a "$second" 0
	interface g_b "$second" 1
	attempts=25 await run g_a ping -q -c 1 -W 2 10.9.6.2
	exchange g_a 10.9.6.2 50000
	exchange g_b 10.9.6.1 50000
	start_flood g_a 10.9.6.2
	start_flood g_b 10.9.6.1
	takes_back "$second"
	stop_flood g_a
	stop_flood g_b
	echo 0 >/proc/sys/vm/nr_hugepages
	connected
	as_found
}

# sessions NAME - how many there were
sessions()
{
	run "$1" cat "$bus/sessions"
}

# more_than NUMBER
more_than()
{
	[ "$(sessions g_a)" -gt "$1" ]
}

# In a new session of the same queue no more is on its way than is allowed, whatever went in the one before: a limit,
# and a frame.
limits()
{
	local before n

	for n in 1 2; do
		run g_a pvi_net tcp $address_b $port 400000
		before=$(sessions g_a)
		run g_b pvi_net channels pvi0 $n
		await more_than "$before"
		connected
	done
	run g_a pvi_net tcp $address_b $port 400000
	# shellcheck disable=SC2016 # the guest's shell knows them
	same "$(run g_a 'cd /sys/class/net/pvi0/queues/tx-0/byte_queue_limits; on=$(cat inflight) most=$(cat limit);' \
		'[ $on -le $((most + 65600)) ] || echo $on of $most')" ""
}

queues()
{
	local n

	for n in 1 2; do
		run g_a pvi_net channels pvi0 $n
		await run g_a "grep -q $n $bus/queues"
		connected
		[ $n -eq 2 ] || limits
	done
	transfer 50000
	same "$(run g_a pvi_net test pvi0)" \
		"the peer is up: yes"$'\n'"the host serves this guest: yes"$'\n'"receives and sends: yes"
	[ "$(run g_a pvi_net stat pvi0 _packets)" -gt 1000 ] || fail "no packets counted"
	same "$(run g_a pvi_net stat pvi0 _errors)" 0
	as_found
}

# What TCP sends while the link has no session goes when there is one again.
interrupted()
{
	local n

	run g_a "pvi_net tcp $address_b $port 3000000 >/tmp/tcp 2>&1 & true"
	for n in 1 2 1 2; do
		run g_b pvi_net channels pvi0 $n
		await run g_a "grep -q $n $bus/queues"
	done
	# shellcheck disable=SC2016 # the guest's shell knows it
	run g_a 'wait $! || { cat /tmp/tcp; false; }'
	as_found
}

# What an administrator may do while frames go both ways
under_load()
{
	local n

	start_flood g_a $address_b
	start_flood g_b $address_a
	for n in 576 1500; do
		set_mtu $n
	done
	for n in 1 2; do
		run g_b pvi_net channels pvi0 $n
		await run g_a "grep -q $n $bus/queues"
	done
	if [ -n "${PVI_LONG:-}" ]; then
		run g_b rmmod kvm_pvi_net
		await has_carrier g_a 0
		run g_b modprobe kvm_pvi_net
		up g_b $address_b $address6_b
		await has_carrier g_a 1
	fi
	run g_b "insmod /pvi_test_refuse.ko function=device_link_release_fn times=0 late=200"
	run g_b "rmmod kvm_pvi_net && rmmod kvm_pvi_link && rmmod pvi_test_refuse"
	await has_carrier g_a 0
	crashed
	up g_b $address_b $address6_b
	stop_flood g_a
	stop_flood g_b
	same "$(run g_b cat /sys/class/net/pvi0/address)" "$(mac_of "$link" 1)"
	connected
	as_found
}

# Without its modules, b has a program that begins a session, as a kernel that has ended in one, without a word. A kernel
# that comes behind that says that its interface is not up.
crashed()
{
	same "$(run g_b pvi_spoil crash 1)" "crash 1"
	await has_carrier g_a 1
	plug g_b
	await has_carrier g_a 0
	same "$(run g_b cat "$bus/state")" reset
}

# b may not ring when its driver goes, but for the sixth try: a hears of it all the same.
owed()
{
	run g_b insmod /pvi_test_refuse.ko function=kvm_pvi_guest_link_ring answer=-11 times=5
	run g_b rmmod kvm_pvi_net
	await has_carrier g_a 0
	same "$(run g_a pvi_net test pvi0)" \
		"the peer is up: no"$'\n'"the host serves this guest: yes"$'\n'"receives and sends: no"
	[ "$(run g_b cat /sys/module/pvi_test_refuse/parameters/made)" -gt 0 ] || fail "no ring was made"
	run g_b rmmod pvi_test_refuse
	run g_b modprobe kvm_pvi_net
	up g_b $address_b $address6_b
	connected
	as_found
}

# For a while a may not ring b, of which only a knows: while nothing else is done, what it owes it rings by itself.
postponed()
{
	local made=/sys/module/pvi_test_refuse/parameters/made tries=5

	run g_a insmod /pvi_test_refuse.ko function=kvm_pvi_guest_link_ring answer=-11 times=50
	# b may have been at work when the first came, and need not be rung.
	while [ "$(run g_a cat $made)" -eq 0 ]; do
		((tries--)) || fail "no ring was made"
		pings g_a $address_b 0
	done
	run g_a rmmod pvi_test_refuse
	as_found
}

# made_in_spite FUNCTION ANSWER - b's link is made anew, and finds no memory twice, as that function says
made_in_spite()
{
	run g_b insmod /pvi_test_refuse.ko "function=$1" "answer=$2" times=2
	run g_b "cd /sys/bus/pci/drivers/kvm_pvi_link && own=\$(basename \$(dirname \$(readlink -f $bus))) &&" \
		"echo \$own >unbind && [ ! -e $bus ] && { echo \$own >bind; true; } 2>/dev/null"
	await run g_b "[ -e /sys/class/net/pvi0 ]"
	[ "$(run g_b cat /sys/module/pvi_test_refuse/parameters/made)" -gt 0 ] || fail "$1 was not called again"
	run g_b rmmod pvi_test_refuse
}

# Memory is short for a moment, while a link is made. Nobody else does anything.
scarce()
{
	made_in_spite kvm_pvi_link:pvi_bell_init -12
	made_in_spite device_link_add 0
	made_in_spite alloc_etherdev_mqs 0
	made_in_spite vmap_pfn 0
	up g_b $address_b $address6_b
	connected
	as_found
}

# tries - how often a has tried to connect to a GSI of b's, and its time in seconds
tries()
{
	run g_a "echo \$(awk '/pvi_connect/ { print \$2 }' /sys/kernel/tracing/kprobe_profile)" \
		"\$(cut -d . -f 1 /proc/uptime)"
}

# rung N - how often a was rung, at least
rung()
{
	[ "$(run g_a cat "$bus/rung")" -ge "$1" ]
}

# b rings a, which may not ring it: each of b's four GSIs is tried once a second at most, and with each session
rung_often()
{
	local before after rings gsi=98304

	run g_a "mount -t tracefs none /sys/kernel/tracing && cd /sys/kernel/tracing &&" \
		"echo p:pvi_connect kvm_pvi_guest:kvm_pvi_guest_connect >kprobe_events &&" \
		"echo 1 >events/kprobes/pvi_connect/enable"
	rings=$(run g_a cat "$bus/rung")
	read -ra before <<<"$(tries)"
	run g_b "for n in \$(seq 20); do pvi \$(yes ring $a $gsi | head -n 15); done >/dev/null"
	rung $((rings + 20))
	read -ra after <<<"$(tries)"
	[ $((after[0] - before[0])) -le $((4 * (after[1] - before[1] + 3))) ] ||
		fail "$((after[0] - before[0])) tries in $((after[1] - before[1])) s"
	run g_a "cd /sys/kernel/tracing && echo 0 >events/kprobes/pvi_connect/enable && echo >kprobe_events &&" \
		"cd / && umount /sys/kernel/tracing"
}

# nr_said - how often a's kernel has said something of links, or of their driver
nr_said()
{
	run g_a "dmesg | grep -c -E 'kvm_pvi|pvi_link'; true"
}

# b lets a ring no more, while the host has the positions of a's peers not ascend: it tells of more of them than there
# are, which all have none. a's look for b ends all the same, with its end, and a says nothing of it.
unordered()
{
	local said

	said=$(nr_said)
	lie function=pvi_walk_list answer=1000
	pvictl revoke --all "$b" "$a"
	await has_carrier g_a 0
	same "$(nr_said)" "$said"
	[ "$(lied)" -gt 0 ] || fail "nobody was lied to"
	honest
	pvictl link "$link" >/dev/null
	connected
	quiet g_a
	as_found
}

# b lets a ring no more, so a's end goes. It begins a new session, of which b can not be told, and when a may ring again
# it goes on: nobody else does anything.
forbidden()
{
	pvictl revoke --all "$b" "$a"
	await has_carrier g_a 0
	# a cannot tell it
	await has_carrier g_b 0
	rung_often
	pvictl link "$link" >/dev/null
	connected
	as_found
}

# The interface goes into a namespace, and comes back when that ends.
namespace()
{
	begin_namespace
	# shellcheck disable=SC2016
	run g_a 'ip link set pvi0 netns $(cat /tmp/namespace) && [ ! -e /sys/class/net/pvi0 ]'
	inside "ip addr add $address_a/24 dev pvi0 && ip link set pvi0 up"
	await has_carrier g_b 1
	attempts=25 await run g_b ping -q -c 1 -W 2 $address_a
	inside pvi_net tcp $address_b $port 100000
	end_namespace
	await run g_a "[ -e /sys/class/net/pvi0 ]"
	up g_a $address_a $address6_a
	connected
	as_found
}

# Behind a bridge of a's is another system with a's addresses, a namespace here.
bridge()
{
	begin_namespace
	# What its kernel has built in is not there.
	# shellcheck disable=SC2016
	run g_a 'for module in llc stp bridge veth; do insmod /net/*-$module.ko; done 2>/dev/null;' \
		'ip addr del' "$address_a/24 dev pvi0 && ip addr del $address6_a/64 dev pvi0"
	# The kernel gives the other end the name veth0.
	# shellcheck disable=SC2016
	run g_a 'ip link add port type veth && ip link set veth0 netns $(cat /tmp/namespace) && brctl addbr br0 &&' \
		'brctl addif br0 pvi0 && brctl addif br0 port && ip link set port up && ip link set br0 up'
	inside "echo 0 >/proc/sys/net/ipv6/conf/veth0/accept_dad && ip addr add $address_a/24 dev veth0 &&" \
		"ip link set veth0 up && ip addr add $address6_a/64 dev veth0 && pvi_net serve $port"
	run g_b ip neigh flush dev pvi0
	attempts=25 await run g_b ping -q -c 1 -W 2 $address_a
	pings g_b $address_a 0 1472 1473 65507
	inside "pvi_net tcp $address_b $port 300000 && pvi_net udp $address6_b $port 12"
	exchange g_b $address6_a 300000
	run g_a 'ip link del port && brctl delif br0 pvi0 && ip link set br0 down && brctl delbr br0'
	end_namespace
	run g_b ip neigh flush dev pvi0
	up g_a $address_a $address6_a
	connected
	as_found
}

# Frames for which there is no memory are dropped, and counted. Long ones need more than what is kept for the next.
# They go to b's device, but not to b: it has nothing to answer, for which there would be no memory either.
memory()
{
	local nobody=10.9.0.99

	set_mtu 65521
	run g_a arp -s $nobody "$(run g_b cat /sys/class/net/pvi0/address)"
	start_flood g_a $nobody
	# It says that it is done by not being loaded.
	has "$(run g_b "insmod /pvi_test_hog.ko function=pvi_net_rx_poll device=pvi0 frames=50 2>&1; true")" \
		"Operation canceled"
	stop_flood g_a
	run g_a arp -d $nobody
	set_mtu 1500
	[ "$(run g_b pvi_net stat pvi0 _no_memory)" -ge 50 ] || fail "none are counted"
	connected
	transfer 50000
	quiet g_b
	as_found
}

# A frame that is as long as a message may be is not passed on. What b's driver sends meanwhile stands in its place:
# then it is over for another reason, and has to come again.
too_long()
{
	local tries

	for ((tries = 0; tries < 20; tries++)); do
		spoils long 1
		[ "$(run g_a pvi_net stat pvi0 _length_errors)" -eq 0 ] || return 0
	done
	fail "a frame may be as long as it likes"
}

# What b stores into its section may harm b alone.
hostile()
{
	local what n=1000

	[ -z "${PVI_LONG:-}" ] || n=100000
	for what in prod length; do
		spoils $what 4
	done
	same "$(run g_a pvi_net stat pvi0 _length_errors)" 0
	too_long
	spoils sum 1
	same "$(run g_a "dmesg | grep -c 'bad partial csum'; true")" 0
	spoils head 2
	spoils life 2
	for what in frame length; do
		[ "$(run g_a pvi_net stat pvi0 _${what}_errors)" -gt 0 ] || fail "no wrong $what was noticed"
		same "$(run g_a cat /sys/class/net/pvi0/statistics/rx_${what}_errors)" "$(run g_a pvi_net stat pvi0 _${what}_errors)"
	done
	same "$(run g_a cat /sys/class/net/pvi0/statistics/rx_errors)" "$(run g_a pvi_net stat pvi0 _errors)"
	# b does not answer who has its address while it does not say what it has received.
	run g_a arp -s $address_b "$(run g_b cat /sys/class/net/pvi0/address)"
	start_flood g_a $address_b
	spoils cons 2
	run g_a arp -d $address_b
	start_flood g_b $address_a
	same "$(run g_b pvi_spoil any $n)" "any $n"
	stop_flood g_a
	stop_flood g_b
	run g_b "ip link set pvi0 down && ip link set pvi0 up"
	connected
	with_address6
	transfer 100000
	quiet g_a
	quiet g_b
	as_found
}

# sleeps NAME PEER ADDRESS - until it is woken, while the peer sends to its address
sleeps()
{
	run "$2" "pvi_net tcp $3 $port 3000000 >/tmp/tcp 2>&1 & true"
	falls_asleep "$1"
	await has_carrier "$2" 0
	# Between the end of one session and the next is a moment.
	await run "$2" "grep -q init $bus/state"
	wakes_up "$1"
	has_it_all "$2"
	has_carrier "$1" 1
	has_carrier "$2" 1
}

# nearly_sleeps NAME PEER ADDRESS STATE LEVEL - the same, but that it comes back by itself
nearly_sleeps()
{
	local before

	before=$(sessions "$2")
	run "$2" "pvi_net tcp $3 $port 1000000 >/tmp/tcp 2>&1 & true"
	dozes "$1" "$4" "$5"
	has_it_all "$2"
	[ "$5" = freezer ] || [ "$(sessions "$2")" -gt "$before" ] || fail "$5: no new session"
}

# has_it_all NAME - what a program there has sent, the other side has
has_it_all()
{
	# shellcheck disable=SC2016 # the guest's shell knows it
	run "$1" 'wait $! || { cat /tmp/tcp; false; }'
}

# changes SECTION - which is another one then; and the next time what it was
changes()
{
	if [ "$1" = peer ]; then
		same "$(run g_b pvi_spoil kind 1)" "kind 1"
	else
		python3 -c 'import sys
with open(sys.argv[1], "r+b", 0) as section:
    section.seek(0xff)
    byte = section.read(1)[0]
    section.seek(0xff)
    section.write(bytes([byte ^ 1]))' "/run/kvm-pvi/links/$link/0"
	fi
}

# changed SECTION LINES - while a sleeps it becomes another one, and is what it was when a has woken: a says so, and waits
# for that.
changed()
{
	falls_asleep g_a
	await has_carrier g_b 0
	changes "$1"
	wakes_up g_a
	await run g_a "[ \$(dmesg | grep -c 'its sections are not what they were') -eq $2 ]"
	has_carrier g_a 0
	changes "$1"
	connected
}

# A guest sleeps while frames go both ways. The other one sees it go, and come.
asleep()
{
	local level

	start_flood g_a $address_b
	start_flood g_b $address_a
	sleeps g_a g_b $address_a
	sleeps g_b g_a $address_b
	if [ -n "${PVI_LONG:-}" ]; then
		for level in freezer devices platform processors core; do
			nearly_sleeps g_a g_b $address_a mem $level
			nearly_sleeps g_b g_a $address_b mem $level
		done
		for level in freezer devices platform; do
			nearly_sleeps g_a g_b $address_a freeze $level
			nearly_sleeps g_b g_a $address_b freeze $level
		done
	fi
	stop_flood g_a
	stop_flood g_b
	changed peer 1
	changed own 2
	transfer 50000
	quiet g_a
	quiet g_b
	as_found
}

# reboots VM COMMAND... - by that, while the other one sends frames to it
reboots()
{
	local address=address_$1 address6=address6_$1 peer=g_b

	[ "$1" = a ] || peer=g_a
	start_flood $peer "${!address}"
	"${@:2}"
	booted "g_$1"
	plug "g_$1"
	up "g_$1" "${!address}" "${!address6}"
	connected
	stop_flood $peer
	run "g_$1" pvi_net serve $port
	transfer 50000
	quiet "g_$1"
	as_found
}

# Either side, by its own kernel, which ends its drivers first, or by QEMU, of which no driver hears
reboot()
{
	reboots b say g_b reboot -f
	reboots a say g_a reboot -f
	reboots b tells system_reset
	reboots a monitor "$monitors/a" <<<system_reset
}

# Another QEMU goes on with b's state. With the link's devices it is not saved, so they go and come again.
saved()
{
	refuses 1 "Migration is disabled when using feature 'peer mode' in device 'ivshmem'" \
		tells "migrate \"exec:cat >$tmp/b\""
	unplug b "$link"
	has_carrier g_a 0
	save
	restore
	await run g_b "[ -e /sys/class/net/pvi0 ]"
	up g_b $address_b $address6_b
	connected
	transfer 100000
	as_found
	quiet g_a
	quiet g_b
	dies_in_traffic
}

# b's VMM, while frames go both ways and a program of a's sends over a connection
dies_in_traffic()
{
	start_flood g_a $address_b
	start_flood g_b $address_a
	run g_a "pvi_net tcp $address_b $port 1000000000 >/dev/null 2>&1 & echo \$! >/tmp/connection"
	kill -KILL "$g_b"
	await has_carrier g_a 0
	stop_flood g_a
	# shellcheck disable=SC2016 # the guest's shell knows it
	run g_a 'kill -KILL $(cat /tmp/connection)'
	quiet g_a
}

# above NAME - how many sections are above 4 GB
above()
{
	# shellcheck disable=SC2016 # the guest's shell knows them
	run "$1" 'for device in /sys/bus/pci/drivers/kvm_pvi_link/*:*; do sed -n 3p $device/resource; done |' \
		'grep -c "^0x0000000[1-9]"; true'
}

# others N... - more VMs that a may ring; each gets the first place among a's peers that is free
others()
{
	local n name

	for n; do
		name=vm_$n
		vmm "$name"
		attach "at_$n" --pid "${!name}" --uuid "dddddddd-0000-4000-8000-0000000000$n" --expose 20 \
			--allow "$a:20"
	done
}

# While a may not ring b, or nobody may, there is no session, whatever stands in both sections: each looks there once a
# second. Nobody else does anything. That b has gone, and come back, a's kernel sees behind more peers than it asks for at
# once, which are eight: one of them has the place that b had.
unknown()
{
	pvictl revoke --all "$b" "$a"
	await has_carrier g_a 0
	run g_b "ip link set pvi0 down && ip link set pvi0 up"
	stays_down
	pvictl link "$link" >/dev/null
	connected
	others 10 11 12 13 14 15 16 17
	kill "$at_b"
	await has_carrier g_a 0
	stays_down
	others 18
	same "$(run g_a pvi peers)" "peers 8"
	attach at_b --pid "$g_b"
	connected
	with_address6
}

# a has no session for as long as it takes to begin one
stays_down()
{
	local before

	before=$(sessions g_a)
	nap 4
	same "$(sessions g_a)" "$before"
	has_carrier g_a 0
}

# What comes back under b's name has another kernel, and one vCPU: so one queue. It is a q35 whose links are above 4 GB.
# One of them was made when a ran and b did not, and b gets it while it runs. b has its modules before the host knows
# it; and when that has forgotten it meanwhile, nothing has to be done.
killed()
{
	local second n ports=()

	for n in 1 2 3 4; do
		ports+=(-device "pcie-root-port,id=port$n,chassis=$n,slot=$n,pref64-reserve=4G")
	done
	# If it was saved, what went on with that has been killed.
	[ ! -e "/proc/$g_b" ] || kill -KILL "$g_b"
	await has_ended "$at_b"
	await has_carrier g_a 0
	second=$(pvictl link --size 1M "$a" "$b" | sed -n 's/^link //p')
	gets a "$second"
	interface g_a "$second" 0
	# shellcheck disable=SC2046 # they are words
	start_b older 1 -machine q35 "${ports[@]}" $(pvictl link --for "$b" --bus port1,port2 "$link")
	booted g_b
	# shellcheck disable=SC2016 # the guest's shell knows it
	run g_b 'modprobe -q -a $(cat /sys/bus/pci/devices/*/modalias); modprobe kvm_pvi_net'
	same "$(run g_b ls /sys/bus/pvi_link/devices)" ""
	attach at_b --pid "$g_b"
	await run g_b "[ -e /sys/class/net/pvi0 ]"
	up g_b $address_b $address6_b
	connected
	gets b "$second" --bus port3,port4
	run g_b pvi_net serve $port
	run g_a pvi_net tcp $address_b $port 300000
	same "$(run g_b cat /sys/class/net/pvi0/address)" "$(mac_of "$link" 1)"
	interface g_b "$second" 1
	same "$(above g_b)" 4
	attempts=25 await run g_a ping -q -c 1 -W 2 10.9.6.2
	unknown
	run g_a pvi_net tcp $address_b $port 300000
	start_flood g_a 10.9.6.2
	start_flood g_b 10.9.6.1
	takes_back "$second"
	stop_flood g_a
	stop_flood g_b
	queues=1
	quiet g_a
	quiet g_b
	as_found
	[ -z "${PVI_LONG:-}" ] || killed_a
}

# Then the other side, for whom b has nothing to do
killed_a()
{
	start_flood g_b $address_a
	kill -KILL "$g_a"
	await has_ended "$at_a"
	await has_carrier g_b 0
	stop_flood g_b
	start_a
	booted g_a
	attach at_a --pid "$g_a"
	plug g_a
	up g_a $address_a $address6_a
	connected
	run g_a pvi_net serve $port
	transfer 50000
	quiet g_a
	quiet g_b
	as_found
}

# start_a ARGUMENT...
start_a()
{
	# shellcheck disable=SC2046 # they are words
	guest g_a older -smp 2 -uuid "$a" -monitor "unix:$monitors/a,server=on,wait=off" \
		$(pvictl link --for "$a" "$link") "$@"
}

# start_b KERNEL VCPUS ARGUMENT... - its programs may map what a driver has: it is who does harm
start_b()
{
	append=iomem=relaxed guest g_b "$1" -smp "$2" -uuid "$b" \
		-monitor "unix:$monitors/b,server=on,wait=off" "${@:3}"
}

start_guests()
{
	link=$(pvictl link --size 4M "$a" "$b" | sed -n 's/^link //p')
	bus=/sys/bus/pvi_link/devices/$link
	start_a -object memory-backend-ram,id=foreign,size=1M,share=on -device ivshmem-plain,memdev=foreign
	# shellcheck disable=SC2046 # they are words
	start_b newer 2 $(pvictl link --for "$b" "$link")
	booted g_a
	booted g_b
	attach at_a --pid "$g_a"
	attach at_b --pid "$g_b"
}

tmp=$(mktemp -d)
# A link that stayed would be joined by whoever attaches these VMs next.
trap 'stop_jobs; pvictl unlink "$a" "$b" >/dev/null 2>&1; rm -rf "/run/kvm-pvi/links/${link:-none}" "$tmp" "$monitors"' EXIT
set -e
start_guests
set +e
# Where bash would say that b was killed.
# shellcheck disable=SC2046 # they are words
run_tests alone carrier sizes traffic offloads mtu $(long filter vlans) queues \
	$(long asked interrupted) under_load $(long owed postponed scarce) unordered forbidden \
	$(long another namespace bridge) memory hostile $(long asleep reboot saved) killed 2>"$tmp/stderr"
