#!/bin/sh
# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# pvictl: what is changed of endpoints that are bound.

. "$(dirname "$0")/tools/enter.sh"
. "$(dirname "$0")/tools/lib.sh"
. "$(dirname "$0")/tools/delay.sh"

gsis()
{
	pvictl show --json "$1" >"$tmp/json"
	python3 -c 'import json, sys
print(*("%d%s%s" % (g["gsi"], g["kind"][0], "" if g["bell"] is None else g["bell"])
	for g in json.load(open(sys.argv[1]))["gsis"]))' "$tmp/json"
}

exposing()
{
	pair
	pvictl expose --rate 1000 "$b" 16-17,65537
	same "$(gsis "$b")" "16d 17d 20d 22d 65536m 65537m"
	refuses 1 "it is exposed already" pvictl expose "$b" 16
	refuses 2 "the range 5-3 ends before it begins" pvictl expose "$b" 18,5-3
	same "$(gsis "$b")" "16d 17d 20d 22d 65536m 65537m"
	pvictl bell "$b" 3 17
	same "$(gsis "$b")" "16d 17d3 20d 22d 65536m 65537m"
	refuses 1 "it has one" pvictl bell "$b" 4 17
	pvictl unexpose "$b" 16,17,20
	same "$(gsis "$b")" "22d 65536m 65537m"
	same "$(tell vm_a "ring $b 20")" -1
	refuses 5 "there is none" pvictl unexpose "$b" 20
	refuses 2 "which VM, which GSI?" pvictl unexpose "$b"
}

ports()
{
	local port

	pair
	refuses 3 "the receiver does not allow it" pvictl port "$a" "$b" 22
	port=$(pvictl port "$a" "$b" 20)
	same "$port" 0
	pvictl show --json "$a" >"$tmp/json"
	json "$tmp/json" "[(p['port'], p['state'], p['gsi'], p['receiver']) for p in it['ports']] == \
		[(0, 'live', 20, '$b')]"
	pvictl port "$a" close 0
	refuses 5 "cannot close port 0" pvictl port "$a" close 0
	has "$(pvictl show "$a")" "Ports: none"
}

freezing()
{
	pair
	pvictl freeze "$b"
	same "$(tell vm_a "ring $b 20")" -11
	pvictl list --json >"$tmp/json"
	json "$tmp/json" "[e['state'] for e in it['endpoints']] == ['bound', 'frozen']"
	refuses 4 "not rung" pvictl ring --from "$a" "$b" 20
	pvictl thaw "$b"
	same "$(tell vm_a "ring $b 20")" 0
	pvictl kick "$b" 20
}

# What is owed to a guest goes with it to another endpoint.
saving()
{
	pair
	pvictl allow "$a" to "$b" gsi 65536
	same "$(tell vm_a "ring $b 65536")" 2
	pvictl save "$b" "$tmp/state"
	# What is no file is not replaced by one
	ln -s /proc/self/fd/1 "$tmp/stdout"
	pvictl save "$b" "$tmp/stdout" | cmp - "$tmp/state"
	echo before >"$tmp/saved"
	pvictl save "$b" "$tmp/stdout" >>"$tmp/saved"
	{ echo before; cat "$tmp/state"; } | cmp - "$tmp/saved"
	[ -L "$tmp/stdout" ]
	same "$(stat -c %a "$tmp/state")" 600
	kill "$at_b"
	await grep -q . <(pvictl list --json | grep -v "$b")
	attach at_b2 --pid "$vm_b" --uuid "$b" --expose 20,22,65536
	refuses 1 "that is not what 'pvictl save' wrote" pvictl restore "$b" /etc/passwd
	pvictl restore "$b" "$tmp/state"
	pvictl show --json "$b" >"$tmp/json"
	json "$tmp/json" "[g['latched'] for g in it['gsis']] == [False, False, True]"
	refuses 5 "$tmp/none" pvictl restore "$b" "$tmp/none"
	refuses 5 "$tmp/none/x" pvictl save "$b" "$tmp/none/x"
	pvictl thaw "$b"
}

detaching()
{
	pair
	pvictl detach "$b"
	same "$(tell vm_a "ring $b 20")" -1
	refuses 5 "no endpoint is bound to $b" pvictl detach "$b"
	kill -0 "$vm_b"
	# One that a VMM has bound itself is not ours to end.
	cat >"$tmp/program.py" <<-'PYTHON'
		import ctypes, signal, uuid
		lib = ctypes.CDLL("libpvi.so.0")
		assert lib.pvi_enrol(-1, uuid.UUID("cccccccc-0000-4000-8000-000000000003").bytes) >= 0
		print("ready", flush=True)
		signal.pause()
	PYTHON
	python3 "$tmp/program.py" >"$tmp/host" &
	await grep -q ready "$tmp/host"
	refuses 3 "it is that one's to end" pvictl detach "$c"
}

# Who looks for an endpoint takes nothing else that is called kvm_pvi, and has not to wait for its file system.
called_so()
{
	local program job

	load_delay
	cat >"$tmp/program.py" <<-'PYTHON'
		import ctypes, signal, uuid
		# It stays open, so that the endpoint comes behind what is called so.
		close = open("/sys/module/pvi_test_delay/parameters/close", "w")
		close.write("2")
		close.flush()
		lib = ctypes.CDLL("libpvi.so.0")
		assert lib.pvi_enrol(-1, uuid.UUID("cccccccc-0000-4000-8000-000000000003").bytes) >= 0
		print("ready", flush=True)
		signal.pause()
	PYTHON
	python3 "$tmp/program.py" >"$tmp/host" &
	program=$!
	await grep -q ready "$tmp/host"
	same "$(find "/proc/$program/fd" -lname '*/kvm_pvi' | wc -l)" 2
	pvictl allow "$a" to "$c" gsi 7 &
	job=$!
	await test ! -e "/proc/$job"
	wait "$job"
	echo 0 >/sys/module/pvi_test_delay/parameters/close
	kill "$program"
	await rmmod pvi_test_delay
}

waiting()
{
	local job

	pair
	pvictl wait --allow "$a" --count 2 "$c" 7 >"$tmp/text" &
	job=$!
	await pvictl show "$c"
	same "$(tell vm_a "ring $c 7")" 0
	await grep -q "GSI 7: 1" "$tmp/text"
	same "$(tell vm_a "ring $c 8")" -1
	same "$(tell vm_b "ring $c 7")" -1
	same "$(tell vm_a "ring $c 7")" 0
	wait "$job"
	same "$(wc -l <"$tmp/text")" 2
	refuses 1 "cannot be $a" pvictl wait "$a" 7
	refuses 2 "under which UUID, on which GSI?" pvictl wait "$c"
}

run_tests exposing ports freezing saving detaching called_so waiting
