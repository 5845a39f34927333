# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced behind guest.sh: networks of the stock kernel's for guests, a tap for each and a bridge. L1 and the
# guests have what they need in modules/net.

busybox=/mnt/bin/busybox

# load_networks - in L1
load_networks()
{
	local module

	for module in /mnt/modules/net/*.ko; do
		$busybox insmod "$module"
	done
}

# network NAME - a bridge with a tap for each guest
network()
{
	local side

	$busybox brctl addbr "br_$1"
	for side in a b; do
		$busybox tunctl -t "$1_$side" >/dev/null
		$busybox ip link set "$1_$side" up
		$busybox brctl addif "br_$1" "$1_$side"
	done
	$busybox ip link set "br_$1" up
}

# nic NAME SIDE on|off - what QEMU is told of a guest's side, with vhost or without. Both sides and each network
# have an address of their own.
nic()
{
	local address

	printf -v address '52:54:%02x:%02x:%02x:%02x' "'${1:0:1}" "'${1:1:1}" "'${1:2:1}" "'$2"
	echo -netdev "tap,id=$1,ifname=$1_$2,script=no,downscript=no,vhost=$3" \
		-device "virtio-net-pci,netdev=$1,mac=$address"
}

# load_nics GUEST - its modules, and those that its devices ask for
load_nics()
{
	# shellcheck disable=SC2016 # the guest's shell knows them
	run "$1" 'for module in /net/*.ko; do insmod $module; done;' \
		'modprobe -q -a $(cat /sys/bus/pci/devices/*/modalias); true'
}
