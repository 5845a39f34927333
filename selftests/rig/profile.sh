#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# profile.sh [CASE...] - print where the instructions of a ring go, function by function, of the
# rows of these cases of the bench (selftests/bench/main.c names them all; default: the null
# hypercall, an MSI the stock kernel's way and ours, pins). A plugin of QEMU's counts them.
#
# profile.sh --apart - print what a ring writes, from the structures, and which cache lines two vCPUs
# write that ring different receivers on two CPUs; fail if one writes what the other reads or writes.
#
# profile.sh --held [KERNEL] - print the longest stretch of a ring, in instructions, in which the host can not be
# preempted, beside those of the stock kernel's doorbells, on a kernel of kernel.sh, by default 6.12-rt.

. "$(dirname "$0")/common.sh"

series=6.12
plugin=$top/selftests/bench/plugin

# The bench runs the cases given, and tells where the kernel's functions are.
run_in_l1()
{
	local status=0

	out=$build/profile-$series
	lock "$build/lock"
	"$rig/setup.sh"
	quietly "$build/profile.log" make -C "$top/selftests" -j2 OUTPUT="$build/selftests" bench
	quietly "$build/profile.log" gcc -Wall -Wextra -Werror -O2 -shared -fPIC \
		-o "$build/rings.so" "$plugin/rings.c"
	"$rig/prepare.sh" "$series" "$out" -f "$build/selftests/bench/bench:/bench" \
		-e PVI_MODULE=/modules/kvm_pvi.ko \
		-e "RIG_RUN=/bench $* && grep -E ' ([tT] |A (pcpu_hot|__preempt_count)$)' /proc/kallsyms"
	say "watching each instruction on $(cat "$out/kernel/release")"
	"$rig/boot.sh" "$out/kernel" "$out/initramfs" "$out" -t "${DEADLINE:-900}" \
		-p "$build/rings.so,out=$out/rings$steps" "${machine[@]}" &
	trap 'kill $!; wait $!; exit 143' INT TERM
	wait $! || status=$?
	[ "$status" -eq 0 ] || die "the bench has failed; all output is in $out"
}

# "ADDRESS 0 NAME" of each function, "ADDRESS 1 ROW COUNT" of each instruction, in order.
addresses()
{
	sed -n -E '/ __pfx_/d; s/^([0-9a-f]{16}) [tT] ([^\t]*)\t?(.*)$/\1 0 \2 \3/p' "$out/output"
	awk '/^row/ { row = $2 } /^insn/ { print $2, 1, row, $3 }' "$out/rings"
}

# All of it about the rows that the bench has announced.
profile()
{
	addresses | sort | awk -f "$plugin/profile.awk" <(grep '^# ring ' "$out/output") \
		<(grep '^row' "$out/rings") -
}

# What /proc/kallsyms said, in order
symbols()
{
	sed -n -E '/ __pfx_/d; s/^([0-9a-f]{16} [tTA] [^\t]*).*$/\1/p' "$out/output" | sort
}

steps=
if [ "${1:-}" = --held ]; then
	series=${2:-6.12-rt} machine=(-c) steps=,steps=32
	run_in_l1 hyperv_irqfd_msi mmio_fast irqfd_halted load null_bound pvi_eventfd pvi_port_msi pvi_port_pin \
		pvi_uuid_msi pvi_virtual pvi_many halted
	awk -f "$plugin/held.awk" <(grep '^# ring ' "$out/output") <(symbols) "$out/rings"
elif [ "${1:-}" = --apart ]; then
	machine=()
	run_in_l1 load apart
	pahole "$build/src-$series/kernel/kvm_pvi.ko" | awk -f "$plugin/structs.awk"
	awk -f "$plugin/apart.awk" "$out/rings"
else
	machine=(-c)
	cases=("$@")
	[ $# -gt 0 ] || cases=(null_not_loaded hyperv_irqfd_msi load pvi_port_msi pvi_uuid_msi \
		pvi_virtual pvi_port_pin)
	run_in_l1 "${cases[@]}"
	profile
fi
