# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced behind lib.sh by tests in which the host lies to its guests.

liar=/sys/module/pvi_test_liar

# lie PARAMETER... - from now on, as pvi_test_liar is told, until honest() or the end of the test
lie()
{
	local module=$PVI_TEST_MODULES/pvi_test_liar.ko

	[ -e "$module" ] || module=/mnt$module
	insmod "$module" "$@"
	trap 'rmmod pvi_test_liar; stop_jobs' EXIT
}

# lied - how often it has
lied()
{
	cat $liar/parameters/lies
}

honest()
{
	rmmod pvi_test_liar
	trap stop_jobs EXIT
}
