# SPDX-License-Identifier: GPL-2.0
"""A server of ivshmem that is killed, and clients that know what each of them must hear."""

import os
import signal
import socket
import threading
import time

from ivshmem_client import DEADLINE, Client, readable
from keeper import Keeper


def eventfd_number(fd):
    """The kernel's, which tells whether two descriptors are of the same."""
    with open(f"/proc/self/fdinfo/{fd}") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("eventfd-id:"))


class Service:
    """A server with a service manager, which runs in a thread."""

    def __init__(self, path, *args, env=None, room=16384):
        self.path, self.log = path, path.replace("socket", "server.log")
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(128)
        self.keeper = Keeper(path + ".notify", ["setpriv", "--pdeathsig", "KILL", "pvi-ivshmem-server", *args], self.listener, room)
        self.keeper.env = env or {}
        self.keeper.notify.settimeout(0.02)
        self.starts, self.ready, self.status, self.stopping, self.paused = 0, 0, None, False, False
        self.turn = threading.Condition()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self._start()
        self.thread.start()
        self.wait_ready(1)

    def _start(self):
        output = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        saved = os.dup(1), os.dup(2)
        os.dup2(output, 1), os.dup2(output, 2)
        self.keeper.start()
        os.dup2(saved[0], 1), os.dup2(saved[1], 2)
        for fd in (output, *saved):
            os.close(fd)
        # How it is killed is said once.
        self.keeper.env = {name: value for name, value in self.keeper.env.items() if not name.startswith("KILL")}
        self.starts += 1

    def _run(self):
        while not self.stopping:
            heard = self.keeper.hear()
            with self.turn:
                if "READY" in (heard or {}):
                    self.ready = self.starts
                if heard is None or "READY" in heard:
                    self.turn.notify_all()
                # As systemd: all messages before the end of their sender.
                if heard is not None:
                    continue
                if self.keeper.pid and os.waitpid(self.keeper.pid, os.WNOHANG)[0]:
                    self.keeper.pid = None
                    self.turn.notify_all()
                if not self.keeper.pid and not self.paused:
                    self._start()

    def _wait(self, condition):
        end = time.monotonic() + DEADLINE
        with self.turn:
            while not condition():
                assert time.monotonic() < end, "in vain: " + open(self.log).read()[-2000:]
                self.turn.wait(1)

    def wait_ready(self, starts):
        self._wait(lambda: self.ready >= starts)

    def kill(self, number=signal.SIGKILL, meanwhile=None):
        """And start it again, when meanwhile() has done what it does while there is no server."""
        # It may be about to be started again, having been killed as it was told to be.
        with self.turn:
            starts = self.starts
            self.paused = meanwhile is not None
            os.kill(self.keeper.pid, number)
        if meanwhile:
            self._wait(lambda: not self.keeper.pid)
            meanwhile()
            self.paused = False
        self.wait_ready(starts + 1)

    def pid(self):
        return self.keeper.pid

    def logged(self, text, times=1):
        if open(self.log).read().count(text) >= times:
            return True
        time.sleep(0.01)
        return False

    def await_log(self, text, times=1):
        end = time.monotonic() + DEADLINE
        while not self.logged(text, times):
            assert time.monotonic() < end, f"no {text}: " + open(self.log).read()[-2000:]

    def end(self):
        self.paused = self.stopping = True
        self.thread.join()
        if self.keeper.pid:
            os.kill(self.keeper.pid, signal.SIGKILL)
            os.waitpid(self.keeper.pid, 0)
            self.keeper.pid = None
        for _, fd in self.keeper.kept:
            os.close(fd)
        self.keeper.notify.close()
        self.listener.close()
        for name in self.path, self.path + ".notify":
            os.unlink(name)


class Crowd:
    """Clients; each checks all that it hears against who there is, and was."""

    def __init__(self, path, vectors):
        self.path, self.vectors = path, vectors
        self.here, self.lives, self.lost = [], {}, 0

    def connect(self):
        """One that reads later."""
        client = Client(self.path, self.vectors)
        client.heard, client.waiting = {}, True
        self.here.append(client)
        return client

    def greet(self, client):
        """It may be that the server was killed when it had just accepted it, before anybody else had it."""
        try:
            while client.socket.recv(1, socket.MSG_PEEK) == b"":
                raise ConnectionResetError
        except ConnectionResetError:
            self.lost += 1
            client.socket.close()
            client.socket = socket.socket(socket.AF_UNIX)
            client.socket.settimeout(DEADLINE)
            client.socket.connect(self.path)
            return self.greet(client)
        client.greet()
        client.waiting = False
        life = [eventfd_number(fd) for fd in client.peers[client.id]]
        assert len(set(life)) == self.vectors
        assert not any(set(life) & set(other) for others in self.lives.values() for other, gone in others if not gone)
        client.life = [life, False]
        self.lives.setdefault(client.id, []).append(client.life)
        for number in client.peers:
            self._came(client, number)
        return client

    def join(self):
        return self.greet(self.connect())

    def leave(self, client):
        self.here.remove(client)
        if not client.waiting:
            client.life[1] = True
        client.close()

    def _came(self, client, number):
        known = [eventfd_number(fd) for fd in client.peers[number]]
        # That of one who has not read its greeting yet is seen here first.
        lives = self.lives.setdefault(number, [])
        life = next((life for life in lives if life[0] == known), None)
        if not life:
            assert any(other.waiting for other in self.here) or self.unread_left, (client.id, number, known, lives)
        assert number not in client.heard, f"{client.id} knew {number} before"
        client.heard[number] = known

    unread_left = False

    def read(self, client, step=8):
        """One thing that it is told, if there is any."""
        if not readable(client.socket, 0):
            return False
        assert client.socket.recv(1, socket.MSG_PEEK), f"{client.id} was ended"
        number, came = client.news(step)
        if came:
            self._came(client, number)
            return True
        if came is None:
            return True
        known = client.heard[number]
        assert number != client.id
        assert not any(c.id == number and not c.waiting and c.life[0] == known for c in self.here), \
            f"{client.id} was told that {number} has gone"
        return True

    def settle(self):
        """All know each other, each of the others' vectors is the others' own, and nobody else is known."""
        for client in [client for client in self.here if client.waiting]:
            self.greet(client)
        ids = {client.id for client in self.here}
        assert len(ids) == len(self.here)
        end = time.monotonic() + DEADLINE
        for client in self.here:
            while set(client.peers) != ids:
                if not self.read(client):
                    assert time.monotonic() < end, (client.id, sorted(client.peers), sorted(ids))
                    time.sleep(0.002)
        for client in self.here:
            for other in self.here:
                known = [eventfd_number(fd) for fd in client.peers[other.id]]
                assert known == other.life[0], (client.id, other.id)

    def quiet(self):
        """Nothing is told twice: what comes behind news that are the last is too much."""
        last = self.join()
        self.settle()
        self.leave(last)
        self.settle()
        for client in self.here:
            assert not self.read(client), f"{client.id} was told more"

    def ring(self):
        for client in self.here:
            for other in self.here:
                for vector in range(self.vectors):
                    client.ring(other.id, vector)
        for client in self.here:
            for vector in range(self.vectors):
                assert client.rung(vector) == len(self.here)
