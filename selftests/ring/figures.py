#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""
figures.py COUNT [MOST] - what a message costs in both layouts, as a table of reStructuredText. With
MOST only whether a message of 64 bytes in a burst costs more instructions than that.

COUNT is the program made of count.c. Valgrind's lackey writes down each instruction and each access;
two runs, one with twice as many messages, are subtracted from each other. Accesses to the sections
go through a model of two caches without limits, one a side: a line that a side loads or stores and
that the other one has stored last comes from there ("moved"); a store to a line of which the other
side has a copy takes that away ("taken").
"""
import re
import subprocess
import sys

ACCESS = re.compile(r"^(I | L| S| M) ?\s*([0-9a-f]+),(\d+)$")
# Bursts, bytes, messages: so many that all of the data was written before they are counted
CASES = [(1, 64, 2560), (64, 64, 2560), (64, 1448, 1280)]


class Lines:
    """The lines of both sections: who has a copy."""

    def __init__(self, ranges):
        self.ranges = ranges
        self.holders = {}
        self.moved = self.taken = 0

    def access(self, side, store, address, size):
        if not any(start <= address < start + length for start, length in self.ranges):
            return
        for line in range(address >> 6, (address + size - 1 >> 6) + 1):
            holders = self.holders.setdefault(line, {side})
            if side not in holders:
                self.moved += 1
            if store:
                self.taken += len(holders - {side})
                self.holders[line] = {side}
            else:
                holders.add(side)


def run(count, layout, messages, burst, length):
    """Instructions of each side, lines moved, lines taken."""
    process = subprocess.Popen(
        ["valgrind", "-q", "--tool=lackey", "--basic-counts=no", "--trace-mem=yes", count, layout,
         str(messages), str(burst), str(length)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    side, instructions, lines, marks = None, [0, 0], None, ()
    for text in process.stdout:
        match = ACCESS.match(text.rstrip("\n"))
        if not match:
            if lines is None and text.startswith("0x"):
                own, peer, size, first, second = text.split()
                lines = Lines([(int(own, 16), int(size)), (int(peer, 16), int(size))])
                marks = (int(first, 16), int(second, 16))
            continue
        kind, address, size = match[1].strip(), int(match[2], 16), int(match[3])
        if kind == "I":
            if side is not None:
                instructions[side] += 1
            continue
        if address in marks and kind == "S":
            side = marks.index(address)
        elif side is not None:
            lines.access(side, kind in "SM", address, size)
            if kind == "M":
                lines.access(side, True, address, size)
    if process.wait():
        sys.exit(f"figures.py: {count} {layout} ended with {process.returncode}")
    return (*instructions, lines.moved, lines.taken)


def measure(count, layout, messages, burst, length):
    once = run(count, layout, messages, burst, length)
    twice = run(count, layout, 2 * messages, burst, length)
    return [(b - a) / messages for a, b in zip(once, twice)]


def check(count, most):
    sender, receiver, *_ = measure(count, "ring", 640, 64, 64)
    print(f"# {sender:.1f} instructions of the sender, {receiver:.1f} of the receiver")
    sys.exit(sender + receiver > most)


def main():
    count = sys.argv[1]
    if len(sys.argv) > 2:
        check(count, float(sys.argv[2]))
    rule = "  " + "  ".join("=" * width for width in (6, 5, 5, 6, 8, 4, 5, 5))
    print(rule)
    print("  layout  bytes  burst  sender  receiver  both  moved  taken")
    print(rule)
    for burst, length, messages in CASES:
        for layout in "ring", "split":
            sender, receiver, moved, taken = measure(count, layout, messages, burst, length)
            print(f"  {layout:6}  {length:5}  {burst:5}  {sender:6.1f}  {receiver:8.1f}"
                  f"  {sender + receiver:4.0f}  {moved:5.2f}  {taken:5.2f}")
    print(rule)


main()
