# SPDX-License-Identifier: GPL-2.0
"""A client of the ivshmem protocol for tests, which accepts what the protocol says and no more."""

import os
import resource
import select
import socket
import struct

DEADLINE = 60 * int(os.environ.get("PVI_SLOW") or 1)

# What many clients hold of each other.
LIMIT = max(16384, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
resource.setrlimit(resource.RLIMIT_NOFILE, (LIMIT, LIMIT))


def readable(fd, seconds):
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return bool(poll.poll(seconds * 1000))


class Client:
    """Connected when it is made; knows its id and all peers after greet()."""

    def __init__(self, path, vectors):
        self.vectors = vectors
        self.peers, self.partial = {}, {}
        self.id = self.memory = None
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(DEADLINE)
        self.socket.connect(path)

    def message(self, step=8):
        """The next message, read in pieces of step bytes: number, and descriptor or None."""
        data, fds = b"", []
        while len(data) < 8:
            part, new, flags, _ = socket.recv_fds(self.socket, min(step, 8 - len(data)), 4)
            fds += new
            assert part, "the server has closed the connection"
            assert not flags & socket.MSG_CTRUNC
            data += part
        assert len(fds) <= 1, fds
        return struct.unpack("<q", data)[0], fds[0] if fds else None

    def greet(self, step=8):
        """Version, id, memory, the others, and its own vectors at last."""
        assert self.message(step) == (0, None)
        self.id, fd = self.message(step)
        assert fd is None
        number, self.memory = self.message(step)
        assert number == -1 and self.memory is not None
        while self.id not in self.peers:
            _, came = self.news(step)
            assert came
        return self

    def news(self, step=8):
        """Who came, or went: id, and which of the two; None: it went before it was there as a whole."""
        while True:
            number, fd = self.message(step)
            assert 0 <= number < 65536
            assert number not in self.peers or fd is None, f"{number} came twice"
            if fd is None:
                came = False if number in self.peers else None
                for fd in self.peers.pop(number) if number in self.peers else self.partial.pop(number):
                    os.close(fd)
                return number, came
            self.partial.setdefault(number, []).append(fd)
            if len(self.partial[number]) == self.vectors:
                self.peers[number] = self.partial.pop(number)
                return number, True

    def ring(self, number, vector=0):
        """What a write to the doorbell register comes to."""
        os.eventfd_write(self.peers[number][vector], 1)

    def rung(self, vector=0):
        """Wait until a vector of its own is rung: how often."""
        fd = self.peers[self.id][vector]
        os.set_blocking(fd, False)
        assert readable(fd, DEADLINE), f"vector {vector} is not rung"
        return os.eventfd_read(fd)

    def quiet(self, vector=0):
        """True if that vector is not rung now."""
        return not readable(self.peers[self.id][vector], 0)

    def ended(self, peek=False):
        """True if the server closes the connection without a further word."""
        try:
            return not self.socket.recv(1, socket.MSG_PEEK if peek else 0)
        except ConnectionResetError:
            return True

    def close(self):
        """Go, as a QEMU that is killed does."""
        self.socket.close()
        for fds in [*self.peers.values(), *self.partial.values()]:
            for fd in fds:
                os.close(fd)
        self.peers, self.partial = {}, {}
        if self.memory is not None:
            os.close(self.memory)


class Elsewhere:
    """A client in a process of its own, which is another user's if one is given."""

    def __init__(self, path, uid=None):
        self.said, says = socket.socketpair()
        self.said.settimeout(DEADLINE)
        self.pid = os.fork()
        if self.pid:
            says.close()
            return
        try:
            # Nor does it hold what is its parent's.
            os.closerange(3, says.fileno())
            os.closerange(says.fileno() + 1, LIMIT)
            if uid is not None:
                os.setuid(uid)
            client = Client(path, 1)
            says.send(b"0" if client.ended(peek=True) else b"1" if client.greet() else b"")
            says.recv(1)
        finally:
            os._exit(0)

    def end(self):
        self.said.close()
        os.waitpid(self.pid, 0)

    def greeted(self, end=False):
        """What became of it; one that is refused has ended."""
        answer = self.said.recv(1) == b"1"
        if end or not answer:
            self.end()
        return answer
