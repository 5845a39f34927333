#!/bin/sh
# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# End to end: stock QEMUs with Debian kernels and kvm_pvi_guest, attached from outside while they
# run. What a program of one does is seen by a program of the other. The guests live through all
# of the tests: a has an older kernel, b a newer one and two vCPUs; nobody allows c anything.
# c has the newest one there is, so that a and c differ, unless the host has an older one, too.

. "$(dirname "$0")/tools/enter.sh"
. "$(dirname "$0")/tools/lib.sh"
. "$(dirname "$0")/tools/guest.sh"
. "$(dirname "$0")/tools/liar.sh"
. "$(dirname "$0")/tools/sleep.sh"

# What stands for interrupt 0, and is not to be had.
timer=2
# What b exposes: a plain pin, one with a status word, one with a bell, and no pin.
pin=20 word=21 bell=22 virtual=65536
# Of a it is a pin, and one for the doorbell of b's ivshmem; the server's first peer stands for a.
bottom=23 server=dddddddd-0000-4000-8000-000000000000
kernel_c=newer
[ ! -e "$PVI_GUESTS/newest" ] || kernel_c=newest
[[ $(uname -r) != 6.1.* ]] || kernel_c=older
# How a guest sees $memory, and b its ivshmem-doorbell.
device=/sys/bus/pci/devices/0000:00:04.0 doorbell=/sys/bus/pci/devices/0000:00:05.0

# wired NAME GSI - the host has a place to deliver rings of it to
wired()
{
	pvictl show --json "$1" >"$tmp/json"
	json "$tmp/json" "[g['wired'] for g in it['gsis'] if g['gsi'] == $2] == [True]"
}

# wired(), as a condition to await
is_wired()
{
	(wired "$@")
}

# keep NAME ARGUMENT... - pvictl attach that outlives the test; its PID and log are files in $kept
keep()
{
	rm -f "$kept/$1.log"
	pvictl attach "${@:2}" >"$kept/$1.log" 2>&1 &
	echo $! >"$kept/$1.pid"
	disown
	await grep -q "^process .* is " "$kept/$1.log"
}

# leave NAME - end what was kept
leave()
{
	kill "$(cat "$kept/$1.pid")"
	await has_ended "$(cat "$kept/$1.pid")"
}

# rings_of NAME GSI - how many it has accepted
rings_of()
{
	pvictl show --json "$1" >"$tmp/json"
	python3 -c 'import json, sys
print(*[g["rings"] for g in json.load(open(sys.argv[1]))["gsis"] if g["gsi"] == int(sys.argv[2])])' \
		"$tmp/json" "$2"
}

# c's module was loaded before anyone attached c.
no_host()
{
	has "$(run g_c 'dmesg | grep kvm_pvi_guest:')" "no host yet: "
	same "$(run g_c pvi ring "$b" $pin)" "ring -19"
	refuses 1 "the host does not serve this guest" run g_c pvictl guest
}

names()
{
	run g_a grep -q "$a" /sys/class/misc/kvm_pvi_guest/uuid
	run g_b grep -q "$b" /sys/class/misc/kvm_pvi_guest/uuid
	same "$(run g_b pvi gsi 0 gsi 1 gsi 2 gsi 3 gsi 4)" "gsi $pin kind 0 state 1 bell -1 irq 0
gsi $word kind 0 state 5 bell -1 irq 0
gsi $bell kind 0 state 1 bell 0 irq 0
gsi $virtual kind 2 state 0 bell -1 irq 0
gsi -2"
}

# A program of a's rings, and one of b's wakes from poll(); all others that wait are told as well, but not
# at the same time: on the other CPU the handler may be on its way to them.
ring()
{
	wakes g_b wait $pin wait $pin wire $pin poll 4 poll 5 poll 6
	has "$(run g_b "grep kvm_pvi:$pin /proc/interrupts")" "$pin-edge"
	same "$(run g_a pvi ring "$b" $pin)" "ring 0"
	has "$(woken g_b)" "poll 1
poll 1
poll 1"
}

# Rings by the program that a user has.
tool()
{
	has "$(run g_a pvictl guest)" "$a" "$b"
	run g_b "pvictl guest-wait --count 1 $pin >/tmp/out & true"
	run g_b "until grep -q kvm_pvi:$pin /proc/interrupts; do usleep 20000; done"
	same "$(run g_a pvictl guest-ring "$b" $pin)" "raised"
	same "$(woken g_b)" "GSI $pin: 1 interrupt"
	refuses 3 "the receiver does not allow it" run g_a pvictl guest-ring "$b" 1
}

connection()
{
	wakes g_b wait $pin poll 4
	same "$(run g_a pvi connect "$b" $pin notify 0 disconnect 0 notify 0)" "connect 0
notify 0
disconnect 0
notify -2"
	has "$(woken g_b)" "poll 1"
}

# A rings only when the ring before was answered, so a lost one would be the last.
moved()
{
	local line before irq

	wakes g_b wait $virtual echo $a $pin 4
	before=$(rings_of "$b" $virtual)
	irq=$(run g_b "sed -n 's/^ *\\([0-9]*\\):.*kvm_pvi:0x10000/\\1/p' /proc/interrupts")
	run g_b "while :; do for cpu in 1 2; do echo \$cpu >/proc/irq/$irq/smp_affinity; usleep 5000;" \
		"done; done & mover=\$!"
	same "$(run g_a pvi wait $pin pingpong "$b" $virtual 4 200)" "wait 4
pingpong 200"
	same "$(rings_of "$b" $virtual)" $((before + 200))
	read -ra line <<<"$(run g_b "grep kvm_pvi:0x10000 /proc/interrupts")"
	run g_b "kill \$mover; killall pvi"
	[[ ${line[1]} -gt 0 && ${line[2]} -gt 0 ]] || fail "CPUs took ${line[*]:1:2} interrupts"
}

flags()
{
	wakes g_b wait $bell poll 4 receive 0 0xff receive 0 0xff
	same "$(run g_a pvi ring "$b" $bell connect "$b" $bell notify 0 send 0 5)" "ring -1
connect 0
notify -22
send 0 0"
	has "$(woken g_b)" "receive 0 0x5
receive 0 0"
	pvictl allow --bell --flags 0xf0 "$b" "$a" 0
	same "$(run g_a pvi connect "$b" $bell send 0 1)" "connect 0
send -1 0"
}

# A sender that sees that a ring is owed makes none.
status()
{
	local at="$device/resource2 64" before

	run g_a "echo 1 >$device/enable"
	run g_b "echo 1 >$device/enable"
	wakes g_b take "$at" wait $word poll 4 take "$at"
	before=$(rings_of "$b" $word)
	same "$(run g_a pvi owed "$at" ring "$b" $word)" "owed 0
ring 0"
	has "$(woken g_b)" "poll 1
take 1"
	same "$(run g_a pvi owed "$at" ring "$b" $word owed "$at" ring "$b" $word)" "owed 0
ring 2
owed 1
ring 1"
	same "$(rings_of "$b" $word)" $((before + 3))
	# A cannot write it.
	same "$(run g_a pvi store "$at" owed "$at")" "store 0
owed 1"
}

# A ring reaches an MSI-X vector of b's ivshmem-doorbell, whose doorbell reaches a.
ivshmem()
{
	run g_b insmod /pvi_test_ivshmem.ko
	same "$(run g_b cat $doorbell/position)" 1
	same "$(run g_b "grep -c 'ivshmem:[01]' /proc/interrupts")" 2
	same "$(run g_a pvi ring "${server%0}1" 1)" "ring 0"
	run g_b "until grep 'ivshmem:1' /proc/interrupts | grep ' 1 '; do usleep 20000; done"
	same "$(run g_b "grep 'ivshmem:0' /proc/interrupts | grep -c ' 1 '; true")" 0

	wakes g_a wait $bottom poll 4
	run g_b "echo 0 >$doorbell/doorbell"
	has "$(woken g_a)" "poll 1"
}

# counts FUNCTION COMMAND... - how often c's kernel calls it while the command runs there
counts()
{
	local tracing=/sys/kernel/tracing

	run g_c "mount -t tracefs tracefs $tracing && echo p:counted $1 >$tracing/kprobe_events"
	run g_c "echo 1 >$tracing/events/kprobes/counted/enable; ${*:2} >/tmp/counted"
	run g_c "sed -n 's/^ *counted *\\([0-9]*\\) .*/\\1/p' $tracing/kprobe_profile"
	run g_c "echo 0 >$tracing/events/kprobes/counted/enable; echo >$tracing/kprobe_events; umount $tracing"
}

# The pin of the timer is refused, and each reference to it is given back.
timers_pin()
{
	same "$(counts acpi_unregister_gsi pvi wait $timer wait $timer)" 2
	same "$(run g_c cat /tmp/counted)" "wait -95
wait -95"
	run g_c "grep -q 'IO-APIC *2-edge *timer' /proc/interrupts"
}

# lies OUTPUT COMMAND... - one of the host's, of which a makes that. What the module is told is in $how
lies()
{
	# shellcheck disable=SC2086 # they are words
	lie ${how:-}
	same "$(run g_a "${@:2}")" "$1"
	same "$(lied)" 1
	honest
	quiet g_a
}

# A host that says it has written more records than there is room for is not believed, nor one whose errors are addresses.
liar()
{
	lies "peers 8" pvi peers
	how="function=call_connect answer=-1000000" lies "connect -19" pvi connect "$b" $pin
}

# Nor one that says of c's pins that they are MSIs (2, of KVM_PVI_Q_GSI's KVM_PVI_Q_GSI_KIND): who waits for one, or
# to be told of peers, gets none, and none is given back that may be another driver's.
no_pins()
{
	local lines

	lines=$(run g_c "dmesg | grep -c kvm_pvi; true")
	lie function=pvi_query answer=2 only=-1,2,-1,1
	same "$(counts acpi_unregister_gsi pvi wait $pin watch)" 0
	same "$(run g_c cat /tmp/counted)" "wait -95
watch -95"
	same "$(lied)" 3
	honest
	same "$(run g_c "dmesg | grep -c kvm_pvi; true")" "$lines"
}

# c is told the same of what it may not ring and of what does not exist; and who waits there, that its host
# has gone.
third_guest()
{
	attach at_c --pid "$g_c" --uuid "$c" --expose $timer,$pin
	same "$(run g_c pvi ring "$b" $pin connect "$b" $pin ring "$b" 1 ring "${c%?}9" $pin peers)" \
		"ring -1
connect -1
ring -1
ring -1
peers 0"
	same "$(run g_a pvi ring "$c" $pin)" "ring -1"
	has "$(pvictl show "$c")" "$pin direct"
	timers_pin
	no_pins

	wakes g_c host wait $pin watch poll 4 poll 5 poll 6
	# shellcheck disable=SC2154 # attach() sets it
	kill "$at_c"
	same "$(woken g_c | sed 's/^poll [1-9]$/poll/')" "host 4
wait 5
watch 6
poll
poll
poll"
}

quiet_kernels()
{
	quiet g_a
	quiet g_c
}

# What else the driver's functions and its device do, in a guest that may ring itself.
itself()
{
	attach at_c --pid "$g_c" --uuid "$c" --expose $pin,65536,65537 --bell 65537 --allow "$c"
	pvictl allow --bell --flags 3 "$c" "$c" 0
	run g_c insmod /pvi_test_guest.ko || fail "$(run g_c 'dmesg | tail -n 20')"
	run g_c args_test
	run g_c dev_test
}

# b sleeps until something is said to it. Meanwhile a ring is recorded, and does not wake it; then it is as
# at another host, but for what was recorded.
suspended()
{
	wakes g_b host wait $virtual connect "$a" $pin poll 4 notify 0 connect "$a" $pin notify 1 poll 5
	await is_wired "$b" $virtual
	falls_asleep g_b
	await nothing_left "$b" $virtual
	same "$(run g_a pvi ring "$b" $virtual ring "$b" $virtual)" "ring 2
ring 1"
	nothing_left "$b" $virtual
	wakes_up g_b
	# Nobody waits in a, so what comes is recorded there.
	same "$(woken g_b | sed 's/^poll [1-9]$/poll/; s/^notify [012]$/notify/')" "host 4
wait 5
connect 0
poll
notify -6
connect 1
notify
poll"
	wakes g_b wait $virtual poll 4
	await is_wired "$b" $virtual
	same "$(run g_a pvi ring "$b" $virtual)" "ring 0"
	has "$(woken g_b)" "poll 1"
	quiet g_b
}

# It sleeps while its host goes: who waits hears of that when it wakes, for its module would not ask again.
unserved()
{
	wakes g_b wait $virtual host poll 5
	await is_wired "$b" $virtual
	falls_asleep g_b
	await nothing_left "$b" $virtual
	leave at_b
	wakes_up g_b
	has "$(woken g_b)" "poll"
	keep at_b "${at_b_args[@]::${#at_b_args[@]}-2}"
}

# notices COMMAND... - b, bound anew, has its module look for the host by the command, and a waiter is told
notices()
{
	wakes g_b host came 4
	leave at_b
	keep at_b "${at_b_args[@]::${#at_b_args[@]}-2}"
	"$@"
	has "$(woken g_b)" "came 1"
}

# Its module does not look by itself: an open, a wait, a new connection and a ring through an old one do. All
# but the first are made by a program that has had the device open before.
noticed()
{
	await run g_b rmmod kvm_pvi_guest
	run g_b "insmod /kvm_pvi_guest.ko check_seconds=3600; rm -f /tmp/go; mkfifo /tmp/go"
	run g_b "pvi poll 0 wait $pin poll 0 connect $a $pin poll 0 notify 0 poll 4 <>/tmp/go >/tmp/held 2>&1 &" \
		"holder=\$!; until grep -q poll /proc/\$holder/wchan; do usleep 20000; done"
	notices run g_b ": >/dev/kvm_pvi_guest"
	notices go g_b
	notices go g_b
	notices go g_b
	# shellcheck disable=SC2016 # the guest's shell knows it
	same "$(run g_b 'wait $holder; cat /tmp/held' | sed 's/^poll [1-9]$/poll/')" "poll
wait 4
poll
connect 0
poll
notify -6
poll"
}

# Unloaded, the driver leaves nothing armed, and starts anew when it is loaded.
reload()
{
	wakes g_b wait $virtual connect $a $pin poll 4
	wired "$b" $virtual
	refuses 1 "" run g_b rmmod kvm_pvi_guest
	run g_b 'kill $!; wait $!; rmmod kvm_pvi_guest'
	refuses 1 "is not so" wired "$b" $virtual
	json "$tmp/json" "it['ports'] == []"
	same "$(run g_a pvi ring "$b" $virtual)" "ring 2"
	run g_b insmod /kvm_pvi_guest.ko
	ring
}

# So does a guest that starts anew itself.
reboot()
{
	wakes g_b wait $virtual poll 4
	wired "$b" $virtual
	quiet g_b
	say g_b reboot -f
	booted g_b
	refuses 1 "is not so" wired "$b" $virtual
	run g_b insmod /kvm_pvi_guest.ko
	ring
	quiet g_b
}

pingpong()
{
	same "$(run g_a pvi wait $pin pingpong "$@" 20)" "wait 4
pingpong 20"
}

has_peers()
{
	[ "$(run g_a pvi peers)" = "peers $1" ]
}

# A virtual GSI is taken away under who waits for it, and exposed again: with it the host has forgotten the
# guest's MSI, of which it is told again by the guest's own look, some time.
exposed_anew()
{
	run g_b "pvi wait $virtual serve $a $pin 4 >/tmp/serve 2>&1 & true"
	pingpong "$b" $virtual 4
	pvictl unexpose "$b" $virtual
	same "$(run g_a pvi ring "$b" $virtual)" "ring -1"
	pvictl expose "$b" $virtual
	await is_wired "$b" $virtual
	pingpong "$b" $virtual 4
	run g_b killall pvi
}

# checks N - b's module has looked at least so often whether its GSIs are what they were
checks()
{
	[ "$(run g_b "awk '/pvi_check/ { print \$2 }' /sys/kernel/tracing/kprobe_profile")" -ge "$1" ]
}

# The same while nobody rings. Rings may have been dropped with what was taken away, so who waits is to look, once b's
# module has noticed both; and not before.
exposed_unrung()
{
	wakes g_b wait $virtual poll 4
	await is_wired "$b" $virtual
	pvictl unexpose "$b" $virtual
	run g_b "mount -t tracefs none /sys/kernel/tracing && cd /sys/kernel/tracing &&" \
		"echo p:pvi_check kvm_pvi_guest:pvi_irq_check >kprobe_events && echo 1 >events/kprobes/pvi_check/enable"
	await checks 2
	same "$(run g_b cat /tmp/out)" "wait 4"
	pvictl expose "$b" $virtual
	has "$(woken g_b)" "poll 1"
	run g_b "cd /sys/kernel/tracing && echo 0 >events/kprobes/pvi_check/enable && echo >kprobe_events &&" \
		"cd / && umount /sys/kernel/tracing"
}

# go NAME - what polls /tmp/go, its stdin, there goes on
go()
{
	run "$1" "printf '\\1\\0\\0\\0\\0\\0\\0\\0' >/tmp/go"
}

# Each is bound anew under its running guest, which waits, has ports and rings. Nobody is told by a
# call: b sleeps, and is found at what it waits for; a has other ports where the host had its old ones, one
# of them b's bell's, whose masks are forgotten. The memory of b's status word is sealed, so that b goes on
# without.
rebind()
{
	run g_a "pvi hammer $b $pin >/tmp/hammer 2>&1 & true"
	run g_b "pvi wait $virtual serve $a $pin 4 >/tmp/serve 2>&1 & true"
	wakes g_b host wait $pin watch wait $bell mask 0 0x20 0 came 4 poll 5 poll 6 poll 7
	run g_a "rm -f /tmp/go; mkfifo /tmp/go"
	wakes g_a host connect "$b" $bell send 0 0x10 poll 0 send 0 0x10 connect "$b" $bell \
		connect "$b" $virtual came 4 send 1 0x10 notify 2 connect "$b" $bell send 3 0x10 \
		connect "$b" $virtual disconnect 2 notify 4 "<>/tmp/go"
	pingpong "$b" $virtual 4
	leave at_b
	keep at_b "${at_b_args[@]::${#at_b_args[@]}-2}"
	has "$(woken g_b)" "mask 0" "came 1"
	await is_wired "$b" $virtual
	pingpong "$b" $virtual 4

	wakes g_b wait $bell poll 4 receive 0 0xff
	go g_a
	run g_a "until grep -q 'connect 2' /tmp/out; do usleep 20000; done"
	leave at_a
	keep at_a "${at_a_args[@]}"
	same "$(woken g_a)" "host 4
connect 0
send 1 0
poll 1
send -6 0
connect 1
connect 2
came 1
send -6 0
notify -6
connect 3
send 0 0
connect 4
disconnect 0
notify 0"
	has "$(woken g_b)" "receive 0 0x10"
	pingpong "$b" $virtual 4
	run g_a killall pvi
	run g_b killall pvi
	# The last ring of the hammer is owed.
	same "$(run g_b pvi wait $pin poll 4)" "wait 4
poll 1"
}

# a has a port to b and watches its peers when b's VMM is killed; with b its ivshmem goes, at the same
# time or a little later.
death()
{
	has_peers 2
	wakes g_a connect $b $pin notify 0 watch poll 4 notify 0 ring $b $pin
	kill -KILL "$g_b"
	same "$(woken g_a | sed 's/^poll [12]$/poll/')" "connect 0
notify 2
watch 4
poll
notify -6
ring -1"
	await has_peers 0
	await has_ended "$(cat "$kept/at_b.pid")"
	has "$(cat "$kept/at_b.log")" "process $g_b has ended"
}

# As run_tests.sh has done it
load_host()
{
	if [ -z "${PVI_MODULE:-}" ]; then
		modprobe kvm_pvi
	elif [ -e "/mnt$PVI_MODULE" ]; then
		insmod "/mnt$PVI_MODULE"
	else
		insmod "$PVI_MODULE"
	fi
}

# The host's module is unloaded and loaded again while a and c sleep, which have different kernels, and a
# rings in vain.
host_reload()
{
	local args=(--pid "$g_c" --uuid "$c" --expose "$pin,$bell,$virtual" --bell "$bell" --allow "$a" --allow-bell "$a:0")
	local args_a=(--pid "$g_a" --expose "$pin,$virtual" --allow "$c")

	keep at_c "${args[@]}"
	run g_a "pvi hammer $c $pin >/tmp/hammer 2>&1 & true"
	run g_c "pvi wait $virtual serve $a $pin 4 >/tmp/serve 2>&1 & true"
	wakes g_c host wait $bell mask 0 0x20 0 came 4 poll 5
	leave at_a
	keep at_a "${args_a[@]}"
	wakes g_a host wait $virtual connect "$c" $bell send 0 0x10 came 4 send 0 0x10 poll 5
	pingpong "$c" $virtual 4
	leave at_a
	leave at_c
	kill "$server_pid"
	await rmmod kvm_pvi
	load_host
	keep at_a "${args_a[@]}"
	keep at_c "${args[@]}"
	has "$(woken g_c)" "mask 0" "came 1"
	same "$(woken g_a | sed 's/^poll [1-9]$/poll/')" "host 4
wait 5
connect 0
send 1 0
came 1
send -6 0
poll"
	await is_wired "$c" $virtual
	pingpong "$c" $virtual 4
	wakes g_c wait $bell poll 4 receive 0 0xff
	same "$(run g_a pvi connect "$c" $bell send 0 0x10)" "connect 0
send 0 0"
	has "$(woken g_c)" "receive 0 0x10"
	wakes g_a wait $virtual poll 4
	same "$(run g_c pvi connect "$a" $virtual notify 0)" "connect 0
notify 0"
	has "$(woken g_a)" "poll 1"
	run g_a killall pvi
	run g_c killall pvi
	leave at_c
}

# c is saved with what it has at the host, and restored in another process: its ports are what they were, and
# so is its bell, with a flag that is set, and one that clears by itself.
saved()
{
	local vm_state="$here/vm_state.py"
	local args=(--pid "$g_c" --uuid "$c" --expose "$bell,$virtual" --bell "$bell" --allow "$c" --allow-bell "$c:0")

	keep at_c "${args[@]}"
	wakes g_c host wait $virtual wait $bell connect "$c" $virtual connect "$c" $bell mask 0 0x30 0x20 send 1 1 \
		came 4 notify 0 poll 5 send 1 2 send 1 0x20 receive 0 0xff poll 6
	python3 "$vm_state" save "$kept/c.qmp" "$(cat "$kept/at_c.pid")" "$tmp/c"
	await has_ended "$(cat "$kept/at_c.pid")"
	guest g_c $kernel_c "${c_args[@]}" -S -incoming defer -qmp "unix:$tmp/c.qmp,server=on,wait=off"
	await test -S "$tmp/c.qmp"
	python3 "$vm_state" load "$tmp/c.qmp" "$tmp/c"
	args[1]=$g_c
	keep at_c "${args[@]}"
	python3 "$vm_state" go "$tmp/c.qmp" "$(cat "$kept/at_c.pid")" "$tmp/c"
	same "$(woken g_c | sed 's/^poll [1-9]$/poll/')" "host 4
wait 5
wait 6
connect 0
connect 1
mask 0
send 1 0
came 1
notify 0
poll
send 1 0x1
send 0 0x3
receive 0 0x3
poll"
	quiet g_c
	panic
}

# nothing_left NAME GSI - the host has no place to deliver its rings to, nor a port of NAME
nothing_left()
(
	pvictl show --json "$1" >"$tmp/json"
	json "$tmp/json" "it['ports'] == [] and [g['wired'] for g in it['gsis'] if g['gsi'] == $2] == [False]"
)

# A kernel that panics leaves nothing behind at the host. It is what saved() has restored.
panic()
{
	wakes g_c wait $virtual connect "$c" $virtual poll 4
	await is_wired "$c" $virtual
	refuses 1 "is not so" nothing_left "$c" $virtual
	say g_c "echo c >/proc/sysrq-trigger"
	await nothing_left "$c" $virtual
	kill -KILL "$g_c"
}

# In the order of what they need: b is killed at last.
run_all()
{
	# shellcheck disable=SC2046 # they are words
	run_tests no_host names ring tool connection moved flags status ivshmem liar third_guest itself \
		exposed_anew $(long exposed_unrung) suspended unserved \
		$(long noticed) reload reboot rebind death host_reload quiet_kernels saved
}

start_guests()
{
	pvictl memory 1 >"$tmp/memory" &
	await test -s "$tmp/memory"
	memory=memory-backend-file,id=m,size=4K,share=on,mem-path=$(cat "$tmp/memory")

	pvi-ivshmem-server --socket "$tmp/socket" --size 4K --vectors 2 --uuid "$server" --allow "$a" \
		--peer "$a:$bottom" >"$tmp/server" &
	server_pid=$!
	await test -S "$tmp/socket"

	guest g_b newer -uuid "$b" -smp 2 -object "$memory" -device ivshmem-plain,memdev=m,addr=4 \
		-chardev "socket,path=$tmp/socket,id=s" -device ivshmem-doorbell,chardev=s,vectors=2,addr=5
	booted g_b
	at_b_args=(--pid "$g_b" --expose "$pin,$word,$bell,$virtual" --bell "$bell" --allow "$a"
		--allow-bell "$a:0" --status "$word:$(cat "$tmp/memory"):64")
	keep at_b "${at_b_args[@]}"
	guest g_a older -uuid "$a" -object "$memory,readonly=on" -device ivshmem-plain,memdev=m,addr=4
	c_args=(-smp 2 -object "memory-backend-file,id=ram,size=160M,share=on,mem-path=$tmp/c.ram"
		-machine memory-backend=ram)
	guest g_c $kernel_c "${c_args[@]}" -qmp "unix:$tmp/c.qmp,server=on,wait=off"
	booted g_a
	booted g_c
	at_a_args=(--pid "$g_a" --expose "$pin,$bottom" --allow "$b" --allow "$server:$bottom")
	keep at_a "${at_a_args[@]}"
	for guest in g_a g_b g_c; do
		run $guest insmod /kvm_pvi_guest.ko
	done
}

tmp=$(mktemp -d)
kept=$tmp
trap 'stop_jobs; rm -rf "$kept"' EXIT
set -e
start_guests
set +e
# Where bash would say that b was killed.
run_all 2>"$tmp/stderr"
