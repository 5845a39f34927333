#!/bin/sh
# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# kvm_pvi for Python: each call does what its function of libpvi does, and nothing stays open.

. "$(dirname "$0")/tools/enter.sh"
. "$(dirname "$0")/tools/lib.sh"

# Python on stdin, behind
#	A, B		names
#	raises(error, function, ...)	it does
#	fds()		how many descriptors are open
python()
{
	{
		cat <<-'PYTHON'
			import fcntl, gc, mmap, os, signal, socket, struct, threading, uuid
			from kvm_pvi import *
			A = uuid.UUID("aaaaaaaa-0000-4000-8000-000000000001")
			B = uuid.UUID("bbbbbbbb-0000-4000-8000-000000000002")
			def raises(error, function, *args, **more):
			    try:
			        result = function(*args, **more)
			    except error:
			        return
			    assert False, f"{function} returns {result}"
			def fds():
			    gc.collect()
			    return len(os.listdir("/proc/self/fd"))
			before = fds()
		PYTHON
		cat
		echo 'del tx, rx; assert fds() == before, os.listdir("/proc/self/fd")'
	} >"$tmp/test.py"
	python3 "$tmp/test.py"
}

# A process that is rung by another: permissions, verdicts, counters
processes()
{
	python <<-'PYTHON'
		rx, tx = Endpoint.enrol(A), Endpoint()
		raises(OSError, tx.expose, 7, Kind.EVENTFD)
		assert tx.bind(B) > 0
		info = rx.info()
		assert (info.abi_major, Features.RING in info.features) == (KVM_PVI_ABI_MAJOR, True)
		assert Features.PRESENT in rx.features() and rx.uuid() == A
		raises(FileExistsError, Endpoint.enrol, A)
		raises(ValueError, Endpoint().bind, B, owner=1, vmm=1)
		rx.expose(7, Kind.EVENTFD, Rate(1, 2))
		raises(FileExistsError, rx.expose, 7, Kind.EVENTFD)
		raises(OSError, rx.expose, 8, Kind.DIRECT)
		raises(PermissionError, tx.ring, A, 7)
		rx.allow(B, 7, owner=os.getuid() + 1)
		raises(PermissionError, tx.ring, A, 7)
		rx.allow(B, 7, owner=os.getuid())
		assert tx.ring(A, 7) is Verdict.LATCHED
		efd = rx.wire(7)
		assert efd.take() == 1 and efd.take() == 0
		port = tx.connect(A, 7)
		assert tx.notify(port) is Verdict.RAISED and efd.take() == 1
		raises(BlockingIOError, tx.notify, port)
		assert tx.notify_many(port, 1) == 0
		assert [(peer.uuid, peer.gsis) for peer in tx.peers()] == [(A, 1)]
		assert tx.events()[0].type is EventType.PEER_UP
		stats, edge = tx.stats(), next(rx.edges())
		assert (stats.sent.raised, stats.sent.latched, stats.sent.throttled) == (1, 1, 2)
		assert (edge.uuid, edge.gsi, edge.kind, edge.counts.raised) == (B, 7, EdgeKind.GSI, 1)
		assert tx.query(KVM_PVI_Q_PORT, port) == PortState.LIVE
		assert tx.call(KVM_HC_PVI_BASE + 2, port)[0] == -11
		rx.unwire(7); rx.kick(7); rx.unexpose(7)
		rx.expose(7, Kind.EVENTFD)
		rx.revoke(B, 7)
		raises(FileNotFoundError, rx.revoke, B, 7)
		raises(PermissionError, tx.notify, port)
		tx.close_port(port)
		raises(FileNotFoundError, tx.close_port, port)
		rx.allow(B)
		rx.wire(7, efd)
		assert tx.broadcast(7) == 1 and efd.take() == 1
		assert tx.connect(A, 7, 5, owner=os.getuid()) == 5
		raises(PermissionError, tx.connect, A, 7, owner=os.getuid() + 1)
		assert tx.notify_many(4, 2) == 2 and efd.take() == 1
		rx.revoke_all(B)
		waiting = threading.Thread(target=tx.events, daemon=True)
		while tx.events()[-1].type is not EventType.PEER_REVOKED:
		    pass
		# A call that waits does not keep others from running.
		waiting.start()
		rx.allow(B, 7)
		waiting.join()
		del efd, waiting
	PYTHON
}

# Grants, bells, sources, status words, ports of eventfds
kinds()
{
	python <<-'PYTHON'
		rx, tx = Endpoint(), Endpoint.enrol(B)
		rx.bind(A, grants_only=True)
		rx.expose(7, Kind.EVENTFD)
		rx.expose(8, Kind.EVENTFD)
		raises(OSError, rx.grant, 7, rate=Rate(1, 0))
		with rx.grant(7, uses=1, rate=Rate(1000, 9)) as grant:
		    port = tx.connect_grant(grant)
		    raises(PermissionError, tx.connect_grant, grant)
		    assert tx.notify(port) is Verdict.LATCHED
		    edge, = rx.edges()
		    assert (edge.kind, edge.cursor) == (EdgeKind.GRANT, grant.number)
		    rx.ungrant(grant.number)
		    raises(FileNotFoundError, rx.ungrant, grant.number)
		    raises(PermissionError, tx.notify, port)
		raises(ValueError, grant.fileno)
		rx.make_bell(3, 8)
		grant = rx.grant_bell(3, 5)
		port = tx.connect_grant(grant)
		raises(PermissionError, tx.bell_send, port, 2)
		assert tx.bell_send(port, 1) == (Verdict.LATCHED, 0)
		assert tx.bell_send(port, 4)[1] == 1
		assert rx.bell_receive(3, 0xffffffffffffffff) == 5
		rx.bell_mask(3, 1, 0); rx.bell_reset(3)
		rx.allow_bell(B, 3, 1 << 63, rate=Rate(1, 1)); rx.revoke_bell(B, 3)

		sink = Eventfd.new()
		assert tx.set_port(sink, 40) == 40
		source = tx.wire_source(40)
		source.signal()
		while not sink.take():
		    pass
		tx.unwire_source(40, source)
		raises(FileNotFoundError, tx.unwire_source, 40, source)

		memfd, memory = status_memory(4096)
		raises(PermissionError, rx.set_status, 7, memfd, memory, 64)
		status_seal(memfd)
		rx.set_status(7, memfd, memory, 64)
		grant = rx.grant(7)
		port = tx.connect_grant(grant)
		tx.notify(port)
		assert struct.unpack_from("=IIQ", memory, 64) == (1, 0, 1)
		rx.unstatus(7)
		memory.close()

		near, far = socket.socketpair()
		send_fd(near, memfd)
		with recv_fd(far) as fd:
		    assert os.fstat(fd.fileno()).st_ino == os.fstat(memfd.fileno()).st_ino
		# A port of a grant that nobody else keeps rings until it is closed.
		rx.expose(9, Kind.EVENTFD)
		send_fd(near, rx.grant(9, uses=2))
		grant = recv_fd(far)
		open_before = fds()
		port = tx.connect_grant(grant)
		grant.close()
		gc.collect()
		assert tx.notify(port) is Verdict.LATCHED and fds() == open_before
		tx.close_port(port)
		assert fds() == open_before - 1
		grant = rx.grant(9)
		port = tx.connect_grant(grant)
		grant.close()
		assert tx.notify(port) is Verdict.COALESCED
		del near, far, memfd, memory, grant, sink, source
	PYTHON
}

# A VM made by raw ioctls: its MSIs, its pins, its state
vm()
{
	python <<-'PYTHON'
		KVM_CREATE_VM, KVM_CREATE_IRQCHIP = 0xae01, 0xae60
		kvm = open("/dev/kvm", "rb+", buffering=0)
		vm = Descriptor(fcntl.ioctl(kvm, KVM_CREATE_VM, 0))
		fcntl.ioctl(vm, KVM_CREATE_IRQCHIP)
		rx, tx = Endpoint.enrol(A, vm), Endpoint.enrol(B)
		raises(FileExistsError, Endpoint.enrol, B, vm)
		rx.expose(20, Kind.DIRECT)
		rx.expose(KVM_PVI_GSI_VIRTUAL, Kind.MSI)
		rx.expose(21, Kind.EVENTFD)
		rx.allow(B)
		efd = rx.wire_irqfd(vm, 21)
		assert tx.ring(A, 21) is Verdict.RAISED
		rx.unwire_irqfd(vm, 21, efd)
		# There is no vCPU that could take it.
		assert tx.ring(A, 20) is Verdict.LATCHED
		rx.set_msi(KVM_PVI_GSI_VIRTUAL, 0xfee00000, 0x40)
		rx.arm(20)
		listed = {one.uuid: one for one in tx.list_endpoints()}
		assert (listed[A].gsis, listed[A].senders, listed[A].received.latched) == (3, 1, 1)
		gsis = {one.gsi: one for one in rx.list_gsis(listed[A].number)}
		assert gsis[20].kind is Kind.DIRECT and GsiState.LATCHED in gsis[20].state
		assert [one.uuid for one in rx.list_edges(listed[A].number)] == [B]
		tx.allow(A)
		tx.expose(5, Kind.EVENTFD)
		port = rx.call_connect(B, 5)
		assert [(one.uuid, one.state) for one in rx.list_ports(listed[A].number)] == [(B, PortState.LIVE)]
		state = rx.get_state(freeze=True)
		raises(BlockingIOError, tx.ring, A, 20)
		raises(OSError, rx.set_state, state)
		rx.reset()
		raises(FileNotFoundError, rx.notify, port)
		raises(OSError, rx.set_state, state[:-1])
		rx.set_state(state)
		rx.thaw()
		assert rx.notify(port) is Verdict.LATCHED
		assert GsiState.LATCHED in next(one for one in rx.list_gsis(listed[A].number) if one.gsi == 20).state
		del vm, kvm, efd
	PYTHON
}

# Numbers that are too large or negative are no other numbers. No call gets so far as the kernel
numbers()
{
	python <<-'PYTHON'
		tx, rx = Endpoint(os.open("/dev/null", os.O_RDWR)), None
		for number in -1, 1 << 32, (1 << 32) + 7, 1 << 64:
		    raises(OverflowError, tx.allow, A, number)
		    raises(OverflowError, tx.allow, A, 7, owner=number)
		    raises(OverflowError, tx.expose, 7, number)
		    raises(OverflowError, tx.notify, number)
		    raises(OverflowError, tx.expose, 7, Kind.EVENTFD, Rate(number, 1))
		    raises(OverflowError, tx.expose, 7, Kind.EVENTFD, Rate(1, number))
		    raises(OverflowError, tx.reserve, A, number)
		    raises(OverflowError, setup_encode, SetupMessage(number))
		    raises(OverflowError, setup_encode, SetupMessage(PVI_SETUP_SET, setup=Setup(A, number)))
		for number in -1, 1 << 64, (1 << 64) + 7:
		    raises(OverflowError, tx.ungrant, number)
		    raises(OverflowError, tx.allow_bell, A, 3, number)
		    raises(OverflowError, tx.call, KVM_HC_PVI_BASE, number)
		    raises(OverflowError, setup_encode, SetupMessage(PVI_SETUP_SET, reply=True, result=number))
		    raises(OverflowError, setup_encode, SetupMessage(PVI_SETUP_SET, setup=Setup(A, 7, number)))
		raises(OverflowError, tx.set_port, (1 << 32) + tx.fileno())
		raises(OSError, tx.allow, A, KVM_PVI_GSI_ANY)
		raises(OSError, tx.allow, A, (1 << 32) - 2)
		raises(OSError, tx.ungrant, (1 << 64) - 1)
		for wrong in 1.5, "1", None:
		    raises(TypeError, tx.notify, wrong)
	PYTHON
}

# A port that one thread closes another one may have at once, of another grant, which stays open.
threads()
{
	python <<-'PYTHON'
		from kvm_pvi._endpoint import lib
		rx, tx = Endpoint.enrol(A), Endpoint()
		tx.bind(B)
		rx.expose(7, Kind.EVENTFD)
		first, second = rx.grant(7), rx.grant(7)
		port = tx.connect_grant(first)
		first.close()
		original = lib.pvi_close_port
		def close_port(fd, number):
		    result = original(fd, number)
		    lib.pvi_close_port = original
		    # Before the first one goes on
		    thread = threading.Thread(target=lambda: tx.connect_grant(second, number))
		    thread.start()
		    thread.join()
		    second.close()
		    return result
		lib.pvi_close_port = close_port
		tx.close_port(port)
		assert tx.notify(port) is Verdict.LATCHED
		# One that is not closed keeps its grant.
		lib.pvi_close_port = lambda fd, number: -4
		raises(InterruptedError, tx.close_port, port)
		lib.pvi_close_port = original
		gc.collect()
		assert tx.notify(port) in (Verdict.LATCHED, Verdict.COALESCED), tx.notify(port)
		tx.close_port(port)
		raises(FileNotFoundError, tx.close_port, port)
		rx.close()
		tx.close()
		del first, second
	PYTHON
}

# What is detached keeps no grants: its ports ring as long as somebody has those open.
detached()
{
	python <<-'PYTHON'
		rx, tx = Endpoint.enrol(A), Endpoint.enrol(B)
		rx.expose(7, Kind.EVENTFD)
		kept, left = rx.grant(7), rx.grant(7)
		first, second = tx.connect_grant(kept), tx.connect_grant(left)
		left.close()
		assert tx.notify(second) is Verdict.LATCHED
		open_before = fds()
		with tx:
		    other = Endpoint(tx.detach())
		    assert fds() == open_before - 2
		    raises(ValueError, tx.fileno)
		    raises(ValueError, tx.detach)
		assert other.notify(first) in (Verdict.LATCHED, Verdict.COALESCED)
		raises(PermissionError, other.notify, second)
		kept.close()
		raises(PermissionError, other.notify, first)
		other.close()
		rx.close()
		del kept, left
	PYTHON
}

# Bytes of any kind; what is given is closed, whatever is wrong with it
decoding()
{
	python <<-'PYTHON'
		tx = rx = None
		message = SetupMessage(PVI_SETUP_SET, setup=Setup(A, 7))
		data = setup_encode(message)
		for kind in bytes, bytearray, memoryview:
		    assert setup_decode(kind(data)) == message
		for wrong, error in (data, OSError), (data[1:], OSError), ("x", TypeError), (None, TypeError):
		    raises(error, setup_decode, wrong, [os.dup(0), os.dup(0)])
		    assert fds() == before
		raises(OverflowError, setup_decode, data, [os.dup(0), 1 << 32])
		assert fds() == before
	PYTHON
}

# A back-end that says nothing: who waits for it can be interrupted, and for ever if that is wanted
interrupted()
{
	python <<-'PYTHON'
		tx, rx = socket.socketpair()
		class Alarm(Exception):
		    pass
		def handler(number, frame):
		    raise Alarm
		signal.signal(signal.SIGALRM, handler)
		# The alarm may come before it waits, but not before it is awaited.
		def get(timeout):
		    signal.setitimer(signal.ITIMER_REAL, 0.05)
		    setup_get(tx, timeout)
		for timeout in 3600, 1e30, float("inf"):
		    for back in b"", setup_encode(SetupMessage(PVI_SETUP_GET, reply=True, setup=Setup(A, 7)))[:20]:
		        open_before = fds()
		        if back:
		            socket.send_fds(rx, [back], [0])
		        raises(Alarm, get, timeout)
		        assert fds() == open_before
		raises(TimeoutError, setup_get, tx, 0)
		raises(TimeoutError, setup_get, tx, -1)
		for bad in b"x" * 12, setup_encode(SetupMessage(PVI_SETUP_SET, reply=True)):
		    rx.sendall(bad)
		    raises(OSError, setup_get, tx, 60)
		    tx, rx = socket.socketpair()
		rx.sendall(setup_encode(SetupMessage(PVI_SETUP_SET, reply=True, result=1)))
		raises(ConnectionRefusedError, setup_set, tx, Setup(A, 7), None, 60)
		raises(OSError, setup_set, tx, Setup(uuid.UUID(int=0)), None, 60)
		rx.close()
		raises(OSError, setup_get, tx, 60)
		# Of descriptors, too
		def alarmed(what, *args):
		    signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
		    what(*args)
		def handler(number, frame):
		    signal.setitimer(signal.ITIMER_REAL, 0)
		    raise Alarm
		signal.signal(signal.SIGALRM, handler)
		tx, rx = socket.socketpair()
		open_before = fds()
		raises(Alarm, alarmed, recv_fd, rx)
		assert fds() == open_before
		rx.setblocking(False)
		raises(BlockingIOError, recv_fd, rx)
		raises(OSError, recv_fd, 0)
		nr = 0
		try:
		    while True:
		        tx.setblocking(False)
		        send_fd(tx, 0)
		        nr += 1
		except BlockingIOError:
		    tx.setblocking(True)
		raises(Alarm, alarmed, send_fd, tx, 0)
		rx.setblocking(True)
		socket.setdefaulttimeout(3600)
		for n in range(nr):
		    recv_fd(rx).close()
		assert rx.getblocking() and os.get_blocking(rx.fileno())
		# One that no handler keeps from it goes on.
		def handler(number, frame):
		    signal.setitimer(signal.ITIMER_REAL, 0)
		    send_fd(tx, 0)
		signal.signal(signal.SIGALRM, handler)
		signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
		recv_fd(rx).close()
		for wrong in [0, 1], []:
		    socket.send_fds(tx, [b"x"], wrong)
		    raises(OSError, recv_fd, rx)
		assert fds() == open_before
		tx.close()
		raises(ConnectionResetError, recv_fd, rx)
		raises(BrokenPipeError, send_fd, rx, 0)
	PYTHON
}

# A front-end that is this module, and a back-end that is
setup()
{
	python <<-'PYTHON'
		rx, tx = Endpoint.enrol(A), Endpoint()
		tx.bind(B, grants_only=True)
		for one in rx, tx:
		    one.expose(7, Kind.EVENTFD)
		near, far = socket.socketpair()
		grant = tx.grant(7)
		said = []
		def answer(sock):
		    data, fds, _, _ = socket.recv_fds(sock, 128, 4)
		    message = setup_decode(data, fds)
		    said.append(message)
		    if message.request == PVI_SETUP_GET:
		        sock.sendall(setup_encode(SetupMessage(PVI_SETUP_GET, reply=True, setup=Setup(A, 7))))
		    else:
		        rx.allow(message.setup.uuid, 7)
		        sock.sendall(setup_encode(SetupMessage(PVI_SETUP_SET, reply=True)))
		def back():
		    answer(far)
		    answer(far)
		thread = threading.Thread(target=back, daemon=True)
		thread.start()
		theirs, nothing = setup_get(near, 60)
		assert (theirs, nothing) == (Setup(A, 7), None)
		raises(PermissionError, tx.connect, theirs.uuid, theirs.gsi)
		setup_set(near, Setup(B, 7), grant, 60)
		thread.join()
		assert tx.notify(tx.connect(theirs.uuid, theirs.gsi)) is Verdict.LATCHED
		assert said[1].need_reply and said[1].setup == Setup(B, 7)
		assert rx.notify(rx.connect_grant(said[1].grant)) is Verdict.LATCHED
		raises(TimeoutError, setup_get, near, 0.01)
		raises(OSError, setup_decode, b"x" * 44, [os.dup(0) for n in range(3)])
		raises(OSError, setup_encode, SetupMessage(PVI_SETUP_SET))
		del near, far, grant, said, thread, theirs, one
	PYTHON
}

# The names of all that it has, beside the library's: no function is left out but those of guests and links.
complete()
{
	nm -D --defined-only "$PVI_TOOLS/usr/lib/libpvi.so.0" | sed -n 's/.* T \(pvi_[a-z_]*\)@.*/\1/p' |
		grep -v -E '^pvi_(guest|ivshmem|link|msg)_' | sort >"$tmp/exported"
	sed -n 's/^\(pvi_[a-z_]*\) .*/\1/p' "$PVI_TOOLS"/usr/lib/python3/dist-packages/kvm_pvi/_lib.py | sort |
		comm -13 - "$tmp/exported" >"$tmp/missing"
	# Python has what these do.
	same "$(paste -s -d ' ' "$tmp/missing")" \
		"pvi_recv_fd pvi_save_state pvi_send_fd pvi_setup_get pvi_setup_set pvi_status_memory"
}

run_tests processes kinds vm threads detached numbers decoding interrupted setup complete
