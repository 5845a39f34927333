# SPDX-License-Identifier: GPL-2.0
#
# awk -f link_median.awk LINES COUNTS - of lines "span NAME UNITS RINGS HALTS INTERRUPTS span HOST GUESTS EXITS LINES",
# of each name several in COUNTS, print "NAME BOTH HOST GUESTS EXITS RINGS HALTS INTERRUPTS LINES" by unit: the round
# whose BOTH is the median, and the lines of another boot's, which are in LINES.

FNR == NR {
	lines[$2] = $11 / $3
	next
}

{
	name = $2
	if (!(name in rounds))
		order[++names] = name
	i = ++rounds[name]
	both[name, i] = ($8 + $9) / $3
	more = 1.25 * $3
	row[name, i] = sprintf("%.3f %.3f %.4f %.4f %.4f %.4f", $8 / $3, $9 / $3, $10 / $3,
		$4 / more, $5 / more, $6 / more)
}

# As many rounds are less than this one as are more, or one apart
function is_median(name, i,    j, less)
{
	for (j = 1; j <= rounds[name]; j++)
		less += both[name, j] < both[name, i] || (both[name, j] == both[name, i] && j < i)
	return less == int(rounds[name] / 2)
}

END {
	for (n = 1; n <= names; n++)
		for (i = 1; i <= rounds[order[n]]; i++)
			if (is_median(order[n], i))
				printf "%s %.3f %s %.4f\n", order[n], both[order[n], i],
					row[order[n], i], lines[order[n]]
}
