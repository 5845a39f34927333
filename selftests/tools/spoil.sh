# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced behind guest.sh by tests in which b harms a link's session by pvi_spoil. $bus is the link in the guests,
# connected() waits until both sides talk.

# shellcheck disable=SC2154 # the tests set it

# ended NAME - how many sessions of the link there were, and how many the peer has ended by breaking the rules
ended()
{
	run "$1" "echo \$(cat $bus/sessions $bus/broken)"
}

# begun NAME - how many sessions there were, and the guest's time in seconds
begun()
{
	run "$1" "echo \$(cat $bus/sessions) \$(cut -d . -f 1 /proc/uptime)"
}

# paced SESSIONS SECONDS - from there on, which begun() has said of a, b could not have a begin more sessions than 20,
# and one each five seconds of a's
paced()
{
	local now

	read -ra now <<<"$(begun g_a)"
	[ $((now[0] - $1)) -le $((21 + (now[1] - $2 + 1) / 5)) ] ||
		fail "$((now[0] - $1)) sessions in $((now[1] - $2)) s"
}

# spoils WHAT N - each session that b spoils is over for a, which says so if a rule was broken. Of messages
# that b's driver has not sent, as those of long, sum and head, b may notice before a that a has received them. By life
# no rule is broken, and a session may be over before a has counted it: pvi_spoil has seen that each was left.
spoils()
{
	local before after before_b=(0 0) after_b=(0 0) counted

	read -ra before <<<"$(ended g_a)"
	[[ $1 != @(long|sum|head) ]] || read -ra before_b <<<"$(ended g_b)"
	same "$(run g_b pvi_spoil "$1" "$2")" "$1 $2"
	connected
	read -ra after <<<"$(ended g_a)"
	[[ $1 != @(long|sum|head) ]] || read -ra after_b <<<"$(ended g_b)"
	counted=$((after[1] - before[1] + after_b[1] - before_b[1]))
	if [ "$1" = life ]; then
		[ "${after[0]}" -gt "${before[0]}" ] || fail "$1: no new session"
		return
	fi
	[ $((after[0] - before[0])) -ge "$2" ] || fail "$1: no new sessions"
	[ "$counted" -ge "$2" ] || fail "$1: $counted of $2 counted"
}
