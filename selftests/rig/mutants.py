#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The lists of mutants, for mutants.sh, mutants-guests.sh and userspace.sh.

mutants.py LIST names            their names, a line each
mutants.py LIST runs [NAME...]   NAME TEST CASE..., a line for each test of each, or of these
mutants.py LIST what NAME        what is wrong with it
mutants.py LIST files NAME       where, a line each
mutants.py LIST generate N SEED DIR FILES TEST...   write N standard mistakes, chosen by the seed, in FILES of
                                 DIR, words of one argument, to LIST: each of the tests may notice them
mutants.py LIST reason NAME      why the tests do not notice this standard mistake; LIST has "NAME: REASON" in each line
mutants.py LIST reasons DIR      fail unless each that has a reason is one that can be made in the sources in DIR
mutants.py LIST apply NAME DIR   make its mistake in the sources under DIR
mutants.py LIST check DIR TESTS  fail unless each can be made in the sources under DIR, and TESTS has the
                                 tests and cases that are to notice it; makes none
"""
import collections
import pathlib
import random
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


def cases_of(test):
    """Of a test in C the names in its tables, of a script what it has run_tests run; None: there is no such test."""
    if test.with_suffix(".c").exists():
        return re.findall(r'\{ "(\w+)"', test.with_suffix(".c").read_text())
    if test.with_suffix(".sh").exists():
        lists = re.findall(r"^\s*run_tests ((?:.*\\\n)*.*)", test.with_suffix(".sh").read_text(), re.M)
        return re.findall(r"\w+", " ".join(lists))
    return None


def check_tests(mutant, tests):
    for line in mutant.tests:
        test, *cases = line.split()
        known = cases_of(tests / test)
        if known is None:
            fail(f"{mutant.name}: there is no {test} in {tests}")
        for case in cases:
            if case not in known:
                fail(f"{mutant.name}: {test} has no case {case}")


# What, in one word, in which lines, instead of what
RULES = [
    ("a call is left out", "left_out", r"^\t+(?!return|lockdep_|trace_|seq_|smp_|synchronize_rcu)\w+\(.*\);$",
     r".*", "\t;"),
    ("a condition is the other one", "other", r"^\t+(?:\} else )?if \(.*\)(?: \{)?$", r"if \((.*)\)", r"if (!(\1))"),
    ("a barrier is none", "none", r"^\t+(smp_mb\w*|synchronize_rcu)\(\);$", r".*", "\t;"),
    ("a store is no release", "no_release", r"smp_store_release\(", r"smp_store_release\(", "WRITE_ONCE_OF("),
    ("one more or less", "or_equal", r" [<>] ", r" ([<>]) ", r" \1= "),
    ("one more or less", "not_equal", r" [<>]= ", r" ([<>])= ", r" \1 "),
]
NAME_MAX = 100


def candidates(directory, files):
    """Each line that a rule changes, with as many before it as make it stand once in its file.

    A name tells of file, function, text and rule, and says which one where these are the same: it stays when
    other lines change."""
    for file in files:
        lines = (directory / file).read_text().split("\n")
        text = "\n".join(lines)
        function, times = "", collections.Counter()
        for at, line in enumerate(lines):
            if re.match(r"[a-z].*\b\w+\(", line) and not line.endswith(";"):
                function = re.search(r"\b(\w+)\(", line)[1]
            if line.startswith((" *", "/*", "#")) or "/*" in line:
                continue
            for what, word, where, old, new in RULES:
                if not re.search(where, line):
                    continue
                start = at
                while text.count("\n".join(lines[start:at + 1]) + "\n") > 1 and start:
                    start -= 1
                # WRITE_ONCE() takes no pointer.
                changed = re.sub(r"WRITE_ONCE_OF\(&?", "WRITE_ONCE(", re.sub(old, new, line, count=1))
                name = "_".join(re.findall(r"[a-zA-Z0-9]+", f"{file[:-2]} {function} {line}"))[:NAME_MAX] + f"_{word}"
                times[name] += 1
                if times[name] > 1:
                    name += f"_{times[name]}"
                yield name, f"{file}:{at + 1}: {what}", file, lines[start:at + 1], lines[start:at] + [changed]


def generate(path, number, seed, directory, files, *tests):
    chosen = list(candidates(pathlib.Path(directory), files.split()))
    random.Random(seed).shuffle(chosen)
    with path.open("w") as out:
        for name, what, file, old, new in chosen[:int(number)]:
            print(f"@ {name}: {what}", file=out)
            for test in tests:
                print(f"? {test}", file=out)
            print(f"< {file}", *(f"-{line}" for line in old), *(f"+{line}" for line in new), "", sep="\n", file=out)


def reasons(path):
    """Why it is not noticed, by the name of the mistake."""
    found = {}
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if line and not line.startswith("#"):
            name, _, reason = line.partition(": ")
            if not reason or name in found:
                fail(f"{path}:{number}: a line has the name of a mistake, once, and a reason")
            found[name] = reason
    return found


def check_reasons(path, directory):
    known = {name for name, *_ in candidates(directory, sorted(file.name for file in directory.glob("*.c")))}
    gone = set(reasons(path)) - known
    if gone:
        fail(f"{path}: no such mistake can be made: {' '.join(sorted(gone))}")


def main():
    path, command = pathlib.Path(sys.argv[1]), sys.argv[2]
    if command == "generate":
        generate(path, *sys.argv[3:])
        return
    if command == "reason":
        print(reasons(path).get(sys.argv[3], ""))
        return
    if command == "reasons":
        check_reasons(path, pathlib.Path(sys.argv[3]))
        return
    mutants = parse(path)
    if command == "names":
        print(*mutants, sep="\n")
    elif command == "runs":
        for name in sys.argv[3:] or mutants:
            for test in mutants[name].tests:
                print(name, test)
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
