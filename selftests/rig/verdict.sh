#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# verdict.sh COMMAND... - run a command that is not made of test points, and end as those do that are: with
# "1 passed, 0 failed" if it succeeds, else "0 passed, 1 failed" and its status.

status=0
"$@" || status=$?
echo "$((status == 0)) passed, $((status != 0)) failed"
exit "$status"
