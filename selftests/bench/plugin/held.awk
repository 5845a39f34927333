# SPDX-License-Identifier: GPL-2.0
#
# awk -f held.awk NAMES SYMBOLS RINGS - for each row the longest stretch of instructions in one ring in which the
# host could not be preempted: its preempt count was not 0, or interrupts were off. NAMES has "# ring NAME"
# for each row, SYMBOLS "ADDRESS TYPE NAME" as /proc/kallsyms, sorted, RINGS is what plugin/rings.c wrote with
# "steps". Which instructions count it knows by where they write: pcpu_hot, 8 bytes into it, before Linux
# 6.2 __preempt_count. KVM holds the count around a guest that runs; what has one in it, of whose instructions
# none is counted, stands apart. Rings into which an interrupt of the host's came are left out.

# ADDRESS, 16 digits in hexadecimal, and OFFSET
function plus(address, offset,    low, i)
{
	for (i = 9; i <= 16; i++)
		low = low * 16 + index("123456789abcdef", substr(address, i, 1))
	return substr(address, 1, 8) sprintf("%08x", low + offset)
}

function name_of(address,    low, high, middle)
{
	low = 1
	high = symbols
	while (low < high) {
		middle = int((low + high + 1) / 2)
		if (at[middle] <= address)
			low = middle
		else
			high = middle - 1
	}
	return name[low]
}

function begin(row_number)
{
	row = row_number
	length_of = 0
	count = off = 1
	with_guest = interrupted = 0
	best[0] = best[1] = 0
}

function end_ring(    i)
{
	if (interrupted || !row)
		return
	rings[row]++
	for (i = 0; i < 2; i++)
		if (best[i] > worst[row, i]) {
			worst[row, i] = best[i]
			by[row, i] = name_of(from[i])
			to[row, i] = name_of(until[i])
		}
}

FNR == 1 { file++ }
file == 1 { row_name[FNR] = $3; rows = FNR; next }
file == 2 {
	if ($3 == "pcpu_hot")
		counter = plus($1, 8)
	else if ($3 == "__preempt_count")
		counter = $1
	else if ($1 ~ /^f/) {
		at[++symbols] = $1
		name[symbols] = $3
		if ($3 ~ /^asm_(sysvec_|common_interrupt)/)
			entry[$1] = 1
	}
	next
}

$1 == "count" {
	if ($3 == counter)
		delta[$2] = $4
	next
}
$1 == "flag" { flag[$2] = $3; next }
$1 == "begin" { begin($2); next }
$1 == "end" { end_ring(); row = 0; next }
$1 != "s" || !row { next }

{
	if ($2 !~ /^f/) {
		with_guest = 1
		next
	}
	if ($2 in entry)
		interrupted = 1
	if (count > 0 || off) {
		if (!length_of++)
			first = $2
	}
	if ($2 in delta)
		count += delta[$2]
	if ($2 in flag)
		off = flag[$2] == "off"
	if (length_of && count <= 0 && !off) {
		if (length_of > best[with_guest]) {
			best[with_guest] = length_of
			from[with_guest] = first
			until[with_guest] = $2
		}
		length_of = with_guest = 0
	}
}

END {
	if (!counter) {
		print "held.awk: the kernel has neither pcpu_hot nor __preempt_count" >"/dev/stderr"
		exit 1
	}
	printf "%-24s %6s %8s  %-52s %8s\n", "row", "rings", "longest", "from, to", "at entry"
	for (i = 1; i <= rows; i++)
		printf "%-24s %6d %8d  %-52s %8d\n", row_name[i], rings[i], worst[i, 0],
			by[i, 0] ", " to[i, 0], worst[i, 1]
}
