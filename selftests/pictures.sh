#!/bin/sh
# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# What rig/pictures.sh runs in L1: two Linux guests with a link, and two more VMs, ring each other now more, now
# less, and more often than they may. Prints what "pvictl top" shows on a terminal, "top BASE64", and the counters every
# other second, "metrics SECONDS BASE64".

. "$(dirname "$0")/tools/enter.sh"
. "$(dirname "$0")/tools/lib.sh"
. "$(dirname "$0")/tools/guest.sh"

d=dddddddd-0000-4000-8000-000000000004 port=7 steps=${STEPS:-45}

# The last screen of a program on a terminal of $1 lines and $2 columns
on_terminal()
{
	[ -e /dev/pts/ptmx ] || { mkdir -p /dev/pts && mount -t devpts devpts /dev/pts; }
	python3 -c '
import fcntl, os, pty, struct, sys, termios
os.environ.update(LC_ALL="C.UTF-8", TERM="xterm")
pid, fd = pty.fork()
if not pid:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("4H", int(sys.argv[1]), int(sys.argv[2]), 0, 0))
    os.execvp(sys.argv[3], sys.argv[3:])
text = b""
try:
    while part := os.read(fd, 4096):
        text += part
except OSError:
    pass
assert not os.waitpid(pid, 0)[1], text
sys.stdout.buffer.write(text.rpartition(b"\x1b[2J")[2])' "$@"
}

# rings NAME N RECEIVER GSI
rings()
{
	local i

	for ((i = 0; i < $2; i++)); do
		tell "$1" "ring $3 $4" >"$tmp/verdict"
	done
}

# How much there is to do at a step: up and down, and a peak
load()
{
	awk -v step="$1" -v nr="$steps" 'BEGIN {
		x = step / nr
		printf "%d", 20 + 15 * sin(x * 12) + (x > 0.55 && x < 0.75 ? 60 : 0)
	}'
}

tmp=$(mktemp -d)
trap 'stop_jobs; rm -rf "$tmp"' EXIT
set -e

link=$(pvictl link --size 1M "$a" "$b" | sed -n 's/^link //p')
bus=/sys/bus/pvi_link/devices/$link
for name in a b; do
	# shellcheck disable=SC2046 # they are words
	guest g_$name $([ $name = a ] && echo older || echo newer) -uuid "${!name}" \
		-name "guest=$([ $name = a ] && echo web || echo db)" $(pvictl link --for "${!name}" "$link")
done
booted g_a
booted g_b
attach at_a --pid "$g_a" --expose 20
attach at_b --pid "$g_b" --expose 20
vmm vm_c -name queue
vmm vm_d -name batch
attach at_c --pid "$vm_c" --uuid "$c" --expose 20,21 --allow "$d:20"
attach at_d --pid "$vm_d" --uuid "$d" --expose 20 --allow "$c:20"
pvictl allow batch to queue gsi 21 rate 5
n=0
for name in g_a g_b; do
	n=$((n + 1))
	# shellcheck disable=SC2016 # the guest's shell knows it
	run $name 'modprobe -q -a $(cat /sys/bus/pci/devices/*/modalias); true'
	await run $name "[ -e $bus/modalias ]"
	run $name "modprobe \$(cat $bus/modalias); ip addr add 10.9.0.$n/24 dev pvi0; ip link set pvi0 up"
done
await run g_a ping -q -c 1 -W 2 10.9.0.2
run g_b pvi_flow serve $port
on_terminal 21 132 pvictl top --interval 2 --count $((steps * 4 / 9)) >"$tmp/screen" &
screen=$!
began=$(date +%s.%N)
for ((step = 0; step < steps; step++)); do
	at=$(awk -v now="$(date +%s.%N)" -v began="$began" 'BEGIN { printf "%.2f", now - began }')
	echo "metrics $at $(pvictl metrics --openmetrics | gzip -9 | base64 -w 0)"
	nr=$(load $step)
	rings vm_d "$nr" "$c" 20
	rings vm_c $((nr / 3)) "$d" 20
	rings vm_d $((step % 15 < 6 ? nr / 2 : 2)) "$c" 21
	[ $((step % 20)) -lt 14 ] || rings vm_c 8 "$b" 20
	[ $((step % 15)) -ge 9 ] || run g_a "pvi_flow stream 10.9.0.2 $port $((nr * 60000))"
	sleep 1
done
wait $screen
echo "top $(gzip -9 <"$tmp/screen" | base64 -w 0)"
