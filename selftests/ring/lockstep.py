#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""
lockstep.py LIBRARY - let pvi_ring.py, and pvi_ring.h in the library made of side.c, be the two sides of a link in one
thread, where a seed says who takes the next step. Who sleeps takes none until the other side has rung for it.
TAP on stdout, and how much it was.
"""
import collections
import ctypes
import mmap
import random
import sys

import pvi_ring
import section

MASK = 0xFFFFFFFF
# Not as many queues here as there, and GSIs that some of them share
SIDES = (section.Side(queues=3, data_size=4096, gsi=40, gsis=2),
         section.Side(queues=5, data_size=8192, gsi=0x10007, gsis=4))
QUEUES = 3
# What is sent each way over a queue: more than from where indexes begin to 2^32
BEFORE_WRAP = 12000
BYTES = 20000
# Empty messages, which need no pad: the last time across 2^32
LAST_LAP, EMPTY = 3, 60
# Of so many rings in a row one is refused for now
REFUSED = 3
# What takes more steps has no end
STEPS = 100000
PROD, LAPS, ROOM_WAKE, CONS, DATA_WAKE = 0x00, 0x04, 0x40, 0x80, 0xC0
# A receiver is woken by so many bytes, and with more than 16 by a timer too; or whenever there is anything new
WAKES = {"any message": (8, False), "16 bytes": (16, False), "64 bytes and a timer": (64, False),
         "each index": (8, True)}

totals = collections.Counter({"messages": 0, "sessions": 0, "sleeps": 0, "rings": 0, "refused": 0})


class Failure(Exception):
    """What makes a point fail, but for what pvi_ring.py raises."""


def expect(condition, what):
    if not condition:
        raise Failure(what)


class Header:
    """A side that is pvi_ring.h's."""

    def __init__(self, library, fds, i, make_ring):
        self.c, self.side = library, library.side_new(fds[i], fds[1 - i])
        self.make_ring, self.owed = make_ring, set()
        self.buffer = ctypes.create_string_buffer(max(side.data_size for side in SIDES))
        if not self.pair():
            raise ValueError("not the sections of a link")

    def pair(self):
        return bool(self.c.side_pair(self.side))

    @property
    def life(self):
        return self.c.side_life(self.side)

    def ring(self, n=0):
        gsi = self.c.side_gsi(self.side, n)
        if not self.make_ring(gsi):
            self.owed.add(gsi)

    def ring_again(self):
        owed, self.owed = self.owed, set()
        self.owed = {gsi for gsi in sorted(owed) if not self.make_ring(gsi)}

    def start(self, use):
        self.c.side_start(self.side, use)
        self.ring()

    def look_once(self):
        step = self.c.side_step(self.side)
        if step < 0:
            raise pvi_ring.Over
        if step:
            self.ring()
        return step > 0

    def look(self):
        while self.look_once():
            pass

    def open(self):
        return self.c.side_open(self.side)

    def move(self, n, prod, cons):
        self.c.side_move(self.side, n, prod, cons)

    def checked(self, n, result):
        error = self.c.side_error(self.side, n)
        if error:
            raise pvi_ring.Over if error == 1 else pvi_ring.Broken
        return result

    def send(self, n, message):
        return self.checked(n, bool(self.c.side_send(self.side, n, message, len(message))))

    def publish(self, n):
        if self.c.side_publish(self.side, n):
            self.ring(n)

    def sleep_room(self, n, length, always):
        return self.checked(n, not self.c.side_arm_tx(self.side, n, length, always))

    def sleep_received(self, _n):
        """pvi_ring.h has no such wait."""
        return False

    def receive(self, n):
        length = self.checked(n, self.c.side_receive(self.side, n, self.buffer, len(self.buffer)))
        return None if length < 0 else self.buffer.raw[:length]

    def release(self, n):
        if self.c.side_release(self.side, n):
            self.ring(n)

    def sleep_data(self, n, least, always):
        return self.checked(n, not self.c.side_arm_rx(self.side, n, least, always))


class Page:
    """A side that is pvi_ring.py's."""

    def __init__(self, fds, i, make_ring):
        self.own = memoryview(mmap.mmap(fds[i], 0))
        self.peer = memoryview(mmap.mmap(fds[1 - i], 0, prot=mmap.PROT_READ))
        self.make_ring = make_ring
        self.link = pvi_ring.Link(self.own, self.peer, make_ring)
        self.look_once, self.look, self.start = self.link.look_once, self.link.look, self.link.start
        self.ring_again = self.link.ring_again

    def pair(self):
        try:
            pvi_ring.Link(self.own, self.peer, self.make_ring)
        except ValueError:
            return False
        return True

    @property
    def life(self):
        return self.link.life

    @property
    def owed(self):
        return self.link.owed

    def open(self):
        self.tx = [pvi_ring.Sender(self.link, n) for n in range(self.link.queues)]
        self.rx = [pvi_ring.Receiver(self.link, n) for n in range(self.link.queues)]
        return self.link.queues

    def move(self, n, prod, cons):
        tx, rx = self.tx[n], self.rx[n]
        tx.prod = tx.cons = tx.published = prod
        rx.prod = rx.cons = rx.released = cons
        self.link.own.store(pvi_ring.queue_at(n, 0x00), prod)
        self.link.own.store(pvi_ring.queue_at(n, 0x80), cons)

    def send(self, n, message):
        return self.tx[n].send(message)

    def publish(self, n):
        self.tx[n].publish()

    def sleep_room(self, n, length, always):
        return self.tx[n].may_sleep(length, always)

    def sleep_received(self, n):
        return self.tx[n].may_sleep_until_received()

    def receive(self, n):
        return self.rx[n].receive()

    def release(self, n):
        self.rx[n].release()

    def sleep_data(self, n, least, always):
        return self.rx[n].may_sleep(least, always)


class World:
    """The two sides, whose sections are @memory, and what is between them."""

    def __init__(self, library, python, rng, sides=SIDES):
        fds = section.make(sides)
        self.sides, self.rng = sides, rng
        self.memory = [memoryview(mmap.mmap(fd, 0)).cast("I") for fd in fds]
        self.refuse = self.rings = self.refused = 0
        self.queue = None       # for which the next ring is, if that is known
        self.looks = set()      # who has to look
        self.rung = []          # who was, and by what GSI
        self.ends = [None, None]
        self.ends[python] = Page(fds, python, lambda gsi: self.make_ring(python, gsi))
        self.ends[1 - python] = Header(library, fds, 1 - python, lambda gsi: self.make_ring(1 - python, gsi))

    def word(self, i, n, offset):
        return self.memory[i][(0x100 + 256 * n + offset) // 4]

    def make_ring(self, by, gsi):
        peer = self.sides[1 - by]
        expect(peer.gsi <= gsi < peer.gsi + peer.gsis, f"{gsi:#x} is no GSI of the peer's")
        expect(self.queue is None or gsi == peer.gsi_of(self.queue), f"rung by {gsi:#x} for queue {self.queue}")
        self.rings += 1
        if self.refuse and not self.rings % self.refuse:
            self.refused += 1
            return False
        self.rung.append((1 - by, gsi))
        return True

    def pay(self):
        """Time goes by. Whether any ring was owed."""
        owed = any(end.owed for end in self.ends)
        self.queue = None
        for end in self.ends:
            end.ring_again()
        totals["waits for a ring that was owed"] += owed
        return owed

    def start(self, i, use):
        """Side @i begins a session: all of its queues are as new."""
        self.queue = 0
        self.ends[i].start(use)
        self.looks.add(i)
        for n in range(self.sides[i].queues):
            for offset in PROD, LAPS, ROOM_WAKE, CONS, DATA_WAKE:
                expect(not self.word(i, n, offset), f"{offset:#x} of queue {n} is not 0 in a new session")

    def look(self, i, use):
        self.queue = 0
        try:
            self.ends[i].look()
        except pvi_ring.Over:
            self.start(i, use)

    def meet(self, uses):
        """Both have looked as often as they were rung, and run then: with how many queues?"""
        for _ in range(100):
            self.looks |= {i for i, _ in self.rung}
            self.rung = []
            if not self.looks and not self.pay():
                break
            for i in sorted(self.looks):
                self.looks.remove(i)
                self.look(i, uses[i])
        expect(all(end.life & 3 == pvi_ring.RUN for end in self.ends), "both wait, and do not run")
        totals["sessions"] += 1
        queues = {end.open() for end in self.ends}
        expect(queues == {min(uses)}, f"{queues} queues")

    def move(self, before):
        """All has been sent and received so far that indexes wrap in so many bytes, or less."""
        for n in range(QUEUES):
            index = [-8 * self.rng.randint(1, before // 8) & MASK for _ in range(2)]
            for i in range(2):
                self.ends[i].move(n, index[i], index[1 - i])

    def show(self, i, n, act, index_at, wake_at):
        """Side @i shows an index of queue @n. What wakes mean that name no index can be seen here."""
        old, wake, rings = self.word(i, n, index_at), self.word(1 - i, n, wake_at), self.rings
        self.queue = n
        act(n)
        self.queue = None
        rung, moved = self.rings - rings, self.word(i, n, index_at) != old
        expect(wake & 1 or rung == (wake != 0 and moved), f"rung {rung} times by a wake of {wake}")
        expect(rung <= moved, "rung with nothing new")

    def asleep(self, i, n, wake_at, wake):
        """Side @i has stored when it wants to be rung."""
        totals["sleeps"] += 1
        expect(self.word(i, n, wake_at) == wake, f"{self.word(i, n, wake_at):#x} stands where {wake:#x} is to be")


class Sender:
    """Who sends the messages of @flow."""

    def __init__(self, flow, i, n, messages):
        self.flow, self.world, self.end, self.i, self.n = flow, flow.world, flow.world.ends[i], i, n
        self.messages = collections.deque(messages)
        self.sent = collections.deque()
        self.awake, self.done = True, False

    def room_wake(self, length):
        """What stands there as it sleeps until there is room for a message."""
        size, prod = self.world.sides[self.i].data_size, self.world.word(self.i, self.n, PROD)
        n, left = (length + 15) // 8 * 8, size - prod % size
        if self.flow.always:
            return pvi_ring.ALWAYS
        return prod + n + (left if n > left else 0) - size - 8 & MASK | 1

    def publish(self):
        self.world.show(self.i, self.n, self.end.publish, PROD, DATA_WAKE)

    def step(self):
        if not self.messages:
            self.publish()
            self.awake = False
            self.done = not self.end.sleep_received(self.n)
        elif self.end.send(self.n, self.messages[0]):
            self.sent.append(self.messages.popleft())
            if self.world.rng.random() < 0.5:
                self.publish()
        else:
            self.publish()
            length = len(self.messages[0])
            self.awake = not self.end.sleep_room(self.n, length, self.flow.always)
            if not self.awake:
                self.world.asleep(self.i, self.n, ROOM_WAKE, self.room_wake(length))


class Receiver:
    """Who receives what @sender sends."""

    def __init__(self, flow, sender):
        self.flow, self.world, self.i, self.n, self.sent = flow, flow.world, 1 - sender.i, sender.n, sender.sent
        self.end = flow.world.ends[self.i]
        self.awake = True

    def release(self):
        self.world.show(self.i, self.n, self.end.release, CONS, ROOM_WAKE)

    def step(self):
        message = self.end.receive(self.n)
        if message is not None:
            expect(self.sent and message == self.sent.popleft(), "another message has come")
            totals["messages"] += 1
            if self.world.rng.random() < 0.3:
                self.release()
            return
        self.release()
        self.awake = not self.end.sleep_data(self.n, self.flow.least, self.flow.always)
        wake = self.world.word(self.i, self.n, CONS) + self.flow.least - 8 & MASK | 1
        if not self.awake:
            self.world.asleep(self.i, self.n, DATA_WAKE, pvi_ring.ALWAYS if self.flow.always else wake)


class Flow:
    """Messages both ways over all queues of the session, until all are received."""

    def __init__(self, world, queues, least, always, messages_of):
        self.world, self.least, self.always = world, least, always
        self.senders = [Sender(self, i, n, messages_of(world, i)) for i in range(2) for n in range(queues)]
        self.receivers = [Receiver(self, sender) for sender in self.senders]
        self.actors = self.senders + self.receivers

    def deliver(self):
        rung, self.world.rung = self.world.rung, []
        for i, gsi in rung:
            self.world.queue = 0
            self.world.ends[i].look()
            for actor in self.actors:
                actor.awake |= actor.i == i and actor.n in self.world.sides[i].queues_of(gsi)

    def is_over(self):
        return all(sender.done and not sender.sent for sender in self.senders)

    def tick(self):
        """Nobody is awake: what timers may do about it."""
        if self.world.pay():
            return
        rest = not any(sender.messages for sender in self.senders)
        expect(self.least > 16 or (self.least > 8 and rest), "all sleep for ever")
        for receiver, sender in zip(self.receivers, self.senders):
            receiver.awake = bool(sender.sent)
        expect(any(receiver.awake for receiver in self.receivers), "all sleep, with nothing to receive")

    def run(self):
        for _ in range(STEPS):
            ready = [actor for actor in self.actors if actor.awake]
            if ready:
                self.world.rng.choice(ready).step()
            else:
                self.tick()
            self.deliver()
            if self.is_over():
                return
        raise Failure("they go on, and nothing comes")


def empty_messages(_world, _i):
    return [b""] * EMPTY


def any_messages(world, i):
    """What side @i sends over a queue: messages of many lengths, 0 among them."""
    longest, left = world.sides[i].data_size // 2 - 8, BYTES
    while left > 0:
        message = world.rng.randbytes(world.rng.choice((0, 0, 0, 1, 8, 9, 30, 200, 900, longest)))
        left -= len(message) + 8
        yield message


def which_sections(library):
    """Both take the same two for the sections of a link."""
    rng, world = random.Random(1), World(library, 0, None)
    for short in 0, 0x80, 0xFC:
        try:
            pvi_ring.Section(world.memory[0].cast("B")[:short])
        except ValueError:
            continue
        raise Failure(f"{short} bytes were taken for a section")
    spoilt = {0x00: (0, MASK), 0x04: (0,), 0x08: (0, 2), 0x0C: (1, 9), 0x10: (1,), 0x2C: (1,), 0x3C: (1,),
              0x40: (0, MASK), 0x44: (0, 1, MASK), 0x4C: (0, 1, MASK), 0x50: (0, 1, 2, 64, 65, MASK),
              0x54: (0, 0x100, 0x200, 0x220, 0x400, 0x600, 0x1000, MASK - 63),
              0x58: (0, 2048, 4096, 6144, 8192, 1 << 31), 0x5C: (0, 1, 2), 0x60: (0,), 0x6C: (MASK,), 0x70: (1,),
              0xC0: (1,)}
    counts = [0, 0]
    for _ in range(3000):
        for i in range(2):
            world.memory[i].cast("B")[:0x100] = section.head(world.sides, i)
            for at in rng.sample(sorted(spoilt), rng.choice((0, 0, 0, 1, 2))):
                world.memory[i][at // 4] = rng.choice(spoilt[at])
        verdicts = {end.pair() for end in world.ends}
        expect(len(verdicts) == 1, f"one takes them: {bytes(world.memory[0].cast('B')[:0x70]).hex()}"
                                   f" {bytes(world.memory[1].cast('B')[:0x70]).hex()}")
        counts[verdicts.pop()] += 1
    expect(min(counts) > 500, f"{counts[1]} were taken")


def outcome(act, *args):
    try:
        return act(*args)
    except pvi_ring.Over:
        return "over"
    except pvi_ring.Broken:
        return "broken"


def which_lives(library):
    """Both do the same, whatever the peer's life is."""
    rng, fds = random.Random(2), section.make(SIDES)
    page, header = Page(fds, 0, lambda gsi: True), Header(library, fds, 0, lambda gsi: True)
    peer = memoryview(mmap.mmap(fds[1], 0)).cast("I")
    for _ in range(4000):
        state, session, follows = rng.randrange(4), rng.choice((1, 2, 0x7FFF)), rng.choice((1, 7, 0x7FFF))
        follows = follows if state >= pvi_ring.READY else 0
        life = state | session << 2 | follows << 17
        page.link.life, page.link.follows, page.link.use = life, follows, 2
        library.side_live(header.side, life, 2)
        theirs, us = rng.choice((0, 1, 7, 0x7FFF)), rng.choice((0, 1, 2, 7, 0x7FFF))
        peer[0x80 // 4] = rng.randrange(4) | theirs << 2 | us << 17
        peer[0x84 // 4] = rng.choice((0, 1, 2, 5, 6, MASK))
        first, second = outcome(page.look_once), outcome(header.look_once)
        expect((first, page.life) == (second, header.life),
               f"{life:#x} that sees {peer[0x80 // 4]:#x}: {first}, {page.life:#x}; {second}, {header.life:#x}")


def which_wakes(library):
    """Both ring for the same, across 2^32 as elsewhere."""
    rng = random.Random(3)
    for _ in range(8000):
        old = rng.choice((0, 8, 64, MASK - 7, 1 << 31, rng.randrange(1 << 29) * 8))
        new = old + 8 * rng.choice((0, 0, 1, 2, 9, 1000)) & MASK
        indexes = (old - 8, old, old + 8, new - 8, new)
        wake = rng.choice((0, 1, 2, 3, 6, rng.randrange(MASK), *(index & MASK | 1 for index in indexes)))
        first, second = pvi_ring.wants_ring(wake, old, new), bool(library.side_wants(wake, old, new))
        expect(first == second, f"wake {wake:#x}, {old:#x} to {new:#x}: {first}, {second}")


def any_length(rng):
    pad = pvi_ring.PAD
    return rng.choice((0, 1, 8, 20, 100, 1000, 2040, 8184, pad, pad, pad, 0xFFFFFFF1, 0xFFFFFFF8))


def run_alike(library, page, header, peer, index):
    """Both are in the same session, in which so much has been sent and received, and see nothing more."""
    life = pvi_ring.RUN | 1 << 2 | 7 << 17
    page.link.life, page.link.follows, page.link.queues = life, 7, 1
    library.side_live(header.side, life, 1)
    peer[0x80 // 4] = pvi_ring.RUN | 7 << 2 | 1 << 17
    for end in page, header:
        end.open()
        end.move(0, index, index)
    peer[0x100 // 4] = peer[0x180 // 4] = index


def which_messages(library):
    """Both receive the same, or find the same rule broken, whatever the peer stores."""
    rng, fds = random.Random(4), section.make(SIDES)
    page, header = Page(fds, 0, lambda gsi: True), Header(library, fds, 0, lambda gsi: True)
    peer, side = memoryview(mmap.mmap(fds[1], 0)).cast("I"), SIDES[1]
    counts = collections.Counter()
    for _ in range(1500):
        run_alike(library, page, header, peer, rng.choice((0, MASK - 4095, MASK - 63, 8 * rng.randrange(2048))))
        result = None
        while result not in ("over", "broken") and rng.random() > 0.05:
            cons, length = page.rx[0].cons, any_length(rng)
            left = side.data_size - cons % side.data_size
            peer[(side.data_offset + cons % side.data_size) // 4] = length
            peer[0x100 // 4] = cons + rng.choice((0, 8, 16, 24, (length + 15) // 8 * 8, left, left + 16, side.data_size,
                                                  side.data_size + 8, -8, 12)) & MASK
            peer[0x80 // 4] ^= rng.choice((0,) * 20 + (1, 2, 4, 1 << 17))
            result, other = outcome(page.receive, 0), outcome(header.receive, 0)
            expect(result == other, f"{length:#x} at {cons:#x} of {peer[0x100 // 4]:#x}: {result}, {other}")
            if result is None:
                result, other = outcome(page.sleep_data, 0, 16, False), outcome(header.sleep_data, 0, 16, False)
                expect(result == other, f"{peer[0x100 // 4]:#x} with {cons:#x} received: {result}, {other}")
            counts[result if isinstance(result, str) else "none" if isinstance(result, bool) else "message"] += 1
    expect(len(counts) == 4 and min(counts.values()) > 100, f"{counts}")


def which_room(library):
    """Both send the same, or find the same rule broken, whatever the peer says that it has received."""
    rng, fds = random.Random(5), section.make(SIDES)
    page, header = Page(fds, 0, lambda gsi: True), Header(library, fds, 0, lambda gsi: True)
    peer, own = memoryview(mmap.mmap(fds[1], 0)).cast("I"), page.own[SIDES[0].data_offset:]
    counts = collections.Counter()
    for _ in range(1000):
        run_alike(library, page, header, peer, rng.choice((0, MASK - 4095, MASK - 63, 8 * rng.randrange(2048))))
        result = None
        while result not in ("over", "broken") and rng.random() > 0.05:
            tx, message = page.tx[0], rng.randbytes(rng.choice((0, 8, 100, 1000, 2040)))
            indexes = (tx.cons, tx.prod) * 8 + (tx.cons + 8, tx.prod + 8, tx.cons - 8, tx.cons | 4)
            peer[0x180 // 4] = rng.choice(indexes) & MASK
            result, other = outcome(page.sleep_room, 0, 2040, False), outcome(header.sleep_room, 0, 2040, False)
            expect(result == other, f"{peer[0x180 // 4]:#x} with {tx.prod:#x} sent: {result}, {other}")
            if not isinstance(result, str):
                result, bytes_now = page.send(0, message), bytes(own[:SIDES[0].data_size])
                expect(result == header.send(0, message), f"one has room for {len(message)} bytes")
                expect(bytes_now == own[:SIDES[0].data_size], f"another message is written at {tx.prod:#x}")
            counts[result] += 1
    expect(len(counts) == 3 and min(counts.values()) > 100, f"{counts}")


def sleepers(library, sender, waits_for, unreceived):
    """Whether the sender of a longest message sleeps, as the receiver does that has so few bytes; neither is rung."""
    size = 4096
    world = World(library, 0, None, [section.Side(queues=1, data_size=size, gsi=7 + i, gsis=1) for i in range(2)])
    for i in range(2):
        world.start(i, 1)
    world.meet((1, 1))
    begin = size // 2 + 8 - unreceived
    world.ends[sender].move(0, begin, 0)
    world.ends[1 - sender].move(0, 0, begin)
    for _ in range(unreceived // 8):
        expect(world.ends[sender].send(0, b""), "no room for an empty message")
    world.ends[sender].publish(0)
    expect(world.ends[1 - sender].sleep_data(0, waits_for, False), "the receiver has enough")
    message = bytes(size // 2 - 8)
    sleeps = not world.ends[sender].send(0, message) and world.ends[sender].sleep_room(0, len(message), False)
    expect(not sleeps or not world.rung, "there was a ring")
    return sleeps


def both_sleep(library):
    """Where a receiver waits for more than 16 bytes, and only there."""
    for sender in range(2):
        expect(not sleepers(library, sender, 8, 0), "a sender sleeps, and nothing is to be received")
        expect(not sleepers(library, sender, 16, 8), "both sleep, and the receiver would be woken by 16 bytes")
        expect(sleepers(library, sender, 24, 16), "the receiver needs no timer to wait for 24 bytes")


def lose(world, i, use):
    """Side @i sends something and begins a session. The other one receives nothing more in that of before."""
    world.show(1 - i, 0, world.ends[1 - i].release, CONS, ROOM_WAKE)
    expect(world.ends[i].send(0, b"lost"), "no room in an empty ring")
    world.show(i, 0, world.ends[i].publish, PROD, DATA_WAKE)
    world.rung = []
    world.start(i, use)
    try:
        world.ends[1 - i].receive(0)
    except pvi_ring.Over:
        return
    raise Failure("the session goes on")


def talk(library, python, wake, seed):
    """Messages of some laps each way, then in sessions that either side begins, where rings are refused for now."""
    world = World(library, python, random.Random(seed))
    least, always = WAKES[wake]
    uses = [side.queues for side in SIDES]
    for i in range(2):
        world.start(i, uses[i])
    world.meet(uses)
    for lap in range(1, LAST_LAP + 1):
        world.move(BEFORE_WRAP if lap < LAST_LAP else 8 * EMPTY)
        Flow(world, QUEUES, least, always, any_messages if lap < LAST_LAP else empty_messages).run()
        for i, n in ((i, n) for i in range(2) for n in range(QUEUES)):
            expect(world.word(i, n, LAPS) == lap, f"{world.word(i, n, LAPS)} laps of queue {n} of side {i}, not {lap}")
    world.refuse = REFUSED
    for i, use in (0, 2), (1, 1), (0, 3):
        lose(world, i, use)
        uses[i] = use
        world.meet(uses)
        Flow(world, min(uses), least, always, any_messages).run()
    expect(world.refused, "no ring was refused")
    totals["rings"] += world.rings
    totals["refused"] += world.refused


def all_is_tried(_library):
    """None of it was for nothing."""
    expect(totals["waits for a ring that was owed"], "nobody has waited for a ring that was refused")


def load(path):
    library = ctypes.CDLL(path)
    library.side_new.restype = ctypes.c_void_p
    for name in "life", "open", "gsi", "error":
        getattr(library, "side_" + name).restype = ctypes.c_uint32
    u32, side = ctypes.c_uint32, ctypes.c_void_p
    for name, kinds in {"pair": [side], "start": [side, u32], "step": [side], "life": [side], "live": [side, u32, u32],
                        "open": [side], "move": [side, u32, u32, u32], "gsi": [side, u32], "error": [side, u32],
                        "send": [side, u32, ctypes.c_char_p, u32], "publish": [side, u32],
                        "receive": [side, u32, ctypes.c_char_p, u32], "release": [side, u32],
                        "arm_tx": [side, u32, u32, ctypes.c_int], "arm_rx": [side, u32, u32, ctypes.c_int],
                        "wants": [u32, u32, u32]}.items():
        getattr(library, "side_" + name).argtypes = kinds
    return library


def main():
    library = load(sys.argv[1])
    points = [("which sections are a link", which_sections), ("what a look at any life does", which_lives),
              ("what is received, and what breaks a rule", which_messages), ("what is sent", which_room),
              ("when an index has the peer rung", which_wakes), ("when both sleep for ever", both_sleep)]
    for seed, (python, wake) in enumerate((python, wake) for python in range(2) for wake in WAKES):
        points.append((f"side {python} is Python, sleepers wake by {wake}",
                       lambda library, args=(python, wake, seed): talk(library, *args)))
    points.append(("rings that were owed were needed", all_is_tried))
    failed = 0
    print(f"TAP version 13\n1..{len(points)}")
    for nr, (name, point) in enumerate(points, 1):
        try:
            point(library)
            print(f"ok {nr} - {name}", flush=True)
        except (Failure, pvi_ring.Over, pvi_ring.Broken) as error:
            failed += 1
            print(f"not ok {nr} - {name}\n#   {type(error).__name__}: {error}", flush=True)
    print("# " + ", ".join(f"{count} {what}" for what, count in totals.items()))
    sys.exit(failed != 0)


main()
