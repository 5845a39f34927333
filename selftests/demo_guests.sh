#!/bin/sh
# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# The last scene of the demo: two QEMUs as Debian has them, attached from outside while they run.

. "$(dirname "$0")/tools/enter.sh"
. "$(dirname "$0")/tools/lib.sh"
. "$(dirname "$0")/tools/guest.sh"

pin=20

# rings RESULT MEANING - a program in a rings b, which must have that result
rings()
{
	same "$(run g_a pvi ring "$b" $pin)" "ring $1"
	echo "    a program in a rings pin $pin of b: $2"
}

# The command as a user types it, done or to be done.
typed()
{
	echo "    # pvictl $*"
}

tmp=$(mktemp -d)
trap 'stop_jobs; rm -rf "$tmp"' EXIT
set -e

guest g_a 6.1
guest g_b 6.12
booted g_a
booted g_b
echo "And two Linux guests on stock QEMU, with kvm_pvi_guest, attached while they run:"
echo "    a is process $g_a and runs $(run g_a uname -r)"
echo "    b is process $g_b and runs $(run g_b uname -r)"
attach at_a --pid "$g_a" --uuid "$a"
typed attach --pid "$g_a" --uuid "$a"
attach at_b --pid "$g_b" --uuid "$b" --expose $pin
typed attach --pid "$g_b" --uuid "$b" --expose $pin
run g_a insmod /kvm_pvi_guest.ko
run g_b insmod /kvm_pvi_guest.ko
wakes g_b wait $pin poll 4
echo "    a program in b sleeps in poll()"
rings -1 "refused, -EPERM"
typed allow "$b" "$a" $pin
pvictl allow "$b" "$a" $pin
rings 0 raised
has "$(woken g_b)" "poll 1"
echo "    the program in b has woken up"
typed list
pvictl list | sed 's/^/    /'
