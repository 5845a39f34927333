#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# figures.sh - write the table of testing.rst from what the long commands gave when they last ran, on this machine:
# their results are in the cache, each with its date and the commit that it is of.

. "$(dirname "$0")/common.sh"

"$rig/setup.sh" python3
"$rig/figures.py" write "$cache/results" "$top/Documentation/virt/kvm/pvi/testing.rst"
