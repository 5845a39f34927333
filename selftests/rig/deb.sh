#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# deb.sh [-q] - build the Debian packages, by whatever user, from a copy of the tree: $BUILD/deb/*.deb.
# Ends with lintian, whose errors are errors, and which takes a quarter of the time: with -q it is left out, and so
# are the packages with what debuggers want.

. "$(dirname "$0")/common.sh"

quick=
[ "${1:-}" != -q ] || quick=1
version=$(cat "$top/VERSION")
dir=$build/deb
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
	quietly "$build/deb-clean.log" make -C "$src" BUILD="$src/build" clean
}

"$rig/setup.sh" "${deb_needs[@]}"
[ "$(dpkg-parsechangelog -l "$top/debian/changelog" -S Version)" = "$version" ] ||
	die "debian/changelog is not of version $version, as VERSION is"
copy_tree
say "building the Debian packages"
[ -z "$quick" ] || export DEB_BUILD_OPTIONS=noautodbgsym
(cd "$src" && quietly "$build/deb.log" dpkg-buildpackage -b -us -uc)
mv "$dir"/src/*.{deb,buildinfo,changes} "$dir"
rm -r "$dir/src"
[ -z "$quick" ] || exit 0
lintian --allow-root --fail-on error "$dir"/*.changes >"$build/lintian.log" || {
	cat "$build/lintian.log" >&2
	die "lintian finds fault with the packages"
}
