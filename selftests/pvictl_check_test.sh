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
	${policy:-policy}
	sed -i "${@:4}" "$tmp/policy/web.conf"
	! check >"$tmp/said" 2>&1 || fail "it is none: ${*:4}"
	has "$(<"$tmp/said")" "$tmp/policy/web.conf:$1: " "$2" "$3"
}

right()
{
	${policy:-policy}
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
	wrong 9 "GSI 99 is not exposed" "'status' names GSIs" -e '8a status = 20,99'
	wrong 9 "GSI 22 has a bell" "neither bell nor status word" -e '8a status = 20,22'
	wrong 9 "GSI 20 has a status word" "each once" -e '8a status = 20,20'
	wrong 9 "GSI 22 has a status word" "neither bell nor status word" -e '7a status = 22'
	wrong 7 "GSI 20 is not exposed" "above it" -e '6a status = 20'
	wrong 9 "'2O'; write" "a number from 0" -e '8a status = 2O'
	wrong 4 "a byte that is 0" "write text" -e '4s/^/\x00/'
}

# The lines of the links: 15, 20 and 27 begin them.
links()
{
	local policy=policy_with_links

	right -e ''
	wrong 15 "does not say whom it is between" "add a line 'between = A, B'" -e 16d
	wrong 16 "'between' is 'web'" "write two names" -e '16s/, db//'
	wrong 16 "'between' is 'web, db, db'" "write two names" -e '16s/$/, db/'
	wrong 16 "'between' is 'web,'" "write two names" -e '16s/ db//'
	wrong 16 "'between' is ''" "write two names" -e '16s/ web, db//'
	wrong 16 "'between' is 'web, host:'" "write two names" -e '16s/db/host:/'
	wrong 15 "is to 'wob', which is no VM" "write its section [vm NAME]" -e '16s/web/wob/'
	wrong 15 "between one and the same" "write two" -e '16s/web/db/'
	wrong 27 "is to 'host:db', which is a VM" "leave 'host:' out" -e "28s/$c/db/"
	wrong 27 "is to a process 'x'" "a UUID behind 'host:'" -e "28s/$c/x/"
	wrong 27 "is to a process '00000000" "a UUID behind 'host:'" -e "28s/$c/00000000-0000-0000-0000-000000000000/"
	wrong 15 "is to 'ffffffff" "or a UUID" -e "16s/db/ffffffff-ffff-ffff-ffff-ffffffffffff/"
	wrong 17 "'kind' is 'tcp'" "write net, vsock or raw" -e '17s/raw/tcp/'
	wrong 17 "'kind' is ''" "write net, vsock or raw" -e '17s/ raw//'
	wrong 18 "'size' is '3M'" "a power of two from 8K" -e '18s/64K/3M/'
	wrong 18 "'size' is '4K'" "a power of two from 8K" -e '18s/64K/4K/'
	wrong 18 "'size' is '2048G'" "to 1024G" -e '18s/64K/2048G/'
	wrong 18 "'size' is '64KB'" "K, M or G" -e '18s/64K/64KB/'
	wrong 18 "'size' is '0200000'" "K, M or G" -e '18s/64K/0200000/'
	wrong 18 "'size' is '-64K'" "K, M or G" -e '18s/64K/-64K/'
	wrong 27 "no room for 64 queues" "write a larger 'size', or fewer" -e '31s/2/64/'
	wrong 31 "'queues' is '65'" "a number from 0 to 64" -e '31s/2/65/'
	wrong 31 "'queues' is '0'" "a number from 1 to 64" -e '31s/2/0/'
	wrong 31 "'queues' is '02'" "a number" -e '31s/2/02/'
	wrong 24 "'cid' is '7'" "two addresses, as 3,4" -e '24s/, 8//'
	wrong 24 "'cid' is '7, x'" "two numbers" -e '24s/8/x/'
	wrong 24 "'cid' is '7, 2'" "which begin with 3" -e '24s/8/2/'
	wrong 24 "'cid' is '7, 4294967295'" "end with 4294967294" -e '24s/8/4294967295/'
	wrong 24 "'cid' is '7, 7'" "not the same" -e '24s/8/7/'
	wrong 25 "'ports' is '22,5000-4999/none'" "the first not behind the last" -e '25s/5999/4999/'
	wrong 25 "'ports' is 'ssh,5000-5999/none'" "numbers of ports" -e '25s/22/ssh/'
	wrong 25 "'ports' is '22,,5000-5999/none'" "numbers of ports" -e '25s/22,/22,,/'
	wrong 25 "more than 6 ranges" "write no" -e '25s/22/1,2,3,4,5,6/'
	wrong 20 "link 'calls' has addresses or ports" "leave them out" -e '22s/vsock/net/'
	wrong 29 "is not a UUID" "uuidgen" -e '29s/d-/-/'
	wrong 29 "is not a UUID" "leave it out" -e '29s/d/0/g;29s/4/0/g;29s/8/0/g;s/^uui0/uuid/'
	wrong 28 "a UUID that begins as that of link 'pair'" "another 'uuid'" \
		-e '18a uuid = dddddddd-0000-4000-8000-000000000003'
	wrong 19 "'hugetlb' is 'maybe'" "write yes, no, or where" -e '18a hugetlb = maybe'
	wrong 19 "'hugetlb' is '/dev/huge pages'" "write yes, no, or where" -e '18a hugetlb = /dev/huge pages'
	wrong 19 "no user 'nobody-here'" "getent passwd" -e '18a owner = nobody-here'
	wrong 19 "no user ''" "getent passwd" -e '18a owner = root,'
	wrong 19 "no group 'nobody-here'" "getent group" -e '18a owner = root:nobody-here'
	wrong 19 "'owner' is 'root,root,root'" "a user, or two" -e '18a owner = root,root,root'
	wrong 19 "'owner' is '4294967295'" "a number from 0 to" -e '18a owner = 4294967295'
	wrong 19 "no key 'mtu'" "between, kind, size" -e '18a mtu = 9000'
	wrong 19 "'size' is there already" "leave one out" -e '18a size = 64K'
	wrong 27 "section 'link pair' is there already" "another name" -e '27s/tap/pair/'
	wrong 15 "no section 'link'" "[link NAME]" -e '15s/ pair//'
	wrong 15 "no section 'link $a'" "but no UUID" -e "15s/pair/$a/"
	wrong 15 "no section 'links pair'" "[link NAME]" -e '15s/link/links/'
	# One address each, and one link of that kind for two
	wrong 27 "of kind vsock between the same two" "leave one out" -e "28s/host:$c/db/;30s/raw/vsock/"
	wrong 27 "gives CID 9 to whom 'calls' gives 8" "one and the same" -e '30s/raw/vsock/;31a cid = 9,10'
	wrong 27 "gives CID 7, which 'calls' gives to another one" "another 'cid'" -e '30s/raw/vsock/;31a cid = 8,7'
	right -e '30s/raw/vsock/;31a cid = 8,9'
	right -e "16s/db/$c/" -e '18a owner = 12345:root , root' -e '18a hugetlb = /dev/hugepages'
	right -e '24d' -e '25s/=.*/= all/'
	right -e '18s/64K/0x10000/'
}

# Rates of what is exposed
rates()
{
	right -e '7s/20,/20 rate 1000 burst 10,/'
	right -e '7s/20,/20	burst 5  rate 0x10 ,/' -e '7s/65536/65536-65540 rate 7/'
	right -e '7s/20,/20 rate 0,/'
	wrong 7 "'rate' is 'x'" "a number from 0" -e '7s/20,/20 rate x,/'
	wrong 7 "'rate' is ''" "a number from 0" -e '7s/20,/20 rate,/'
	wrong 7 "'burst' is '4294967296'" "a number from 0" -e '7s/20,/20 rate 5 burst 4294967296,/'
	wrong 7 "'rate' is there twice" "leave one out" -e '7s/20,/20 rate 5 rate 6,/'
	wrong 7 "GSI 20 has a burst but no rate" "add 'rate N'" -e '7s/20,/20 burst 5,/'
	wrong 7 "'5' is neither rate nor burst" "write GSI rate N burst N" -e '7s/20,/20 rate 5 5,/'
	wrong 7 "'20 rates 5'; write" "a number from 0" -e '7s/20,/20 rates 5,/'
	wrong 7 "GSI 20 is exposed twice" "leave one out" -e '7s/20,/20 rate 5,20,/'
}

# What is allowed between two is allowed to both, in sections of their own as well; lines 10 to 12
policy_between()
{
	policy
	sed -i -e '11,12d' -e '10a between = web, db' -e '/^expose/d' -e '/^bells/d' "$tmp/policy/web.conf"
	sed -i '/^$/d' "$tmp/policy/web.conf"
}

# A VM for which it is not said what it exposes has what permissions name, each alone and no more: lines 6 to 8 are that
# section.
implied()
{
	local policy=policy_between

	right -e ''
	same "$(grep -c . "$tmp/policy/web.conf")" 8
	right -e '8s/20/any/'
	right -e '8a rate = 5\nburst = 2\nowner = root'
	right -e "7s/.*/from = web\nto = db/"
	right -e '8a [allow more]\nbetween = db,web\ngsi = 65536\n[allow less]\nfrom = web\nto = db\ngsi = 4'
	wrong 6 "'web-to-db' does not say who may ring whom" "add 'from = '" -e 7d
	wrong 7 "'between' is 'web'" "two names of VMs with a comma" -e '7s/, db//'
	wrong 7 "'between' is 'web,'" "two names of VMs with a comma" -e '7s/ db//'
	wrong 7 "'between' is ', db'" "two names of VMs with a comma" -e '7s/web//'
	wrong 7 "'between' is 'web, db, db'" "two names of VMs with a comma" -e '7s/$/, db/'
	wrong 7 "'between' is 'web, web'" "two names of VMs with a comma" -e '7s/db/web/'
	wrong 7 "'between' is ''" "two names of VMs with a comma" -e '7s/=.*/=/'
	wrong 7 "'between' is empty or too long" "bytes" -e "7s/db/$(printf '%080d' 0)/"
	wrong 6 "'web-to-db' has 'between', and 'from' or 'to'" "leave one out" -e '7a from = web'
	wrong 6 "'web-to-db' has 'between', and 'from' or 'to'" "leave one out" -e '7a to = web'
	wrong 8 "'between' is there already" "leave one out" -e 7p
	wrong 6 "there is no VM 'wob'" "write a section [vm wob]" -e '7s/web/wob/'
	wrong 6 "is for '$c', which is no VM" "write a section" -e "7s/web/$c/"
	wrong 6 "allows bell 0, which VM 'db' has not" "in 'bells'" -e '8s/.*/bell = 0/'
	wrong 9 "'more' allows what 'web-to-db' allows" "leave one out" -e '8a [allow more]\nfrom = db\nto = web\ngsi = 20'
	# Who says it of a VM has said all.
	wrong 7 "allows GSI 20, which VM 'db' has not" "in 'expose'" -e '5a expose = 21'
	right -e '5a expose = 21,20'
	wrong 6 "bells" "above it" -e '5a bells = 20'
}

# As many as a VM may have
implied_many()
{
	local n

	mkdir "$tmp/policy"
	printf '[vm web]\nuuid = %s\n' "$a" >"$tmp/policy/web.conf"
	for ((n = 0; n < 4096; n++)); do
		printf '[allow a%d]\nfrom = %s\nto = web\ngsi = %d\n' "$n" "$b" $((65536 + n))
	done >>"$tmp/policy/web.conf"
	check
	printf '[allow last]\nfrom = %s\nto = web\ngsi = 7\n' "$b" >>"$tmp/policy/web.conf"
	refuses 1 "web.conf:16387: 'last' allows one GSI of VM 'web' too many; a VM has at most 4096" check
}

policy_with_reserve()
{
	policy
	printf '\n[reserve admin]\nuuid = %s\nuser = root\n' "$c" >>"$tmp/policy/web.conf"
}

# The lines 15 to 17
reserves()
{
	local policy=policy_with_reserve

	right -e ''
	right -e "16s/$c/$a/"
	right -e "16s/$c/$a/" -e '3a user = root'
	wrong 15 "does not say what is kept for whom" "add 'uuid = ' and 'user = '" -e 16d
	wrong 15 "does not say what is kept for whom" "add 'uuid = ' and 'user = '" -e 17d
	wrong 16 "is not a UUID" "virsh domuuid" -e '16s/-/x/'
	wrong 16 "is not a UUID" "virsh domuuid" -e '16s/= .*/= 00000000-0000-0000-0000-000000000000/'
	wrong 17 "there is no user 'nobody-here'" "or a number" -e '17s/root/nobody-here/'
	wrong 17 "no key 'owner'" "write one of uuid, user" -e '17s/user/owner/'
	wrong 18 "'user' is there already" "leave one out" -e 17p
	wrong 15 "no section 'reserve'" "[reserve NAME]" -e '15s/ admin//'
	wrong 16 "keeps the UUID of VM 'web' from its own user" "the same 'user'" -e "16s/$c/$a/" -e '3a user = 12345'
	wrong 18 "'other' has the UUID of 'admin'" "leave one out" -e "17a [reserve other]\nuuid = $c\nuser = 7"
}

# Each line missing, doubled, misspelt, or with what nobody means: it is right, or it is said where it is wrong. With
# PVI_LONG all of that, else an eighth, which is another one each time.
each_line()
{
	local policy=policy_with_links line lines change n=${PVI_SEED:-$EPOCHSECONDS} step=8

	[ -z "${PVI_LONG:-}" ] || step=1

	policy_with_links
	sed -i -e '7s/20,/20 rate 5 burst 2,/' -e '8a status = 65536,20' "$tmp/policy/web.conf"
	printf '[reserve admin]\nuuid = %s\nuser = root\n' "$c" >>"$tmp/policy/web.conf"
	printf '[vm cache]\nuuid = %s\n[allow both]\nbetween = db,cache\ngsi = 65536\n' "$c" >>"$tmp/policy/web.conf"
	lines=$(wc -l <"$tmp/policy/web.conf")
	cp "$tmp/policy/web.conf" "$tmp/whole"
	for ((line = 1; line <= lines; line++)); do
		for change in d p 's/^./x/' 's/=.*/=/' 's/=.*/= x/' 's/=.*/= 99999999999999999999/' \
			$'s/=.*/= \303\244\342\202\254/' 's/^/ /' 's/=/:/' 's/=//' 's/$/ ; x/' 's/=.*/= ,/' 's/=.*/= -1/'; do
			n=$((n + 1))
			[ $((n % step)) -eq 0 ] || continue
			sed "$line$change" "$tmp/whole" >"$tmp/policy/web.conf"
			! check >"$tmp/said" 2>&1 || continue
			[[ $(<"$tmp/said") =~ ^"pvictl: $tmp/policy/web.conf:"([0-9]+)": ".+"; ".+ ]] ||
				fail "line $line, $change: $(<"$tmp/said")"
			((BASH_REMATCH[1] >= 1 && BASH_REMATCH[1] <= lines + 1)) ||
				fail "line $line, $change: $(<"$tmp/said")"
		done
	done
}

# dropin FILE LINE... - one of web.conf
dropin()
{
	mkdir -p "$tmp/policy/web.conf.d"
	printf '%s\n' "${@:2}" >"$tmp/policy/web.conf.d/$1"
}

# wrong_dropin FILE LINE CAUSE CURE - where it is said
wrong_dropin()
{
	! check >"$tmp/said" 2>&1 || fail "it is none"
	has "$(<"$tmp/said")" "pvictl: $tmp/policy/web.conf$1:$2: " "$3" "$4"
}

# A drop-in changes lines of its file, takes some away, and adds some, and sections; what is wrong is said where it stands.
dropins()
{
	policy
	dropin 10.conf '[allow web-to-db]' 'gsi = 21'
	wrong_dropin .d/10.conf 2 "allows GSI 21, which VM 'db' has not" "in 'expose'"
	# A line stays where it was: the bells are of what is exposed now.
	dropin 20.conf '[vm db]' 'expose = 21,22'
	check
	dropin 20.conf '[vm db]' 'expose = 21,23'
	wrong_dropin '' 8 "GSI 22 is not exposed" "above it"
	dropin 30.conf '[vm db]' 'bells ='
	check
	dropin 30.conf '[vm db]' 'bells = 23'
	check
	# The last one counts, by their names.
	dropin 40.conf '[vm db]' 'expose = 20,24,21'
	wrong_dropin .d/30.conf 2 "GSI 23 is not exposed" "above it"
	dropin 35.conf '[vm db]' 'bells = 24'
	check
	dropin 25.conf '[vm db]' 'expose = 2O'
	check
	rm "$tmp/policy/web.conf.d/40.conf"
	wrong_dropin .d/25.conf 2 "'2O'; write" "a number from 0"
	rm -r "$tmp/policy/web.conf.d"
	# What a section has not, and what only drop-ins have, in whatever file the other half of it is
	dropin 10.conf '# x' '[allow web-to-db]' 'burst = 5'
	wrong_dropin .d/10.conf 3 "has a burst but no rate" "add 'rate = '"
	dropin 20.conf '[allow web-to-db]' 'rate = 5' '[allow more]' 'from = web' 'gsi = 22'
	wrong_dropin .d/20.conf 5 "does not say who may ring whom" "add 'from = '"
	dropin 30.conf '[allow more]' 'to = db' '[vm third]' "uuid = $c"
	check
	dropin 30.conf '[allow more]' 'to = db' 'gsi = 23'
	wrong_dropin .d/30.conf 2 "allows GSI 23, which VM 'db' has not" "in 'expose'"
	dropin 30.conf '[allow more]' 'to = web' '[vm web]' 'expose = 20'
	wrong_dropin .d/30.conf 2 "allows GSI 22, which VM 'web' has not" "in 'expose'"
	dropin 30.conf '[allow more]' 'from =' 'between = web,db'
	check
	rm -r "$tmp/policy/web.conf.d"
	# What is needed cannot be taken away.
	dropin 10.conf '[vm web]' 'uuid ='
	wrong_dropin .d/10.conf 2 "no UUID" "add a line"
	dropin 10.conf '[vm web]' "uuid = $b"
	wrong_dropin '' 5 "has the UUID of another one" "one section"
	# And as of any file
	dropin 10.conf '[vm web]' 'nome = x'
	wrong_dropin .d/10.conf 2 "no key 'nome'" "write one of"
	dropin 10.conf 'name = x'
	wrong_dropin .d/10.conf 1 "is in no section" "write [vm"
	dropin 10.conf '[vm web]'
	wrong_dropin .d/10.conf 1 "nothing is in this section" "remove it"
	dropin 10.conf '[vm web]' 'name = x' 'name = y'
	wrong_dropin .d/10.conf 3 "is there already" "leave one out"
	dropin 10.conf '[vm web]' 'name = x' '[vm web]' 'user = root'
	wrong_dropin .d/10.conf 3 "section 'vm web' is there already" "another name"
	dropin 10.conf '[vm web]' 'user = nobody-here'
	wrong_dropin .d/10.conf 2 "no user 'nobody-here'" "getent passwd"
	dropin 10.conf '[vm web]' 'user' 'name = x'
	wrong_dropin .d/10.conf 2 "neither [SECTION] nor KEY" "write one"
	dropin 10.conf '[vm web]' 'name = x' "$(printf '%0300d' 0)"
	wrong_dropin .d/10.conf 3 "too long" "198 bytes"
	dropin 10.conf '[vm web]' 'user = 7'
	sed -i '3p' "$tmp/policy/web.conf"
	wrong_dropin '' 4 "is there already" "leave one out"
	rm -r "$tmp/policy/web.conf.d"
	# Nor is it a file of its own.
	policy
	printf '[vm third]\nuuid = %s\n' "$c" >"$tmp/policy/a.conf"
	dropin 10.conf '[vm third]' 'user = root'
	wrong_dropin .d/10.conf 1 "section 'vm third' is there already" "another name"
	# Of a file that is not there
	mv "$tmp/policy/web.conf" "$tmp/away"
	mv "$tmp/policy/a.conf" "$tmp/a.conf"
	wrong_dropin .d/10.conf 2 "no UUID" "add a line"
	dropin 20.conf '[vm third]' "uuid = $c"
	check
	# What is no *.conf is not read, a FIFO is not waited for
	dropin 30.con '[x'
	check
	mkfifo "$tmp/policy/web.conf.d/40.conf"
	wrong_dropin .d/40.conf 0 "it is no file" "remove it"
	rm -r "$tmp/policy/web.conf.d"
	echo >"$tmp/policy/web.conf.d"
	wrong_dropin .d 0 "Not a directory" "make it a directory"
}

# What looks odd, and is right
accepted()
{
	right -e 's/^expose = .*/expose = 0x14 , 22-22,65536-65540/'
	right -e 's/ = /=/'
	right -e '8a status = 65536 , 0x14'
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
	for n in {1..9999}; do
		printf '[link l%d]\nbetween = v%d,v%d\nkind = %s\n' "$n" "$n" "$((n + 1))" net
	done >"$tmp/policy/links.conf"
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

# to_socket HOW COMMAND... - its output goes to a stream socket, whose other end has gone, or takes no more, or is full
to_socket()
{
	python3 -c '
import socket, subprocess, sys
ours, its = socket.socketpair()
how = sys.argv[1]
if how == "unread":
    ours.send(b"x")
if how in ("gone", "unread"):
    ours.close()
elif how == "deaf":
    ours.shutdown(socket.SHUT_RD)
else:
    its.setblocking(False)
    try:
        while True:
            its.send(b"x")
    except BlockingIOError:
        pass
# SIGPIPE is ignored by Python.
sys.exit(subprocess.run(sys.argv[2:], stdout=its, restore_signals=False).returncode)' "$@"
}

# Of no program it is a success that nobody has got what it had to print.
full()
{
	local program option reader deaf how

	mkdir "$tmp/policy"
	mkfifo "$tmp/pipe"
	exec {reader}<>"$tmp/pipe"
	exec {deaf}>"$tmp/pipe"
	exec {reader}>&-
	for program in pvictl pvid pvi-exporter pvi-ivshmem-server; do
		for option in --version --help; do
			refuses 1 "$program: cannot write all of the output: No space left on device" \
				sh -c "$program $option >/dev/full"
			refuses 1 "$program: cannot write all of the output: Bad file descriptor" \
				sh -c "$program $option >&-"
			# Nobody wants it any more.
			sh -c "trap '' PIPE; exec $program $option" >&"$deaf"
		done
		for how in gone unread deaf; do
			to_socket "$how" "$program" --version
		done
		refuses 1 "$program: cannot write all of the output: Resource temporarily unavailable" \
			to_socket full "$program" --version
	done
	# Where nothing is printed nothing is missing.
	check >/dev/full
	check >&-
}

run_tests mutations links rates implied implied_many reserves each_line dropins accepted many directory full
