# SPDX-License-Identifier: GPL-2.0
#
# awk -f link_report.awk figures-link.txt goals-link - print the figures as a table, and how the goals are met.

BEGIN {
	nr_columns = split("both host guests exits rings halts interrupts lines", column)
	unit["turn"] = "a byte there and back, over TCP or AF_VSOCK"
	unit["burst"] = "a datagram of 64 bytes, of a burst of 64"
	unit["byte"] = "a byte of a stream, of TCP in long segments or of AF_VSOCK"
	unit["segment"] = "a segment of 1,448 bytes, long ones and sums not left to the interface"
	network["pvi"] = "kvm_pvi_net"
	network["vhost"] = "virtio-net, vhost-net, bridge"
	network["tap"] = "virtio-net, QEMU, bridge"
	network["vsock"] = "kvm_pvi_vsock"
	network["legs"] = "two vhost-vsock, socat"
}

FNR == 1 { file++ }
file == 1 && /^# (kernel|tree|unit) / { print substr($0, 3) }
file == 1 && !/^#/ {
	for (i = 1; i <= nr_columns; i++)
		value[$1, column[i]] = $(i + 1)
	known[$1] = 1
	split($1, part, "_")
	if (!(part[2] in rows))
		order[++nr_units] = part[2]
	rows[part[2]] = rows[part[2]] " " part[1]
}

function table_row(of, name,    i)
{
	printf "  %-32s", network[name]
	for (i = 1; i <= nr_columns; i++)
		printf i <= 3 ? " %11.2f" : " %10.3f", value[name "_" of, column[i]]
	print ""
}

function table(of,    i, n, name)
{
	printf "\n%s\n", unit[of]
	n = split(rows[of], name, " ")
	for (i = 1; i <= n; i++)
		table_row(of, name[i])
}

file == 2 && FNR == 1 {
	printf "\n%34s", ""
	for (i = 1; i <= nr_columns; i++)
		printf i <= 3 ? " %11s" : " %10s", column[i]
	print ""
	for (i = 1; i <= nr_units; i++)
		table(order[i])
	print ""
}
file == 1 || /^#/ || NF == 0 { next }
!($1 in known) || (NF == 6 && !($6 in known)) {
	printf "goals-link names %s, which was not counted\n", $1 >"/dev/stderr"
	status = 1
	next
}
{
	got = value[$1, $2]
	if (NF == 6)
		got /= value[$6, $2]
	met += got <= $4
	goals++
	printf "%-6s %8.4f, goal %5s%s: %s, %s\n", got <= $4 ? "met" : "MISSED", got, $4,
		NF == 6 ? " of " $6 : "", $1, $2
}

END {
	printf "\n%d of %d goals met\n", met, goals
	exit status
}
