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
