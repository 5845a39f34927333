#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The list of mutants, for mutants.sh.

mutants.py LIST names            their names, a line each
mutants.py LIST runs             NAME TEST CASE..., a line for each test of each
mutants.py LIST what NAME        what is wrong with it
mutants.py LIST apply NAME DIR   make its mistake in the sources under DIR
"""
import pathlib
import sys


class Mutant:
    def __init__(self, line):
        self.name, self.what = line.split(": ", 1)
        self.tests = []
        self.changes = []  # file, what stands there, what shall


def fail(message):
    sys.exit(f"mutants.py: {message}")


def parse(path):
    mutants, file, last = [], None, None
    for number, line in enumerate(path.read_text().splitlines(), 1):
        kind, rest = line[:1], line[2:]
        if kind == "@":
            mutants.append(Mutant(rest))
        elif kind == "?":
            mutants[-1].tests.append(rest)
        elif kind == "<":
            file = rest
        elif kind == "-":
            if last not in ("-",):
                mutants[-1].changes.append([file, "", ""])
            mutants[-1].changes[-1][1] += line[1:] + "\n"
        elif kind == "+":
            mutants[-1].changes[-1][2] += line[1:] + "\n"
        elif kind not in ("", "#"):
            fail(f"{path}:{number}: a line begins with '@', '?', '<', '-', '+' or '#'")
        last = kind
    for mutant in mutants:
        if not mutant.tests or not mutant.changes:
            fail(f"{mutant.name} has no test, or no change")
    return {mutant.name: mutant for mutant in mutants}


def apply(mutant, directory):
    for file, old, new in mutant.changes:
        source = directory / file
        text = source.read_text()
        if text.count(old) != 1:
            fail(f"{mutant.name}: what is to be changed stands {text.count(old)} times in {file}:\n{old}")
        source.write_text(text.replace(old, new))


def main():
    mutants = parse(pathlib.Path(sys.argv[1]))
    command = sys.argv[2]
    if command == "names":
        print(*mutants, sep="\n")
    elif command == "runs":
        for mutant in mutants.values():
            for test in mutant.tests:
                print(mutant.name, test)
    elif command == "what":
        print(mutants[sys.argv[3]].what)
    elif command == "apply":
        apply(mutants[sys.argv[3]], pathlib.Path(sys.argv[4]))


main()
