#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# ibt.sh DIRECTORY [TEST...] - run_tests.sh, on a machine that tracks indirect branches, behind a
# negative control: a test that calls past an ENDBR must fail by what the kernel says of it, and by
# nothing else. Where it does not, a call like that in the module would not be seen either: no test
# is run then, which is a failure.

run_tests=$(dirname "$0")/run_tests.sh
control=$(mktemp -d)

cat >"$control/endbr_test" <<'END'
#!/bin/sh
echo "1..1"
insmod "$PVI_TEST_MODULES/pvi_test_endbr.ko" && echo "ok 1 the call did not go through"
END
chmod +x "$control/endbr_test"

says()
{
	grep -q -E "$1" "$control/output"
}

RESULT='' "$run_tests" "$control" endbr_test >"$control/output"
if says '^not ok - endbr_test: the kernel complained:' &&
	says 'Missing ENDBR: endbr_target\+0x4/' && says '^1 passed, 1 failed$'; then
	echo "# control: a call past an ENDBR is caught"
	rm -r "$control"
	# Which was an oops, and an oops stops the tracers, which tests look through.
	echo 1 >/sys/kernel/debug/tracing/tracing_on
	exec "$run_tests" "$@"
fi

echo "not ok - control: a call past an ENDBR is not caught:"
sed 's/^/#   /' "$control/output"
echo "0 passed, 1 failed"
[ -z "$RESULT" ] || echo "0 passed, 1 failed" >"$RESULT"
exit 1
