#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# in-root.sh [-b DIRECTORY] ROOT COMMAND... - run a command in another root directory, as root. It
# has /proc and the usual devices; what it mounts ends with it. With -b it has DIRECTORY as /mnt, and
# runs as the owner of that.

set -eu

bind=
if [ "$1" = -b ]; then
	bind=$2
	shift 2
fi
root=$1
shift

# A service that a package starts would run here.
deny_services()
{
	printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
	chmod 755 "$root/usr/sbin/policy-rc.d"
}

if [ -z "${IN_ROOT:-}" ]; then
	IN_ROOT=1 exec unshare --mount --propagation private "$0" ${bind:+-b "$bind"} "$root" "$@"
fi
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
[ -z "$bind" ] || mount --bind "$bind" "$root/mnt"
[ -n "$bind" ] || deny_services
keep=(LC_ALL=C HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin)
for name in http_proxy https_proxy no_proxy; do
	[ -z "${!name:-}" ] || keep+=("$name=${!name}")
done
as=()
[ -z "$bind" ] || as=(--userspec "$(stat -c %u:%g "$bind")")
exec chroot "${as[@]}" "$root" /usr/bin/env -i "${keep[@]}" "$@"
