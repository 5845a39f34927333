# SPDX-License-Identifier: GPL-2.0
#
# awk -f plot.awk -f plot_NAME.awk FIGURES - draw figures as bars, ours and the stock kernel's, into an SVG that
# follows the reader's choice of light or dark. plot_NAME.awk says what is in the picture: add() each row,
# "# TITLE" or "FIGURE TEXT [/DIVISOR]", and set title and note; apart if each group has a scale of its own.

BEGIN {
	left = 380	# where bars begin
	width = 460	# of the longest
	right = 130	# for its figures
	line = 20
	head = 64
}

function add(row)
{
	rows[++nr] = row
}

/^# kernel / { kernel = $3 }
!/^#/ { raw[$1] = $2 }

function style()
{
	print "<style>"
	print "text { font: 13px system-ui, sans-serif; fill: #24292f; }"
	print ".title { font-weight: 600; font-size: 15px; } .group { font-weight: 600; }"
	print ".note { fill: #57606a; font-size: 12px; } .page { fill: #ffffff; }"
	print ".axis { stroke: #afb8c1; } .ours { fill: #0969da; } .stock { fill: #6e7781; }"
	print "@media (prefers-color-scheme: dark) {"
	print "text { fill: #e6edf3; } .note { fill: #9198a1; } .page { fill: #0d1117; }"
	print ".axis { stroke: #484f58; } .ours { fill: #58a6ff; } .stock { fill: #8b949e; }"
	print "}"
	print "</style>"
}

function text(x, y, class, what, anchor)
{
	gsub(/&/, "\\&amp;", what)
	printf "<text x=\"%d\" y=\"%d\" class=\"%s\"%s>%s</text>\n", x, y, class,
		anchor ? " text-anchor=\"" anchor "\"" : "", what
}

function rect(x, y, w, class)
{
	printf "<rect x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"14\" class=\"%s\"/>\n", x, y, w, class
}

function axis(top, bottom)
{
	printf "<line class=\"axis\" x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\"/>\n", left, top, left, bottom
}

function bar(y, name, label, divisor,    class, all)
{
	if (!(name in raw)) {
		printf "plot.awk: %s was not measured\n", name >"/dev/stderr"
		exit 1
	}
	class = name ~ /^(pvi|vsock)_/ ? "ours" : "stock"
	all = raw[name] / divisor
	text(left - 8, y + 12, "", label, "end")
	axis(y - 3, y + 17)
	rect(left, y, all * scale, class)
	text(left + all * scale + 6, y + 12, "", sprintf(all < 100 && all != int(all) ? "%.2f" : "%d", all))
}

function split_row(row)
{
	divisor = 1
	if (match(row, / \/[0-9]+$/)) {
		divisor = substr(row, RSTART + 2)
		row = substr(row, 1, RSTART - 1)
	}
	figure = row
	sub(/ .*/, "", figure)
	label = substr(row, length(figure) + 2)
}

# The longest bar of the rows from @from on, to the end of the group if each has its own scale
function set_scale(from,    i, longest)
{
	for (i = from; i <= nr; i++) {
		split_row(rows[i])
		if (figure == "#" && i > from && apart)
			break
		if (figure != "#" && raw[figure] / divisor > longest)
			longest = raw[figure] / divisor
	}
	scale = width / longest
}

END {
	set_scale(1)
	height = head + (nr + 1.5) * line + 20
	printf "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" role=\"img\">\n",
		left + width + right, height, left + width + right, height
	printf "<title>%s</title>\n", title
	style()
	printf "<rect class=\"page\" width=\"100%%\" height=\"100%%\"/>\n"
	text(16, 26, "title", title "; fewer is better")
	text(16, 46, "note", "Linux " kernel note)
	y = head
	for (i = 1; i <= nr; i++) {
		if (apart && rows[i] ~ /^# /)
			set_scale(i)
		split_row(rows[i])
		if (figure == "#") {
			y += 8
			text(16, y + 13, "group", label)
		} else {
			bar(y, figure, label, divisor)
		}
		y += line
	}
	print "</svg>"
}
