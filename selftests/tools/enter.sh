# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0
#
# Sourced first by the *_test.sh, by any shell: go on with bash, in the rig in the host's file
# system. PVI_TOOLS is the root that the tools are installed in, PVI_GUESTS has what Linux guests boot.

if [ -d /host/mnt/selftests ]; then
	PVI_TOOLS=/mnt/tools PVI_GUESTS=/mnt/guests exec chroot /host /bin/bash "/mnt$0" "$@"
elif [ -z "$BASH_VERSION" ]; then
	exec bash "$0" "$@"
fi
