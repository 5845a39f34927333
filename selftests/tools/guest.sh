# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced behind lib.sh by the tests with Linux guests: stock QEMUs, each with a Debian kernel and
# kvm_pvi_guest, told what to do over a serial port.

# shellcheck source=selftests/tools/hear.sh
. "$(dirname "$0")/tools/hear.sh"

# Guests, which guest() sets, and their attachments; $tmp is the test's.
# shellcheck disable=SC2034 # the tests use them
g_a='' g_b='' g_c='' tmp=''
again=250

# What a test says of a kernel that has complained.
reports='WARNING|BUG:|kernel BUG|Oops|possible circular locking|suspicious RCU|======|hung task'
reports="$reports|blocked for more than|rcu: INFO|soft lockup|hard LOCKUP|general protection"
reports="$reports|[Uu]nable to handle|refcount_t|Kernel panic|Call Trace"

if [ ! -e "${PVI_GUESTS:-}/older/vmlinux" ]; then
	echo "# SKIP PVI_GUESTS does not name a directory with what rig/guest.sh makes, as older and newer"
	exit 4
fi

# The kernel's command line of a guest. Its watchdogs are off: a stall of RCU or a soft lockup says how busy the host
# is, no more. A guest that is stuck does not answer, and listen() tells. It boots with one vCPU, and its init starts
# the others: where L1 has one CPU, vCPUs that wait for each other by the thousand do so for a tick of L1's each. It
# neither looks for an AGP bridge on each of 256 buses, two exits a slot, nor tests its ciphers, for a quarter of the
# processor time of a boot.
guest_append="console=ttyS0 quiet pci=noearly cryptomgr.notests mitigations=off maxcpus=1 norandmaps nowatchdog"
guest_append="$guest_append rcupdate.rcu_cpu_stall_suppress=1"

# guest NAME KERNEL ARGUMENT... - start a QEMU, as the variable $NAME; do not wait for the guest. $append is added to
# its kernel's command line, and $PVI_GUEST_APPEND to that of all; $PVI_GUEST_MEMORY are megabytes.
guest()
{
	local name=$1 kernel=$2 counts=()

	shift 2
	# See coverage/run_guests.sh.
	[ ! -d /tmp/counted ] || counts=(-serial "file:$(mktemp /tmp/counted/XXXXXX)")
	rm -f "$tmp/$name.in" "$tmp/$name.out"
	mkfifo "$tmp/$name.in" "$tmp/$name.out"
	qemu-system-x86_64 -name "$name" -accel kvm -machine pc -cpu host -m "${PVI_GUEST_MEMORY:-160}" -nodefaults \
		-no-user-config -display none -kernel "$PVI_GUESTS/$kernel/vmlinux" \
		-initrd "$PVI_GUESTS/$kernel/initramfs" \
		-append "$guest_append ${append:-} ${PVI_GUEST_APPEND:-}" \
		-serial "file:$tmp/$name.console" \
		-chardev stdio,id=shell,signal=off -serial chardev:shell "${counts[@]}" "$@" \
		<"$tmp/$name.in" >"$tmp/$name.out" 2>"$tmp/$name.qemu" &
	declare -g "$name=$!" "${name}_console=$tmp/$name.console" "${name}_told=" "${name}_number=boot"
	exec {fd}>"$tmp/$name.in"
	declare -g "${name}_in=$fd"
	exec {fd}<"$tmp/$name.out"
	declare -g "${name}_out=$fd"
	hear_begun[fd]=''
}

# The ticks of processor time that process $1 has used
ticks_of()
{
	local stat fields

	{ read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 0
	# Behind its name, which may contain anything, comes the state, field 3.
	read -ra fields <<<"${stat##*) }"
	echo $((fields[11] + fields[12]))
}

# listen NAME SECONDS - print what the guest says until a command has ended, and return its status, or
# $again if it was not understood. A guest is given up that says nothing for so many seconds of its
# processor time, or has slept through as many seconds: one that has nothing to do uses some 7 ticks in each, where
# three that have all to do get 33. One that sleeps for ten seconds is told again, see answers.sh; then for twenty, and so on.
listen()
{
	local out=${1}_out console=${1}_console told=${1}_told limit=$(($2 * ${PVI_SLOW:-1})) asleep=0 heard=''
	local number=${1}_number silent=0 tell=10 start before ticks

	start=$(ticks_of "${!1}") before=$start
	while ((asleep < limit && before - start < limit * 100)); do
		if ! hear "${!out}" 1; then
			ticks=$(ticks_of "${!1}")
			[ -n "$ticks" ] || break
			((ticks - before > 20)) || asleep=$((asleep + 1)) silent=$((silent + 1))
			if ((silent == tell)); then
				on_console "guest $1 is told again"
				send "$1"
				silent=0 tell=$((tell * 2))
			fi
			before=$ticks
			continue
		fi
		if [[ $heard == *$'\005='* ]]; then
			[ -z "${heard%$'\005='*}" ] || echo "${heard%$'\005='*}"
			heard=${heard##*$'\005='}
			[ "$heard" != again ] || return $again
			# What was answered twice
			[ "${heard%:*}" = "${!number}" ] || continue
			return "${heard#*:}"
		fi
		echo "$heard"
		start=$before asleep=0 silent=0
	done
	# Nor does it answer to the tests that follow.
	on_console "guest $1 says nothing more"
	{
		echo "guest $1 says nothing more to '${!told:-init}', and is ended; the end of its kernel's console:"
		tail -n 20 "${!console}"
	} >&"${reasons:-2}"
	kill -KILL "${!1}"
	exit 1
}

booted()
{
	declare -g "${1}_told=" "${1}_number=boot"
	listen "$1" 240
}

# send NAME - what it was told last
send()
{
	local in=${1}_in told=${1}_told number=${1}_number line

	line=${!number}:${!told}
	if [ -n "${!told}" ]; then
		echo "${#line}:$line" >&"${!in}"
	else
		echo >&"${!in}"
	fi
}

# say NAME COMMAND... - to the guest's shell, in one line; do not wait
say()
{
	local command=${*:2}

	[[ $command != *$'\n'* ]] || fail "not one line: $command"
	if [ ! -e "/proc/${!1}" ]; then
		echo "guest $1 is not there to be told '$command'" >&"${reasons:-2}"
		exit 1
	fi
	declare -g "${1}_told=$command" "${1}_number=$EPOCHREALTIME"
	send "$1"
}

# run NAME COMMAND... - in the guest; prints its output, and returns its status
run()
{
	local status=0 tries=5

	say "$@"
	listen "$1" 120 || status=$?
	while [ "$status" -eq $again ] && ((tries--)); do
		status=0
		send "$1"
		listen "$1" 120 || status=$?
	done
	[ "$status" -eq 0 ] || echo "guest $1: '${*:2}' gives $status" >&2
	return "$status"
}

# wakes NAME VERB... - start pvi in the guest, and wait until it sleeps in poll()
wakes()
{
	run "$1" "pvi ${*:2} >/tmp/out 2>&1 & true"
	sleeps "$1"
}

# sleeps NAME - what was started in the guest last, whose output is in /tmp/out, does so
sleeps()
{
	# shellcheck disable=SC2016 # the guest's shell knows it
	run "$1" 'until grep -q poll /proc/$!/wchan || [ ! -e /proc/$!/exe ]; do usleep 20000; done;' \
		'[ -e /proc/$!/exe ] || { cat /tmp/out; false; }' >&2
}

# woken NAME - what that pvi has printed, now that it has ended
woken()
{
	# shellcheck disable=SC2016
	run "$1" 'wait $!; cat /tmp/out'
}

# monitor SOCKET - tell the QEMU that listens there what is on stdin, which it must understand
monitor()
{
	python3 - "$1" 3<&0 <<'PYTHON'
import os, socket, sys
monitor = socket.socket(socket.AF_UNIX)
monitor.connect(sys.argv[1])
monitor.settimeout(600)
def answer(to):
    text = b""
    while not text.endswith(b"(qemu) "):
        try:
            part = monitor.recv(4096)
        except TimeoutError:
            sys.exit("QEMU says nothing to " + to)
        assert part, "QEMU has ended"
        text += part
    return text
answer("its monitor's user")
for line in os.fdopen(3):
    monitor.sendall(line.encode())
    said = answer(line)
    if b"Error" in said:
        sys.exit(line + said[said.index(b"Error"):].decode())
PYTHON
}

# What a kernel says, but that a task was blocked before its init began: how long that took says how busy the host was,
# and nothing that is ours was there.
without_boot()
{
	awk 'BEGIN { booting = 1 }
		match($0, /\[ *[0-9]+\.[0-9]+\]/) {
			now = substr($0, RSTART + 1) + 0
			booting = (booting || now < last) && !/init begins/
			last = now
		}
		booting { sub(/blocked for more than/, "slow, for") }
		{ print }' "$1"
}

# The guest's kernel has not complained since it booted. Its log comes here only if it has: a serial port takes
# its time.
quiet()
{
	local console=${1}_console

	run "$1" "dmesg >/tmp/dmesg; ! grep -q -E '$reports' /tmp/dmesg || cat /tmp/dmesg" >"$tmp/dmesg"
	cat "${!console}" >>"$tmp/dmesg"
	! without_boot "$tmp/dmesg" | grep -E -B 5 -A 30 "$reports" || fail "the kernel of guest $1 complained"
}

# accepted UUID - how many that endpoint has accepted; one that was bound anew begins from 0
accepted()
{
	pvictl show --json "$1" >"$tmp/json" &&
		python3 -I -S -c 'import json, sys
print(sum(g["rings"] for g in json.load(open(sys.argv[1]))["gsis"]))' "$tmp/json"
}

# accepts_more UUID N
accepts_more()
{
	local rung

	rung=$(accepted "$1") && [ "$rung" -gt "$2" ]
}
