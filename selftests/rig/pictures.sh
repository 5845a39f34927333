#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# pictures.sh - have four VMs ring each other, two of them Linux guests with a link, and draw what "pvictl top" showed
# and what the dashboard shows of the counters: Documentation/pvictl-top.svg and Documentation/dashboard.svg.

. "$(dirname "$0")/common.sh"

series=6.12
out=$build/pictures
pictures=$top/selftests/pictures

lock "$build/lock"
"$rig/setup.sh"
mkdir -p "$out"
quietly "$build/selftests.log" make -C "$top/selftests" -j2 OUTPUT="$build/selftests" TESTS=e2e_net_test tests
quietly "$build/tools.log" make -C "$top/tools" -j2 OUTPUT="$build/tools" DESTDIR="$out/tools-root" PREFIX=/usr install
LD_LIBRARY_PATH=$out/tools-root/usr/lib "$rig/guest.sh" "$series" "$out/guest" "$build"/selftests/e2e/pvi_flow
"$rig/prepare.sh" "$series" "$out" -9 -f "$out/guest:/guests/older" -f "$out/guest:/guests/newer" \
	-f "$out/tools-root:/tools" -f "$build/selftests/tools:/selftests/tools" \
	-f "$top/selftests/pictures.sh:/selftests/pictures.sh" \
	-e "RIG_RUN=insmod /modules/kvm_pvi.ko && /selftests/pictures.sh"
say "booting, then ringing for some minutes"
if ! "$rig/boot.sh" "$out/kernel" "$out/initramfs" "$out" -1 -9 / -t "${DEADLINE:-1800}"; then
	tail -n 20 "$out/output" >&2
	die "there is nothing to draw; all output is in $out"
fi
"$pictures/screen.py" "$out/output" >"$out/top.svg"
"$pictures/dashboard.py" "$top/tools/exporter/dashboard.json" "$out/output" >"$out/dashboard.svg"
mv "$out/top.svg" "$top/Documentation/pvictl-top.svg"
mv "$out/dashboard.svg" "$top/Documentation/dashboard.svg"
