#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""syzlang.py HEADER DESCRIPTION - fail unless the description has each ioctl of the UAPI header, each struct
with its fields in their order, as wide, and names no constant that is not there. Syzkaller itself is no Debian
package; what its compiler would say of the description nobody has asked."""
import re
import sys

WIDTHS = {"__u8": "int8", "__u16": "int16", "__u32": "int32", "__s32": "int32", "__u64": "int64",
          "__s64": "int64", "__aligned_u64": "int64"}
# Widths of what is no intN: resources, and pointers
NAMED = {"fd": "int32", "fd_event": "int32", "fd_kvmvm": "int32", "fd_kvm_pvi_grant": "int32", "uid": "int32",
         "kvm_pvi_port_nr": "int32", "kvm_pvi_grant_id": "int64", "kvm_pvi_cursor": "int64"}
# What follows a struct of the header in a blob
MORE = {"kvm_pvi_state_header": ["all"], "kvm_pvi_state_section": ["records"]}


def structs(text, begin, end, field):
    found = {}
    for name, body in re.findall(begin + r"(kvm_pvi_\w+) \{\n(.*?)^\}" + end, text, re.S | re.M):
        found[name] = [re.match(field, line).groups() for line in body.splitlines() if line.strip()]
    return found


def width(kind):
    if kind.startswith("ptr64"):
        return "int64"
    return NAMED.get(kind.split()[0]) or (re.findall(r"\bint\d+\b", kind) or [None])[-1]


def main():
    header, description = (open(path, encoding="utf-8").read() for path in sys.argv[1:])
    wrong = []
    ioctls = re.findall(r"^#define (KVM_PVI_\w+)\s+_IO\(", header, re.M)
    for name in ioctls:
        if f"ioctl${name}(fd fd_kvm_pvi, cmd const[{name}], arg " not in description:
            wrong.append(f"no {name}")
    ours = structs(header, "^struct ", ";", r"\s*(struct \w+|\w+)\s+(\w+)(\[?)")
    theirs = structs(description, "^", "", r"\s*(\w+)\s+(.*)()")
    for name, fields in ours.items():
        names = [field for _, field, _ in fields] + MORE.get(name, [])
        if [field for field, _, _ in theirs.get(name, [])] != names:
            wrong.append(f"{name} has other fields than {names}")
            continue
        for (kind, field, array), (_, given, _) in zip(fields, theirs[name]):
            if kind in WIDTHS and not array and width(given) != WIDTHS[kind]:
                wrong.append(f"{name}.{field} is {kind}, not {given}")
    for name in set(re.findall(r"\bKVM_(?:PVI|HC)_\w+", description)):
        if not re.search(rf"^#define {name}\b", header, re.M):
            wrong.append(f"{name} is not in the header")
    print(*wrong, sep="\n")
    sys.exit(bool(wrong) or not ioctls or not ours)


main()
