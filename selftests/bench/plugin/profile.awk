# SPDX-License-Identifier: GPL-2.0
#
# awk -f profile.awk NAMES ROWS ADDRESSES - print for each row the functions that its rings ran
# through, with the instructions a ring spends in each. NAMES has "# ring NAME" for each row, ROWS
# "row NUMBER ... STEADY", ADDRESSES, in their order, "ADDRESS 0 FUNCTION" and
# "ADDRESS 1 ROW COUNT". What comes before any function is the guest, or a process.

FNR == 1 { file++ }
file == 1 { name[FNR] = $3; rows = FNR; next }
file == 2 { rings[$2] = $5; next }

$2 == 0 { function_name = $3 ($4 == "" ? "" : " " $4); next }
{
	key = function_name == "" || $1 !~ /^ffff/ ? "(guest and VMM)" : function_name
	if (!((key, $3) in count)) {
		nr[$3]++
		keys[$3, nr[$3]] = key
	}
	count[key, $3] += $4
	sum[$3] += $4
}

END {
	for (row = 1; row <= rows; row++) {
		if (!rings[row])
			continue
		printf "\n%s: %.0f instructions, by function, of %d rings\n\n", name[row],
			sum[row] / rings[row], rings[row]
		sorter = "sort -k1,1nr -k2"
		for (i = 1; i <= nr[row]; i++) {
			key = keys[row, i]
			if (count[key, row] / rings[row] >= 0.5)
				printf "%7.0f %s\n", count[key, row] / rings[row], key | sorter
		}
		close(sorter)
	}
}
