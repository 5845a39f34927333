#!/bin/sh
# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# pvictl events, and the names it reserves.

. "$(dirname "$0")/tools/enter.sh"
. "$(dirname "$0")/tools/lib.sh"
. "$(dirname "$0")/tools/delay.sh"

tracing=/sys/kernel/tracing
# What vmm and watch set.
vm_c='' job='' other='' third=''

# Start pvictl events, whose last event it names, as the variable $1; it has begun to watch.
watch()
{
	local name=$1 last=$2

	shift 2
	[ -d "$tracing/instances" ] || mount -t tracefs none "$tracing"
	pvictl events "$@" >"$tmp/$name.log" 2>&1 &
	declare -g "$name=$!"
	await grep -q 1 "$tracing/instances/pvictl-$!/events/kvm_pvi/kvm_pvi_$last/enable"
}

# End it. It has left nothing behind.
unwatch()
{
	kill "$1"
	unwatch_ended "$1"
}

unwatch_ended()
{
	wait "$1"
	[ ! -e "$tracing/instances/pvictl-$1" ] || fail "its instance of tracefs is left"
}

events()
{
	pair
	watch job notify
	tell vm_a "ring $b 20"
	tell vm_a "ring $b 22"
	vmm vm_c
	attach at_c --pid "$vm_c" --uuid "$c"
	kill -9 "$vm_c"
	await grep -q "died .*$c" "$tmp/job.log"
	unwatch "$job"
	has "$(cat "$tmp/job.log")" "rang      $a -> $b GSI 20: raised" \
		"refused   $a -> $b GSI 22: not allowed" "bound     $c" "died      $c"
	same "$(wc -l <"$tmp/job.log")" 4
}

# Beside UUIDs; who has died is still known.
named()
{
	vmm vm_a -name $'we"b' -uuid "$a"
	vmm vm_b -name db -uuid "$b"
	attach at_a --pid "$vm_a"
	watch job notify
	watch other notify --json
	attach at_b --pid "$vm_b" --expose 20 --allow "$a"
	tell vm_a "ring $b 20"
	kill -9 "$vm_b"
	await grep -q "died .*$b" "$tmp/job.log"
	await grep -q '"died".*'"$b" "$tmp/other.log"
	unwatch "$job"
	unwatch "$other"
	has "$(cat "$tmp/job.log")" "rang      $a (we\"b) -> $b (db) GSI 20: raised" "bound     $b (db)" "died      $b (db)"
	sed -e '1s/^/[/' -e '$!s/$/,/' -e '$s/$/]/' "$tmp/other.log" >"$tmp/json"
	json "$tmp/json" "[(e['event'], e.get('name'), e.get('from_name'), e.get('to_name')) for e in it] == \
		[('bound', 'db', None, None), ('rang', None, 'we\"b', 'db'), ('died', 'db', None, None)]"
}

as_json()
{
	pair
	watch job notify --json --count 2
	tell vm_a "ring $b 20"
	tell vm_a "ring $b 22"
	wait "$job"
	sed -e '1s/^/[/' -e '$!s/$/,/' -e '$s/$/]/' "$tmp/job.log" >"$tmp/json"
	json "$tmp/json" "[(e['event'], e['from'], e['to'], e['gsi'], e['result']) for e in it] == \
		[('rang', '$a', '$b', 20, 'raised'), ('refused', '$a', '$b', 22, 'not allowed')]"
	json "$tmp/json" "1e9 < it[0]['time'] <= it[1]['time']"
}

some()
{
	pair
	vmm vm_c
	watch job notify "$b"
	watch other notify --json "$c"
	watch third deny --no-rings
	tell vm_a "ring $b 20"
	attach at_c --pid "$vm_c" --uuid "$c"
	tell vm_a "ring $b 22"
	await grep -q refused "$tmp/job.log"
	await grep -q refused "$tmp/third.log"
	await grep -q bound "$tmp/other.log"
	unwatch "$job"
	unwatch "$other"
	unwatch "$third"
	same "$(cut -c 14-20 "$tmp/job.log" | xargs)" "rang refused"
	same "$(cut -c 14-20 "$tmp/third.log" | xargs)" "bound refused"
	json "$tmp/other.log" "(it['event'], it['uuid']) == ('bound', '$c')"
}

throttled()
{
	pair
	pvictl allow "$b" "$a" 22 --rate 1
	watch job notify --json "$a"
	while [ "$(tell vm_a "ring $b 22")" -eq 0 ]; do
		continue
	done
	await grep -q throttled "$tmp/job.log"
	unwatch "$job"
	grep throttled "$tmp/job.log" >"$tmp/json"
	json "$tmp/json" "it['event'] == 'refused' and it['gsi'] == 22"
}

# An eventfd behind a port.
signalled()
{
	watch job notify
	python3 - <<'PYTHON'
import ctypes, uuid
lib = ctypes.CDLL("libpvi.so.0")
pvi = lib.pvi_enrol(-1, uuid.UUID("cccccccc-0000-4000-8000-000000000003").bytes)
lib.pvi_set_port(pvi, 3, ctypes.CDLL(None).eventfd(0, 0))
lib.pvi_notify(pvi, 3)
PYTHON
	await grep -q died "$tmp/job.log"
	unwatch "$job"
	has "$(cat "$tmp/job.log")" "signalled $c port 3"
}

# An event's time is when it was, not when it was read.
time_of_event()
{
	pair
	watch job notify --json --count 1
	kill -STOP "$job"
	tell vm_a "ring $b 20"
	date +%s.%N >"$tmp/after"
	sleep 3
	kill -CONT "$job"
	wait "$job"
	json "$tmp/job.log" "it['event'] == 'rang' and $(cat "$tmp/after") - 600 < it['time'] < $(cat "$tmp/after") + 1"
}

# Another's trace makes the kernel know names of processes. They are no events.
names_in_the_trace()
{
	watch job notify --count 1
	mkdir "$tracing/instances/other"
	echo 1 >"$tracing/instances/other/events/kvm_pvi/enable"
	python3 - <<-'PYTHON'
		import ctypes, uuid
		lib = ctypes.CDLL("libpvi.so.0")
		ctypes.CDLL(None).prctl(15, b"x\n: kvm_pvi_x: ")
		lib.pvi_enrol(-1, uuid.UUID("cccccccc-0000-4000-8000-000000000003").bytes)
	PYTHON
	wait "$job"
	rmdir "$tracing/instances/other"
	has "$(cat "$tmp/job.log")" "bound     $c"
	same "$(wc -l <"$tmp/job.log")" 1
}

# A VMM that keeps who reads its name waiting keeps nobody from ending it, nor leaves anything behind.
interrupted()
{
	vmm vm_a -name web -uuid "$a"
	attach at_a --pid "$vm_a"
	[ -d "$tracing/instances" ] || mount -t tracefs none "$tracing"
	stall
	with_stalled "$vm_a" pvictl events >"$tmp/job.log" 2>&1 &
	job=$!
	await test -e "$tmp/stalled"
	ends "$job"
	unwatch_ended "$job"
}

# Killed, it cannot clean up: the next one does.
leftovers()
{
	watch job notify
	kill -9 "$job"
	wait "$job" || same "$?" 137
	[ -d "$tracing/instances/pvictl-$job" ]
	watch other notify
	[ ! -e "$tracing/instances/pvictl-$job" ]
	unwatch "$other"
}

# Its reader goes: it ends with the next event.
no_reader()
{
	pair
	[ -d "$tracing/instances" ] || mount -t tracefs none "$tracing"
	mkfifo "$tmp/out"
	pvictl events >"$tmp/out" &
	true <"$tmp/out"
	await grep -q 1 "$tracing/instances/pvictl-$!/events/kvm_pvi/kvm_pvi_notify/enable"
	tell vm_a "ring $b 20"
	wait "$!"
	[ ! -e "$tracing/instances/pvictl-$!" ]
}

refused()
{
	refuses 5 "no VM is called 'x'" pvictl events x
	refuses 2 "too many arguments" pvictl events "$a" "$b"
	refuses 3 "only root may" setpriv --reuid 12345 --clear-groups pvictl events
}

reserve()
{
	vmm vm_a
	pvictl reserve "$a" nobody
	refuses 3 "reserved for another user" pvictl attach --pid "$vm_a" --uuid "$a"
	pvictl reserve "$a" 0
	attach at_a --pid "$vm_a" --uuid "$a"
	pvictl unreserve "$a"
	refuses 5 "it is not reserved" pvictl unreserve "$a"
	refuses 1 "must not be all zeroes" pvictl reserve 00000000-0000-0000-0000-000000000000 0
	refuses 2 "there is no user 'no-one'" pvictl reserve "$a" no-one
	refuses 2 "the uid must be" pvictl reserve "$a" 4294967295
	refuses 2 "which UUID, for which user?" pvictl reserve "$a"
	refuses 2 "which UUID?" pvictl unreserve
	refuses 2 "too many arguments: '0'" pvictl unreserve "$a" 0
	chmod 666 /dev/kvm_pvi
	refuses 3 "only root may" setpriv --reuid 12345 --clear-groups pvictl reserve "$a" 12345
	chmod 660 /dev/kvm_pvi
}

run_tests events named as_json some throttled signalled time_of_event names_in_the_trace interrupted leftovers no_reader refused reserve
