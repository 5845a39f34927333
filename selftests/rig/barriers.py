#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""barriers.py FILE... - fail where a barrier between processors says nothing of its partner.

What it pairs with stands in a comment on the line, or on one of the few above it. barrier(), which is the compiler's
alone, has none.
"""
import re
import sys

ORDERS = re.compile(r"\b(?:smp_(?:[rw]?mb|store_release|load_acquire|mb__(?:before|after)_atomic)|virt_\w*mb"
                    r"|virt_(?:store_release|load_acquire)|atomic\w*_(?:acquire|release)|cmpxchg_(?:acquire|release)"
                    r"|test_and_set_bit_lock|clear_bit_unlock|__atomic_thread_fence)\(")
ABOVE = 7

alone = 0
for path in sys.argv[1:]:
    lines = open(path).read().splitlines()
    for number, line in enumerate(lines):
        if not ORDERS.search(line) or line.lstrip().startswith(("*", "//", "#define")):
            continue
        if not re.search(r"[Pp]airs? |partner", "\n".join(lines[max(0, number - ABOVE):number + 1])):
            print(f"{path}:{number + 1}: what does it pair with? {line.strip()}")
            alone += 1
sys.exit(alone > 0)
