# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced behind guest.sh by tests in which b is saved, and goes on in another QEMU. $link is the link in the guests,
# $monitors the directory where b's monitor is, and start_b starts its QEMU with the arguments behind the first two.

# shellcheck disable=SC2154 # the tests set it

# tells COMMAND - b's QEMU, which understands
tells()
{
	monitor "$monitors/b" <<<"$*"
}

# forgets VM OBJECT - its QEMU does, when the guest has let go
forgets()
{
	monitor "$monitors/$1" <<<"object_del $2"
}

# unplug VM LINK - take the link's devices away, and what they were made of
unplug()
{
	local name=pvi-${2%%-*} section

	for section in 0 1; do
		monitor "$monitors/$1" <<<"device_del $name-$section-dev"
	done
	for section in 0 1; do
		await forgets "$1" "$name-$section"
	done
}

# save - b's state, to $tmp/b; its QEMU ends
save()
{
	tells "migrate \"exec:cat >$tmp/b\""
	kill -KILL "$g_b"
	await has_ended "$at_b"
}

# restore - another QEMU goes on with it, and has the link
restore()
{
	start_b newer 2 -incoming "exec:cat $tmp/b"
	# A device that came before all is loaded would not be noticed.
	run g_b true
	attach at_b --pid "$g_b"
	pvictl link --hotplug --for "$b" "$link" | monitor "$monitors/b"
}
