# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced by the *_test.sh. A test is a function that prints nothing unless it fails, in a
# subshell of its own with "set -e" and the directory $tmp; what it started is ended with it.
# In the rig the tests go on in the host's file system, where bash, python3 and shared libraries
# are, and which has L1's root in /mnt.

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export PATH=${PVI_TOOLS:-}/usr/sbin:/usr/sbin:/usr/bin:/sbin:/bin
export LD_LIBRARY_PATH=${PVI_TOOLS:-}/usr/lib
export PYTHONPATH=${PVI_TOOLS:-}/usr/lib/python3/dist-packages PYTHONDONTWRITEBYTECODE=1
export LC_ALL=C

# Names of endpoints, and what vmm and attach set.
a=aaaaaaaa-0000-4000-8000-000000000001
b=bbbbbbbb-0000-4000-8000-000000000002
# shellcheck disable=SC2034 # the tests use them
c=cccccccc-0000-4000-8000-000000000003 at_a='' at_b='' vm_c='' vm_d=''
vm_a='' vm_b=''

fail()
{
	echo "$*"
	exit 1
}

same()
{
	[ "$1" = "$2" ] || fail "${FUNCNAME[1]}: '$1' is not '$2'"
}

# has TEXT WORD... - each of the words occurs
has()
{
	local text=$1 word

	shift
	for word; do
		[[ $text == *"$word"* ]] || fail "${FUNCNAME[1]}: no '$word' in '$text'"
	done
}

# refuses STATUS MESSAGE COMMAND... - it fails like that, saying that
refuses()
{
	local status=0 output

	output=$("${@:3}" 2>&1) || status=$?
	[ "$status" -eq "$1" ] || fail "'${*:3}' exited with $status, not $1: $output"
	has "$output" "$2"
}

# Nothing ever comes out of it.
exec {never}<> <(:)

# nap SECONDS - without a process, whose start takes L1 a fifth of what is slept mostly
nap()
{
	! read -r -t "$1" -u "$never"
}

# Wait for a command to succeed; a minute is a hang, or $attempts of a command that takes its time.
await()
{
	local n

	for ((n = 0; n < ${attempts:-600} * ${PVI_SLOW:-1}; n++)); do
		if "$@" >/dev/null 2>&1; then
			return
		fi
		nap 0.1
	done
	fail "in vain: $*"
}

# has_ended PID - with all threads and all that they had open. It may be a zombie: when the shell that has started it
# looks is its own matter.
has_ended()
{
	local stat tasks

	{ read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 0
	tasks=("/proc/$1/task/"*)
	[[ ${stat##*) } == Z* && ${#tasks[@]} -eq 1 ]]
}

# json FILE EXPRESSION - FILE is JSON, and the expression of Python about "it" is true. One interpreter judges
# for all tests of a script: in L1 its start takes longer than most of what is judged.
json()
{
	local said

	printf '%s\n' "$1" "${2//$'\n'/ }" >&"$judge_in"
	read -r said <&"$judge_out" || fail "json $*: the judge has ended"
	[ -z "$said" ] || fail "$said"
}

begin_judge()
{
	mkfifo "$1/judge.in" "$1/judge.out"
	python3 -c '
import json, sys
for file in iter(sys.stdin.readline, ""):
    expression = sys.stdin.readline().strip()
    try:
        it = json.load(open(file.rstrip("\n")))
        said = "" if eval(expression, {"it": it}) else f"{expression!a} is not so in {it!a}"
    except Exception as error:
        said = f"{expression!a}: {error!a}"
    print(said, flush=True)' <"$1/judge.in" >"$1/judge.out" &
	exec {judge_in}>"$1/judge.in" {judge_out}<"$1/judge.out"
}

# Start a vmm.c, as the variable $1, with arguments that it does not look at; $1 is its PID.
vmm()
{
	local name=$1

	shift
	mkfifo "$tmp/$name.in" "$tmp/$name.out"
	${VMM_AS:-} "$here/vmm" "$@" <"$tmp/$name.in" >"$tmp/$name.out" &
	declare -g "$name=$!"
	exec {fd}>"$tmp/$name.in"
	declare -g "${name}_in=$fd"
	exec {fd}<"$tmp/$name.out"
	declare -g "${name}_out=$fd"
	answer "$name" >"$tmp/$name.ready"
	same "$(cat "$tmp/$name.ready")" ready
}

# vmm_called NAME PROGRAM ARGUMENT... - the same, which takes itself for that program
vmm_called()
{
	cat >"$tmp/as" <<-'AS'
		#!/bin/bash
		exec -a "$1" "$2" "${@:3}"
	AS
	chmod 755 "$tmp/as"
	VMM_AS="$tmp/as $2" vmm "$1" "${@:3}"
}

answer()
{
	local out=${1}_out line

	read -r line <&"${!out}"
	echo "$line"
}

# tell NAME COMMAND... - and print the answer
tell()
{
	local in=${1}_in

	echo "${*:2}" >&"${!in}"
	answer "$1"
}

# attach NAME ARGUMENT... - pvictl attach in the background; $NAME is its PID
attach()
{
	local name=$1

	shift
	pvictl attach "$@" >"$tmp/$name.log" 2>&1 &
	declare -g "$name=$!"
	await grep -q "^process .* is " "$tmp/$name.log"
}

# Two VMs, $a and $b; $b exposes 20, 22 and a virtual GSI, and allows $a on 20.
pair()
{
	vmm vm_a
	vmm vm_b
	attach at_a --pid "$vm_a" --uuid "$a"
	attach at_b --pid "$vm_b" --uuid "$b" --expose 20,22,0x10000 --allow "$a:20"
}

stop_jobs()
{
	local job

	for job in $(jobs -p); do
		# An attachment may have ended just now, since its VMM went first.
		kill "$job" 2>/dev/null || [ ! -e "/proc/$job" ]
	done
}

# The results come at the end, or never: how far it was L1's console tells. No reason is, which might be taken for
# the kernel's complaint.
on_console()
{
	[ -z "${PVI_RIG:-}" ] || echo "${0##*/}: $*" >/dev/kmsg
}

# long TEST... - those that take their time: all with $PVI_LONG, else the ones that the arguments of the script name
long()
{
	local test

	for test; do
		[[ -z ${PVI_LONG:-} && " ${only[*]} " != *" $test "* ]] || echo "$test"
	done
}

# Run the tests named, or of all those named the ones that the arguments of the script name.
run_tests()
{
	local tests=() test number=0 failed=0 status dir

	dir=$(mktemp -d)
	begin_judge "$dir"
	for test; do
		if [ ${#only[@]} -eq 0 ] || [[ " ${only[*]} " == *" $test "* ]]; then
			tests+=("$test")
		fi
	done
	echo "TAP version 13"
	echo "1..${#tests[@]}"
	for test in "${tests[@]}"; do
		number=$((number + 1))
		tmp=$dir/$test
		mkdir "$tmp"
		on_console "$test"
		(
			# Where guest.sh tells a reason, whatever becomes of the output of who finds it
			# shellcheck disable=SC2034
			exec {reasons}>&1
			trap stop_jobs EXIT
			set -e
			"$test"
		) >"$tmp/failure" 2>&1
		status=$?
		if [ "$status" -eq 0 ]; then
			echo "ok $number $test"
		else
			failed=1
			on_console "$test has failed"
			echo "not ok $number $test"
			sed 's/^/#   /' "$tmp/failure"
		fi
	done
	rm -rf "$dir"
	return "$failed"
}

# $PVI_CASES is of who runs scripts without arguments.
read -r -a only <<<"${*:-${PVI_CASES:-}}"
