# SPDX-License-Identifier: GPL-2.0
#
# awk -f apart.awk RINGS - of two CPUs that ring at the same time, tell how many cache lines each
# writes, and which of them the other reads or writes as well: in every other ring at the least,
# since an interrupt of the host's writes this and that now and then. The first row is of two
# receivers, and fails if there are any; the second of one, and fails if there are none.

$1 == "row" {
	if (row)
		tell()
	row = $2
	nr = 0
	rings[0] = $3
	rings[1] = $4
}
$1 == "line" {
	# LINE WRITES-0 WRITES-1 READS-0 READS-1
	nr++
	for (cpu = 0; cpu < 2; cpu++) {
		writes[nr, cpu] = $(3 + cpu)
		reads[nr, cpu] = $(5 + cpu)
	}
	address[nr] = $2
}

function often(accesses, cpu) { return accesses >= rings[cpu] / 2 }

function uses(i, cpu) { return often(writes[i, cpu] + reads[i, cpu], cpu) }

function tell(i, cpu, used, written, shared)
{
	printf "%s:\n", row == 1 ? "two receivers" : "one receiver"
	for (i = 1; i <= nr; i++) {
		for (cpu = 0; cpu < 2; cpu++) {
			written[cpu] += often(writes[i, cpu], cpu)
			used[cpu] += uses(i, cpu)
		}
		if (uses(i, 0) && uses(i, 1) && (often(writes[i, 0], 0) || often(writes[i, 1], 1))) {
			printf "  0x%s: writes %d and %d, reads %d and %d\n", address[i],
				writes[i, 0], writes[i, 1], reads[i, 0], reads[i, 1]
			shared++
		}
	}
	for (cpu = 0; cpu < 2; cpu++)
		printf "  CPU %d: %d rings, each uses %d cache lines and writes %d of them\n", cpu,
			rings[cpu], used[cpu], written[cpu]
	printf "  cache lines written by one and used by the other: %d\n", shared
	# One receiver shows that it would have been seen
	if (!rings[0] || !rings[1] || !shared != (row == 1))
		status = 1
}

END {
	tell()
	exit row == 2 ? status : 1
}
