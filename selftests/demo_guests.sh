#!/bin/sh
# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# The last scene of the demo: two QEMUs as Debian has them, attached from outside while they run.

. "$(dirname "$0")/tools/enter.sh"
. "$(dirname "$0")/tools/lib.sh"
. "$(dirname "$0")/tools/guest.sh"

pin=20

# typed WHERE COMMAND... - a command as a user types it, done or to be done, on the host or in a guest
typed()
{
	echo "    $1# pvictl ${*:2}"
}

# rings STATUS SAYS - a user of a rings b, which must end so and say that
rings()
{
	local status=0 output

	typed a guest-ring "$b" "$pin"
	output=$(run g_a pvictl guest-ring "$b" "$pin" 2>/dev/null) || status=$?
	echo "    $output"
	[ "$status" -eq "$1" ]
	has "$output" "$2"
}

tmp=$(mktemp -d)
trap 'stop_jobs; rm -rf "$tmp"' EXIT
set -e

guest g_a older
guest g_b newer
booted g_a
booted g_b
echo "And two Linux guests on stock QEMU, with kvm_pvi_guest, attached while they run:"
echo "    a is process $g_a and runs $(run g_a uname -r)"
echo "    b is process $g_b and runs $(run g_b uname -r)"
attach at_a --pid "$g_a" --uuid "$a"
typed host attach --pid "$g_a" --uuid "$a"
attach at_b --pid "$g_b" --uuid "$b" --expose $pin
typed host attach --pid "$g_b" --uuid "$b" --expose $pin
run g_a insmod /kvm_pvi_guest.ko
run g_b insmod /kvm_pvi_guest.ko
typed b guest-wait $pin
run g_b "pvictl guest-wait --count 1 $pin >/tmp/out & true"
run g_b "until grep -q kvm_pvi:$pin /proc/interrupts; do usleep 20000; done"
rings 3 "the receiver does not allow it"
typed host allow "$b" "$a" $pin
pvictl allow "$b" "$a" $pin
rings 0 "raised"
echo "    and b's guest-wait says: $(woken g_b)"
typed host list
pvictl list | sed 's/^/    /'
