#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The list of mutants, for mutants.sh.

mutants.py LIST names            their names, a line each
mutants.py LIST runs             NAME TEST CASE..., a line for each test of each
mutants.py LIST what NAME        what is wrong with it
mutants.py LIST files NAME       where, a line each
mutants.py LIST apply NAME DIR   make its mistake in the sources under DIR
mutants.py LIST check DIR TESTS  fail unless each can be made in the sources under DIR, and TESTS has the
                                 tests and cases that are to notice it; makes none
"""
import pathlib
import re
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


def mistaken(mutant, directory):
    """What the files that it changes are with it, by name."""
    texts = {}
    for file, old, new in mutant.changes:
        text = texts.get(file) or (directory / file).read_text()
        if text.count(old) != 1:
            fail(f"{mutant.name}: what is to be changed stands {text.count(old)} times in {file}:\n{old}")
        texts[file] = text.replace(old, new)
    return texts


def apply(mutant, directory):
    for file, text in mistaken(mutant, directory).items():
        (directory / file).write_text(text)


def check_tests(mutant, tests):
    for line in mutant.tests:
        test, *cases = line.split()
        source = tests / f"{test}.c"
        if not source.exists():
            fail(f"{mutant.name}: there is no {source}")
        known = re.findall(r'\{ "(\w+)"', source.read_text())
        for case in cases:
            if case not in known:
                fail(f"{mutant.name}: {test} has no case {case}")


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
    elif command == "files":
        print(*sorted({change[0] for change in mutants[sys.argv[3]].changes}), sep="\n")
    elif command == "apply":
        apply(mutants[sys.argv[3]], pathlib.Path(sys.argv[4]))
    elif command == "check":
        for mutant in mutants.values():
            mistaken(mutant, pathlib.Path(sys.argv[3]))
            check_tests(mutant, pathlib.Path(sys.argv[4]))


main()
