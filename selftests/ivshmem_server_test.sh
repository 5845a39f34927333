#!/bin/sh
# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# pvi-ivshmem-server as a server of ivshmem: what it says to clients, that no client disturbs
# another one, and how it is started.

. "$(dirname "$0")/tools/enter.sh"
. "$(dirname "$0")/tools/lib.sh"
. "$(dirname "$0")/tools/ivshmem.sh"

# Byte by byte: the greeting, who comes, who goes.
protocol()
{
	server --no-kvm-pvi --vectors 2 --size 64K
	clients <<'PYTHON'
raw = socket.socket(socket.AF_UNIX)
raw.connect(path)
first = Client(path, 2)
data, fds = b"", []
while len(data) < 7 * 8:
    part, new, _, _ = socket.recv_fds(raw, 8, 1)
    data += part
    fds += new
# version 0, id 0, memory, vectors 0 and 1 of id 0, then those of id 1, which came meanwhile
assert data == struct.pack("<7q", 0, 0, -1, 0, 0, 1, 1), data
assert len(fds) == 5
assert os.fstat(fds[0]).st_size == 65536

first.greet(step=1)
assert first.id == 1 and list(first.peers) == [0, 1]
os.pwrite(first.memory, b"hello", 4096)
assert os.pread(fds[0], 5, 4096) == b"hello"
# vectors are told apart
first.ring(0, 1)
assert os.eventfd_read(fds[2]) == 1
os.eventfd_write(fds[3], 5)
assert first.rung(0) == 5 and first.quiet(1)

raw.close()
assert first.message() == (0, None)
PYTHON
	has "$(cat "$tmp/server.log")" "peer 0 has gone: it has closed the connection"
}

# Whoever cut the memory off would kill all others.
sealed()
{
	server --no-kvm-pvi --size 4K
	clients <<'PYTHON'
client = Client(path, 1).greet()
for size in 0, 1 << 20:
    try:
        os.ftruncate(client.memory, size)
        sys.exit("the memory is not sealed")
    except PermissionError:
        pass
PYTHON
}

# An id that somebody connected may know is not given again; QEMU would write to freed memory.
ids()
{
	server --no-kvm-pvi
	clients <<'PYTHON'
a, b = Client(path, 1).greet(), Client(path, 1).greet()
assert (a.id, b.id) == (0, 1)
b.close()
assert a.news() == (1, True) and a.news() == (1, False)
c = Client(path, 1).greet()
assert c.id == 2 and a.news() == (2, True)
a.close()
assert c.news() == (0, False)
# c has known 0, but has never heard of 1
d = Client(path, 1).greet()
assert d.id == 1 and list(d.peers) == [2, 1]
assert c.news() == (1, True)
c.close()
d.close()
while not logged("peer 1 has gone"):
    pass
e = Client(path, 1).greet()
assert e.id == 0
PYTHON
}

# Ended after each number of bytes read: who stays hears of all vectors and of the end, or nothing.
killed_clients()
{
	server --no-kvm-pvi --vectors 3
	clients <<'PYTHON'
stays = Client(path, 3).greet()
before = count_fds()
# 3 messages of greeting and 2 times 3 vectors
for read in range(9 * 8 + 1):
    goes = Client(path, 3)
    for _ in range(read):
        assert goes.socket.recv(1)
    goes.close()
    # Before that its place is not free.
    while not logged("has gone", read + 1):
        pass
last = Client(path, 3).greet()
seen = set()
while last.id not in stays.peers:
    number, came = stays.news()
    assert came == (number not in seen)
    seen ^= {number}
assert seen == {last.id}
assert comes_to(before + 4)
PYTHON
}

# The protocol has nothing to say for a client. Nothing is let in, and who was early is refused.
talking_clients()
{
	server --no-kvm-pvi
	clients <<'PYTHON'
stays, talks = Client(path, 1).greet(), Client(path, 1).greet()
assert stays.news() == (talks.id, True)
before = count_fds()
null = os.open("/dev/null", os.O_RDONLY)
for what, flags in (b"\0", 0), (b"\xff" * 8, 0), (bytes(5000), 0), (b"x", socket.MSG_OOB):
    try:
        socket.send_fds(talks.socket, [what], [] if flags else [null] * 3, flags)
        sys.exit("something was let in")
    except BrokenPipeError:
        pass
talks.socket.shutdown(socket.SHUT_WR)
talks.ring(0)
assert stays.rung() == 1
for what, flags in (b"\0", 0), (bytes(5000), 0), (b"x", socket.MSG_OOB):
    os.kill(int(server), signal.SIGSTOP)
    early = Client(path, 1)
    socket.send_fds(early.socket, [what], [] if flags else [null] * 3, flags)
    os.kill(int(server), signal.SIGCONT)
    assert early.ended()
assert comes_to(before)
assert logged("is refused: it sent something", 3)
assert Client(path, 1).greet().id == 2 and stays.news() == talks.news() == (2, True)
PYTHON
}

# What a client sent is thrown away. A file among it, whose end takes an hour, holds nobody up.
lingering_file()
{
	server --no-kvm-pvi
	clients <<'PYTHON'
import fcntl
listener = socket.socket()
fcntl.ioctl(listener, 0x8914, struct.pack("16sH14x", b"lo", 1))     # SIOCSIFFLAGS, IFF_UP
listener.bind(("127.0.0.1", 0))
listener.listen()
file = socket.create_connection(listener.getsockname())
file.setblocking(False)
try:
    while True:
        file.send(bytes(65536))
except BlockingIOError:
    file.setblocking(True)
file.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 3600))
stays = Client(path, 1).greet()
# The server is to be the last that has it.
os.kill(int(server), signal.SIGSTOP)
talks = Client(path, 1)
socket.send_fds(talks.socket, [b"x"], [file.fileno()])
file.close()
os.kill(int(server), signal.SIGCONT)
assert talks.ended()
Client(path, 1).greet()
PYTHON
}

# A client that does not read holds nobody up. In the end it is disconnected.
stuck_client()
{
	server --no-kvm-pvi --vectors 8 --timeout 1
	clients <<'PYTHON'
stuck = Client(path, 8)
stays = Client(path, 8).greet()
def news():
    number, came = stays.news()
    return (number, came) if number else news()
for _ in range(400):
    other = Client(path, 8).greet()
    assert news() == (other.id, True)
    stays.ring(other.id, 7)
    assert other.rung(7) == 1
    other.close()
    assert news() == (other.id, False)
    if 0 not in stays.peers:
        break
else:
    assert stays.news() == (0, False)
assert logged("peer 0 has gone: it does not read")
PYTHON
}

# What nobody was told of is given again, however old the client is that does not read.
unknown_ids()
{
	server --no-kvm-pvi --vectors 8
	clients <<'PYTHON'
stuck = Client(path, 8)
for _ in range(400):
    end(Client(path, 8).greet())
assert Client(path, 8).greet().id < 100
PYTHON
}

# What it was sent is still there, and so is its place, until it goes by itself.
kept_place()
{
	server --no-kvm-pvi --vectors 64 --max-peers 2 --timeout 1
	clients <<'PYTHON'
stuck = Client(path, 64)
while not logged("peer 0 has gone: it does not read"):
    end(Client(path, 64).greet())
def greeted():
    client = Client(path, 64)
    return None if client.ended(peek=True) else client.greet()
def until(made):
    while not (client := made()):
        pass
    return client
other = until(greeted)
assert not greeted() and logged("there are as many as --max-peers allows")
stuck.close()
until(greeted)
PYTHON
}

# A place that is free is had at once, also by who has as many as a process may. The server has seen the end of a client
# while what it was sent was there, and sees that it is not any more when the next one comes.
freed_place()
{
	server --no-kvm-pvi --max-per-process 1
	clients <<'PYTHON'
for n in range(20):
    goes = Client(path, 1)
    assert not goes.ended(peek=True)
    goes.socket.shutdown(socket.SHUT_RDWR)
    while not logged("has gone", n + 1):
        pass
    goes.close()
PYTHON
}

# A newcomer that does not read keeps nobody waiting, though there is more to tell it than a socket holds.
stuck_newcomer()
{
	server --no-kvm-pvi --vectors 8 --max-per-process 64
	clients <<'PYTHON'
crowd = [Client(path, 8).greet() for _ in range(40)]
stuck = Client(path, 8)
last = Client(path, 8).greet()
last.ring(39)
assert crowd[39].rung() == 1
assert stuck.greet().id == 40
PYTHON
}

# One that reads late, and in odd pieces, gets everything it still has use for, in order, and nothing
# of most of those that have come and gone meanwhile.
slow_client()
{
	server --no-kvm-pvi --vectors 8 --max-per-process 64
	clients <<'PYTHON'
slow = Client(path, 8)
stays = [Client(path, 8).greet() for _ in range(20)]
for _ in range(100):
    other = Client(path, 8).greet()
    other.close()
last = Client(path, 8).greet()
slow.greet(step=3)
heard = 0
while last.id not in slow.peers:
    heard += slow.news(step=3)[1]
assert heard < 100
gone = set(slow.peers) - {slow.id, last.id} - {c.id for c in stays}
while gone:
    number, came = slow.news(step=3)
    assert not came
    gone.remove(number)
for client in stays:
    slow.ring(client.id, 5)
    assert client.rung(5) == 1
PYTHON
}

# Everyone reaches everyone, and nobody else.
many_clients()
{
	server --no-kvm-pvi --vectors 2 --max-per-process 64
	clients <<'PYTHON'
all = [Client(path, 2).greet() for _ in range(60)]
for n, client in enumerate(all):
    assert client.id == n
    while len(client.peers) < 60:
        assert client.news()[1]
for client in all:
    for other in all:
        client.ring(other.id, client.id % 2)
for client in all:
    assert client.rung(0) == client.rung(1) == 30
all.pop(30).close()
for client in all:
    assert client.news() == (30, False)
PYTHON
}

limits()
{
	server --no-kvm-pvi --max-peers 2
	clients <<'PYTHON'
a, b = Client(path, 1).greet(), Client(path, 1).greet()
assert Client(path, 1).ended() and Client(path, 1).ended()
assert a.news() == (1, True)
b.close()
assert a.news() == (1, False)
c = Client(path, 1).greet()
assert c.id == 2 and a.news() == (2, True)
PYTHON
	has "$(cat "$tmp/server.log")" "is refused: there are as many as --max-peers allows"
	refuses 1 "only 100 may be open" prlimit --nofile=100 \
		pvi-ivshmem-server --socket "$tmp/other" --no-kvm-pvi
}

# One process does not get all places, nor does one user. Both are those who have connected.
places()
{
	chmod 777 "$tmp" "$(dirname "$tmp")"
	server --no-kvm-pvi --max-peers 6 --max-per-process 2 --max-per-user 3
	chmod 777 "$tmp/socket"
	clients <<'PYTHON'
a, b = Client(path, 1).greet(), Client(path, 1).greet()
assert Client(path, 1).ended()
assert logged(f"process {os.getpid()} of user 0 is refused: process {os.getpid()} has 2 connections, "
              "as many as --max-per-process allows")
same_user = Elsewhere(path)
assert same_user.greeted()
assert not Elsewhere(path).greeted()
assert logged("is refused: user 0 has 3 connections, as many as --max-per-user allows")
other_user = Elsewhere(path, 12345)
assert other_user.greeted()
assert logged(f"is process {other_user.pid} of user 12345")
same_user.end()
# A place comes back a little later than the log says, once what was not read is dropped.
while not Elsewhere(path).greeted():
    pass
b.close()
c = Client(path, 1)
while c.ended(peek=True):
    c = Client(path, 1)
c.greet()
PYTHON
}

# Ids that others may know are used up by who comes and goes: each has its share, and the log tells
# before they run out, and why. When the oldest has gone there are enough.
id_budget()
{
	chmod 777 "$tmp" "$(dirname "$tmp")"
	server --no-kvm-pvi --ids 80 --ids-per-user 60 --ids-per-process 40
	chmod 777 "$tmp/socket"
	clients <<'PYTHON'
a = Client(path, 1).greet()
def use_up(client):
    used = 0
    while client():
        used += 1
        assert a.news() == (a.id + used + before, True) and a.news() == (a.id + used + before, False)
    return used
def here():
    client = Client(path, 1)
    if client.ended(peek=True):
        return False
    client.greet().close()
    return True
before = 0
assert use_up(here) == 39
assert logged("40 of 80 ids are left: those of peers that have gone stay taken as long as "
              f"peer 0, process {os.getpid()}, is connected")
assert logged(f"process {os.getpid()} has 20 of its 40 ids left") and logged("has 0 of its 40 ids left")
assert logged(f"process {os.getpid()} has 40 ids that others may know, as many as --ids-per-process allows")
before = 39
assert use_up(lambda: Elsewhere(path).greeted(end=True)) == 20
assert logged("user 0 has 30 of its 60 ids left")
assert logged("user 0 has 60 ids that others may know, as many as --ids-per-user allows")
before = 59
assert use_up(lambda: Elsewhere(path, 12345).greeted(end=True)) == 20
assert logged("10 of 80 ids are left")
assert logged("of user 12345 is refused: all ids may be known to others")
a.close()
while not logged("peer 0 has gone"):
    pass
b, c = Client(path, 1).greet(), Client(path, 1).greet()
assert (b.id, c.id) == (0, 1)
PYTHON
}

# Without descriptors newcomers are refused or wait; who is there goes on.
no_descriptors()
{
	server --no-kvm-pvi --vectors 4
	clients <<'PYTHON'
a, b = Client(path, 4).greet(), Client(path, 4).greet()
assert a.news() == (1, True)
def limit(n):
    subprocess.run(["prlimit", f"--pid={server}", f"--nofile={n}:"], check=True)
used = set(map(int, os.listdir(f"/proc/{server}/fd")))
free = [n for n in range(1024) if n not in used]
# Room for the connection and some of its eventfds
limit(free[3])
assert Client(path, 4).ended()
assert logged("is refused: Too many open files")
# For nothing
limit(free[0])
waits = Client(path, 4)
# It tries more than once.
while open(log).read().count("cannot accept a connection, trying again: Too many open files") < 3:
    pass
a.ring(1, 3)
assert b.rung(3) == 1
limit(1024)
waits.greet()
assert a.news() == b.news() == (waits.id, True)
PYTHON
}

# Descriptors that nobody has read count for the server's user. Those who wait for that are served when
# others have read theirs.
too_many_in_flight()
{
	chmod 777 "$tmp" "$(dirname "$tmp")"
	setpriv --reuid 12345 --clear-groups prlimit --nofile=120 pvi-ivshmem-server --no-kvm-pvi \
		--socket "$tmp/socket" --vectors 8 --max-peers 5 >"$tmp/server.log" 2>&1 &
	server=$!
	await grep -q "^ready" "$tmp/server.log"
	clients <<'PYTHON'
all = [Client(path, 8) for _ in range(5)]
for client in all:
    client.greet()
for client in all:
    while len(client.peers) < 5:
        assert client.news()[1]
    for other in all:
        client.ring(other.id, client.id)
for client in all:
    assert [client.rung(n) for n in range(5)] == [1] * 5
PYTHON
}

# Nobody is sent away for what the server cannot send. The user's descriptors are in flight elsewhere.
servers_shortage()
{
	chmod 777 "$tmp" "$(dirname "$tmp")"
	setpriv --reuid 12345 --clear-groups prlimit --nofile=120 pvi-ivshmem-server --no-kvm-pvi \
		--socket "$tmp/socket" --max-peers 5 --timeout 5 >"$tmp/server.log" 2>&1 &
	server=$!
	await grep -q "^ready" "$tmp/server.log"
	clients <<'PYTHON'
ends = socket.socketpair()
if not os.fork():
    os.setuid(12345)
    socket.send_fds(ends[0], [b"x"], [0] * 200)
    os._exit(0)
os.wait()
client = Client(path, 1)
assert client.message() == (0, None) and client.message() == (0, None)
time.sleep(8)
assert not logged("peer 0 has gone")
assert logged("peer 0 has to wait: as many descriptors as the server may have open are sent, and not read")
for end in ends:
    end.close()
assert client.message()[0] == -1
assert client.news() == (0, True)
PYTHON
}

# If it is clients that do not read, they are, and who reads waits until they have closed.
readers_in_a_shortage()
{
	chmod 777 "$tmp" "$(dirname "$tmp")"
	setpriv --reuid 12345 --clear-groups prlimit --nofile=120 pvi-ivshmem-server --no-kvm-pvi \
		--socket "$tmp/socket" --vectors 8 --max-peers 5 --timeout 5 >"$tmp/server.log" 2>&1 &
	server=$!
	await grep -q "^ready" "$tmp/server.log"
	clients <<'PYTHON'
silent = [Client(path, 8) for _ in range(4)]
reader = Client(path, 8)
assert reader.message() == (0, None) and reader.message() == (4, None)
while not logged("peer 3 has gone: it does not read"):
    pass
for client in silent:
    client.close()
assert reader.message()[0] == -1
while 4 not in reader.peers:
    reader.news()
PYTHON
}

arguments()
{
	refuses 64 "--max-per-process must be a number from 1" pvi-ivshmem-server -s x --max-per-process 0
	refuses 64 "--max-per-user must be a number from 1 to 4096" pvi-ivshmem-server -s x --max-per-user 5000
	refuses 64 "--ids must be a number from 1 to 65536" pvi-ivshmem-server -s x --ids 65537
	refuses 64 "--ids-per-user must be a number" pvi-ivshmem-server -s x --ids-per-user y
	refuses 64 "--ids-per-process must be a number" pvi-ivshmem-server -s x --ids-per-process 0
	refuses 64 "--ids 1 leaves none for clients" pvi-ivshmem-server -s x --ids 1 --peer "$a:20"
	refuses 1 "Give --socket PATH" pvi-ivshmem-server --no-kvm-pvi
	refuses 1 "the path of a socket has" pvi-ivshmem-server --no-kvm-pvi -s "$(printf '%0200d' 0)"
	refuses 64 "power of 2 and at least 4K" pvi-ivshmem-server -s x --size 5000
	refuses 64 "power of 2 and at least 4K" pvi-ivshmem-server -s x --size 2K
	refuses 64 "power of 2 and at least 4K" pvi-ivshmem-server -s x --size 17179869184G
	refuses 64 "power of 2 and at least 4K" pvi-ivshmem-server -s x --size 4Mx
	refuses 64 "--vectors must be a number from 1 to 64" pvi-ivshmem-server -s x --vectors 65
	refuses 64 "--max-peers must be a number from 1" pvi-ivshmem-server -s x --max-peers 0
	refuses 64 "--max-peers must be a number from 1 to 4096, not '010'" pvi-ivshmem-server -s x --max-peers 010
	refuses 64 "the size must be a power of 2" pvi-ivshmem-server -s x --size 010K
	refuses 64 "'x' is not a UUID" pvi-ivshmem-server -s x --uuid x
	refuses 64 "must end in 0000" pvi-ivshmem-server -s x --uuid "$a"
	refuses 64 "there is no vector 1: --vectors is 1" pvi-ivshmem-server -s x --allow "$a:1"
	refuses 64 "wants a UUID, a colon and GSIs" pvi-ivshmem-server -s x --peer "$a"
	refuses 64 "a GSI must be a number" pvi-ivshmem-server -s x --peer "$a:20,"
	refuses 64 "a --peer has 2 GSIs, but --vectors is 1" pvi-ivshmem-server -s x --peer "$a:20,21"
	refuses 64 "leaves no room for" pvi-ivshmem-server -s x --no-kvm-pvi --allow "$a"
	refuses 64 "what is 'y'?" pvi-ivshmem-server -s x y
}

# What a server that was killed has left is replaced; what is in use, or is no socket, is not.
socket_file()
{
	server --no-kvm-pvi
	refuses 1 "another server listens there" pvi-ivshmem-server --no-kvm-pvi -s "$tmp/socket"
	kill -KILL "$server"
	await has_ended "$server"
	[ -S "$tmp/socket" ]
	server --no-kvm-pvi
	clients <<'PYTHON'
Client(path, 1).greet()
PYTHON
	kill "$server"
	wait "$server"
	[ ! -e "$tmp/socket" ]
	echo data >"$tmp/socket"
	refuses 1 "it is no socket" pvi-ivshmem-server --no-kvm-pvi -s "$tmp/socket"
	same "$(cat "$tmp/socket")" data
}

# A socket of systemd's, and Type=notify. The socket stays when the server ends.
under_systemd()
{
	clients <<'PYTHON'
listener = socket.socket(socket.AF_UNIX)
listener.bind(path)
listener.listen()
notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
notify.bind(path + ".notify")
def start(*args, fd):
    pid = os.fork()
    if not pid:
        os.dup2(fd, 3)
        os.set_inheritable(3, True)
        os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()), NOTIFY_SOCKET=path + ".notify")
        os.execlp("pvi-ivshmem-server", "pvi-ivshmem-server", "--no-kvm-pvi", *args)
    return pid
def status(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
def told():
    """But for what is to be stored, which is not"""
    while b"FDNAME" in (message := notify.recv(1000)):
        pass
    return message
# A client that came first is not lost.
client = Client(path, 1)
pid = start(fd=listener.fileno())
assert told() == b"READY=1"
client.greet()
assert told() == b"STATUS=1 of 64 peers"
os.kill(pid, 15)
assert told() == b"STOPPING=1"
assert status(pid) == 0
assert client.ended() and os.path.exists(path)
assert status(start("--socket", path, fd=listener.fileno())) == 1
assert status(start(fd=notify.fileno())) == 1
PYTHON
}

run_tests protocol sealed ids killed_clients talking_clients lingering_file stuck_client unknown_ids kept_place freed_place \
	stuck_newcomer slow_client many_clients limits places id_budget no_descriptors too_many_in_flight \
	servers_shortage readers_in_a_shortage arguments socket_file under_systemd
