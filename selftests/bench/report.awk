# SPDX-License-Identifier: GPL-2.0
#
# awk -v machines="tcg intel ryzen" -f report.awk FIGURES... goals - print the figures of these
# machines, a file each, as a table, and how the goals are met. A line of figures is "NAME MEDIAN EXITS
# USER"; exits are those of the first machine. goals tells its own form.

BEGIN { nr_machines = split(machines, machine) }

# What a column of a row says. Where one machine alone was measured it stands for all.
function value(name, column)
{
	if (column == "exits")
		return exits[name]
	if (column == "user")
		return user[name]
	return raw[nr_machines == 1 ? machine[1] : column, name]
}

function need(name, column)
{
	if (value(name, column) != "")
		return
	printf "%s names %s of %s, which was not measured\n", FILENAME, name, column >"/dev/stderr"
	status = 1
}

function label(name, column)
{
	return name (column == "user" ? ", exits to userspace" : column == "exits" ? ", exits" : " " column)
}

function header(    m)
{
	printf "\n%-32s", ""
	for (m = 1; m <= nr_machines; m++)
		printf " %10s", machine[m]
	printf " %6s %6s\n", "exits", "user"
}

function table_row(name,    m, figure)
{
	printf "%-32s", name
	for (m = 1; m <= nr_machines; m++) {
		figure = raw[machine[m], name]
		printf " %10s", figure == "" ? "-" : figure
	}
	printf " %6d %6d\n", exits[name], user[name]
}

# Goals come as fields: FIGURE COLUMN <= LIMIT [of OTHER]
function goal(limit, got, of)
{
	need($1, $2)
	limit = $4
	got = value($1, $2)
	of = ""
	if (NF == 6) {
		need($6, $2)
		got /= value($6, $2) > 0 ? value($6, $2) : 1
		of = " of " $6
	}
	printf "%-6s %8s, goal %5s%s: %s\n", got <= limit ? "met" : "MISSED",
		NF == 6 ? sprintf("%.4f", got) : got, limit, of, label($1, $2)
	missed += got > limit
	goals++
}

FNR == 1 { file++ }

file <= nr_machines && /^# (kernel|unit) / {
	print machine[file] ": " substr($0, 3)
}
file <= nr_machines {
	if (/^#/)
		next
	raw[machine[file], $1] = $2
	if (!($1 in exits)) {
		exits[$1] = $3
		user[$1] = $4
		order[++rows] = $1
	}
	next
}

FNR == 1 {
	header()
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
