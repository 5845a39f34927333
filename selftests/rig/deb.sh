#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# deb.sh [-q] [CODENAME] - build the Debian packages, by whatever user, from a copy of the tree: $BUILD/deb/*.deb.
# Those of another release of Debian than this machine's are built in a system of it, by its debhelper, compiler
# and dh_dkms: $BUILD/deb-CODENAME/*.deb. Ends with lintian, whose errors are errors, and which takes a quarter of the
# time: with -q it is left out, and so are the packages with what debuggers want.

. "$(dirname "$0")/common.sh"

quick=
if [ "${1:-}" = -q ]; then
	quick=1
	shift
fi
codename=${1:-}
[ "$codename" != "$(codename_of "")" ] || codename=
version=$(cat "$top/VERSION")
dir=$build/deb${codename:+-$codename}
src=$dir/src/kvm-pvi-$version

copy_tree()
{
	rm -rf "$dir"
	mkdir -p "$src"
	cp -r "$top"/{Documentation,LICENSE,LICENSES,Makefile,README.md,VERSION,bindings,debian,dkms.conf,include,kernel,tools} \
		"$src"
	# The pages have them.
	mkdir "$src/selftests"
	cp -r "$top/selftests/example" "$src/selftests"
	quietly "$dir-clean.log" make -C "$src" BUILD="$src/build" clean
}

# in_release LINE - a line of a shell's, in $dir, by what that release has
in_release()
{
	if [ -n "$codename" ]; then
		as_root "$rig/in-root.sh" -b "$dir" "$root" sh -c "cd /mnt && $1"
	else
		(cd "$dir" && sh -c "$1")
	fi
}

"$rig/setup.sh" "${deb_needs[@]}"
[ "$(dpkg-parsechangelog -l "$top/debian/changelog" -S Version)" = "$version" ] ||
	die "debian/changelog is not of version $version, as VERSION is"
if [ -n "$codename" ]; then
	lock "$cache/deb.lock"
	root=$("$rig/deb-root.sh" -b "$codename")/root
	exec {lock_fd}>&-
fi
copy_tree
say "building the Debian packages${codename:+ of $codename}"
quietly "$dir.log" in_release \
	"cd 'src/kvm-pvi-$version' && ${quick:+DEB_BUILD_OPTIONS=noautodbgsym} dpkg-buildpackage -b -us -uc"
mv "$dir"/src/*.{deb,buildinfo,changes} "$dir"
rm -r "$dir/src"
[ -z "$quick" ] || exit 0
in_release "lintian --allow-root --fail-on error ./*.changes" >"$dir-lintian.log" || {
	cat "$dir-lintian.log" >&2
	die "lintian finds fault with the packages${codename:+ of $codename}"
}
