#!/bin/sh
# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# kvm_pvi for Rust: the tests that the crate has, tests/host.rs.

. "$(dirname "$0")/tools/enter.sh"
. "$(dirname "$0")/tools/lib.sh"

# crate NAME - one of them, which has run
crate()
{
	"$here/rust_host" --exact "$1" >"$tmp/output" 2>&1 || fail "$(cat "$tmp/output")"
	grep -q "^test result: ok. 1 passed; 0 failed; 0 ignored" "$tmp/output" || fail "$(cat "$tmp/output")"
}

vm()
{
	crate vm
}

processes()
{
	crate processes
}

kinds()
{
	crate kinds
}

names()
{
	crate names
}

# It has no other tests than these.
complete()
{
	same "$("$here/rust_host" --list | sed -n 's/: test$//p' | paste -s -d ' ')" "kinds names processes vm"
}

run_tests vm processes kinds names complete
