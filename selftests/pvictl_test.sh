#!/bin/sh
# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# pvictl: its arguments, what it shows, and to whom.

. "$(dirname "$0")/tools/enter.sh"
. "$(dirname "$0")/tools/lib.sh"

usage()
{
	local command

	refuses 2 "which command?" pvictl
	refuses 2 "there is no command 'lost'" pvictl lost
	has "$(pvictl --version)" "pvictl 0."
	for command in $(pvictl --help | sed -n 's/^  \([a-z-]\+\) .*/\1/p'); do
		has "$(pvictl "$command" --help)" "Usage: pvictl $command"
		refuses 2 "Try" pvictl "$command" --no-such-option
	done
	has "$(pvictl --help)" list show attach allow revoke ring top events reserve unreserve guest
}

arguments()
{
	refuses 5 "no VM is called 'x'" pvictl show x
	refuses 2 "which VM?" pvictl show
	refuses 2 "a VM has a UUID or a name" pvictl show ""
	refuses 2 "which receiver, which sender?" pvictl allow "$a"
	refuses 2 "which GSI?" pvictl allow "$a" "$b"
	refuses 2 "a GSI must be a number from 0 to 131071, not '-1'" pvictl allow "$a" "$b" -- -1
	refuses 2 "a GSI must be a number from 0 to 131071, not '020'" pvictl allow "$a" to "$b" gsi 020
	refuses 2 "the rate must be a number" pvictl allow "$a" to "$b" gsi 0x14 rate 010
	refuses 2 "not '20x'" pvictl allow "$a" "$b" 20x
	refuses 2 "the rate must be" pvictl allow --rate=fast "$a" "$b" 20
	refuses 2 "either a GSI or a bell or --all" pvictl revoke --all "$a" "$b" 20
	refuses 2 "with --grant, the receiver" pvictl revoke --grant 1 "$a" "$b"
	refuses 2 "too many arguments: '3'" pvictl ring "$a" 1 3
	refuses 2 "which receiver, which GSI?" pvictl ring "$a"
	refuses 2 "the interval must be" pvictl top --interval 0
	refuses 5 "no endpoint is bound to $a" pvictl show "$a"
	refuses 5 "no endpoint is bound to $a" pvictl ring "$a" 20
}

list()
{
	local text

	same "$(pvictl list)" ""
	pair
	text=$(pvictl list)
	has "$text" UUID " bound" "$at_a pvictl" "$at_b pvictl" "$a" "$b"
	same "$(pvictl list --noheadings | wc -l)" 2
	pvictl list --json >"$tmp/json"
	json "$tmp/json" "[(e['uuid'], e['vmm'], e['pid'], e['name'], e['state']) for e in it['endpoints']] == \
		[('$a', $vm_a, $at_a, None, 'bound'), ('$b', $vm_b, $at_b, None, 'bound')]"
	json "$tmp/json" "{e['uuid']: e['senders'] for e in it['endpoints']} == {'$a': 0, '$b': 1}"
	tell vm_a "ring $b 20"
	pvictl list --json >"$tmp/json"
	json "$tmp/json" "[e['received'] for e in it['endpoints'] if e['uuid'] == '$b'] == [1]"
}

show()
{
	local text

	pair
	tell vm_a "ring $b 20"
	text=$(pvictl show "$b")
	has "$text" "$b" " bound" GSIs: "20 direct" "65536 msi" Senders: "$a" "gsi  20" Counters: received
	has "$(pvictl show "$a")" "GSIs: none" "Senders: none" "Ports: none"
	pvictl show --json "$b" >"$tmp/json"
	json "$tmp/json" "it['endpoint'][0]['uuid'] == '$b'"
	json "$tmp/json" "[(g['gsi'], g['kind'], g['wired'], g['rings']) for g in it['gsis']] == \
		[(20, 'direct', True, 1), (22, 'direct', True, 0), (65536, 'msi', False, 0)]"
	json "$tmp/json" "[(s['sender'], s['gsi'], s['raised']) for s in it['senders']] == \
		[('$a', '20', 1)] and it['ports'] == [] and it['peers'] == [] and it['counters'][1]['raised'] == 1"
}

top()
{
	local job

	pair
	pvictl top --json --interval 0.5 --count 8 >"$tmp/json" &
	job=$!
	while kill -0 "$job" 2>/dev/null; do
		same "$(tell vm_a "ring $b 20")" 0
	done
	wait "$job"
	# As many documents as were asked for, one after the other.
	sed -i -e '1s/^/[/' -e '$s/$/]/' -e 's/^}$/},/' -e '$s/},]/}]/' "$tmp/json"
	json "$tmp/json" "len(it) == 8 and max(r['raised'] for t in it for r in t['rates']) > 0"
	json "$tmp/json" "{(r['receiver'], r['sender'], r['gsi']) for t in it for r in t['rates']} == \
		{('$b', '$a', '20')}"
	same "$(pvictl top --interval 0.1 --count 1 --noheadings "$a")" "Rings per second: none"
}

# untraced COMMAND... - by root who may trace nobody, as Yama's scope 3 has it, and sees no process of others' in /proc
untraced()
{
	# shellcheck disable=SC2016 # that shell knows it
	unshare --mount sh -c 'mount -t proc -o hidepid=2,gid=12345 proc /proc &&
		exec setpriv --reuid 0 --bounding-set -sys_ptrace --inh-caps -sys_ptrace "$@"' sh "$@"
}

# What the module lists needs neither of these: who is bound, whom it lets ring, and what was rung.
untraceable()
{
	pair
	tell vm_a "ring $b 20"
	! untraced ls "/proc/$vm_a/fd" >"$tmp/log" 2>&1 || fail "it may trace them"
	untraced pvictl list --json >"$tmp/json"
	json "$tmp/json" "[(e['uuid'], e['senders'], e['received'], e['state']) for e in it['endpoints']] == \
		[('$a', 0, 0, 'bound'), ('$b', 1, 1, 'bound')]"
	untraced pvictl show --json "$b" >"$tmp/json"
	json "$tmp/json" "[g['gsi'] for g in it['gsis']] == [20, 22, 65536] and [s['sender'] for s in it['senders']] == ['$a']"
	untraced pvictl metrics >"$tmp/metrics"
	grep -q "^kvm_pvi_edge_rings_total{.*sender_uuid=\"$a\".*result=\"raised\"} 1" "$tmp/metrics" ||
		fail "$(cat "$tmp/metrics")"
}

# Without the module there is nothing to list, and that is said.
without_module()
{
	local command

	for command in list "list --json" top "top --json" "show $a"; do
		# shellcheck disable=SC2086 # words
		refuses 1 "kvm_pvi is not loaded: modprobe kvm_pvi" unshare --mount \
			sh -c 'mount -t tmpfs none /dev && exec pvictl "$@"' sh $command
	done
}

# The screen is cleared for people, and not for who reads JSON. Keys are read at once, and the terminal is as it was
# afterwards.
top_on_a_terminal()
{
	pair
	pvictl allow "$b" "$a" 22
	pvictl allow "$b" "$a" 65536
	[ -e /dev/pts/ptmx ] || { mkdir -p /dev/pts && mount -t devpts devpts /dev/pts; }
	python3 - <<'PYTHON' || fail "see above"
import fcntl, os, pty, struct, termios
os.environ["LC_ALL"] = "C.UTF-8"
os.environ["TERM"] = "xterm"
def start(*args, lines=24):
    pid, fd = pty.fork()
    if not pid:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("4H", lines, 200, 0, 0))
        os.execlp("pvictl", "pvictl", "top", "--interval", "0.1", *args)
    return pid, fd
def read(fd, until=None):
    text = b""
    try:
        while until is None or until not in text:
            text += os.read(fd, 4096)
    except OSError:
        assert until is None, text
    return text
def output(*args, **more):
    pid, fd = start("--count", "1", *args, **more)
    text = read(fd)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, text
    return text
text = output()
assert b"\x1b[2J" in text and b" VMs: 2 " in text and b"LAST_MINUTE" in text, text
assert b"\x1b" not in output("--json")
assert b"rows: 3, 1 shown" in output(lines=8) and b" shown" not in text
pid, fd = start()
flags = termios.tcgetattr(fd)[3]
assert b" by rings" in read(fd, b" by rings")
while not termios.tcgetattr(fd)[3] & termios.ICANON == 0:
    pass
os.write(fd, b"d")
read(fd, b" by denied")
os.write(fd, b"x")
os.write(fd, b"t")
read(fd, b" by throttled")
# What is held open does not end with the program, so that it can be looked at
number, = struct.unpack("I", fcntl.ioctl(fd, 0x80045430, bytes(4)))    # TIOCGPTN
keep = os.open(f"/dev/pts/{number}", os.O_RDWR | os.O_NOCTTY)
os.write(fd, b"q")
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
assert termios.tcgetattr(keep)[3] == flags | termios.ICANON | termios.ECHO, flags
PYTHON
	refuses 2 "rows are sorted by" pvictl top --sort name
}

# Control-C ends it while a VMM keeps it waiting for its name, and the terminal is as it was.
top_interrupted()
{
	vmm vm_a -name web -uuid "$a"
	attach at_a --pid "$vm_a"
	[ -e /dev/pts/ptmx ] || { mkdir -p /dev/pts && mount -t devpts devpts /dev/pts; }
	mkfifo "$tmp/cmdline"
	unshare --mount python3 - "$tmp/cmdline" "/proc/$vm_a/cmdline" <<'PYTHON' || fail "see above"
import fcntl, os, pty, signal, struct, subprocess, sys, termios, time
fifo, cmdline = sys.argv[1:]
pid, fd = pty.fork()
if not pid:
    os.environ["TERM"] = "xterm"
    # A shell's job in the background ignores it
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.execlp("pvictl", "pvictl", "top", "--interval", "0.1")
flags = termios.tcgetattr(fd)[3]
# What is held open does not end with the program, so that it can be looked at
number, = struct.unpack("I", fcntl.ioctl(fd, 0x80045430, bytes(4)))    # TIOCGPTN
keep = os.open(f"/dev/pts/{number}", os.O_RDWR | os.O_NOCTTY)
text = b""
while b" by rings" not in text:
    text += os.read(fd, 4096)
subprocess.run(["mount", "--bind", fifo, cmdline], check=True)
# When that is open it waits there.
writer = os.open(fifo, os.O_WRONLY)
os.write(fd, b"\x03")
for n in range(600 * int(os.environ.get("PVI_SLOW", "1"))):
    ended, status = os.waitpid(pid, os.WNOHANG)
    if ended:
        break
    time.sleep(0.1)
assert ended and os.WIFSIGNALED(status), "it does not end"
assert termios.tcgetattr(keep)[3] == flags | termios.ICANON | termios.ECHO, flags
PYTHON
}

# Rings a minute long, by their height; what was too much is red, unless the user has something against colours.
top_trend()
{
	local job

	pair
	pvictl allow "$a" to "$b" gsi 20 rate 2
	python3 - "$b" <<'PYTHON' &
import os, pty, sys
os.environ.update(LC_ALL="C.UTF-8", TERM="xterm")
def until(*what, **env):
    pid, fd = pty.fork()
    if not pid:
        os.environ.update(env)
        os.execlp("pvictl", "pvictl", "top", "--interval", "0.5")
    text = b""
    while not all(w.encode() in text for w in what):
        text += os.read(fd, 4096)
    os.write(fd, b"q")
    os.waitpid(pid, 0)
    return text
until("\u2588", "\x1b[31m")
assert b"\x1b[3" not in until("\u2588", NO_COLOR="1")
PYTHON
	job=$!
	while kill -0 "$job" 2>/dev/null; do
		tell vm_a "ring $b 20" >"$tmp/verdict"
	done
	wait "$job"
}

# A long table costs what it has to, and no more: this would not end.
top_of_many()
{
	local parameters=/sys/module/kvm_pvi/parameters senders

	senders=$(cat "$parameters/max_senders")
	echo 32768 >"$parameters/max_senders"
	cat >"$tmp/program.py" <<-'PYTHON'
		import ctypes, signal, uuid
		lib = ctypes.CDLL("libpvi.so.0")
		pvi = lib.pvi_enrol(-1, uuid.UUID("cccccccc-0000-4000-8000-000000000003").bytes)
		for n in range(1, 32769):
		    assert not lib.pvi_allow(pvi, n.to_bytes(16, "big"), 7, None)
		print("ready", flush=True)
		signal.pause()
	PYTHON
	python3 "$tmp/program.py" >"$tmp/host" &
	await grep -q ready "$tmp/host"
	echo "$senders" >"$parameters/max_senders"
	pvictl top --interval 0.1 --count 1 "$c" >"$tmp/text"
	same "$(wc -l <"$tmp/text")" 32770
}

completion()
{
	pair
	# shellcheck source=/dev/null
	. "${PVI_TOOLS:-}/usr/share/bash-completion/completions/pvictl"
	# shellcheck disable=SC2034 # _pvictl reads them
	COMP_WORDS=(pvictl allow "$a" bbbb) COMP_CWORD=3
	_pvictl
	same "${COMPREPLY[*]}" "$b"
	COMP_WORDS=(pvictl allow "$a" "") COMP_CWORD=3
	_pvictl
	same "${COMPREPLY[*]}" "to $a $b"
	COMP_WORDS=(pvictl allow "$a" to "$b" g) COMP_CWORD=5
	_pvictl
	same "${COMPREPLY[*]}" gsi
	COMP_WORDS=(pvictl allow "$a" to "$b" gsi "") COMP_CWORD=6
	_pvictl
	same "${COMPREPLY[*]}" "20 22 65536 any"
	pvictl bell "$b" 7 22
	COMP_WORDS=(pvictl allow "$a" to "$b" bell "") COMP_CWORD=6
	_pvictl
	same "${COMPREPLY[*]}" 7
	mkdir -p /run/kvm-pvi/links
	link=$(pvictl link --size 64K --kind raw "$a" "$b" | sed -n 's/^link //p')
	COMP_WORDS=(pvictl pipe "") COMP_CWORD=2
	_pvictl
	pvictl unlink "$link"
	same "${COMPREPLY[*]}" "$link"
}

# Who runs a VMM says what it is called, and must not run anything by that in a shell of root's.
completion_of_names()
{
	vmm vm_a -name "\$(touch\${IFS}$tmp/run)" -uuid "$a"
	vmm vm_b -name "guest=web" -uuid "$b"
	attach at_a --pid "$vm_a"
	attach at_b --pid "$vm_b"
	# shellcheck source=/dev/null
	. "${PVI_TOOLS:-}/usr/share/bash-completion/completions/pvictl"
	COMP_WORDS=(pvictl show "") COMP_CWORD=2
	_pvictl
	same "${COMPREPLY[*]}" "$a $b web"
	[ ! -e "$tmp/run" ] || fail "a name was run"
}

without_permission()
{
	pair
	refuses 5 "root sees all" setpriv --reuid 12345 --clear-groups pvictl show "$b"
	same "$(setpriv --reuid 12345 --clear-groups pvictl list)" ""
	refuses 3 "needs the permission to trace that process" \
		setpriv --reuid 12345 --clear-groups pvictl attach --pid "$vm_a"
}

# This is a host.
guest()
{
	refuses 1 "modprobe kvm_pvi_guest" pvictl guest
	refuses 1 "modprobe kvm_pvi_guest" pvictl guest-ring "$a" 20
	refuses 1 "modprobe kvm_pvi_guest" pvictl guest-wait 20
	refuses 2 "which GSI" pvictl guest-wait
	refuses 2 "which receiver, which GSI" pvictl guest-ring "$a"
	refuses 2 "is not a UUID" pvictl guest-ring a 20
}

# A script would take it for a host with fewer endpoints.
full()
{
	local command

	vmm vm_a
	attach at_a --pid "$vm_a" --uuid "$a"
	for command in list "list --json" metrics "show $a"; do
		refuses 1 "cannot write" sh -c "pvictl $command >/dev/full"
	done
}

run_tests usage arguments list full show top untraceable without_module top_on_a_terminal top_interrupted top_trend top_of_many completion completion_of_names without_permission guest
