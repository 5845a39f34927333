# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2154 # here and tmp are lib.sh's
#
# Sourced behind lib.sh by tests of pvi-ivshmem-server.

base=5e5e5e5e-0000-4000-8000-000000000000
server=''

# The name of id $1
name()
{
	printf '%s%04x\n' "${base%0000}" "$1"
}

# server ARGUMENT... - start one on $tmp/socket; $server is its PID
server()
{
	# Not to see that the last one was ready
	rm -f "$tmp/server.log"
	pvi-ivshmem-server --socket "$tmp/socket" "$@" >"$tmp/server.log" 2>&1 &
	server=$!
	await grep -q "^ready" "$tmp/server.log"
}

# said N TEXT - so many times
said()
{
	[ "$(grep -c -F "$2" "$tmp/server.log")" -eq "$1" ]
}

# A program in Python about $tmp/socket, which stands in "path", of a server with PID "server"
clients()
{
	{
		cat <<-'PYTHON'
		import os, signal, socket, struct, subprocess, sys, time
		from ivshmem_client import Client, Elsewhere
		path, server = sys.argv[1:3]
		log = path.replace("socket", "server.log")
		def count_fds():
		    return len(os.listdir(f"/proc/{server}/fd"))
		def comes_to(number):
		    """Whether the server has so many descriptors when it has done what it is at"""
		    naps = 2000
		    while count_fds() != number and naps:
		        time.sleep(0.01)
		        naps -= 1
		    return naps > 0
		def logged(text, times=1):
		    if open(log).read().count(text) >= times:
		        return True
		    time.sleep(0.01)
		    return False
		gone = {}
		def end(client):
		    client.close()
		    gone[client.id] = gone.get(client.id, 0) + 1
		    while not logged(f"peer {client.id} has gone", gone[client.id]):
		        pass
		PYTHON
		cat
	} >"$tmp/program.py"
	PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$here python3 "$tmp/program.py" "$tmp/socket" "$server"
}
