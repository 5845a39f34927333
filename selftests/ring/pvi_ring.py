# SPDX-License-Identifier: GPL-2.0
"""
Rings as Documentation/virt/kvm/pvi/ring.rst has them, written from that page alone and not from
pvi_ring.h, to see whether it says all. "Section" numbers are those of the page.
"""
import threading

RESET, INIT, READY, RUN = range(4)
PAD = 0xFFFFFFFF
MASK = 0xFFFFFFFF
ALWAYS = 2

_lock = threading.Lock()


def full_barrier():
    """Taking a lock is a locked instruction."""
    with _lock:
        pass


class Broken(Exception):
    """The peer has broken the rules."""


class Over(Exception):
    """The session is over."""


class Section:
    """Section 2: the numbers below 0x70, loaded once and checked."""

    def __init__(self, memory):
        if len(memory) < 0x100:
            raise ValueError("not the sections of a link")
        self.bytes = memory
        self.words = memory.cast("I")
        head = bytes(memory[:0x70])
        self.link, self.owner, self.peer = head[0x10:0x20], head[0x20:0x30], head[0x30:0x40]
        self.secret = head[0x60:0x70]
        numbers = [int.from_bytes(head[i:i + 4], "little") for i in range(0, 0x60, 4)]
        version, self.kind = numbers[2:4]
        gsis, self.peer_gsi, self.peer_gsis = numbers[17:20]
        self.queues, self.data_offset, self.data_size, self.side = numbers[20:24]
        self.usable = (
            head[:8] == b"XPVIRING" and version == 1 and self.side in (0, 1)
            and gsis >= 1 and self.peer_gsis >= 1 and 1 <= self.queues <= 64
            and 4096 <= self.data_size <= 1 << 30 and self.data_size & (self.data_size - 1) == 0
            and self.data_offset % 64 == 0 and self.data_offset >= 0x100 + 256 * self.queues
            and self.data_offset + self.queues * self.data_size <= len(memory))

    def load(self, offset):
        return self.words[offset // 4]

    def store(self, offset, value):
        self.words[offset // 4] = value & MASK


def queue_at(n, offset):
    return 0x100 + 256 * n + offset


class Link:
    """Section 4: one side's life. make_ring(gsi) says whether that is done; False: it is refused for now."""

    def __init__(self, own, peer, make_ring):
        self.own, self.peer, self.make_ring = Section(own), Section(peer), make_ring
        if not (self.own.usable and self.peer.usable
                and self.own.kind == self.peer.kind and self.own.link == self.peer.link
                and self.own.secret == self.peer.secret and self.own.side != self.peer.side
                and self.own.owner == self.peer.peer
                and self.own.peer == self.peer.owner):
            raise ValueError("not the sections of a link")
        self.life = self.own.load(0x80)
        self.follows = self.queues = 0
        self.owed = set()

    @property
    def state(self):
        return self.life & 3

    @property
    def session(self):
        return self.life >> 2 & 0x7FFF

    def ring(self, queue=0):
        gsi = self.own.peer_gsi + queue % self.own.peer_gsis
        if not self.make_ring(gsi):
            self.owed.add(gsi)

    def ring_again(self):
        """By a timer, while any is owed."""
        owed, self.owed = self.owed, set()
        self.owed = {gsi for gsi in sorted(owed) if not self.make_ring(gsi)}

    def stop(self):
        session = self.session + 1 if self.session < 0x7FFF else 1
        self.life = RESET | session << 2
        self.own.store(0x80, self.life)

    def start(self, use, epoch=0):
        self.stop()
        self.use = min(use, self.own.queues)
        self.own.store(0x84, self.use)
        self.own.store(0x88, epoch)
        self.own.store(0x8C, epoch >> 32)
        for n in range(self.own.queues):
            for offset in 0x00, 0x04, 0x40, 0x80, 0xC0:
                self.own.store(queue_at(n, offset), 0)
        self.life |= INIT
        self.own.store(0x80, self.life)
        self.ring()

    def look_once(self):
        """Whether there was a change."""
        life = self.peer.load(0x80)
        state, session, follows = life & 3, life >> 2 & 0x7FFF, life >> 17
        if self.state == INIT:
            if not session or not (state == INIT or (state == READY and follows == self.session)):
                return False
            use = self.peer.load(0x84)
            if not 1 <= use <= self.peer.queues:
                return False
            self.queues = min(use, self.use)
            self.follows = session
            self.life = READY | self.session << 2 | session << 17
        elif self.state == READY:
            if session != self.follows:
                raise Over
            if state < READY or follows != self.session:
                return False
            self.life |= RUN
        elif self.state == RUN:
            if session != self.follows or follows != self.session:
                raise Over
            return False
        else:
            return False
        self.own.store(0x80, self.life)
        self.ring()
        return True

    def look(self):
        while self.look_once():
            pass

    def check_life(self):
        if self.peer.load(0x80) >> 2 != self.follows | self.session << 15:
            raise Over


def bytes_of(length):
    return (length + 15) // 8 * 8


def wants_ring(wake, old, new):
    """Section 6."""
    if wake & 1:
        return ((wake & ~7) - old) & MASK < (new - old) & MASK
    return wake != 0 and new != old


class Sender:
    """Sections 5 and 6, of queue n."""

    def __init__(self, link, n):
        self.link, self.n = link, n
        self.size = link.own.data_size
        self.data = link.own.data_offset + n * self.size
        self.prod = self.cons = self.published = self.laps = 0

    def see(self):
        cons = self.link.peer.load(queue_at(self.n, 0x80))
        self.link.check_life()
        if cons % 8 or (cons - self.cons) & MASK > (self.prod - self.cons) & MASK:
            raise Broken
        self.cons = cons

    def room(self):
        return self.size - ((self.prod - self.cons) & MASK)

    def needs(self, length):
        n, left = bytes_of(length), self.size - self.prod % self.size
        return n + left if n > left else n

    def send(self, message):
        """Whether there was room."""
        n, own = self.needs(len(message)), self.link.own
        if n > self.room():
            self.see()
            if n > self.room():
                return False
        at = self.data + self.prod % self.size
        if n != bytes_of(len(message)):
            own.store(at, PAD)
            at = self.data
        own.store(at, len(message))
        own.bytes[at + 8:at + 8 + len(message)] = message
        self.prod = (self.prod + n) & MASK
        return True

    def publish(self):
        if self.prod < self.published:
            self.laps += 1
            self.link.own.store(queue_at(self.n, 0x04), self.laps)
        self.link.own.store(queue_at(self.n, 0x00), self.prod)
        full_barrier()
        if wants_ring(self.link.peer.load(queue_at(self.n, 0xC0)), self.published, self.prod):
            self.link.ring(self.n)
        self.published = self.prod

    def sleep_by(self, wake):
        self.link.own.store(queue_at(self.n, 0x40), wake)
        full_barrier()
        self.see()

    def may_sleep(self, length, always=False):
        n = self.needs(length)
        self.sleep_by(ALWAYS if always else (self.prod + n - self.size - 8) & MASK | 1)
        return n > self.room()

    def may_sleep_until_received(self):
        self.sleep_by((self.prod - 8) & MASK | 1)
        return self.prod != self.cons


class Receiver:
    """Sections 5 and 6, of queue n."""

    def __init__(self, link, n):
        self.link, self.n = link, n
        self.size = link.peer.data_size
        self.data = link.peer.data_offset + n * self.size
        self.prod = self.cons = self.released = 0

    def see(self):
        prod = self.link.peer.load(queue_at(self.n, 0x00))
        self.link.check_life()
        if prod % 8 or (prod - self.prod) & MASK > (self.cons + self.size - self.prod) & MASK:
            raise Broken
        self.prod = prod

    def receive(self):
        """The next message or None."""
        peer = self.link.peer
        while True:
            if self.cons == self.prod:
                self.see()
                if self.cons == self.prod:
                    return None
            at = self.cons % self.size
            left = min((self.prod - self.cons) & MASK, self.size - at)
            length = peer.load(self.data + at)
            if length != PAD:
                break
            if not at or left != self.size - at:
                raise Broken
            self.cons = (self.cons + left) & MASK
        n = bytes_of(length)
        if n > left:
            raise Broken
        message = bytes(peer.bytes[self.data + at + 8:self.data + at + 8 + length])
        self.cons = (self.cons + n) & MASK
        return message

    def release(self):
        self.link.own.store(queue_at(self.n, 0x80), self.cons)
        full_barrier()
        if wants_ring(self.link.peer.load(queue_at(self.n, 0x40)), self.released, self.cons):
            self.link.ring(self.n)
        self.released = self.cons

    def may_sleep(self, least=8, always=False):
        """Until at least so many bytes are there."""
        self.link.own.store(queue_at(self.n, 0xC0), ALWAYS if always else (self.cons + least - 8) & MASK | 1)
        full_barrier()
        self.see()
        return (self.prod - self.cons) & MASK < least
