#!/bin/sh
# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# pvictl: who may ring whom, changed while guests ring.

. "$(dirname "$0")/tools/enter.sh"
. "$(dirname "$0")/tools/lib.sh"

vm_c=''

guests_ring()
{
	pair
	same "$(tell vm_a "ring $b 20")" 0
	same "$(tell vm_b "irqs 20")" 1
	same "$(tell vm_a "ring $b 22")" -1
	same "$(tell vm_b "ring $a 20")" -1
	same "$(tell vm_b "irqs 22")" 0
}

allow()
{
	pair
	pvictl allow "$b" "$a" 22
	same "$(tell vm_a "ring $b 22")" 0
	pvictl revoke "$b" "$a" 22
	same "$(tell vm_a "ring $b 22")" -1
	refuses 5 "it was not allowed like that" pvictl revoke "$b" "$a" 22

	pvictl allow "$b" "$a" any
	same "$(tell vm_a "ring $b 22")" 0
	pvictl revoke "$b" "$a" --all
	same "$(tell vm_a "ring $b 20")" -1
	refuses 1 "must not be all zeroes" pvictl allow "$b" 00000000-0000-0000-0000-000000000000 20
}

throttled()
{
	[ "$(tell vm_a "ring $b 22")" -eq -11 ]
}

allow_rate()
{
	pair
	pvictl allow "$b" "$a" 22 --rate 1
	same "$(tell vm_a "ring $b 22")" 0
	await throttled
	refuses 1 "a rate needs a burst" pvictl allow "$b" "$a" 22 --burst 1
}

# Where a program has to tell them apart: come again, or ask for permission.
statuses()
{
	pair
	same "$(pvictl ring "$b" 20 --from "$a")" raised
	refuses 3 "does not allow it" pvictl ring "$b" 22 --from "$a"
	refuses 5 "no endpoint is bound" pvictl ring "$b" 20 --from "$c"
	refuses 2 "which receiver" pvictl ring
	refuses 1 "modprobe kvm_pvi" unshare --mount \
		sh -c "mount -t tmpfs none /dev && exec pvictl reserve $c 0"

	cat >"$tmp/program.py" <<-PYTHON
		import ctypes, signal, uuid
		lib = ctypes.CDLL("libpvi.so.0")
		pvi = lib.pvi_enrol(-1, uuid.UUID("$c").bytes)
		assert not lib.pvi_expose(pvi, 7, 1, None)
		assert not lib.pvi_allow(pvi, uuid.UUID("$a").bytes, 7, None)
		assert lib.pvi_save_state(pvi, ctypes.byref(ctypes.c_void_p())) > 0
		print("frozen", flush=True)
		signal.pause()
	PYTHON
	python3 "$tmp/program.py" >"$tmp/host" &
	await grep -q frozen "$tmp/host"
	refuses 4 "or the receiver is frozen" pvictl ring "$c" 7 --from "$a"
}

# The owner of what root attaches is the VMM's.
allow_owner()
{
	pair
	pvictl allow "$b" "$a" 22 --owner 12345
	same "$(tell vm_a "ring $b 22")" -1
	pvictl allow "$b" "$a" 22 --owner "$(id -u)"
	same "$(tell vm_a "ring $b 22")" 0

	chmod 666 /dev/kvm
	VMM_AS="setpriv --reuid 12345 --clear-groups" vmm vm_c
	chmod 660 /dev/kvm
	attach at_c --pid "$vm_c" --uuid "$c"
	pvictl allow "$b" "$c" 22 --owner 12345
	same "$(tell vm_c "ring $b 22")" 0
}

ring()
{
	pair
	same "$(pvictl ring "$b" 22)" raised
	same "$(tell vm_b "irqs 22")" 1
	has "$(pvictl ring "$b" 0x10000)" latched
	refuses 3 "has not exposed that GSI" pvictl ring "$b" 23
	# It has left nothing behind.
	same "$(pvictl show --json "$b" | grep -c '"sender"')" 1
	same "$(pvictl list --noheadings | wc -l)" 2

	same "$(pvictl ring "$b" 20 --from "$a")" raised
	refuses 3 "the receiver does not allow it" pvictl ring "$b" 22 --from "$a"
}

# Bell 0 over pin 21, bell 1 over pin 22.
bell()
{
	vmm vm_a
	vmm vm_b
	attach at_a --pid "$vm_a" --uuid "$a"
	attach at_b --pid "$vm_b" --uuid "$b" --expose 20-22 --bell 21 --bell 22 --allow-bell "$a:0"
	same "$(pvictl ring "$b" 21 --from "$a" --flags 0x5)" raised
	has "$(pvictl ring "$b" 21 --from "$a" --flags 0x5)" coalesced
	refuses 3 "does not allow it" pvictl ring "$b" 22 --from "$a" --flags 1
	pvictl allow --bell --flags 0xf0 "$b" "$a" 1
	same "$(pvictl ring "$b" 22 --from "$a" --flags 0x10)" raised
	refuses 3 "does not allow it" pvictl ring "$b" 22 --from "$a" --flags 1
	pvictl show --json "$b" >"$tmp/json"
	json "$tmp/json" "[(g['gsi'], g['bell']) for g in it['gsis']] == [(20, None), (21, 0), (22, 1)]"
	json "$tmp/json" "[(s['kind'], s['gsi']) for s in it['senders']] == [('bell', '0'), ('bell', '1')]"
	pvictl revoke --bell "$b" "$a" 1
	refuses 3 "does not allow it" pvictl ring "$b" 22 --from "$a" --flags 0x10

	same "$(pvictl ring "$b" 22 --flags 1)" raised
	refuses 5 "there is no bell over GSI 20" pvictl ring "$b" 20 --flags 1
	refuses 3 "a bell is over it (--flags)" pvictl ring "$b" 21
	pvictl allow "$b" "$a" 20
	refuses 1 "there is no bell for --flags" pvictl ring "$b" 20 --from "$a" --flags 1
	refuses 2 "the flags must be a number" pvictl ring "$b" 21 --flags 0
	refuses 2 "flags are a bell's" pvictl allow --flags 1 "$b" "$a" 1
	refuses 2 "either a GSI or a bell or --all" pvictl revoke --all --bell "$b" "$a" 1
}

# A process that is an endpoint by itself: nobody attached it. Its only sender holds a grant.
host_process()
{
	local number

	python3 - >"$tmp/host" <<'PYTHON' &
import fcntl, os, signal, struct, uuid
pvi = os.open("/dev/kvm_pvi", os.O_RDWR)
name = uuid.UUID("cccccccc-0000-4000-8000-000000000003").bytes
fcntl.ioctl(pvi, 0xd711, struct.pack("IIiI16sQ", 40, 1, -1, 0, name, 0))
fcntl.ioctl(pvi, 0xd712, struct.pack("6I", 24, 0, 7, 1, 0, 0))
fcntl.ioctl(pvi, 0xd732, bytearray(struct.pack("4IQ2IQiI", 48, 0, 7, 1, 0, 0, 0, 0, 0, 0)))
print("ready", flush=True)
signal.pause()
PYTHON
	await grep -q ready "$tmp/host"
	has "$(pvictl list --noheadings)" "$c" " bound" python3
	has "$(pvictl show "$c")" "7 eventfd" "grant "
	has "$(pvictl ring "$c" 7)" latched
	number=$(pvictl show "$c" | sed -n 's/^grant \([0-9]*\) .*/\1/p')
	pvictl revoke --grant "$number" "$c"
	has "$(pvictl show "$c")" "Senders: none"
	refuses 5 "it was not allowed like that" pvictl revoke --grant "$number" "$c"
}

run_tests guests_ring allow allow_rate statuses allow_owner ring bell host_process
