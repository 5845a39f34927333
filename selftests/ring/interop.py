#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""
interop.py TALK [COUNT] - let pvi_ring.py and pvi_ring.h, in the program made of talk.c, talk to each
other: each as the side that begins and as the one that answers. TAP on stdout.
"""
import mmap
import os
import random
import select
import subprocess
import sys

import pvi_ring
import section

# Sizes of the data of both sides
SIZES = [(4096, 4096), (4096, 65536), (16384, 4096)]
ASLEEP_S = 60


class Side:
    """The side in Python, number 0."""

    def __init__(self, fds, ring_fd, bell_fd):
        own = mmap.mmap(fds[0], 0)
        peer = mmap.mmap(fds[1], 0, prot=mmap.PROT_READ)
        self.ring_fd, self.bell_fd = ring_fd, bell_fd
        self.link = pvi_ring.Link(memoryview(own), memoryview(peer), self.ring)
        self.runs = False
        self.start()

    def ring(self, _gsi):
        try:
            os.write(self.ring_fd, b"\0")
        except (BlockingIOError, BrokenPipeError):
            pass
        return True

    def sleep(self):
        if not select.select([self.bell_fd], [], [], ASLEEP_S)[0]:
            raise RuntimeError("a wake was lost")
        if not os.read(self.bell_fd, 64):
            raise RuntimeError("the peer has gone")

    def start(self):
        self.runs = False
        self.link.start(1)

    def follow(self):
        while True:
            try:
                self.link.look()
            except pvi_ring.Over:
                self.start()
                continue
            if self.link.state == pvi_ring.RUN:
                break
            self.sleep()
        if not self.runs:
            self.tx, self.rx = pvi_ring.Sender(self.link, 0), pvi_ring.Receiver(self.link, 0)
        self.runs = True

    def send(self, message):
        while not self.tx.send(message):
            self.tx.publish()
            if self.tx.may_sleep(len(message)):
                self.sleep()
        self.tx.publish()

    def receive(self):
        while (message := self.rx.receive()) is None:
            self.link.look()
            if self.rx.may_sleep():
                self.sleep()
        self.rx.release()
        return message


def drive(side, count):
    rng = random.Random(count)
    longest = min(side.link.own.data_size, side.link.peer.data_size) // 2 - 8
    sent, restarted = 0, False
    while sent < count:
        if sent >= count // 2 and not restarted:
            side.start()
            restarted = True
        side.follow()
        burst = [rng.randbytes(rng.randint(1, rng.choice((100, 100, 100, longest // 4))))
                 for _ in range(rng.randint(1, 4))]
        for message in burst:
            side.send(message)
        for message in burst:
            assert side.receive() == message, "another message has come back"
        sent += len(burst)
    for message in rng.randbytes(longest), b"":
        side.send(message)
        assert side.receive() == message


def echo(side):
    message = None
    while message != b"":
        try:
            side.follow()
            message = side.receive()
            side.send(message)
        except pvi_ring.Over:
            message = None


def run(talk, sizes, python_drives, count):
    fds = section.make([section.Side(queues=2 - i, data_size=size, gsi=7 + i, gsis=1) for i, size in enumerate(sizes)])
    to_c, to_python = os.pipe(), os.pipe()
    os.set_blocking(to_c[1], False)
    passed = (*fds, to_c[0], to_python[1])
    for fd in passed:
        os.set_inheritable(fd, True)
    process = subprocess.Popen(
        [talk, "echo" if python_drives else "drive", str(fds[1]), str(fds[0]), str(to_python[1]),
         str(to_c[0]), str(count)], pass_fds=passed)
    os.close(to_c[0])
    os.close(to_python[1])
    try:
        side = Side(fds, to_c[1], to_python[0])
        (drive if python_drives else echo)(side, *([count] if python_drives else []))
        return process.wait() == 0
    except (AssertionError, RuntimeError, pvi_ring.Broken, pvi_ring.Over) as error:
        print(f"# {type(error).__name__}: {error}")
        process.kill()
        process.wait()
        return False


def main():
    talk = sys.argv[1]
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 2000
    cases = [(sizes, python_drives) for sizes in SIZES for python_drives in (True, False)]
    failed = 0
    print(f"TAP version 13\n1..{len(cases)}")
    for i, (sizes, python_drives) in enumerate(cases, 1):
        well = run(talk, sizes, python_drives, count)
        failed += not well
        print(f"{'' if well else 'not '}ok {i} - {'Python' if python_drives else 'C'} begins,"
              f" data of {sizes[0]} and {sizes[1]} bytes", flush=True)
    sys.exit(failed != 0)


main()
