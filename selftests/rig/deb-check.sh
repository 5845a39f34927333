#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# deb-check.sh [-q] [SERIES...] - build the Debian packages, install them in a small Debian system with
# the headers of these kernels (default 6.12 6.1), use what they bring, in an L1 the module that
# DKMS has built, and remove them again; without -q lintian looks at them, DKMS builds all modules of a checkout
# as well, and kbuild is asked about five kernels instead of two. With kernels of trixie's, 6.12-trixie and 7.3 for
# instance, that system is a trixie, the packages are built in another one, and those that are built here are tried
# in it too.
# Prints TAP and "N passed, N failed".

. "$(dirname "$0")/common.sh"
. "$rig/points.sh"

version=$(cat "$top/VERSION")
packages=(kvm-pvi-dkms kvm-pvi-guest-dkms kvm-pvi-tools libpvi0 libpvi-dev python3-kvm-pvi librust-kvm-pvi-dev)
tests=(built installed ranges modules_built by_alias loaded key_rejected tools program bindings instances removed)
guest_modules=(kvm_pvi_guest kvm_pvi_link kvm_pvi_net kvm_pvi_vsock)
out=$build/deb-check
kernels=() releases=()

inside()
{
	as_root "$rig/in-root.sh" "$root" "$@"
}

# The paths that are there, but what others keep: logs, caches, the indices of depmod, DKMS' key.
paths()
{
	as_root find "$root" -mindepth 1 \( -path "$root/proc" -o -path "$root/dev" \
		-o -path "$root/tmp" -o -path "$root/var/log" -o -path "$root/var/cache" \) -prune \
		-o ! -path "$root/lib/modules/*/modules.*" ! -path "$root/usr/lib/modules/*/modules.*" \
		! -path "$root/var/lib/dkms/mok.*" -printf '%M %P\n' | sort
}

# Where DKMS has put module $2 for kernel $1; compressed, if that kernel's own modules are.
module_path()
{
	local path

	for path in "$root/lib/modules/$1/updates/dkms/$2".ko*; do
		[ -s "$path" ] || fail "no module $path"
		echo "$path"
	done
}

built()
{
	local package

	for package in "${packages[@]}"; do
		[ -e "$debs/${package}_${version}_all.deb" ] ||
			[ -e "$debs/${package}_${version}_amd64.deb" ] || fail "no package $package"
	done
}

# install_from DIRECTORY PACKAGE... - those that were built there
install_from()
{
	local from=$1 package files=()

	shift
	as_root rm -rf "$root/tmp/deb"
	as_root mkdir "$root/tmp/deb"
	for package; do
		as_root cp "$from/${package}_"*.deb "$root/tmp/deb"
	done
	mapfile -t files < <(cd "$root" && ls tmp/deb/*.deb)
	# DKMS builds with the compiler's results of the last time, where the sources are those.
	inside env DEBIAN_FRONTEND=noninteractive CCACHE_DIR=/var/cache/ccache apt-get -y -q --no-install-recommends \
		-o DPkg::Path=/usr/lib/ccache:/usr/sbin:/usr/bin:/sbin:/bin install "${files[@]/#//}"
	for package; do
		inside dpkg --verify "$package" | diff - /dev/null
	done
}

installed()
{
	install_from "$debs" "${packages[@]}"
}

# is_made_for CONF RELEASE - DKMS builds for it
is_made_for()
{
	# shellcheck source=/dev/null disable=SC2034
	(set +u && kernel_source_dir=/ && . "$1" && [[ $2 =~ $BUILD_EXCLUSIVE_KERNEL ]])
}

# Each package has kernels of its own, DKMS and kbuild know the same ones, and kbuild says it in one line.
ranges()
{
	local module package number made lines output numbers=(5.19 6.1 6.12 7.3 7.4)

	[ -z "$quick" ] || numbers=(7.3 7.4)
	as_root cp -r "$root/usr/src/kvm-pvi-$version" "$root/tmp/ranges"
	for module in host guest; do
		package=kvm-pvi
		[ "$module" = host ] || package+=-guest
		for number in "${numbers[@]}"; do
			output=$(inside make -n -C "/usr/src/linux-headers-${releases[0]}" M=/tmp/ranges/kernel \
				VERSION="${number%.*}" PATCHLEVEL="${number#*.}" PVI_MODULES="$module" modules 2>&1) ||
				output+=$'\nmake has failed'
			lines=$(awk -v of="the module for the $module is not made for kernel $number," \
				'index($0, of) { n++ } END { print n + 0 }' <<<"$output")
			made=1
			is_made_for "$root/usr/src/$package-$version/dkms.conf" "$number.2+deb-amd64" || made=0
			[ "$((made + lines))" -eq 1 ] ||
				fail "$package, $number: DKMS says $made, kbuild in $lines lines: $output"
			case $number in
			6.1|6.12|7.3) [ "$made" -eq 1 ] || fail "$package is not made for $number" ;;
			5.19|7.4) [ "$made" -eq 0 ] || fail "$package is made for $number" ;;
			esac
		done
	done
	as_root rm -r "$root/tmp/ranges"
}

# For each kernel, and signed with the key that a user enrols.
modules_built()
{
	local release module package path

	for release in "${releases[@]}"; do
		for package in kvm-pvi kvm-pvi-guest; do
			inside dkms status "$package/$version" -k "$release" | grep ': installed' >/dev/null
		done
		for module in kvm_pvi "${guest_modules[@]}"; do
			path=$(module_path "$release" "$module")
			[[ $(modinfo -F vermagic "$path") == "$release "* ]] || fail "wrong vermagic in $path"
			[[ $(modinfo -F signer "$path") == DKMS* ]] || fail "$path is not signed"
		done
	done
}

# What a guest finds is loaded by itself, with what that needs: an ivshmem device, and links of each kind.
by_alias()
{
	local release kind pci=pci:v00001AF4d00001110sv00001AF4sd00001100bc05sc00i00

	for release in "${releases[@]}"; do
		[ "$(inside modprobe -S "$release" -R "$pci")" = kvm_pvi_link ] ||
			fail "$release: nothing for an ivshmem device"
		for kind in net vsock; do
			[ "$(inside modprobe -S "$release" -R "pvi_link:$kind")" = "kvm_pvi_$kind" ] ||
				fail "$release: nothing for a link"
			inside modprobe -S "$release" -D "kvm_pvi_$kind" | sed 's|.*/||; s|\.ko.*||' |
				grep kvm_pvi | diff - <(printf '%s\n' kvm_pvi_{guest,link} "kvm_pvi_$kind") ||
				fail "$release: not with these"
		done
	done
}

# The module that DKMS has built serves, on the first kernel.
loaded()
{
	local tests=(bind_test ring_test) files=() test path

	path=$(module_path "${releases[0]}" kvm_pvi)
	mkdir -p "$out"
	if [[ $path == *.xz ]]; then
		xz -dc "$path" >"$out/kvm_pvi.ko"
	else
		cp "$path" "$out/kvm_pvi.ko"
	fi
	make -s -C "$top/selftests" OUTPUT="$build/selftests" TESTS="${tests[*]}" tests
	for test in "${tests[@]}"; do
		files+=(-f "$build/selftests/$test:/selftests/$test")
	done
	"$rig/initramfs.sh" "${kernels[0]}" "$out/initramfs" "${files[@]}" \
		-f "$out/kvm_pvi.ko:/modules/kvm_pvi.ko" \
		-f "$top/selftests/run_tests.sh:/run_tests.sh" \
		-e PVI_RIG=1 -e PVI_MODULE=/modules/kvm_pvi.ko \
		-e "PVI_SLOW=$PVI_SLOW" -e "TEST_DEADLINE=${TEST_DEADLINE:-600}" \
		-e "RIG_RUN=/run_tests.sh /selftests ${tests[*]}; status=\$?
			echo Y >/sys/module/module/parameters/sig_enforce
			insmod /modules/kvm_pvi.ko || echo \"insmod ends with \$?\"; exit \$status"
	"$rig/boot.sh" "${kernels[0]}" "$out/initramfs" "$out" -t "${DEADLINE:-600}" || {
		cat "$out/output"
		fail "the tests have failed"
	}
}

# Where its key is not enrolled it is refused, with the words that the documentation explains. That was tried when
# the tests had passed, from when on the kernel wanted keys that it knows.
key_rejected()
{
	local words

	grep -q -x "insmod ends with [0-9]*" "$out/output" || fail "the kernel has taken it"
	for words in "Key was rejected by service" "Loading of module with unavailable key is rejected"; do
		grep -q "$words" "$out/output" "$out/console" || fail "nobody says '$words'"
		grep -q "$words" "$top/Documentation/virt/kvm/pvi/install.rst" || fail "no '$words' in it"
	done
}

tools()
{
	local program

	for program in "$root"/usr/sbin/*pvi*; do
		program=${program##*/}
		[ "$(inside "$program" --version)" = "$program $version" ] || fail "$program's version"
		[ -s "$root/usr/share/man/man8/$program.8.gz" ] || fail "$program has no manual"
		[ -s "$root/usr/share/bash-completion/completions/$program" ] ||
			fail "$program has no completion"
	done
	[ -x "$root/usr/sbin/pvictl" ]
	[ -s "$root/usr/share/doc/kvm-pvi/index.rst" ] || fail "no pages"
	grep -q 'GROUP="kvm"' "$root/lib/udev/rules.d/60-kvm-pvi.rules"
	grep -q 'GROUP="kvm"' "$root/lib/udev/rules.d/60-kvm-pvi-guest.rules"
	grep -q -x kvm_pvi "$root/usr/lib/modules-load.d/kvm-pvi.conf"
	grep -q -x kvm_pvi_guest "$root/usr/lib/modules-load.d/kvm-pvi-guest.conf"
	grep -q -r '^ExecStart=/usr/sbin/pvictl' "$root/lib/systemd/system"
	[ -d "$root/etc/kvm-pvi" ]
	[ -h "$root/etc/systemd/system/multi-user.target.wants/kvm-pvid.service" ]
	# Also when the module comes later than they
	grep -q 'TAG+="systemd"' "$root/lib/udev/rules.d/60-kvm-pvi.rules"
	for program in kvm-pvid.service kvm-pvi-exporter.socket; do
		[ -h "$root/etc/systemd/system/dev-kvm_pvi.device.wants/$program" ] || fail "$program is not wanted"
	done
	grep -q '^After=.*nss-user-lookup\.target' "$root/lib/systemd/system/kvm-pvid.service"
}

# As the manual says: header, flags and library are found.
program()
{
	as_root tee "$root/tmp/program.c" >/dev/null <<-'END'
	#include <libpvi.h>
	#include <linux/kvm_pvi_guest.h>
	#include <stdio.h>

	int main(void)
	{
		printf("%d\n", pvi_open());
		return 0;
	}
	END
	# shellcheck disable=SC2016 # for the shell inside
	inside sh -e -c 'cd /tmp
		gcc -Wall -Werror -o shared program.c $(pkg-config --cflags --libs libpvi)
		gcc -Wall -Werror -static -o static program.c $(pkg-config --cflags --libs --static libpvi)
		[ "$(./shared)" = -2 ] && [ "$(./static)" = -2 ]
		ldd ./shared | grep libpvi.so.0 >/dev/null
		rm program.c shared static'
}

# The module for Python finds the library; the crate is where Debian's cargo looks for it.
bindings()
{
	local said

	said=$(inside python3 -c 'import kvm_pvi; print(*kvm_pvi.version(), kvm_pvi._lib.lib.pvi_open())')
	[ "$said" = "${version/./ } -2" ] || fail "Python says '$said'"
	[ -s "$root/usr/share/cargo/registry/kvm-pvi-$version.0/src/lib.rs" ]
	[ -s "$root/usr/share/cargo/registry/kvm-pvi-$version.0/.cargo-checksum.json" ]
}

# With the package go instances of its units, whatever they are called; an upgrade leaves them. No systemd runs here: who
# would tell it writes down what.
instances()
{
	as_root mkdir "$root/tmp/stub"
	as_root tee "$root/tmp/stub/deb-systemd-invoke" >/dev/null <<-'END'
	#!/bin/sh
	printf '%s\n' "$@" >>/tmp/stub/told
	END
	as_root chmod 755 "$root/tmp/stub/deb-systemd-invoke"
	# shellcheck disable=SC2016 # for the shell inside
	inside unshare --mount sh -e -c 'mount -t tmpfs none /run
		mkdir -p /run/systemd/system
		export PATH=/tmp/stub:$PATH DPKG_MAINTSCRIPT_PACKAGE=kvm-pvi-tools
		: >/tmp/stub/told
		/var/lib/dpkg/info/kvm-pvi-tools.prerm upgrade 99
		if grep @ /tmp/stub/told; then exit 1; fi
		/var/lib/dpkg/info/kvm-pvi-tools.prerm remove
		for unit in attach@*.service ivshmem@*.socket ivshmem@*.service; do
			grep -q -x -F "kvm-pvi-$unit" /tmp/stub/told
		done'
	as_root rm -r "$root/tmp/stub"
}

# purge_all PACKAGE... - nothing is left, of the files, of what they needed, and in dpkg's own records. What a package that
# stays would merely suggest goes, too.
purge_all()
{
	inside env DEBIAN_FRONTEND=noninteractive apt-get -y -q -o APT::AutoRemove::RecommendsImportant=false \
		-o APT::AutoRemove::SuggestsImportant=false --auto-remove purge "$@"
	as_root rm -rf "$root/tmp/deb"
	inside dpkg -l >"$tmp/packages"
	! grep pvi "$tmp/packages" || fail "not purged"
	paths | diff "$tmp/paths" - || fail "this differs from what was there before"
	[ -z "$(inside dkms status)" ] || fail "DKMS keeps: $(inside dkms status)"
}

removed()
{
	purge_all "${packages[@]}"
}

# A guest's Debian may be newer than that of the host, where its packages were built.
of_older_host()
{
	local guest=(kvm-pvi-guest-dkms kvm-pvi-tools libpvi0) release

	install_from "$build/deb" "${guest[@]}"
	for release in "${releases[@]}"; do
		inside dkms status "kvm-pvi-guest/$version" -k "$release" | grep ': installed' >/dev/null
	done
	[ "$(inside pvictl --version)" = "pvictl $version" ] || fail "pvictl's version"
	purge_all "${guest[@]}"
}

# The dkms.conf of the package, in a checkout, builds all.
checkout()
{
	local module

	as_root rm -rf "$root/tmp/checkout"
	as_root mkdir "$root/tmp/checkout"
	as_root cp -r "$top"/{VERSION,dkms.conf,include,kernel} "$root/tmp/checkout"
	inside dkms add /tmp/checkout
	inside dkms install "kvm-pvi/$version" -k "${releases[0]}"
	for module in kvm_pvi "${guest_modules[@]}"; do
		module_path "${releases[0]}" "$module" >/dev/null
	done
	inside dkms remove "kvm-pvi/$version" --all
	as_root rm -r "$root/tmp/checkout" "$root/usr/src/kvm-pvi-$version"
	paths | diff "$tmp/paths" - || fail "this differs from what was there before"
}

quick=
if [ "${1:-}" = -q ]; then
	quick=-q
	shift
else
	tests+=(checkout)
fi
[ $# -gt 0 ] || set -- 6.12 6.1
for series; do
	kernels+=("$("$rig/kernel.sh" "$series")")
	releases+=("$(cat "${kernels[-1]}/release")")
	codename=$(codename_of "${kernels[-1]}")
	[ "$codename" = "$(codename_of "${kernels[0]}")" ] || die "these kernels are not of one release of Debian: $*"
done
debs=$build/deb
if [ "$codename" = "$(codename_of "")" ]; then
	"$rig/deb.sh" $quick
else
	debs+=-$codename
	tests+=(of_older_host)
	"$rig/deb.sh" -q
	"$rig/deb.sh" $quick "$codename"
fi
lock "$cache/deb.lock"
dir=$("$rig/deb-root.sh" "$codename" "${releases[@]}")
root=$dir/root
paths >"$tmp/paths"
touch "$dir/used"
say "installing, using and removing the Debian packages"
status=0
run_points "${tests[@]}" || status=$?
! paths | cmp -s "$tmp/paths" || rm "$dir/used"
exit "$status"
