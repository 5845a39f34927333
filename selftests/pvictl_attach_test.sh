#!/bin/sh
# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# pvictl attach: from which processes it takes which VM, what it leaves behind, and how systemd
# sees it.

. "$(dirname "$0")/tools/enter.sh"
. "$(dirname "$0")/tools/lib.sh"
. "$(dirname "$0")/tools/delay.sh"

# QEMU's -uuid is the name, byte by byte as it is printed.
name_of_qemu()
{
	vmm vm_a -name guest -uuid "${a^^}"
	attach at_a --pid "$vm_a"
	has "$(pvictl list --noheadings)" "$a guest bound"
	has "$(cat "$tmp/at_a.log")" "process $vm_a (vmm) is $a"
}

# The arguments, on one line: what does a QEMU with them say its UUID is?
ask_qemu()
{
	printf 'info uuid\nquit\n' | qemu-system-x86_64 -S -accel tcg -machine pc -m 16 -nodefaults \
		-no-user-config -display none -monitor stdio "$@" 2>&1 |
		grep -o -E '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}'
}

# Of several the last one, and an argument that looks like an option is none: as QEMU has it.
last_name()
{
	local line args

	while read -r line; do
		read -ra args <<<"$line"
		same "$(ask_qemu "${args[@]}")" "$c"
		rm -f "$tmp/vm_a.in" "$tmp/vm_a.out" "$tmp/at_a.log"
		vmm vm_a "${args[@]}"
		attach at_a --pid "$vm_a"
		has "$(cat "$tmp/at_a.log")" "process $vm_a (vmm) is $c"
		kill "$at_a"
		wait "$at_a"
		kill -KILL "$vm_a"
	done <<-EOF
		-uuid $a -uuid $c
		-uuid $a -name web --uuid ${c^^}
		-name -uuid -uuid $c
		-no-reboot -uuid $c -name -uuid -rtc base=utc
		-uuid $c -smbios type=1,serial=$a
		-uuid $a -smbios type=1,serial=1,,uuid=$b,uuid=$c
		-smbios type=0x1,uuid=$a,uuid=$c
		-smbios type=1,uuid=$a -uuid $c
		-uuid $c -smbios type=3,serial=x
	EOF
}

# What a process says of itself is text, whatever it says.
hostile_name()
{
	cat >"$tmp/program.py" <<-'PYTHON'
		import ctypes, os, signal, uuid
		lib = ctypes.CDLL("libpvi.so.0")
		ctypes.CDLL(None).prctl(15, b"\x1b[2J\n\xff\\x\xc3\xa4\xe2\x80\xae")
		pvi = lib.pvi_enrol(-1, uuid.UUID("cccccccc-0000-4000-8000-000000000003").bytes)
		print("ready", flush=True)
		signal.pause()
	PYTHON
	python3 "$tmp/program.py" >"$tmp/host" &
	await grep -q ready "$tmp/host"
	pvictl list --json >"$tmp/json"
	json "$tmp/json" "it['endpoints'][0]['command'] == r'\033[2J\012\377\134x' + chr(0xe4) + r'\342\200\256'"
	has "$(LC_ALL=C.UTF-8 pvictl list)" '\033[2J\012\377\134xä\342\200\256'
	vmm vm_b -uuid $'\e]0;x\a'
	refuses 1 "its -uuid '\\033]0;x\\007' is not a UUID" pvictl attach --pid "$vm_b"
}

no_name()
{
	vmm vm_a -uuid
	refuses 1 "has no -uuid among its arguments" pvictl attach --pid "$vm_a"
	vmm vm_b -uuid 1234
	refuses 1 "its -uuid '1234' is not a UUID" pvictl attach --pid "$vm_b"
	refuses 1 "must not be all zeroes" \
		pvictl attach --pid "$vm_a" --uuid 00000000-0000-0000-0000-000000000000
}

wrong_process()
{
	refuses 2 "which process?" pvictl attach
	refuses 2 "a PID must be a number" pvictl attach --pid qemu
	refuses 5 "there is no such process" pvictl attach --pid 4000000 --uuid "$a"
	refuses 5 "has no VM" pvictl attach --pid $$ --uuid "$a"
	refuses 5 "cannot take descriptor 99" pvictl attach --pid $$ --fd 99 --uuid "$a"
	refuses 1 "a UUID must not" pvictl attach --pid $$ --fd 0 --uuid "$a"
}

pid_file()
{
	vmm vm_a
	refuses 5 "No such file" pvictl attach --pid-file "$tmp/pid"
	: >"$tmp/pid"
	refuses 1 "there is no PID in it" pvictl attach --pid-file "$tmp/pid"
	echo "$vm_a" >"$tmp/pid"
	attach at_a --pid-file "$tmp/pid" --uuid "$a"
	has "$(cat "$tmp/at_a.log")" "process $vm_a (vmm) is $a"
}

# Two descriptors of one VM are no question, two VMs are.
which_vm()
{
	local second

	vmm vm_a
	tell vm_a dup
	attach at_a --pid "$vm_a" --uuid "$a"
	second=$(tell vm_a vm)
	refuses 1 "has 2 VMs: say which with --fd" pvictl attach --pid "$vm_a" --uuid "$b"
	attach at_b --pid "$vm_a" --uuid "$b" --fd "$second"
	same "$(pvictl list --noheadings | wc -l)" 2
}

taken()
{
	vmm vm_a
	vmm vm_b
	attach at_a --pid "$vm_a" --uuid "$a"
	refuses 1 "is bound already" pvictl attach --pid "$vm_a" --uuid "$b"
	refuses 1 "is bound already" pvictl attach --pid "$vm_b" --uuid "$a"
	# What failed has left nothing.
	attach at_b --pid "$vm_b" --uuid "$b"
}

expose()
{
	local bare

	vmm vm_a
	attach at_a --pid "$vm_a" --uuid "$a" --expose 16-18,20 --expose 65536
	same "$(pvictl show "$a" | grep -c direct)" 4
	refuses 2 "ends before it begins" pvictl attach --pid "$vm_a" --expose 20-16
	refuses 2 "a GSI must be a number" pvictl attach --pid "$vm_a" --expose 16,
	refuses 5 "no VM is called 'x'" pvictl attach --pid "$vm_a" --allow x:20
	refuses 2 "a GSI must be a number" pvictl attach --pid "$vm_a" --allow "$a:"

	vmm vm_b
	refuses 1 "cannot expose GSI 16: it is exposed already" \
		pvictl attach --pid "$vm_b" --uuid "$b" --expose 16,16
	refuses 5 "cannot make a bell over GSI 17: it is not exposed" \
		pvictl attach --pid "$vm_b" --uuid "$b" --expose 16 --bell 17
	refuses 2 "a bell must be a number" pvictl attach --pid "$vm_b" --allow-bell "$a"
	refuses 1 "GSIs are 0 to 4095" pvictl attach --pid "$vm_b" --uuid "$b" --expose 5000
	bare=$(tell vm_b bare)
	refuses 1 "the VM has no in-kernel LAPIC" \
		pvictl attach --pid "$vm_b" --fd "$bare" --uuid "$b" --expose 16
}

# What is allowed is limited by the words of pvictl allow, each behind what it is of.
limits()
{
	vmm vm_a -name web -uuid "$a"
	vmm vm_b
	attach at_b --pid "$vm_b" --uuid "$b" --expose 20,22 --bell 22 --allow web:20 rate 5 burst 9 owner root \
		--allow "$c" rate 7 --allow-bell web:0 flags 0xff owner 12345 --allow "$c:20"
	pvictl show --json "$b" >"$tmp/json"
	json "$tmp/json" "sorted((s['sender'], s['kind'], s['gsi'], s['rate'], s['burst'], s['owner']) for s in it['senders']) == \
		sorted([('$a', 'gsi', '20', 5, 9, 0), ('$c', 'gsi', 'any', 7, 7, None), ('$a', 'bell', '0', None, None, 12345), \
		('$c', 'gsi', '20', None, None, None)])"
	refuses 2 "'rate' wants a value" pvictl attach --pid "$vm_a" --allow "$c:20" rate
	refuses 2 "'rate' wants a value" pvictl attach --pid "$vm_a" --allow "$c:20" rate --allow "$b"
	refuses 2 "'speed' is none of flags, rate, burst, owner" pvictl attach --pid "$vm_a" --allow "$c:20" speed 3
	refuses 2 "the rate must be a number" pvictl attach --pid "$vm_a" --allow "$c:20" rate x
	refuses 2 "flags are a bell's" pvictl attach --pid "$vm_a" --allow "$c:20" flags 3
	refuses 2 "too many arguments: 'rate'" pvictl attach --pid "$vm_a" rate 3 --allow "$c:20"
}

# As long as its guest does not look, one ring is owed and no more are made.
status()
{
	local file

	pvictl memory 1 >"$tmp/path" &
	await test -s "$tmp/path"
	file=$(cat "$tmp/path")
	vmm vm_a
	attach at_a --pid "$vm_a" --uuid "$a" --expose 20,21 --status "20:$file:64"
	same "$(pvictl ring "$a" 20)" raised
	has "$(pvictl ring "$a" 20)" coalesced
	same "$(pvictl ring "$a" 21)" raised
	pvictl show --json "$a" >"$tmp/json"
	json "$tmp/json" "[(g['gsi'], g['status']) for g in it['gsis']] == [(20, True), (21, False)]"
	same "$(od -A n -t u4 -j 64 -N 4 "$file" | tr -d ' ')" 1
	# Nobody else can write it.
	refuses 1 "Operation not permitted" dd if=/dev/zero "of=$file" bs=64 count=1 conv=notrunc

	vmm vm_b
	refuses 1 "is sealed already" \
		pvictl attach --pid "$vm_b" --uuid "$b" --expose 20 --status "20:$file"
	truncate -s 4096 /dev/shm/status
	refuses 3 "senders could write it" \
		pvictl attach --pid "$vm_b" --uuid "$b" --expose 20 --status 20:/dev/shm/status
	refuses 1 "a multiple of 64" \
		pvictl attach --pid "$vm_b" --uuid "$b" --expose 20 --status 20:/dev/shm/status:1
	refuses 5 "it is not exposed" \
		pvictl attach --pid "$vm_b" --uuid "$b" --unsealed --status 20:/dev/shm/status
	refuses 5 "No such file" \
		pvictl attach --pid "$vm_b" --uuid "$b" --expose 20 --status 20:/dev/shm/none
	refuses 2 "--status wants a GSI" pvictl attach --pid "$vm_b" --status 20
	attach at_b --pid "$vm_b" --uuid "$b" --expose 20 --unsealed --status 20:/dev/shm/status
	rm /dev/shm/status
	refuses 2 "how many pages?" pvictl memory
}

# The VMM ends: so does the endpoint, and the command, in peace.
vmm_ends()
{
	vmm vm_a
	vmm vm_b
	attach at_a --pid "$vm_a" --uuid "$a" --expose 20 --allow "$b"
	attach at_b --pid "$vm_b" --uuid "$b"
	same "$(tell vm_b "ring $a 20")" 0
	kill -KILL "$vm_a"
	wait "$at_a"
	has "$(cat "$tmp/at_a.log")" "process $vm_a has ended"
	same "$(tell vm_b "ring $a 20")" -1
	same "$(pvictl list --noheadings | wc -l)" 1
}

# The command ends: the VM goes on as if nothing had been.
attach_ends()
{
	local signal irqs=0

	vmm vm_a
	for signal in TERM INT HUP; do
		attach at_a --pid "$vm_a" --uuid "$a" --expose 20 --allow "$a"
		same "$(tell vm_a "ring $a 20")" 0
		irqs=$((irqs + 1))
		same "$(tell vm_a "irqs 20")" "$irqs"
		kill "-$signal" "$at_a"
		wait "$at_a"
		same "$(tell vm_a "ring $a 20")" -1000
	done
}

# A signal ends it wherever a VMM keeps it waiting: when its name is read,
interrupted()
{
	local job

	vmm vm_a -uuid "$a"
	stall
	with_stalled "$vm_a" pvictl attach --pid "$vm_a" >"$tmp/log" 2>&1 &
	job=$!
	await test -e "$tmp/stalled"
	ends "$job"
	refuses 5 "no endpoint is bound" pvictl show "$a"
}

# when it has the endpoint's lock while the command ends, or another one wants the name behind that.
interrupted_by_lock()
{
	local job

	load_delay
	vmm vm_a
	vmm vm_b
	attach at_a --pid "$vm_a" --uuid "$a"
	hold_lock_of "$at_a" "$a"
	ends "$at_a"
	pvictl attach --pid "$vm_b" --uuid "$a" >"$tmp/log" 2>&1 &
	job=$!
	await is_in_bind "$job"
	ends "$job"
	pvictl wait "$a" 7 >"$tmp/log" 2>&1 &
	job=$!
	await is_in_bind "$job"
	ends "$job"
	let_lock
	attach at_b --pid "$vm_b" --uuid "$a" --expose 20
	rmmod pvi_test_delay
}

# is_in_bind PID - it waits there
is_in_bind()
{
	grep -q pvi_life_bind "/proc/$1/stack"
}

# Type=notify: READY=1 when everything is set up, and not before.
notifies_systemd()
{
	vmm vm_a
	python3 - "$tmp/notify" "$vm_a" "$a" <<'PYTHON'
import os, socket, subprocess, sys
path, pid, uuid = sys.argv[1:]
notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
notify.bind(path)
attach = subprocess.Popen(["pvictl", "attach", "--pid", pid, "--uuid", uuid, "--expose", "20"],
                          env=os.environ | {"NOTIFY_SOCKET": path}, stdout=subprocess.DEVNULL)
ready = notify.recv(1000).decode().split("\n")
assert ready[0] == "READY=1" and uuid in ready[1], ready
shown = subprocess.run(["pvictl", "show", uuid], capture_output=True, check=True)
assert b"20 direct" in shown.stdout, shown.stdout
attach.terminate()
assert notify.recv(1000) == b"STOPPING=1"
assert attach.wait() == 0
PYTHON
}

# It belongs to whoever runs the VMM. Other files in /proc of a process that forbids its core dump are root's.
owner()
{
	chmod 666 /dev/kvm
	VMM_AS="setpriv --reuid 12345 --clear-groups" vmm vm_a
	chmod 660 /dev/kvm
	same "$(tell vm_a hide)" 0
	attach at_a --pid "$vm_a" --uuid "$a"
	vmm vm_b
	attach at_b --pid "$vm_b" --uuid "$b" --expose 20
	pvictl allow "$a" to "$b" gsi 20 owner root
	same "$(tell vm_a "ring $b 20")" -1
	pvictl allow "$a" to "$b" gsi 20 owner 12345
	same "$(tell vm_a "ring $b 20")" 0
}

# What a process was only given is not its own, nor is it the user's whose privileges it has.
inherited()
{
	local pid

	vmm vm_a
	pid=$(tell vm_a "lend $b")
	refuses 5 "the VM is another one's" pvictl attach --pid "$pid"
	kill "$pid"
	VMM_AS="setpriv --ruid 12345" vmm vm_b -uuid "$b"
	refuses 3 "another user's privileges" pvictl attach --pid "$vm_b"
	refuses 5 "no endpoint is bound" pvictl show "$b"
}

# What the systemd unit leaves to it is enough, for another user's VMM too.
few_capabilities()
{
	local unit=${PVI_TOOLS:-}/usr/lib/systemd/system/kvm-pvi-attach@.service bounding

	bounding=$(sed -n 's/^CapabilityBoundingSet=//p' "$unit" | tr 'A-Z ' 'a-z,' |
		sed 's/cap_/+/g')
	chmod 666 /dev/kvm
	VMM_AS="setpriv --reuid 12345 --clear-groups" vmm vm_a
	chmod 660 /dev/kvm
	setpriv --no-new-privs --bounding-set "-all,$bounding" \
		pvictl attach --pid "$vm_a" --uuid "$a" --expose 20 >"$tmp/log" 2>&1 &
	await grep -q "is $a" "$tmp/log"
}

run_tests name_of_qemu ${PVI_LONG:+last_name} hostile_name no_name wrong_process pid_file which_vm taken expose limits status vmm_ends attach_ends \
	interrupted interrupted_by_lock notifies_systemd owner inherited few_capabilities
