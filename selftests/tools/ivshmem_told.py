# SPDX-License-Identifier: GPL-2.0
"""Clients of the ivshmem protocol that do what a shell tells them: a line each, answered by one."""

import os
import sys

from ivshmem_client import Client

path, vectors = sys.argv[1], int(sys.argv[2])
clients = {}


def join(name):
    """Its id, or that it was refused."""
    client = Client(path, vectors)
    if client.ended(peek=True):
        return "refused"
    clients[name] = client.greet()
    return client.id


def news(name):
    """Who has come or gone."""
    number, came = clients[name].news()
    return f"{number} {'came' if came else 'gone'}"


def ring(sender, receiver):
    """How often that one is rung, once the sender has rung it."""
    clients[sender].ring(clients[receiver].id, vectors - 1)
    return clients[receiver].rung(vectors - 1)


def write(name, text):
    return os.pwrite(clients[name].memory, text.encode(), 100)


def read(name, size):
    return os.pread(clients[name].memory, int(size), 100).decode().strip("\0") or "nothing"


def leave(name):
    clients.pop(name).close()
    return "left"


def ended(name):
    """Whether the server ends it, behind what it has still to say."""
    client = clients.pop(name)
    try:
        while client.socket.recv(4096):
            pass
    except ConnectionResetError:
        pass
    return "ended"


VERBS = {f.__name__: f for f in (join, news, ring, write, read, leave, ended)}
for line in sys.stdin:
    verb, *args = line.split()
    try:
        print(VERBS[verb](*args), flush=True)
    except Exception as error:  # it is the shell that judges
        print(f"{verb}: {error!r}".replace("\n", " "), flush=True)
