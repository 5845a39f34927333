#!/bin/sh
# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# pvid: VMs are bound as they come, as the policy says.

. "$(dirname "$0")/tools/enter.sh"
. "$(dirname "$0")/tools/lib.sh"
. "$(dirname "$0")/tools/policy.sh"
. "$(dirname "$0")/tools/delay.sh"

# What attach and enrol set
at_c='' at_d='' crowd='' one=''

# start_pvid COMMAND... - by the command, under a keeper of its descriptors; $pvid is its PID
start_pvid()
{
	begin_pvid "$@"
	await grep -q ready "$tmp/keeper"
	find_pvid
}

# The same, which is not ready yet
begin_pvid()
{
	trap say_log EXIT
	# Of one that has ended, which was ready
	rm -f "$tmp/notify" "$tmp/keeper"
	python3 -I -S "$here/keeper.py" "$tmp/notify" "$@" pvid --config "$tmp/policy" --run "$tmp/run" \
		--dir "$tmp/links" >"$tmp/keeper" 2>"$tmp/pvid.log" &
	keeper=$!
}

find_pvid()
{
	pvid=$(sed -n '$s/ready //p' "$tmp/keeper")
}

# It goes on saying that it is alive, three times from now on.
watched()
{
	local before

	await test -s "$tmp/notify.watchdog"
	before=$(cat "$tmp/notify.watchdog")
	await alive $((before + 3))
}

alive()
(
	read -r times <"$tmp/notify.watchdog" && [ "$times" -ge "$1" ]
)

# logged WORD... - pvid says so
logged()
{
	grep -q "$*" "$tmp/pvid.log"
}

# Beside what a test that fails prints.
say_log()
{
	local status=$?

	[ "$status" -eq 0 ] || cat "$tmp/pvid.log"
	stop_jobs
}

# And see that it ends as it should, with its endpoints
end_pvid()
{
	kill "$pvid"
	wait "$keeper"
	await_gone "$a"
	await_gone "$b"
}

# kill_pvid - and its keeper starts it again
kill_pvid()
{
	local times

	times=$(wc -l <"$tmp/keeper")
	kill -KILL "$pvid"
	await started "$((times + 1))"
	find_pvid
}

started()
{
	[ "$(wc -l <"$tmp/keeper")" -eq "$1" ]
}

apply()
{
	pvictl apply --config "$tmp/policy" --run "$tmp/run"
}

# Without the names that each line has behind it, which are in $tmp/diff
difference()
{
	pvictl diff --config "$tmp/policy" --run "$tmp/run" --dir "$tmp/links" >"$tmp/diff" || return
	sed 's/  # .*//' "$tmp/diff"
}

pair_by_policy()
{
	policy
	start_pvid
	vmm vm_a -name web -uuid "$a"
	vmm vm_b -uuid "$b"
	await settled
}

# Both are there, and nothing is left to be done
settled()
{
	pvictl show "$a" && pvictl show "$b" && [ -z "$(difference)" ]
}

# exposes UUID GSI... - these, and no others
exposes()
{
	local gsis=${*:2}

	pvictl show --json "$1" >"$tmp/json"
	json "$tmp/json" "[g['gsi'] for g in it['gsis']] == [${gsis// /,}]"
}

# One that runs already and one that comes, seen from a network of its own, as its unit has it
noticing()
{
	policy
	vmm vm_a -name web -uuid "$a"
	start_pvid unshare --net
	vmm vm_b -uuid "$b"
	vmm vm_c -uuid "$c"
	await settled
	same "$(tell vm_a "ring $b 20")" 0
	same "$(tell vm_a "ring $b 65536")" -1
	refuses 5 "no endpoint is bound" pvictl show "$c"
	kill "$vm_b"
	await_gone "$b"
	rm "$tmp/vm_b.in" "$tmp/vm_b.out"
	vmm vm_b -uuid "$b"
	await settled
	same "$(tell vm_a "ring $b 20")" 0
	end_pvid
}

# What pages show: in ten lines at most two VMs that ring each other and have a link, and only that.
shown()
{
	local e=6c1f0a3e-5a0b-4e0e-9d7c-000000000001 f=6c1f0a3e-5a0b-4e0e-9d7c-000000000002 n

	cmp "$here/readme.conf" "$here/pvid.conf"
	[ "$(wc -l <"$here/readme.conf")" -le 10 ] || fail "it has more lines: $(cat "$here/readme.conf")"
	mkdir "$tmp/policy"
	cp "$here/readme.conf" "$tmp/policy/pair.conf"
	pvictl check --config "$tmp/policy"
	start_pvid
	vmm vm_a -uuid $e
	vmm vm_b -uuid $f
	await pvictl show $e
	await pvictl show $f
	await as_wanted
	same "$(tell vm_a "ring $f 65536") $(tell vm_b "ring $e 65536")" "2 2"
	same "$(tell vm_a "ring $f 65537") $(tell vm_b "ring $e 20")" "-1 -1"
	find_link wire
	[ "$(tell vm_a "ring $f $gsi")" -ge 0 ] || fail "web may not ring db by the link"
	[ "$(tell vm_b "ring $e $(first_gsi 0)")" -ge 0 ] || fail "db may not ring web by the link"
	# The next pvid knows it by what this one has written down, however much that is.
	for ((n = 0; n < 50; n++)); do
		printf '[allow more%d]\nfrom = web\nto = db\ngsi = %d\n' $n $((66000 + 2 * n))
	done >"$tmp/policy/pair.more"
	sed -i "/^gsi/r $tmp/policy/pair.more" "$tmp/policy/pair.conf"
	apply
	kill_pvid
	await as_wanted
	same "$(tell vm_a "ring $f 65536") $(tell vm_a "ring $f 66098")" "1 2"
	sed -i -e 's/^gsi = 65536/gsi = 65537/' -e '/^.allow more/,/^gsi/d' "$tmp/policy/pair.conf"
	apply
	same "$(difference)" ""
	same "$(tell vm_a "ring $f 65536") $(tell vm_a "ring $f 65537")" "-1 2"
	sed -i '/^.vm db/a expose = 65536' "$tmp/policy/pair.conf"
	refuses 1 "'each-other' allows GSI 65537, which VM 'db' has not" apply
	end_pvid
}

# first_gsi SIDE - by which that one of $link is rung
first_gsi()
{
	od -A n -t u4 -j 64 -N 4 "$tmp/links/$link/$1" | tr -d ' '
}

# A second one, as who wants to see what it says may start it, leaves all to the first.
alone()
{
	local second status=0 socket

	pair_by_policy
	socket=$(stat -c %i "$tmp/run/socket")
	pvid --config "$tmp/policy" --run "$tmp/run" --dir "$tmp/links" >"$tmp/second" 2>&1 &
	second=$!
	await grep -q "another pvid runs" "$tmp/second"
	wait "$second" || status=$?
	same "$status" 1
	same "$(stat -c %i "$tmp/run/socket")" "$socket"
	sed -i 's/^gsi = 20/gsi = 65536/' "$tmp/policy/web.conf"
	apply
	same "$(tell vm_a "ring $b 20") $(tell vm_a "ring $b 65536")" "-1 2"
	settled
	# One that is killed leaves the place to the next.
	kill_pvid
	await settled
	end_pvid
}

# Whatever VMM it is, it is known by what it has of a UUID or a name.
others()
{
	policy
	sed -i '/^\[vm db\]/a name = db' "$tmp/policy/web.conf"
	sed -i '/^name = web/d' "$tmp/policy/web.conf"
	start_pvid
	vmm_called vm_a cloud-hypervisor --seccomp true --platform "num_pci_segments=1,uuid=$a"
	vmm_called vm_b firecracker --no-api --id=db
	await settled
	same "$(tell vm_a "ring $b 20")" 0
	# Its guest goes on in another one
	vmm_called vm_c cloud-hypervisor --restore "source_url=file:///x" --platform "uuid=$a"
	await logged "process $vm_c waits for web ($a) to stop"
	end_pvid
}

await_gone()
{
	local n

	for ((n = 0; n < 600 * ${PVI_SLOW:-1}; n++)); do
		pvictl show "$1" >/dev/null 2>&1 || return 0
		nap 0.1
	done
	fail "$1 is bound still"
}

# The first GSI of a VM's links
gsi=98304

# make_link ARGUMENT... - as the variable $link
make_link()
{
	link=$(pvictl link --dir "$tmp/links" --size 64K --kind raw "$@" | sed -n 's/^link //p')
}

# accepts NAME UUID - whether that VM may ring the other one because of a link
accepts()
{
	[ "$(tell "$1" "ring $2 $gsi")" -ge 0 ]
}

# may_ring YES|NO - the two VMs, each other
may_ring()
{
	local a_may=NO b_may=NO

	! accepts vm_a "$b" || a_may=YES
	! accepts vm_b "$a" || b_may=YES
	same "$a_may $b_may" "$1 $1"
}

again()
{
	kill "${!1}"
	await_gone "$2"
	rm "$tmp/$1.in" "$tmp/$1.out"
	vmm "$1" -name web -uuid "$2"
	await settled
}

# Whoever has made a link, and when: VMs that are bound have it, however often they and pvid come and go.
linked()
{
	policy
	start_pvid
	make_link "$a" "$b"
	vmm vm_a -name web -uuid "$a"
	vmm vm_b -uuid "$b"
	await settled
	may_ring YES
	again vm_b "$b"
	may_ring YES
	again vm_a "$a"
	may_ring YES
	kill_pvid
	await settled
	may_ring YES
	# As where nobody keeps endpoints
	end_pvid
	start_pvid
	await settled
	may_ring YES
	# What there is of it stays as it is: what has been counted, too.
	pvictl link --dir "$tmp/links" "$link" >"$tmp/printed"
	apply
	pvictl show --json "$b" >"$tmp/json"
	json "$tmp/json" "[g['rings'] for g in it['gsis'] if g['gsi'] == $gsi] == [1]"
	# And what is missing comes back.
	pvictl unexpose "$b" "$gsi"
	same "$(difference)" "join $b link $link"
	same "$(tell vm_a "ring $b $gsi")" -1
	pvictl link --dir "$tmp/links" "$link" >"$tmp/printed"
	may_ring YES
	pvictl unexpose "$b" "$gsi"
	apply
	same "$(difference)" ""
	may_ring YES
	pvictl unlink --dir "$tmp/links" "$link"
	may_ring NO
	make_link "$a" "$b"
	may_ring YES
	end_pvid
}

# Somebody changes links, until free_links
hold_links()
{
	[ -p "$tmp/locked" ] || mkfifo "$tmp/locked" "$tmp/done"
	flock "$tmp/links/.lock" sh -c "echo >'$tmp/locked'; read -r line <'$tmp/done'" &
	read -r _ <"$tmp/locked"
}

free_links()
{
	echo >"$tmp/done"
}

# Nobody waits for who has the directory: it is asked for again.
linked_later()
{
	policy
	start_pvid
	make_link "$a" "$b"
	vmm vm_a -name web -uuid "$a"
	hold_links
	vmm vm_b -uuid "$b"
	await gives 0 vm_a "ring $b 20"
	same "$(tell vm_a "ring $b $gsi")" -1
	free_links
	await settled
	same "$(tell vm_a "ring $b $gsi")" 2
	# Who could write there would say who may ring whom. All else is done nevertheless.
	chmod 777 "$tmp/links"
	kill "$vm_b"
	await_gone "$b"
	rm "$tmp/vm_b.in" "$tmp/vm_b.out"
	vmm vm_b -uuid "$b"
	await gives 0 vm_a "ring $b 20"
	same "$(tell vm_a "ring $b $gsi")" -1
	await logged "cannot read links in $tmp/links yet: Operation not permitted"
	end_pvid
}

# find_link NAME - as the policy calls it: $link is its UUID, $gsi by what its second side is rung
find_link()
{
	link=$(pvictl link --dir "$tmp/links" "$1" | sed -n 's/^link //p')
	gsi=$(first_gsi 1)
}

# Each link, a line: what the policy calls it, and its file
links_there()
{
	local dir

	for dir in "$tmp/links"/*-*; do
		[ ! -e "$dir/policy" ] || echo "$(sed -n 's/^.link \(.*\)]/\1/p' "$dir/policy") $(stat -c %i "$dir/0")"
	done
}

# A policy has its links made before there is a VM, and VMs have them by it; where the host has been booted they are what
# they were, for who has put it down.
linking()
{
	policy_with_links
	same "$(difference | sed 's/ .*//' | paste -s)" "link	link	link"
	start_pvid
	same "$(cat "$tmp/notify.status")" "2 VMs, 3 links in the policy"
	same "$(difference)" ""
	same "$(links_there | sed 's/ .*//' | sort | paste -s)" "calls	pair	tap"
	for name in pair calls tap; do
		pvictl link --dir "$tmp/links" "$name"
	done >"$tmp/printed"
	has "$(cat "$tmp/printed")" "link dddddddd-0000-4000-8000-000000000004" "$a, CID 8:" "$b, CID 7:" "$c:" "size=65536"
	vmm vm_a -name web -uuid "$a"
	vmm vm_b -uuid "$b"
	await settled
	find_link pair
	accepts vm_a "$b" || fail "it may not"
	pvictl show --dir "$tmp/links" --json "$a" >"$tmp/json"
	json "$tmp/json" "len(it['links']) == 3 and len(it['gsis']) == 4"
	again vm_b "$b"
	accepts vm_a "$b" || fail "it may not any more"
	links_there >"$tmp/before"
	kill_pvid
	accepts vm_a "$b" || fail "it may not any more"
	apply
	same "$(links_there)" "$(cat "$tmp/before")"
	# As by a boot
	end_pvid
	rm -r "$tmp/links" "$tmp/run"
	start_pvid
	for name in pair calls tap; do
		pvictl link --dir "$tmp/links" "$name"
	done | diff "$tmp/printed" -
	end_pvid
}

# What a policy has made and another one does not have, or not so, goes, and nothing else does.
relinking()
{
	local by_hand old pair e=eeeeeeee-0000-4000-8000-000000000005

	policy_with_links
	start_pvid
	make_link "$a" "$b"
	by_hand=$link
	vmm vm_a -name web -uuid "$a"
	vmm vm_b -uuid "$b"
	vmm vm_c
	attach at_c --pid "$vm_c" --uuid "$e" --dir "$tmp/links"
	await settled
	find_link pair
	pair=$link
	links_there | sort >"$tmp/before"
	sed -i -e '18s/64K/128K/' -e '20,25d' "$tmp/policy/web.conf"
	cat >>"$tmp/policy/web.conf" <<-POLICY
		[link more]
		between = web, $e
		kind = raw
		size = 64K
	POLICY
	old=$(ls "$tmp/links")
	same "$(difference | sed 's/ .*//' | sort | paste -s)" "link	link	unlink	unlink"
	# Not by one that is wrong, nor by looking
	sed -i '$a queues = 65' "$tmp/policy/web.conf"
	refuses 1 "'queues' is '65'; write a number" apply
	same "$(ls "$tmp/links")" "$old"
	same "$(links_there | sort)" "$(cat "$tmp/before")"
	sed -i '$d' "$tmp/policy/web.conf"
	apply
	same "$(difference)" ""
	same "$(links_there | sed 's/ .*//' | sort | paste -s)" "more	pair	tap"
	same "$(links_there | grep tap)" "$(grep tap "$tmp/before")"
	# One that has a UUID of its own is the same whatever it is called.
	sed -i 's/^.link tap./[link cable]/' "$tmp/policy/web.conf"
	apply
	same "$(difference)" ""
	same "$(links_there | grep -E 'tap|cable')" "$(sed -n 's/^tap/cable/p' "$tmp/before")"
	pvictl link --dir "$tmp/links" cable >"$tmp/printed"
	refuses 5 "there is no such link" pvictl link --dir "$tmp/links" tap
	same "$(stat -c %s "$tmp/links/$pair/0")" 131072
	[ -e "$tmp/links/$by_hand/shapes" ] || fail "what was made by hand has gone"
	find_link pair
	same "$link" "$pair"
	accepts vm_a "$b" || fail "it may not any more"
	# Who was attached by hand has its part, as long as there is one.
	find_link more
	accepts vm_a "$e" || fail "it may not"
	sed -i '/^.link more/,$d' "$tmp/policy/web.conf"
	same "$(difference)" "unlink $link"
	same "$(cat "$tmp/diff")" "unlink $link  # more"
	apply
	! accepts vm_a "$e" || fail "it may still"
	find_link pair
	sed -i '/^.link/,$d' "$tmp/policy/web.conf"
	apply
	! accepts vm_a "$b" || fail "it may still"
	same "$(ls "$tmp/links")" "$by_hand"
	pvictl show --json "$a" >"$tmp/json"
	json "$tmp/json" "len(it['gsis']) == 1"
	end_pvid
}

# between NAME A B - a link of the policy
between()
{
	printf '[link %s]\nbetween = %s, %s\nkind = raw\nsize = 64K\n' "$@" >>"$tmp/policy/web.conf"
}

# hold_fds PID - who wants a descriptor of it waits, if pvid was started so, until let_have
hold_fds()
{
	echo "$1" >"$tmp/getfd.new"
	mv "$tmp/getfd.new" "$tmp/getfd"
}

let_have()
{
	rm "$tmp/getfd"
}

holds()
{
	grep -q held "$tmp/getfd"
}

# find_made NAME - as find_link, but nobody joins it by that
find_made()
{
	link=$(grep -l -x -F "[link $1]" "$tmp/links"/*/policy | sed 's,/policy$,,; s,.*/,,')
	gsi=$(gsi_of 1)
}

# gsi_of SIDE - of $link, the first by which that side is rung
gsi_of()
{
	od -A n -t u4 -j 64 -N 4 "$tmp/links/$link/$1" | tr -d ' '
}

# rung_by NAME UUID LINK - YES or NO, as that VM may ring the other one, the link's second side
rung_by()
{
	find_made "$3"
	if accepts "$1" "$2"; then
		echo YES
	else
		echo NO
	fi
}

# Ends that are not pvid's have joined a link, or left it, when that is done: who could not, or was not told, is told later,
# whoever keeps it waiting, or is killed meanwhile.
ends_of_others()
{
	local e=eeeeeeee-0000-4000-8000-000000000005 f=ffffffff-0000-4000-8000-000000000006
	local max=/sys/module/kvm_pvi/parameters/max_gsis old held own linking wait=(env "LD_PRELOAD=$here/kill_at.so" "GETFD_HELD=$tmp/getfd")

	policy
	start_pvid "${wait[@]}"
	vmm vm_a -name web -uuid "$a"
	vmm vm_b -uuid "$b"
	vmm vm_c
	vmm vm_d
	await settled
	old=$(cat "$max")
	attach at_c --pid "$vm_c" --uuid "$e" --dir "$tmp/links" --expose 20,21,22
	echo 3 >"$max"
	between kept web "$e"
	refuses 1 "$e cannot join link 'kept': no memory is left there, or too many GSIs or senders at one end" apply
	echo "$old" >"$max"
	apply
	same "$(rung_by vm_a "$e" kept)" YES
	# Who keeps it waiting has nobody else go without.
	attach at_d --pid "$vm_d" --uuid "$f" --dir "$tmp/links"
	hold_fds "$at_d"
	between held web "$f"
	between more web "$e"
	refuses 1 "$f cannot join link 'held': its process keeps whoever asks it waiting" apply
	same "$(rung_by vm_a "$e" more)" YES
	same "$(rung_by vm_a "$f" held)" NO
	let_have
	apply
	same "$(rung_by vm_a "$f" held)" YES
	find_made held
	held=$gsi own=$(gsi_of 0)
	find_made more
	hold_fds "$at_d"
	sed -i '/^.link held/,$d' "$tmp/policy/web.conf"
	apply >"$tmp/apply" 2>&1 &
	await holds
	kill_pvid
	! accepts vm_a "$e" || fail "it may still"
	same "$(difference)" ""
	# Nobody else gets its GSIs meanwhile.
	make_link "$a" "$b"
	[ "$(gsi_of 0)" -gt "$own" ] || fail "GSI $own is a's by two links"
	refuses 1 "$f keeps the GSIs of link 'held': its process keeps whoever asks it waiting" apply
	gsi=$held
	accepts vm_a "$f" || fail "it may not any more"
	let_have
	apply
	! accepts vm_a "$f" || fail "it may still"
	same "$(rung_by vm_a "$e" kept)" YES
	# Nor who keeps pvictl waiting
	hold_fds "$at_d"
	"${wait[@]}" pvictl link --dir "$tmp/links" --size 64K --kind raw "$f" "$a" >"$tmp/printed" 2>&1 &
	linking=$!
	await holds
	kill "$vm_b"
	await_gone "$b"
	rm "$tmp/vm_b.in" "$tmp/vm_b.out"
	vmm vm_b -uuid "$b"
	gsi=$(gsi_of 1)
	await accepts vm_a "$b"
	! wait "$linking" || fail "$f has joined: $(cat "$tmp/printed")"
	has "$(cat "$tmp/printed")" "$f cannot have the link: its process keeps whoever asks it waiting" "link "
	let_have
	pvictl unlink --dir "$tmp/links" "$f" "$a"
	pvictl unlink --dir "$tmp/links" "$link"
	make_link "$f" "$b"
	gsi=$(gsi_of 1)
	accepts vm_d "$b" || fail "it may not"
	hold_fds "$at_d"
	"${wait[@]}" pvictl unlink --dir "$tmp/links" "$link" >"$tmp/unlink" 2>&1 &
	await holds
	await gives -1 vm_d "ring $b $gsi"
	make_link "$a" "$b"
	gsi=$(gsi_of 1)
	accepts vm_a "$b" || fail "it may not"
	kill $!
	pvictl unlink --dir "$tmp/links" "$link"
	sed -i '/^.link/,$d' "$tmp/policy/web.conf"
	let_have
	apply
	pvictl show --json "$f" >"$tmp/json"
	json "$tmp/json" "it['gsis'] == [] and it['senders'] == []"
	same "$(ls -A "$tmp/links")" .lock
	end_pvid
}

# Nor does who asks such an end keep a policy from changing links.
asked_ends()
{
	local f=ffffffff-0000-4000-8000-000000000006 linking wait=(env "LD_PRELOAD=$here/kill_at.so" "GETFD_HELD=$tmp/getfd")

	policy
	between held web "$f"
	start_pvid "${wait[@]}"
	vmm vm_a -name web -uuid "$a"
	vmm vm_d
	await exposes_nr "$a" 1
	attach at_d --pid "$vm_d" --uuid "$f" --dir "$tmp"
	hold_fds "$at_d"
	"${wait[@]}" pvictl link --dir "$tmp/links" held >"$tmp/printed" 2>&1 &
	linking=$!
	await holds
	policy
	refuses 1 "$f keeps the GSIs of link 'held': its process keeps whoever asks it waiting" apply
	exposes "$a"
	! wait "$linking" || fail "$f has joined: $(cat "$tmp/printed")"
	let_have
	apply
	exposes "$f"
	same "$(ls -A "$tmp/links")" .lock
	end_pvid
}

# enrol NAME UUID... - a process with these endpoints; $NAME is its PID
enrol()
{
	local name=$1

	shift
	cat >"$tmp/enrol.py" <<-'PYTHON'
		import ctypes, signal, sys, uuid
		lib = ctypes.CDLL("libpvi.so.0")
		ends = [lib.pvi_enrol(-1, uuid.UUID(name).bytes) for name in sys.argv[1:]]
		assert min(ends) >= 0, ends
		print("ready", flush=True)
		signal.pause()
	PYTHON
	python3 "$tmp/enrol.py" "$@" >"$tmp/$name.log" 2>&1 &
	declare -g "$name=$!"
	await grep -q ready "$tmp/$name.log"
}

# has_link UUID - or it has nothing of one
has_link()
{
	pvictl show --json "$1" >"$tmp/json"
	json "$tmp/json" "len(it['gsis']) == 1 and len(it['senders']) == 1"
}

has_nothing()
{
	pvictl show --json "$1" >"$tmp/json"
	json "$tmp/json" "it['gsis'] == [] and it['senders'] == []"
}

# One process has many ends, and keeps whoever asks waiting: whoever comes behind all of these, in whatever order they are
# asked, has it as if there were none.
many_ends()
{
	local ends=() n

	for ((n = 0; n < 27; n++)); do
		ends+=("$(printf 'eeeeeeee-0000-4000-8000-%012d' $n)")
	done
	policy
	start_pvid env "LD_PRELOAD=$here/kill_at.so" "GETFD_HELD=$tmp/getfd"
	vmm vm_a -name web -uuid "$a"
	enrol one "${ends[13]}"
	enrol crowd "${ends[@]:0:13}" "${ends[@]:14}"
	await pvictl show "$a"
	hold_fds "$crowd"
	# They are made in the order of their UUIDs, and found in that or in the other one: one in the middle is in the middle.
	for ((n = 0; n < 27; n++)); do
		printf '[link l%d]\nbetween = web, host:%s\nuuid = dddddd%02x-0000-4000-8000-000000000000\nkind = raw\nsize = 8K\n' \
			$n "${ends[n]}" $n
	done >>"$tmp/policy/web.conf"
	! apply >"$tmp/apply" 2>&1 || fail "done, without asking the crowd"
	has_link "${ends[13]}"
	has_nothing "${ends[0]}"
	has "$(cat "$tmp/apply")" "cannot join link 'l" "its process keeps whoever asks it waiting"
	let_have
	apply
	for n in 0 12 14 26; do
		has_link "${ends[n]}"
	done
	hold_fds "$crowd"
	policy
	! apply >"$tmp/apply" 2>&1 || fail "done, without asking the crowd"
	has_nothing "${ends[13]}"
	has_link "${ends[0]}"
	has "$(cat "$tmp/apply")" "keeps the GSIs of link 'l" "its process keeps whoever asks it waiting"
	let_have
	apply
	for n in 0 12 14 26; do
		has_nothing "${ends[n]}"
	done
	same "$(ls -A "$tmp/links")" .lock
	kill "$one" "$crowd"
	end_pvid
}

# However many links have gone that an end was not told of, one more can go, and all others are told of it.
three_gone()
{
	local ends=() n

	for ((n = 0; n < 4; n++)); do
		ends+=("$(printf 'eeeeeeee-0000-4000-8000-%012d' $n)")
	done
	policy
	start_pvid env "LD_PRELOAD=$here/kill_at.so" "GETFD_HELD=$tmp/getfd"
	vmm vm_a -name web -uuid "$a"
	enrol one "${ends[3]}"
	enrol crowd "${ends[@]:0:3}"
	await pvictl show "$a"
	for ((n = 0; n < 4; n++)); do
		between l$n web "host:${ends[n]}"
	done
	apply
	hold_fds "$crowd"
	policy
	between l3 web "host:${ends[3]}"
	! apply >"$tmp/apply" 2>&1 || fail "done, without asking the crowd"
	same "$(find "$tmp/links" -maxdepth 1 -name '.gone-*' | wc -l)" 3
	has_link "${ends[3]}"
	policy
	refuses 1 "keeps the GSIs of link 'l" apply
	has_nothing "${ends[3]}"
	let_have
	apply
	has_nothing "${ends[0]}"
	same "$(ls -A "$tmp/links")" .lock
	kill "$one" "$crowd"
	end_pvid
}

# An end whose opener has ended, and who has inherited it goes on, is told as others are.
handed_on()
{
	cat >"$tmp/enrol.py" <<-'PYTHON'
		import ctypes, os, signal, sys, uuid
		lib = ctypes.CDLL("libpvi.so.0")
		end = lib.pvi_enrol(-1, uuid.UUID(sys.argv[1]).bytes)
		assert end >= 0, end
		if not os.fork():
		    signal.alarm(600)
		    print(os.getpid(), flush=True)
		    signal.pause()
	PYTHON
	load_delay
	pair_by_policy
	python3 "$tmp/enrol.py" "$c" >"$tmp/heir"
	await test -s "$tmp/heir"
	between wire web "host:$c"
	# Also where another VM has its endpoint's lock
	hold_lock "$b"
	apply
	has_link "$c"
	policy
	apply
	has_nothing "$c"
	let_lock
	same "$(ls -A "$tmp/links")" .lock
	kill "$(cat "$tmp/heir")"
	rmmod pvi_test_delay
	end_pvid
}

# Whoever is bound to the name of a VM that is one user's rings by the policy's links as that user alone.
linked_users()
{
	local applying

	policy_with_links
	sed -i -e '/^.vm db/a user = 12345' -e '/^.link pair/a owner = 12345' "$tmp/policy/web.conf"
	start_pvid
	vmm vm_a -name web -uuid "$a"
	await pvictl show "$a"
	await as_wanted
	find_link pair
	gsi=$(first_gsi 0)
	vmm vm_b
	attach at_b --pid "$vm_b" --uuid "$b"
	same "$(tell vm_b "ring $a $gsi")" -1
	kill "$at_b" "$vm_b"
	await_gone "$b"
	rm "$tmp/vm_b.in" "$tmp/vm_b.out"
	chmod 666 /dev/kvm
	VMM_AS="setpriv --reuid 12345 --clear-groups" vmm vm_b -uuid "$b"
	chmod 660 /dev/kvm
	await settled
	accepts vm_b "$a" || fail "it may not"
	# Of a link that stays, too, and what somebody has limited by hand stays limited.
	links_there | grep pair >"$tmp/before"
	sed -i '/^user = 12345/d' "$tmp/policy/web.conf"
	same "$(difference | grep -c "join $a link $link")" 1
	apply
	same "$(difference)" ""
	rings_as "(None, None)"
	pvictl allow --rate 5 "$b" to "$a" gsi "$gsi"
	same "$(difference)" ""
	sed -i '/^.vm db/a user = 12345' "$tmp/policy/web.conf"
	# It is done when it is, also where somebody changes links meanwhile, and it is asked seldom whether they are done.
	hold_links
	apply >"$tmp/apply" 2>&1 &
	applying=$!
	await logged "cannot read links in $tmp/links yet"
	nap 2
	free_links
	wait "$applying"
	same "$(difference)" ""
	rings_as "(12345, 5)"
	accepts vm_b "$a" || fail "it may not any more"
	links_there | grep pair | diff "$tmp/before" -
	# Also where it is not pvid who has it join
	pvictl revoke "$b" to "$a" gsi "$gsi"
	where_pvid_is pvictl link --dir "$tmp/links" "$link" >"$tmp/printed"
	rings_as "(12345, None)"
	# In the place of what an older pvid has given
	pvictl allow "$b" to "$a" gsi "$gsi"
	same "$(difference)" "join $a link $link"
	kill_pvid
	await as_wanted
	rings_as "(12345, None)"
	end_pvid
}

# where_pvid_is COMMAND... - without its --run
where_pvid_is()
{
	# shellcheck disable=SC2016 # of sh
	unshare --mount sh -e -c 'mount -t tmpfs none /run; mkdir /run/kvm-pvi; ln -s "$1" /run/kvm-pvi/pvid; shift; exec "$@"' \
		sh "$tmp/run" "$@"
}

as_wanted()
{
	[ -z "$(difference)" ]
}

# rings_as OWNER_AND_RATE - in the row by which db rings web because of the link
rings_as()
{
	pvictl show --json "$a" >"$tmp/json"
	json "$tmp/json" "[(s['owner'], s['rate']) for s in it['senders'] if s['gsi'] == '$gsi'] == [$1]"
}

# A file of status words is one user's alone, from whom no other one gets it, and who can keep pvid from no other work.
words_of_users()
{
	local file=$tmp/status/$a held inode

	policy
	sed -i 's/^name = web/&\nexpose = 5\nstatus = 5\nuser = 12345/' "$tmp/policy/web.conf"
	# As its unit has it
	start_pvid setpriv --bounding-set -all,+sys_ptrace,+dac_read_search,+setuid,+sys_admin,+chown
	exec {held}<>"$file"
	sed -i 's/^user = 12345/user = 12346/' "$tmp/policy/web.conf"
	apply
	same "$(stat -c '%u %g %a %s' "$file")" "12346 0 660 4096"
	echo x >&"$held"
	same "$(od -A n -t u4 -N 4 "$file" | tr -d ' ')" 0
	inode=$(stat -c %i "$file")
	chmod 600 "$file"
	sed -i 's/^gsi = 20/gsi = any/' "$tmp/policy/web.conf"
	apply
	logged "web: its user, 12346, keeps pvid from its status words: Permission denied" || fail "it is not said"
	same "$(stat -c '%u %i' "$file")" "12346 $inode"
	# Whatever the last one has done to it
	sed -i 's/^user = 12346/user = 12345/' "$tmp/policy/web.conf"
	apply
	same "$(stat -c '%u %g %a' "$file")" "12345 0 660"
	sed -i '/^user = 12345/d' "$tmp/policy/web.conf"
	apply
	same "$(stat -c '%u %g %a' "$file")" "0 0 660"
	# Root's becomes a user's, and stays where it is mapped.
	inode=$(stat -c %i "$file")
	sed -i 's/^name = web/&\nuser = 12345/' "$tmp/policy/web.conf"
	apply
	same "$(stat -c '%u %i' "$file")" "12345 $inode"
	exec {held}>&-
	end_pvid
}

# What cannot be made is said, with file and line, and all the rest is done.
not_linking()
{
	local uuid=dddddddd-0000-4000-8000-000000000004

	policy_with_links
	pvictl link --dir "$tmp/links" --size 64K --kind raw --uuid "$uuid" "$a" "host:$c" >"$tmp/printed"
	start_pvid
	logged "link 'tap' is there, made by hand and another one" || fail "it is not said"
	refuses 1 "web.conf:27: link 'tap' is there, made by hand and another one" apply
	refuses 1 "web.conf:27: link 'tap' is there, made by hand and another one" difference
	same "$(links_there | sed 's/ .*//' | sort | paste -s)" "calls	pair"
	pvictl unlink --dir "$tmp/links" "$uuid"
	apply
	same "$(difference)" ""
	# One that is the same is as good, and stays another's.
	pvictl unlink --dir "$tmp/links" "$uuid"
	pvictl link --dir "$tmp/links" --size 32K --queues 2 --kind raw --uuid "$uuid" "$a" "host:$c" >"$tmp/printed"
	apply
	same "$(links_there | sed 's/ .*//' | sort | paste -s)" "calls	pair"
	sed -i '27,$d' "$tmp/policy/web.conf"
	apply
	[ -e "$tmp/links/$uuid/shapes" ] || fail "what was made by hand has gone"
	end_pvid
	# No room
	rm -r "$tmp/links"
	mkdir -m 755 "$tmp/links"
	mount -t tmpfs -o size=280K,mode=755 none "$tmp/links"
	policy_with_links
	sed -i '18s/64K/128K/' "$tmp/policy/web.conf"
	start_pvid
	refuses 1 "web.conf:15: link 'pair': $tmp/links: no memory is left there: 256 KiB are wanted" apply
	same "$(links_there | sed 's/ .*//' | sort | paste -s)" "calls	tap"
	same "$(echo "$tmp/links"/.?*-*)" "$tmp/links/.?*-*"
	mount -o remount,size=1M "$tmp/links"
	apply
	same "$(difference)" ""
	end_pvid
	umount "$tmp/links"
}

# owned USER... - whose the sections of link pair are, and how
owned()
{
	find_link pair
	same "$(stat -c '%u %g %a' "$tmp/links/$link"/[01] | paste -s -d ' ')" "$*"
}

# Each section is its VM's user's, unless it is said whose.
owning()
{
	policy_with_links
	start_pvid
	owned 0 0 600 0 0 600
	sed -i -e '/^name = web/a user = 12345' "$tmp/policy/web.conf"
	apply
	owned 12345 0 640 0 0 640
	sed -i '/^.link pair/a owner = 12346:7, 12347' "$tmp/policy/web.conf"
	apply
	owned 12346 0 640 12347 7 640
	# As its unit has it, and whom a user's primary group has in it besides
	end_pvid
	printf '%s\n' root:x:0:0::/: one:x:12345:7::/: two:x:12346:7::/: >"$tmp/passwd"
	# shellcheck disable=SC2016 # of sh
	start_pvid unshare --mount sh -e -c 'mount --bind "$1" /etc/passwd; shift; exec "$@"' sh "$tmp/passwd" \
		setpriv --bounding-set -all,+sys_ptrace,+dac_read_search,+setuid,+sys_admin,+chown
	sed -i -e '/^owner/s/=.*/= 12345, 12346/' "$tmp/policy/web.conf"
	apply
	owned 12345 0 640 12346 0 640
	chmod 755 "$tmp" "$tmp/.."
	for n in 0 1; do
		refuses 1 "Permission denied" setpriv --reuid 12347 --regid 7 --clear-groups cat "$tmp/links/$link/$n"
	done
	setpriv --reuid 12345 --regid 7 --clear-groups cmp "$tmp/links/$link"/[01] >"$tmp/compared" || [ $? -eq 1 ]
	has "$(cat "$tmp/compared")" differ
	end_pvid
}

# crowd_of_links NUMBER - a policy with as many between the two
crowd_of_links()
{
	local n

	policy
	for ((n = 0; n < $1; n++)); do
		printf '[link l%d]\nbetween = web,db\nkind = raw\nsize = 8K\n' "$n"
	done >>"$tmp/policy/web.conf"
}

# Wherever it was in making them, or in taking them back, when it was killed
killed_linking()
{
	local nr=60

	pair_by_policy
	crowd_of_links $nr
	apply >"$tmp/apply" 2>&1 &
	await some_links
	kill_pvid
	await settled
	same "$(links_there | wc -l)" $nr
	same "$(echo "$tmp/links"/.?*-*)" "$tmp/links/.?*-*"
	find_link l$((nr - 1))
	accepts vm_a "$b" || fail "it may not"
	exposes_nr "$b" $((nr + 3))
	policy
	apply >"$tmp/apply" 2>&1 &
	await fewer_links $nr
	kill_pvid
	await settled
	same "$(links_there)" ""
	exposes_nr "$b" 3
	same "$(nr_edges "$b")" 1
	end_pvid
}

# A child that was taking a link back goes on behind pvid's end, whose descriptors have gone: it does not take endpoints that
# are kept for gone.
orphaned()
{
	policy
	start_pvid env LD_PRELOAD="$here/hold_at.so" HOLD_LINKS="$tmp/hold" ORPHANS=1
	vmm vm_a -name web -uuid "$a"
	vmm vm_b -uuid "$b"
	await settled
	crowd_of_links 1
	apply
	await settled
	exposes_nr "$b" 4
	policy
	: >"$tmp/hold"
	apply >"$tmp/apply" 2>&1 &
	# And the one that looks for VMs
	await held 2
	kill -KILL "$pvid"
	await has_ended "$pvid"
	rm "$tmp/hold"
	await started 2
	find_pvid
	await settled
	same "$(links_there)" ""
	exposes_nr "$b" 3
	same "$(nr_edges "$b")" 1
	end_pvid
}

some_links()
{
	[ -n "$(links_there)" ]
}

fewer_links()
{
	[ "$(links_there | wc -l)" -lt "$1" ]
}

exposes_nr()
{
	pvictl show --json "$1" >"$tmp/json"
	json "$tmp/json" "len(it['gsis']) == $2"
}

nr_edges()
{
	pvictl show --json "$1" | grep -c '"sender"'
}

# What somebody says of himself is not enough where the policy says more, nor who has only been given a VM.
claims()
{
	local pid

	policy
	sed -i "/^name = web/a user = 12345" "$tmp/policy/web.conf"
	sed -i '/^\[vm db\]/a name = db\nuser = root' "$tmp/policy/web.conf"
	start_pvid
	vmm vm_a -name web -uuid "$a"
	vmm vm_b -name other -uuid "$b"
	# As a program that its user may run as root
	VMM_AS="setpriv --ruid 12345" vmm vm_d -name db -uuid "$b"
	sed -i '$a [vm heir]\nuuid = '"$c" "$tmp/policy/web.conf"
	pid=$(tell vm_b "lend $c")
	apply
	await logged "process $pid claims to be heir ($c) by a VM that another process has made"
	kill "$pid"
	vmm vm_c -name db
	await pvictl show "$b"
	refuses 5 "no endpoint is bound" pvictl show "$a"
	pvictl list --json >"$tmp/json"
	json "$tmp/json" "[(e['uuid'], e['vmm']) for e in it['endpoints']] == [('$b', $vm_c)]"
	end_pvid
}

# hang NAME - nobody can look at its command line, until let_go, or for 25 s: there is a reader of its mmap_lock,
# and it waits for that itself, to map something.
hang()
{
	local in=${1}_in

	echo "${!1}" >/sys/module/pvi_test_delay/parameters/mmap_lock
	echo map >&"${!in}"
	await hung "${!1}"
}

hung()
{
	! timeout -s KILL 1 cat "/proc/$1/cmdline"
}

let_go()
{
	echo 0 >/sys/module/pvi_test_delay/parameters/mmap_lock
	same "$(answer "$1")" 0
}

# Nobody can keep pvid from its work: neither who cannot be looked at, nor whose memory cannot be watched.
hangs()
{
	load_delay
	mkdir "$tmp/policy"
	start_pvid
	vmm vm_a -name web -uuid "$a"
	policy
	hang vm_a
	apply
	vmm vm_b -uuid "$b"
	await pvictl show "$b"
	refuses 5 "no endpoint is bound" pvictl show "$a"
	watched
	let_go vm_a
	await settled
	same "$(tell vm_a "ring $b 20")" 0
	rmmod pvi_test_delay
	end_pvid
}

# What is bound is kept meanwhile, if its user and cgroup are right, for these are known.
hangs_later()
{
	load_delay
	pair_by_policy
	sed -i '/^name = web/a user = root' "$tmp/policy/web.conf"
	hang vm_a
	apply
	let_go vm_a
	same "$(difference)" ""
	same "$(tell vm_a "ring $b 20")" 0
	sed -i 's/^user = root/user = 12345/' "$tmp/policy/web.conf"
	hang vm_a
	apply
	let_go vm_a
	await_gone "$a"
	rmmod pvi_test_delay
	end_pvid
}

# hold_lock UUID... - of endpoints of pvid's, until let_lock
hold_lock()
{
	hold_lock_of "$pvid" "$@"
}

# Nor can a user whose vCPU has its endpoint's lock, and hardly ever runs: what is to be done with that one waits, nothing
# else does.
lock_is_held()
{
	load_delay
	pair_by_policy
	hold_lock "$b"
	sed -i 's/^name = web/&\nexpose = 21/' "$tmp/policy/web.conf"
	printf '[vm third]\nuuid = %s\nexpose = 21\n' "$c" >>"$tmp/policy/web.conf"
	printf '[allow %s]\nfrom = %s\nto = %s\ngsi = %d\n' more web db 65536 back db web 21 there web third 21 \
		>>"$tmp/policy/web.conf"
	apply
	same "$(tell vm_b "ring $a 21") $(tell vm_a "ring $b 65536")" "0 -1"
	vmm vm_c -uuid "$c"
	await gives_some "ring $c 21"
	exposes "$c" 21
	watched
	let_lock
	await gives_some "ring $b 65536"
	await as_wanted
	# Nor is what is to be taken back forgotten.
	hold_lock "$b"
	sed -i -e '/^.allow web-to-db/,/^gsi/d' -e '/^.allow back/,/^gsi/d' "$tmp/policy/web.conf"
	refuses 1 "not all could be taken back" apply
	same "$(tell vm_b "ring $a 21") $(tell vm_a "ring $b 20")" "-1 0"
	let_lock
	await gives -1 vm_a "ring $b 20"
	apply
	same "$(difference)" ""
	# Nor does the end of one
	hold_lock "$b"
	sed -i -e '/^.vm db/,/^bells/d' -e '/^.allow more/,/^gsi/d' "$tmp/policy/web.conf"
	apply
	refuses 5 "no endpoint is bound" pvictl show "$b"
	watched
	let_lock
	rmmod pvi_test_delay
	end_pvid
}

# crowd_of NR COMMAND... - a policy, with so many VMs of another user's as well; pvid, by the command; and all of them,
# bound. Sets names, theirs, and group, whose they are
crowd_of()
{
	local n

	policy
	names=()
	for ((n = 1; n <= $1; n++)); do
		printf -v "names[n - 1]" 'cccccccc-0000-4000-8000-%012d' $n
		printf '[vm v%d]\nuuid = %s\nuser = 12345\n' $n "${names[n - 1]}"
	done >>"$tmp/policy/web.conf"
	start_pvid "${@:2}"
	vmm vm_a -name web -uuid "$a"
	vmm vm_b -uuid "$b"
	vmm vm_c -uuid "$c"
	group=$(tell vm_c "vms 12345 $1 1")
	await nr_bound $(($1 + 2))
	await settled
}

# Nor do many of them, of which some child always waits, keep a policy from being carried out for all others.
locks_are_held()
{
	local n nr=17 group names

	load_delay
	crowd_of $nr
	hold_lock "${names[@]}"
	sed -i 's/^gsi = 20/gsi = 65536/' "$tmp/policy/web.conf"
	for ((n = 1; n <= nr; n++)); do
		printf '[allow v%d]\nfrom = web\nto = v%d\ngsi = 65536\n' $n $n
	done >>"$tmp/policy/web.conf"
	apply
	same "$(tell vm_a "ring $b 20") $(tell vm_a "ring $b 65536")" "-1 2"
	watched
	let_lock
	# They have no interrupt controller to expose a GSI of.
	for n in "${names[0]}" "${names[-1]}"; do
		await has_sender "$n"
	done
	kill -KILL -- "-$group"
	rmmod pvi_test_delay
	end_pvid
}

has_sender()
(
	pvictl show --json "$1" >"$tmp/json" && json "$tmp/json" "len(it['senders']) == 1"
)

# pvid goes on: another VM comes, and has what the policy says.
goes_on_meanwhile()
{
	vmm vm_d -uuid "$c"
	await gives_some "ring $c 21"
	watched
}

# Nor where its guest moves: each step is done when the lock is free, in its order.
lock_is_held_moving()
{
	load_delay
	pair_that_moves
	printf '[vm third]\nuuid = %s\nexpose = 21\n[allow there]\nfrom = web\nto = third\ngsi = 21\n' "$c" \
		>>"$tmp/policy/web.conf"
	apply
	same "$(tell vm_b run)" 0
	vmm vm_c -uuid "$b" -incoming defer
	await logged "process $vm_c waits for db ($b) to stop"
	hold_lock "$b"
	same "$(tell vm_b stop)" 0
	await logged "what its guest has made cannot be saved: .*; it does not move"
	goes_on_meanwhile
	let_lock
	await is_at "$b" "$vm_c"
	await gives -11 vm_a "ring $b 65536"
	kill "$vm_b"
	# Where it runs
	hold_lock "$b"
	same "$(tell vm_c run)" 0
	await logged "db ($b) goes on in process $vm_c"
	watched
	same "$(tell vm_a "ring $b 65536")" -11
	[ -e "$tmp/run/$b.state" ] || fail "it is forgotten that it is to be thawed"
	let_lock
	await test ! -e "$tmp/run/$b.state"
	same "$(tell vm_c stop)" 0
	has_what_it_had vm_c 1
	# One that is kept is frozen by the next pvid, too, whoever has thawed it.
	kill "$vm_c"
	await test -e "$tmp/run/$b.state"
	rm "$tmp/vm_b.in" "$tmp/vm_b.out" "$tmp/vm_d.in" "$tmp/vm_d.out"
	vmm vm_b -uuid "$b" -incoming defer
	await is_at "$b" "$vm_b"
	await gives -11 vm_a "ring $b 65536"
	await as_wanted
	kill "$vm_d"
	pvictl thaw "$b"
	hold_lock "$b"
	kill_pvid
	goes_on_meanwhile
	let_lock
	await is_frozen "$b"
	same "$(tell vm_a "ring $b 65536")" -11
	goes_on vm_b
	rmmod pvi_test_delay
	end_pvid
}

# Nor are links of others kept from coming or going.
lock_is_held_linking()
{
	local n

	load_delay
	pair_by_policy
	printf '[vm third]\nuuid = %s\n' "$c" >>"$tmp/policy/web.conf"
	apply
	vmm vm_c -uuid "$c"
	await pvictl show "$c"
	cp "$tmp/policy/web.conf" "$tmp/unlinked"
	hold_lock "$b"
	between held web db
	between more web third
	refuses 1 "$b cannot join link 'held': its process keeps whoever asks it waiting" apply
	same "$(rung_by vm_a "$c" more) $(rung_by vm_a "$b" held)" "YES NO"
	# Nor by who waits for it to join: of a child that has the links' lock meanwhile one at least is met.
	for n in 1 2 3 4; do
		flock --timeout 2 "$tmp/links/.lock" true || fail "nobody else can change links"
	done
	let_lock
	apply
	same "$(rung_by vm_a "$b" held)" YES
	hold_lock "$b"
	cp "$tmp/unlinked" "$tmp/policy/web.conf"
	find_made more
	refuses 1 "$b keeps the GSIs of link 'held': its process keeps whoever asks it waiting" apply
	! accepts vm_a "$c" || fail "it may still"
	let_lock
	apply
	same "$(difference)" ""
	exposes "$c"
	same "$(ls -A "$tmp/links")" .lock
	rmmod pvi_test_delay
	end_pvid
}

# Print how many children of pvid no signal ends.
nr_stuck()
{
	local children child stats=()

	mapfile -d ' ' -t children <"/proc/$pvid/task/$pvid/children"
	for child in "${children[@]}"; do
		stats+=("/proc/$child/stat")
	done
	awk '{ sub(/.*\) /, "") } /^D/ { nr++ } END { print nr + 0 }' "${stats[@]}" </dev/null
}

# Nor can a user whose processes keep pvid's children for good, and are more than there may be VMs, keep others'
# VMs from being bound. Their own are, when they let go.
crowds()
{
	local max=/sys/module/kvm_pvi/parameters/max_vms old crowd

	load_delay
	old=$(cat "$max")
	echo 20 >"$max"
	policy
	sed -i '$a [vm crowd]\nuuid = '"$c" "$tmp/policy/web.conf"
	vmm vm_c -uuid "$c"
	crowd=$(tell vm_c "crowd 12345 24")
	start_pvid
	vmm vm_b -uuid "$b"
	await pvictl show "$b"
	await logged "user 12345: children that have looked at processes do not end"
	logged "user 12345 has more processes that make VMs than there may be VMs" || fail "it has not"
	same "$(nr_stuck)" 16
	chmod 666 /dev/kvm
	VMM_AS="setpriv --reuid 12345 --clear-groups" vmm vm_a -name web -uuid "$a"
	chmod 660 /dev/kvm
	refuses 5 "no endpoint is bound" pvictl show "$a"
	echo 0 >/sys/module/pvi_test_delay/parameters/close
	kill "$crowd"
	await settled
	same "$(tell vm_a "ring $b 20")" 0
	echo "$old" >"$max"
	await rmmod pvi_test_delay
	end_pvid
}

# each_of GROUP - its processes
each_of()
{
	awk -v group="$1" '{ pid = $1; sub(/.*\) /, "") } $3 == group && !/^Z/ { print pid }' /proc/[0-9]*/stat
}

# held NUMBER - so many of pvid's children at least wait where they are held
held()
{
	[ "$(wc -l <"$tmp/hold.held")" -ge "$1" ]
}

# no_others_begin - each child of pvid's is one that is held
no_others_begin()
{
	local children

	mapfile -d ' ' -t children <"/proc/$pvid/task/$pvid/children"
	printf '%s\n' "${children[@]}" | sort | cmp - <(sort "$tmp/hold.held")
}

nr_bound()
{
	pvictl list --json >"$tmp/json"
	[ "$(grep -c '"uuid"' "$tmp/json")" -eq "$1" ]
}

# A user whose many VMs cannot be looked at again has a share of pvid's children, 16 for VMs and 16 for processes, and others'
# VMs are given what is new meanwhile.
crowd_is_bound()
{
	local nr=24 names group applying again

	crowd_of $nr env LD_PRELOAD="$here/hold_at.so" HOLD_CMDLINE="$tmp/hold" PATIENCE=1000
	each_of "$group" >"$tmp/hold.new"
	mv "$tmp/hold.new" "$tmp/hold"
	sed -i 's/^gsi = 20/gsi = any/' "$tmp/policy/web.conf"
	apply >"$tmp/apply" 2>&1 &
	applying=$!
	await held 32
	await gives 2 vm_a "ring $b 65536"
	await no_others_begin
	same "$(wc -l <"$tmp/hold.held")" 32
	# One more policy ends these children, and has others look, for those do end.
	sed -i 's/^gsi = any/gsi = 20/' "$tmp/policy/web.conf"
	apply >"$tmp/again" 2>&1 &
	again=$!
	await held 64
	! logged "children that have looked at processes do not end" || fail "they are taken for some that do not end"
	rm "$tmp/hold"
	wait "$applying"
	wait "$again"
	nr_bound $((nr + 2))
	kill -KILL -- "-$group"
	end_pvid
}

# looks PID... - how often pvid has looked whether they run
looks()
{
	local pid

	for pid; do
		echo "/proc/$pid/task"
	done >"$tmp/looked"
	grep -c -x -F -f "$tmp/looked" "$tmp/dirs"
}

looked_more()
{
	[ "$(looks "$2")" -ge "$1" ]
}

# Nor do many VMMs of one user's that wait for their guest have pvid look at all of them whenever it looks at another
# user's.
crowd_waits()
{
	local nr=100 group mine theirs

	policy
	printf '[vm crowd]\nuuid = %s\nuser = 12345\n' "$c" >>"$tmp/policy/web.conf"
	: >"$tmp/dirs"
	start_pvid env LD_PRELOAD="$here/kill_at.so" COUNT_DIRS="$tmp/dirs"
	vmm vm_b -uuid "$b"
	same "$(tell vm_b run)" 0
	chmod 666 /dev/kvm
	VMM_AS="setpriv --reuid 12345 --clear-groups" vmm vm_d -uuid "$c"
	chmod 660 /dev/kvm
	same "$(tell vm_d run)" 0
	await pvictl show "$b"
	await pvictl show "$c"
	vmm vm_a -uuid "$b" -incoming defer
	await logged "process $vm_a waits"
	vmm vm_c -uuid "$c" -incoming defer
	group=$(tell vm_c "vms 12345 $nr 0")
	attempts=3000 await all_wait $nr
	: >"$tmp/dirs"
	await looked_more 20 "$vm_a"
	mine=$(looks "$vm_a")
	# shellcheck disable=SC2046 # they are words
	theirs=$(looks $(each_of "$group"))
	[ "$theirs" -gt 0 ] || fail "nobody looks at them"
	[ "$theirs" -lt $((mine * nr / 2)) ] || fail "looked at theirs $theirs times, at another one's $mine times"
	on_console "looked at $nr of one user's $theirs times, at another one's $mine times"
	kill -KILL -- "-$group"
	end_pvid
}

all_wait()
{
	[ "$(grep -c "waits for crowd" "$tmp/pvid.log")" -eq "$1" ]
}

# A VMM of root's that becomes the user whose the policy says it is, when it has its VM, is waited for.
becomes()
{
	policy
	sed -i "/^name = web/a user = 12345" "$tmp/policy/web.conf"
	start_pvid
	vmm vm_a -name web -uuid "$a"
	vmm vm_b -uuid "$b"
	await pvictl show "$b"
	refuses 5 "no endpoint is bound" pvictl show "$a"
	same "$(tell vm_a "become 12345")" 0
	await settled
	# The row is that user's alone.
	same "$(tell vm_a "ring $b 20")" 0
	end_pvid
}

# A thread makes the VM; a process makes another one.
makers()
{
	policy
	start_pvid
	vmm vm_a -name web -uuid "$a" threaded
	vmm vm_b -uuid "$b"
	await settled
	same "$(tell vm_a "ring $b 20")" 0
	tell vm_b other >/dev/null
	await rings "$b" 0
	await settled
	same "$(tell vm_a "ring $b 20")" 0
	# Also while no pvid runs
	kill -STOP "$pvid"
	tell vm_b other >/dev/null
	kill_pvid
	await rings "$b" 0
	await settled
	same "$(tell vm_a "ring $b 20")" 0
	end_pvid
}

# A process makes another one beside the one that is bound, and closes that much later: it is looked for longer than
# for anything that passes by itself.
beside()
{
	policy
	: >"$tmp/dirs"
	start_pvid env LD_PRELOAD="$here/kill_at.so $here/hold_at.so" COUNT_DIRS="$tmp/dirs" LONGEST_RETRY=20000
	vmm vm_a -name web -uuid "$a"
	vmm vm_b -uuid "$b"
	await settled
	same "$(tell vm_a "ring $b 20")" 0
	same "$(tell vm_b "irqs 20")" 1
	tell vm_b beside >/dev/null
	await searched "$vm_b" 60
	! logged "process $vm_b: cannot" || fail "it is given up"
	[ "$(grep -c "process $vm_b has more than one VM" "$tmp/pvid.log")" -eq 1 ] || fail "it is not said once"
	# The name is where it was.
	rings "$b" 1
	same "$(tell vm_b drop)" 0
	await is_interrupted vm_b
	await settled
	end_pvid
}

# searched PID TIMES - for its VM, so often at least, or it is given up
searched()
{
	logged "process $1: cannot" || [ "$(grep -c -x "/proc/$1/fd" "$tmp/dirs")" -ge "$2" ]
}

# A process makes another one while it is looked at, and the one that it had is bound.
made_meanwhile()
{
	policy
	start_pvid env LD_PRELOAD="$here/kill_at.so" BIND_HELD="$tmp/hold"
	vmm vm_a -name web -uuid "$a"
	await pvictl show "$a"
	: >"$tmp/hold"
	vmm vm_b -uuid "$b"
	await test -s "$tmp/hold"
	tell vm_b other >/dev/null
	await all_heard
	rm "$tmp/hold"
	await is_interrupted vm_b
	await settled
	end_pvid
}

# Of what KVM has announced
all_heard()
{
	awk '$2 == 15 && $5 { waits = 1 } END { exit waits }' /proc/net/netlink
}

# is_interrupted NAME - by a's guest, at b's GSI 20
is_interrupted()
{
	[ "$(tell vm_a "ring $b 20")" -ge 0 ] && [ "$(tell "$1" "irqs 20")" -ge 1 ]
}

# Whether a process that had a VM has made another one cannot be seen while the table is full: then it keeps what it has.
full_table()
{
	policy
	start_pvid env LD_PRELOAD="$here/kill_at.so" BIND_FULL="$tmp/full"
	vmm vm_a -name web -uuid "$a"
	vmm vm_b -uuid "$b"
	await settled
	same "$(tell vm_a "ring $b 20")" 0
	: >"$tmp/full"
	apply
	await tried 6
	! logged "is not bound any more" || fail "it is taken away: $(cat "$tmp/full")"
	rm "$tmp/full"
	rings "$b" 1
	tell vm_b other >/dev/null
	await rings "$b" 0
	await settled
	same "$(tell vm_a "ring $b 20")" 0
	end_pvid
}

# Nor are there more, where it is taken away
tried()
{
	logged "is not bound any more" || [ "$(grep -c "No space" "$tmp/full")" -ge "$1" ]
}

# rings UUID NUMBER - it has taken so many
rings()
(
	pvictl show --json "$1" >"$tmp/json" && json "$tmp/json" "it['endpoint'][0]['received'] == $2"
)

# More VMs are announced than there is room for: those that were not heard of are looked for.
lost()
{
	local n

	policy
	start_pvid
	kill -STOP "$pvid"
	for ((n = 0; n < 4000; n++)); do
		echo change >/sys/devices/virtual/misc/kvm/uevent
	done
	vmm vm_a -name web -uuid "$a"
	vmm vm_b -uuid "$b"
	kill -CONT "$pvid"
	await settled
	logged "more VMs than there was room for" || fail "none was lost"
	end_pvid
}

# The differences are carried out, and what others have set up stays.
applying()
{
	pair_by_policy
	pvictl expose "$b" 16
	pvictl allow "$c" to "$b" gsi 16
	same "$(tell vm_a "ring $b 20")" 0
	same "$(difference)" ""
	sed -i -e 's/^expose = .*/expose = 20,23,65536/' -e 's/^bells = .*/bells = 23/' \
		-e 's/^gsi = 20/gsi = any/' "$tmp/policy/web.conf"
	same "$(difference)" "revoke $b $a gsi 20
unexpose $b gsi 22
expose $b gsi 23
bell $b gsi 23
allow $b $a gsi any"
	same "$(tail -n 2 "$tmp/diff")" "bell $b gsi 23  # db
allow $b $a gsi any  # db, web"
	exposes "$b" 16 20 22 65536
	apply
	same "$(difference)" ""
	exposes "$b" 16 20 23 65536
	same "$(tell vm_a "ring $b 16")" 0
	pvictl show --json "$b" >"$tmp/json"
	json "$tmp/json" "[(s['sender'], s['gsi']) for s in it['senders']] == [('$c', '16'), ('$a', 'any')]"
	# GSI 20 is as it was.
	json "$tmp/json" "[g['rings'] for g in it['gsis'] if g['gsi'] == 20] == [1]"
	# In a drop-in, as in the file
	mkdir "$tmp/policy/web.conf.d"
	printf '[allow web-to-db]\nrate = 5\n' >"$tmp/policy/web.conf.d/10-rate.conf"
	same "$(difference)" "allow $b $a gsi any"
	apply
	same "$(difference)" ""
	pvictl show --json "$b" >"$tmp/json"
	json "$tmp/json" "[s['rate'] for s in it['senders']] == [None, 5]"
	# A VM that is one user's rings as that user's alone.
	sed -i '/^name = web/a user = root' "$tmp/policy/web.conf"
	same "$(difference)" "allow $b $a gsi any"
	apply
	same "$(difference)" ""
	pvictl show --json "$b" >"$tmp/json"
	json "$tmp/json" "[s['owner'] for s in it['senders']] == [None, 0]"
	same "$(tell vm_a "ring $b 20")" 0
	rm -r "$tmp/policy/web.conf" "$tmp/policy/web.conf.d"
	same "$(difference)" "detach $a
detach $b"
	apply
	refuses 5 "no endpoint is bound" pvictl show "$a"
	refuses 5 "no endpoint is bound" pvictl show "$b"
	kill -0 "$vm_b"
	# As the policy called them
	await logged "process $vm_b is db ($b)"
	await logged "db ($b) of process $vm_b is not bound any more"
	end_pvid
}

# What is taken back is so once. What somebody sets up by hand behind that stays, though an older policy said it too, and
# though some VM has not got all that it is to have.
staying()
{
	policy
	printf '[reserve kept]\nuuid = %s\nuser = root\n' "$c" >>"$tmp/policy/web.conf"
	start_pvid
	vmm vm_a -name web -uuid "$a"
	vmm vm_b -uuid "$b"
	await settled
	pvictl expose "$b" 16
	pvictl bell "$b" 1 16
	sed -i -e 's/^bells = .*/bells = 22,20/' -e 's/,65536$//' -e '/^.allow/,$d' "$tmp/policy/web.conf"
	apply
	same "$(difference)" "bell $b gsi 20"
	same "$(tell vm_a "ring $b 20")" -1
	exposes "$b" 16 20 22
	pvictl allow "$a" to "$b" gsi 20
	pvictl expose "$b" 65536
	pvictl reserve "$c" 0
	mkdir "$tmp/debug"
	mount -t debugfs none "$tmp/debug"
	apply
	stays
	kill_pvid
	stays
	same "$(difference)" "bell $b gsi 20"
	umount "$tmp/debug"
	pvictl unreserve "$c"
	end_pvid
}

stays()
{
	exposes "$b" 16 20 22 65536
	[ "$(tell vm_a "ring $b 20")" -ge 0 ] || fail "the row has gone"
	is_kept "$c" 0 || fail "the name is anybody's"
}

# Who is dropped is not bound any more when it is said to be done, however late who keeps endpoints forgets them.
dropping()
{
	local applying

	# It has to take what pvid says meanwhile
	echo 512 >/proc/sys/net/unix/max_dgram_qlen
	KEEPER_LAST=1 pair_by_policy
	await nr_kept 2
	kill -STOP "$keeper"
	rm "$tmp/policy/web.conf"
	apply >"$tmp/apply" 2>&1 &
	applying=$!
	await logged "db ($b) of process $vm_b is not bound any more"
	await logged "web ($a) of process $vm_a is not bound any more"
	pvictl show "$b" >/dev/null
	nap 1
	[ -e "/proc/$applying" ] || fail "it is done: $(cat "$tmp/apply")"
	kill -CONT "$keeper"
	wait "$applying"
	refuses 5 "no endpoint is bound" pvictl show "$a"
	refuses 5 "no endpoint is bound" pvictl show "$b"
	# Who closes the last copy may have to wait, and that is not to be systemd.
	[ ! -e "$tmp/notify.last" ] || fail "closed before systemd has: $(cat "$tmp/notify.last")"
	end_pvid
}

# Nor where pvid has no descriptor left by which it would hear that systemd has closed it.
dropping_full()
{
	local applying

	# It has to take what pvid says meanwhile
	echo 512 >/proc/sys/net/unix/max_dgram_qlen
	policy
	KEEPER_LAST=1 start_pvid env LD_PRELOAD="$here/hold_at.so" NO_PIPE="$tmp/no_pipe"
	vmm vm_a -name web -uuid "$a"
	vmm vm_b -uuid "$b"
	await settled
	await nr_kept 2
	kill -STOP "$keeper"
	: >"$tmp/no_pipe"
	sed -i -e '/^.vm db/,/^bells/d' -e '/^.allow/,/^gsi/d' "$tmp/policy/web.conf"
	apply >"$tmp/apply" 2>&1 &
	applying=$!
	await logged "db ($b) of process $vm_b is not bound any more"
	await has_no_children
	kill -CONT "$keeper"
	await nr_kept 1
	rm "$tmp/no_pipe"
	wait "$applying"
	refuses 5 "no endpoint is bound" pvictl show "$b"
	[ ! -e "$tmp/notify.last" ] || fail "closed before systemd has: $(cat "$tmp/notify.last")"
	end_pvid
}

# Nor does it wait for the end of one itself where there is no child that would.
dropping_childless()
{
	local applying

	# It has to take what pvid says meanwhile
	echo 512 >/proc/sys/net/unix/max_dgram_qlen
	load_delay
	policy
	start_pvid env LD_PRELOAD="$here/hold_at.so" NO_FORK="$tmp/no_fork"
	vmm vm_a -name web -uuid "$a"
	vmm vm_b -uuid "$b"
	await settled
	await nr_kept 2
	hold_lock "$b"
	kill -STOP "$keeper"
	sed -i -e '/^.vm db/,/^bells/d' -e '/^.allow/,/^gsi/d' "$tmp/policy/web.conf"
	apply >"$tmp/apply" 2>&1 &
	applying=$!
	await logged "db ($b) of process $vm_b is not bound any more"
	await has_no_children
	: >"$tmp/no_fork"
	kill -CONT "$keeper"
	await nr_kept 1
	watched
	rm "$tmp/no_fork"
	wait "$applying"
	let_lock
	rmmod pvi_test_delay
	end_pvid
}

# Nor is a child kept by the end of an endpoint that it had when it began, as the one that looks for VMs.
dropping_inherited()
{
	local applying

	load_delay
	policy
	start_pvid env LD_PRELOAD="$here/hold_at.so" HOLD_CHILD="$tmp/child"
	vmm vm_a -name web -uuid "$a"
	vmm vm_b -uuid "$b"
	vmm vm_c -uuid "$c"
	await settled
	# Behind the one that reads the policy
	echo 2 >"$tmp/child"
	apply
	await test -e "$tmp/child.held"
	hold_lock "$b"
	sed -i -e '/^.vm db/,/^bells/d' -e '/^.allow/,/^gsi/d' "$tmp/policy/web.conf"
	printf '[vm third]\nuuid = %s\n' "$c" >>"$tmp/policy/web.conf"
	apply >"$tmp/apply" 2>&1 &
	applying=$!
	await logged "db ($b) of process $vm_b is not bound any more"
	await nr_kept 1
	rm "$tmp/child"
	await pvictl show "$c"
	wait "$applying"
	let_lock
	rmmod pvi_test_delay
	end_pvid
}

has_no_children()
{
	[ -z "$(cat "/proc/$pvid/task/$pvid/children")" ]
}

# limits RATE BURST - of GSI 20, None for no limit; the others have none
limits()
(
	pvictl show --json "$b" >"$tmp/json"
	json "$tmp/json" "[(g['gsi'], g['rate'], g['burst']) for g in it['gsis']] == \
		[(20, $1, $2), (22, None, None), (65536, None, None)]"
)

# Nor does it wait for ever while other VMs come and go: who stays bound is said after a minute.
dropping_on()
{
	local applying

	# For a minute of what pvid says
	echo 65536 >/proc/sys/net/unix/max_dgram_qlen
	policy
	printf '[vm third]\nuuid = %s\n' "$c" >>"$tmp/policy/web.conf"
	start_pvid
	vmm vm_a -name web -uuid "$a"
	vmm vm_b -uuid "$b"
	await settled
	await nr_kept 2
	kill -STOP "$keeper"
	sed -i -e '/^.vm db/,/^bells/d' -e '/^.allow/,/^gsi/d' "$tmp/policy/web.conf"
	apply >"$tmp/apply" 2>&1 &
	applying=$!
	while [ -e "/proc/$applying" ]; do
		vmm vm_c -uuid "$c"
		await pvictl show "$c"
		kill "$vm_c"
		await_gone "$c"
		rm "$tmp/vm_c.in" "$tmp/vm_c.out"
	done
	! wait "$applying" || fail "it is done"
	has "$(cat "$tmp/apply")" "not all could be taken back"
	logged "$b: it stays bound, for another process has its endpoint" || fail "it is not said"
	kill -CONT "$keeper"
	end_pvid
}

# What all senders together may ring at a GSI, which is exposed anew when that is changed. Where the policy says nothing of
# it, it stays as it is.
limiting()
{
	policy
	sed -i 's/^expose = 20,/expose = 20 rate 1000000 burst 9,/' "$tmp/policy/web.conf"
	start_pvid
	vmm vm_a -name web -uuid "$a"
	vmm vm_b -uuid "$b"
	await settled
	limits 1000000 9
	kill_pvid
	await settled
	limits 1000000 9
	same "$(tell vm_a "ring $b 20")" 0
	sed -i 's/rate 1000000 burst 9/rate 2000000/' "$tmp/policy/web.conf"
	same "$(difference)" "unexpose $b gsi 20
expose $b gsi 20"
	apply
	same "$(difference)" ""
	limits 2000000 2000000
	same "$(tell vm_a "ring $b 20")" 0
	sed -i 's/ rate 2000000//' "$tmp/policy/web.conf"
	apply
	limits None None
	# What somebody has limited by hand the policy does not loosen, nor tighten.
	pvictl unexpose "$b" 20
	pvictl expose --rate 7 "$b" 20
	same "$(difference)" ""
	apply
	limits 7 7
	sed -i 's/^expose = 20,/expose = 20 rate 3,/' "$tmp/policy/web.conf"
	apply
	limits 3 3
	end_pvid
}

# words RINGS... - how often each word of b says that it was rung; all are owed by it, or none
words()
{
	local n expected=()

	for n; do
		expected+=("$((n > 0))" "$n")
	done
	# pending and count, of each 64 bytes
	same "$(od -A n -t u4 -w64 -v -N $((64 * $#)) "$tmp/status/$b" | awk '{ print $1, $3 }' | paste -s -d ' ')" "${expected[*]}"
}

has_words()
(
	pvictl show --json "$b" >"$tmp/json"
	json "$tmp/json" "[(g['gsi'], g['status']) for g in it['gsis']] == [(20, $1), (22, False), (65536, $2)]"
)

# Status words in a file that is there before the VMM, for whom it maps it; senders see that a ring is owed.
wording()
{
	policy
	sed -i '/^bells/a status = 65536,20' "$tmp/policy/web.conf"
	start_pvid
	same "$(stat -c '%u %g %a %s' "$tmp/status/$b")" "0 0 660 4096"
	same "$(ls "$tmp/status")" "$b"
	vmm vm_a -name web -uuid "$a"
	vmm vm_b -uuid "$b"
	await settled
	has_words True True
	words 0 0
	same "$(tell vm_a "ring $b 20")" 0
	same "$(tell vm_a "ring $b 20")" 1
	words 0 2
	kill_pvid
	await settled
	same "$(tell vm_a "ring $b 20")" 1
	words 0 3
	# At another place
	sed -i 's/^status = .*/status = 20/' "$tmp/policy/web.conf"
	same "$(difference)" "unstatus $b gsi 20
unstatus $b gsi 65536
status $b gsi 20"
	apply
	same "$(difference)" ""
	has_words True False
	same "$(tell vm_a "ring $b 20")" 0
	words 1
	# Another life of the VM's
	again vm_b "$b"
	has_words True False
	same "$(tell vm_a "ring $b 20")" 0
	words 1
	# For a bell, then for nothing
	sed -i -e '/^status/d' -e 's/^bells = 22/bells = 22,20/' "$tmp/policy/web.conf"
	apply
	same "$(difference)" ""
	has_words False False
	[ ! -e "$tmp/status/$b" ] || fail "the file is still there"
	sed -i -e 's/^bells = .*/status = 20/' -e 's/^name = web/&\nexpose = 5\nstatus = 5\nuser = 12345/' "$tmp/policy/web.conf"
	apply
	has_words True False
	same "$(stat -c '%u %g %a' "$tmp/status/$a" "$tmp/status/$b" | paste -s -d ' ')" "12345 0 660 0 0 660"
	# Where there is no room for it the rest is done.
	rm -r "$tmp/status"
	echo >"$tmp/status"
	sed -i 's/^gsi = 20/gsi = any/' "$tmp/policy/web.conf"
	refuses 1 "VM 'web': its status words cannot be in $tmp/status: Not a directory" apply
	pvictl show --json "$b" >"$tmp/json"
	json "$tmp/json" "[s['gsi'] for s in it['senders']] == ['any']"
	end_pvid
}

# is_kept UUID UID - whoever has said so
is_kept()
{
	grep -q -x "$1 $2" "$tmp/debug/kvm_pvi/reserved"
}

# Names are kept for users by the policy as by pvictl, and left to anybody when it does not say so any more.
reserving()
{
	local e=eeeeeeee-0000-4000-8000-000000000005

	policy
	printf '[reserve kept]\nuuid = %s\nuser = 12345\n' "$c" >>"$tmp/policy/web.conf"
	vmm vm_c
	same "$(difference)" "reserve $c 12345"
	start_pvid
	same "$(difference)" ""
	refuses 3 "reserved for another user" pvictl attach --pid "$vm_c" --uuid "$c"
	sed -i 's/^user = 12345/user = root/' "$tmp/policy/web.conf"
	same "$(difference)" "reserve $c 0"
	same "$(cat "$tmp/diff")" "reserve $c 0  # kept"
	apply
	attach at_c --pid "$vm_c" --uuid "$c"
	kill "$at_c"
	wait "$at_c"
	sed -i 's/^user = root/user = 12345/' "$tmp/policy/web.conf"
	apply
	kill_pvid
	refuses 3 "reserved for another user" pvictl attach --pid "$vm_c" --uuid "$c"
	pvictl reserve "$e" 12345
	sed -i '/^.reserve/,$d' "$tmp/policy/web.conf"
	same "$(difference)" "unreserve $c"
	apply
	same "$(difference)" ""
	refuses 3 "reserved for another user" pvictl attach --pid "$vm_c" --uuid "$e"
	attach at_c --pid "$vm_c" --uuid "$c"
	kill "$at_c"
	wait "$at_c"
	pvictl unreserve "$e"
	# What is kept for somebody else by hand the policy neither leaves to all
	mkdir "$tmp/debug"
	mount -t debugfs none "$tmp/debug"
	printf '[reserve kept]\nuuid = %s\nuser = root\n' "$c" >>"$tmp/policy/web.conf"
	apply
	is_kept "$c" 0
	pvictl reserve "$c" 12345
	sed -i '/^.reserve/,$d' "$tmp/policy/web.conf"
	apply
	is_kept "$c" 12345
	# nor takes for its own, which is said,
	printf '[reserve kept]\nuuid = %s\nuser = root\n' "$c" >>"$tmp/policy/web.conf"
	refuses 1 "reserve 'kept': the name is kept for another user, by hand" apply
	kill_pvid
	is_kept "$c" 12345
	# until it is given up.
	pvictl unreserve "$c"
	apply
	is_kept "$c" 0
	end_pvid
	umount "$tmp/debug"
}

# What a policy asks for now was perhaps not asked for when a VM was bound.
tightened()
{
	pair_by_policy
	sed -i '/^name = web/a user = 12345' "$tmp/policy/web.conf"
	apply
	await_gone "$a"
	pvictl show "$b" >/dev/null
	sed -i 's/^user = 12345/user = root/' "$tmp/policy/web.conf"
	apply
	await settled
	same "$(tell vm_a "ring $b 20")" 0
	sed -i 's/^user = root/cgroup = \/nowhere.slice/' "$tmp/policy/web.conf"
	apply
	await_gone "$a"
	end_pvid
}

# A user whom nobody knows when pvid begins, as where the host boots and a directory comes later: when somebody does, the
# policy is carried out. Who comes after pvid finds its links there: it is not ready before.
known_later()
{
	policy
	between wire web "host:$c"
	sed -i '/^\[vm db\]/a user = later' "$tmp/policy/web.conf"
	cp /etc/passwd "$tmp/passwd"
	# shellcheck disable=SC2016 # for the shell inside
	begin_pvid unshare --mount sh -c 'mount --bind "$0" /etc/passwd && exec "$@"' "$tmp/passwd"
	vmm vm_b -uuid "$b"
	await logged "web.conf:6: there is no user 'later'"
	await grep -q "the files are not" "$tmp/notify.status"
	watched
	refuses 5 "no endpoint is bound" pvictl show "$b"
	same "$(cat "$tmp/keeper")" ""
	echo 'later:x:0:0::/:/bin/sh' >>"$tmp/passwd"
	await grep -q ready "$tmp/keeper"
	same "$(links_there | sed 's/ .*//')" wire
	find_pvid
	await pvictl show "$b"
	same "$(cat "$tmp/notify.status")" "2 VMs, 1 links in the policy"
	# However often it has been looked for
	same "$(grep -c "there is no user 'later'" "$tmp/pvid.log")" 1
	end_pvid
}

# Whoever waits for a lock is killed
kill_waiting()
{
	local pid

	pid=$(awk '$2 == "->" && $3 == "FLOCK" { print $6 }' /proc/locks)
	[ -n "$pid" ] && kill -KILL "$pid"
}

# Nor is it ready before where who makes them comes to a bad end.
linked_before_ready()
{
	policy
	between wire web "host:$c"
	mkdir -m 755 "$tmp/links"
	: >"$tmp/links/.lock"
	hold_links
	begin_pvid
	await kill_waiting
	await logged "links cannot be made, or it takes too long"
	free_links
	await grep -q ready "$tmp/keeper"
	same "$(links_there | sed 's/ .*//')" wire
	find_pvid
	end_pvid
}

# What is carried out has to be there for the next pvid, or it is not.
full()
{
	mkdir "$tmp/run"
	mount -t tmpfs -o size=16k none "$tmp/run"
	pair_by_policy
	permit 500 0
	refuses 1 "make room" apply
	same "$(nr_senders)" 0
	same "$(tell vm_a "ring $b 20")" 0
	mount -o remount,size=1m "$tmp/run"
	apply
	same "$(nr_senders)" 500
	rm -r "$tmp/policy"
	refuses 1 "make this directory" apply
	same "$(nr_senders)" 500
	end_pvid
	umount "$tmp/run"
}

# fill - what users have there takes all the room
fill()
{
	! setpriv --reuid 12345 --clear-groups cat /dev/zero >"$tmp/run/zeros" 2>"$tmp/said" || fail "there is no end of room"
}

# Who fills it, by what is theirs there, does not keep by that what a policy takes back.
filled()
{
	mkdir "$tmp/run"
	mount -t tmpfs -o size=256k none "$tmp/run"
	pair_by_policy
	fill
	sed -i '/^.allow/,$d' "$tmp/policy/web.conf"
	apply
	same "$(tell vm_a "ring $b 20")" -1
	permit 200 0
	refuses 1 "make room" apply
	same "$(nr_senders)" 0
	policy
	apply
	same "$(tell vm_a "ring $b 20")" 0
	kill_pvid
	sed -i '/^.allow/,$d' "$tmp/policy/web.conf"
	apply
	kill_pvid
	same "$(tell vm_a "ring $b 20")" -1
	same "$(difference)" ""
	same "$(ls "$tmp/run")" "applied
socket
zeros"
	end_pvid
	umount "$tmp/run"
}

# A second policy has the room of the one before, too, which may have to wait for links.
filled_twice()
{
	local first second

	mkdir "$tmp/run"
	mount -t tmpfs -o size=256k none "$tmp/run"
	policy
	between pair web db
	start_pvid
	vmm vm_a -name web -uuid "$a"
	vmm vm_b -uuid "$b"
	await settled
	fill
	hold_links
	sed -i '/^.link/,$d' "$tmp/policy/web.conf"
	apply >"$tmp/first" 2>&1 &
	first=$!
	await test -e "$tmp/run/applied.1"
	sed -i '/^.allow/,$d' "$tmp/policy/web.conf"
	apply >"$tmp/second" 2>&1 &
	second=$!
	await logged "no room for the policy yet, it is read again\|make room"
	same "$(tell vm_a "ring $b 20")" 0
	free_links
	wait "$second" || fail "$(cat "$tmp/second")"
	wait "$first" || fail "$(cat "$tmp/first")"
	same "$(tell vm_a "ring $b 20")" -1
	same "$(difference)" ""
	same "$(ls -A "$tmp/run")" ".lock
.new
applied
socket
zeros"
	end_pvid
	umount "$tmp/run"
}

# What is no policy changes nothing; what cannot be given is no reason to take away the rest, or to leave it out.
mistakes()
{
	pair_by_policy
	sed -i -e 's/^gsi = 20/gsi = any/' -e '$a rate = 1O' "$tmp/policy/web.conf"
	refuses 1 "$tmp/policy/web.conf:14: 'rate' is '1O'; write a number" apply
	# And not only in the eyes of pvictl
	kill -HUP "$pvid"
	await logged "$tmp/policy/web.conf:14: 'rate' is '1O'; write a number"
	exposes "$b" 20 22 65536
	same "$(tell vm_a "ring $b 20")" 0
	policy
	pvictl expose "$b" 16
	pvictl bell "$b" 1 16
	sed -i -e 's/^expose = .*/expose = 20,22,23,65536/' -e 's/^bells = .*/bells = 22,23/' "$tmp/policy/web.conf"
	apply
	exposes "$b" 16 20 22 23 65536
	await logged "db ($b): cannot bell $b gsi 23 yet: File exists"
	same "$(tell vm_a "ring $b 20")" 0
	pvictl unexpose "$b" 16
	apply
	same "$(difference)" ""
	end_pvid
}

# Neither pvictl nor pvid takes $tmp/policy, which is said with file and line; nothing at all is different.
unchanged()
{
	local times

	! apply >"$tmp/said" 2>&1 || fail "it is taken: $*"
	what=$(sed -n "s|^pvictl: \($tmp/policy/[a-z0-9./]*:[0-9]*: \).*; .*|\1|p" "$tmp/said")
	[ -n "$what" ] || fail "$*: $(cat "$tmp/said")"
	times=$(times_logged "$what")
	kill -HUP "$pvid"
	await logged_more "$times" "$what"
	cmp "$tmp/run/applied" "$tmp/applied" || fail "$*"
	same "$(ls "$tmp/run")" "applied
socket"
	whole | cmp - "$tmp/whole" || fail "$*"
}

times_logged()
{
	grep -c -F "$1" "$tmp/pvid.log" || [ $? -eq 1 ]
}

logged_more()
{
	[ "$(times_logged "$2")" -gt "$1" ]
}

# All that pvictl tells of the two
whole()
{
	pvictl show --json --dir "$tmp/links" "$a"
	pvictl show --json --dir "$tmp/links" "$b"
}

# By what is no policy, in whatever way
wrong()
{
	local edits edit n what

	policy_with_links
	start_pvid
	vmm vm_a -name web -uuid "$a"
	vmm vm_b -uuid "$b"
	await settled
	same "$(tell vm_a "ring $b 20")" 0
	cp "$tmp/run/applied" "$tmp/applied"
	whole >"$tmp/whole"
	edits=(2d 7p '7s/^/x/' '7s/20/2O/' '10s/allow/permit/' '11s/web/wob/' $'7s/expose/exp\303\266se/' '13s/20/21/'
		"3s/web/$(printf '%0300d' 0)/" '4s/^/\x00/' '13s/=//' '7s/^/ /' '1s/web/db/' "6s/$b/$a/" '18s/64K/3M/' '16s/, db//')
	for edit in "${edits[@]}"; do
		policy_with_links
		sed -i "$edit" "$tmp/policy/web.conf"
		unchanged "$edit"
	done
	policy_with_links
	mkfifo "$tmp/policy/fifo.conf"
	unchanged "a FIFO"
	rm "$tmp/policy/fifo.conf"
	mkdir "$tmp/policy/web.conf.d"
	printf '[vm db]\nexpose = 2O\n' >"$tmp/policy/web.conf.d/10.conf"
	unchanged "a drop-in"
	has "$what" "web.conf.d/10.conf:2: "
	rm -r "$tmp/policy/web.conf.d"
	for ((n = 0; n < 10000; n++)); do
		printf '[vm v%d]\nuuid = cccccccc-0000-4000-8000-%012d\n' "$n" "$n"
	done >"$tmp/policy/many.conf"
	printf '[vm last]\n' >>"$tmp/policy/many.conf"
	unchanged "10,000 sections"
	rm "$tmp/policy/many.conf"
	same "$(difference)" ""
	apply
	whole | cmp - "$tmp/whole"
	end_pvid
}

# One that is wrong from the beginning is no reason not to begin; it is said where one looks.
broken()
{
	local message="$tmp/policy/web.conf:14: 'rate' is '1O'; write a number"

	policy
	sed -i '$a rate = 1O' "$tmp/policy/web.conf"
	start_pvid
	has "$(cat "$tmp/notify.status")" "0 VMs in the policy that is carried out; the files are not: $message"
	refuses 1 "$message" difference
	vmm vm_a -name web -uuid "$a"
	vmm vm_b -uuid "$b"
	sed -i 's/1O/10\nburst = 10/' "$tmp/policy/web.conf"
	same "$(difference)" ""
	apply
	same "$(cat "$tmp/notify.status")" "2 VMs in the policy"
	await settled
	same "$(tell vm_a "ring $b 20")" 0
	# Nor to leave undone what the last pvid was about: its policy had no VMs any more.
	mv "$tmp/run/applied" "$tmp/run/applied.1"
	: >"$tmp/run/applied"
	echo x >>"$tmp/policy/web.conf"
	kill_pvid
	refuses 5 "no endpoint is bound" pvictl show "$a"
	refuses 5 "no endpoint is bound" pvictl show "$b"
	end_pvid
}

# Nobody notices that pvid is killed; who comes meanwhile is bound afterwards.
killed()
{
	local old

	pair_by_policy
	same "$(tell vm_a "ring $b 20")" 0
	old=$pvid
	pvictl allow "$a" to "$b" gsi 65536
	sed -i 's/^gsi = 20/gsi = 65536/' "$tmp/policy/web.conf"
	kill_pvid
	[ "$old" != "$pvid" ] || fail "it lives"
	same "$(tell vm_a "ring $b 65536")" 2
	# That was the policy's, and is not any more.
	same "$(tell vm_a "ring $b 20")" -1
	pvictl show --json "$b" >"$tmp/json"
	json "$tmp/json" "it['endpoint'][0]['received'] == 2"
	# Nor if nobody knows what the policy is, or was.
	echo x >>"$tmp/policy/web.conf"
	rm "$tmp/run/applied"
	kill_pvid
	[ "$(tell vm_a "ring $b 65536")" -ge 0 ] || fail "$a may not ring any more"
	kill "$vm_b"
	await_gone "$b"
	end_pvid
}

# kept_names - those under which pvid's endpoints are kept
kept_names()
{
	cat "$tmp/notify.names"
}

nr_kept()
{
	[ "$(kept_names | wc -l)" -eq "$1" ]
}

# As many as its unit has room for: their names are one string, which exec() has to take.
many_kept()
{
	ulimit -n 65536
	KEEPER_FULL=16384 pair_by_policy
	await nr_kept 2
	same "$(kept_names | grep -c -x -E 'v[0-9a-z]{1,5}')" 2
	same "$(tell vm_a "ring $b 20")" 0
	kill_pvid
	logged "'vzzzzz' has ended meanwhile" || fail "it was not started with all"
	await settled
	rings "$b" 1
	nr_kept 2
	end_pvid
}

# Names as they were are known, so that an upgrade loses nothing.
kept_by_an_older()
{
	KEEPER_OLD=1 pair_by_policy
	await nr_kept 2
	same "$(kept_names | grep -c -x -E 'vm-[0-9a-f-]{36}-[0-9]+')" 2
	same "$(tell vm_a "ring $b 20")" 0
	kill_pvid
	await settled
	rings "$b" 1
	kill "$vm_b"
	await_gone "$b"
	await nr_kept 1
	vmm vm_c -uuid "$b" -incoming defer
	await gives -11 vm_a "ring $b 20"
	await grep -q "^in-$b-" "$tmp/notify.names"
	kill_pvid
	await gives -11 vm_a "ring $b 20"
	same "$(tell vm_c run)" 0
	gsi=20
	await accepts vm_a "$b"
	await grep -q "^vm-$b-" "$tmp/notify.names"
	nr_kept 2
	end_pvid
}

# permit NUMBER FIRST - a policy in which NUMBER strangers may ring b, and web may not
permit()
{
	local n

	policy
	sed -i '/^.allow/,$d' "$tmp/policy/web.conf"
	for ((n = $2; n < $1 + $2; n++)); do
		printf '[allow v%d]\nfrom = cccccccc-0000-4000-8000-%012d\nto = db\ngsi = 22\n' "$n" "$n"
	done >>"$tmp/policy/web.conf"
}

nr_senders()
{
	pvictl show "$b" | grep -c cccccccc || [ $? -eq 1 ]
}

# Wherever it was in a change when it was killed, and whatever the policy was until the next one came.
killed_applying()
{
	local round=0 older=$tmp/run/applied.1

	pair_by_policy
	while [ ! -e "$older" ]; do
		kill -CONT "$pvid"
		permit 500 $((round++ * 500))
		apply >"$tmp/apply" 2>&1 &
		until [ -e "$older" ] || [ ! -e "/proc/$!" ]; do :; done
		kill -STOP "$pvid"
	done
	permit 3 999999
	kill_pvid
	same "$(nr_senders)" 3
	same "$(tell vm_a "ring $b 20")" -1
	same "$(difference)" ""
	same "$(ls "$tmp/run")" "applied
socket"
	end_pvid
}

# Much that is to be taken back is done in turns with all else, such as a signal that ends pvid.
in_turns()
{
	local older=$tmp/run/applied.1 rows=0

	KEEPER_STAYS=1 pair_by_policy
	while [ "$rows" -le 200 ]; do
		kill -CONT "$pvid"
		permit 500 0
		apply
		permit 0 0
		apply >"$tmp/apply" 2>&1 &
		until [ -e "$older" ] || [ ! -e "/proc/$!" ]; do :; done
		kill -STOP "$pvid"
		rows=$(nr_senders)
	done
	kill -TERM "$pvid"
	kill -CONT "$pvid"
	await grep -q ended "$tmp/keeper"
	[ "$(nr_senders)" -gt 0 ] || fail "it was done in one go"
	kill "$keeper"
	await_gone "$a"
	await_gone "$b"
}

# both_ways - a policy by which web may ring all of db, and db web's 21
both_ways()
{
	policy
	sed -i -e '/^name = web/a expose = 21' -e 's/^gsi = 20/gsi = any/' -e 's/^expose = 20,22/&,23/' \
		-e 's/^bells = 22/&,23/' "$tmp/policy/web.conf"
	printf '[allow db-to-web]\nfrom = db\nto = web\ngsi = 21\n' >>"$tmp/policy/web.conf"
}

# pair_that_moves COMMAND... - web, and db with a port to it, an MSI at its virtual GSI, and a bell that it acknowledges;
# pvid is started by the command
pair_that_moves()
{
	both_ways
	start_pvid "$@"
	vmm vm_a -name web -uuid "$a"
	vmm vm_b -uuid "$b"
	await settled
	port=$(tell vm_b "connect $a 21")
	[ "$port" -ge 0 ] || fail "no port: $port"
	same "$(tell vm_b "msi 65536 3")" 0
	same "$(tell vm_b "acks 0")" 0
}

# is_at UUID VMM - that one has it
is_at()
(
	pvictl list --json >"$tmp/json" && json "$tmp/json" "[e['vmm'] for e in it['endpoints'] if e['uuid'] == '$1'] == [$2]"
)

is_frozen()
(
	pvictl list --json >"$tmp/json" && json "$tmp/json" "[e['state'] for e in it['endpoints'] if e['uuid'] == '$1'] == ['frozen']"
)

# gives RESULT NAME COMMAND... - what it answers
gives()
{
	[ "$(tell "${@:2}")" = "$1" ]
}

# taken NAME - how many interrupts of the virtual GSI and of pin 20
taken()
{
	echo "$(tell "$1" "irqs 3") $(tell "$1" "irqs 20")"
}

# has_what_it_had NAME - its virtual GSI, its pin and its port, now that it has taken each of them so often
has_what_it_had()
{
	same "$(taken "$1")" "$2 $2"
	# A bell that its guest acknowledges is owed likewise, for its flags do not say so; one with flags of its own is not.
	same "$(tell "$1" "irqs 22") $(tell "$1" "irqs 23")" "$2 0"
	same "$(tell "$1" run)" 0
	same "$(tell vm_a "ring $b 65536")" 0
	same "$(tell vm_a "ring $b 20")" 0
	same "$(tell "$1" stop)" 0
	same "$(taken "$1")" "$(($2 + 1)) $(($2 + 1))"
	same "$(tell "$1" "notify $port")" 0
}

# goes_on NAME - the guest of db goes on there: it is rung by each once, for nobody knows what it had not seen.
# Nothing is asked of it before, for that would look as if it ran.
goes_on()
{
	same "$(tell "$1" run)" 0
	await test ! -e "$tmp/run/$b.state"
	same "$(tell "$1" stop)" 0
	has_what_it_had "$1" 1
}

# A guest that goes on in another process: what it had goes there when it has stopped, and rings are taken when it runs.
moving()
{
	pair_that_moves
	same "$(tell vm_b run)" 0
	vmm vm_c -uuid "$b" -incoming defer
	await logged "process $vm_c waits for db ($b) to stop"
	# Another user's is not to get it.
	chmod 666 /dev/kvm
	VMM_AS="setpriv --reuid 12345" vmm vm_d -uuid "$b" -incoming defer
	chmod 600 /dev/kvm
	same "$(tell vm_a "ring $b 65536")" 0
	# As long as a guest that halts is looked at often enough
	sleep 0.5
	is_at "$b" "$vm_b"
	# When it has stopped its name is nobody's for a moment, and the policy has no user for it.
	kill "$vm_d"
	! wait "$vm_d" || fail "process $vm_d had ended"
	same "$(tell vm_b stop)" 0
	await is_at "$b" "$vm_c"
	await gives -11 vm_a "ring $b 65536"
	same "$(tell vm_b "notify $port")" -1000
	kill "$vm_b"
	goes_on vm_c
	apply
	logged "process $vm_d waits" && fail "process $vm_d waits for another user's VM"
	is_at "$b" "$vm_c"
	end_pvid
}

# The interrupts that its guest takes because of a link go along.
moving_linked()
{
	pair_that_moves
	make_link "$a" "$b"
	same "$(tell vm_b "msi $gsi 4")" 0
	same "$(tell vm_b run)" 0
	same "$(tell vm_a "ring $b $gsi")" 0
	vmm vm_c -uuid "$b" -incoming defer
	await logged "process $vm_c waits for db ($b) to stop"
	same "$(tell vm_b stop)" 0
	await is_at "$b" "$vm_c"
	kill "$vm_b"
	same "$(tell vm_c run)" 0
	await test ! -e "$tmp/run/$b.state"
	same "$(tell vm_c stop)" 0
	# The one that is owed
	same "$(tell vm_c "irqs 4")" 1
	same "$(tell vm_c run)" 0
	same "$(tell vm_a "ring $b $gsi")" 0
	same "$(tell vm_c stop)" 0
	same "$(tell vm_c "irqs 4")" 2
	end_pvid
}

# Nor are they lost where somebody changes links for long.
moving_linked_later()
{
	: >"$tmp/dirs"
	both_ways
	start_pvid env LD_PRELOAD="$here/kill_at.so" COUNT_DIRS="$tmp/dirs"
	vmm vm_a -name web -uuid "$a"
	vmm vm_b -uuid "$b"
	await settled
	make_link "$a" "$b"
	same "$(tell vm_b "msi $gsi 4")" 0
	kill "$vm_b"
	await test -e "$tmp/run/$b.state"
	hold_links
	vmm vm_c -uuid "$b" -incoming defer
	await is_at "$b" "$vm_c"
	same "$(tell vm_c run)" 0
	: >"$tmp/dirs"
	await looked_more 150 "$vm_c"
	same "$(tell vm_a "ring $b 20")" -11
	free_links
	await gives_some "ring $b $gsi"
	same "$(tell vm_c stop)" 0
	[ "$(tell vm_c "irqs 4")" -ge 1 ] || fail "no interrupt"
	end_pvid
}

# One that does not come to run there goes on where it was.
returning()
{
	pair_that_moves
	same "$(tell vm_b run)" 0
	vmm vm_c -uuid "$b" -incoming defer
	await logged "process $vm_c waits for db ($b) to stop"
	same "$(tell vm_b stop)" 0
	await is_at "$b" "$vm_c"
	same "$(tell vm_b run)" 0
	await is_at "$b" "$vm_b"
	await test ! -e "$tmp/run/$b.state"
	same "$(tell vm_b stop)" 0
	has_what_it_had vm_b 1
	same "$(tell vm_b run)" 0
	kill "$vm_c"
	rm "$tmp/vm_c.in" "$tmp/vm_c.out"
	# And the next time in another one, which the first has not kept from it
	vmm vm_c -uuid "$b" -incoming defer
	await logged "process $vm_c waits for db ($b) to stop"
	same "$(tell vm_b stop)" 0
	await is_at "$b" "$vm_c"
	goes_on vm_c
	end_pvid
}

# What a pvid that is killed knew of a move the next one knows: where a guest comes from it can go back to.
returning_later()
{
	pair_that_moves
	same "$(tell vm_b run)" 0
	vmm vm_c -uuid "$b" -incoming defer
	await logged "process $vm_c waits for db ($b) to stop"
	same "$(tell vm_b stop)" 0
	await is_at "$b" "$vm_c"
	kill_pvid
	is_at "$b" "$vm_c"
	same "$(tell vm_b run)" 0
	await is_at "$b" "$vm_b"
	await test ! -e "$tmp/run/$b.state"
	same "$(tell vm_b stop)" 0
	has_what_it_had vm_b 1
	end_pvid
}

# is_killed - since the file was written
is_killed()
{
	[ ! -e "$tmp/kill" ]
}

# succeed_b NAME - that one is vm_b from now on
succeed_b()
{
	local part from

	for part in '' _in _out; do
		from=$1$part
		declare -g "vm_b$part=${!from}"
	done
	rm "$tmp/$1.in" "$tmp/$1.out"
}

# killed_at STEP NAME... - db is to go from vm_b to the others, one after the other, of which none lets its guest run. In
# each round pvid is killed a step later than in the one before; the guest is let run in another one of them by turns, and
# goes on there with what it had.
killed_at()
{
	local at=1 step=$1 others=("${@:2}") all=(vm_b "${@:2}") round=0 times there name

	[ -z "${PVI_LONG:-}" ] || step=1
	both_ways
	start_pvid env LD_PRELOAD="$here/kill_at.so" KILL_FILE="$tmp/kill"
	vmm vm_a -name web -uuid "$a"
	vmm vm_b -uuid "$b"
	await settled
	port=$(tell vm_b "connect $a 21")
	same "$(tell vm_b "msi 65536 3")" 0
	while :; do
		same "$(tell vm_b run)" 0
		times=$(wc -l <"$tmp/keeper")
		vmm "${others[0]}" -uuid "$b" -incoming defer
		await logged "process ${!others[0]} waits for db ($b) to stop"
		echo "$at" >"$tmp/kill.new"
		mv "$tmp/kill.new" "$tmp/kill"
		same "$(tell vm_b stop)" 0
		await moved_or_killed "${!others[0]}"
		for name in "${others[@]:1}"; do
			vmm "$name" -uuid "$b" -incoming defer
			await moved_or_killed "${!name}"
		done
		there=${all[round++ % ${#all[@]}]}
		same "$(tell "$there" run)" 0
		await is_at "$b" "${!there}"
		await test ! -e "$tmp/run/$b.state"
		if [ -e "$tmp/kill" ]; then
			break
		fi
		await started "$((times + 1))"
		find_pvid
		# The others would take it when this one stops.
		for name in "${all[@]}"; do
			if [ "$name" != "$there" ]; then
				kill "${!name}"
				wait "${!name}" || [ $? -eq 143 ]
				[ "$name" = vm_b ] || rm "$tmp/$name.in" "$tmp/$name.out"
			fi
		done
		[ "$there" = vm_b ] || succeed_b "$there"
		await gives_some "ring $b 65536"
		same "$(tell vm_b stop)" 0
		[ "$(tell vm_b "irqs 3")" -ge 1 ] || fail "at $at: no interrupt"
		same "$(tell vm_b "notify $port")" 0
		at=$((at + step))
	done
	[ "$round" -gt 4 ] || fail "$round rounds are all"
	on_console "killed at $((round - 1)) points of a move, the last before $at"
	rm "$tmp/kill"
	end_pvid
}

# At whatever point of a move pvid is killed
killed_moving()
{
	killed_at 11 vm_c
}

# And of one that goes further before the guest has run where it came to
killed_moving_on()
{
	killed_at 23 vm_c vm_d
}

# At the other process, or it is not known where
moved_or_killed()
{
	is_killed || is_at "$b" "$1"
}

# a's guest does, and it is accepted
gives_some()
{
	[ "$(tell vm_a "$1")" -ge 0 ]
}

# looked_20 PID - it is looked at, whether it runs, 20 times from now on
looked_20()
{
	local before

	before=$(looks "$1")
	await looked_more $((before + 20)) "$1"
}

# One whose threads wake while it loads its guest does not run: nobody rings it. And what it is to get is forgotten when the
# policy drops it.
loading()
{
	: >"$tmp/dirs"
	pair_that_moves env LD_PRELOAD="$here/kill_at.so $here/hold_at.so" COUNT_DIRS="$tmp/dirs" WCHAN="$tmp/wchan" \
		FREEZE_HELD="$tmp/freeze"
	kill "$vm_b"
	await test -e "$tmp/run/$b.state"
	await logged "db ($b) of process $vm_b is not bound any more"
	printf 0 >"$tmp/wchan"
	: >"$tmp/freeze"
	vmm vm_c -uuid "$b" -incoming defer
	await is_at "$b" "$vm_c"
	# Nobody may ring it before it is frozen.
	await test -s "$tmp/freeze"
	same "$(tell vm_a "ring $b 65536")" -1
	rm "$tmp/freeze"
	await gives -11 vm_a "ring $b 65536"
	looked_20 "$vm_c"
	same "$(tell vm_a "ring $b 65536")" -11
	[ -e "$tmp/run/$b.state" ] || fail "it is thought to run"
	cp "$tmp/policy/web.conf" "$tmp/whole"
	sed -i -e '/^.vm db/,/^bells/d' -e '/^.allow/,$d' "$tmp/policy/web.conf"
	apply
	refuses 5 "no endpoint is bound" pvictl show "$b"
	[ ! -e "$tmp/run/$b.state" ] || fail "what its guest had made is kept"
	cp "$tmp/whole" "$tmp/policy/web.conf"
	apply
	await is_at "$b" "$vm_c"
	rm "$tmp/wchan"
	same "$(tell vm_c run)" 0
	await gives_some "ring $b 65536"
	same "$(tell vm_c stop)" 0
	same "$(tell vm_c "notify $port")" -2
	end_pvid
}

# Who waits for a VM of its own user does not get the name from another user's, who has it by now.
not_passed_on()
{
	: >"$tmp/dirs"
	policy
	start_pvid env LD_PRELOAD="$here/kill_at.so $here/hold_at.so" COUNT_DIRS="$tmp/dirs" HOLD_LOOKS="$tmp/hold"
	vmm vm_a -name web -uuid "$a"
	vmm vm_b -uuid "$b"
	await settled
	same "$(tell vm_b run)" 0
	vmm vm_c -uuid "$b" -incoming defer
	await logged "process $vm_c waits for db ($b) to stop"
	: >"$tmp/hold"
	kill "$vm_b"
	await_gone "$b"
	chmod 666 /dev/kvm
	VMM_AS="setpriv --reuid 12345 --clear-groups" vmm vm_d -uuid "$b"
	chmod 600 /dev/kvm
	await is_at "$b" "$vm_d"
	: >"$tmp/dirs"
	rm "$tmp/hold"
	await looked_into "$vm_c" 6
	is_at "$b" "$vm_d"
	end_pvid
}

# looked_into PID TIMES - whether it runs, or for its VM, so often at least
looked_into()
{
	[ "$(grep -c -x -E "/proc/$1/(task|fd)" "$tmp/dirs")" -ge "$2" ]
}

# Where nothing can be written down a guest stays where it is, and is rung; it moves when there is room.
moving_full()
{
	mkdir "$tmp/run"
	mount -t tmpfs -o size=64k none "$tmp/run"
	pair_that_moves
	same "$(tell vm_b run)" 0
	vmm vm_c -uuid "$b" -incoming defer
	await logged "process $vm_c waits for db ($b) to stop"
	! cat /dev/zero >"$tmp/run/zeros" 2>"$tmp/said" || fail "there is no end of room"
	same "$(tell vm_b stop)" 0
	await logged "what its guest has made cannot be saved: No space left on device; it does not move"
	# It is tried again, and not said again.
	sleep 0.5
	is_at "$b" "$vm_b"
	same "$(grep -c "cannot be saved" "$tmp/pvid.log")" 1
	same "$(ls "$tmp/run")" "applied
socket
zeros"
	await gives_some "ring $b 65536"
	kill_pvid
	is_at "$b" "$vm_b"
	await gives_some "ring $b 65536"
	rm "$tmp/run/zeros"
	await is_at "$b" "$vm_c"
	kill "$vm_b"
	same "$(tell vm_c run)" 0
	await test ! -e "$tmp/run/$b.state"
	same "$(tell vm_c stop)" 0
	[ "$(tell vm_c "irqs 3")" -ge 1 ] || fail "no interrupt"
	same "$(tell vm_c "notify $port")" 0
	end_pvid
	umount "$tmp/run"
}

# One that was saved goes on when it is restored, whoever was killed meanwhile; another one begins with nothing.
saving()
{
	pair_that_moves
	kill "$vm_b"
	await test -e "$tmp/run/$b.state"
	kill_pvid
	vmm vm_c -uuid "$b" -incoming defer
	await is_at "$b" "$vm_c"
	await gives -11 vm_a "ring $b 65536"
	kill_pvid
	goes_on vm_c
	# As one that ends when nobody is there to hear it
	kill -STOP "$pvid"
	kill "$vm_c"
	wait "$vm_c" || [ $? -eq 143 ]
	kill_pvid
	await_gone "$b"
	await test -e "$tmp/run/$b.state"
	vmm vm_d -uuid "$b"
	await settled
	same "$(tell vm_d "notify $port")" -2
	same "$(tell vm_a "ring $b 65536")" 2
	[ ! -e "$tmp/run/$b.state" ] || fail "what another guest had made is still kept"
	end_pvid
}

# Where there is no room for it what a guest had made is kept nevertheless, and goes along.
saving_full()
{
	mkdir "$tmp/run"
	mount -t tmpfs -o size=64k none "$tmp/run"
	pair_that_moves
	fill
	kill "$vm_b"
	await logged "what its guest had made cannot be saved yet: No space left on device; make room"
	kill_pvid
	[ ! -e "$tmp/run/$b.state" ] || fail "there is room"
	vmm vm_c -uuid "$b" -incoming defer
	await gives -11 vm_a "ring $b 65536"
	same "$(tell vm_c run)" 0
	await gives_some "ring $b 65536"
	same "$(tell vm_c stop)" 0
	[ "$(tell vm_c "irqs 3")" -ge 1 ] || fail "no interrupt"
	same "$(tell vm_c "notify $port")" 0
	kill "$vm_c"
	await_gone "$b"
	rm "$tmp/run/zeros"
	await test -e "$tmp/run/$b.state"
	vmm vm_d -uuid "$b" -incoming defer
	await is_at "$b" "$vm_d"
	goes_on vm_d
	end_pvid
	umount "$tmp/run"
}

# One whose process is ending, with some of its threads, when the policy asks whose it is
saving_late()
{
	both_ways
	sed -i '/^\[vm db\]/a user = root' "$tmp/policy/web.conf"
	start_pvid
	vmm vm_a -name web -uuid "$a"
	vmm vm_b -uuid "$b"
	await settled
	port=$(tell vm_b "connect $a 21")
	same "$(tell vm_b "msi 65536 3")" 0
	same "$(tell vm_b "acks 0")" 0
	same "$(tell vm_b leave)" 0
	await has_left "$vm_b"
	# Also where one of these has its endpoint's lock meanwhile
	load_delay
	hold_lock "$b"
	refuses 1 "not all could be taken back, or looked at" apply
	let_lock
	rmmod pvi_test_delay
	await_gone "$b"
	kill "$vm_b"
	vmm vm_c -uuid "$b" -incoming defer
	await is_at "$b" "$vm_c"
	goes_on vm_c
	end_pvid
}

# Whoever has made its VM cannot be told any more
has_left()
{
	grep -q "^State:.*zombie" "/proc/$1/status"
}

# As it goes to another host, where pvid keeps rings away until it runs
by_hand()
{
	pair_that_moves
	pvictl save "$b" "$tmp/made"
	same "$(tell vm_a "ring $b 65536")" -11
	kill "$vm_b"
	await_gone "$b"
	vmm vm_c -uuid "$b" -incoming defer
	await is_at "$b" "$vm_c"
	await gives -11 vm_a "ring $b 65536"
	pvictl restore "$b" "$tmp/made"
	same "$(tell vm_a "ring $b 65536")" -11
	same "$(tell vm_c run)" 0
	await gives 0 vm_a "ring $b 65536"
	same "$(tell vm_c stop)" 0
	same "$(tell vm_c "notify $port")" 0
	end_pvid
}

run_tests noticing shown ${PVI_LONG:+alone} others linked ${PVI_LONG:+linked_later linking} relinking \
	linked_users ${PVI_LONG:+ends_of_others asked_ends many_ends three_gone handed_on words_of_users \
	not_linking} owning ${PVI_LONG:+killed_linking orphaned} claims makers ${PVI_LONG:+beside \
	full_table made_meanwhile} staying ${PVI_LONG:+saving_late} dropping ${PVI_LONG:+dropping_childless \
	dropping_full dropping_inherited dropping_on filled filled_twice} hangs lock_is_held \
	${PVI_LONG:+locks_are_held lock_is_held_moving lock_is_held_linking hangs_later crowds crowd_is_bound \
	crowd_waits becomes lost} applying limiting wording reserving ${PVI_LONG:+tightened} mistakes ${PVI_LONG:+wrong} broken \
	${PVI_LONG:+known_later linked_before_ready full in_turns} killed ${PVI_LONG:+many_kept kept_by_an_older} \
	killed_applying moving ${PVI_LONG:+moving_linked moving_linked_later} loading ${PVI_LONG:+not_passed_on} \
	returning ${PVI_LONG:+returning_later} killed_moving ${PVI_LONG:+killed_moving_on moving_full} saving \
	${PVI_LONG:+saving_full} by_hand
