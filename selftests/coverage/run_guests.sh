#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# run_guests.sh DIRECTORY TEST... - in L1: run_tests.sh, and print what its guests have told of their modules' counters, each to
# a file in /tmp/counted, for rig/heard.py. The last line of one may have no end: it was killed.

mkdir /tmp/counted
/run_tests.sh "$@"
status=$?
for file in /tmp/counted/*; do
	cat "$file"
	echo
	echo "counted-end"
done
exit "$status"
