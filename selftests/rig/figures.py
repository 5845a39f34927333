#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The figures of testing.rst: a table, written from what the long commands have left behind when they last ran.

figures.py write RESULTS PAGE   replace the table by one of the files in RESULTS, that common.sh's remember() has written:
                                a line with date and tree, and one for each part, "PART PASSED OF DID" between tabs;
                                a file's name ends at its first dot. Rows of parts of which there is no file stay,
                                with their date and tree: each may have run on another machine
figures.py check PAGE           fail unless the table is as "write" would have it, and of commits that are there
"""
import collections
import datetime
import pathlib
import re
import shutil
import subprocess
import sys

BEGIN = ".. What follows is written by make figures.\n\n"
END = "\n.. That was written by make figures.\n"
HEADS = ("make", "part", "passed", "it said", "date", "tree")
# What the table has a row of in any case
COMMANDS = ("oracle", "races", "faults", "fuzz", "mutants", "mutants-guests", "coverage", "userspace", "userspace-mutants",
            "ring-mutants", "ring-fuzz", "ring-long", "static", "limits", "check-all")
NOBODY = "nobody has measured it"


def results(directory):
    """The rows of each command, by its name."""
    found = collections.defaultdict(list)
    for path in sorted(directory.iterdir()) if directory.is_dir() else []:
        (date, tree), *parts = [line.split("\t") for line in path.read_text().splitlines()]
        sums = {}
        for part, passed, of, said in parts:
            row = sums.setdefault(part, [0, 0, ""])
            sums[part] = [row[0] + int(passed), row[1] + int(of), said or row[2]]
        command = path.name.split(".")[0]
        found[command] += [(command, part, f"{passed} of {of}", said or "\\", date, tree)
                           for part, (passed, of, said) in sums.items()]
    return found


def rows_of(found):
    for command in (*COMMANDS, *sorted(set(found) - set(COMMANDS))):
        yield from found.get(command) or [(command, "\\", "\\", NOBODY, "\\", "\\")]


def rendered(rows):
    rows = list(rows)
    widths = [max(len(row[i]) for row in [HEADS, *rows]) for i in range(len(HEADS))]
    rule = "  ".join("=" * width for width in widths)
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in [HEADS, *rows]]
    return "".join(f"  {line}\n" for line in [rule, lines[0], rule, *lines[1:], rule])


def split(page):
    """What stands before the table, the table, and what stands behind it."""
    text = page.read_text()
    before, begin, rest = text.partition(BEGIN)
    table, end, after = rest.partition(END)
    if not begin or not end:
        sys.exit(f"{page}: the lines are gone between which the table stands")
    return before + begin, table, end + after


def parsed(table):
    lines = table.splitlines()
    starts = [match.start() for match in re.finditer("=+", lines[0])] if lines else []
    if len(starts) != len(HEADS):
        sys.exit("the table has not the columns that make figures writes")
    for line in lines[3:-1]:
        yield tuple(line[start:end].strip() for start, end in zip(starts, starts[1:] + [None]))


def is_commit(tree):
    """Where the history is at hand, it knows."""
    if not shutil.which("git"):
        return True
    shallow = subprocess.run(["git", "rev-parse", "--is-shallow-repository"], capture_output=True, text=True, check=False)
    if shallow.stdout.strip() != "false":
        return True
    return not subprocess.run(["git", "cat-file", "-e", tree + "^{commit}"], capture_output=True, check=False).returncode


def check(page):
    _, table, _ = split(page)
    rows = list(parsed(table))
    if rendered(rows) != table:
        sys.exit(f"{page}: the table is not as make figures writes it")
    missing = set(COMMANDS) - {row[0] for row in rows}
    if missing:
        sys.exit(f"{page}: no row of {', '.join(sorted(missing))}")
    for row in rows:
        _, _, passed, said, date, tree = row
        if row[1:] == ("\\", "\\", NOBODY, "\\", "\\"):
            continue
        datetime.date.fromisoformat(date)
        if not said or not re.fullmatch(r"\d+ of \d+", passed) or not re.fullmatch("[0-9a-f]{7,40}", tree) \
                or not is_commit(tree):
            sys.exit(f"{page}: this is nothing that was measured: {'  '.join(row)}")


def main():
    if sys.argv[1] == "write":
        page = pathlib.Path(sys.argv[3])
        before, table, after = split(page)
        found = results(pathlib.Path(sys.argv[2]))
        new = {row[:2] for rows in found.values() for row in rows}
        for row in parsed(table):
            if NOBODY not in row and row[:2] not in new:
                found[row[0]].append(row)
        page.write_text(before + rendered(rows_of(found)) + after)
    else:
        check(pathlib.Path(sys.argv[2]))


main()
