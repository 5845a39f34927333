#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""copyright.py FILE... - what debian/copyright says of each file is what its own SPDX line says. The last paragraph counts
that has a pattern for it."""
import fnmatch, re, sys

LICENSES = {
    "GPL-2.0": "GPL-2",
    "GPL-2.0-only": "GPL-2",
    "GPL-2.0-or-later": "GPL-2+",
    "GPL-2.0 OR MIT": "GPL-2 or Expat",
    "LGPL-2.1-or-later OR MIT": "LGPL-2.1+ or Expat",
    "((GPL-2.0 WITH Linux-syscall-note) OR MIT)": "GPL-2 with Linux-syscall-note or Expat",
}

paragraphs = []
for text in re.split(r"\n\n+", open("debian/copyright").read()):
    fields = dict(re.findall(r"^(\S+): *((?:.*\n?)(?:^[ \t].*\n?)*)", text, re.M))
    if "Files" in fields:
        paragraphs.append((fields["Files"].split(), fields["License"].split("\n")[0].strip()))

wrong = 0
for path in sys.argv[1:]:
    with open(path, errors="replace") as file:
        found = re.search(r"SPDX-License-Identifier: (.*?)( \*/|-->)?$", "".join(file.readlines()[:3]), re.M)
    if not found:
        continue
    said = [name for patterns, name in paragraphs if any(fnmatch.fnmatchcase(path, p) for p in patterns)][-1]
    if LICENSES.get(found[1]) != said:
        print(f"{path}: {found[1]}, but debian/copyright says {said}")
        wrong += 1
sys.exit(wrong > 0)
