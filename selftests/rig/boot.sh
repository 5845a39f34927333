#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# boot.sh KERNEL-DIR INITRAMFS OUT [OPTION...] - boot L1 in QEMU's TCG, which emulates AMD SVM
# with nested paging, and return the status of the command that its init ran. OUT/console is
# the kernel's console, OUT/output what the command printed, OUT/verdict what it resulted in.
# An L1 without a verdict (hung, dead, past its deadline) is a failure, status 124, and the end
# of its console is printed. Options: -t SECONDS of processor time it may use, -q SECONDS it may sleep
# without any output (machine.sh says how they are counted), -m MEGABYTES, -a ARGUMENTS for
# the kernel's command line, -l the command's output live on stdout, -9 DIRECTORY offered to L1
# over 9p, -1 one vCPU, -c count: one vCPU whose TSC counts instructions, the same in every run,
# -d FILE a disk of L1's, of which there may be several, -p PLUGIN of QEMU's.
#
# Two faults of TCG make -1 what an L1 with Linux guests needs. With more vCPUs, each turn to the next
# may deliver an interrupt that KVM has injected once more, whatever the guest's interrupt flag
# says: helper_vmrun() leaves the vector in exception_index. Our guests bear that, a Linux guest
# deadlocks. And VMRUN and #VMEXIT change interrupt_request without the lock, so that an interrupt,
# that of the only timer for instance, may be forgotten until another one comes: with -1 a byte from
# outside interrupts L1 every second.
#
# A third one has no remedy, seen twice in some thousand Linux guests: one's flags are those of no processor, with
# bits of an address among them, and it goes where it should not, or copies downwards. Then this L1 boots once more,
# and OUT/impossible-console and OUT/impossible-output are those of the first time. It may not happen twice.
#
# Where a process lies is not random: TCG translates code anew that is at another address, and where that is so
# for the libraries of each process, the scripts that test the tools cost 376 s of processor time instead of 220.
#
# An L1's clock goes on while the host has no processor for it, so its watchdogs wait six times as long
# as usual. With -icount it would be L1's own, but then an instruction that takes TCG long, PAUSE for one,
# takes no more time than any other, and vCPUs of a guest that wait for each other on L1's only one hardly
# get to the next tick: with 4 ns each a guest with two vCPUs had not booted after three minutes of
# processor time, where all of e2e_test takes about two.

. "$(dirname "$0")/common.sh"
. "$rig/machine.sh"

# L1's TSC counts as the host's does. Left to itself L1 compares it with a timer as it boots, and has taken it for 25
# times too fast or slow beside busy loops: then its deadlines were wrong as well.
tsc_khz()
{
	cc -O2 -o "$1" "$rig/tsc_khz.c" && "$1"
}

kernel=$1 initramfs=$2 out=$3
shift 3

deadline=1800 quiet=1200 memory=2048 args=() output=file:$out/output devices=() beat=()
mkdir -p "$out"
# With a thread for each vCPU TCG runs stale translations of text that the kernel has patched.
machine=(-accel "tcg,thread=single" -smp 2)
# The TSC of all its vCPUs is the host's. To L1 it is that of an AMD processor which says nothing of it:
# 6.1 does not trust it, 6.12 until the host is busy, and each look at the HPET leaves the translated code.
patience=(watchdog_thresh=60 rcupdate.rcu_cpu_stall_timeout=120 tsc=reliable)
while getopts 19:a:cd:lm:p:q:t: option; do
	case $option in
	1)	machine=(-accel "tcg,thread=single" -smp 1)
		rm -f "$out"/beat.{in,out}
		mkfifo "$out"/beat.{in,out}
		beat=(-chardev "pipe,id=beat,path=$out/beat" -serial chardev:beat)
		args+=(rig.beat) ;;
	9)	devices+=(-virtfs "local,path=$OPTARG,mount_tag=host,security_model=none,readonly=on,multidevs=remap")
		args+=(rig.9p) ;;
	a)	args+=("$OPTARG") ;;
	c)	machine=(-accel tcg -smp 1 -icount "shift=0,sleep=off" -seed 1 -rtc "base=2025-01-01,clock=vm")
		patience=() args+=(mitigations=off nokaslr) ;;
	d)	devices+=(-drive "file=$OPTARG,format=raw,if=virtio,cache=unsafe") ;;
	l)	output=stdio ;;
	m)	memory=$OPTARG ;;
	p)	devices+=(-plugin "$OPTARG") ;;
	q)	quiet=$OPTARG ;;
	t)	deadline=$OPTARG ;;
	*)	die "usage: boot.sh KERNEL-DIR INITRAMFS OUT [-t S] [-q S] [-m MB] [-a ARGS] [-l] [-9 DIR] [-1] [-c] [-d FILE] [-p PLUGIN]" ;;
	esac
done

if [ ${#patience[@]} -gt 0 ]; then
	khz=$(tsc_khz "$out/tsc_khz")
	patience+=("tsc_early_khz=$khz")
fi
vmlinux=$("$rig/vmlinux.py" "$kernel")

# What the command has resulted in
boot()
{
	local qemu

	machine_begin "$out" "$out/qemu.log"
	qemu-system-x86_64 "${machine[@]}" -cpu qemu64,+svm,+npt -m "$memory" \
		-nodefaults -no-user-config -display none -no-reboot \
		-serial "file:$out/console" -serial "$output" -serial "file:$out/verdict" \
		"${beat[@]}" "${devices[@]}" -kernel "$vmlinux" -initrd "$initramfs" \
		-append "console=ttyS0 panic=-1 no_timer_check printk.time=1 log_buf_len=4M printk.devkmsg=on norandmaps ${patience[*]} ${args[*]}" \
		</dev/null 2>"$out/qemu.log" &
	qemu=$!
	# shellcheck disable=SC2064 # that one
	trap "kill $qemu; exit 143" INT TERM
	if [ ${#beat[@]} -gt 0 ]; then
		while kill -0 "$qemu" 2>/dev/null && sleep 1; do
			echo
		done >"$out/beat.in" &
	fi
	machine_watch "$qemu" "$deadline" "$quiet"
	wait "$qemu" || say "$(cat "$kernel/release"): QEMU has ended with status $?"
	machine_end "${out##*/}"
}

status=0
boot || status=$?
if [ "$status" -ne 0 ] && machine_is_impossible "$out/console" "$out/output"; then
	say "${out##*/}: flags that no processor has, see $out/impossible-*: once more"
	mv "$out/console" "$out/impossible-console"
	mv "$out/output" "$out/impossible-output"
	status=0
	boot || status=$?
fi
exit "$status"
