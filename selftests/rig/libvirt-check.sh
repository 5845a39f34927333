#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# libvirt-check.sh - as a user has it: a Debian system with systemd, libvirtd, QEMU and AppArmor as Debian has them,
# and our Debian packages. It is booted as an L1, and selftests/libvirt/libvirt_test.sh is what its administrator
# does. $KERNELS is its kernel, 6.12 by default, $GUESTS are those of its guests, an older and a newer one. With a kernel of
# trixie's, 6.12-trixie for instance, it is a trixie, and its packages are built in one. A copy of its disk is that of a
# third guest. $CASES are those of the test that run, all if not said; most need some that stand before them. Prints TAP and
# "N passed, N failed"; results are in $BUILD/libvirt-check.

. "$(dirname "$0")/common.sh"

series=${KERNELS:-6.12}
read -r older newer <<<"${GUESTS:-6.1 6.12}"
out=$build/libvirt-check
version=$(cat "$top/VERSION")
root=$out/root
images=/var/lib/libvirt/images
test=libvirt_test

# What a host installs, and a guest that has its disk; DKMS builds the modules in it
packages=(kvm-pvi-dkms kvm-pvi-guest-dkms kvm-pvi-tools libpvi0)

inside()
{
	as_root "$rig/in-root.sh" "$root" "$@"
}

# The same packages, but for the module's, in a later version
make_next()
{
	local package dir=$out/next

	rm -rf "$dir"
	mkdir -p "$dir"
	for package in kvm-pvi-tools libpvi0; do
		dpkg-deb -R "$built/${package}_${version}_amd64.deb" "$dir/$package"
		sed -i "s/^Version: .*/Version: $version+next/" "$dir/$package/DEBIAN/control"
		quietly "$build/next.log" dpkg-deb --root-owner-group -b "$dir/$package" "$dir"
		rm -r "${dir:?}/$package"
	done
}

# With pvictl as the packages have it that are built here, for so are the libraries beside it
make_guests()
{
	local series tools=$out/tools package

	rm -rf "$tools"
	for package in kvm-pvi-tools libpvi0; do
		dpkg-deb -x "$build/deb/${package}_${version}_amd64.deb" "$tools"
	done
	for series in "$older" "$newer"; do
		LD_LIBRARY_PATH=$(echo "$tools"/usr/lib/*-linux-gnu) "$rig/guest.sh" "$series" "$build/guest-libvirt-$series" \
			"$build"/selftests/e2e/{pvi,pvi_net} "$tools/usr/sbin/pvictl"
	done
}

# install_packages - in a copy of the system
install_packages()
{
	local base package debs=()

	base=$("$rig/deb-root.sh" -v "$codename" "$release")
	say "installing our packages in a copy of it"
	as_root rm -rf "$root"
	as_root cp -a "$base/root" "$root"
	for package in "${packages[@]}"; do
		as_root cp "$built/${package}_${version}_"*.deb "$root/var/cache"
		debs+=("/var/cache/$(cd "$built" && echo "${package}_${version}_"*.deb)")
	done
	quietly "$build/libvirt-install.log" inside env DEBIAN_FRONTEND=noninteractive \
		apt-get -y -q --no-install-recommends install "${debs[@]}"
	as_root rm -f "$root"/var/cache/*.deb
	# Here services are started.
	as_root rm "$root/usr/sbin/policy-rc.d"
}

# What boots it, and what the test needs. How busy the machine is may end no service, which is why they get time; the
# watchdogs of services are off on the kernel's command line.
add_rig()
{
	local name dir=$out/rig

	rm -rf "$dir"
	mkdir -p "$dir/selftests/tools"
	cp "$top/selftests/run_tests.sh" "$dir/"
	cp "$top/selftests/libvirt/$test.sh" "$dir/selftests/$test"
	cp "$top"/selftests/tools/*.{sh,py} "$dir/selftests/tools/"
	cp "$top/README.md" "$top/Documentation/virt/kvm/pvi/link.rst" "$dir/"
	awk -f "$top/selftests/tools/shown.awk" "$top/README.md" >"$dir/readme.conf"
	cp -r "$out/next" "$dir/"
	cat >"$dir/run" <<-END
		#!/bin/sh
		export PVI_RIG=1 PVI_SLOW=$PVI_SLOW PVI_LONG=${PVI_LONG:-} TEST_DEADLINE=${TEST_DEADLINE:-3600}
		export PVI_GUESTS=$images PVI_CASES='${CASES:-}'
		stty -F /dev/ttyS1 raw -echo
		stty -F /dev/ttyS2 raw -echo
		RESULT=/dev/ttyS2 /rig/run_tests.sh /rig/selftests $test >/dev/ttyS1 2>&1
		echo "exit \$?" >/dev/ttyS2
		systemctl poweroff --force --force
	END
	chmod 755 "$dir/run"
	cat >"$dir/rig.service" <<-END
		[Unit]
		After=multi-user.target
		[Service]
		ExecStart=/rig/run
	END
	# All that the guest with this disk starts beside what each system does: a shell, as e2e/init has it
	cat >"$dir/guest" <<-'END'
		#!/bin/sh
		udevadm settle
		exec </dev/ttyS1 >/dev/ttyS1 2>&1
		stty raw -echo opost onlcr
		. /rig/selftests/tools/answers.sh
		answers true
	END
	chmod 755 "$dir/guest"
	cat >"$dir/rig-guest.service" <<-END
		[Unit]
		DefaultDependencies=no
		Requires=sysinit.target
		After=sysinit.target
		[Service]
		ExecStart=/rig/guest
	END
	printf '[Manager]\nDefaultTimeout%sSec=infinity\n' Start Stop >"$dir/time.conf"
	as_root cp -r "$dir" "$root/rig"
	as_root cp -r "$build/guest-libvirt-$older" "$root$images/older"
	as_root cp -r "$build/guest-libvirt-$newer" "$root$images/newer"
	as_root mkdir "$root$images/own"
	as_root cp "$out/initramfs" "$("$rig/vmlinux.py" "$kernel")" "$root$images/own"
	as_root chown -R root:root "$root/rig" "$root$images"
	# Without the network there is nothing else to be had, and much to be read.
	as_root rm -rf "$root"/var/lib/apt/lists
	as_root mkdir -p "$root"/etc/systemd/system.conf.d "$root"/etc/systemd/system/graphical.target.wants
	as_root mv "$root/rig/time.conf" "$root/etc/systemd/system.conf.d/"
	as_root mv "$root"/rig/{rig,rig-guest}.service "$root/etc/systemd/system/"
	as_root ln -s ../rig.service "$root/etc/systemd/system/graphical.target.wants/"
	# The console is the kernel's alone.
	as_root ln -s /dev/null "$root/etc/systemd/system/serial-getty@ttyS0.service"
	for name in apt-daily apt-daily-upgrade; do
		as_root ln -s /dev/null "$root/etc/systemd/system/$name.timer"
	done
}

# The modules that the disk needs, as busybox's insmod wants them
pick_disk()
{
	local path name n=10

	rm -rf "$out/disk"
	mkdir -p "$out/disk"
	modprobe -a -S "$release" -d "$root" --show-depends virtio_pci virtio_blk crc32c_generic ext4 |
		awk '$1 == "insmod" && !seen[$2]++ { print $2 }' |
	while read -r path; do
		name=$n-$(basename "${path%.xz}")
		n=$((n + 1))
		case $path in
		*.xz)	xz -dc "$path" >"$out/disk/$name" ;;
		*)	cp "$path" "$out/disk/$name" ;;
		esac
	done
}

make_disks()
{
	say "making a disk of it, and a guest's"
	rm -f "$out/disk.img"
	quietly "$build/mkfs.log" as_root mkfs.ext4 -q -F -d "$root" "$out/disk.img" 6G
	as_root chown "$(id -u)" "$out/disk.img"
	as_root rm -rf "$root"
	cp --sparse=always "$out/disk.img" "$out/guest.img"
}

lock "$build/lock"
mkdir -p "$out"
"$rig/setup.sh" "${deb_needs[@]}" e2fsprogs
kernel=$("$rig/kernel.sh" "$series")
release=$(cat "$kernel/release")
codename=$(codename_of "$kernel")
"$rig/deb.sh"
built=$build/deb
if [ "$codename" != "$(codename_of "")" ]; then
	"$rig/deb.sh" "$codename"
	built+=-$codename
fi
make_next
quietly "$build/selftests.log" make -C "$top/selftests" -j2 OUTPUT="$build/selftests" TESTS=e2e_test tests
make_guests
lock "$cache/deb.lock"
install_packages
exec {lock_fd}>&-
pick_disk
"$rig/initramfs.sh" "$kernel" "$out/initramfs" -i "$rig/init-disk" -f "$out/disk:/modules/disk"
add_rig
make_disks
say "booting it"
status=0
# What is for guests is for the one that has its disk alone.
"$rig/boot.sh" "$kernel" "$out/initramfs" "$out" -1 -d "$out/disk.img" -d "$out/guest.img" -m "${MEMORY:-2048}" \
	-t "${DEADLINE:-7200}" -a panic_on_warn=1 -a mitigations=off -a systemd.service_watchdogs=no \
	-a modprobe.blacklist=kvm_pvi_guest -a "${CMDLINE:-}" || status=$?
rm -f "$out"/{disk,guest}.img
cat "$out/output"
[ "$status" -ne 124 ] || echo "0 passed, 1 failed"
exit "$status"
