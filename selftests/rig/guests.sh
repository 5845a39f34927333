# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced behind common.sh by the scripts that have L1s with Linux guests: what these consist of.
#
#   build WHAT		as it says; $tests are the tests
#   find_foreign	set foreign, the programs of others that the tests want in guests
#   prepare_guest SERIES	make $build/guest-SERIES, with these

# shellcheck disable=SC2154 # common.sh has the directories, who sources this $tests

foreign=()

# build WHAT - the selftests, the tools, or the modules for a kernel
build()
{
	case $1 in
	selftests)
		say "building the selftests"
		quietly "$build/selftests.log" make -C "$top/selftests" -j2 OUTPUT="$build/selftests" \
			TESTS="${tests[*]}" tests ;;
	tools)	say "building the tools"
		rm -rf "$build/tools-root"
		quietly "$build/tools.log" make -C "$top/tools" -j2 OUTPUT="$build/tools" \
			DESTDIR="$build/tools-root" PREFIX=/usr install ;;
	*)	say "building the modules for $1"
		"$rig/build.sh" "$("$rig/kernel.sh" "$1")" "$build/src-$1" ;;
	esac
}

find_foreign()
{
	local vsock_test sshd program

	# libwrap0 is sshd's.
	"$rig/setup.sh" libwrap0 ncat openssh-client
	vsock_test=$("$rig/vsock-test.sh")
	sshd=$("$rig/from-deb.sh" openssh-server usr/sbin/sshd)
	foreign=("$vsock_test" "$sshd")
	for program in socat ncat ssh ssh-keygen; do
		foreign+=("$(command -v "$program")")
	done
}

# What a Linux guest boots, with the programs of others that $foreign has
prepare_guest()
{
	LD_LIBRARY_PATH=$build/tools-root/usr/lib "$rig/guest.sh" "$1" \
		"$build/guest-$1" "$build"/selftests/e2e/{pvi,pvi_echo,pvi_link,pvi_net,pvi_vsock,pvi_spoil} \
		"$build/tools-root/usr/sbin/pvictl" "$build"/selftests/guest/{args,dev}_test "${foreign[@]}"
}
