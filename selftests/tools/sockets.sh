# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced behind guest.sh by tests of sockets between the guests g_a and g_b. $bus is the link in the guests, $cid_a and
# $cid_b are their addresses; a is open to b at 22, 70000 and 70001, b to a at 5000 to 5999.

# shellcheck disable=SC2154 # the tests set it

# load_sockets - in L1, where some may be what the host's files came by
load_sockets()
{
	local module name

	for module in /mnt/modules/vsock/*.ko; do
		name=${module##*/*-}
		[ -e "/sys/module/${name%.ko}" ] || /mnt/bin/busybox insmod "$module"
	done
}

# plug NAME - what a guest's udev does for devices that it finds, and for their children
plug()
{
	# shellcheck disable=SC2016 # the guest's shell knows it
	run "$1" 'for on in pci virtio; do modprobe -q -a $(cat /sys/bus/$on/devices/*/modalias); done 2>/dev/null; true'
	await run "$1" "[ -e $bus/kind ]"
	run "$1" "modprobe \$(cat $bus/modalias)"
	await run "$1" "[ -e $bus/cid ]"
}

# is_up NAME - the peer is there
is_up()
{
	run "$1" "grep -q \"^\$(cat $bus/peer_cid) .* up\" /proc/net/pvi_vsock"
}

connected()
{
	await is_up g_a
	await is_up g_b
}

# begins NAME VERB... - start pvi_vsock in the guest, and wait until it sleeps for a peer
begins()
{
	begins_program "$1" "pvi_vsock ${*:2}"
}

begins_program()
{
	# shellcheck disable=SC2016 # the guest's shell knows it
	run "$1" "$2 >/tmp/out 2>&1 &" 'until grep -q -E "vsock_accept|poll|select" /proc/$!/wchan || [ ! -e /proc/$!/exe ]; do usleep 20000; done;' \
		'[ -e /proc/$!/exe ] || { cat /tmp/out; false; }' >&2
}

# does NAME VERB... - what pvi_vsock prints, whether it fails or not
does()
{
	run "$1" "pvi_vsock ${*:2}; true"
}

# holds NAME TYPE CID PORT [FROM] - connect, and read
holds()
{
	same "$(run "$1" "rm -f /tmp/held; pvi_vsock hold ${*:2} >/tmp/held 2>&1 & echo \$! >/tmp/holder;" \
		"until grep -q . /tmp/held 2>/dev/null; do usleep 20000; done; cat /tmp/held")" held
}

# held NAME - what has become of it
held()
{
	# shellcheck disable=SC2016 # the guest's shell knows it
	run "$1" 'while [ -e /proc/$(cat /tmp/holder)/exe ]; do usleep 20000; done; tail -n 1 /tmp/held'
}

# lates NAME VERB... - connect, and wait to be told
lates()
{
	same "$(run "$1" "rm -f /tmp/late; pvi_vsock ${*:2} >/tmp/late 2>&1 & echo \$! >/tmp/latecomer;" \
		"until grep -q . /tmp/late 2>/dev/null; do usleep 20000; done; cat /tmp/late")" held
}

# told NAME - what it says then, at last
told()
{
	# shellcheck disable=SC2016 # the guest's shell knows it
	run "$1" 'kill -USR1 $(cat /tmp/latecomer); while [ -e /proc/$(cat /tmp/latecomer)/exe ]; do usleep 20000; done;' \
		'tail -n 1 /tmp/late'
}

# count NAME WHAT
count()
{
	run "$1" "cat $bus/$2"
}

# exchange TYPE BYTES N - N connections one after the other from either side
exchange()
{
	begins g_b serve "$1" 5000 "$3"
	same "$(does g_a talk "$1" "$cid_b" 5000 "$3" "$2")" "talk $3"
	same "$(woken g_b)" "serve $3"
	begins g_a serve "$1" 70000 "$3"
	same "$(does g_b talk "$1" "$cid_a" 70000 "$3" "$2")" "talk $3"
	same "$(woken g_a)" "serve $3"
}
