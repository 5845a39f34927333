#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""coverage.py JSON PREFIX LEAST [REASONS] - the table of coverage.sh, from what gcov has written

Of what coverage.sh has added, merge.c, nothing is said. A line counts once, wherever it was inlined, and so does each
of its branches, by its place on the line. Prints a row for each file below PREFIX, the sums, and by function the lines
that were never reached, and fails where less than LEAST percent of lines were. With REASONS each of these needs a reason
there: "FILE FUNCTION: REASON" on a line, * for anything in both names.
"""
import collections
import fnmatch
import json
import os
import sys

lines = collections.defaultdict(dict)
branches = collections.defaultdict(dict)
functions = collections.defaultdict(dict)
prefix = sys.argv[2]

for text in open(sys.argv[1]):
    document = json.loads(text)
    for file in document["files"]:
        path = os.path.normpath(os.path.join(document["current_working_directory"], file["file"]))
        if not path.startswith(prefix):
            continue
        name = path[len(prefix):]
        if name.endswith("/merge.c"):
            continue
        for line in file["lines"]:
            number = line["line_number"]
            lines[name][number] = lines[name].get(number, 0) + line["count"]
            functions[name][number] = line.get("function_name", "-")
            for place, branch in enumerate(line["branches"]):
                key = number, place
                branches[name][key] = branches[name].get(key, 0) + branch["count"]


def reached(counts):
    return sum(count > 0 for count in counts.values())


def row(name, *pairs):
    print(f"{name:28}" + "".join(f"{done:7} of {of:5} {100 * done / max(of, 1):6.1f} %" for done, of in pairs))


total = [[0, 0], [0, 0]]
print(f"{'file':28}{'lines':>15}{'branches':>24}")
for name in sorted(lines):
    pairs = [(reached(counts[name]), len(counts[name])) for counts in (lines, branches)]
    row(name, *pairs)
    for total_pair, pair in zip(total, pairs):
        total_pair[0] += pair[0]
        total_pair[1] += pair[1]
row("all", *total)


def reasons_read(path):
    """(file, function, reason) of each line that is no comment."""
    found = []
    for text in open(path):
        if text.strip() and not text.startswith("#"):
            where, reason = text.strip().split(": ", 1)
            found.append((*where.split(), reason))
    return found


def reason_of(name, function):
    for file, pattern, reason in reasons:
        if fnmatch.fnmatch(name, file) and fnmatch.fnmatch(function, pattern):
            return reason
    return None


reasons = reasons_read(sys.argv[4]) if len(sys.argv) > 4 else None
missed = collections.defaultdict(list)
for name in sorted(lines):
    for number in sorted(lines[name]):
        if not lines[name][number]:
            missed[name, functions[name][number]].append(number)
without = 0
for (name, function), numbers in missed.items():
    why = ""
    if reasons is not None:
        reason = reason_of(name, function)
        without += not reason
        why = f": {reason or 'NO REASON'}"
    print(f"not reached: {name} {function} {','.join(map(str, numbers))}{why}")
if 100 * total[0][0] < float(sys.argv[3]) * total[0][1]:
    sys.exit(f"less than {sys.argv[3]} % of lines are reached")
if without:
    sys.exit(f"{without} functions have lines that are not reached, and no reason for it: selftests/coverage/reasons")
