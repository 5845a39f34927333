# SPDX-License-Identifier: GPL-2.0
#
# awk -f compare.awk OLD NEW - fail if a row of OLD has grown by more than 2 % in NEW, or is missing.
# Between different kernels the rows are compared as multiples of the null hypercall.

BEGIN { tolerance = 1.02 }

FNR == 1 { file++ }
/^# kernel / { kernel[file] = $3 }
/^#/ { next }
{ median[file, $1] = $2 }
file == 1 { order[++rows] = $1 }

END {
	scale = 1
	if (kernel[1] != kernel[2]) {
		scale = median[2, "null_not_loaded"] / median[1, "null_not_loaded"]
		printf "# the figures in the tree are of %s, multiplied by %.3f for %s\n",
			kernel[1], scale, kernel[2]
	}
	for (i = 1; i <= rows; i++) {
		name = order[i]
		old = median[1, name] * scale
		if (!((2, name) in median)) {
			printf "not ok - %s was not measured\n", name
			failed++
		} else if (median[2, name] > old * tolerance) {
			printf "not ok - %s has grown by %.1f %%, from %d to %d\n", name,
				(median[2, name] / old - 1) * 100, old, median[2, name]
			failed++
		} else {
			passed++
		}
	}
	printf "%d passed, %d failed\n", passed, failed
	exit failed > 0
}
