# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced by the *_test.sh of policies, after lib.sh: a policy for two VMs.

# shellcheck disable=SC2154 # lib.sh has them

policy()
{
	mkdir -p "$tmp/policy"
	cat >"$tmp/policy/web.conf" <<-POLICY
		[vm web]
		uuid = $a
		name = web

		[vm db]
		uuid = $b
		expose = 20,22,65536
		bells = 22

		[allow web-to-db]
		from = web
		to = db
		gsi = 20
	POLICY
}

# The same with links: an Ethernet, sockets, and one to a process of the host.
policy_with_links()
{
	policy
	cat >>"$tmp/policy/web.conf" <<-POLICY

		[link pair]
		between = web, db
		kind = raw
		size = 64K

		[link calls]
		between = db,web
		kind = vsock
		size = 64K
		cid = 7, 8
		ports = 22,5000-5999/none

		[link tap]
		between = web, host:$c
		uuid = dddddddd-0000-4000-8000-000000000004
		kind = raw
		queues = 2
		size = 32K
	POLICY
}

# Where the host's policy is one of ours: sh -e -c "$as_host" sh DIRECTORY POLICY COMMAND...
# shellcheck disable=SC2016 # of sh
as_host='rm -rf "$1"; mkdir "$1"; cp /etc/passwd /etc/group "$1"; cp -r "$2" "$1/kvm-pvi"
	mount --bind "$1" /etc; shift 2; exec "$@"'

# with_policy COMMAND... - where the host's policy is $tmp/policy
with_policy()
{
	unshare --mount sh -e -c "$as_host" sh "$tmp/etc" "$tmp/policy" "$@"
}
