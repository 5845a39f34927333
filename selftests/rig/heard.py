#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""heard.py OUTPUT DIRECTORY - make files of counters for gcov, below DIRECTORY, of what guests have told

OUTPUT has lines of coverage/counters.c, "tell": of each object what it consists of, and of each module what was
counted since it last told, which is added up over all guests. Other lines are not looked at. Behind those of a guest stands
"counted-end": the line before that may be broken, for a guest may be killed. No other may be.
"""
import collections
import pathlib
import struct
import sys

objects = {}  # by module and name: where its counters begin, its header, its functions
counters = collections.Counter()  # by module and place


def is_whole(words):
    return len(words) > 2 and all(c in "0123456789abcdef" for c in words[-1]) \
        and int(words[-1], 16) == sum(":" in word for word in words)


def take(words):
    kind, module = words[:2]
    if kind == "counted":
        for word in words[2:-1]:
            at, more = word.split(":")
            counters[module, int(at, 16)] += int(more, 16)
    else:
        at, name, *header = words[2:7]
        functions = [[int(number, 16) for number in word.replace(":", ",").split(",")] for word in words[7:-1]]
        objects[module, name] = int(at, 16), [int(word, 16) for word in header], functions


def hear(path):
    broken = None
    for text in path.open(errors="replace"):
        if not text.startswith(("counted", "object ")):
            continue
        if text.strip() == "counted-end":
            broken = None
            continue
        if broken:
            sys.exit(f"heard.py: a line is broken, and not the last of its guest's: {broken[:200]!r}")
        words = text.split()
        if text.endswith("\n") and is_whole(words):
            take(words)
        else:
            broken = text


def gcda(module, at, header, functions):
    yield struct.pack("<4I", 0x67636461, *header)
    for ident, lineno, cfg, nr in functions:
        yield struct.pack("<7I", 0x01000000, 12, ident, lineno, cfg, 0x01a10000, 8 * nr)
        yield struct.pack(f"<{nr}Q", *(counters[module, at + i] for i in range(nr)))
        at += nr


def main():
    hear(pathlib.Path(sys.argv[1]))
    directory = pathlib.Path(sys.argv[2]).resolve()
    for (module, name), (at, header, functions) in objects.items():
        path = pathlib.Path(name)
        if directory not in path.parents or ".." in path.parts:
            sys.exit(f"heard.py: what is {name}?")
        path.write_bytes(b"".join(gcda(module, at, header, functions)))


main()
