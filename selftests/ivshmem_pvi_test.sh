#!/bin/sh
# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# pvi-ivshmem-server and kvm_pvi: rings reach the vectors of ivshmem devices, doorbells reach
# endpoints, and stock QEMUs take the server for what it is.

. "$(dirname "$0")/tools/enter.sh"
. "$(dirname "$0")/tools/lib.sh"
. "$(dirname "$0")/tools/ivshmem.sh"

# Rings by hypercall and by ioctl come out of the vector's eventfd, if they are allowed.
ring_reaches_vector()
{
	vmm vm_a
	vmm vm_b
	attach at_a --pid "$vm_a" --uuid "$a"
	attach at_b --pid "$vm_b" --uuid "$b"
	server --uuid "$base" --vectors 3 --allow "$a" --allow "$b:2"
	clients <<'PYTHON' &
client = Client(path, 3).greet()
print("there", flush=True, file=open(path + ".there", "w"))
assert client.rung(1) == 1
assert client.rung(2) == 4
assert client.quiet(0) and client.quiet(1)
PYTHON
	await grep -q there "$tmp/socket.there"
	has "$(cat "$tmp/server.log")" "peer 0 is process " ", $(name 0)"
	same "$(tell vm_a "ring $(name 0) 3")" -1
	same "$(tell vm_b "ring $(name 0) 1")" -1
	same "$(tell vm_a "ring $(name 1) 1")" -1
	same "$(tell vm_a "ring $(name 0) 2")" 0
	same "$(tell vm_b "ring $(name 0) 2")" 0
	same "$(pvictl ring --from "$a" "$(name 0)" 2)" raised
	same "$(pvictl ring "$(name 0)" 2)" raised
	same "$(tell vm_a "ring $(name 0) 1")" 0
	wait $!
	# Its process has gone: nobody is there.
	await grep -q "peer 0 has gone" "$tmp/server.log"
	same "$(tell vm_a "ring $(name 0) 1")" -1
	kill -KILL "$server"
	await has_ended "$server"
	same "$(pvictl list --noheadings | wc -l)" 2
}

# A doorbell of an ivshmem device rings the pin of a VM that has none. The VM comes and goes.
doorbell_reaches_endpoint()
{
	server --uuid "$base" --vectors 2 --peer "$b:20,22"
	has "$(cat "$tmp/server.log")" "peer 0 is virtual, $(name 0)" "vector 1 waits for GSI 22 of $b"
	vmm vm_b
	attach at_b --pid "$vm_b" --uuid "$b" --expose 20,22 --allow "$(name 0):20"
	await grep -q "vector 0 rings GSI 20 of $b" "$tmp/server.log"
	clients <<'PYTHON'
client = Client(path, 2).greet()
assert client.id == 1
client.ring(0, 0)
client.ring(0, 1)
PYTHON
	await sees_irqs vm_b 20 1
	same "$(tell vm_b "irqs 22")" 0
	# What was rung before it was allowed is not lost.
	pvictl allow "$b" "$(name 0)" 22
	await sees_irqs vm_b 22 1

	kill -KILL "$vm_b"
	await said 2 "vector 1 waits for GSI 22 of $b"
	clients <<'PYTHON'
client = Client(path, 2).greet()
client.ring(0, 1)
PYTHON
	vmm vm_a
	attach at_a --pid "$vm_a" --uuid "$b" --expose 20,22 --allow "$(name 0)"
	await sees_irqs vm_a 22 1
	same "$(tell vm_a "irqs 20")" 0
}

# How often the virtual peer of a server without clients was
denied()
{
	cat "/proc/$server/fdinfo/"* | sed -n 's/^pvi-sent:.* denied \([0-9]*\) .*/\1/p'
}

# A receiver that is off, or does not allow it, is waited for, and not tried again and again: that would be denied, and
# whoever watches who is refused would hear of it.
receiver_is_off()
{
	local was

	server --uuid "$base" --vectors 2 --peer "$b:20,22"
	nap 3
	same "$(denied)" 0
	vmm vm_b
	attach at_b --pid "$vm_b" --uuid "$b" --expose 20,22
	nap 3
	same "$(denied)" 0
	pvictl allow "$b" "$(name 0)" 20
	await said 1 "vector 0 rings GSI 20 of $b"
	pvictl allow "$b" "$(name 0)" 22
	await said 1 "vector 1 rings GSI 22 of $b"
	kill -KILL "$vm_b"
	await said 2 "vector 1 waits for GSI 22 of $b"
	was=$(denied)
	nap 3
	same "$(denied)" "$was"
}

# One of several GSIs is revoked, and allowed again. Nobody tells the server.
revoked_alone()
{
	server --uuid "$base" --vectors 2 --peer "$b:20,22"
	vmm vm_b
	attach at_b --pid "$vm_b" --uuid "$b" --expose 20,22
	pvictl allow "$b" "$(name 0)" 20
	pvictl allow "$b" "$(name 0)" 22
	await said 1 "vector 0 rings GSI 20 of $b"
	await said 1 "vector 1 rings GSI 22 of $b"
	pvictl revoke "$b" "$(name 0)" 20
	await said 2 "vector 0 waits for GSI 20 of $b"
	clients <<'PYTHON'
client = Client(path, 2).greet()
client.ring(0, 0)
client.ring(0, 1)
PYTHON
	await sees_irqs vm_b 22 1
	same "$(tell vm_b "irqs 20")" 0
	pvictl allow "$b" "$(name 0)" 20
	await said 2 "vector 0 rings GSI 20 of $b"
	await sees_irqs vm_b 20 1
	clients <<'PYTHON'
Client(path, 2).greet().ring(0, 0)
PYTHON
	await sees_irqs vm_b 20 2
	said 1 "vector 1 rings GSI 22 of $b"
}

sees_irqs()
{
	[ "$(tell "$1" "irqs $2")" -eq "$3" ]
}

# One peer's endpoint cannot be had: it is a client like the others, and the log says what is missing.
name_taken()
{
	vmm vm_a
	attach at_a --pid "$vm_a" --uuid "$(name 1)"
	server --uuid "$base"
	clients <<'PYTHON'
a, b = Client(path, 1).greet(), Client(path, 1).greet()
assert a.news() == (1, True)
a.ring(1)
assert b.rung() == 1
PYTHON
	has "$(cat "$tmp/server.log")" "peer 1 cannot be rung through kvm_pvi: another endpoint has that name"
	refuses 1 "a UUID must not be all zeroes" pvi-ivshmem-server -s "$tmp/zero" \
		--uuid 00000000-0000-0000-0000-000000000000 --peer "$b:20"
}

# The names are made of the socket's path, as the manual says.
derived_names()
{
	local uuid

	server
	clients <<'PYTHON'
Client(path, 1).greet()
PYTHON
	uuid=$(python3 -c "import uuid; print(uuid.uuid5(uuid.NAMESPACE_URL, 'unix:$tmp/socket'))")
	has "$(cat "$tmp/server.log")" ", ${uuid%????}0000"
}

without_kvm_pvi()
{
	refuses 1 "kvm_pvi is not loaded: modprobe kvm_pvi, or run with --no-kvm-pvi" unshare --mount \
		sh -c "mount -t tmpfs none /dev && exec pvi-ivshmem-server --socket $tmp/none"
	[ ! -e "$tmp/none" ]
}

# No more than the unit gives it: another user, and the group of the device.
few_rights()
{
	chmod 777 "$tmp" "$(dirname "$tmp")"
	chgrp 23456 /dev/kvm_pvi
	chmod 660 /dev/kvm_pvi
	setpriv --reuid 12345 --regid 12345 --groups 23456 --no-new-privs \
		pvi-ivshmem-server --socket "$tmp/socket" >"$tmp/server.log" 2>&1 &
	server=$!
	await grep -q "^ready" "$tmp/server.log"
	clients <<'PYTHON'
Client(path, 1).greet()
PYTHON
	chgrp 0 /dev/kvm_pvi
	said 0 "cannot be rung"
}

# The eventfds that a process holds, by the kernel's number
eventfds()
{
	cat "/proc/$1/fdinfo/"* 2>/dev/null | sed -n 's/^eventfd-id: *//p' | sort -u
}

qemu()
{
	qemu-system-x86_64 -S -accel kvm -m 16 -nodefaults -no-user-config -display none \
		-chardev "socket,id=server,path=$tmp/socket" \
		-device ivshmem-doorbell,vectors=2,chardev=server >"$tmp/qemu.log" 2>&1 &
	await grep -q "is process $!\b" "$tmp/server.log"
	pid=$!
}

# holds PID - all vectors of the server's peers, and the memory
holds()
{
	[ -z "$(comm -13 <(eventfds "$1") <(eventfds "$server"))" ] &&
		readlink "/proc/$1/fd/"* | grep -q "memfd:ivshmem"
}

# lost PID EVENTFDS - it has none any more of those that the server has let go
lost()
{
	[ -z "$(comm -12 <(comm -23 <(echo "$2") <(eventfds "$server")) <(eventfds "$1"))" ]
}

# The binary that distributions ship gets its peers, and loses them.
stock_qemu()
{
	local first second pid old

	server --uuid "$base" --vectors 2 --size 1M --peer "$b:20"
	qemu
	first=$pid
	qemu
	second=$pid
	await holds "$first"
	await holds "$second"
	old=$(eventfds "$server")
	kill -KILL "$second"
	await grep -q "peer 2 has gone" "$tmp/server.log"
	await lost "$first" "$old"
	qemu
	has "$(cat "$tmp/server.log")" "peer 3 is process $pid of user 0, $(name 3)"
	await holds "$pid"
	await holds "$first"
	same "$(cat "$tmp/qemu.log")" ""
}

# All the way: a guest's hypercall is an MSI-X message of a stock QEMU's device, and a write to that
# device's doorbell is an interrupt of a guest that has none.
stock_qemu_rings()
{
	vmm vm_a
	vmm vm_b
	attach at_a --pid "$vm_a" --uuid "$a"
	attach at_b --pid "$vm_b" --uuid "$b" --expose 20,22 --allow "$(name 0)"
	server --uuid "$base" --vectors 2 --allow "$a" --peer "$b:22,20"
	clients <<'PYTHON' &
from ivshmem_qemu import MEMORY, Machine
machine = Machine(path, 2)
assert machine.id() == 1
message, other = machine.expect(1), machine.expect(0)
print("there", flush=True, file=open(path + ".there", "w"))
machine.wait(message)
assert not machine.has(other)
machine.ring(0, 1)

# Two of them, with what they share
second = Machine(path, 2)
machine.write(MEMORY + 4096, 0x12345678)
message = second.expect(0)
machine.ring(2, 0)
second.wait(message)
assert second.read(MEMORY + 4096) == 0x12345678
# One is killed. Its id is nobody's, and its successor is known by another.
second.kill()
while not logged("peer 2 has gone"):
    pass
third = Machine(path, 2)
assert third.id() == 3
message, other = third.expect(0), third.expect(1)
machine.ring(2, 1)
machine.ring(3, 0)
third.wait(message)
assert not third.has(other)
machine.kill()
third.kill()
PYTHON
	await grep -q there "$tmp/socket.there"
	same "$(tell vm_a "ring $(name 1) 1")" 0
	wait $!
	await sees_irqs vm_b 20 1
	same "$(tell vm_b "irqs 22")" 0
}

# A server that is killed, and told to read its file again. Rings go on while there is none; what --allow said
# last is what holds; nobody's endpoint is another one.
restarted()
{
	local go program

	vmm vm_a
	vmm vm_b
	attach at_a --pid "$vm_a" --uuid "$a"
	attach at_b --pid "$vm_b" --uuid "$b" --expose 20,22 --allow "$(name 0)"
	printf 'IVSHMEM=--allow %s\n' "$a" >"$tmp/file"
	mkfifo "$tmp/go"
	cat >"$tmp/program.py" <<PYTHON
import os, signal
from ivshmem_client import Client
from ivshmem_crowd import Crowd, Service
path, file = "$tmp/socket", "$tmp/file"
def step(name):
    with open("$tmp/steps", "a") as steps:
        print(name, file=steps)
    assert go.readline() == name + "\n"
def allow(uuid):
    with open(file, "w") as out:
        print("IVSHMEM=--allow", uuid, file=out)
s = Service(path, "--uuid", "$base", "--vectors", "2", "--config", file, "--peer", "$b:22,20")
go = open("$tmp/go")
client = Client(path, 2).greet()
assert client.id == 1
step("there")
assert client.rung(1) == 1
def meanwhile():
    client.ring(0, 1)
    step("down")
s.kill(meanwhile=meanwhile)
assert client.rung(1) == 1
client.ring(0, 0)
step("up")
assert client.rung(1) == 1
allow("$b")
os.kill(s.pid(), signal.SIGHUP)
s.await_log("reloaded")
step("reloaded")
assert client.rung(0) == 1 and client.quiet(1)
s.kill(meanwhile=lambda: allow("$a"))
second = Client(path, 2).greet()
assert second.id == 2 and client.news() == (2, True)
step("again")
assert client.rung(1) == 1 and second.rung(1) == 1 and client.quiet(0)
assert s.logged("peer 1 goes on", 2) and not s.logged("cannot be rung")
# Its endpoint goes with it, and with systemd's copy of it
client.close()
assert second.news() == (1, False)
second.close()
s.await_log("peer 2 has gone")
third = Client(path, 2).greet()
assert third.id == 1
step("new")
assert third.rung(1) == 1 and not s.logged("cannot be rung")
s.end()
PYTHON
	PYTHONPATH=$here setpriv --pdeathsig KILL python3 "$tmp/program.py" &
	program=$!
	exec {go}>"$tmp/go"
	next()
	{
		await grep -q -x "$1" "$tmp/steps"
	}
	next there
	same "$(tell vm_a "ring $(name 1) 1")" 0
	echo there >&"$go"
	next down
	same "$(pvictl list --noheadings | wc -l)" 4
	same "$(tell vm_a "ring $(name 1) 1")" 0
	await sees_irqs vm_b 20 1
	echo down >&"$go"
	next up
	await sees_irqs vm_b 22 1
	same "$(pvictl list --noheadings | wc -l)" 4
	same "$(tell vm_a "ring $(name 1) 1")" 0
	echo up >&"$go"
	next reloaded
	same "$(tell vm_a "ring $(name 1) 1")" -1
	same "$(tell vm_b "ring $(name 1) 0")" 0
	echo reloaded >&"$go"
	next again
	same "$(tell vm_b "ring $(name 1) 0")" -1
	same "$(tell vm_a "ring $(name 1) 1")" 0
	same "$(tell vm_a "ring $(name 2) 1")" 0
	echo again >&"$go"
	next new
	same "$(tell vm_a "ring $(name 1) 1")" 0
	same "$(tell vm_b "irqs 20")" 1
	echo new >&"$go"
	wait "$program"
}

# What a table has no room for at a reload is allowed when there is. It is said once.
allowed_later()
{
	local senders parameter=/sys/module/kvm_pvi/parameters/max_senders

	vmm vm_a
	vmm vm_b
	attach at_a --pid "$vm_a" --uuid "$a"
	attach at_b --pid "$vm_b" --uuid "$b"
	printf 'IVSHMEM=--allow %s\n' "$a" >"$tmp/file"
	server --uuid "$base" --config "$tmp/file"
	clients <<'PYTHON' &
client = Client(path, 1).greet()
print("there", flush=True, file=open(path + ".there", "w"))
assert client.rung(0) == 1
PYTHON
	await grep -q there "$tmp/socket.there"
	senders=$(cat "$parameter")
	echo 1 >"$parameter"
	printf 'IVSHMEM=--allow %s --allow %s\n' "$a" "$b" >"$tmp/file"
	kill -HUP "$server"
	await grep -q "^reloaded" "$tmp/server.log"
	nap 3
	echo "$senders" >"$parameter"
	said 1 "peer 0: not all that --allow says is allowed: a limit is reached"
	await said 1 "peer 0: all that --allow says is allowed"
	said 1 "not all that --allow says"
	same "$(tell vm_b "ring $(name 0) 0")" 0
	wait $!
}

# The next server as well allows what there was no room for, and no more than that: what was revoked meanwhile stays so.
allowed_by_next()
{
	local senders status=0 parameter=/sys/module/kvm_pvi/parameters/max_senders

	vmm vm_a
	vmm vm_b
	vmm vm_c
	attach at_a --pid "$vm_a" --uuid "$a"
	attach at_b --pid "$vm_b" --uuid "$b"
	attach at_c --pid "$vm_c" --uuid "$c"
	senders=$(cat "$parameter")
	cat >"$tmp/program.py" <<PYTHON
import os, signal, subprocess
from ivshmem_client import Client
from ivshmem_crowd import Service
path, file = "$tmp/socket", "$tmp/file"
names = ["$(name 0)", "$(name 1)"]
senders = dict(a="$a", b="$b", c="$c")
def allow(who):
    with open(file, "w") as out:
        print("IVSHMEM=" + " ".join("--allow " + senders[one] for one in who), file=out)
def room(number):
    with open("$parameter", "w") as out:
        print(number, file=out)
def reload(number):
    os.kill(s.pid(), signal.SIGHUP)
    s.await_log("reloaded", number)
def rings(uuid, peer):
    return not subprocess.run(["pvictl", "ring", "--from", uuid, names[peer], "0"], capture_output=True).returncode
def may_ring(peer):
    return "".join(one for one, uuid in senders.items() if rings(uuid, peer))
def said(text):
    return open(s.log).read().count(text)
SHORT = "not all that --allow says is allowed: a limit is reached"
ALL = "all that --allow says is allowed\n"
allow("ab")
s = Service(path, "--uuid", "$base", "--config", file)
client = Client(path, 1).greet()
room(2)
allow("abc")
reload(1)
assert said(SHORT) == 1 and may_ring(0) == "ab"
s.kill()
assert said(SHORT) == 2 and not said(ALL)
subprocess.run(["pvictl", "revoke", names[0], senders["a"], "any"], check=True)
s.await_log(ALL)
assert may_ring(0) == "bc"
# Nothing is owed any more.
s.kill()
assert said(SHORT) == 2 and said(ALL) == 1 and may_ring(0) == "bc"
# One has what another one is owed, and loses it where it is not wanted any more.
allow("ab")
reload(2)
other = Client(path, 1).greet()
assert may_ring(0) == "b" and may_ring(1) == "ab"
allow("abc")
reload(3)
assert said(SHORT) == 3 and may_ring(0) == "bc" and may_ring(1) == "ab"
s.kill(meanwhile=lambda: allow("b"))
assert said(SHORT) == 3 and may_ring(0) == "b" and may_ring(1) == "b"
s.end()
PYTHON
	PYTHONPATH=$here setpriv --pdeathsig KILL python3 "$tmp/program.py" || status=$?
	echo "$senders" >"$parameter"
	same "$status" 0
}

# A stock QEMU notices nothing of a server that is killed.
stock_qemu_stays()
{
	cat >"$tmp/program.py" <<PYTHON
from ivshmem_crowd import Service
from ivshmem_qemu import MEMORY, Machine
path = "$tmp/socket"
s = Service(path, "--no-kvm-pvi", "--vectors", "2", "--size", "1M")
first, second = Machine(path, 2), Machine(path, 2)
first.write(MEMORY + 64, 0x11223344)
for number in range(3):
    s.kill()
    message = second.expect(1)
    first.ring(1, 1)
    second.wait(message)
third = Machine(path, 2)
assert third.read(MEMORY + 64) == 0x11223344
message = third.expect(0)
first.ring(2, 0)
third.wait(message)
s.kill(meanwhile=second.kill)
s.await_log("peer 1 has gone")
message = first.expect(0)
third.ring(0, 0)
first.wait(message)
first.kill()
third.kill()
s.end()
PYTHON
	PYTHONPATH=$here setpriv --pdeathsig KILL python3 "$tmp/program.py"
}

run_tests ring_reaches_vector doorbell_reaches_endpoint receiver_is_off revoked_alone name_taken derived_names \
	without_kvm_pvi few_rights stock_qemu stock_qemu_rings restarted allowed_later allowed_by_next \
	${PVI_LONG:+stock_qemu_stays}
