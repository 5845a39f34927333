# SPDX-License-Identifier: GPL-2.0
#
# awk -f compare.awk OLD NEW - fail if a row of OLD has grown by more than 2 % in NEW, or is missing.
# Rows of the stock kernel say nothing of us on another kernel, so there they are left out and the
# others compared as multiples of the null hypercall. The VMMs' calls, into which works and a tick
# of the host's may come, may grow by 10 %. Rows in time, grace periods, may come out a tick longer:
# what holds them is their goal.

function is_time(name) { return name ~ /^teardown_/ }
function is_ours(name) { return name !~ /^(flat_)?(null_not_loaded|hyperv|xen|pio|mmio)/ }
function tolerance(name) { return name ~ /^control_/ ? 1.10 : 1.02 }

FNR == 1 { file++ }
/^# kernel / { kernel[file] = $3 }
/^#/ { next }
{ median[file, $1] = $2 }
file == 1 { order[++rows] = $1 }

END {
	scale = 1
	other = kernel[1] != kernel[2]
	if (other) {
		scale = median[2, "null_not_loaded"] / median[1, "null_not_loaded"]
		printf "# the figures in the tree are of %s: multiplied by %.4f, as its null hypercall, for %s\n",
			kernel[1], scale, kernel[2]
	}
	for (i = 1; i <= rows; i++) {
		name = order[i]
		# Bytes do not scale
		old = median[1, name] * (name ~ /^memory_/ ? 1 : scale)
		if (!((2, name) in median)) {
			printf "# %s was not measured\n", name
			failed++
		} else if (is_time(name) || other && !is_ours(name)) {
			continue
		} else if (median[2, name] > old * tolerance(name)) {
			printf "# %s has grown by %.1f %%, from %d to %d\n", name,
				(median[2, name] / old - 1) * 100, old, median[2, name]
			failed++
		}
		compared++
	}
	printf "# %d rows compared with %s\n", compared, ARGV[1]
	if (failed && other)
		print "# if it is the other kernel that costs more: \"make bench\", and commit what it writes"
	else if (failed)
		print "# if this is meant: \"make bench\", and commit what it writes"
	exit failed > 0
}
