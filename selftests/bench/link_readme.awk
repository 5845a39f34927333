# SPDX-License-Identifier: GPL-2.0
#
# awk -f link_readme.awk figures-link.txt README.md - print the README with the figures of its table,
# between "<!-- link figures -->" and "<!-- /link figures -->", written anew.

# With commas, and decimals where there are few before them
function n(value,    text)
{
	if (value < 100)
		return sprintf("%.2f", value)
	value = sprintf("%d", value)
	for (; length(value) > 3; value = substr(value, 1, length(value) - 3))
		text = "," substr(value, length(value) - 2) text
	return value text
}

function row(of, what)
{
	printf "| %s | %s | %s | %s | %s / %s / %s |\n", what, n(both["pvi_" of]), n(both["vhost_" of]),
		n(both["tap_" of]), n(exits["pvi_" of]), n(exits["vhost_" of]), n(exits["tap_" of])
}

function figures()
{
	print "| instructions, both guests and host | kvm_pvi | vhost-net, bridge | QEMU, bridge | VM exits |"
	print "| --- | --- | --- | --- | --- |"
	row("segment", "a TCP segment of 1,448 bytes")
	row("byte", "a byte of TCP in segments of up to 64 KiB")
	row("turn", "a byte over TCP there and back")
	row("burst", "a datagram of a burst of 64")
	sockets("byte", "a byte of a stream over AF_VSOCK")
	sockets("turn", "a byte over AF_VSOCK there and back")
}

# What goes by the host has its place beside vhost-net, since it is by vhost too
function sockets(of, what)
{
	printf "| %s | %s | %s, by two vhost-vsock | | %s / %s |\n", what, n(both["vsock_" of]), n(both["legs_" of]),
		n(exits["vsock_" of]), n(exits["legs_" of])
}

FNR == 1 { file++ }
file == 1 && !/^#/ { both[$1] = $2; exits[$1] = $5 }
file == 1 { next }

/^<!-- \/link figures -->/ { inside = 0 }
!inside { print }
/^<!-- link figures -->/ { inside = 1; begun++; figures() }

END {
	if (begun != 1) {
		print "README.md has no \"<!-- link figures -->\"" >"/dev/stderr"
		exit 1
	}
}
