# SPDX-License-Identifier: GPL-2.0
"""
The two sections of a link, as who makes one writes them: sections 1 and 2 of
Documentation/virt/kvm/pvi/ring.rst.
"""
import os
from typing import NamedTuple

PAGE = 4096
SECRET = bytes(range(0x51, 0x61))


class Side(NamedTuple):
    """What a side has of its own; its peer rings it by @gsis from @gsi on."""
    queues: int
    data_size: int
    gsi: int
    gsis: int

    @property
    def data_offset(self):
        return 0x100 + 256 * self.queues

    def gsi_of(self, n):
        return self.gsi + n % self.gsis

    def queues_of(self, gsi):
        return [n for n in range(self.queues) if self.gsi_of(n) == gsi]


def head(sides, i):
    """What the section of side @i begins with."""
    own, peer = sides[i], sides[1 - i]
    numbers = {0x08: 1, 0x0C: 3, 0x40: own.gsi, 0x44: own.gsis, 0x48: peer.gsi, 0x4C: peer.gsis, 0x50: own.queues,
               0x54: own.data_offset, 0x58: own.data_size, 0x5C: i}
    result = bytearray(0x100)
    result[0x00:0x08] = b"XPVIRING"
    result[0x10:0x20] = bytes(range(16))
    result[0x20:0x30] = bytes([0xA0 + i] * 16)
    result[0x30:0x40] = bytes([0xA1 - i] * 16)
    result[0x60:0x70] = SECRET
    for at, value in numbers.items():
        result[at:at + 4] = value.to_bytes(4, "little")
    return result


def make(sides):
    """The descriptors of both, of whole pages."""
    fds = []
    for i, side in enumerate(sides):
        fds.append(os.memfd_create(f"side{i}", 0))
        size = side.data_offset + side.queues * side.data_size
        os.truncate(fds[i], (size + PAGE - 1) // PAGE * PAGE)
        os.pwrite(fds[i], head(sides, i), 0)
    return fds
