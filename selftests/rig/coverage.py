#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""coverage.py JSON PREFIX [LEAST] - the table of coverage.sh, from what gcov has written

Of what coverage.sh has added, merge.c, nothing is said. A line counts once, wherever it was inlined, and so does each of its branches, by its place on the line.
Prints a row for each file below PREFIX, the sums, and the lines that were never reached; fails where
less than LEAST percent of lines were.
"""
import collections
import json
import os
import sys

lines = collections.defaultdict(dict)
branches = collections.defaultdict(dict)
prefix = sys.argv[2]

for text in open(sys.argv[1]):
    document = json.loads(text)
    for file in document["files"]:
        path = os.path.normpath(os.path.join(document["current_working_directory"], file["file"]))
        if not path.startswith(prefix):
            continue
        name = path[len(prefix):]
        if name == "host/merge.c":
            continue
        for line in file["lines"]:
            number = line["line_number"]
            lines[name][number] = lines[name].get(number, 0) + line["count"]
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
for name in sorted(lines):
    for number in sorted(lines[name]):
        if not lines[name][number]:
            print(f"not reached: {name}:{number}")
if len(sys.argv) > 3 and 100 * total[0][0] < float(sys.argv[3]) * total[0][1]:
    sys.exit(f"less than {sys.argv[3]} % of lines are reached")
