#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# run.sh BYTES TEST... - in L1: run_tests.sh, and print what rig/coverage.sh wants of the module's counters,
# whose section has so many bytes.

bytes=$1
shift
AFTER_TEST="/counters add kvm_pvi $bytes" /run_tests.sh /selftests "$@"
status=$?
# What the last load has counted was taken before it was unloaded.
insmod "$PVI_MODULE" && /counters print kvm_pvi "$bytes" || status=1
exit "$status"
