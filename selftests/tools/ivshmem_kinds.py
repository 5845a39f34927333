# SPDX-License-Identifier: GPL-2.0
"""Clients as they are in the field, by what each reads, in which pieces, and what it fails on."""

import array
import os
import socket
import struct

from ivshmem_client import DEADLINE, readable


class Kind:
    """Has peers[id], a list of eventfds, and id, memory."""

    def __init__(self, path, vectors=64, size=None):
        self.vectors, self.size = vectors, size
        self.peers, self.data, self.fd = {}, b"", None
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(DEADLINE)
        self.socket.connect(path)
        self.begin()

    def receive(self, length):
        """One recvmsg(), with room for descriptors as its program has it."""
        data, control, flags, _ = self.socket.recvmsg(length, socket.CMSG_SPACE(4 * self.ROOM))
        assert data and not flags & socket.MSG_CTRUNC
        fds = array.array("i")
        for _, _, part in control:
            fds.frombytes(part)
        assert len(fds) <= 1
        return data, fds[0] if fds else None

    def drain(self):
        while readable(self.socket, 0):
            self.handle()

    def until(self, condition):
        while not condition():
            assert readable(self.socket, DEADLINE), "nothing comes"
            self.handle()

    def ring(self, number, vector=0):
        os.eventfd_write(self.peers[number][vector], 1)

    def rung(self, vector=0):
        fd = self.peers[self.id][vector]
        assert readable(fd, DEADLINE)
        return os.eventfd_read(fd)

    def close(self):
        self.socket.close()
        for fd in [fd for fds in self.peers.values() for fd in fds] + [self.memory]:
            os.close(fd)


class Qemu(Kind):
    """A character device of QEMU's: at most as many bytes as a message lacks; a descriptor that came
    with any of them is that of the message."""

    ROOM = 16

    def part(self):
        """True when it is whole"""
        data, fd = self.receive(8 - len(self.data))
        self.data += data
        if fd is not None:
            assert self.fd is None
            self.fd = fd
        return len(self.data) == 8

    def whole(self):
        message, fd = struct.unpack("<q", self.data)[0], self.fd
        self.data, self.fd = b"", None
        return message, fd

    def wait(self):
        while not self.part():
            pass
        return self.whole()

    def handle(self):
        if self.part():
            self.process(*self.whole())


class Doorbell(Qemu):
    """ivshmem-doorbell: waits for its own first vector when it is made, so that all others that are
    there come before. More vectors than its own vectors= are an error, and so is the departure of
    one above the highest id that it has seen, and its own."""

    def begin(self):
        self.memory = None
        assert self.wait() == (0, None)
        self.id, fd = self.wait()
        assert 0 <= self.id <= 65535 and fd is None
        message, fd = self.wait()
        self.process(message, fd)
        assert self.memory is not None
        self.highest = self.id
        while True:
            message, fd = self.wait()
            self.process(message, fd)
            if message == self.id:
                break

    def process(self, message, fd):
        assert -1 <= message <= 65535
        if message == -1:
            assert fd is not None and self.memory is None
            self.memory = fd
        elif fd is not None:
            self.highest = max(self.highest, message)
            self.peers.setdefault(message, []).append(fd)
            assert len(self.peers[message]) <= self.vectors, "too many eventfds"
        else:
            assert message != self.id and message <= self.highest
            for fd in self.peers.pop(message, []):
                os.close(fd)


class Flat(Qemu):
    """ivshmem-flat: waits for three messages when it is made, and does not look at the version. The
    memory must have its own size exactly. It takes an id's lower 16 bits, 64 vectors at most, and
    ends if it is told that it has gone itself. Whoever has gone must have been told of."""

    def begin(self):
        self.wait()
        message, _ = self.wait()
        self.id = message & 0xFFFF
        self.peers[self.id] = []
        message, self.memory = self.wait()
        assert message == -1 and self.memory is not None
        assert self.size is None or os.fstat(self.memory).st_size == self.size

    def process(self, message, fd):
        number = message & 0xFFFF
        if fd is not None:
            assert len(self.peers.setdefault(number, [])) < 64
            self.peers[number].append(fd)
            return
        assert number != self.id, "ivshmem-flat removes itself, and crashes"
        for fd in self.peers.pop(number):
            os.close(fd)


class Contrib(Kind):
    """ivshmem-client of QEMU's contrib/, which Zephyr's samples use: each message must come by one
    recvmsg(), as a whole. The first three are waited for. A departure of one it does not know ends it."""

    ROOM = 1

    def one(self):
        data, fd = self.receive(8)
        assert len(data) == 8, "cannot read message"
        return struct.unpack("<q", data)[0], fd

    def begin(self):
        assert self.one() == (0, None)
        self.id, fd = self.one()
        assert self.id >= 0 and fd is None
        message, self.memory = self.one()
        assert message == -1 and self.memory is not None

    def handle(self):
        number, fd = self.one()
        if fd is not None:
            self.peers.setdefault(number, []).append(fd)
            assert len(self.peers[number]) <= 64
            return
        assert number in self.peers and number != self.id, "receive delete for invalid peer"
        for fd in self.peers.pop(number):
            os.close(fd)
