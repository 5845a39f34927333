# SPDX-License-Identifier: GPL-2.0
#
# Behind plot.awk: what two guests say to each other costs, of bench-link.sh's figures

BEGIN {
	title = "Instructions of both guests and their host"
	note = " as host and in two guests, on one emulated AMD processor. Each group has a scale of its own."
	apart = 1
	group("segment", "A TCP segment of 1,448 bytes")
	group("byte", "A byte of a TCP stream, in segments of up to 64 KiB")
	group("turn", "A byte over TCP there and back")
	group("burst", "A datagram of a burst of 64")
	sockets("byte", "A byte of a stream over AF_VSOCK")
	sockets("turn", "A byte over AF_VSOCK there and back")
}

function sockets(of, what)
{
	add("# " what)
	add("vsock_" of " kvm_pvi_vsock")
	add("legs_" of " two vhost-vsock devices, socat between them")
}

function group(of, what)
{
	add("# " what)
	add("pvi_" of " kvm_pvi_net")
	add("vhost_" of " virtio-net, vhost-net, bridge")
	add("tap_" of " virtio-net, QEMU, bridge")
}
