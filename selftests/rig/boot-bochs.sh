#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# boot-bochs.sh KERNEL-DIR INITRAMFS OUT [OPTION...] - boot L1 in Bochs, which emulates Intel's VMX
# with EPT and APICv, and CET, or AMD's SVM with NRIPS. What it does, leaves in OUT and returns is as
# in boot.sh, of whose options it has -t, -q, -m, -a, -1 and -c; here one processor is the default.
# -2 has two, of which Bochs runs one basic block each in turn. -M MODEL is the processor, default
# tigerlake; with ryzen it is AMD's.
#
# Bochs boots no kernel by itself: it gets a CD. It has no 9p, so that only the C tests run there.
# Its clock is its instructions: the kernel is told that 200 million are a second. The devices have
# a clock of their own, a tenth of that, so that nobody waits long for the serial ports.

. "$(dirname "$0")/common.sh"
. "$rig/machine.sh"

kernel=$1 initramfs=$2 out=$3
shift 3

deadline=1800 quiet=1200 memory=1024 args=() cpus=1 model=tigerlake kind=fast
while getopts 12a:cm:M:q:t: option; do
	case $option in
	1)	cpus=1 ;;
	2)	cpus=2 ;;
	a)	args+=("$OPTARG") ;;
	c)	kind=exact
		args+=(nokaslr norandmaps) ;;
	m)	memory=$OPTARG ;;
	M)	model=$OPTARG ;;
	q)	quiet=$OPTARG ;;
	t)	deadline=$OPTARG ;;
	*)	die "usage: boot-bochs.sh KERNEL-DIR INITRAMFS OUT [-t S] [-q S] [-m MB] [-a ARGS] [-1] [-2] [-c] [-M MODEL]" ;;
	esac
done

# Mitigations cost time, and where one of them is retpolines indirect calls are returns, which IBT
# does not watch.
cmdline=("console=ttyS0,115200" panic=-1 reboot=triple no_timer_check printk.time=1 log_buf_len=4M
	printk.devkmsg=on tsc=reliable tsc_early_khz=200000 mitigations=off "${args[@]}")

make_cd()
{
	local stage=$out/cd

	rm -rf "$stage"
	mkdir -p "$stage/isolinux"
	cp /usr/lib/ISOLINUX/isolinux.bin /usr/lib/syslinux/modules/bios/ldlinux.c32 "$stage/isolinux/"
	cp "$kernel/vmlinuz" "$stage/vmlinuz"
	cp "$initramfs" "$stage/initrd"
	printf '%s\n' "default linux" "prompt 0" "label linux" "kernel /vmlinuz" \
		"append initrd=/initrd ${cmdline[*]}" >"$stage/isolinux/isolinux.cfg"
	quietly "$out/xorriso.log" xorriso -as mkisofs -o "$out/cd.iso" -b isolinux/isolinux.bin \
		-c isolinux/boot.cat -no-emul-boot -boot-load-size 4 -boot-info-table "$stage"
	rm -rf "$stage"
}

configure()
{
	cat <<-END
	config_interface: textconfig
	display_library: nogui
	romimage: file=/usr/share/bochs/BIOS-bochs-latest
	vgaromimage: file=/usr/share/vgabios/vgabios.bin
	megs: $memory
	cpu: model=$model, count=$cpus, ips=20000000, reset_on_triple_fault=0, ignore_bad_msrs=1
	clock: sync=none, time0=1735689600
	pci: enabled=1, chipset=i440fx
	ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
	ata0-master: type=cdrom, path=$out/cd.iso, status=inserted
	ata1: enabled=0
	boot: cdrom
	com1: enabled=1, mode=file, dev=$out/console
	com2: enabled=1, mode=file, dev=$out/output
	com3: enabled=1, mode=file, dev=$out/verdict
	log: $out/bochs.log
	panic: action=fatal
	error: action=ignore
	info: action=ignore
	debug: action=ignore
	speaker: enabled=0, mode=none
	END
}

"$rig/setup.sh" bochsbios isolinux syslinux-common vgabios xorriso
bochs=$("$rig/bochs.sh" "$kind")
mkdir -p "$out"
machine_begin "$out" "$out/bochs.log"
make_cd
configure >"$out/bochsrc"

"$bochs" -q -f "$out/bochsrc" </dev/null >"$out/tty" 2>&1 &
emulator=$!
trap 'kill $emulator; exit 143' INT TERM
machine_watch "$emulator" "$deadline" "$quiet"
wait "$emulator" || say "$(cat "$kernel/release"): Bochs has ended with status $?"
rm -f "$out/cd.iso"
machine_end "${out##*/}"
