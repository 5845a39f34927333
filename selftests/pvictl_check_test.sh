#!/bin/sh
# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# pvictl check: what is no policy is refused, with file, line, cause and cure.

. "$(dirname "$0")/tools/enter.sh"
. "$(dirname "$0")/tools/lib.sh"
. "$(dirname "$0")/tools/policy.sh"

check()
{
	pvictl check --config "$tmp/policy"
}

# wrong LINE CAUSE CURE SED... - the policy, edited like that, is refused
wrong()
{
	policy
	sed -i "${@:4}" "$tmp/policy/web.conf"
	! check >"$tmp/said" 2>&1 || fail "it is none: ${*:4}"
	has "$(cat "$tmp/said")" "$tmp/policy/web.conf:$1: " "$2" "$3"
}

right()
{
	policy
	sed -i "$@" "$tmp/policy/web.conf"
	check
}

mutations()
{
	wrong 1 "no UUID" "add a line" -e 2d
	wrong 1 "is in no section" "write [vm" -e 1d
	wrong 3 "is there already" "leave one out" -e 2p
	wrong 3 "is not a UUID" "virsh domuuid" -e '2s/$/0/;1i # above'
	wrong 3 "no key 'nome'" "write one of" -e 's/^name/nome/'
	wrong 3 "no key 'näme'" "write one of" -e $'s/^name/n\303\244me/'
	wrong 7 "'2O'; write" "a number from 0" -e 's/20,22/2O,22/'
	wrong 8 "GSI 99 is not exposed" "above it" -e 's/^bells = 22/bells = 99/'
	wrong 10 "needs one of" "write one line" -e 13d
	wrong 10 "there is no VM 'wob'" "write a section [vm wob]" -e 's/^from = web/from = wob/'
	wrong 10 "no section 'allow wöb'" "letters" -e $'s/^.allow.*/[allow w\303\266b]/'
	wrong 13 "neither [SECTION] nor KEY" "write one" -e 's/^gsi = 20/gsi/'
	wrong 14 "nothing is in this section" "remove it" -e "13a [vm x]"
	wrong 1 "'user = root' stands behind" "a line of its own" -e '1s/$/ user = root/'
	wrong 1 "'x;' stands behind" "a line of its own" -e '1s/$/x;/'
	wrong 2 "begins with a blank" "remove it" -e '2s/^/ /'
	wrong 7 "'20 22'; write" "a number from 0" -e 's/20,22/20 22/'
	wrong 7 "'022'; write" "a number from 0" -e 's/20,22/20,022/'
	wrong 7 "'4096', which is no GSI" "0 to 4095, or from 65536" -e 's/20,22/20,4096/'
	wrong 2 "is not a UUID" "virsh domuuid" -e "s/$a/00000000-0000-0000-0000-000000000000/"
	wrong 10 "allows GSI 21, which VM 'db' has not" "in 'expose'" -e 's/^gsi = 20/gsi = 21/'
	wrong 10 "allows bell 1, which VM 'db' has not" "in 'bells'" -e 's/^gsi = 20/bell = 1/'
	wrong 10 "is for '$c', which is no VM" "write a section" -e "s/^to = db/to = $c/"
	wrong 1 "no section 'vm $b'" "but no UUID" -e "1s/web/$b/"
	wrong 4 "no user ''" "or a number" -e '3a user ='
	wrong 3 "too long" "198 bytes" -e "s/^name = web/name = $(printf '%0300d' 0)/"
	wrong 1 "two byte order marks" "remove them" -e '1s/^/\xef\xbb\xbf\xef\xbb\xbf/'
	wrong 4 "a byte that is 0" "write text" -e '4s/^/\x00/'
}

# What looks odd, and is right
accepted()
{
	right -e 's/^expose = .*/expose = 0x14 , 22-22,65536-65540/'
	right -e 's/ = /=/'
	right -e 's/$/\r/'
	right -e '1s/^/\xef\xbb\xbf/'
	right -e '1s/$/ ; the first/' -e '2a  # another' -e '3a  ; and one'
	right -e 's/[vV]m db/vm d_b.-1/; s/^to = db/to = d_b.-1/'
	right -e "s/^from = web/from = $c/"
	right -e 's/^gsi = 20/gsi = 20\nrate = 5\nburst = 1\nowner = root/'
	right -e 's/^gsi = 20/bell = 0\nflags = 0x8000000000000000/'
}

many()
{
	local n

	policy
	for n in {1..10000}; do
		printf '[vm v%d]\nuuid = cccccccc-0000-4000-8000-%012d\n' "$n" "$n"
	done >"$tmp/policy/a.conf"
	check
	printf '[vm web]\nuuid = dddddddd-0000-4000-8000-000000000004\n' >>"$tmp/policy/a.conf"
	refuses 1 "$tmp/policy/web.conf:1: section 'vm web' is there already; give it another name" check
}

# An empty directory is a policy, and none is a mistake; what is no *.conf is not read.
directory()
{
	refuses 1 "No such file or directory; make this directory" check
	mkdir "$tmp/policy"
	check
	echo x >"$tmp/policy/x.conf~"
	check
	mkdir "$tmp/policy/x.conf"
	refuses 1 "x.conf:0: it is no file" check
	rmdir "$tmp/policy/x.conf"
	mkfifo "$tmp/policy/y.conf"
	refuses 1 "y.conf:0: it is no file" check
}

run_tests mutations accepted many directory
