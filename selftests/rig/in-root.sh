#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# in-root.sh ROOT COMMAND... - run a command in another root directory, as root. It has /proc and
# the usual devices; what it mounts ends with it.

set -eu

root=$1
shift

# A service that a package starts would run here.
deny_services()
{
	printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
	chmod 755 "$root/usr/sbin/policy-rc.d"
}

if [ -z "${IN_ROOT:-}" ]; then
	IN_ROOT=1 exec unshare --mount --propagation private "$0" "$root" "$@"
fi
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
deny_services
keep=(LC_ALL=C HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin)
for name in http_proxy https_proxy no_proxy; do
	[ -z "${!name:-}" ] || keep+=("$name=${!name}")
done
exec chroot "$root" /usr/bin/env -i "${keep[@]}" "$@"
