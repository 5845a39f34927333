#!/bin/sh
# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# pvi-ivshmem-server is killed, and the next one goes on with the same clients: whatever it was at,
# whoever came and went meanwhile, and whatever is in the store.

. "$(dirname "$0")/tools/enter.sh"
. "$(dirname "$0")/tools/lib.sh"
. "$(dirname "$0")/tools/ivshmem.sh"

# crowd - a program in Python about servers that are killed
crowd()
{
	{
		cat <<-'PYTHON'
		import glob, mmap, os, random, signal, socket, struct, sys, time
		from ivshmem_client import DEADLINE, Client
		from ivshmem_crowd import Crowd, Service, eventfd_number
		path, here = sys.argv[1:3]
		ARGS = ["--no-kvm-pvi", "--vectors", "3"]
		seed = int(os.environ.get("PVI_SEED") or time.time())
		def stride(usual):
		    return 1 if os.environ.get("PVI_LONG") else usual
		def service(*args, **more):
		    return Service(path, *ARGS, *args, **more)
		def preload(**env):
		    return dict(LD_PRELOAD=here + "/kill_at.so", **{k: str(v) for k, v in env.items()})
		PYTHON
		cat
	} >"$tmp/program.py"
	PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$here setpriv --pdeathsig KILL python3 "$tmp/program.py" "$tmp/socket" "$here"
}

# Nobody notices. Who is there goes on, who comes is told to all, and so is who goes.
goes_on()
{
	crowd <<'PYTHON'
s = service()
crowd = Crowd(path, 3)
a, b, c = crowd.join(), crowd.join(), crowd.join()
crowd.settle()
os.pwrite(a.memory, b"before", 100)
a.ring(1, 2)
for number in signal.SIGKILL, signal.SIGTERM, signal.SIGKILL:
    s.kill(number)
    crowd.quiet()
    crowd.join()
    crowd.settle()
    crowd.quiet()
assert b.rung(2) == 1
crowd.ring()
crowd.leave(b)
crowd.settle()
d = crowd.join()
assert d.id > 6 and os.pread(d.memory, 6, 100) == b"before"
assert s.logged(f"peer 0 goes on, process {os.getpid()} of user 0", 3)
PYTHON
}

# Who comes and goes while there is no server
meanwhile()
{
	crowd <<'PYTHON'
s = service()
crowd = Crowd(path, 3)
a, b, c = crowd.join(), crowd.join(), crowd.join()
crowd.settle()
def change():
    crowd.leave(b)
    crowd.connect()
    a.ring(2)
s.kill(meanwhile=change)
assert c.rung() == 1
crowd.settle()
assert sorted(x.id for x in crowd.here) == [0, 2, 3]
crowd.quiet()
# All of them, and the ids begin again
def leave():
    while crowd.here:
        crowd.leave(crowd.here[0])
s.kill(meanwhile=leave)
s.await_log("has gone", 5)
assert crowd.join().id == 0
PYTHON
}

# At each of its calls to the system while clients come, ring, read late and go
killed_everywhere()
{
	crowd <<'PYTHON'
def scenario(env):
    s = service(env=env)
    crowd = Crowd(path, 3)
    a, b = crowd.join(), crowd.join()
    late = crowd.connect()
    crowd.leave(b)
    c = crowd.join()
    crowd.settle()
    crowd.leave(a)
    gone = crowd.connect()
    crowd.unread_left = True
    crowd.leave(gone)
    crowd.join()
    crowd.settle()
    crowd.ring()
    crowd.quiet()
    # A connection that the server had accepted, and not stored
    assert not crowd.lost or s.logged("killed, 0 messages behind accept4"), open(s.log).read()
    starts = s.starts
    for client in crowd.here:
        client.close()
    s.end()
    os.unlink(s.log)
    return starts
# All of them if it may take long, else some, and others the next time
at = 1 + seed % stride(37)
while scenario(preload(KILL_AT=at)) > 1:
    at += stride(37)
assert at > 150, at
PYTHON
}

# After each number of bytes, however they are cut: nothing is lost, nothing comes twice.
killed_in_pieces()
{
	crowd <<'PYTHON'
def scenario(env):
    s = service(env=env)
    crowd = Crowd(path, 3)
    a = crowd.join()
    b = crowd.connect()
    crowd.settle()
    crowd.leave(b)
    crowd.settle()
    crowd.quiet()
    starts = s.starts
    a.close()
    s.end()
    return starts
for piece in 1, 3, 7:
    at = 1 + seed % stride(53)
    while scenario(preload(KILL_AT=at, PIECE=piece)) > 1:
        at += stride(53)
    assert at > 100, at
PYTHON
}

# Anywhere, between any two instructions
killed_at_random()
{
	crowd <<'PYTHON'
rounds = 40 if os.environ.get("PVI_LONG") else 3
for seed in range(seed, seed + rounds):
    chance = random.Random(seed)
    try:
        s = service("--max-per-process", "64", env=preload(PIECE=chance.choice([1, 5, 8])))
        crowd = Crowd(path, 3)
        crowd.unread_left = True
        for _ in range(80):
            what = chance.randrange(10)
            if what < 3 and len(crowd.here) < 12:
                crowd.connect()
            elif what < 5 and crowd.here:
                client = chance.choice(crowd.here)
                if client.waiting:
                    crowd.greet(client)
                else:
                    crowd.read(client, chance.choice([1, 3, 8]))
            elif what < 7 and crowd.here:
                crowd.leave(chance.choice(crowd.here))
            elif what < 8:
                s.keeper.env |= {"KILL_AT": str(chance.randrange(1, 120)), "KILL_NS": str(chance.randrange(1, 50000))}
                s.kill()
            elif what < 9:
                time.sleep(chance.random() / 500)
                s.kill(meanwhile=crowd.connect if chance.random() < 0.3 and len(crowd.here) < 12 else None)
            else:
                time.sleep(chance.random() / 100)
        crowd.settle()
        crowd.ring()
        crowd.quiet()
        for client in crowd.here:
            client.close()
        s.end()
    except BaseException:
        print("PVI_SEED", seed, open(s.log).read()[-3000:])
        raise
PYTHON
}

# More is waiting for a client than its socket holds, and some of it was sent in part.
half_read_queue()
{
	crowd <<'PYTHON'
s = service("--max-per-process", "64", env=preload(PIECE=3))
crowd = Crowd(path, 3)
late = [crowd.connect() for _ in range(3)]
stay = [crowd.join() for _ in range(20)]
for n in range(12):
    crowd.leave(crowd.join())
    if n % 4 == 0:
        s.kill()
crowd.greet(late[0])
s.kill()
crowd.read(late[0], 1)
s.kill()
crowd.settle()
crowd.ring()
crowd.quiet()
PYTHON
}

# What is known is known to the next one, and what was used up is.
ids_and_quotas()
{
	crowd <<'PYTHON'
s = service("--ids", "40", "--ids-per-process", "20", "--max-per-process", "3")
crowd = Crowd(path, 3)
a = crowd.join()
for n in range(19):
    b = crowd.join()
    assert b.id == n + 1, (b.id, n)
    crowd.settle()
    crowd.leave(b)
    if n % 3 == 0:
        s.kill()
assert Client(path, 3).ended()
assert s.logged("as many as --ids-per-process allows")
s.kill()
assert Client(path, 3).ended()
crowd.leave(a)
s.await_log("peer 0 has gone")
a, b, c = crowd.join(), crowd.join(), crowd.join()
assert (a.id, b.id, c.id) == (0, 1, 2)
s.kill()
assert Client(path, 3).ended()
assert s.logged("has 3 connections, as many as --max-per-process allows")
PYTHON
}

# One that was ended and has not read everything keeps its place.
parting_place()
{
	crowd <<'PYTHON'
s = service("--max-peers", "2", "--timeout", "1", "--max-per-process", "64", "--vectors", "64")
stuck = Client(path, 64)
gone = 0
for _ in range(400):
    if s.logged("peer 0 has gone: it does not read"):
        break
    client = Client(path, 64)
    if not client.ended(peek=True):
        client.greet()
        gone += 1
    client.close()
    s.await_log("has gone: it has closed", gone)
else:
    sys.exit("one that does not read is still there")
s.kill()
def greeted():
    client = Client(path, 64)
    return None if client.ended(peek=True) else client.greet()
def until(made):
    end = time.monotonic() + DEADLINE
    while not (client := made()):
        assert time.monotonic() < end
        time.sleep(0.1)
    return client
a = until(greeted)
assert not greeted()
stuck.close()
until(greeted)
PYTHON
}

# Whatever one of the stored descriptors is instead: all goes on, or a client is ended, and the others know.
wrong_descriptors()
{
	crowd <<'PYTHON'
def memory(size, seal=True):
    import fcntl
    fd = os.memfd_create("x", os.MFD_ALLOW_SEALING)
    os.ftruncate(fd, size)
    if seal:
        fcntl.fcntl(fd, 1033, 7)
    return fd
listener = socket.socket(socket.AF_UNIX)
listener.bind(path + ".other")
listener.listen()
def others():
    yield "missing", lambda: None
    yield "null", lambda: os.open("/dev/null", os.O_RDWR)
    yield "directory", lambda: os.open("/", os.O_RDONLY)
    yield "eventfd", lambda: os.eventfd(3)
    yield "listener", lambda: os.dup(listener.fileno())
    yield "unconnected", lambda: socket.socket(socket.AF_UNIX).detach()
    yield "datagram", lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)[0].detach()
    yield "pipe", lambda: os.pipe()[0]
    yield "memory", lambda: memory(4 << 20)
    yield "cut", lambda: memory(4096)
    yield "unsealed", lambda: memory(4 << 20, False)
for i, (what, make) in enumerate(others()):
    for place in range((seed + i) % stride(9), 9, stride(9)):
        s = service()
        crowd = Crowd(path, 3)
        a, b = crowd.join(), crowd.join()
        crowd.settle()
        def spoil():
            kept = s.keeper.kept
            # memory, record, a's socket and vectors, b's
            assert len(kept) == 10, kept
            name, fd = kept.pop(place)
            os.close(fd)
            if (fd := make()) is not None:
                kept.insert(place, (name, fd))
        s.kill(meanwhile=spoil)
        all_end = place < 2 and not (place == 0 and what == "memory")
        if all_end:
            assert a.ended() and b.ended(), (what, place)
            crowd.here = []
        elif place >= 2:
            victim, other = (a, b) if place < 6 else (b, a)
            assert victim.ended(), (what, place)
            crowd.here.remove(victim)
            victim.life[1] = True
            while victim.id in other.peers:
                crowd.read(other)
        crowd.join()
        crowd.settle()
        s.kill()
        crowd.settle()
        crowd.quiet()
        s.end()
PYTHON
}

# A store that has a descriptor twice, in another's place, or some of nobody's
mixed_descriptors()
{
	crowd <<'PYTHON'
def swap(kept):
    kept[3], kept[7] = (kept[3][0], kept[7][1]), (kept[7][0], kept[3][1])
def twice(kept):
    kept.append((kept[2][0], os.dup(kept[2][1])))
    kept.append((kept[3][0], os.dup(kept[3][1])))
def strange(kept):
    for name in "c5", "v5", "c1fff", "vffffff", "m1", "r1", "x", "c", "cx", "c00":
        kept.append((name, socket.socketpair()[0].detach()))
    kept.append(("v0", os.eventfd(0)))
def both_sockets(kept):
    kept[2], kept[6] = (kept[2][0], kept[6][1]), (kept[6][0], kept[2][1])
def two_records(kept):
    kept.append(("r0", os.dup(kept[1][1])))
for spoil, left in (swap, 0), (twice, 2), (strange, 2), (both_sockets, 2), (two_records, 0):
    s = service()
    crowd = Crowd(path, 3)
    a, b = crowd.join(), crowd.join()
    crowd.settle()
    s.kill(meanwhile=lambda: spoil(s.keeper.kept))
    if not left:
        assert a.ended() and b.ended(), spoil
        crowd.here = []
    if spoil == strange:
        assert all(name[0] in "mrcv" for name, _ in s.keeper.kept), s.keeper.kept
    crowd.join() if spoil not in (both_sockets, strange) else None
    if spoil not in (both_sockets, ):
        crowd.settle()
    s.end()
PYTHON
}

# Any byte of the record may be anything: the server goes on or begins again, and serves who comes then.
garbled_record()
{
	crowd <<'PYTHON'
rounds = 600 if os.environ.get("PVI_LONG") else 10
for seed in range(seed, seed + rounds):
    chance = random.Random(seed)
    s = service("--max-per-process", "64")
    crowd = Crowd(path, 3)
    crowd.unread_left = True
    a, b, c = crowd.join(), crowd.join(), crowd.connect()
    crowd.leave(crowd.join())
    crowd.settle()
    def spoil():
        fd = dict(s.keeper.kept)["r0"]
        places, where = [], 0
        # What was ever written
        while where < os.fstat(fd).st_size:
            try:
                start = os.lseek(fd, where, os.SEEK_DATA)
            except OSError:
                break
            where = os.lseek(fd, start, os.SEEK_HOLE)
            data = os.pread(fd, where - start, start)
            places += [start + n for n, byte in enumerate(data) if byte]
            places += [start + chance.randrange(len(data)) for _ in range(20)]
        for _ in range(chance.choice([1, 1, 2, 5, 50])):
            os.pwrite(fd, bytes([chance.choice([0, 1, 2, 4, 0x7f, 0xff, chance.randrange(256)])]), chance.choice(places))
    s.kill(meanwhile=spoil)
    assert s.starts == 2, (seed, "it has crashed")
    # Others may be told anything that is not a crash; with the end of all it is as new.
    for client in crowd.here:
        client.close()
    s.kill()
    deadline = time.monotonic() + 60
    while True:
        client = Client(path, 3)
        if not client.ended(peek=True):
            client.greet()
            break
        client.close()
        assert time.monotonic() < deadline, (seed, open(s.log).read())
        time.sleep(0.1)
    s.end()
    os.unlink(s.log)
PYTHON
}

other_version()
{
	crowd <<'PYTHON'
s = service()
a = Client(path, 3).greet()
def spoil():
    os.pwrite(dict(s.keeper.kept)["r0"], struct.pack("<I", 2), 8)
s.kill(meanwhile=spoil)
assert a.ended()
assert s.logged("the record of clients cannot be used: it is of version 2, and this server's are of version 1; "
                "clients are ended")
# One of another size as well
b = Client(path, 3).greet()
def shorter():
    kept = s.keeper.kept
    place = next(n for n, (name, _) in enumerate(kept) if name == "r0")
    import fcntl
    fd = os.memfd_create("x", os.MFD_ALLOW_SEALING)
    os.ftruncate(fd, 1 << 20)
    os.pwrite(fd, os.pread(kept[place][1], 8, 0) + struct.pack("<I", 7), 0)
    fcntl.fcntl(fd, 1033, 7)
    os.close(kept[place][1])
    kept[place] = ("r0", fd)
s.kill(meanwhile=shorter)
assert b.ended() and s.logged("it is of version 7, and")
assert Client(path, 3).greet().id == 0
PYTHON
}

# What clients were told cannot change. What they were not can.
other_settings()
{
	crowd <<'PYTHON'
import tempfile
s = service()
a = Client(path, 3).greet()
def more_peers():
    s.keeper.argv += ["--max-peers", "1"]
s.kill(meanwhile=more_peers)
assert Client(path, 3).ended() and s.logged("there are as many as --max-peers allows")
def other_size():
    s.keeper.argv += ["--size", "8M", "--max-peers", "5"]
s.kill(meanwhile=other_size)
assert a.ended() and s.logged("--size is not what it was: 1 clients are ended")
b = Client(path, 3).greet()
assert b.id == 0 and os.fstat(b.memory).st_size == 8 << 20
def other_vectors():
    s.keeper.argv += ["--vectors", "4"]
s.kill(meanwhile=other_vectors)
assert b.ended() and s.logged("--vectors is not what it was")
Client(path, 4).greet().close()
PYTHON
}

# As many as there is room for go on. The others are ended, and said.
small_store()
{
	crowd <<'PYTHON'
s = service(room=2 + 4 + 3)
crowd = Crowd(path, 3)
a, b, c = crowd.join(), crowd.join(), crowd.join()
crowd.settle()
s.kill()
assert b.ended() and c.ended()
assert s.logged("peer 1 is ended: its vectors were not kept: FileDescriptorStoreMax= may be too small")
assert s.logged("peer 2 has gone: its connection was not kept: FileDescriptorStoreMax= may be too small")
crowd.here = [a]
crowd.settle()
assert crowd.join().id == 3
crowd.settle()
PYTHON
}

# What systemd cannot be given just now it is given later, of those who are still there. Each shortage is said once.
given_later()
{
	crowd <<'PYTHON'
full = path + ".full"
def shortage():
    open(full, "w").close()
def over(number):
    os.unlink(full)
    s.await_log("systemd has been given all that it is to keep", number)
    assert s.logged("systemd cannot be given what it is to keep: Too many references: cannot splice", number)
    assert not s.logged("systemd cannot be given", number + 1)
shortage()
s = service(env=preload(STORE_FULL=full))
crowd = Crowd(path, 3)
a, b, c = crowd.join(), crowd.join(), crowd.join()
crowd.settle()
crowd.leave(b)
s.await_log("peer 1 has gone")
assert not s.keeper.kept
over(1)
d = crowd.join()
crowd.settle()
s.kill()
crowd.settle()
crowd.quiet()
# Again, and in the middle
shortage()
e = crowd.join()
crowd.settle()
over(2)
s.kill()
crowd.settle()
crowd.ring()
crowd.quiet()
PYTHON
}

# systemd closes what it keeps: nobody can have it wait, by putting something into his connection.
nothing_to_close()
{
	crowd <<'PYTHON'
s = service()
a = Client(path, 3).greet()
null = os.open("/dev/null", os.O_RDONLY)
for _ in range(2):
    try:
        socket.send_fds(a.socket, [b"x"], [null])
        sys.exit("something was let in")
    except BrokenPipeError:
        pass
    s.kill()
Client(path, 3).greet()
PYTHON
}

# Clients as they are in the field, each with what it reads and fails on, with each other, and beside
# others that come and go, and with a server that is killed
kinds_of_clients()
{
	crowd <<'PYTHON'
from ivshmem_kinds import Contrib, Doorbell, Flat
for vectors in 1, 3, 64:
    s = Service(path, "--no-kvm-pvi", "--vectors", str(vectors), "--size", "64K", "--max-per-process", "16")
    crowd = Crowd(path, vectors)
    crowd.unread_left = True
    first = crowd.join()
    kinds = [Doorbell(path, vectors), Flat(path, size=65536), Contrib(path), Doorbell(path, vectors)]
    for number in range(4):
        gone = crowd.join()
        for kind in kinds:
            kind.until(lambda: len(kind.peers.get(gone.id, [])) == vectors)
        if number % 2:
            s.kill(meanwhile=lambda: crowd.leave(gone))
        else:
            crowd.leave(gone)
        for kind in kinds:
            kind.until(lambda: gone.id not in kind.peers)
        if number == 2:
            s.kill()
        kinds[number].close()
        old = kinds[number].id
        kinds[number] = type(kinds[number])(path, vectors)
        for kind in kinds:
            kind.until(lambda: len(kind.peers.get(kinds[number].id, [])) == vectors and old not in kind.peers)
    ids = sorted([first.id] + [kind.id for kind in kinds])
    for kind in kinds:
        kind.until(lambda: sorted(kind.peers) == ids and all(len(fds) == vectors for fds in kind.peers.values()))
        kind.drain()
        os.pwrite(kind.memory, bytes([kind.id]), kind.id)
        assert os.fstat(kind.memory).st_size == 65536 and os.pread(first.memory, 1, kind.id)[0] == kind.id
    for kind in kinds:
        for other in kinds:
            kind.ring(other.id, vectors - 1)
    for kind in kinds:
        assert kind.rung(vectors - 1) == len(kinds)
    s.end()
PYTHON
}

run_tests goes_on meanwhile killed_everywhere killed_in_pieces killed_at_random half_read_queue ids_and_quotas \
	parting_place wrong_descriptors mixed_descriptors garbled_record other_version other_settings small_store \
	given_later nothing_to_close kinds_of_clients
