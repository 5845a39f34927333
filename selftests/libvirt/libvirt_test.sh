#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What the administrator of a Debian host does with two domains of libvirt and a policy of ten lines; run by
# rig/libvirt-check.sh in a host that is there for nothing else. The domains live through all of the tests, web on a
# q35, db on a pc. Once they run, most of it is done in a storm in which no ring makes good for one before: who waits
# for a ring that was lost waits for ever.

# shellcheck source-path=SCRIPTDIR/..
. "$(dirname "$0")/tools/lib.sh"
. "$(dirname "$0")/tools/guest.sh"
. "$(dirname "$0")/tools/ethernet.sh"

images=/var/lib/libvirt/images policy=/etc/kvm-pvi/pair.conf pin=20 virtual=65536
# As the README's policy has them
a=6c1f0a3e-5a0b-4e0e-9d7c-000000000001 b=6c1f0a3e-5a0b-4e0e-9d7c-000000000002
address_a=10.9.0.1 address_b=10.9.0.2 bus=''
times=3
[ -z "${PVI_LONG:-}" ] || times=20

# What these have as they come from Debian is what is tested.
stock=(apparmor libvirt-clients libvirt-daemon libvirt-daemon-driver-qemu libvirt-daemon-system qemu-system-x86
	qemu-system-common)

# page BEGINNING - what link.rst shows, from the line that begins so to the end of its block
page()
{
	awk -v beginning="  $1" 'index($0, beginning) == 1 { on = 1 }
		on && !/^  / { exit }
		on { print substr($0, 3) }' /rig/link.rst
}

# domain NAME UUID MACHINE KERNEL - its XML
domain()
{
	cat <<-XML
		<domain type='kvm'>
		  <name>$1</name>
		  <uuid>$2</uuid>
		  <memory unit='MiB'>160</memory>
		  <vcpu>1</vcpu>
		  <os>
		    <type arch='x86_64' machine='$3'>hvm</type>
		    <kernel>$images/$4/vmlinux</kernel>
		    <initrd>$images/$4/initramfs</initrd>
		    <cmdline>$guest_append</cmdline>
		  </os>
		  <features><acpi/><apic/></features>
		  <cpu mode='host-passthrough'/>
		  <devices>
		    <serial type='file'><source path='/var/log/libvirt/qemu/$1.console'/><target port='0'/></serial>
		    <serial type='pipe'><source path='$images/$1'/><target port='1'/></serial>
		    <controller type='usb' model='none'/>
		    <memballoon model='none'/>
		  </devices>
		</domain>
	XML
}

# open_serial NAME DOMAIN - the shell of its guest, as guest.sh has it, whoever listens at the other end
open_serial()
{
	local path=$images/$2

	mkfifo "$path.in" "$path.out"
	exec {fd}<>"$path.in"
	declare -g "${1}_in=$fd" "${1}_console=/var/log/libvirt/qemu/$2.console" "${1}_told=" "${1}_number=boot"
	exec {fd}<>"$path.out"
	declare -g "${1}_out=$fd"
}

# What a guest that has ended has not read, and has said
drain()
{
	local fd

	for fd in "${1}_in" "${1}_out"; do
		while IFS= read -r -t 1 _ <&"${!fd}"; do :; done
	done
}

pid_of()
{
	cat "/run/libvirt/qemu/$1.pid"
}

# shellcheck disable=SC2034 # guest.sh uses them
find_guests()
{
	g_a=$(pid_of web)
	g_b=$(pid_of db)
	bus=/sys/bus/pvi_link/devices/$(cat "$kept/link")
}

# That nothing of ours has to be told to begin, nor anything of theirs to be changed
installed()
{
	local unit

	same "$(dpkg --verify "${stock[@]}")" ""
	for unit in kvm-pvid libvirtd apparmor; do
		same "$(systemctl is-active $unit)" active
	done
	aa-enabled -q
	[ -c /dev/kvm ]
	[ -c /dev/kvm_pvi ]
}

# The README's policy, and the line that it has for libvirt
permitted()
{
	cp /rig/readme.conf "$policy"
	# shellcheck disable=SC2016 # they are its marks
	sed -n 's/.*`\(owner = [a-z-]*\)`.*/\1/p' /rig/README.md >>"$policy"
	same "$(wc -l <"$policy")" 10
	pvictl check
	pvictl apply
	same "$(pvictl diff)" ""
	pvictl link wire | sed -n 's/^link //p' >"$kept/link"
	# Each section is libvirt's QEMUs', and no other user's.
	same "$(stat -c '%U %a' "/run/kvm-pvi/links/$(cat "$kept/link")"/[01] | paste -s)" "libvirt-qemu 600	libvirt-qemu 600"
}

linked()
{
	local line

	# With the ports that link.rst has for hotplugged()
	page "<qemu:commandline>" >"$tmp/ports"
	domain web "$a" q35 older | sed -e "s|<domain |&xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0' |" \
		-e "/<uuid>/r $tmp/ports" >"$tmp/web.xml"
	domain db "$b" pc newer >"$tmp/db.xml"
	virsh -q define "$tmp/web.xml" >"$tmp/log"
	virsh -q define "$tmp/db.xml" >"$tmp/log"
	pvictl link --libvirt --apply wire >"$tmp/printed"
	for name in web db; do
		virsh dumpxml --inactive "$name" >"$tmp/xml"
		same "$(grep -c "<qemu:arg value='ivshmem-plain,id=pvi-" "$tmp/xml")" 2
		# What was printed
		while read -r line; do
			grep -q -F "$line" "$tmp/printed" || fail "$name has $line"
		done < <(grep "<qemu:arg .*pvi-" "$tmp/xml")
	done
	# Once more is no more, and what is not ours stays.
	sed "s|<qemu:commandline>|&<qemu:arg value='-object'/><qemu:arg value='iothread,id=theirs'/>|" "$tmp/xml" |
		virsh -q define /dev/stdin >"$tmp/log"
	virsh dumpxml --inactive db >"$tmp/xml"
	pvictl link --libvirt --apply "$(cat "$kept/link")" >"$tmp/log"
	virsh dumpxml --inactive db | diff <(grep "<qemu:arg" "$tmp/xml" | sort) <(grep "<qemu:arg" | sort)
	virsh dumpxml --inactive db | grep -A 1 "'-object'" | grep -q "'iothread,id=theirs'"
}

# is_bound DOMAIN - by its name, to the process that it is now
is_bound()
(
	pvictl list --json >"$tmp/json" &&
		json "$tmp/json" "[e['vmm'] for e in it['endpoints'] if e['name'] == '$1'] == [$(pid_of "$1")]"
)

both_are_bound()
{
	is_bound web
	is_bound db
}

# Until the first of all vCPUs runs
begin_trace()
{
	mkdir "$1"
	echo 1 >"$1/events/kvm_pvi/kvm_pvi_bind/enable"
	echo traceoff:1 >"$1/events/kvm/kvm_entry/trigger"
	echo 1 >"$1/events/kvm/kvm_entry/enable"
}

end_trace()
{
	await grep -q 0 "$1/tracing_on"
	# Which of the two is nobody's promise, so it is told and not judged.
	if grep -q kvm_pvi_bind "$1/trace"; then
		on_console "db was bound before its vCPU ran first"
	else
		on_console "db was bound after its vCPU ran first"
	fi
	echo 0 >"$1/events/enable"
	echo '!traceoff' >"$1/events/kvm/kvm_entry/trigger"
	rmdir "$1"
}

# Who starts a domain paused lets it run when it is bound.
started()
{
	local trace=/sys/kernel/tracing/instances/first

	begin_trace $trace
	virsh -q start db
	await is_bound db
	end_trace $trace
	virsh -q start --paused web
	await is_bound web
	same "$(virsh domstate web | head -n 1)" paused
	virsh -q resume web
	find_guests
	booted g_a
	booted g_b
	await is_bound web
	await is_bound db
	same "$(pvictl diff)" ""
	for guest in g_a g_b; do
		run $guest "insmod /kvm_pvi_guest.ko check_seconds=3600"
	done
}

# is_confined DOMAIN UUID - as libvirt does it by default
is_confined()
{
	local pid

	pid=$(pid_of "$1")
	same "$(cat "/proc/$pid/attr/current")" "libvirt-$2 (enforce)"
	same "$(stat -c %U "/proc/$pid")" libvirt-qemu
	tr '\0' ' ' <"/proc/$pid/cmdline" >"$tmp/line"
	has "$(cat "$tmp/line")" \
		"-sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"
	grep -q '^Seccomp:.2$' "/proc/$pid/status" || fail "no filter of system calls"
	[ "$(readlink "/proc/$pid/ns/mnt")" != "$(readlink /proc/1/ns/mnt)" ] || fail "no namespace of its own"
	has "$(cat "/proc/$pid/cgroup")" "/machine.slice/machine-qemu"
}

confined()
{
	is_confined web "$a"
	is_confined db "$b"
}

# rings_by NAME UUID GSI OTHER - who waits for it is woken. What is owed from before, such as the last ring of a storm, is
# taken first.
rings_by()
{
	await wakes "$4" wait "$3" poll 4
	same "$(run "$1" pvi ring "$2" "$3")" "ring 0"
	same "$(woken "$4")" "wait 4"$'\n'"poll 1"
}

# rings_by_pvictl NAME UUID OTHER - as the README has it
rings_by_pvictl()
{
	run "$3" "pvictl guest-wait --count 1 $virtual >/tmp/out & true"
	run "$3" "until grep -q kvm_pvi:0x10000 /proc/interrupts; do sleep 0.1; done"
	same "$(run "$1" pvictl guest-ring "$2" $virtual)" raised
	same "$(woken "$3")" "GSI $virtual: 1 interrupt"
}

rung()
{
	find_guests
	rings_by g_a "$b" $virtual g_b
	rings_by g_b "$a" $virtual g_a
	same "$(run g_b pvi ring "$a" 4)" "ring -1"
	same "$(run g_a pvi ring "$b" $pin)" "ring -1"
	rings_by_pvictl g_a "$b" g_b
}

networked()
{
	find_guests
	plug g_a
	plug g_b
	up g_a $address_a fd09::1
	up g_b $address_b fd09::2
	connected
}

named()
{
	find_guests
	run g_a pvi ring "$b" $virtual >"$tmp/log"
	pvictl list >"$tmp/list"
	has "$(cat "$tmp/list")" web db "$(cat "$kept/link")"
	pvictl top --count 1 --interval 0.1 >"$tmp/top" 2>&1
	! grep "run as root" "$tmp/top" || fail "we are root"
	has "$(cat "$tmp/top")" web db
	pvictl metrics >"$tmp/metrics"
	python3 "$here/openmetrics.py" text "$tmp/metrics" >"$tmp/log"
	for name in web db; do
		grep -q "^kvm_pvi_received_rings_total{.*vm=\"$name\".*result=\"raised\"} [1-9]" "$tmp/metrics" ||
			fail "no rings of $name: $(cat "$tmp/metrics")"
	done
	# As Prometheus asks for it
	python3 - /run/kvm-pvi/metrics.sock >"$tmp/served" <<-'PYTHON'
		import http.client, socket, sys
		connection = http.client.HTTPConnection("localhost")
		connection.sock = socket.socket(socket.AF_UNIX)
		connection.sock.connect(sys.argv[1])
		connection.request("GET", "/metrics")
		print(connection.getresponse().read().decode())
	PYTHON
	has "$(cat "$tmp/served")" 'vm="web"' 'vm="db"'
}

begin_storm()
{
	run g_b "pvi wait $virtual answer $a $virtual 4 >/tmp/answer 2>&1 & true"
	run g_a "pvi wait $virtual volley $b $virtual 4 1000000000 >/tmp/volley 2>&1 & true"
	goes_on
}

# The volley does, and both of those who play are there
goes_on()
{
	await accepts_more "$b" $(($(accepted "$b") + 10))
	same "$(run g_a cat /tmp/volley)" "wait 4"
	same "$(run g_b cat /tmp/answer)" "wait 4"
}

# What would be different, without names, in any order
changes()
{
	pvictl diff | sed 's/  # .*//' | sort
}

# spoil - make the policy one that is refused, and keep what it was
spoil()
{
	cp "$policy" "$kept/good"
	sed -i 's/^gsi = .*/&\nrate = 1O/' "$policy"
}

edited()
{
	find_guests
	begin_storm
	# Nobody else takes their names, and db has a pin as well.
	sed -i '/^uuid/a user = libvirt-qemu' "$policy"
	printf '[allow pin]\nfrom = web\nto = db\ngsi = %d\n' $pin >>"$policy"
	same "$(changes)" "allow $a $b gsi $virtual
allow $b $a gsi $pin
allow $b $a gsi $virtual
expose $b gsi $pin
join $a link $(cat "$kept/link")
join $b link $(cat "$kept/link")"
	pvictl apply
	same "$(pvictl diff)" ""
	rings_by g_a "$b" $pin g_b
	goes_on
	sed -i '/^.allow pin/,$d' "$policy"
	same "$(pvictl diff)" "revoke $b $a gsi $pin  # db, web"$'\n'"unexpose $b gsi $pin  # db"
	pvictl apply
	same "$(pvictl diff)" ""
	same "$(run g_a pvi ring "$b" $pin)" "ring -1"
	goes_on
	spoil
	refuses 1 "$policy:10: 'rate' is '1O'; write a number" pvictl apply
	refuses 1 "" systemctl reload kvm-pvid
	mv "$kept/good" "$policy"
	pvictl apply
	both_are_bound
	goes_on
}

pvid_pid()
{
	systemctl show -P MainPID kvm-pvid
}

# Another one than $1 is there, and has seen to all VMs. Between the two it is nobody's, 0.
is_another()
{
	local now

	now=$(pvid_pid)
	[ "$now" -ne 0 ] && [ "$now" -ne "$1" ] && systemctl -q is-active kvm-pvid
}

killed()
{
	local n old before

	find_guests
	for ((n = 0; n < times; n++)); do
		old=$(pvid_pid)
		before=$(accepted "$b")
		kill -KILL "$old"
		both_are_bound
		await is_another "$old"
		both_are_bound
		accepts_more "$b" "$before"
		same "$(pvictl diff)" ""
		goes_on
	done
}

# by apt, while it storms
upgraded()
{
	local old before

	find_guests
	old=$(pvid_pid)
	before=$(accepted "$b")
	DEBIAN_FRONTEND=noninteractive apt-get -y -q install /rig/next/*.deb >"$tmp/log" 2>&1 ||
		fail "$(cat "$tmp/log")"
	both_are_bound
	has "$(dpkg-query -W -f '${Version} ' kvm-pvi-tools libpvi0)" "+next "
	await is_another "$old"
	same "$(readlink "/proc/$(pvid_pid)/exe")" /usr/sbin/pvid
	both_are_bound
	accepts_more "$b" "$before"
	same "$(pvictl diff)" ""
	goes_on
}

# unplug - the link's devices from db, for QEMU saves no guest that has them, and what they were made of. Both are in
# one slot, so one of them takes the other along.
unplug()
{
	local id section

	id=pvi-$(cut -c 1-8 "$kept/link")
	understands db "device_del $id-0-dev" || fail "$(cat "$tmp/said")"
	for section in 0 1; do
		await understands db "object_del $id-$section"
	done
}

# understands DOMAIN LINE - its QEMU does, and says nothing
understands()
{
	virsh -q qemu-monitor-command "$1" --hmp "$2" >"$tmp/said" && [ -z "$(tr -d '\r\n' <"$tmp/said")" ]
}

# by a file, while it storms: another process, the same guest
moved()
{
	local old

	find_guests
	old=$g_b
	unplug
	virsh -q managedsave db >"$tmp/log"
	same "$(virsh domstate db | head -n 1)" "shut off"
	is_bound web
	virsh -q start db
	find_guests
	[ "$g_b" != "$old" ] || fail "the same process"
	await is_bound db
	await accepts_more "$b" 10
	goes_on
	journalctl -q -u kvm-pvid >"$tmp/journal"
	has "$(cat "$tmp/journal")" "db ($b) goes on in process $g_b"
	# The domain has the link's devices again, which the guest has not looked for.
	run g_b "echo 1 >/sys/bus/pci/rescan"
	plug g_b
	up g_b $address_b fd09::2
	connected
}

server=kvm-pvi-ivshmem@shm

main_pid()
{
	systemctl show -P MainPID "$1"
}

# serves_anew PID - another process than that one does
serves_anew()
{
	[ "$(systemctl is-active "$server")" = active ] && [ "$(main_pid "$server")" != "$1" ]
}

# told ANSWER WORD... - the clients, of ivshmem_told.py
told()
{
	local line

	echo "${*:2}" >&"$clients_in"
	read -r line <&"$clients_out"
	same "$line" "$1"
}

# Memory with doorbells, which a server of the packages' unit has for whoever is in group kvm: it is killed, started anew,
# told other limits and wrong ones, and whoever is connected goes on.
served()
{
	local old

	trap 'say_journal $server' EXIT
	printf 'IVSHMEM=--size 1M --vectors 2 --max-per-process 3\n' >/etc/kvm-pvi/shm.ivshmem
	systemctl enable --now -q $server.socket
	same "$(stat -c '%U %G %a' /run/kvm-pvi/shm.sock)" "root kvm 660"
	same "$(systemctl is-active $server)" inactive
	mkfifo "$tmp/in" "$tmp/out"
	setpriv --reuid libvirt-qemu --regid kvm --init-groups env PYTHONPATH="$here" PYTHONDONTWRITEBYTECODE=1 \
		python3 "$here/ivshmem_told.py" /run/kvm-pvi/shm.sock 2 <"$tmp/in" >"$tmp/out" &
	exec {clients_in}>"$tmp/in" {clients_out}<"$tmp/out"
	told 0 join a
	told 1 join b
	told "1 came" news a
	told 6 write a before
	# As nobody that there is
	old=$(main_pid $server)
	[ "$(stat -c %u "/proc/$old")" -gt 60000 ] || fail "the server is a user of the host's"
	kill -KILL "$old"
	told 1 ring a b
	await serves_anew "$old"
	told 2 join c
	told "2 came" news a
	told "2 came" news b
	told before read c 6
	old=$(main_pid $server)
	systemctl restart $server
	serves_anew "$old" || fail "it is not another one"
	told 1 ring c a
	told left leave b
	told "1 gone" news a
	told "1 gone" news c
	told 3 join d
	told "3 came" news a
	told "3 came" news c
	# Three are as many as it may have, until that is told otherwise; what is wrong changes nothing.
	told refused join e
	old=$(main_pid $server)
	sed -i 's/process 3/process O/' /etc/kvm-pvi/shm.ivshmem
	refuses 1 "" systemctl reload $server
	journalctl -q -o cat -u $server >"$tmp/journal"
	has "$(cat "$tmp/journal")" "/etc/kvm-pvi/shm.ivshmem:1: --max-per-process must be a number"
	same "$(systemctl is-active $server)" active
	told refused join e
	sed -i 's/--vectors 2/--vectors 3/; s/process O/process 4/' /etc/kvm-pvi/shm.ivshmem
	refuses 1 "" systemctl reload $server
	journalctl -q -o cat -u $server >"$tmp/journal"
	has "$(cat "$tmp/journal")" "/etc/kvm-pvi/shm.ivshmem:1: --vectors cannot change while clients are connected"
	same "$(systemctl is-active $server)" active
	told refused join e
	sed -i 's/--vectors 3/--vectors 2/' /etc/kvm-pvi/shm.ivshmem
	systemctl reload $server
	await joins
	same "$(main_pid $server)" "$old"
	told "4 came" news a
	told 1 ring e a
	# When it is stopped all of it goes; the next who connects has a new one.
	systemctl stop $server.socket $server
	for name in a c d e; do
		told ended ended $name
	done
	systemctl start $server.socket
	told 0 join a
	told nothing read a 6
	told left leave a
	exec {clients_in}>&-
}

# The threads of the kernel's that do its sources' work
threads_of()
{
	local pid

	while read -r pid; do
		cat "/proc/$pid/comm"
	done <"/sys/fs/cgroup$(systemctl show -P ControlGroup "$1")/cgroup.procs" 2>/dev/null | grep -c '^kvm_pvi-'
}

has_threads()
{
	[ "$(threads_of "$server")" = "$1" ]
}

# A server whose clients may ring a domain has a thread of the kernel's in its unit's group. It keeps nobody from
# starting the server anew, by which it is not lost, and it ends with the unit.
peered()
{
	local server=kvm-pvi-ivshmem@peer own=7a2e7a5c-3c1b-4b0e-9f0e-5d1f2c3b0000 old

	trap 'say_journal $server' EXIT
	printf 'IVSHMEM=--size 64K --uuid %s --peer %s:%s\n' $own "$b" $virtual >/etc/kvm-pvi/peer.ivshmem
	pvictl allow $own to db gsi $virtual
	systemctl start $server
	await is_served "vector 0 rings GSI $virtual of $b"
	await has_threads 1
	old=$(main_pid $server)
	systemctl restart $server
	serves_anew "$old" || fail "it is not another one"
	has_threads 1 || fail "its source is gone"
	old=$(main_pid $server)
	kill -KILL "$old"
	await serves_anew "$old"
	has_threads 1 || fail "its source is gone"
	systemctl stop $server.socket $server
	await has_threads 0
	pvictl revoke $own to db gsi $virtual
	rm /etc/kvm-pvi/peer.ivshmem
}

# The server reads its file when it comes to it.
joins()
(
	told 4 join e
)

# The server knows QEMU, which is libvirt's, and confined, and goes on with it when it has been killed.
serves_a_domain()
{
	local old

	await is_served "peer [0-9]* is process $(pid_of db) "
	old=$(main_pid $server)
	kill -KILL "$old"
	await serves_anew "$old"
	await is_served "peer [0-9]* goes on, process $(pid_of db) "
	systemctl stop $server.socket $server
	same "$(virsh domstate db | head -n 1)" running
}

is_served()
{
	journalctl -q -o cat -u $server >"$tmp/journal"
	grep -q "$1" "$tmp/journal"
}

# Another life of the guest's has what the policy says, and the link; it has the memory of the server, too.
restarted()
{
	find_guests
	cat >"$tmp/shmem.xml" <<-XML
		<shmem name='shm' role='peer'>
		  <model type='ivshmem-doorbell'/>
		  <server path='/run/kvm-pvi/shm.sock'/>
		  <msi vectors='2' ioeventfd='on'/>
		</shmem>
	XML
	virsh -q attach-device db "$tmp/shmem.xml" --config >"$tmp/log"
	# shellcheck disable=SC2016 # the guest's shell knows it
	run g_a 'kill $(pidof pvi)'
	virsh -q destroy db
	await unbound db
	drain g_b
	# Now it is bound long after its kernel has begun, as by a pvid that is late; it asks again, and nothing else is to
	# be done for it.
	kill -STOP "$(pvid_pid)"
	virsh -q start db
	find_guests
	booted g_b
	run g_b "insmod /kvm_pvi_guest.ko check_seconds=3600"
	has "$(run g_b "dmesg | grep kvm_pvi")" "no host yet: it has no kvm_pvi, or this VM is not bound to it"
	! is_bound db || fail "it is bound by nobody"
	kill -CONT "$(pvid_pid)"
	await is_bound db
	is_bound web
	rings_by g_a "$b" $virtual g_b
	rings_by g_b "$a" $virtual g_a
	plug g_b
	up g_b $address_b fd09::2
	connected
	serves_a_domain
}

unbound()
{
	! pvictl show "$1"
}

# Those who are beside it are restarted, and it is itself, while it storms.
beside()
{
	local unit before

	find_guests
	before=$(accepted "$b")
	for unit in libvirtd kvm-pvid; do
		systemctl restart "$unit"
		both_are_bound
		goes_on
	done
	accepts_more "$b" "$before"
	await virsh -q domstate db
	same "$(virsh domstate db | head -n 1)" running
}

# Since they booted, host and guests
silent()
{
	find_guests
	quiet g_a
	quiet g_b
	dmesg >"$tmp/log"
	! grep -E -B 5 -A 30 "$reports" "$tmp/log" || fail "the kernel complained"
	! grep 'apparmor="DENIED"' "$tmp/log" || fail "AppArmor has denied something"
	same "$(journalctl -q -o cat -p warning _SYSTEMD_UNIT=kvm-pvid.service)" ""
}

# As where the domains were started before AppArmor had the files of links allowed
forbid_links()
{
	local uuid

	sed -i /kvm-pvi/d /etc/apparmor.d/local/abstractions/libvirt-qemu
	for uuid in "$a" "$b"; do
		apparmor_parser -r "/etc/apparmor.d/libvirt/libvirt-$uuid"
	done
}

# is_forbidden DOMAIN UUID - the link's memory: its QEMU's user may, AppArmor's rules are those of when it was started
is_forbidden()
{
	! understands "$1" "$(pvictl link --hotplug --for "$2" "$link" | sed -n 1p)" || fail "$1 may have it already"
	has "$(cat "$tmp/said")" "Permission denied"
}

# The link is made and given to both domains, by the lines of link.rst.
carry_out_page()
{
	local command commands

	mapfile -t commands < <(page "link=\$(pvictl link --owner")
	for command in "${commands[@]}"; do
		if [[ $command == *apparmor_parser* ]]; then
			is_forbidden web "$a"
			is_forbidden db "$b"
		fi
		eval "$command" >"$tmp/told" 2>&1 || fail "'$command' has failed: $(cat "$tmp/told")"
		! grep -i error "$tmp/told" || fail "'$command' says so"
	done
}

# take_away_by_page - the devices from the guests, the link, and what the domains were to have when they start next
take_away_by_page()
{
	local name line lines

	mapfile -t lines < <(page device_del)
	for line in "${lines[@]/XXXXXXXX/${link%%-*}}"; do
		for name in web db; do
			if [[ $line == device_del* ]]; then
				understands $name "$line" || fail "$name: $line: $(cat "$tmp/said")"
			else
				await understands $name "$line"
			fi
		done
	done
	eval "$(page "pvictl unlink")"
	eval "$(page "for uuid in")"
}

# A link that stayed in their XML would keep the domains from starting.
drop_link()
{
	local status=$? uuid

	if [ "$status" -ne 0 ]; then
		pvictl unlink "$link" || echo "the link stays"
		for uuid in "$a" "$b"; do
			pvictl link --libvirt --apply --for "$uuid" || echo "$uuid has the link when it starts next"
		done
	fi
	stop_jobs
}

# next_has NUMBER - so many devices of links have both domains when they start next
next_has()
{
	local name

	for name in web db; do
		virsh dumpxml --inactive $name >"$tmp/xml"
		same "$(grep -c "<qemu:arg value='ivshmem-plain,id=pvi-" "$tmp/xml")" "$1"
	done
}

# Another link between domains that run, beside the one that they have: guests that have its modules have an interface more,
# until it is taken away. It storms meanwhile, and the other link carries frames. Behind silent(), for AppArmor says what it
# has denied.
hotplugged()
{
	local name

	link=''
	trap drop_link EXIT
	find_guests
	forbid_links
	begin_storm
	carry_out_page
	next_has 4
	for name in g_a g_b; do
		await run $name "[ -e /sys/bus/pvi_link/devices/$link/net/pvi1 ]"
	done
	run g_a "ip addr add 10.9.6.1/24 dev pvi1 && ip link set pvi1 up"
	run g_b "ip addr add 10.9.6.2/24 dev pvi1 && ip link set pvi1 up"
	address_b=10.9.6.2 connected
	connected
	goes_on
	same "$(pvictl diff)" ""
	confined
	take_away_by_page
	next_has 2
	[ ! -e "/run/kvm-pvi/links/$link" ] || fail "it is there still"
	for name in g_a g_b; do
		await run $name "[ ! -e /sys/class/net/pvi1 ] && [ ! -e /sys/bus/pvi_link/devices/$link ]"
	done
	connected
	goes_on
	both_are_bound
	for name in g_a g_b; do
		# shellcheck disable=SC2016 # the guest's shell knows it
		run $name 'kill $(pidof pvi)'
		quiet $name
	done
}

# What systemd and the unit said, beside what a test that fails prints
say_journal()
{
	local status=$?

	[ "$status" -eq 0 ] || journalctl -q -o short-monotonic -n 40 -u "$1"
	stop_jobs
}

# has_mask FIELD MASK - of pvid's status in /proc
has_mask()
{
	same "$(sed -n "s/^$1:[[:space:]]*//p" "/proc/$(pvid_pid)/status")" "$2"
}

# caps NUMBER... - as a mask
caps()
{
	local cap mask=0

	for cap; do
		mask=$((mask | 1 << cap))
	done
	printf '%016x' $mask
}

# What its unit says is so: what it may not do systemd sees to, and so it does when it hangs.
guarded()
{
	local old said

	trap 'say_journal kvm-pvid' EXIT
	systemd-analyze security --no-pager kvm-pvid >"$tmp/analysis"
	said=$(sed -n 's/^.*Overall exposure level for kvm-pvid.service: \([0-9.]*\) .*/\1/p' "$tmp/analysis")
	[[ $said =~ ^([01]\.[0-9]|2\.[0-5])$ ]] || fail "$said: $(cat "$tmp/analysis")"
	# The exit status says the same.
	systemd-analyze security --no-pager --threshold=25 kvm-pvid >"$tmp/analysis"
	has_mask Seccomp 2
	has_mask NoNewPrivs 1
	# CHOWN, DAC_READ_SEARCH, SETUID, SYS_PTRACE, SYS_ADMIN
	has_mask CapBnd "$(caps 0 2 7 19 21)"
	# It cannot change its own policy, and has no network.
	refuses 1 "Read-only file system" nsenter -t "$(pvid_pid)" -m touch /etc/kvm-pvi/x
	nsenter -t "$(pvid_pid)" -m touch /run/kvm-pvi/x
	rm /run/kvm-pvi/x
	same "$(awk -F : 'NR > 2 { print $1 }' "/proc/$(pvid_pid)/net/dev" | tr -d ' ')" lo
	same "$(systemctl show -P WatchdogUSec kvm-pvid)" 30s
	old=$(pvid_pid)
	kill -STOP "$old"
	systemctl service-watchdogs yes
	await is_another "$old"
	systemctl service-watchdogs no
	journalctl -q -o cat -u kvm-pvid >"$tmp/journal"
	has "$(cat "$tmp/journal")" "Watchdog timeout"
	both_are_bound
	same "$(pvictl diff)" ""
}

# prioritized PRIORITY TEXT - pvid has said so at that one, in a message of its own
prioritized()
{
	journalctl -q -o cat -p "$1..$1" _SYSTEMD_UNIT=kvm-pvid.service >"$tmp/journal"
	grep -q -F "$2" "$tmp/journal"
}

status_says()
{
	systemctl show -P StatusText kvm-pvid | grep -q -F "$1"
}

# Its messages have VMs' names, and levels.
logged()
{
	trap 'say_journal kvm-pvid' EXIT
	prioritized info "process $(pid_of db) is db ($b)"
	spoil
	systemctl kill -s HUP --kill-who=main kvm-pvid
	await prioritized err "$policy:10: 'rate' is '1O'; write a number"
	await status_says "the files are not: $policy:10"
	both_are_bound
	mv "$kept/good" "$policy"
	pvictl apply
}

# A domain whose link has been taken back for good starts when it has been told so.
unlinked()
{
	local name

	for name in web db; do
		virsh -q destroy $name
	done
	sed -i '/^.link wire/,$d' "$policy"
	pvictl apply
	refuses 1 "No such file or directory" virsh -q start web
	for name in web db; do
		pvictl link --libvirt --apply --for "$(virsh domuuid $name)"
		virsh dumpxml --inactive $name >"$tmp/xml"
		! grep "id=pvi-" "$tmp/xml" || fail "$name has it still"
	done
	grep -A 1 "'-object'" "$tmp/xml" | grep -q "'iothread,id=theirs'"
	virsh -q start web
	await is_bound web
	virsh -q destroy web
}

# A guest that is an installation of its own, of the host's release of Debian and its kernel: what the packages say is
# loaded when it boots, DKMS has built it, the group has the device, and it rings and is rung. Beside what each system
# starts it has but a shell.
# shellcheck disable=SC2034 # guest.sh uses g_a and g_c
installed_guest()
{
	local append="systemd.unit=rig-guest.service systemd.condition-needs-update=no systemd.service_watchdogs=no"
	local disk="<disk type='block'><driver name='qemu' type='raw'/><source dev='/dev/vdb'/>" name

	append="$append apparmor=0 modprobe.blacklist=kvm_pvi,kvm_amd"
	disk="$disk<target dev='vda' bus='virtio'/></disk>"
	domain debian "$c" pc own | sed "s|>160<|>384<|; s|</cmdline>| $append&|; s|<devices>|&$disk|" >"$tmp/debian.xml"
	virsh -q define "$tmp/debian.xml" >"$tmp/log"
	printf '[vm debian]\nuuid = %s\n[allow debian]\nbetween = web, debian\ngsi = %d\n' "$c" $virtual >>"$policy"
	pvictl apply
	drain g_a
	for name in web debian; do
		virsh -q start $name
		await is_bound $name
	done
	g_a=$(pid_of web)
	g_c=$(pid_of debian)
	booted g_a
	booted g_c
	run g_a "insmod /kvm_pvi_guest.ko check_seconds=3600"
	run g_c "systemctl -q is-active systemd-modules-load"
	has "$(run g_c modinfo -n kvm_pvi_guest)" "$(uname -r)/updates/dkms/kvm_pvi_guest.ko"
	same "$(run g_c cat /sys/module/kvm_pvi_guest/initstate)" live
	same "$(run g_c stat -c "'%U %G %a'" /dev/kvm_pvi_guest)" "root kvm 660"
	rings_by_pvictl g_a "$c" g_c
	rings_by_pvictl g_c "$a" g_a
	quiet g_a
	quiet g_c
	for name in web debian; do
		virsh -q destroy $name
	done
}

# Where the module is not to be loaded it is not, though units want it; when it is loaded those that are enabled are started.
loaded_later()
{
	local unit units=(kvm-pvid.service kvm-pvi-exporter.socket)

	systemctl stop "${units[@]}" kvm-pvi-exporter.service
	await rmmod kvm_pvi
	echo 'blacklist kvm_pvi' >/etc/modprobe.d/kvm-pvi.conf
	systemctl restart systemd-modules-load
	systemctl start "${units[@]}"
	[ ! -e /dev/kvm_pvi ] || fail "it is loaded"
	for unit in "${units[@]}"; do
		same "$(systemctl is-active "$unit")" inactive
	done
	modprobe kvm_pvi
	for unit in "${units[@]}"; do
		await systemctl -q is-active "$unit"
	done
	rm /etc/modprobe.d/kvm-pvi.conf
}

# With the package all goes that runs of its units, instances as well.
taken_away()
{
	local unit units=(kvm-pvid.service kvm-pvi-ivshmem@gone.{socket,service} kvm-pvi-attach@gone.service)
	local dropin=/run/systemd/system/kvm-pvi-attach@gone.service.d

	printf 'IVSHMEM=--size 1M\n' >/etc/kvm-pvi/gone.ivshmem
	# In place of one that binds a VM
	mkdir -p "$dropin"
	printf '[Service]\nType=exec\nEnvironmentFile=\nExecStart=\nExecStart=/bin/sleep infinity\n' >"$dropin/sleeps.conf"
	systemctl daemon-reload
	systemctl start "${units[@]}"
	for unit in "${units[@]}"; do
		same "$(systemctl is-active "$unit")" active
	done
	dpkg --remove kvm-pvi-tools >"$tmp/log" 2>&1 || fail "$(cat "$tmp/log")"
	for unit in "${units[@]}"; do
		same "$(systemctl is-active "$unit")" inactive
	done
	rm -r "$dropin"
}

kept=$(mktemp -d)
open_serial g_a web
open_serial g_b db
open_serial g_c debian
# Where bash would say that QEMUs were killed.
run_tests installed permitted linked started confined rung networked named edited killed upgraded beside moved \
	served peered restarted silent hotplugged guarded logged unlinked installed_guest loaded_later taken_away 2>"$kept/stderr"
