#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# demo.sh - build the modules and the demo, boot a 6.12 kernel with them and show what the demo
# says while it runs. The rig counts instructions, so that the costs in it are the same each time.
# The last scene, demo_guests.sh, has Linux guests and an L1 of its own.

. "$(dirname "$0")/common.sh"

lock "$build/lock"
"$rig/setup.sh"
quietly "$build/selftests.log" make -C "$top/selftests" -j2 OUTPUT="$build/selftests" \
	TESTS=e2e_test demo tests
quietly "$build/tools.log" make -C "$top/tools" -j2 OUTPUT="$build/tools" \
	DESTDIR="$build/tools-root" PREFIX=/usr install
"$rig/prepare.sh" 6.12 "$build/demo" -f "$build/selftests/demo/demo:/demo" \
	-e "RIG_RUN=insmod /modules/kvm_pvi.ko && /demo"
guests=()
for name in older newer; do
	series=6.1
	[ $name = older ] || series=6.12
	LD_LIBRARY_PATH=$build/tools-root/usr/lib "$rig/guest.sh" "$series" "$build/guest-$series" \
		"$build/tools-root/usr/sbin/pvictl" "$build"/selftests/e2e/pvi_{flow,net}
	guests+=(-f "$build/guest-$series:/guests/$name")
done
kernel=$("$rig/kernel.sh" 6.12)
"$rig/prepare.sh" 6.12 "$build/demo-guests" "${guests[@]}" -9 -f "$kernel/modules/net:/modules/net" \
	-f "$build/tools-root:/tools" -f "$build/selftests/tools:/selftests/tools" \
	-f "$top/selftests/demo_guests.sh:/selftests/demo_guests.sh" \
	-e "RIG_RUN=insmod /modules/kvm_pvi.ko && /selftests/demo_guests.sh"

say "booting, then running the demo"
"$rig/boot.sh" "$build/demo/kernel" "$build/demo/initramfs" "$build/demo" -c -l -t "${DEADLINE:-150}"
say "booting QEMUs in QEMU, a minute or so"
"$rig/boot.sh" "$build/demo-guests/kernel" "$build/demo-guests/initramfs" "$build/demo-guests" \
	-1 -9 / -l -t "${DEADLINE:-600}"
