#!/bin/sh
# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# pvi-ivshmem-server reads its file again: what can change does, or nothing does, and it says why.

. "$(dirname "$0")/tools/enter.sh"
. "$(dirname "$0")/tools/lib.sh"
. "$(dirname "$0")/tools/ivshmem.sh"

# configured LINE... - a server of that file
configured()
{
	printf '%s\n' "$@" >"$tmp/file"
	server --no-kvm-pvi --config "$tmp/file"
}

# reload LINE... - the file is that now; the server says how it went
reload()
{
	local times

	printf '%s\n' "$@" >"$tmp/file"
	times=$(reloads)
	kill -HUP "$server"
	await has_reloaded "$times"
}

reloads()
{
	grep -c -E '^reloaded|nothing is changed' "$tmp/server.log" || [ $? -eq 1 ]
}

has_reloaded()
{
	[ "$(reloads)" -gt "$1" ]
}

# clients_are N TEXT - a client is greeted and has id N, or is refused: N is "-"
clients_are()
{
	clients <<PYTHON
client = Client(path, 2)
refused = client.ended(peek=True)
assert refused == ("$1" == "-"), open(log).read()
assert refused or client.greet().id == int("$1")
PYTHON
	await grep -q -F -e "$2" "$tmp/server.log"
}

# What it is written like: as systemd has it for EnvironmentFile=
form()
{
	configured '# memory' '' ' ; and' "IVSHMEM=\"--vectors 2 \\" '  --max-peers 3"' "IVSHMEM='--ids=9'" \
		'IVSHMEM=-t 5 '
	clients_are 0 "peer 0 is process"
	kill "$server"
	wait "$server"
	# One that is not there says nothing, and the command line has the last word.
	rm "$tmp/file"
	server --no-kvm-pvi --config "$tmp/file" --vectors 2
	clients_are 0 "peer 0 is process"
}

# Limits grow and shrink. Who has more than he may have now keeps it.
limits()
{
	configured 'IVSHMEM=--vectors 2 --max-peers 2 --ids 100'
	clients <<'PYTHON'
def reload(text):
    with open(path.replace("socket", "file"), "w") as file:
        file.write(f"IVSHMEM=--vectors 2 {text}\n")
    times = open(log).read().count("\nreloaded")
    os.kill(int(server), signal.SIGHUP)
    end = time.monotonic() + 60
    while not logged("\nreloaded", times + 1):
        assert time.monotonic() < end, open(log).read()
def comes():
    client = Client(path, 2)
    return None if client.ended(peek=True) else client.greet()
def leaves(client):
    end(client)
a, b = comes(), comes()
assert not comes() and logged("as many as --max-peers allows")
reload("--max-peers 4 --ids 100")
c, d = comes(), comes()
assert c and d and not comes()
reload("--max-peers 2 --max-per-process 3 --ids 100")
assert not comes()
assert a.news() == (1, True)
a.ring(1)
assert b.rung() == 1
leaves(d)
reload("--max-peers 9 --max-per-process 3 --ids 100")
assert not comes() and logged("as many as --max-per-process allows")
reload("--max-peers 9 --ids 3")
assert not comes() and logged("has 4 ids that others may know, as many as --ids-per-process allows")
# Fewer than are known, and enough again
reload("--max-peers 9 --ids 1")
assert not comes()
reload("--max-peers 9 --ids 50 --ids-per-process 3")
assert not comes() and logged("has 4 ids that others may know, as many as --ids-per-process allows")
reload("--max-peers 9")
e = comes()
assert e.id == 4
for client in a, b, c, e:
    leaves(client)
assert comes().id == 0
PYTHON
}

# Each is said with its place, what is wrong and what to write, and nothing changes.
wrong_values()
{
	local good='IVSHMEM=--vectors 2 --max-peers 5'

	configured "$good" "#" "$good"
	refused()
	{
		reload "$good" "# more" "$1"
		has "$(tail -n 1 "$tmp/server.log")" "$tmp/file:$2" "; nothing is changed"
	}
	refused 'IVSHMEM=--max-peers 0 --timeout 5' "3: --max-peers must be a number from 1 to 4096, not '0'"
	refused 'IVSHMEM=--max-peers' "3: '--max-peers' is no option, or lacks its value"
	refused 'IVSHMEM=--max-pears 5' "3: '--max-pears' is no option"
	refused 'IVSHMEM=--timeout 5 more' "3: what is 'more'?"
	refused 'IVSHMEM=--config x' "3: --config is for the command line"
	refused 'IVSHMEM=--check' "3: --check is for the command line"
	refused 'IVSHMEM=--reload 2' "3: --reload is for the command line"
	refused 'IVSHMEM=--help' "3: '--help' is no option"
	refused '--max-peers 5' "3: write IVSHMEM=OPTIONS, not '--max-peers'"
	refused 'OTHER=--max-peers 5' "3: write IVSHMEM=OPTIONS, not 'OTHER=--max-peers'"
	refused 'IVSHMEM=--allow x' "3: 'x' is not a UUID"
	refused 'IVSHMEM=--allow '"$a:64" "3: a vector must be a number from 0 to 63"
	refused 'IVSHMEM=--vectors 3' "3: --vectors cannot change while clients are connected: put it back, or restart, which ends them"
	refused 'IVSHMEM=--size 1M' "3: --size cannot change"
	reload "$good" "IVSHMEM=--uuid $base"
	has "$(tail -n 1 "$tmp/server.log")" "$tmp/file: --no-kvm-pvi leaves no room for --uuid" "nothing is changed"
	reload "$good" "IVSHMEM=--ids-per-user 1 \\" " --max-peers 99999"
	has "$(tail -n 1 "$tmp/server.log")" "$tmp/file:2: --max-peers must be"
	reload 'IVSHMEM=--vectors 2 --max-peers 4096' "IVSHMEM=--max-peers 5"
	has "$(tail -n 1 "$tmp/server.log")" reloaded
	rm "$tmp/file"
	mkdir "$tmp/file"
	kill -HUP "$server"
	await grep -q "file: cannot be read: Is a directory; nothing is changed" "$tmp/server.log"
	clients_are 0 "peer 0 is process"
	same "$(grep -c "^ready" "$tmp/server.log")" 1
}

# What is beyond the descriptors that the server may have
too_many()
{
	printf 'IVSHMEM=--max-peers 2 --vectors 2\n' >"$tmp/file"
	prlimit --nofile=200 pvi-ivshmem-server --no-kvm-pvi --socket "$tmp/socket" --config "$tmp/file" \
		>"$tmp/server.log" 2>&1 &
	server=$!
	await grep -q "^ready" "$tmp/server.log"
	reload 'IVSHMEM=--max-peers 100 --vectors 2'
	has "$(tail -n 1 "$tmp/server.log")" "$tmp/file: --max-peers 100 and --vectors 2 need 464 descriptors, but only 200" \
		"raise the limit" "nothing is changed"
	reload 'IVSHMEM=--max-peers 3 --vectors 2'
	clients_are 0 "peer 0 is process"
}

# Before a running server is asked to
checking()
{
	printf 'IVSHMEM=--max-peers 2\n' >"$tmp/file"
	pvi-ivshmem-server --check --config "$tmp/file"
	printf 'IVSHMEM=--max-peers 2\nIVSHMEM=--size 5\n' >"$tmp/file"
	refuses 64 "$tmp/file:2: the size must be a power of 2 and at least 4K, not '5'" \
		pvi-ivshmem-server --check --config "$tmp/file"
	refuses 64 "$tmp/file:2: the size must be" pvi-ivshmem-server --no-kvm-pvi --socket "$tmp/x" --config "$tmp/file"
	[ ! -e "$tmp/x" ]
}

# Who asks for it learns what has become of it: from the server, since what cannot change stands nowhere else. That is
# what the unit does.
asked()
{
	local good='IVSHMEM=--vectors 2 --max-peers 5' other

	ask()
	{
		printf '%s\n' "$@" >"$tmp/file"
		pvi-ivshmem-server --reload "$server"
	}
	configured "$good"
	refuses 1 "pvi-ivshmem-server: $tmp/file:1: --vectors cannot change while clients are connected: put it back" \
		ask 'IVSHMEM=--vectors 3'
	refuses 1 "$tmp/file:1: --max-peers must be a number from 1 to 4096, not '0'; nothing is changed" \
		ask 'IVSHMEM=--max-peers 0'
	same "$(grep -c "nothing is changed" "$tmp/server.log")" 2
	# A signal of another's comes first, and both are one.
	kill -STOP "$server"
	kill -HUP "$server"
	printf '%s\n' "$good --timeout 5" >"$tmp/file"
	pvi-ivshmem-server --reload "$server" &
	other=$!
	kill -CONT "$server"
	wait "$other"
	same "$(ask "$good")" ""
	has "$(tail -n 1 "$tmp/server.log")" reloaded
	clients_are 0 "peer 0 is process"
	kill "$server"
	wait "$server"
	refuses 1 "process $server cannot be told: No such process" pvi-ivshmem-server --reload "$server"
	refuses 64 "--reload must be a number from 2" pvi-ivshmem-server --reload 1
	for other in "$PVI_TOOLS"/{usr/lib,lib}/systemd/system/kvm-pvi-ivshmem@.service; do
		# shellcheck disable=SC2016 # for systemd
		[ ! -e "$other" ] || has "$(grep ^ExecReload= "$other")" 'pvi-ivshmem-server --reload $MAINPID'
	done
}

# Nobody's word but the server's, however often others say theirs: the signal is sent again.
others_answer()
{
	python3 - <<-'PYTHON'
	import os, signal, socket, subprocess, threading
	signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGHUP])
	asks = subprocess.Popen(["pvi-ivshmem-server", "--reload", str(os.getpid())], stderr=subprocess.PIPE)
	name = "\0pvi-ivshmem-reload-%d" % asks.pid
	def say(word):
	    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as mouth:
	        mouth.sendto(word, name)
	def told():
	    assert signal.sigtimedwait([signal.SIGHUP], 60), "it was not told again"
	told()
	liar = os.fork()
	if not liar:
	    while True:
	        try:
	            for word in b"no\0", b"":
	                say(word)
	        except ConnectionRefusedError:
	            os._exit(0)
	        signal.sigtimedwait([], 0.05)
	try:
	    told()
	    told()
	finally:
	    os.kill(liar, signal.SIGKILL)
	    os.waitpid(liar, 0)
	say(b"yes\0")
	assert asks.wait() == 1 and asks.stderr.read() == b"pvi-ivshmem-server: yes; nothing is changed\n"
	PYTHON
}

# told_to_reload - and has not looked yet
told_to_reload()
{
	grep -q '^ShdPnd:.*[13579bdf]$' "/proc/$server/status"
}

# One that ends without an answer is not waited for, and one that takes its time is.
late_answer()
{
	local other status=0

	configured 'IVSHMEM=--vectors 2'
	kill -STOP "$server"
	pvi-ivshmem-server --reload "$server" 2>"$tmp/said" &
	other=$!
	await told_to_reload
	kill -KILL "$server"
	wait "$other" || status=$?
	same "$status $(cat "$tmp/said")" "1 pvi-ivshmem-server: process $server has ended"
	# No server at all, which dies by it
	sleep 1000 &
	refuses 1 "pvi-ivshmem-server: process $! has ended" pvi-ivshmem-server --reload $!
	[ -n "${PVI_LONG:-}" ] || return 0
	server --no-kvm-pvi --config "$tmp/file"
	kill -STOP "$server"
	pvi-ivshmem-server --reload "$server" 2>"$tmp/said" &
	other=$!
	nap 40
	kill -CONT "$server"
	wait "$other"
	same "$(cat "$tmp/said")" \
		"pvi-ivshmem-server: process $server does not answer yet: see its log, it may be of an earlier version"
}

# Where the answer would not arrive nothing is asked.
elsewhere()
{
	local namespaces

	for namespaces in --net "--pid --fork --kill-child"; do
		# shellcheck disable=SC2086 # they are words
		unshare $namespaces pvi-ivshmem-server --no-kvm-pvi --socket "$tmp/socket" >"$tmp/server.log" 2>&1 &
		server=$!
		await grep -q "^ready" "$tmp/server.log"
		[ "$namespaces" = --net ] || server=$(cat "/proc/$server/task/$server/children")
		server=${server% }
		kill -STOP "$server"
		refuses 1 "process $server is in another network or PID namespace, where it cannot answer" \
			pvi-ivshmem-server --reload "$server"
		! told_to_reload || fail "it was told"
		kill -KILL "$server"
	done
}

# systemd is told, and "systemctl status" shows what has become of it.
told()
{
	printf 'IVSHMEM=--max-peers 2\n' >"$tmp/file"
	clients <<'PYTHON'
notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
notify.bind(path + ".notify")
notify.settimeout(60)
file = path.replace("socket", "file")
process = subprocess.Popen(["pvi-ivshmem-server", "--no-kvm-pvi", "--config", file, "--socket", path],
                           env=dict(os.environ, NOTIFY_SOCKET=path + ".notify"))
def heard():
    while b"FDNAME" in (message := notify.recv(1000)):
        pass
    return message.decode()
assert heard() == "READY=1"
open(file, "w").write("IVSHMEM=--max-peers 7\n")
process.send_signal(signal.SIGHUP)
assert heard().startswith("RELOADING=1\nMONOTONIC_USEC=")
assert heard() == "STATUS=0 of 7 peers" and heard() == "READY=1"
open(file, "w").write("IVSHMEM=--max-peers seven\n")
process.send_signal(signal.SIGHUP)
assert heard().startswith("RELOADING=1\n")
assert heard() == (f"STATUS=0 of 7 peers; the last reload has changed nothing: {file}:1: "
                   "--max-peers must be a number from 1 to 4096, not 'seven'")
assert heard() == "READY=1"
process.kill()
process.wait()
PYTHON
}

run_tests form limits wrong_values too_many checking asked others_answer late_answer elsewhere told
