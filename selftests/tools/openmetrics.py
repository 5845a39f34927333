# SPDX-License-Identifier: GPL-2.0
"""openmetrics.py text|openmetrics FILE - whether FILE is what the format allows, in the order that it demands, and
no more than what we have: counters and gauges with help, no timestamps. Prints how many samples there are."""
import re, sys

LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
SAMPLE = re.compile(rf'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{{((?:{LABEL})(?:,{LABEL})*)\}})? (\d+(?:\.\d+)?)')
META = re.compile(r'# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)')

class Family:
    def __init__(self, name):
        self.name, self.type, self.labels, self.series = name, None, None, set()

def look_at_meta(line, family, names):
    m = META.fullmatch(line)
    assert m, f"neither HELP nor TYPE: {line!r}"
    if m[1] == "HELP":
        assert m[2] not in names, f"a second family {m[2]}"
        names.add(m[2])
        return Family(m[2])
    assert family and m[2] == family.name and not family.type and not family.series, f"out of order: {line!r}"
    assert m[3] in ("counter", "gauge"), line
    family.type = m[3]
    return family

def look_at_sample(line, family, newer):
    m = SAMPLE.fullmatch(line)
    assert m, f"no sample: {line!r}"
    assert family and family.type, f"before its TYPE: {line!r}"
    total = "_total" if newer and family.type == "counter" else ""
    assert m[1] == family.name + total, f"in the family {family.name}: {line!r}"
    assert (family.type == "counter") == m[1].endswith("_total"), line
    labels = re.findall(LABEL, m[2] or "")
    names = [label.split("=")[0] for label in labels]
    assert len(set(names)) == len(names), f"a label twice: {line!r}"
    assert family.labels in (None, names), f"other labels: {line!r}"
    assert tuple(labels) not in family.series, f"once more: {line!r}"
    family.labels = names
    family.series.add(tuple(labels))

def look_at(text, newer):
    assert text.endswith("\n"), "the last line has no end"
    assert "\r" not in text and "\0" not in text
    lines = text[:-1].split("\n")
    if newer:
        assert lines.pop() == "# EOF", "no EOF"
    family, names, nr = None, set(), 0
    for line in lines:
        assert line != "# EOF", "EOF is not the last line"
        if line.startswith("#"):
            family = look_at_meta(line, family, names)
        else:
            look_at_sample(line, family, newer)
            nr += 1
    return nr

print(look_at(open(sys.argv[2], encoding="utf-8", newline="").read(), sys.argv[1] == "openmetrics"))
