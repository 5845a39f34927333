# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced behind sockets.sh: vsock_test, the kernel's own test of AF_VSOCK, in guests. Its two sides tell each other
# by TCP how far they are. Guests have no network, so between two of them socat carries that, by sockets as well. It
# ends with the first case that fails. A guest's $skips leave out cases for both sides. The serial port likes
# short commands.

# shellcheck disable=SC2016 # the guest's shell knows what is its own

# begin_own GUEST FROM TO - it is to leave out these, if they are any
begin_own()
{
	run "$1" 'own() { exec vsock_test --control-host=127.0.0.1 --control-port=1234 "$@" $skips; }'
	run "$1" "skips=\$(for i in \$(seq $2 $3); do printf ' --skip=%d' \$i; done); ip link set lo up; modprobe -q vsock_loopback; true"
}

# answers SERVER CID PORT - returns when it listens
answers()
{
	run "$1" "rm -f /tmp/answered; own --mode=server --peer-cid=$2 --peer-port=$3 >/tmp/answered 2>/tmp/answered.why &" \
		'server=$!; until grep -q -s listening /tmp/answered; do usleep 20000; done'
}

# asks CLIENT CID PORT - returns when it has begun
asks()
{
	run "$1" "own --mode=client --peer-cid=$2 --peer-port=$3 >/tmp/asked 2>/tmp/asked.why &" 'client=$!'
}

# asked CLIENT - whether all cases have passed
asked()
{
	run "$1" 'wait $client' 2>/dev/null
}

# give_up GUEST - wait for a client, and end one that waits for what its kernel never does: it is seen 100 times
# without a word since the first
give_up()
{
	run "$1" 'seen=0 said=; while [ -e /proc/$client/exe ] && [ $seen -lt 100 ]; do usleep 200000; was=$said;' \
		'said=$(wc -c </tmp/asked); seen=$((seen + 1)); [ "$said" = "$was" ] || seen=0; done;' \
		'[ $seen -lt 100 ] || kill $client'
}

# reached NAME FILE - the number of the case that it has begun last
reached()
{
	run "$1" "echo \$(sed -n 's/^\([0-9]*\) - .*/\1/p' $2 | tail -n 1)"
}

# why NAME FILE - what it says of that
why()
{
	run "$1" "echo \$(cat $2.why)"
}

# failed_case CLIENT SERVER - its number: the other side may notice when it has begun the next
failed_case()
{
	local asked answered

	asked=$(reached "$1" /tmp/asked)
	answered=$(reached "$2" /tmp/answered)
	echo $((asked < answered ? asked : answered))
}

# loopback GUEST - it is to leave out what does not pass over its loopback, too
loopback()
{
	local number without=''

	while answers "$1" 1 1234; asks "$1" 1 1234; give_up "$1"; ! asked "$1"; do
		number=$(failed_case "$1" "$1")
		[[ " $without " != *" $number "* ]] || fail "vsock_test does not get beyond case $number"
		without+=" $number"
		run "$1" "skips=\"\$skips --skip=$number\"; kill \$server 2>/dev/null; wait \$server; true"
	done
}

# passed CLIENT - how many cases
passed()
{
	run "$1" "grep -c '^[0-9]* - .*ok\$' /tmp/asked"
}

# relays GUEST COMMAND... - begin to, and return when it waits for somebody
relays()
{
	run "$1" "${*:2} >/dev/null 2>&1 & relay=\$!;" \
		'until grep -q -E "accept|poll|select" /proc/$relay/wchan || [ ! -e /proc/$relay/exe ]; do usleep 20000; done'
}

# between CLIENT SERVER CID_OF_SERVER CID_OF_CLIENT PORT PORT_OF_TCP - all that neither leaves out passes
between()
{
	local name

	relays "$2" "socat VSOCK-LISTEN:$6,fork TCP:127.0.0.1:1234"
	relays "$1" "socat TCP-LISTEN:1234,bind=127.0.0.1,reuseaddr,fork VSOCK-CONNECT:$3:$6"
	answers "$2" "$4" "$5"
	asks "$1" "$3" "$5"
	asked "$1" || fail "case $(failed_case "$1" "$2"): $(why "$1" /tmp/asked) $(why "$2" /tmp/answered)"
	for name in "$1" "$2"; do
		run "$name" 'kill $relay'
	done
}
