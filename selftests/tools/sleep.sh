# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced behind guest.sh by tests in which a guest sleeps.

# falls_asleep NAME - until wakes_up()
falls_asleep()
{
	run "$1" "echo enabled >/sys/class/tty/ttyS1/power/wakeup"
	say "$1" "echo freeze >/sys/power/state"
}

# wakes_up NAME - by what is said to it, of which the first may be lost, in part or whole: then it is said again
wakes_up()
{
	run "$1" true
}

# dozes NAME STATE LEVEL - it goes to sleep, up to that level of its kernel's pm_test, and comes back by itself
dozes()
{
	run "$1" "echo 0 >/sys/module/suspend/parameters/pm_test_delay && echo $3 >/sys/power/pm_test &&" \
		"echo $2 >/sys/power/state && echo none >/sys/power/pm_test"
}
