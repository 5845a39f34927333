#!/bin/sh
# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# End to end: sockets between two stock QEMUs, by what pvictl link prints and modules that are loaded by
# their aliases. a has an older kernel, b a newer one, to which only some ports are open. The link is
# small, so what is long goes in pieces, and rings are full now and then. The guests live through all of
# the tests.

. "$(dirname "$0")/tools/enter.sh"
. "$(dirname "$0")/tools/lib.sh"
. "$(dirname "$0")/tools/guest.sh"
. "$(dirname "$0")/tools/saved.sh"
. "$(dirname "$0")/tools/sleep.sh"
. "$(dirname "$0")/tools/sockets.sh"
. "$(dirname "$0")/tools/spoil.sh"
. "$(dirname "$0")/tools/vsock_test.sh"

# The link that there is, and where the guests have it
link='' bus='' at_c='' cid_a=33 cid_b=4
reset=-104 broken=-32 unreachable=-113 absent=-19 overdone=-105 late=-110

# What who asks for a CID of no link hears in a: since Linux 7.1 the device to the host has it
of_no_link()
{
	[[ $(run g_a uname -r) == @(7.[1-9]|[89].|[1-9][0-9].)* ]] && echo -115 || echo $absent
}

alone()
{
	plug g_a
	same "$(run g_a "cat $bus/kind $bus/cid $bus/peer_cid $bus/ports")" \
		"vsock"$'\n'"$cid_a"$'\n'"$cid_b"$'\n'"22,70000-70001"
	same "$(run g_a cat /proc/net/pvi_vsock)" "$cid_b $b $cid_a down"
	same "$(does g_a hold stream $cid_b 5000)" "connect $unreachable"
	same "$(does g_a ask 77 5000)" "ask $(of_no_link)"
	same "$(does g_a local)" "local $cid_a"
}

together()
{
	plug g_b
	connected
	same "$(run g_a cat /proc/net/pvi_vsock)" "$cid_b $b $cid_a up"
	same "$(run g_b "cat /proc/net/pvi_vsock $bus/ports")" "$cid_a $a $cid_b up"$'\n'"5000-5999"
	same "$(run g_b "unshare -n sh -c '[ -e /proc/net/pvi_vsock ] || cd $bus/.. && cat */peer */peer_cid'")" "$a"$'\n'"$cid_a"
	pvictl list --json >"$tmp/json"
	json "$tmp/json" "[(l['link'], l['a_cid'], l['b_cid'], l['a_state'], l['b_state']) \
		for l in it['links']] == [('$link', $cid_a, $cid_b, 'run', 'run')]"
}

# Whom nobody uses nobody rings, though the GSI that tells of peers is the link's.
idle()
{
	local rung

	rung=$(run g_a cat "$bus/rung") || fail "see above"
	run g_b sleep 10
	rung=$(($(run g_a cat "$bus/rung") - rung))
	[ "$rung" -le 5 ] || fail "$rung rings in ten seconds"
}

stream()
{
	exchange stream 300000 1
	[ -z "${PVI_LONG:-}" ] || exchange stream 100000000 1
	begins g_b serve stream 5000 1
	same "$(does g_a half $cid_b 5000)" "half 50000"
	same "$(woken g_b)" "serve 1"
}

seqpacket()
{
	[ -z "${PVI_LONG:-}" ] || exchange seqpacket 100000000 1
	begins g_b serve seqpacket 5999 1
	same "$(does g_a messages $cid_b 5999)" "messages 12"
	same "$(woken g_b)" "serve 1"
	begins g_a serve seqpacket 22 1
	same "$(does g_b messages $cid_a 22)" "messages 12"
	same "$(woken g_a)" "serve 1"
}

options()
{
	begins g_b serve stream 5000 1
	same "$(does g_a options $cid_b 5000)" \
		"peer $cid_b"$'\n'"buffer 5000"$'\n'"buffer 300000"$'\n'"said x"
	same "$(woken g_b)" "serve 1"
}

# A program may have bound its socket to any address that its guest has, and whom it connects to does not notice
bound()
{
	local own

	run g_a "modprobe -q vsock_loopback; true"
	run g_b "modprobe -q vsock_loopback; true"
	begins g_b serve stream 5000 2
	begins g_a serve stream 70000 2
	for own in 1 2; do
		same "$(does g_a from $cid_b 5000 $own 6000)" "from $own 6000"
		same "$(does g_b from $cid_a 70000 $own 6000)" "from $own 6000"
	done
	same "$(woken g_b)" "serve 2"
	same "$(woken g_a)" "serve 2"
}

# Who does not read has the other side wait, with a buffer full; then nothing of it is lost.
credit()
{
	local said

	begins g_b sink stream 5000
	said=$(does g_a fill $cid_b 5000)
	same "$(woken g_b)" "$said"
	[ "${said#sink }" -le 262144 ] || fail "$said: more than there is room for"
	begins g_a sink stream 70001
	said=$(does g_b fill $cid_a 70001)
	same "$(woken g_a)" "$said"
}

# Who has no patience with a peer that does nothing, or does not read, is told; it is no matter for who comes next.
timeouts()
{
	local said

	kill -STOP "$g_b"
	said=$(does g_a hasty $cid_b 5000)
	kill -CONT "$g_b"
	same "$said" "connect $late"
	begins g_b sink stream 5000
	said=$(does g_a press $cid_b 5000)
	same "$(woken g_b)" "$said"
	exchange stream 1000 1
}

# Who has given up asks again by the same socket, while b has what came of the first time, which a has reset: b refuses
# that at once, and holds nothing against a
again()
{
	local bad

	bad=$(count g_b bad)
	begins g_b outlive 5000
	kill -STOP "$g_b"
	lates g_a again $cid_b 5000 70000
	kill -CONT "$g_b"
	await run g_b "grep -q held /tmp/out"
	same "$(told g_a)" "connect $reset"
	same "$(count g_b bad)" "$bad"
	goes_on
	same "$(woken g_b)" "held"$'\n'"outlive"
}

# heaps MOST BYTES [ROOM] - while b, which claims to have much room, takes nothing, who sends BYTES at once with so large
# a buffer has no more taken than MOST
heaps()
{
	local said

	begins g_b sink stream 5000 $((64 << 20))
	lates g_a heap $cid_b 5000 "${@:2}"
	kill -STOP "$g_b"
	said=$(told g_a)
	kill -CONT "$g_b"
	same "$(woken g_b)" "$said"
	[ "${said#sink }" -le "$1" ] || fail "$said: more than $1"
}

# What a's kernel keeps of what is sent is what a buffer holds; where that is large, one packet. Beside it the ring has
# some.
memory()
{
	local ring=131072 buffer=262144 packet=65536

	heaps $((ring + buffer)) $((4 << 20))
	heaps $((ring + packet)) $packet $((16 << 20))
}

# What b's driver finds no memory for waits in the ring, and comes when there is some, in its place. The first is a request.
# By which of its functions the kernel has the driver ask depends on the kernel.
starved()
{
	local parameters=/sys/module/pvi_test_refuse/parameters function=__alloc_skb n

	! run g_b "grep -q alloc_skb_with_frags /lib/modules/*/kvm_pvi_vsock.ko" 2>/dev/null || function=alloc_skb_with_frags
	begins g_b serve stream 5000 2
	for n in 0 3; do
		run g_b insmod /pvi_test_refuse.ko function=$function caller=kvm_pvi_vsock answer=0 after=$n times=5
		same "$(does g_a talk stream $cid_b 5000 1 300000)" "talk 1"
		[ "$(run g_b cat $parameters/made)" -gt 0 ] || fail "there was always memory"
		run g_b rmmod pvi_test_refuse
	done
	same "$(woken g_b)" "serve 2"
}

# sends LISTENER SENDER - what b listens with takes what a sends, which is the program busybox
sends()
{
	begins_program g_b "$1"
	run g_a "$2"
	same "$(woken g_b)" ""
	same "$(run g_b "md5sum </tmp/got; rm /tmp/got")" "$(run g_a "md5sum </bin/busybox")"
}

# A message that does not fit into the ring is taken whole, or not at all: who does not wait sends it again
whole()
{
	local said

	begins g_b sink seqpacket 5999
	lates g_a whole $cid_b 5999
	kill -STOP "$g_b"
	said=$(told g_a)
	kill -CONT "$g_b"
	same "$said" "whole 100000"
	same "$(woken g_b)" "sink 1 0"
	# Nor where there is room for a part of it
	begins g_b sink seqpacket 5999
	same "$(run g_a pvi_vsock parts $cid_b 5999)" "parts 200000 -11 -11"
	same "$(woken g_b)" "sink 1 0"
	# And what there never is room for is not to be tried again; else it is the peer's buffer that is full, not the ring
	begins g_b sink seqpacket 5999 150000
	same "$(run g_a pvi_vsock parts $cid_b 5999)" "parts -90 100000 -11"
	same "$(woken g_b)" "sink 1 0"
	begins g_b sink seqpacket 5999
	same "$(run g_a pvi_vsock small $cid_b 5999)" "small -90 -90 4096"
	same "$(woken g_b)" "sink 1 0"
}

# Who polls to send a message hears of room for all of it
polled()
{
	begins g_b serve seqpacket 5999 1
	run g_b killall -STOP pvi_vsock
	lates g_a polls $cid_b 5999
	run g_b killall -CONT pvi_vsock
	same "$(told g_a)" "polls -11 0 100000"
	same "$(woken g_b)" "serve 1"
}

# Who polls to send hears that the peer reads no more
deaf()
{
	local type

	for type in seqpacket stream; do
		begins g_b deafens $type 5999
		lates g_a deaf $type $cid_b 5999
		goes_on
		same "$(told g_a)" "deaf 0 $broken"
		goes_on
		same "$(woken g_b)" "held"$'\n'"held"$'\n'"deafens"
	done
}

# goes_on - what "begins" has begun in b is told to
goes_on()
{
	# shellcheck disable=SC2016 # the guest's shell knows it
	run g_b 'kill -USR1 $!'
}

# Who polls to read hears of a message when all of it is there
in_portions()
{
	begins g_b portions 5999
	lates g_a polled $cid_b 5999
	await run g_b "grep -q held /tmp/out"
	# shellcheck disable=SC2016 # the guest's shell knows it
	run g_a 'kill -USR1 $(cat /tmp/latecomer); until [ $(grep -c held /tmp/late) -eq 2 ]; do usleep 20000; done'
	goes_on
	same "$(told g_a)" "polled 0 -11 1"
	same "$(woken g_b)" "held"$'\n'"portions -11"
}

# Unmodified ones
programs()
{
	sends "socat -u VSOCK-LISTEN:5500 CREATE:/tmp/got" "socat -u OPEN:/bin/busybox VSOCK-CONNECT:$cid_b:5500"
	sends "sh -c 'exec ncat --vsock -l --recv-only 5500 >/tmp/got'" \
		"ncat --vsock --send-only $cid_b 5500 </bin/busybox"
}

# What passes over loopback of both guests passes between them, whichever connects: of vsock_test's 26 cases all,
# in short the first six. 6.1 does not pass ten of them, for which another suite has newer guests.
kernels_own()
{
	local from=6 enough=6 name

	[ -z "${PVI_LONG:-}" ] || from=26 enough=16
	for name in g_a g_b; do
		begin_own $name $from 25
		loopback $name
	done
	between g_a g_b $cid_b $cid_a 5000 5990
	[ "$(passed g_a)" -ge $enough ] || fail "so little passes over loopback: $(run g_a cat /tmp/asked)"
	between g_b g_a $cid_a $cid_b 70000 22
	same "$(passed g_b)" "$(passed g_a)"
}

# By ssh from b to Debian's sshd in a, as the README has it, with keys of this run
log_in()
{
	local name

	for name in g_a g_b; do
		run $name "mkdir -p /etc /root/.ssh && chmod 700 /root /root/.ssh &&" \
			"echo root:x:0:0::/root:/bin/sh >/etc/passwd && echo 127.0.0.1 localhost >/etc/hosts &&" \
			"ip link set lo up"
	done
	run g_a "mkdir -p /run/sshd && echo sshd:x:100:65534::/run/sshd:/bin/false >>/etc/passwd"
	run g_a "ssh-keygen -q -t ed25519 -N '' -f /tmp/key"
	run g_b "ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519"
	run g_a "echo '$(run g_b cat /root/.ssh/id_ed25519.pub)' >/root/.ssh/authorized_keys"
	run g_b "echo 'a $(run g_a cat /tmp/key.pub)' >/root/.ssh/known_hosts"
	run g_a "/bin/sshd -f none -h /tmp/key -o ListenAddress=127.0.0.1"
	run g_a "socat VSOCK-LISTEN:22,fork TCP:localhost:22 >/dev/null 2>&1 & echo \$! >/tmp/relay"
	await run g_b "ssh -n -o BatchMode=yes -o ProxyCommand='socat - VSOCK-CONNECT:$cid_a:22' root@a true"
	same "$(run g_b "ssh -n -o BatchMode=yes -o ProxyCommand='socat - VSOCK-CONNECT:$cid_a:22' root@a uname -r")" \
		"$(run g_a uname -r)"
	run g_a "kill \$(cat /tmp/relay /run/sshd.pid)"
}

# CID 2 goes on through vhost-vsock, both ways, with b beside it
host()
{
	socat VSOCK-LISTEN:6000,fork PIPE &
	await run g_a "pvi_vsock talk stream 2 6000 1 1000 | grep -q 'talk 1'"
	run g_a "pvi_vsock talk stream 2 6000 1 1000000 >/tmp/host & echo \$! >/tmp/talk"
	exchange stream 300000 1
	same "$(run g_a "wait \$(cat /tmp/talk); cat /tmp/host")" "talk 1"
	begins g_a serve stream 80 1
	same "$(printf 'from the host' | socat -t 60 - VSOCK-CONNECT:$cid_a:80)" "from the host"
	same "$(woken g_a)" "serve 1"
}

# 128 MiB 40 times, which b says back: 10 GiB, each byte checked
bulk()
{
	local type i

	for type in stream seqpacket; do
		begins g_b serve $type 5000 20
		for ((i = 0; i < 20; i++)); do
			same "$(does g_a talk $type $cid_b 5000 1 $((128 << 20)))" "talk 1"
		done
		same "$(woken g_b)" "serve 20"
	done
}

# What another peer sends is not what b has sent: a's connection to b neither gets it, nor ends
strangers()
{
	begins g_b sink stream 5000
	lates g_a late $cid_b 5000 70000
	same "$(run g_c "pvi_spoil stranger 8 && pvi_spoil life 1")" "stranger 8"$'\n'"life 1"
	same "$(run g_a cat "/sys/bus/pvi_link/devices/$link_c/bad")" 6
	same "$(told g_a)" "late 0 0"
	same "$(woken g_b)" "sink 0"
	await run g_a "grep -q '^$cid_c .* up' /proc/net/pvi_vsock"
}

# packets NAME - how many its kernel has
packets()
{
	run "$1" "awk '/^skbuff_head_cache/ { print \$2 }' /proc/slabinfo"
}

# What more connections have to say of their room, and how often one says that it has ended, than there is room for
# while the peer takes nothing: none is forgotten, and of each one packet waits
thirst()
{
	local n=100 before

	begins g_c pour 5000 $n 3000
	lates g_a drink "$cid_c" 5000 $n 3000
	before=$(packets g_a)
	kill -STOP "$g_c"
	run g_a "kill -USR1 \$(cat /tmp/latecomer); until grep -q half /tmp/late; do usleep 20000; done"
	[ $(($(packets g_a) - before)) -lt 2500 ] || fail "whatever waits to be sent is kept"
	kill -CONT "$g_c"
	await run g_a "grep -q 'drink $n' /tmp/late"
	run g_c "killall -KILL pvi_vsock"
}

# device_of LINK - a's device whose memory is its own section
device_of()
{
	run g_a "basename \$(dirname \$(readlink -f /sys/bus/pvi_link/devices/$1))"
}

# waits_for_lock NAME CID PORT AT FILE - what NAME sends waits for the socket that AT's "pvi_vsock stuck" keeps locked, of
# which FILE tells
waits_for_lock()
{
	lates "$1" late "$2" "$3" 60000
	await run "$4" "grep -q held $5"
	run "$1" "kill -USR1 \$(cat /tmp/latecomer)"
	await run "$4" "grep -q -s lock_sock /proc/[0-9]*/wchan"
}

# A program of a's sends to c what waits for memory, so its socket is locked; c sends to that socket, and the link to c
# is to go. It waits for the program, but no other link does.
stuck()
{
	local of_b of_c driver=/sys/bus/pci/drivers/kvm_pvi_link

	of_b=$(device_of "$link")
	of_c=$(device_of "$link_c")
	run g_a "rm -f /tmp/late; pvi_vsock stuck 70000 >/tmp/late 2>&1 & echo \$! >/tmp/latecomer"
	waits_for_lock g_c $cid_a 70000 g_a /tmp/late
	run g_a "(echo $of_c >$driver/unbind) & echo \$! >/tmp/unbinder"
	await run g_a "grep -q -s work /proc/\$(cat /tmp/unbinder)/wchan"
	run g_a "echo $of_b >$driver/unbind && echo $of_b >$driver/bind"
	await run g_a "grep -q '^$cid_b .* up' /proc/net/pvi_vsock"
	run g_a "[ -e /proc/\$(cat /tmp/unbinder) ]"
	same "$(told g_a)" stuck
	await run g_a "[ ! -e /proc/\$(cat /tmp/unbinder) ]"
	run g_a "echo $of_c >$driver/bind"
	await run g_a "grep -q '^$cid_c .* up' /proc/net/pvi_vsock"
}

# has_bad N - of what came from c
has_bad()
{
	[ "$(run g_a cat "/sys/bus/pvi_link/devices/$link_c/bad")" -eq "$1" ]
}

# The socket of a program of a's is locked, which talks to b. What c sends to its port is for nobody, and is dropped before
# the program goes on.
passing()
{
	local bad

	begins g_b sink seqpacket 5000
	lates g_a locks seqpacket $cid_b 5000 70000
	bad=$(run g_a cat "/sys/bus/pvi_link/devices/$link_c/bad")
	same "$(run g_c pvi_spoil stranger 8)" "stranger 8"
	await has_bad $((bad + 6))
	same "$(run g_c pvi_spoil life 1)" "life 1"
	same "$(told g_a)" locks
	same "$(woken g_b)" "sink 1 0"
	await run g_a "grep -q '^$cid_c .* up' /proc/net/pvi_vsock"
}

# configures SIDE WORD... - of the link to c that side's section says that from now on: its address, the other's, how many
# ranges of ports are open, 0, and the ranges
configures()
{
	local words=("${@:2}" 0 0 0 0 0 0 0 0 0 0 0 0 0)

	stores "$link_c" "$1" 0xc0 "${words[@]:0:16}" >"$tmp/was"
}

# anew FILE - a's driver finds its end of the link to c, which has that file then
anew()
{
	run g_a "cd /sys/bus/pci/drivers/kvm_pvi_link && { [ ! -e $of_c ] || echo $of_c >unbind; } && echo $of_c >bind"
	await run g_a "[ -e /sys/bus/pvi_link/devices/$link_c/$1 ]"
}

# unusable N WORD... - a does not use a link that is so, and says it for the N-th time
unusable()
{
	configures 0 "${@:2}"
	anew kind
	await run g_a "[ \$(dmesg | grep -c 'has given it no addresses') -eq $1 ]"
	run g_a "! grep -q '^$cid_c ' /proc/net/pvi_vsock"
}

# One that leads to b, as another does, is not used as long as that is there, which goes on, and may be used then
second_to_b()
{
	local driver=/sys/bus/pvi_link/drivers/kvm_pvi_vsock

	configures 0 $cid_a $cid_b 0
	anew kind
	await run g_a "[ \$(dmesg | grep -c 'another link leads to CID $cid_b already') -eq 1 ]"
	run g_a "grep -q '^$cid_b $b .* up' /proc/net/pvi_vsock"
	exchange stream 1000 1
	run g_a "! echo $link_c >$driver/bind 2>/dev/null"
	run g_a "echo $link >$driver/unbind && echo $link_c >$driver/bind"
	run g_a "grep -q '^$cid_b $c ' /proc/net/pvi_vsock"
	run g_a "echo $link_c >$driver/unbind && echo $link >$driver/bind"
	await run g_a "grep -q '^$cid_b $b .* up' /proc/net/pvi_vsock"
}

# What whoever makes links may not write as addresses and ports of one; and what he may, of which the last range counts
# as the first does, and one that ends before it begins is none
configured()
{
	local of_c none=(1 0 1 0 1 0 1 0 1 0)

	await run g_a "grep -q '^$cid_c ' /proc/net/pvi_vsock"
	of_c=$(device_of "$link_c")
	unusable 1 $cid_a $cid_a 0
	unusable 2 2 "$cid_c" 0
	unusable 3 $cid_a 4294967295 0
	unusable 4 $cid_a "$cid_c" 7 0 "${none[@]}" 70000 70000
	second_to_b
	configures 0 $cid_a "$cid_c" 5 0 "${none[@]}" 70000 70000
	anew ports
	same "$(run g_a cat "/sys/bus/pvi_link/devices/$link_c/ports")" none
	configures 0 $cid_a "$cid_c" 6 0 "${none[@]}" 70000 70000
	anew ports
	same "$(run g_a cat "/sys/bus/pvi_link/devices/$link_c/ports")" 70000
	await run g_c "grep -q '^$cid_a .* up' /proc/net/pvi_vsock"
	begins g_a serve stream 70000 1
	same "$(does g_c hold stream $cid_a 69999)" "connect $reset"
	same "$(does g_c hold stream $cid_a 70001)" "connect $reset"
	same "$(does g_c hold stream $cid_a 0)" "connect $reset"
	same "$(run g_a cat "/sys/bus/pvi_link/devices/$link_c/refused")" 3
	same "$(does g_c talk stream $cid_a 70000 1 1000)" "talk 1"
	same "$(woken g_a)" "serve 1"
	configures 0 $cid_a "$cid_c" 0
	anew ports
	await run g_c "grep -q '^$cid_a .* up' /proc/net/pvi_vsock"
	await run g_a "grep -q '^$cid_c .* up' /proc/net/pvi_vsock"
}

# A third guest: streams go to it and to b at once, and what it had with a ends with it, alone. The link to it is
# the smallest.
peers()
{
	local link_c cid_c=5

	link_c=$(pvictl link --kind vsock --cid $cid_a,$cid_c --size 8K "$a" "$c" | sed -n 's/^link //p')
	pvictl link --hotplug --for "$a" "$link_c" | monitor "$monitors/a"
	# shellcheck disable=SC2046 # they are words
	append=iomem=relaxed guest g_c older -uuid "$c" $(pvictl link --for "$c" "$link_c")
	booted g_c
	attach at_c --pid "$g_c"
	bus=/sys/bus/pvi_link/devices/$link_c plug g_c
	await run g_a "grep -q '^$cid_c .* up' /proc/net/pvi_vsock"
	configured
	strangers
	thirst
	stuck
	passing
	begins g_b serve stream 5000 2
	begins g_c serve stream 5000 2
	run g_a "pvi_vsock talk stream $cid_c 5000 1 300000 >/tmp/to_c & echo \$! >/tmp/talk"
	same "$(does g_a talk stream $cid_b 5000 1 300000)" "talk 1"
	same "$(run g_a "wait \$(cat /tmp/talk); cat /tmp/to_c")" "talk 1"
	run g_a "mkfifo /tmp/to_b; socat -t 60 - VSOCK-CONNECT:$cid_b:5000 </tmp/to_b >/tmp/from_b 2>&1 &" \
		"echo \$! >/tmp/talk; exec 3>/tmp/to_b; echo before >&3; until grep -q before /tmp/from_b; do usleep 20000; done"
	holds g_a stream $cid_c 5000
	kill -KILL "$g_c"
	await has_ended "$at_c"
	same "$(held g_a)" "recv $reset"
	same "$(does g_a hold stream $cid_c 5000)" "connect $unreachable"
	run g_a "echo after >&3; exec 3>&-; wait \$(cat /tmp/talk)"
	same "$(run g_a cat /tmp/from_b)" "before"$'\n'"after"
	same "$(woken g_b)" "serve 2"
	same "$(run g_a cut -d "' '" -f 1,4 /proc/net/pvi_vsock)" "$cid_b up"$'\n'"$cid_c down"
}

many()
{
	local n=50

	[ -z "${PVI_LONG:-}" ] || n=1000
	begins g_b keep 5000 $n
	same "$(does g_a many $cid_b 5000 $n)" "many $n"
	same "$(woken g_b)" "keep $n"
}

# A port without a listener, and those that are not open whoever listens there.
refused()
{
	begins g_b serve stream 4999 1
	same "$(does g_a hold stream $cid_b 5001)" "connect $reset"
	same "$(count g_b refused)" 0
	same "$(does g_a hold stream $cid_b 4999)" "connect $reset"
	same "$(does g_a hold stream $cid_b 6000)" "connect $reset"
	same "$(count g_b refused)" 2
	same "$(count g_b bad) $(count g_b dropped)" "0 0"
	# It is this guest's own all the same.
	run g_b "modprobe -q vsock_loopback; true"
	same "$(does g_b talk stream 1 4999 1 1000)" "talk 1"
	same "$(woken g_b)" "serve 1"
}

# The place is another's, then this one's: neither takes it from the other.
place()
{
	run g_b rmmod kvm_pvi_vsock
	run g_b "modprobe vhost_vsock && ! modprobe kvm_pvi_vsock 2>/dev/null"
	run g_b "dmesg | grep -q 'unload vhost_vsock first'"
	run g_b "rmmod vhost_vsock && modprobe kvm_pvi_vsock && ! modprobe vhost_vsock 2>/dev/null"
	connected
	exchange stream 1000 1
}

# ends TEXT - a connection has ended without its sides' doing, for who reads or for who writes
ends()
{
	[[ $1 == *$reset* || $1 == *$broken* ]] || fail "$1"
}

# What has not been sent when its session ends does not wait any more, for who asks. b's kernel says so since 6.12.
unsent()
{
	begins g_a sink stream 70000
	lates g_b unsent $cid_a 70000
	kill -STOP "$g_a"
	# shellcheck disable=SC2016 # the guest's shell knows it
	run g_b 'kill -USR1 $(cat /tmp/latecomer); until grep -q unsent /tmp/late; do usleep 20000; done'
	run g_b "cd /sys/bus/pvi_link/drivers/kvm_pvi_vsock && echo $link >unbind && echo $link >bind"
	kill -CONT "$g_a"
	# shellcheck disable=SC2016
	same "$(run g_b 'while [ -e /proc/$(cat /tmp/latecomer)/exe ]; do usleep 20000; done; cat /tmp/late')" \
		"held"$'\n'"unsent some"$'\n'"unsent none"
	ends "$(woken g_a)"
	connected
}

# A connection that has ended with its session, and a program has still, is nothing to the one that the peer makes from
# the same port in the next: neither what is read there, nor that it is closed.
former()
{
	begins g_b former 5000
	lates g_a anew $cid_b 5000 70000
	await run g_b "grep -q held /tmp/out"
	spoils life 1
	run g_a "kill -USR1 \$(cat /tmp/latecomer)"
	await run g_b "grep -q read /tmp/out"
	same "$(told g_a)" anew
	same "$(woken g_b)" "held"$'\n'"read 1000 $reset"$'\n'"former"
}

# Nor is one that had shut down before its session ended, and that b's program reads and closes while another one from the
# same port is on its way, which waits for a socket that is locked
lagging()
{
	run g_b "rm -f /tmp/late; pvi_vsock lag 5000 >/tmp/late 2>&1 & echo \$! >/tmp/latecomer"
	await run g_b "grep -q vsock_accept /proc/\$(cat /tmp/latecomer)/wchan"
	same "$(does g_a shut $cid_b 5000 70000)" shut
	await run g_b "grep -q held /tmp/late"
	spoils life 1
	# The kernel keeps a port for a while that was closed while the peer had not read all.
	await run g_a "pvi_vsock hold stream $cid_b 1 70000 | grep -q connect"
	run g_b "pvi_vsock serve stream 5000 1 >/tmp/served 2>&1 & echo \$! >/tmp/server"
	begins g_b stuck 5001
	waits_for_lock g_a $cid_b 5001 g_b /tmp/out
	run g_a "pvi_vsock from $cid_b 5000 $cid_a 70000 >/tmp/from 2>&1 & echo \$! >/tmp/asker"
	await run g_a "grep -q vsock_connect /proc/\$(cat /tmp/asker)/wchan"
	same "$(told g_b)" "lag 1000 0"
	goes_on
	same "$(woken g_b)" "held"$'\n'"stuck"
	same "$(run g_a "while [ -e /proc/\$(cat /tmp/asker)/exe ]; do usleep 20000; done; cat /tmp/from")" "from $cid_a 70000"
	same "$(run g_b "while [ -e /proc/\$(cat /tmp/server)/exe ]; do usleep 20000; done; cat /tmp/served")" "serve 1"
}

# A socket whose connect() was refused while b was away is nothing to a b that comes, sends to it and goes, and can
# connect to the next one
retry()
{
	local driver=/sys/bus/pvi_link/drivers/kvm_pvi_vsock

	run g_b "echo $link >$driver/unbind"
	await run g_a "grep -q '^$cid_b .* down' /proc/net/pvi_vsock"
	lates g_a retry $cid_b 5000 70000
	run g_b "echo $link >$driver/bind"
	connected
	same "$(run g_b pvi_spoil stranger 8)" "stranger 8"
	spoils life 1
	begins g_b serve stream 5000 1
	same "$(told g_a)" "retry 0 1000"
	same "$(woken g_b)" "serve 1"
}

# nobody NAME - a test before, which has failed, may have left somebody at a port
nobody()
{
	run "$1" "while killall -q -KILL pvi_vsock; do usleep 20000; done"
}

# handed - how often a's kernel was given a packet
handed()
{
	run g_a "awk '/pvi_recv/ { print \$2 }' /sys/kernel/tracing/kprobe_profile"
}

# What is for no socket of a's the kernel does not get: it would look again, and one of another peer's may have the port
# by then. In a session of their own they are all that there is.
strays()
{
	local before

	nobody g_a
	nobody g_b
	spoils life 1
	run g_a "mount -t tracefs none /sys/kernel/tracing && cd /sys/kernel/tracing &&" \
		"echo p:pvi_recv virtio_transport_recv_pkt >kprobe_events && echo 1 >events/kprobes/pvi_recv/enable"
	before=$(handed)
	same "$(run g_b pvi_spoil stranger 8)" "stranger 8"
	same $(($(handed) - before)) 0
	spoils life 1
	exchange stream 1000 1
	[ "$(handed)" -gt "$before" ] || fail "none are counted"
	run g_a "cd /sys/kernel/tracing && echo 0 >events/kprobes/pvi_recv/enable && echo >kprobe_events &&" \
		"cd / && umount /sys/kernel/tracing"
}

# What an administrator may do while bytes go both ways. Who listens at the other side need not know.
under_load()
{
	begins g_b serve stream 5000 1
	run g_a "pvi_vsock talk stream $cid_b 5000 1 100000000000 >/tmp/talk 2>&1 & true"
	begins g_a serve stream 70000 1
	await run g_b "[ \$(cat $bus/rung) -gt 100 ]"
	run g_b "! rmmod kvm_pvi_vsock 2>/dev/null"
	run g_b "echo $link >/sys/bus/pvi_link/drivers/kvm_pvi_vsock/unbind"
	ends "$(woken g_b)"
	ends "$(run g_a "until [ -s /tmp/talk ]; do usleep 20000; done; cat /tmp/talk")"
	same "$(does g_b hold stream $cid_a 70000)" "connect $absent"
	await run g_b "rmmod kvm_pvi_vsock"
	run g_b "rmmod kvm_pvi_link"
	plug g_b
	connected
	same "$(does g_b talk stream $cid_a 70000 1 1000)" "talk 1"
	same "$(woken g_a)" "serve 1"
}

# stores LINK SIDE OFFSET WORD... - that side's section of a link has these 32-bit words there from now on; what it had
stores()
{
	python3 -c 'import struct, sys
words = list(map(int, sys.argv[3:]))
with open(sys.argv[1], "r+b", 0) as section:
    section.seek(int(sys.argv[2], 0))
    print(*struct.unpack("<%dI" % len(words), section.read(4 * len(words))))
    section.seek(int(sys.argv[2], 0))
    section.write(struct.pack("<%dI" % len(words), *words))' \
		"/run/kvm-pvi/links/$1/$2" "${@:3}"
}

# unplugged NAME - its modules of links go
unplugged()
{
	await run "$1" "rmmod kvm_pvi_vsock"
	run "$1" "rmmod kvm_pvi_link"
}

# mappings - of devices' memory by a's kernel, which a section may be one of: whoever has made it may have gone
mappings()
{
	run g_a "grep -c ' ioremap' /proc/vmallocinfo; true"
}

# said_of_links - how often a's kernel has said something of them; that a device's memory was not enabled is PCI's
said_of_links()
{
	run g_a "dmesg | grep kvm_pvi_link | grep -c -v 'enabling device'; true"
}

# not_taken SIDE OFFSET WORD - with this in that side's section, a's driver, which comes anew, leaves it to others and says
# nothing, has the other section alone, and goes again
not_taken()
{
	local was said

	said=$(said_of_links)
	was=$(stores "$link" "$@")
	run g_a modprobe kvm_pvi_link
	same "$(run g_a "ls /sys/bus/pci/drivers/kvm_pvi_link | grep -c :; ls /sys/bus/pvi_link/devices")" 1
	same "$(mappings)" $((mapped - 1))
	run g_a rmmod kvm_pvi_link
	same "$(mappings)" $((mapped - 2))
	same "$(said_of_links)" "$said"
	stores "$link" "$1" "$2" "$was" >"$tmp/was"
}

# What a section says that it is, in either side's: no magic, another version, more data than it has. That is nothing to a
# driver which comes when it is right, nor is it that the sides' data differ in size.
shapes()
{
	local magic=0 version=8 data_size=0x58 side mapped size

	mapped=$(mappings)
	unplugged g_a
	unplugged g_b
	size=$(stores "$link" 0 $data_size 0)
	stores "$link" 0 $data_size "$size" >"$tmp/was"
	for side in 0 1; do
		not_taken $side $magic 1
		not_taken $side $version 2
		not_taken $side $data_size $((size * 2))
	done
	stores "$link" 0 $data_size $((size / 2)) >"$tmp/was"
	plug g_a
	plug g_b
	connected
	exchange stream 300000 1
	unplugged g_a
	unplugged g_b
	stores "$link" 0 $data_size "$size" >"$tmp/was"
	plug g_a
	plug g_b
	connected
	exchange stream 1000 1
	same "$(mappings)" "$mapped"
}

# sleeps NAME CID PORT PEER CID PORT - the first does, while it sends to the other: that is over for both, but who
# listens need not know
sleeps()
{
	begins "$4" serve stream "$6" 1
	run "$1" "pvi_vsock talk stream $5 $6 1 100000000000 >/tmp/talk 2>&1 & true"
	begins "$1" serve stream "$3" 1
	# shellcheck disable=SC2016 # the guest's shell knows it
	run "$4" 'while grep -q vsock_accept /proc/$!/wchan; do usleep 20000; done'
	falls_asleep "$1"
	ends "$(woken "$4")"
	same "$(does "$4" hold stream "$2" "$3")" "connect $unreachable"
	wakes_up "$1"
	ends "$(run "$1" "until [ -s /tmp/talk ]; do usleep 20000; done; cat /tmp/talk")"
	connected
	same "$(does "$4" talk stream "$2" "$3" 1 100000)" "talk 1"
	same "$(woken "$1")" "serve 1"
}

asleep()
{
	sleeps g_a $cid_a 70000 g_b $cid_b 5000
	sleeps g_b $cid_b 5000 g_a $cid_a 70000
	if [ -n "${PVI_LONG:-}" ]; then
		dozes g_a mem core
		dozes g_b mem core
		connected
	fi
	exchange stream 1000 1
	quiet g_a
	quiet g_b
}

# b's kernel starts anew: connections are over, whichever side began them, and who listens at a still does. It waits for
# no program whose socket is locked.
reboot()
{
	begins g_b sink stream 5000
	holds g_a stream $cid_b 5000
	begins g_a serve stream 70000 2
	holds g_b stream $cid_a 70000
	begins g_b stuck 5001
	waits_for_lock g_a $cid_b 5001 g_b /tmp/out
	say g_b "reboot -f"
	booted g_b
	same "$(held g_a)" "recv $reset"
	same "$(does g_a hold stream $cid_b 5000)" "connect $unreachable"
	plug g_b
	connected
	same "$(does g_b talk stream $cid_a 70000 1 1000)" "talk 1"
	same "$(woken g_a)" "recv $reset"$'\n'"serve 2"
	same "$(run g_a "while [ -e /proc/\$(cat /tmp/latecomer)/exe ]; do usleep 20000; done; tail -n 1 /tmp/late")" "late 0 $reset"
	exchange stream 300000 1
	quiet g_b
}

# Nor does it where what was to end the session waits for that program already, since a has left
reboot_left()
{
	local driver=/sys/bus/pvi_link/drivers/kvm_pvi_vsock

	begins g_b stuck 5001
	waits_for_lock g_a $cid_b 5001 g_b /tmp/out
	run g_a "echo $link >$driver/unbind"
	await run g_b "grep -q -s flush_work /proc/[0-9]*/wchan"
	say g_b "reboot -f"
	booted g_b
	run g_a "echo $link >$driver/bind"
	plug g_b
	connected
	exchange stream 10000 1
	quiet g_b
}

# start_load - both guests send and connect, again and again, whatever becomes of it
start_load()
{
	run g_b "(while :; do pvi_vsock serve stream 5000 1; done) >/dev/null 2>&1 & echo \$! >/tmp/load"
	run g_a "(while :; do pvi_vsock talk stream $cid_b 5000 1 10000000; done) >/dev/null 2>&1 & echo \$! >/tmp/load"
}

stop_load()
{
	local name

	for name in g_a g_b; do
		# shellcheck disable=SC2016 # the guest's shell knows it
		run $name 'kill -KILL $(cat /tmp/load); killall -q -KILL pvi_vsock; true'
	done
}

# said_once LINES - behind so many lines of its log a's kernel says once that b breaks the rules, and nothing else but how
# long its clock, its works and RCU have had to wait, which is the busy host's doing, as is when it has enough randomness
said_once()
{
	local said slow='clocksource|hrtimer|perf:|hogged CPU|rcu|sched|random:'

	said=$(run g_a "dmesg | tail -n +$(($1 + 1)) | grep -v -E '$slow'; true")
	[[ $said == *"breaks the rules"* && $said != *$'\n'* ]] || fail "a's kernel says: $said"
}

# What b stores into its section may harm b's sockets alone, and takes no more memory than they may have.
hostile()
{
	local what n=500 sessions=2 begun lines

	begun=$(begun g_a)
	[ -z "${PVI_LONG:-}" ] || n=100000 sessions=6
	nobody g_a
	nobody g_b
	run g_a "modprobe -q vsock_loopback; true"
	lines=$(run g_a "dmesg | wc -l")
	begins g_a sink stream 70001
	holds g_a stream 1 70001
	for what in prod length long head life; do
		spoils $what $sessions
	done
	[ "$(count g_a bad)" -gt 0 ] || fail "no wrong packet was noticed"
	flood
	ended_before
	knocks
	start_load
	spoils cons 2
	same "$(run g_b pvi_spoil any $n)" "any $n"
	# Nobody has touched what is a's own.
	same "$(run g_a cat /tmp/held /tmp/out)" held
	stop_load
	# It may not be what b's driver takes to be so, nor be noticed by a: when b is to be rung, for one.
	run g_b "cd /sys/bus/pvi_link/drivers/kvm_pvi_vsock && echo $link >unbind && echo $link >bind"
	connected
	exchange stream 10000 1
	# shellcheck disable=SC2086 # they are two
	paced $begun
	said_once "$lines"
	quiet g_b
}

# Bytes in messages of one each, more than anyone would have wait: they cost their connection, and that alone. Which
# of the two has ended it, the driver or the kernel, depends on the kernel; who reads learns that something is lost.
flood()
{
	run g_a "pvi_vsock sink seqpacket 22 >/tmp/flooded 2>&1 &"
	run g_b "until pvi_vsock hold seqpacket $cid_a 22 3000 >/tmp/held; do usleep 20000; done & true"
	run g_b "until grep -q held /tmp/held; do usleep 20000; done"
	same "$(run g_b pvi_spoil flood 6000)" "flood 6000"
	await run g_a "grep -q 'sink .* $overdone' /tmp/flooded"
	await run g_b "grep -q recv /tmp/held"
	# What b's driver sends next may stand where a has been already, of which a need not be told.
	spoils life 1
}

# More connections than a can answer, as long as b's driver does not take the answers. How many it takes is chance: it is
# rung for them until b says otherwise, and may be at work then.
knocks()
{
	local tries=20

	while [ "$(count g_a dropped)" -eq 0 ]; do
		((tries--)) || fail "whatever waits to be sent is kept"
		same "$(run g_b pvi_spoil connect 4000)" "connect 4000"
		connected
	done
}

# What b sends to a connection that has ended, with its session or because b has ended it: who reads has what came
# before, and that is all. An honest b may have sent them before it knew: of these 61 one is wrong, a request of what is
# connected.
ended_before()
{
	local bad

	begins g_b sink stream 5000
	lates g_a late $cid_b 5000 70000
	spoils life 1
	bad=$(count g_a bad)
	same "$(run g_b pvi_spoil stranger 8)" "stranger 8"
	same $(($(count g_a bad) - bad)) 0
	spoils life 1
	same "$(told g_a)" "late 0 $reset"
	same "$(woken g_b)" "recv $reset"
	begins g_b sink stream 5000
	lates g_a late $cid_b 5000 70000
	bad=$(count g_a bad)
	same "$(run g_b pvi_spoil after 53)" "after 53"
	same $(($(count g_a bad) - bad)) 1
	spoils life 1
	same "$(told g_a)" "late 1 0"
	# Which of the two b has heard of first is all the same.
	[[ $(woken g_b) == @("sink 0"|"recv $reset") ]]
}

# Who reads is told that b has gone, and who waits for b to take the rest, and the end, waits no longer.
killed()
{
	nobody g_a
	nobody g_b
	begins g_b sink stream 5000
	holds g_a stream $cid_b 5000
	begins g_a serve stream 70000 1
	lates g_a linger $cid_b 5000
	kill -STOP "$g_b"
	run g_a "cd /proc/\$(cat /tmp/latecomer) && kill -USR1 \$(cat /tmp/latecomer)" \
		"&& until grep -q -s -E 'woken|linger|virtio_transport' wchan || [ ! -e exe ]; do usleep 20000; done && cd /"
	kill -KILL "$g_b"
	await has_ended "$at_b"
	same "$(held g_a)" "recv $reset"
	await run g_a "grep -q linger /tmp/late"
	same "$(does g_a hold stream $cid_b 5000)" "connect $unreachable"
	[ -z "${PVI_LONG:-}" ] || back_again
	quiet g_a
}

# Who has listened at a, whatever became of b, takes what b begins now
listens()
{
	same "$(does g_b talk stream $cid_a 70000 1 1000)" "talk 1"
	same "$(woken g_a)" "serve 1"
}

# Under b's name, with another kernel
back_again()
{
	# shellcheck disable=SC2046 # they are words
	start_b older 1 $(pvictl link --for "$b" "$link")
	booted g_b
	attach at_b --pid "$g_b"
	plug g_b
	connected
	listens
	exchange stream 300000 2
	exchange seqpacket 300000 2
	quiet g_b
}

# Another QEMU goes on with b's state, and has the link again: a connection is over for both sides, who listens need
# not know.
saved()
{
	# It is there still if the test before has failed
	[ ! -e "/proc/$g_b" ] || kill -KILL "$g_b"
	await has_ended "$at_b"
	# shellcheck disable=SC2046 # they are words
	start_b newer 2 $(pvictl link --for "$b" "$link")
	booted g_b
	attach at_b --pid "$g_b"
	plug g_b
	connected
	# In the long form another b has been there
	[ -n "${PVI_LONG:-}" ] || listens
	nobody g_a
	begins g_a sink stream 70001
	holds g_b stream $cid_a 70001
	begins g_b serve stream 5000 1
	unplug b "$link"
	same "$(woken g_a)" "recv $reset"
	same "$(does g_a hold stream $cid_b 5000)" "connect $unreachable"
	save
	restore
	connected
	same "$(held g_b)" "recv $reset"
	same "$(does g_a talk stream $cid_b 5000 1 300000)" "talk 1"
	same "$(woken g_b)" "serve 1"
	exchange seqpacket 300000 1
	quiet g_a
	quiet g_b
}

# start_b KERNEL VCPUS ARGUMENT... - its programs may map what a driver has: it is who does harm
start_b()
{
	append=iomem=relaxed guest g_b "$1" -smp "$2" -uuid "$b" \
		-monitor "unix:$monitors/b,server=on,wait=off" "${@:3}"
}

start_guests()
{
	load_sockets
	link=$(pvictl link --kind vsock --cid $cid_a,$cid_b --ports 22,70000-70001/5000-5999 --size 128K \
		"$a" "$b" | sed -n 's/^link //p')
	bus=/sys/bus/pvi_link/devices/$link
	# shellcheck disable=SC2046 # they are words
	guest g_a older -uuid "$a" -device "vhost-vsock-pci,guest-cid=$cid_a" \
		-monitor "unix:$monitors/a,server=on,wait=off" $(pvictl link --for "$a" "$link")
	# shellcheck disable=SC2046
	start_b newer 2 $(pvictl link --for "$b" "$link")
	booted g_a
	booted g_b
	attach at_a --pid "$g_a"
	attach at_b --pid "$g_b"
}

tmp=$(mktemp -d)
monitors=$tmp
# A link that stayed would be joined by whoever attaches these VMs next.
trap 'stop_jobs; for name in "$b" "$c"; do pvictl unlink "$a" "$name" >/dev/null 2>&1; done;
	rm -rf "/run/kvm-pvi/links/${link:-none}" "$tmp"' EXIT
set -e
start_guests
set +e
# Where bash would say that b was killed.
# shellcheck disable=SC2046 # they are words
run_tests alone together idle host stream seqpacket options bound credit timeouts again memory starved whole polled deaf \
	in_portions $(long programs log_in) kernels_own many refused place unsent former lagging retry \
	$(long strays) under_load $(long shapes asleep reboot reboot_left bulk peers) hostile killed saved 2>"$tmp/stderr"
