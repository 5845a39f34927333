# SPDX-License-Identifier: GPL-2.0
#
# awk -f report.awk figures.txt goals - print the figures as a table, and how the goals are met.
# A line of figures.txt is "NAME MEDIAN EXITS USER SKIPS"; goals tells its own form.

# What one skip costs; the rest of a hypercall that does nothing costs the same in every guest.
function skip(name)
{
	return raw["skip"] - (name ~ /^flat_/ ? raw["null_not_loaded"] - raw["flat_null_not_loaded"] : 0)
}

# What a column of a row says.
function value(name, column)
{
	if (column == "net")
		return raw[name] - skips[name] * skip(name)
	return column == "raw" ? raw[name] : column == "exits" ? exits[name] : user[name]
}

function label(name, column)
{
	if (column == "raw")
		return name
	return name (column == "net" ? " less the skip" : column == "user" ? ", exits to userspace" : ", exits")
}

function need(name)
{
	if (name in raw)
		return
	printf "%s names %s, which was not measured\n", FILENAME, name >"/dev/stderr"
	status = 1
}

function table_row(name)
{
	printf "%-32s %10d %10d %6d %6d\n", name, raw[name], value(name, "net"), exits[name], user[name]
}

# Goals come as fields: FIGURE COLUMN <= LIMIT [of OTHER COLUMN]
function goal(limit, got, of)
{
	need($1)
	limit = $4
	got = value($1, $2)
	of = ""
	if (NF == 7) {
		need($6)
		got /= value($6, $7) > 0 ? value($6, $7) : 1
		of = " of " label($6, $7)
	}
	printf "%-6s %8s, goal %5s%s: %s\n", got <= limit ? "met" : "MISSED",
		NF == 7 ? sprintf("%.4f", got) : got, limit, of, label($1, $2)
	missed += got > limit
	goals++
}

FNR == 1 { file++ }

file == 1 && /^#/ { print substr($0, 3); next }
file == 1 && !titled++ {
	printf "\n%-32s %10s %10s %6s %6s\n", "", "raw", "less skips", "exits", "user"
}
file == 1 {
	raw[$1] = $2
	exits[$1] = $3
	user[$1] = $4
	skips[$1] = $5
	order[++rows] = $1
	next
}

file == 2 && FNR == 1 {
	for (i = 1; i <= rows; i++)
		table_row(order[i])
	print ""
}
/^#/ || NF == 0 { next }
{ goal() }

END {
	printf "\n%d of %d goals met\n", goals - missed, goals
	exit status
}
