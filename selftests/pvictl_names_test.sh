#!/bin/sh
# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# pvictl: VMs by name, and what is listed where nobody may trace anybody.

. "$(dirname "$0")/tools/enter.sh"
. "$(dirname "$0")/tools/lib.sh"
. "$(dirname "$0")/tools/policy.sh"

# What vmm and attach set
vm_c='' vm_d='' at_c=''

# web is $a, db is $b
named_pair()
{
	vmm vm_a -name "guest=web,debug-threads=on" -uuid "$a"
	vmm vm_b -name db -uuid "$b"
	attach at_a --pid "$vm_a"
	attach at_b --pid "$vm_b" --expose 20,22,65536
}

names()
{
	named_pair
	pvictl list --json >"$tmp/json"
	json "$tmp/json" "[(e['uuid'], e['name'], e['vmm']) for e in it['endpoints']] == \
		[('$a', 'web', $vm_a), ('$b', 'db', $vm_b)]"
	has "$(pvictl show web)" "$a"
	has "$(pvictl show aaaa)" "$a"
	has "$(pvictl show BBBBBBBB-0000)" "$b"
	refuses 5 "no VM is called 'aaa'" pvictl show aaa
	refuses 5 "no VM is called 'we'" pvictl show we
	refuses 5 "no VM is called 'w\\033'" pvictl show $'w\e'
}

# A name that two have is nobody's, nor is the beginning of two UUIDs.
ambiguous()
{
	named_pair
	vmm vm_c -name web -uuid aaaaaaaa-0000-4000-8000-00000000000c
	attach at_c --pid "$vm_c"
	refuses 2 "more than one VM is called 'web'" pvictl show web
	refuses 2 "more than one VM has a UUID that begins with 'aaaaaaaa'" pvictl show aaaaaaaa
	has "$(pvictl show "$a")" "$a"
	vmm vm_d -name bbbbbbbb -uuid dddddddd-0000-4000-8000-00000000000d
	attach at_d --pid "$vm_d"
	refuses 2 "'bbbbbbbb' is what a VM is called, and the beginning of another's UUID" pvictl show bbbbbbbb
	has "$(pvictl show bbbbbbbb-)" "$b"
	kill "$vm_c"
	await pvictl show web
}

# What the policy calls a VM is that one, be it bound, running or neither, whoever else's VM is called so, too.
by_policy()
{
	policy
	sed -i "s/^uuid = $b/&\nname = base/" "$tmp/policy/web.conf"
	vmm vm_a -name web -uuid "$a"
	vmm vm_c -name db -uuid "$c"
	attach at_a --pid "$vm_a" --expose 20
	with_policy pvictl allow db to web gsi 20
	attach at_c --pid "$vm_c"
	with_policy pvictl revoke db to web gsi 20
	has "$(pvictl show web)" "Senders: none"
	# By its label, and by what its VMM is to be told
	with_policy pvictl allow base to web gsi 20
	with_policy pvictl allow db to web gsi any
	with_policy pvictl show --json web >"$tmp/json"
	json "$tmp/json" "[(s['sender'], s['gsi']) for s in it['senders']] == [('$b', '20'), ('$b', 'any')]"
	# The beginning of a UUID may be anybody's.
	sed -i "s/^uuid = $b/uuid = aaaa${b#bbbb}/" "$tmp/policy/web.conf"
	refuses 2 "more than one VM has a UUID that begins with 'aaaa'" with_policy pvictl show aaaa
	# Two of the policy's are two.
	sed -i -e '/^name = web/d' -e 's/^name = base/name = web/' "$tmp/policy/web.conf"
	refuses 2 "more than one VM is called 'web'" with_policy pvictl show web
	# What cannot be read may say anything.
	echo x >"$tmp/policy/x.conf"
	refuses 1 "whom 'web' means the policy may say, which cannot be read: /etc/kvm-pvi/x.conf:1:" with_policy pvictl show web
	has "$(with_policy pvictl show "$a")" "$a"
}

# Tables have names beside UUIDs: the policy's, else what the VMM was told.
named_tables()
{
	vmm vm_a -name $'we"b\\' -uuid "$a"
	vmm vm_b -uuid "$b"
	attach at_a --pid "$vm_a" --expose 21 --allow "$b:21"
	attach at_b --pid "$vm_b" --expose 20 --allow "$a:20"
	same "$(tell vm_a "connect $b 20" | grep -c '^[0-9]')" 1
	pvictl link --dir "$tmp/links" --size 64K --kind raw "$a" "$b" >"$tmp/printed"
	policy
	sed -i -e '/^name = web/d' -e '1,4s/web/none/' -e "s/^uuid = $a/uuid = $c/" -e 's/^from = web/from = none/' \
		-e 's/\[vm db\]/[vm base]/' -e 's/^to = db/to = base/' "$tmp/policy/web.conf"
	with_policy pvictl list --dir "$tmp/links" --json >"$tmp/json"
	json "$tmp/json" "[(e['uuid'], e['name']) for e in it['endpoints']] == [('$a', 'we\"b\\\\134'), ('$b', 'base')]"
	json "$tmp/json" "[(l['a'], l['a_name'], l['b_name'], l['link_name']) for l in it['links']] == \
		[('$a', 'we\"b\\\\134', 'base', None)]"
	with_policy pvictl show --dir "$tmp/links" --json "$a" >"$tmp/json"
	json "$tmp/json" "[(s['sender'], s['sender_name']) for s in it['senders'] if s['gsi'] == '21'] == [('$b', 'base')]"
	json "$tmp/json" "[(p['receiver'], p['receiver_name']) for p in it['ports']] == [('$b', 'base')]"
	json "$tmp/json" "[(p['peer'], p['peer_name']) for p in it['peers']] == [('$b', 'base')]"
	with_policy pvictl show --dir "$tmp/links" "$a" >"$tmp/text"
	grep -q "^$b base  *gsi  21" "$tmp/text"
	[[ $(with_policy pvictl list --dir "$tmp/links") == *" base "*" base "* ]] || fail "no names"
}

# reads_name COMMAND... - whether it reads what vm_c was told, which may make it wait, for a minute; it gets nothing
reads_name()
{
	local writer

	rm -f "$tmp/cmdline" "$tmp/opened"
	mkfifo "$tmp/cmdline"
	# shellcheck disable=SC2016 # of sh
	sh -c 'exec 3>"$1"; : >"$2"' sh "$tmp/cmdline" "$tmp/opened" &
	writer=$!
	# shellcheck disable=SC2016 # of sh
	timeout -s KILL 60 unshare --mount sh -e -c 'mount --bind "$1" "/proc/$2/cmdline"; shift 2; exec "$@"' \
		sh "$tmp/cmdline" "$vm_c" "$@" >"$tmp/said"
	if [ -e "$tmp/opened" ]; then
		return
	fi
	kill "$writer"
	return 1
}

# A VMM can make who reads its command line wait: only who wants its name does that, not who changes others.
unread()
{
	local command

	named_pair
	vmm vm_c -name third -uuid "$c"
	attach at_c --pid "$vm_c"
	while read -r -a command; do
		! reads_name pvictl "${command[@]}" || fail "'${command[*]}' reads the name of another one"
	done <<-COMMANDS
		allow $a to $b gsi 20
		revoke $b $a 20
		expose $b 21
		unexpose $b 21
		freeze $b
		thaw $b
		show $b
		link --dir $tmp/links --size 64K --kind raw $a $b
		unlink --dir $tmp/links $a $b
		top --json --count 1 --interval 0.1 $b
		detach $b
	COMMANDS
	reads_name pvictl list || fail "it is not seen who does"
	same "$(grep -c "$c" "$tmp/said")" 1
	reads_name pvictl show web || fail "whom 'web' means is not known"
	# It is there while somebody rings.
	[ -d /sys/kernel/tracing/instances ] || mount -t tracefs none /sys/kernel/tracing
	while :; do
		tell vm_a "ring $b 20"
		nap 0.2
	done >"$tmp/rings" &
	! reads_name pvictl events --json --count 1 "$a" || fail "'events' reads the name of another one"
}

# Nor does who names one that the policy has, nor who has no VM: so no QEMU of the policy's waits for a stranger's, or for
# who takes its name, until it is told of its link.
unread_by_policy()
{
	local as_host=(sh -e -c "$as_host" sh "$tmp/etc" "$tmp/policy") link

	policy
	vmm vm_c -name web -uuid "$c"
	attach at_c --pid "$vm_c"
	link=$(pvictl link --dir "$tmp/links" --size 64K --kind raw "$a" "$b" | sed -n 's/^link //p')
	printf '[link wire]\nbetween = web, db\n' >"$tmp/links/$link/policy"
	! reads_name "${as_host[@]}" pvictl link --dir "$tmp/links" --for web wire || fail "it reads others' names"
	has "$(cat "$tmp/said")" "mem-path=$tmp/links/$link/0"
	kill "$at_c"
	wait "$at_c"
	! reads_name "${as_host[@]}" pvictl link --dir "$tmp/links" --for web wire || fail "it reads others' names"
	has "$(cat "$tmp/said")" "mem-path=$tmp/links/$link/0"
	reads_name pvictl link --dir "$tmp/links" --for third wire || fail "it is not seen who does"
	kill "$vm_c"
	sleep 600 &
	vm_c=$!
	! reads_name pvictl link --dir "$tmp/links" --for third wire || fail "it reads what has no VM"
}

# Not bound yet, but running: it can be allowed already.
running()
{
	named_pair
	vmm vm_c --name=later -uuid "$c"
	pvictl allow later to db gsi 22
	pvictl show --json db >"$tmp/json"
	json "$tmp/json" "[(s['sender'], s['gsi']) for s in it['senders']] == [('$c', '22')]"
}

# is_called NAME UUID PROGRAM ARGUMENT... - a VMM of that command line
is_called()
{
	rm -f "$tmp"/vm_c.*
	vmm_called vm_c "${@:3}"
	attach at_c --pid "$vm_c" ${2:+--uuid "$2"}
	pvictl list --json >"$tmp/json"
	json "$tmp/json" "[(e['uuid'], e['name']) for e in it['endpoints']] == [('${2:-$c}', '$1' or None)]"
	kill "$vm_c"
	wait "$at_c"
}

# Other VMMs have other options without an argument, and write "=".
others()
{
	is_called web "$a" firecracker --no-api --id web
	is_called web "$a" /opt/firecracker-v1.9.1-x86_64 --boot-timer --id=web --start-time-us=1
	is_called web "$a" lkvm run --rng --name web --cpus 1
	is_called web "$a" crosvm run --disable-sandbox --name=web
	is_called web "$a" crosvm run --name one --name web -- --id
	is_called "" "" cloud-hypervisor --console off --platform "num_pci_segments=1,uuid=$c" --kernel x
	is_called "" "" cloud-hypervisor --seccomp "--platform=system_uuid=$c"
	is_called web "" /usr/bin/qemu-system-x86_64 -no-user-config -name web -uuid "$c"
	# An argument that looks like an option of those
	is_called "" "" qemu-system-x86_64 -append --id=web -uuid "$c"
	is_called "" "$a" firecracker --id
	is_called "" "$a" cloud-hypervisor --platform
}

# Names that are chosen to do harm
hostile()
{
	vmm vm_a -name $'guest=\e]0;x\a"},{"' -uuid "$a"
	vmm vm_b -name -uuid -uuid "$b"
	attach at_a --pid "$vm_a"
	attach at_b --pid "$vm_b"
	pvictl list --json >"$tmp/json"
	json "$tmp/json" "it['endpoints'][0]['name'].startswith('\\\\033]0;x')"
	json "$tmp/json" "it['endpoints'][1]['name'] == '-uuid'"
	[[ $(pvictl list) != *$'\e'* ]] || fail
	[[ $(pvictl metrics) != *$'\e'* ]] || fail
}

sentences()
{
	named_pair
	refuses 2 "to which receiver?" pvictl allow web to
	refuses 2 "which GSI?" pvictl allow web to db
	refuses 2 "'gsi' wants a value" pvictl allow web to db gsi
	refuses 2 "'speed' is none of gsi, bell, flags, rate, burst, owner" pvictl allow web to db gsi 20 speed 3
	refuses 2 "is named already" pvictl allow web to db gsi 20 bell 0
	refuses 2 "there is no user 'nobody-at-all'" pvictl allow web to db gsi 20 owner nobody-at-all
	refuses 2 "'rate' is none of gsi, bell, all" pvictl revoke web to db rate 3
	pvictl allow web to db gsi 20 rate 1000 owner root
	pvictl allow web to db gsi any
	pvictl allow web to db bell 3 flags 0xff burst 7 rate 5
	pvictl show --json db >"$tmp/json"
	json "$tmp/json" "[(s['sender'], s['kind'], s['gsi'], s['rate'], s['burst'], s['owner']) for s in it['senders']] == \
		[('$a', 'gsi', '20', 1000, 1000, 0), ('$a', 'gsi', 'any', None, None, None), ('$a', 'bell', '3', 5, 7, None)]"
	pvictl revoke web to db gsi 20
	pvictl revoke web to db bell 3
	refuses 5 "it was not allowed like that" pvictl revoke web to db gsi 20
	pvictl revoke web to db all
	has "$(pvictl show db)" "Senders: none"
}

# All of it is the module's to tell: no process is looked into.
untraceable()
{
	named_pair
	pvictl allow web to db gsi 20
	same "$(tell vm_a "ring $b 20")" 0
	# Another PID namespace with nothing but itself in /proc: no descriptor of theirs is to be seen
	for what in list "show db" "top --count 1 --interval 0.1" metrics; do
		# shellcheck disable=SC2086 # words
		unshare --pid --fork --mount-proc pvictl ${what/db/$b} >"$tmp/${what%% *}"
	done
	has "$(cat "$tmp/list")" "$a" "$b"
	has "$(cat "$tmp/show")" "20 direct" "gsi  20"
	has "$(cat "$tmp/top")" "$b"
	has "$(cat "$tmp/metrics")" "kvm_pvi_edge_rings_total{uuid=\"$b\""
	unshare --pid --fork --mount-proc pvictl show --json "$a" >"$tmp/json"
	json "$tmp/json" "[(p['peer'], p['gsis']) for p in it['peers']] == [('$b', 1)]"
}

metrics()
{
	named_pair
	pvictl allow web to db gsi 20
	same "$(tell vm_a "ring $b 20")" 0
	pvictl metrics >"$tmp/text"
	grep -q "^kvm_pvi_endpoints 2$" "$tmp/text"
	grep -q "^kvm_pvi_received_rings_total{uuid=\"$b\",vm=\"db\",result=\"raised\"} 1$" "$tmp/text"
	grep -q "^kvm_pvi_edge_rings_total{uuid=\"$b\",vm=\"db\",sender_uuid=\"$a\",sender_vm=\"web\",kind=\"gsi\",gsi=\"20\",result=\"raised\"} 1$" "$tmp/text"
	grep -q "^# TYPE kvm_pvi_retries_total counter$" "$tmp/text"
	pvictl metrics --openmetrics >"$tmp/open"
	same "$(tail -n 1 "$tmp/open")" "# EOF"
	grep -q "^# TYPE kvm_pvi_retries counter$" "$tmp/open"
	# Families stand together, each has its help and type once, and each line is one of a sample.
	python3 - "$tmp/open" <<'PYTHON'
import re, sys
seen, now = set(), None
for line in open(sys.argv[1]).read().splitlines()[:-1]:
    if line.startswith("# HELP "):
        assert line.split()[2] not in seen, line
        now = line.split()[2]
        seen.add(now)
    elif line.startswith("# TYPE "):
        assert line.split()[2] == now, line
    else:
        m = re.fullmatch(r'(\w+)(?:\{(?:\w+="(?:[^"\\]|\\.)*",?)*\})? (\d+)', line)
        assert m and m[1].removesuffix("_total") == now, line
assert len(seen) == 12, seen
PYTHON
	refuses 3 "only root may" setpriv --reuid 12345 --regid "$(stat -c %g /dev/kvm_pvi)" --clear-groups \
		pvictl metrics
}

run_tests names ambiguous by_policy named_tables unread unread_by_policy running others hostile sentences untraceable metrics
