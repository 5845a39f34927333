#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# demo.sh - build the modules and the demo, boot a 6.12 kernel with them and show what the demo
# says while it runs. The rig counts instructions, so that the costs in it are the same each time.

. "$(dirname "$0")/common.sh"

lock "$build/lock"
"$rig/setup.sh"
quietly "$build/selftests.log" make -C "$top/selftests" -j2 OUTPUT="$build/selftests" demo
"$rig/prepare.sh" 6.12 "$build/demo" -f "$build/selftests/demo/demo:/demo" \
	-e "RIG_RUN=insmod /modules/kvm_pvi.ko && /demo"
say "booting, then running the demo"
"$rig/boot.sh" "$build/demo/kernel" "$build/demo/initramfs" "$build/demo" -c -l -t "${DEADLINE:-150}"
