#!/bin/sh
# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# pvictl: who is bound, who may ring whom, and what the guests of it notice.

. "$(dirname "$0")/tools/enter.sh"
. "$(dirname "$0")/tools/lib.sh"

a=aaaaaaaa-0000-4000-8000-000000000001
b=bbbbbbbb-0000-4000-8000-000000000002
# Set by vmm and attach.
vm_a='' vm_b='' vm_c='' at_a='' at_b=''

# Two VMs, $a and $b; $b exposes 20, 22 and a virtual GSI, and allows $a on 20.
pair()
{
	vmm vm_a
	vmm vm_b
	attach at_a --pid "$vm_a" --uuid "$a"
	attach at_b --pid "$vm_b" --uuid "$b" --expose 20,22,0x10000 --allow "$a:20"
}

usage()
{
	local command

	refuses 64 "which command?" pvictl
	refuses 64 "there is no command 'lost'" pvictl lost
	has "$(pvictl --version)" "pvictl 0."
	for command in $(pvictl --help | sed -n 's/^  \([a-z]\+\) .*/\1/p'); do
		has "$(pvictl "$command" --help)" "Usage: pvictl $command"
		refuses 64 "Try" pvictl "$command" --no-such-option
	done
	has "$(pvictl --help)" list show attach allow revoke ring top
}

arguments()
{
	refuses 64 "'x' is not a UUID" pvictl show x
	refuses 64 "which UUID?" pvictl show
	refuses 64 "which receiver, which sender?" pvictl allow "$a"
	refuses 64 "which GSI?" pvictl allow "$a" "$b"
	refuses 64 "a GSI must be a number from 0 to 131071, not '-1'" pvictl allow "$a" "$b" -- -1
	refuses 64 "not '20x'" pvictl allow "$a" "$b" 20x
	refuses 64 "the rate must be" pvictl allow --rate=fast "$a" "$b" 20
	refuses 64 "either a GSI or a bell or --all" pvictl revoke --all "$a" "$b" 20
	refuses 64 "too many arguments: '3'" pvictl ring "$a" 1 3
	refuses 64 "which receiver, which GSI?" pvictl ring "$a"
	refuses 64 "the interval must be" pvictl top --interval 0
	refuses 1 "no endpoint is bound to $a" pvictl show "$a"
	refuses 1 "no endpoint is bound to $a" pvictl ring "$a" 20
}

list()
{
	local text

	same "$(pvictl list)" ""
	pair
	text=$(pvictl list)
	has "$text" UUID "$a bound" "$b bound" "$at_a pvictl" "$at_b pvictl"
	same "$(pvictl list --noheadings | wc -l)" 2
	pvictl list --json >"$tmp/json"
	json "$tmp/json" "{e['uuid']: e['senders'] for e in it['endpoints']} == {'$a': 0, '$b': 1}"
	tell vm_a "ring $b 20"
	pvictl list --json >"$tmp/json"
	json "$tmp/json" "[e['received'] for e in it['endpoints'] if e['uuid'] == '$b'] == [1]"
}

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
	refuses 1 "it was not allowed like that" pvictl revoke "$b" "$a" 22

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
	attach at_c --pid "$vm_c" --uuid cccccccc-0000-4000-8000-000000000003
	pvictl allow "$b" cccccccc-0000-4000-8000-000000000003 22 --owner 12345
	same "$(tell vm_c "ring $b 22")" 0
}

ring()
{
	pair
	same "$(pvictl ring "$b" 22)" raised
	same "$(tell vm_b "irqs 22")" 1
	has "$(pvictl ring "$b" 0x10000)" latched
	refuses 1 "has not exposed that GSI" pvictl ring "$b" 23
	# It has left nothing behind.
	same "$(pvictl show --json "$b" | grep -c '"sender"')" 1
	same "$(pvictl list --noheadings | wc -l)" 2

	same "$(pvictl ring "$b" 20 --from "$a")" raised
	refuses 1 "the receiver does not allow it" pvictl ring "$b" 22 --from "$a"
}

show()
{
	local text

	pair
	tell vm_a "ring $b 20"
	text=$(pvictl show "$b")
	has "$text" "$b bound" GSIs: "20 direct" "65536 msi" Senders: "$a gsi  20" Counters: received
	has "$(pvictl show "$a")" "GSIs: none" "Senders: none" "Ports: none"
	pvictl show --json "$b" >"$tmp/json"
	json "$tmp/json" "it['endpoint'][0]['uuid'] == '$b'"
	json "$tmp/json" "[(g['gsi'], g['kind'], g['wired'], g['rings']) for g in it['gsis']] == \
		[(20, 'direct', True, 1), (22, 'direct', True, 0), (65536, 'msi', False, 0)]"
	json "$tmp/json" "[(s['sender'], s['gsi'], s['raised']) for s in it['senders']] == \
		[('$a', '20', 1)] and it['ports'] == [] and it['counters'][1]['raised'] == 1"
}

top()
{
	local job

	pair
	pvictl top --json --interval 0.5 --count 8 >"$tmp/json" &
	job=$!
	while kill -0 "$job" 2>/dev/null; do
		same "$(tell vm_a "ring $b 20")" 0
	done
	wait "$job"
	# As many documents as were asked for, one after the other.
	sed -i -e '1s/^/[/' -e '$s/$/]/' -e 's/^}$/},/' -e '$s/},]/}]/' "$tmp/json"
	json "$tmp/json" "len(it) == 8 and max(r['raised'] for t in it for r in t['rates']) > 0"
	json "$tmp/json" "{(r['receiver'], r['sender'], r['gsi']) for t in it for r in t['rates']} == \
		{('$b', '$a', '20')}"
	same "$(pvictl top --interval 0.1 --count 1 --noheadings "$a")" "Rings per second: none"
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
	refuses 1 "does not allow it" pvictl ring "$b" 22 --from "$a" --flags 1
	pvictl allow --bell --flags 0xf0 "$b" "$a" 1
	same "$(pvictl ring "$b" 22 --from "$a" --flags 0x10)" raised
	refuses 1 "does not allow it" pvictl ring "$b" 22 --from "$a" --flags 1
	pvictl show --json "$b" >"$tmp/json"
	json "$tmp/json" "[(g['gsi'], g['bell']) for g in it['gsis']] == [(20, None), (21, 0), (22, 1)]"
	json "$tmp/json" "[(s['kind'], s['gsi']) for s in it['senders']] == [('bell', '0'), ('bell', '1')]"
	pvictl revoke --bell "$b" "$a" 1
	refuses 1 "does not allow it" pvictl ring "$b" 22 --from "$a" --flags 0x10

	same "$(pvictl ring "$b" 22 --flags 1)" raised
	refuses 1 "there is no bell over GSI 20" pvictl ring "$b" 20 --flags 1
	refuses 1 "a bell is over it (--flags)" pvictl ring "$b" 21
	pvictl allow "$b" "$a" 20
	refuses 1 "there is no bell for --flags" pvictl ring "$b" 20 --from "$a" --flags 1
	refuses 64 "flags must be a number" pvictl ring "$b" 21 --flags 0
	refuses 64 "--flags is for --bell" pvictl allow --flags 1 "$b" "$a" 1
	refuses 64 "either a GSI or a bell or --all" pvictl revoke --all --bell "$b" "$a" 1
}

completion()
{
	pair
	# shellcheck source=/dev/null
	. "${PVI_TOOLS:-}/usr/share/bash-completion/completions/pvictl"
	# shellcheck disable=SC2034 # _pvictl reads them
	COMP_WORDS=(pvictl allow "$a" bbbb) COMP_CWORD=3
	_pvictl
	same "${COMPREPLY[*]}" "$b"
}

without_permission()
{
	pair
	refuses 1 "root sees all" setpriv --reuid 12345 --clear-groups pvictl show "$b"
	same "$(setpriv --reuid 12345 --clear-groups pvictl list)" ""
	refuses 1 "needs the permission to trace that process" \
		setpriv --reuid 12345 --clear-groups pvictl attach --pid "$vm_a"
}

run_tests usage arguments list guests_ring allow allow_rate allow_owner ring show top \
	bell completion without_permission
