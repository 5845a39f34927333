# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced by the *_test.sh of whom others may let wait, after lib.sh.

# shellcheck disable=SC2154 # lib.sh has them

load_delay()
{
	local module=$PVI_TEST_MODULES/pvi_test_delay.ko

	[ ! -e "/mnt$module" ] || module=/mnt$module
	insmod "$module"
}

# hold_lock_of PID UUID... - whoever wants the locks of these endpoints of that process waits, as if vCPUs that do not
# run had them, until let_lock, or for 100 s
hold_lock_of()
{
	cat >"$tmp/hold_lock.py" <<-'PYTHON'
		import ctypes, os, sys
		pid, uuids = int(sys.argv[1]), sys.argv[2:]
		def is_one(fd):
		    try:
		        with open(f"/proc/{pid}/fdinfo/{fd}") as info:
		            text = info.read()
		    except FileNotFoundError:
		        return False
		    return any(f"pvi-uuid:\t{uuid}\n" in text for uuid in uuids)
		pidfd, syscall = os.pidfd_open(pid), ctypes.CDLL(None).syscall
		fds = [syscall(438, pidfd, int(fd), 0) for fd in os.listdir(f"/proc/{pid}/fd") if is_one(fd)]	# pidfd_getfd
		assert len(fds) == len(uuids) and min(fds) >= 0
		with open("/sys/module/pvi_test_delay/parameters/locks", "w") as locks:
		    locks.write(str(max(fds) + 1))
	PYTHON
	python3 -I -S "$tmp/hold_lock.py" "$@"
}

# It fails where that took longer.
let_lock()
{
	echo 0 >/sys/module/pvi_test_delay/parameters/locks
}

# From now on whoever is started by with_stalled waits when it has opened that process's command line, and $tmp/stalled
# is there then.
stall()
{
	mkfifo "$tmp/cmdline"
	# shellcheck disable=SC2016 # of sh
	sh -c 'exec 3>"$1"; : >"$2"; exec sleep 1000' sh "$tmp/cmdline" "$tmp/stalled" &
}

# with_stalled PID COMMAND... - in the place of this shell
with_stalled()
{
	# shellcheck disable=SC2016 # of sh
	exec unshare --mount sh -e -c 'mount --bind "$1" "/proc/$2/cmdline"; shift 2; exec "$@"' sh "$tmp/cmdline" "$@"
}

# ends PID - a child of ours does, when it is told to by a signal
ends()
{
	kill "$1"
	await has_ended "$1"
}
