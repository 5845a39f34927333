#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# layers.sh [DIRECTORY] - print the layers in which the sources of DIRECTORY, kernel/host, stand by
# what they include, the top one first, and fail if there is a circle. X.c and X.h are one place;
# a place stands above all those whose header it includes.

. "$(dirname "$0")/common.sh"

cd "$top/${1:-kernel/host}"

# Lines "A B": A includes B; "A A" for each place, so that tsort knows them all.
arrows()
{
	local file place

	for file in *.[ch]; do
		place=${file%.*}
		echo "$place $place"
		sed -n -E 's/^#include "([a-z_]+)\.h"$/\1/p' "$file" | while read -r other; do
			[ "$other" = "$place" ] || [ ! -e "$other.h" ] || echo "$place $other"
		done
	done | sort -u
}

arrows=$(arrows)
if ! order=$(tsort <<<"$arrows" 2>&1); then
	printf '%s\n' "$order" | sed -n 's/^tsort: /circle: /p' >&2
	die "the includes of ${PWD#"$top/"} make a circle"
fi
tac <<<"$order" | awk '
	NR == FNR { if ($1 != $2) below[$1] = below[$1] " " $2; next }
	{
		layer[$1] += 0
		n = split(below[$1], places, " ")
		for (i = 1; i <= n; i++)
			if (layer[places[i]] >= layer[$1])
				layer[$1] = layer[places[i]] + 1
		row[layer[$1]] = row[layer[$1]] " " $1
		if (layer[$1] > last)
			last = layer[$1]
	}
	END { for (i = last; i >= 0; i--) printf "%2d %s\n", i + 1, row[i] }' <(printf '%s\n' "$arrows") -
