#!/bin/sh
# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# pvictl link and unlink: what is made, who may write it, and that both sides may ring each other
# from the time on when there are both. What guests make of it is in e2e_link_test.sh.

. "$(dirname "$0")/tools/enter.sh"
. "$(dirname "$0")/tools/lib.sh"

# The first GSI of a VM's links
gsi=98304

# make_link ARGUMENT... - as the variable $link, in $tmp/links
make_link()
{
	pvictl link --dir "$tmp/links" --size 64K --kind raw "$@" >"$tmp/printed"
	link=$(sed -n 's/^link //p' "$tmp/printed")
}

# number OFFSET - that stands in the section of side 0
number()
{
	od -A n -t u4 -j "$1" -N 4 "$tmp/links/$link/${2:-0}" | tr -d ' '
}

arguments()
{
	refuses 2 "which two sides?" pvictl link
	refuses 5 "no VM is called 'x'" pvictl link "$a" x
	refuses 2 "too many arguments" pvictl link "$a" "$b" "$c"
	refuses 2 "must not have one UUID" pvictl link "$a" "$a"
	refuses 2 "which other side?" pvictl link "host:$a"
	refuses 2 "the kind must be" pvictl link --kind tcp "$a" "$b"
	for size in 0 4K 3M 16X 1MB -1 16777217 2048G 17179870208G 010000 ''; do
		refuses 2 "the size must be" pvictl link "--size=$size" "$a" "$b"
	done
	refuses 2 "the number of queues must" pvictl link --queues 65 "$a" "$b"
	refuses 2 "there must be a queue" pvictl link --queues 0 "$a" "$b"
	refuses 1 "need a larger --size" pvictl link --dir "$tmp/links" --size 64K --queues 64 "$a" "$b"
	refuses 2 "there is no user 'nobody-here'" pvictl link --owner nobody-here "$a" "$b"
	refuses 1 "of such a name" pvictl link --dir "$tmp/l,m" "$a" "$b"
	refuses 5 "there is no such link" pvictl link "$c"
	refuses 2 "is none of the two sides" pvictl link --dir "$tmp/links" --for "$c" "$a" "$b"
	refuses 2 "which link?" pvictl unlink
	refuses 5 "there is no such link" pvictl unlink --dir "$tmp/links" "$c"
	refuses 5 "there is no such link" pvictl unlink --dir "$tmp/links" "$a" "$b"
	same "$(ls "$tmp/links")" ""
}

# Both headers, and nothing else
sections()
{
	make_link --queues 3 "$a" "$b"
	same "$(stat -c %s "$tmp/links/$link"/[01] | tr '\n' ' ')" "65536 65536 "
	same "$(head -c 8 "$tmp/links/$link/0")" XPVIRING
	same "$(od -A n -t x1 -j 16 -N 48 "$tmp/links/$link/0" | tr -d ' \n')" "$(tr -d - <<<"$link$a$b")"
	same "$(od -A n -t x1 -j 16 -N 48 "$tmp/links/$link/1" | tr -d ' \n')" "$(tr -d - <<<"$link$b$a")"
	same "$(for at in 8 12 64 68 72 76 80 84 88 92; do number $at; done | tr '\n' ' ')" \
		"1 3 $gsi 3 $gsi 3 3 4096 16384 0 "
	same "$(number 92 1)" 1
	# A secret, the same in both
	same "$(od -A n -t x1 -j 96 -N 16 "$tmp/links/$link/0")" "$(od -A n -t x1 -j 96 -N 16 "$tmp/links/$link/1")"
	[ "$(tail -c +97 "$tmp/links/$link/0" | head -c 16 | tr -d '\0' | wc -c)" -gt 8 ]
	same "$(tail -c +113 "$tmp/links/$link/0" | tr -d '\0' | wc -c)" 0
	# All of it is there
	same "$(stat -c %b "$tmp/links/$link"/[01] | tr '\n' ' ')" "128 128 "
}

printed()
{
	local path own peer

	make_link "$a" "host:$b"
	path=$tmp/links/$link
	own=pvi-${link%%-*}-0 peer=pvi-${link%%-*}-1
	cat >"$tmp/expected" <<-EOF
		link $link

		$a:
		-object memory-backend-file,id=$own,size=65536,share=on,mem-path=$path/0 -device ivshmem-plain,id=$own-dev,memdev=$own
		-object memory-backend-file,id=$peer,size=65536,share=on,readonly=on,mem-path=$path/1 -device ivshmem-plain,id=$peer-dev,memdev=$peer

		$b:
		own section $path/1, GSI 2048
		peer's section $path/0, GSI $gsi
	EOF
	diff "$tmp/expected" "$tmp/printed"
	same "$(pvictl link --dir "$tmp/links" "$link")" "$(cat "$tmp/printed")"
	same "$(pvictl link --dir "$tmp/links" --for "$a" "$link")" "$(sed -n 4,5p "$tmp/printed")"
	refuses 5 "is no side of link" pvictl link --dir "$tmp/links" --for "$c" "$link"
	same "$(pvictl link --dir "$tmp/links" --for "$a" --hotplug --bus p,q "$link")" \
		"object_add memory-backend-file,id=$own,size=65536,share=on,mem-path=$path/0
device_add ivshmem-plain,id=$own-dev,memdev=$own,bus=p
object_add memory-backend-file,id=$peer,size=65536,share=on,readonly=on,mem-path=$path/1
device_add ivshmem-plain,id=$peer-dev,memdev=$peer,bus=q"
}

# For <qemu:commandline>; each of a VM's links has a slot of its own.
libvirt()
{
	local path slot=24 file id

	refuses 2 "--apply is for --libvirt" pvictl link --apply "$a" "$b"
	refuses 2 "neither --hotplug nor --bus" pvictl link --libvirt --hotplug "$a" "$b"
	for file in first second; do
		make_link --libvirt "$a" "$b"
		path=$tmp/links/$link id=pvi-${link%%-*}
		pvictl link --dir "$tmp/links" --libvirt --for "$a" "$link" >"$tmp/$file"
		cat >"$tmp/expected" <<-EOF
			  <qemu:commandline>
			    <qemu:arg value='-object'/>
			    <qemu:arg value='memory-backend-file,id=$id-0,size=65536,share=on,mem-path=$path/0'/>
			    <qemu:arg value='-device'/>
			    <qemu:arg value='ivshmem-plain,id=$id-0-dev,memdev=$id-0,addr=$(printf 0x%x $slot).0,multifunction=on'/>
			    <qemu:arg value='-object'/>
			    <qemu:arg value='memory-backend-file,id=$id-1,size=65536,share=on,readonly=on,mem-path=$path/1'/>
			    <qemu:arg value='-device'/>
			    <qemu:arg value='ivshmem-plain,id=$id-1-dev,memdev=$id-1,addr=$(printf 0x%x $slot).1'/>
			  </qemu:commandline>
		EOF
		diff "$tmp/expected" "$tmp/$file"
		slot=$((slot - 1))
	done
	# And QEMU takes both.
	mapfile -t words < <(sed -n "s|.*<qemu:arg value='\(.*\)'/>|\1|p" "$tmp/first" "$tmp/second")
	same "$(echo quit | qemu-system-x86_64 -S -accel tcg -machine pc -m 16 -nodefaults -no-user-config -display none \
		-monitor stdio "${words[@]}" 2>&1 | grep -c -i error)" 0
}

# A virsh that knows one domain, $tmp/xml, without having it started
fake_virsh()
{
	mkdir "$tmp/bin"
	cat >"$tmp/bin/virsh" <<-'SH'
		#!/bin/sh
		xml=${0%/bin/virsh}/xml
		case $4 in
		dumpxml)	grep -q -F "<uuid>$7<" "$xml" && cat "$xml" ;;
		define)	cat >"$xml.new" && mv "$xml.new" "$xml" ;;
		esac
	SH
	chmod 755 "$tmp/bin/virsh"
	cat >"$tmp/xml" <<-XML
		<domain type='kvm'>
		  <name>web</name>
		  <uuid>$a</uuid>
		</domain>
	XML
}

# in_domain NUMBER - as many devices of links are in it
in_domain()
{
	same "$(grep -c "<qemu:arg value='ivshmem-plain,id=pvi-" "$tmp/xml")" "$1"
}

# apply_links [LINK] - to the domain, whatever rules of AppArmor this machine has
apply_links()
{
	# shellcheck disable=SC2016 # for the shell inside
	unshare --mount sh -c '[ ! -d /etc/apparmor.d ] || mount -t tmpfs none /etc/apparmor.d; exec "$@"' sh \
		pvictl link --dir "$tmp/links" --libvirt --apply --for "$a" "$@"
}

# Links that have gone are taken out of a domain, also when none is left, and what is not ours stays.
libvirt_gone()
{
	local PATH=$tmp/bin:$PATH

	fake_virsh
	cp "$tmp/xml" "$tmp/without"
	make_link "$a" "$b"
	apply_links "$link" >"$tmp/printed"
	in_domain 2
	make_link "$a" "$c"
	apply_links
	in_domain 4
	pvictl unlink --dir "$tmp/links" "$a" "$c"
	apply_links
	in_domain 2
	pvictl unlink --dir "$tmp/links" "$a" "$b"
	sed -i "s|<qemu:commandline>|&\n    <qemu:arg value='-object'/>\n    <qemu:arg value='iothread,id=theirs'/>|" "$tmp/xml"
	apply_links
	in_domain 0
	# Nor is a link made for one that is none.
	refuses 5 "$b: virsh does not print such a domain" pvictl link --dir "$tmp/links" --libvirt --apply "$a" "$b"
	same "$(ls "$tmp/links")" ""
	in_domain 0
	same "$(grep "<qemu:arg" "$tmp/xml" | tr -d ' \n')" "<qemu:argvalue='-object'/><qemu:argvalue='iothread,id=theirs'/>"
	# Nor is anything added to one that has none.
	cp "$tmp/without" "$tmp/xml"
	rm -r "$tmp/links"
	apply_links
	diff "$tmp/without" "$tmp/xml"
	refuses 2 "which two sides?" pvictl link --libvirt --for "$a"
	refuses 2 "which two sides?" pvictl link --libvirt --apply
}

# A stock QEMU of either machine takes them, from the start and while it runs.
qemu()
{
	local machine

	make_link "$a" "$b"
	for machine in pc q35; do
		# shellcheck disable=SC2046 # they are words
		same "$(echo quit | qemu-system-x86_64 -S -accel tcg -machine $machine -m 16 -nodefaults \
			-no-user-config -display none -monitor stdio \
			$(pvictl link --dir "$tmp/links" --for "$a" "$link") 2>&1 | grep -c -i error)" 0
		{
			pvictl link --dir "$tmp/links" --for "$b" --hotplug --bus there "$link"
			echo "info qtree"
			echo quit
		} | qemu-system-x86_64 -S -accel tcg -machine $machine -m 16 -nodefaults \
			-no-user-config -display none -monitor stdio \
			-device pci-bridge,id=there,chassis_nr=1 >"$tmp/log" 2>&1
		same "$(grep -c -i error "$tmp/log")" 0
		same "$(grep -c 'dev: ivshmem-plain' "$tmp/log")" 2
	done
}

# To one side the section is its own, to the other one to be read, to others nothing at all.
owners()
{
	local path

	make_link --owner 12345,12346 "$a" "$b"
	path=$tmp/links/$link
	chmod 755 "$tmp" "$tmp/.."
	same "$(stat -c '%u %g %a' "$path"/{0,1,shapes} | tr '\n' ' ')" \
		"12345 0 640 12346 0 640 0 0 644 "
	setpriv --reuid 12345 --regid 12345 --clear-groups bash -e <<-EOF
		exec 3<>"$path/0" 4<"$path/1"
		! { exec 5<>"$path/1"; } 2>/dev/null
		! rm -f "$path/1" 2>/dev/null
		! echo >"$path/shapes" 2>/dev/null
	EOF
	refuses 1 "Permission denied" setpriv --reuid 12347 --regid 12347 --clear-groups cat "$path/0"
	make_link "$a" "$b"
	same "$(stat -c '%u %a' "$tmp/links/$link"/[01] | tr '\n' ' ')" "0 600 0 600 "
}

# opens UID GID - as what a VMM of that user may open the sections: r, w, rw or no
opens()
{
	local side how mode

	for side in 0 1; do
		how=
		for mode in r w; do
			! setpriv --reuid "$1" --regid "$2" --clear-groups test "-$mode" "$tmp/links/$link/$side" || how+=$mode
		done
		echo "${how:-no}"
	done | paste -s -d ' '
}

# Whoever else has the primary group of one of the users reads nothing: that of libvirt's QEMUs is kvm, in Debian.
readers()
{
	local group

	chmod 755 "$tmp" "$tmp/.."
	printf '%s\n' root:x:0:0::/: one:x:12345:7::/: two:x:12346:7::/: >"$tmp/passwd"
	# shellcheck disable=SC2016 # of sh
	make_link_by unshare --mount sh -e -c 'mount --bind "$1" /etc/passwd; shift; exec "$@"' sh "$tmp/passwd" \
		pvictl link --dir "$tmp/links" --size 64K --kind raw --owner one,two "$a" "$b"
	same "$(opens 12345 7), $(opens 12346 7)" "rw r, r rw"
	for group in 7 12345 12346; do
		same "$(opens 12347 $group)" "no no"
	done
	# Unless it is said: all of that group read what is sent to it.
	make_link --owner 12345:7,12346 "$a" "$b"
	same "$(stat -c '%u %g %a' "$tmp/links/$link"/[01] | tr '\n' ' ')" "12345 0 640 12346 7 640 "
	same "$(opens 12345 12345), $(opens 12346 12346), $(opens 12347 7)" "rw no, r rw, no r"
	refuses 2 "there is no group 'nobody-here'" pvictl link --owner root:nobody-here "$a" "$b"
}

# make_link_by COMMAND... - which prints it: $link
make_link_by()
{
	link=$("$@" | sed -n 's/^link //p')
}

# accepts NAME UUID GSI - YES or NO, as the VM may ring the other one
accepts()
{
	if [ "$(tell "$1" "ring $2 $3")" -ge 0 ]; then
		echo YES
	else
		echo NO
	fi
}

# may_ring YES|NO - the two VMs, each other, by all of the link's GSIs and no other
may_ring()
{
	local n

	for n in $gsi $((gsi + 1)); do
		same "$(accepts vm_a "$b" "$n") $(accepts vm_b "$a" "$n")" "$1 $1"
	done
	same "$(tell vm_a "ring $b $((gsi + 2))") $(tell vm_b "ring $a $((gsi + 2))")" "-1 -1"
}

# In each order of the three: link, attach a, attach b
orders()
{
	local order step

	for order in "link a b" "a link b" "a b link"; do
		rm -f "$tmp"/vm_*
		vmm vm_a
		vmm vm_b
		for step in $order; do
			case $step in
			link)	make_link --queues 2 "$a" "$b" ;;
			a)	attach at_a --pid "$vm_a" --uuid "$a" --dir "$tmp/links" ;;
			b)	attach at_b --pid "$vm_b" --uuid "$b" --dir "$tmp/links" ;;
			esac
		done
		may_ring YES
		pvictl unlink --dir "$tmp/links" "$b" "$a"
		may_ring NO
		same "$(pvictl show "$a" --json | grep -c msi)" 0
		kill -KILL "$vm_a" "$vm_b"
		wait "$at_a" "$at_b"
	done
}

# A VM that comes again has its links again.
restart()
{
	local side peer=a vm at

	vmm vm_a
	vmm vm_b
	attach at_a --pid "$vm_a" --uuid "$a" --dir "$tmp/links"
	attach at_b --pid "$vm_b" --uuid "$b" --dir "$tmp/links"
	make_link --queues 2 "$a" "$b"
	for side in b a; do
		vm=vm_$side at=at_$side
		kill -KILL "${!vm}"
		wait "${!at}"
		same "$(tell "vm_$peer" "ring ${!side} $gsi")" -1
		rm "$tmp/$vm".*
		vmm "$vm"
		attach "$at" --pid "${!vm}" --uuid "${!side}" --dir "$tmp/links"
		may_ring YES
		peer=$side
	done
	# Where its links are not, it has none
	kill "$at_b"
	wait "$at_b"
	attach at_b --pid "$vm_b" --uuid "$b" --dir "$tmp"
	same "$(tell vm_a "ring $b $gsi")" -1
}

# Whoever lost their part of a link gets it back, and nobody else loses anything by it.
joining_again()
{
	vmm vm_a
	vmm vm_b
	make_link --queues 2 "$a" "$b"
	attach at_a --pid "$vm_a" --uuid "$a" --dir "$tmp"
	attach at_b --pid "$vm_b" --uuid "$b" --dir "$tmp/links"
	same "$(tell vm_a "ring $b $gsi")" 2
	same "$(tell vm_b "ring $a $gsi")" -1
	# By what is printed for one side that one joins, and no other one is asked.
	pvictl link --dir "$tmp/links" --for "$b" "$link" >"$tmp/printed"
	same "$(tell vm_b "ring $a $gsi")" -1
	pvictl link --dir "$tmp/links" --for "$a" "$link" >"$tmp/printed"
	may_ring YES
	pvictl show --json "$b" >"$tmp/json"
	json "$tmp/json" "[g['rings'] for g in it['gsis']] == [2, 1]"
	# By the beginning of its UUID, too
	pvictl revoke "$a" to "$b" gsi "$gsi"
	same "$(tell vm_a "ring $b $gsi")" -1
	refuses 5 "there is no such link" pvictl link --dir "$tmp/links" 01234567
	refuses 5 "there is no such link" pvictl unlink --dir "$tmp/links" web-db
	pvictl link --dir "$tmp/links" "${link:0:8}" >"$tmp/printed"
	may_ring YES
	pvictl unlink --dir "$tmp/links" "${link:0:8}"
	may_ring NO
}

# ends STATUS MESSAGE COMMAND... - as refuses, of what might never end, though what has to do with $tmp/getfd is held
ends()
{
	local said=$tmp/said

	rm -f "$said" "$said.status"
	{
		LD_PRELOAD=$here/kill_at.so GETFD_HELD=$tmp/getfd "${@:3}" >"$said" 2>&1 && echo 0 || echo $?
	} >"$said.new" && mv "$said.new" "$said.status" &
	await test -e "$said.status"
	[ "$(cat "$said.status")" -eq "$1" ] || fail "'${*:3}' exited with $(cat "$said.status"), not $1: $(cat "$said")"
	has "$(cat "$said")" "$2"
}

# A process that has one end keeps nobody waiting: not who starts the VM of the other one.
kept_waiting()
{
	local late="$b cannot have the link: its process keeps whoever asks it waiting"

	vmm vm_a
	vmm vm_b
	attach at_a --pid "$vm_a" --uuid "$a" --dir "$tmp"
	attach at_b --pid "$vm_b" --uuid "$b" --dir "$tmp"
	echo "$at_b" >"$tmp/getfd"
	# It is there, and is told; whoever has the end may be a stranger.
	ends 1 "$late" pvictl link --dir "$tmp/links" --size 64K --kind raw --queues 2 "$a" "$b"
	has "$(cat "$tmp/said")" "mem-path=$tmp/links"
	grep -q held "$tmp/getfd"
	link=$(sed -n 's/^link //p' "$tmp/said")
	same "$(accepts vm_b "$a" "$gsi") $(accepts vm_a "$b" "$gsi")" "YES NO"
	pvictl revoke "$b" to "$a" gsi "$gsi"
	ends 0 "mem-path=$tmp/links" pvictl link --dir "$tmp/links" --for "$a" "$link"
	same "$(accepts vm_b "$a" "$gsi")" YES
	pvictl revoke "$b" to "$a" gsi "$gsi"
	ends 1 "$late" pvictl link --dir "$tmp/links" "$link"
	same "$(accepts vm_b "$a" "$gsi")" YES
	# Nobody is asked for what there is.
	rm "$tmp/getfd"
	pvictl link --dir "$tmp/links" "$link" >"$tmp/printed"
	may_ring YES
	echo "$at_b" >"$tmp/getfd"
	ends 0 "mem-path=$tmp/links" pvictl link --dir "$tmp/links" "$link"
	same "$(cat "$tmp/getfd")" "$at_b"
}

# With the same UUID what is printed is the same, also when the host has been booted and nothing is there.
given_uuid()
{
	local uuid=dddddddd-0000-4000-8000-000000000004

	refuses 2 "is not a UUID" pvictl link --uuid 1 "$a" "$b"
	refuses 2 "must not be all zeroes" pvictl link --uuid 00000000-0000-0000-0000-000000000000 "$a" "$b"
	refuses 2 "say which two sides" pvictl link --uuid "$uuid" "$uuid"
	make_link --uuid "$uuid" "$a" "$b"
	same "$link" "$uuid"
	cp "$tmp/printed" "$tmp/first"
	stat -c %i "$tmp/links/$link/0" >"$tmp/inode"
	make_link --uuid "$uuid" "$a" "$b"
	diff "$tmp/first" "$tmp/printed"
	same "$(stat -c %i "$tmp/links/$link/0")" "$(cat "$tmp/inode")"
	refuses 1 "$uuid is there already, and is another one" \
		pvictl link --dir "$tmp/links" --size 64K --kind raw --uuid "$uuid" "$a" "$c"
	refuses 1 "$uuid is there already, and is another one" \
		pvictl link --dir "$tmp/links" --size 128K --kind raw --uuid "$uuid" "$a" "$b"
	refuses 1 "$uuid is there already, and is another one" \
		pvictl link --dir "$tmp/links" --size 64K --kind raw --owner 12345 --uuid "$uuid" "$a" "$b"
	refuses 1 "$uuid is there already, and is another one" \
		pvictl link --dir "$tmp/links" --size 64K --kind raw --hugetlb --uuid "$uuid" "$a" "$b"
	refuses 1 "has a UUID that begins alike" \
		pvictl link --dir "$tmp/links" --size 64K --kind raw --uuid "${uuid%4}5" "$a" "$c"
	same "$(ls "$tmp/links")" "$uuid"
	rm -r "$tmp/links"
	make_link --uuid "$uuid" "$a" "$b"
	diff "$tmp/first" "$tmp/printed"
	pvictl unlink --dir "$tmp/links" "$uuid"
	make_link --owner 12345,12346 --uuid "$uuid" "$a" "$b"
	diff "$tmp/first" "$tmp/printed"
	make_link --owner 12345,12346 --uuid "$uuid" "$a" "$b"
	diff "$tmp/first" "$tmp/printed"
	refuses 1 "$uuid is there already, and is another one" \
		pvictl link --dir "$tmp/links" --size 64K --kind raw --owner 12345 --uuid "$uuid" "$a" "$b"
	refuses 1 "$uuid is there already, and is another one" \
		pvictl link --dir "$tmp/links" --size 64K --kind raw --uuid "$uuid" "$a" "$b"
}

# How long its owner makes a section changes nothing of what others are told.
grown()
{
	local uuid=dddddddd-0000-4000-8000-000000000004

	make_link --uuid "$uuid" --queues 3 "$a" "$b"
	cp "$tmp/printed" "$tmp/first"
	truncate -s 128K "$tmp/links/$link/0"
	pvictl link --dir "$tmp/links" "$link" | diff "$tmp/first" -
	make_link --uuid "$uuid" --queues 3 "$a" "$b"
	diff "$tmp/first" "$tmp/printed"
	pvictl list --dir "$tmp/links" --json >"$tmp/json"
	json "$tmp/json" "[l['size'] for l in it['links']] == [65536]"
	truncate -s 4 "$tmp/links/$link/0"
	pvictl link --dir "$tmp/links" "$link" | diff "$tmp/first" -
}

# What a guest writes into its section allows nobody anything.
hostile_section()
{
	make_link "$a" "$b"
	printf '\x14' | dd of="$tmp/links/$link/0" bs=1 seek=64 conv=notrunc status=none
	tr -d - <<<"$c" | sed 's/../\\x&/g' >"$tmp/escaped"
	# shellcheck disable=SC2059 # that is what it is for
	printf "$(cat "$tmp/escaped")" | dd of="$tmp/links/$link/0" bs=1 seek=48 conv=notrunc status=none
	vmm vm_a
	attach at_a --pid "$vm_a" --uuid "$a" --dir "$tmp/links"
	pvictl show --json "$a" >"$tmp/json"
	json "$tmp/json" "[g['gsi'] for g in it['gsis']] == [$gsi]"
	json "$tmp/json" "[s['sender'] for s in it['senders']] == ['$b']"
}

# Nor does a directory that others write.
hostile_directory()
{
	vmm vm_a
	make_link "$a" "$b"
	chmod 777 "$tmp/links"
	refuses 3 "others can write there" pvictl attach --pid "$vm_a" --uuid "$a" --dir "$tmp/links"
	refuses 3 "others can write there" pvictl link --dir "$tmp/links" "$a" "$b"
	refuses 3 "others can write there" pvictl list --dir "$tmp/links"
	chmod 755 "$tmp/links"
	chown 12345 "$tmp/links/$link/shapes"
	attach at_a --pid "$vm_a" --uuid "$a" --dir "$tmp/links"
	has "$(cat "$tmp/at_a.log")" "others than root and you can write it"
	has "$(pvictl show "$a")" "Senders: none"
}

# store SIDE OFFSET NUMBER - what the side's owner says in its section
store()
{
	# shellcheck disable=SC2059 # that is what it is for
	printf "$(printf '\\x%02x' $(($3 & 255)) $(($3 >> 8 & 255)) $(($3 >> 16 & 255)) $(($3 >> 24 & 255)))" |
		dd of="$tmp/links/$link/$1" bs=1 seek="$2" conv=notrunc status=none
}

# What has gone over a link, and who woke whom: bytes by what stands in the sections, wakes by the module.
flows()
{
	local top

	make_link --queues 2 "$a" "$b"
	vmm vm_a -name web
	vmm vm_b -name db
	attach at_a --pid "$vm_a" --uuid "$a" --dir "$tmp/links"
	attach at_b --pid "$vm_b" --uuid "$b" --dir "$tmp/links"
	same "$(tell vm_a "ring $b $gsi") $(tell vm_a "ring $b $((gsi + 1))") $(tell vm_b "ring $a $gsi")" "2 2 2"
	# Nothing counts before there is a session.
	store 0 256 800
	pvictl metrics --dir "$tmp/links" >"$tmp/text"
	grep -q "^kvm_pvi_link_up{link=\"$link\",kind=\"raw\",uuid=\"$a\",vm=\"web\",peer_uuid=\"$b\",peer_vm=\"db\"} 0$" "$tmp/text"
	grep -q "^kvm_pvi_link_sent_bytes_total{link=\"$link\",.*,vm=\"web\",.*} 0$" "$tmp/text"
	store 0 128 3
	store 1 128 3
	# Queue 0 has begun again at 0 three times, queue 1 has not
	store 0 260 3
	store 0 512 40
	pvictl metrics --dir "$tmp/links" --openmetrics >"$tmp/open"
	python3 "$here/openmetrics.py" openmetrics "$tmp/open" >"$tmp/number"
	grep -q "^kvm_pvi_link_up{link=\"$link\",.*,vm=\"db\",.*} 1$" "$tmp/open"
	grep -q "^kvm_pvi_link_sent_bytes_total{link=\"$link\",.*,vm=\"web\",.*} $((3 * 4294967296 + 840))$" "$tmp/open"
	grep -q "^kvm_pvi_link_sent_bytes_total{link=\"$link\",.*,vm=\"db\",.*} 0$" "$tmp/open"
	grep -q "^kvm_pvi_link_wakes_total{link=\"$link\",.*,vm=\"web\",.*} 2$" "$tmp/open"
	grep -q "^kvm_pvi_link_wakes_total{link=\"$link\",.*,vm=\"db\",.*} 1$" "$tmp/open"
	pvictl top --dir "$tmp/links" --json --interval 0.25 --count 12 >"$tmp/json" &
	top=$!
	while kill -0 "$top" 2>/dev/null; do
		tell vm_b "ring $a $gsi" >"$tmp/verdict"
		store 1 256 $((RANDOM << 16))
	done
	wait "$top"
	sed -i -e '1s/^/[/' -e '$s/$/]/' -e 's/^}$/},/' -e '$s/},]/}]/' "$tmp/json"
	json "$tmp/json" "{(l['link'], l['kind'], l['a'], l['a_name'], l['a_state'], l['b_name']) for t in it for l in t['links']} == \
		{('$link', 'raw', '$a', 'web', 'run', 'db')}"
	json "$tmp/json" "max(l['b_wakes'] for t in it for l in t['links']) > 0 and \
		max(l['b_bytes'] for t in it for l in t['links']) > 1000"
	json "$tmp/json" "{(l['a_wakes'], l['a_bytes']) for t in it for l in t['links']} == {(0, 0)}"
	has "$(pvictl top --dir "$tmp/links" --interval 0.1 --count 1 | tr -s ' ')" "db web $gsi" \
		"${link%%-*} raw web run"
	has "$(pvictl top --dir "$tmp/links" --interval 0.1 --count 1 "$b" | tr -s ' ')" "${link%%-*} raw web run"
	! pvictl top --dir "$tmp/links" --interval 0.1 --count 1 "$c" | grep -q "${link%%-*}" ||
		fail "a link of others"
	# Whoever may not read sections sees the rest.
	truncate -s 4 "$tmp/links/$link/1"
	pvictl metrics --dir "$tmp/links" >"$tmp/text"
	same "$(grep -c "^kvm_pvi_link_up{" "$tmp/text")" 1
}

# Several links of a VM do not share a GSI; what was taken back is free.
several()
{
	local first second

	make_link --queues 2 "$a" "$b"
	first=$link
	make_link --queues 2 "$a" "$c"
	second=$link
	make_link --queues 1 "$b" "$c"
	pvictl list --dir "$tmp/links" --json >"$tmp/json"
	json "$tmp/json" "{(l['a'][0], l['a_gsi'] - $gsi, l['b'][0], l['b_gsi'] - $gsi) for l in it['links']} == \
		{('a', 0, 'b', 0), ('a', 2, 'c', 0), ('b', 2, 'c', 2)}"
	json "$tmp/json" "{(l['kind'], l['size'], l['a_state']) for l in it['links']} == {('raw', 65536, 'reset')}"
	has "$(pvictl list --dir "$tmp/links")" Links: "$first raw" "$second raw"
	same "$(pvictl list --noheadings --dir "$tmp/links")" ""
	pvictl unlink --dir "$tmp/links" "$first"
	same "$(echo "$tmp/links"/*-* | wc -w)" 2
	make_link --queues 2 "$a" "$b"
	same "$(number 64)" "$gsi"
	same "$(number 72)" "$gsi"
	vmm vm_a
	attach at_a --pid "$vm_a" --uuid "$a" --dir "$tmp/links"
	pvictl show --dir "$tmp/links" --json "$a" >"$tmp/json"
	json "$tmp/json" "{l['link'] for l in it['links']} == {'$link', '$second'}"
	same "$(pvictl show --json "$a" --dir "$tmp/none" | grep -c '"links": \[\]')" 1
}

# Each VM has one address on all its links of kind vsock, and no other VM has it.
addresses()
{
	local first third

	refuses 2 "are for --kind vsock" pvictl link --cid 3,4 "$a" "$b"
	refuses 2 "are for --kind vsock" pvictl link --kind raw --ports 22 "$a" "$b"
	refuses 2 "--cid must be two addresses" pvictl link --kind vsock --cid 3 "$a" "$b"
	refuses 2 "that are not the same" pvictl link --kind vsock --cid 3,3 "$a" "$b"
	refuses 2 "begin with 3" pvictl link --kind vsock --cid 3,2 "$a" "$b"
	refuses 2 "end with 4294967294" pvictl link --kind vsock --cid 3,4294967295 "$a" "$b"
	make_link --kind vsock "$a" "$b"
	first=$link
	same "$(number 192) $(number 196) $(number 200)" "3 4 0"
	same "$(number 192 1) $(number 196 1) $(number 200 1)" "4 3 0"
	has "$(cat "$tmp/printed")" "$a, CID 3:" "$b, CID 4:"
	refuses 1 "the two have a link of kind vsock: $link" \
		pvictl link --dir "$tmp/links" --size 64K --kind vsock "$b" "$a"
	refuses 1 "$a has CID 3 already" pvictl link --dir "$tmp/links" --size 64K --kind vsock --cid 7,9 "$c" "$a"
	refuses 1 "CID 4 is that of $b" pvictl link --dir "$tmp/links" --size 64K --kind vsock --cid 3,4 "$a" "$c"
	make_link --kind vsock "$c" "$a"
	same "$(number 192) $(number 196)" "5 3"
	pvictl unlink --dir "$tmp/links" "$first"
	make_link --kind vsock --cid 77,5 "$b" "$c"
	same "$(number 192) $(number 196)" "77 5"
	make_link "$a" "$b"
	third=$link
	pvictl list --dir "$tmp/links" --json >"$tmp/json"
	json "$tmp/json" "{(l['kind'], l['a'][0], l['a_cid'], l['b_cid']) for l in it['links']} == \
		{('vsock', 'c', 5, 3), ('vsock', 'b', 77, 5), ('raw', 'a', None, None)}"
	same "$(tail -c +113 "$tmp/links/$third/0" | tr -d '\0' | wc -c)" 0
	pvictl unlink --dir "$tmp/links" "$a" "$b"
	pvictl unlink --dir "$tmp/links" "$a" "$c"
	pvictl unlink --dir "$tmp/links" "$c" "$b"
	same "$(ls "$tmp/links")" ""
}

# ports TEXT - what the two sections say then
ports()
{
	make_link --kind vsock --ports "$1" "$a" "$b"
	same "$(for side in 0 1; do
			echo "$(number 200 $side):$(number 208 $side)-$(number 212 $side)" \
				"$(number 216 $side)-$(number 220 $side)"
		done | paste -s -d ' ')" "$2"
	pvictl unlink --dir "$tmp/links" "$link"
}

open_ports()
{
	refuses 2 "more than 6 ranges" pvictl link --kind vsock --ports 1,2,3,4,5,6,7 "$a" "$b"
	refuses 2 "the first not behind the last" pvictl link --kind vsock --ports 9-8 "$a" "$b"
	refuses 2 "numbers of ports" pvictl link --kind vsock --ports ssh "$a" "$b"
	refuses 2 "numbers of ports" pvictl link --kind vsock --ports 1-4294967296 "$a" "$b"
	ports all "0:0-0 0-0 0:0-0 0-0"
	ports 22 "1:22-22 0-0 1:22-22 0-0"
	ports 22,5000-5999/all "2:22-22 5000-5999 0:0-0 0-0"
	ports all/7 "0:0-0 0-0 1:7-7 0-0"
	ports none "1:1-0 0-0 1:1-0 0-0"
}

# What an end cannot have is not made.
failure()
{
	local failed=

	vmm vm_a
	vmm vm_b
	attach at_a --pid "$vm_a" --uuid "$a"
	attach at_b --pid "$vm_b" --uuid "$b" --expose 65536
	echo 1 >/sys/module/kvm_pvi/parameters/max_gsis
	(refuses 1 "$b cannot have the link" \
		pvictl link --dir "$tmp/links" --size 64K --queues 1 "$a" "$b") || failed=1
	echo 1024 >/sys/module/kvm_pvi/parameters/max_gsis
	[ -z "$failed" ]
	same "$(ls "$tmp/links")" ""
	has "$(pvictl show "$a")" "GSIs: none" "Senders: none"
}

# Others than links get a part of a tmpfs that is theirs too; and nothing is left of what there is no room for.
room()
{
	mkdir "$tmp/small"
	mount -t tmpfs -o size=400K none "$tmp/small"
	refuses 1 "512 KiB are wanted" pvictl link --dir "$tmp/small/links" --size 256K --queues 1 "$a" "$b"
	pvictl link --dir "$tmp/small/links" --size 64K --queues 1 "$a" "$b" >"$tmp/printed"
	pvictl link --dir "$tmp/small/links" --size 64K --queues 1 "$a" "$b" >"$tmp/printed"
	refuses 1 "no memory is left there" pvictl link --dir "$tmp/small/links" --size 64K --queues 1 "$a" "$b"
	same "$(echo "$tmp/small/links"/*-* | wc -w)" 2
	# Where there are links alone, they may have all of it.
	umount "$tmp/small"
	mkdir "$tmp/own"
	mount -t tmpfs -o size=420K,mode=755 none "$tmp/own"
	for n in 1 2 3; do
		pvictl link --dir "$tmp/own" --size 64K --queues 1 "$a" "$b" >"$tmp/printed"
	done
	refuses 1 "of which 0 KiB stay free" pvictl link --dir "$tmp/own" --size 64K --queues 1 "$a" "$b"
	same "$(echo "$tmp/own"/*-* | wc -w)" 3
	umount "$tmp/own"
}

# A process that was killed in the middle has left something; the next one removes it.
killed()
{
	make_link "$a" "$b"
	mv "$tmp/links/$link" "$tmp/links/.$link"
	same "$(pvictl list --dir "$tmp/links")" ""
	make_link "$a" "$c"
	same "$(ls -A "$tmp/links")" ".lock
$link"
}

# A process of the host is one side: the program of pvi_link(3), in Python.
host_process()
{
	vmm vm_a
	make_link "$a" "host:$b"
	attach at_a --pid "$vm_a" --uuid "$a" --dir "$tmp/links"
	cat >"$tmp/program.py" <<-'PYTHON'
		import ctypes, os, sys, uuid
		directory, link, name, peer = sys.argv[1:]
		lib = ctypes.CDLL("libpvi.so.0")
		shape = ctypes.create_string_buffer(96)
		theirs = ctypes.c_int()
		name, link = uuid.UUID(name).bytes, uuid.UUID(link).bytes
		own = lib.pvi_link_open(directory.encode(), link, name, shape, ctypes.byref(theirs))
		assert own >= 0, own
		pvi = lib.pvi_enrol(-1, name)
		assert lib.pvi_link_join(pvi, shape) == 0
		bell = lib.pvi_wire(pvi, 2048, -1)
		os.set_blocking(bell, True)
		print("ready", flush=True)
		os.read(bell, 8)
		assert lib.pvi_ring(pvi, uuid.UUID(peer).bytes, 98304) == 2
		msg = ctypes.c_void_p()
		ring = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_uint32)(lambda arg, gsi: None)
		assert lib.pvi_msg_open(ctypes.byref(msg), own, theirs.value, ring, None) == 0
		print("begun", flush=True)
		sys.stdin.read()
	PYTHON
	mkfifo "$tmp/end"
	python3 "$tmp/program.py" "$tmp/links" "$link" "$b" "$a" <"$tmp/end" >"$tmp/said" &
	exec {end}>"$tmp/end"
	await grep -q ready "$tmp/said"
	same "$(tell vm_a "ring $b 2048")" 0
	await grep -q begun "$tmp/said"
	pvictl list --dir "$tmp/links" --json >"$tmp/json"
	json "$tmp/json" "[(l['a_state'], l['b_state']) for l in it['links']] == [('reset', 'init')]"
	pvictl unlink --dir "$tmp/links" "$link"
	same "$(tell vm_a "ring $b 2048")" -1
	exec {end}>&-
}

# Two processes: what one says is what the other hears, in both directions at once, until both have ended.
pipes()
{
	local side_a side_b

	link=$(pvictl link --dir "$tmp/links" --kind raw --size 64K "host:$a" "host:$b" | sed -n 's/^link //p')
	refuses 2 "which link?" pvictl pipe --self "$a"
	refuses 5 "is no side of link" pvictl pipe --dir "$tmp/links" --self "$c" "$link"
	head -c 1000000 /dev/urandom >"$tmp/from_a"
	head -c 300001 /dev/urandom >"$tmp/from_b"
	pvictl pipe --dir "$tmp/links" --self "$a" "$link" <"$tmp/from_a" >"$tmp/to_a" &
	side_a=$!
	pvictl pipe --dir "$tmp/links" --self "$b" "$link" <"$tmp/from_b" >"$tmp/to_b" &
	side_b=$!
	wait $side_a
	wait $side_b
	cmp "$tmp/from_a" "$tmp/to_b"
	cmp "$tmp/from_b" "$tmp/to_a"
}

# So they are where neither may be rung more than once a second: what is refused is rung again.
throttled_pipes()
{
	local side_a side_b

	link=$(pvictl link --dir "$tmp/links" --kind raw --size 64K "host:$a" "host:$b" | sed -n 's/^link //p')
	head -c 100000 /dev/urandom >"$tmp/from_a"
	head -c 1000 /dev/urandom >"$tmp/from_b"
	LD_PRELOAD=$here/throttle.so pvictl pipe --dir "$tmp/links" --self "$a" "$link" <"$tmp/from_a" >"$tmp/to_a" &
	side_a=$!
	LD_PRELOAD=$here/throttle.so pvictl pipe --dir "$tmp/links" --self "$b" "$link" <"$tmp/from_b" >"$tmp/to_b" &
	side_b=$!
	wait $side_a
	wait $side_b
	cmp "$tmp/from_a" "$tmp/to_b"
	cmp "$tmp/from_b" "$tmp/to_a"
}

# Nor does one that leaves go before it has told the other side, which may not be rung just now, and would sleep on.
throttled_leaving()
{
	local side_a side_b status=0

	link=$(pvictl link --dir "$tmp/links" --kind raw --size 64K "host:$a" "host:$b" | sed -n 's/^link //p')
	cat >"$tmp/program.py" <<-'PYTHON'
		import ctypes, errno, os, select, sys, uuid
		directory, link, name, peer = sys.argv[1:]
		lib = ctypes.CDLL("libpvi.so.0")
		shape = ctypes.create_string_buffer(96)
		theirs = ctypes.c_int()
		name, link, peer = (uuid.UUID(text).bytes for text in (name, link, peer))
		own = lib.pvi_link_open(directory.encode(), link, name, shape, ctypes.byref(theirs))
		pvi = lib.pvi_enrol(-1, name)
		assert lib.pvi_link_join(pvi, shape) == 0
		own_gsi = int.from_bytes(shape.raw[64:68], "little")
		bell = lib.pvi_wire(pvi, own_gsi, -1)
		msg = ctypes.c_void_p()
		got = ctypes.create_string_buffer(100)

		@ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_uint32)
		def ring(arg, gsi):
		    lib.pvi_ring(pvi, peer, gsi)

		def wait():
		    select.select([bell], [], [])
		    os.read(bell, 8)

		assert lib.pvi_msg_open(ctypes.byref(msg), own, theirs.value, ring, None) == 0
		while lib.pvi_msg_follow(msg) < 0:
		    wait()
		while (ret := lib.pvi_msg_receive(msg, 0, got, 100)) == -errno.EAGAIN:
		    wait()
		assert got.raw[:ret] == b"hello\n", ret
		# Nobody rings it for a second from here on.
		assert lib.pvi_allow(pvi, name, own_gsi, None) == 0
		while lib.pvi_ring(pvi, name, own_gsi) != -errno.EAGAIN:
		    pass
		if select.select([bell], [], [], 0)[0]:
		    os.read(bell, 8)
		# It ends the session, for it has not said yet that it has sent all.
		for n in range(2):
		    assert lib.pvi_msg_send(msg, 0, b"", 0) == 0
		sys.stdin.read()
		assert select.select([bell], [], [], 0)[0], "was not told"
		assert lib.pvi_msg_follow(msg) == -errno.ECONNRESET
	PYTHON
	mkfifo "$tmp/from_a" "$tmp/end"
	exec {input}<>"$tmp/from_a"
	echo hello >&"$input"
	pvictl pipe --dir "$tmp/links" --self "$a" "$link" <"$tmp/from_a" 2>"$tmp/said" &
	side_a=$!
	LD_PRELOAD=$here/throttle.so python3 "$tmp/program.py" "$tmp/links" "$link" "$b" "$a" <"$tmp/end" &
	side_b=$!
	exec {end}>"$tmp/end"
	wait $side_a || status=$?
	same $status 1
	grep -q "before all was sent" "$tmp/said"
	exec {end}>&- {input}>&-
	wait $side_b
}

# shown PATTERN - on the terminal, whose lines end with a return
shown()
{
	tr '\r' '\n' <"$tmp/terminal" | grep -q -x -E "$1"
}

# On a terminal one sees how far it is, and how fast: now, and at the end on the whole. The link goes by its name.
pipe_on_a_terminal()
{
	local side_a side_b

	[ -e /dev/pts/ptmx ] || { mkdir -p /dev/pts && mount -t devpts devpts /dev/pts; }
	mkfifo "$tmp/from_a"
	link=$(pvictl link --dir "$tmp/links" --kind raw --size 64K "host:$a" "host:$b" | sed -n 's/^link //p')
	printf '[link talk]\nbetween=host:%s,host:%s\n' "$a" "$b" >"$tmp/links/$link/policy"
	script -q -e -f -c "pvictl pipe --dir '$tmp/links' --self $a talk <'$tmp/from_a' >'$tmp/to_a'" "$tmp/terminal" \
		</dev/null >"$tmp/log" &
	side_a=$!
	# Which does not wait for somebody to read
	exec {end}<>"$tmp/from_a"
	pvictl pipe --dir "$tmp/links" --self "$b" "${link:0:8}" <<<"from b" >"$tmp/to_b" 2>"$tmp/said" {end}>&- &
	side_b=$!
	await shown "sent 0 B, received 7 B, [0-9]+:[0-5][0-9]:[0-5][0-9], [0-9]+ B/s +"
	head -c 2097152 /dev/zero >&"$end"
	# Nothing moves any more.
	await shown "sent 2.0 MiB, received 7 B, [0-9]+:[0-5][0-9]:[0-5][0-9], 0 B/s +"
	exec {end}>&-
	wait $side_a
	wait $side_b
	shown "sent 2.0 MiB, received 7 B, [0-9]+:[0-5][0-9]:[0-5][0-9], on average [0-9.]+ ([KM]i)?B/s" ||
		fail "$(cat "$tmp/terminal")"
	same "$(cat "$tmp/to_a")" "from b"
	same "$(stat -c %s "$tmp/to_b")" 2097152
	# Where nobody looks nothing is shown.
	same "$(cat "$tmp/said")" ""
	refuses 5 "link 'walk' in" pvictl pipe --dir "$tmp/links" --self "$a" walk
	refuses 2 "names of links are known on the host alone" pvictl pipe talk
}

# One side ends early, by a signal or without a word: the other says so, and has put out what came before.
broken_pipes()
{
	local signal side_a side_b

	link=$(pvictl link --dir "$tmp/links" --kind raw --size 64K "host:$a" "host:$b" | sed -n 's/^link //p')
	for signal in TERM KILL; do
		mkfifo "$tmp/$signal"
		pvictl pipe --dir "$tmp/links" --self "$a" "$link" <"$tmp/$signal" >/dev/null 2>&1 &
		side_a=$!
		exec {end}>"$tmp/$signal"
		pvictl pipe --dir "$tmp/links" --self "$b" "$link" </dev/null >"$tmp/to_b" 2>"$tmp/said" &
		side_b=$!
		echo "before the end" >&"$end"
		await grep -q "before the end" "$tmp/to_b"
		kill -s "$signal" $side_a
		! wait $side_a || fail "ended well by SIG$signal"
		! wait $side_b || fail "ended well though the other side has not"
		has "$(cat "$tmp/said")" "the other side has left after 0 bytes to it and 15 from it"
		exec {end}>&-
	done
}

gone()
{
	! pvictl show "$1"
}

# It looks when all that is told of the other side's death was told.
died_meanwhile()
{
	local side_a side_b

	link=$(pvictl link --dir "$tmp/links" --kind raw --size 64K "host:$a" "host:$b" | sed -n 's/^link //p')
	mkfifo "$tmp/in"
	pvictl pipe --dir "$tmp/links" --self "$a" "$link" <"$tmp/in" >/dev/null 2>&1 &
	side_a=$!
	exec {end}>"$tmp/in"
	pvictl pipe --dir "$tmp/links" --self "$b" "$link" </dev/null >"$tmp/to_b" 2>"$tmp/said" &
	side_b=$!
	echo "before the end" >&"$end"
	await grep -q "before the end" "$tmp/to_b"
	kill -STOP $side_b
	kill -KILL $side_a
	await has_ended $side_a
	await gone "$a"
	nap 1
	kill -CONT $side_b
	await has_ended $side_b
	has "$(cat "$tmp/said")" "the other side has left after 0 bytes to it and 15 from it"
	exec {end}>&-
}

# What was sent is in the ring still, and goes with the other side.
unread()
{
	local side_a side_b

	link=$(pvictl link --dir "$tmp/links" --kind raw --size 1M "host:$a" "host:$b" | sed -n 's/^link //p')
	mkfifo "$tmp/out"
	exec {out}<>"$tmp/out"
	head -c 200000 /dev/zero >"$tmp/in"
	pvictl pipe --dir "$tmp/links" --self "$a" "$link" <"$tmp/in" >/dev/null 2>"$tmp/said" &
	side_a=$!
	pvictl pipe --dir "$tmp/links" --self "$b" "$link" </dev/null >"$tmp/out" 2>/dev/null &
	side_b=$!
	nap 2
	kill -TERM $side_b
	! wait $side_b || fail "ended well by SIGTERM"
	! wait $side_a || fail "ended well, and its bytes have gone"
	has "$(cat "$tmp/said")" "the other side has left after 200000 bytes to it and 0 from it"
	exec {out}>&-
}

huge_pages()
{
	local free owners

	refuses 5 "no hugetlbfs is mounted" pvictl link --dir "$tmp/links" --hugetlb "$a" "$b"
	mkdir "$tmp/huge"
	mount -t hugetlbfs none "$tmp/huge"
	echo 3 >/proc/sys/vm/nr_hugepages
	free=$(sed -n 's/^HugePages_Free: *//p' /proc/meminfo)
	same "$free" 3
	# Who could rename what is there would say what memory a link is.
	chmod 775 "$tmp/huge"
	refuses 3 "$tmp/huge: others can write there" pvictl link --dir "$tmp/links" --size 2M --hugetlb "$a" "$b"
	refuses 3 "$tmp/huge: others can write there" pvictl link --dir "$tmp/links" --size 2M --hugetlb="$tmp/huge" "$a" "$b"
	mkdir "$tmp/other"
	mount -t hugetlbfs none "$tmp/other"
	link=$(pvictl link --dir "$tmp/links" --size 2M --hugetlb "$a" "$b" | sed -n 's/^link //p')
	same "$(readlink "$tmp/links/$link/0")" "$tmp/other/kvm-pvi-$link.0"
	pvictl unlink --dir "$tmp/links" "$link"
	umount "$tmp/other"
	chmod 755 "$tmp/huge"
	refuses 1 "--size must be a multiple" pvictl link --dir "$tmp/links" --size 1M --hugetlb "$a" "$b"
	refuses 1 "too few huge pages" pvictl link --dir "$tmp/links" --size 4M --hugetlb="$tmp/huge" "$a" "$b"
	same "$(ls "$tmp/links")$(ls "$tmp/huge")" ""
	link=$(pvictl link --dir "$tmp/links" --size 2M --hugetlb "$a" "$b" | sed -n 's/^link //p')
	same "$(stat -L -c %s "$tmp/links/$link"/[01] | tr '\n' ' ')" "2097152 2097152 "
	same "$(sed -n 's/^HugePages_Free: *//p' /proc/meminfo)" 1
	same "$(head -c 8 "$tmp/links/$link/1")" XPVIRING
	pvictl list --dir "$tmp/links" --json >"$tmp/json"
	json "$tmp/json" "[(l['size'], l['a_state']) for l in it['links']] == [(2097152, 'reset')]"
	pvictl unlink --dir "$tmp/links" "$link"
	same "$(ls "$tmp/huge")" ""
	# The same, where it is made again, and none in pages of another size
	for owners in first second; do
		pvictl link --dir "$tmp/links" --size 2M --hugetlb --uuid "$link" "$a" "$b" >"$tmp/$owners"
	done
	diff "$tmp/first" "$tmp/second"
	refuses 1 "$link is there already, and is another one" pvictl link --dir "$tmp/links" --size 2M --uuid "$link" "$a" "$b"
	pvictl unlink --dir "$tmp/links" "$link"
	# Who alone may read cannot be said there, but which group.
	for owners in 12345,12346 12345:7,12346 12345,12346:8; do
		refuses 1 "say --owner USER:GROUP,USER:GROUP" \
			pvictl link --dir "$tmp/links" --size 2M --hugetlb --owner $owners "$a" "$b"
	done
	same "$(ls "$tmp/links")$(ls "$tmp/huge")" ""
	link=$(pvictl link --dir "$tmp/links" --size 2M --hugetlb --owner 12345:7,12346:8 "$a" "$b" | sed -n 's/^link //p')
	same "$(stat -L -c '%u %g %a' "$tmp/links/$link"/[01] | tr '\n' ' ')" "12345 8 640 12346 7 640 "
	pvictl unlink --dir "$tmp/links" "$link"
	same "$(sed -n 's/^HugePages_Free: *//p' /proc/meminfo)" 3
	same "$(ls "$tmp/huge")" ""
	echo 0 >/proc/sys/vm/nr_hugepages
	umount "$tmp/huge"
}

run_tests arguments sections printed libvirt libvirt_gone qemu owners readers orders restart joining_again kept_waiting given_uuid \
	grown hostile_section hostile_directory flows several addresses open_ports failure room killed host_process pipes \
	throttled_pipes throttled_leaving pipe_on_a_terminal \
	broken_pipes died_meanwhile unread huge_pages
