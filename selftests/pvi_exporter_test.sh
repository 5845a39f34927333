#!/bin/sh
# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# pvi-exporter: what it serves, to whom, and what clients can do to it.

. "$(dirname "$0")/tools/enter.sh"
. "$(dirname "$0")/tools/lib.sh"
. "$(dirname "$0")/tools/policy.sh"

# start_exporter [OPTION...] - as its socket unit does, when somebody connects; $exporter is its PID then
start_exporter()
{
	mkdir -p "$tmp/run"
	systemd-socket-activate -E "LD_LIBRARY_PATH=$LD_LIBRARY_PATH" -l "$tmp/socket" \
		pvi-exporter --run "$tmp/run" "$@" 2>"$tmp/exporter.log" &
	exporter=$!
	await test -S "$tmp/socket"
	await http 200 /metrics
}

# talk - Python on stdin, with
#	connect()	a connection
#	ask(text)	the status and the body of the answer, by a connection of its own
#	ended(s)	it was closed by the other side, be that in a while
talk()
{
	{
		cat <<-'PYTHON'
			import os, socket, sys, time
			path = sys.argv[1]
			def connect():
			    s = socket.socket(socket.AF_UNIX)
			    s.settimeout(240)
			    s.connect(path)
			    return s
			def rest(s):
			    data = b""
			    while more := s.recv(65536):
			        data += more
			    return data
			def ask(text):
			    s = connect()
			    s.sendall(text)
			    head, _, body = rest(s).partition(b"\r\n\r\n")
			    return int(head.split()[1]), head, body
			def ended(s):
			    try:
			        rest(s)
			    except (ConnectionResetError, BrokenPipeError):
			        pass
			    return True
			def get(what="/metrics", more=""):
			    return ask(f"GET {what} HTTP/1.1\r\nHost: x\r\n{more}\r\n".encode())
		PYTHON
		cat
	} >"$tmp/talk.py"
	"$@" python3 -I -S "$tmp/talk.py" "$tmp/socket"
}

# http STATUS PATH [HEADER] - the answer's status, and its body in $tmp/body
http()
{
	talk <<-PYTHON
		status, head, body = get("$2", "${3:+$3\\r\\n}")
		assert status == $1, status
		open("$tmp/body", "wb").write(body)
		open("$tmp/head", "wb").write(head)
	PYTHON
}

# The children of the exporter: who serves HTTP
front()
{
	cat "/proc/$exporter/task/$exporter/children"
}

end_exporter()
{
	kill "$exporter"
	wait "$exporter" || [ $? -eq 143 ]
}

# What pvictl prints, in both formats, with the names of the policy
formats()
{
	pair
	policy
	mkdir "$tmp/run"
	cp "$tmp/policy/web.conf" "$tmp/run/applied"
	start_exporter
	same "$(tell vm_a "ring $b 20")" 0
	sleep 1
	http 200 /metrics "Accept: application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"
	grep -q -i "^content-type: application/openmetrics-text; version=1.0.0; charset=utf-8" "$tmp/head"
	same "$(python3 "$here/openmetrics.py" openmetrics "$tmp/body")" 36
	grep -q "^kvm_pvi_edge_rings_total{uuid=\"$b\",vm=\"db\",sender_uuid=\"$a\",sender_vm=\"web\",kind=\"gsi\",gsi=\"20\",result=\"raised\"} 1$" "$tmp/body"
	http 200 /metrics
	grep -q -i "^content-type: text/plain; version=0.0.4; charset=utf-8" "$tmp/head"
	"${PVI_PROMTOOL:?is where promtool is}" check metrics <"$tmp/body"
	same "$(python3 "$here/openmetrics.py" text "$tmp/body")" 36
	pvictl metrics | sed 's/vm="[a-z]*"/vm=""/g' >"$tmp/text"
	sed 's/vm="[a-z]*"/vm=""/g' "$tmp/body" | diff "$tmp/text" -
	pvictl metrics --openmetrics >"$tmp/open"
	python3 "$here/openmetrics.py" openmetrics "$tmp/open" >"$tmp/number"
	rm -r "$tmp/run"
	sleep 1
	http 200 /metrics
	grep -q "^kvm_pvi_gsis{uuid=\"$b\",vm=\"\"} 3$" "$tmp/body"
	end_exporter
}

# Names that would be more than a label's text, and the parser that would see it
names()
{
	vmm vm_a -name $'x"} 1\n# EOF\\\e' -uuid "$a"
	attach at_a --pid "$vm_a"
	pvictl metrics --openmetrics >"$tmp/open"
	python3 "$here/openmetrics.py" openmetrics "$tmp/open" >"$tmp/number"
	sed 's/uuid="/uuid=""/' "$tmp/open" >"$tmp/bad"
	refuses 1 "no sample" python3 "$here/openmetrics.py" openmetrics "$tmp/bad"
	sed '$d' "$tmp/open" >"$tmp/bad"
	refuses 1 "no EOF" python3 "$here/openmetrics.py" openmetrics "$tmp/bad"
	sed '/^kvm_pvi_frozen/p' "$tmp/open" >"$tmp/bad"
	refuses 1 "once more" python3 "$here/openmetrics.py" openmetrics "$tmp/bad"
}

# Whoever has large tables has rows that are not printed beyond a limit, and leaves the others theirs; no counter goes down
# when others' tables are larger or smaller.
rows()
{
	local gsi allowed=()

	vmm vm_a
	vmm vm_b
	for ((gsi = 16; gsi < 24; gsi++)); do
		allowed+=(--allow "$b:$gsi")
	done
	attach at_a --pid "$vm_a" --uuid "$a" --expose 16-23 "${allowed[@]}"
	attach at_b --pid "$vm_b" --uuid "$b" --expose 20 --allow "$a:20"
	for gsi in 16 22 23; do
		same "$(tell vm_b "ring $a $gsi")" 0
	done
	start_exporter --edges 4
	python3 "$here/openmetrics.py" text "$tmp/body" >"$tmp/number"
	grep "^kvm_pvi_edge_rings_total{.*,result=\"raised\"}" "$tmp/body" | sed 's/.*{//' >"$tmp/rows"
	diff - "$tmp/rows" <<-ROWS
		uuid="$a",vm="",sender_uuid="$b",sender_vm="",kind="gsi",gsi="16",result="raised"} 1
		uuid="$a",vm="",sender_uuid="$b",sender_vm="",kind="gsi",gsi="17",result="raised"} 0
		uuid="$a",vm="",sender_uuid="$b",sender_vm="",kind="gsi",gsi="18",result="raised"} 0
		uuid="$b",vm="",sender_uuid="$a",sender_vm="",kind="gsi",gsi="20",result="raised"} 0
	ROWS
	grep -q "^kvm_pvi_senders{uuid=\"$a\",vm=\"\"} 8$" "$tmp/body"
	grep -q "^kvm_pvi_received_rings_total{uuid=\"$a\",vm=\"\",result=\"raised\"} 3$" "$tmp/body"
	mv "$tmp/body" "$tmp/before"
	kill "$vm_b"
	wait "$at_b"
	sleep 1
	http 200 /metrics
	same "$(grep -c "^kvm_pvi_edge_rings_total" "$tmp/body")" 20
	fallen "$tmp/before" "$tmp/body" >"$tmp/fallen"
	same "$(cat "$tmp/fallen")" ""
	rm "$tmp"/vm_b.*
	vmm vm_b
	attach at_b --pid "$vm_b" --uuid "$b" --expose 20 --allow "$a:20"
	end_exporter
	rm "$tmp/socket"
	start_exporter --edges 9
	same "$(grep -c "^kvm_pvi_edge_rings_total" "$tmp/body")" 45
	end_exporter
	refuses 2 "--edges is 'x': write a number" pvi-exporter --edges x
}

# fallen BEFORE NOW - counters that are lower than they were
fallen()
{
	awk '/_total[{ ]/ { value = $NF; sub(/ [0-9]+$/, ""); if (NR != FNR && $0 in was && value + 0 < was[$0] + 0) print; was[$0] = value }' "$1" "$2"
}

# It says no, and serves whoever comes next.
hostile()
{
	start_exporter
	talk <<-'PYTHON'
		assert get("/")[0] == 200
		for what in "/metrics/", "/etc/passwd", "/../../etc/passwd", "//metrics":
		    assert get(what)[0] == 404, what
		for method in "POST", "PUT", "DELETE", "CONNECT", "X":
		    status, _, _ = ask(f"{method} /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".encode())
		    assert status == 405, (method, status)
		status, head, body = ask(b"HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
		assert status == 200 and not body, (status, body)
		def too_long(*what):
		    try:
		        return 400 <= get(*what)[0] < 600
		    # What it does not read has the answer lost.
		    except (BrokenPipeError, ConnectionResetError):
		        return True
		assert too_long("/" + "a" * 100000)
		assert too_long("/metrics", "X: " + "a" * 100000 + "\r\n")
		for text in (b"\0" * 1000 + b"\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"GET\r\n\r\n",
			     os.urandom(4000) + b"\r\n\r\n", b"GET /metrics HTTP/1.1\r\n" + b"a:b\r\n" * 2000 + b"\r\n"):
		    s = connect()
		    try:
		        s.sendall(text)
		        s.shutdown(socket.SHUT_WR)
		    except OSError:
		        pass
		    assert ended(s)
		# Who leaves before the answer
		for n in range(50):
		    s = connect()
		    s.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
		    s.close()
		assert get()[0] == 200
	PYTHON
	! grep -v -E '^(Listening|Communication|Execing)' "$tmp/exporter.log" || fail "it has said that"
	end_exporter
}

# One user's connections are few, and end: those that say nothing, or say it byte by byte. Others are served.
slow()
{
	start_exporter
	chmod 666 "$tmp/socket"
	chmod 711 "$tmp" "$tmp/.."
	talk setpriv --reuid 12345 --clear-groups >"$tmp/slow" <<-'PYTHON' &
		def refused():
		    held = [connect() for n in range(8)]
		    s = connect()
		    try:
		        s.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
		        return not rest(s)
		    except (BrokenPipeError, ConnectionResetError):
		        return True
		# Those that are held may be too old meanwhile, on a busy machine.
		assert any(refused() for n in range(60))
		silent = [connect() for n in range(7)]
		drip = connect()
		print("full", flush=True)
		try:
		    while True:
		        drip.send(b"a")
		        time.sleep(1)
		except (BrokenPipeError, ConnectionResetError):
		    pass
		for s in silent:
		    assert ended(s)
		assert get()[0] == 200
		print("over", flush=True)
	PYTHON
	await grep -q full "$tmp/slow"
	http 200 /metrics
	await grep -q over "$tmp/slow"
	end_exporter
}

# Who parses what others send has no right to anything, and both end together.
rights()
{
	local front

	start_exporter
	front=$(front)
	same "$(awk '/^(Uid|CapEff|CapPrm|NoNewPrivs):/ { printf "%s ", $2 }' "/proc/${front% }/status")" \
		"65534 0000000000000000 0000000000000000 1 "
	[[ $(ls -l "/proc/${front% }/fd") != *kvm_pvi* ]] || fail "it has the device"
	kill -KILL "${front% }"
	wait "$exporter" || same "$?" 1
	grep -q "who serves HTTP has ended" "$tmp/exporter.log"
	rm "$tmp/socket"
	start_exporter
	front=$(front)
	kill -KILL "$exporter"
	await has_ended "${front% }"
	refuses 1 "there is no socket" pvi-exporter
	refuses 2 "Too many arguments" pvi-exporter x
	refuses 1 "root: Operation not permitted" pvi-exporter --user root
}

run_tests formats names rows hostile slow rights
