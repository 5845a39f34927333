# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced by the scripts of the rig: where things are, and how they speak. Progress goes to
# stderr with the seconds since the start, so that stdout stays free for results. $BUILD holds
# what belongs to this checkout, $cache what is expensive and shared by all checkouts.

set -euo pipefail

export LC_ALL=C
# What python has compiled would stand among the sources.
export PYTHONDONTWRITEBYTECODE=1
# A make of the rig's is not a part of the make that may have started it.
unset MAKEFLAGS MFLAGS MAKELEVEL
# Debian's programs, whatever stands before them for a user: python3 for instance may be a script that looks for one.
PATH=/usr/lib/ccache:/usr/sbin:/usr/bin:/sbin:/bin

rig=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$rig/../.." && pwd)
build=${BUILD:-$top/build}
mkdir -p "$build"
build=$(cd "$build" && pwd)
# shellcheck disable=SC2034 # the scripts use it
cache=${XDG_CACHE_HOME:-${HOME:?is not set: set it or XDG_CACHE_HOME, for the cache of kernels}/.cache}/kvm-pvi

# What a compiler has made is not made again, whichever checkout asks; setup.sh installs what stands between.
export CCACHE_DIR=$cache/ccache CCACHE_BASEDIR=$top CCACHE_NOHASHDIR=1 CCACHE_MAXSIZE=2G

# How many times as long as usual the tests wait for what must happen.
: "${PVI_SLOW:=4}"

# What the tools are linked with, and what their packages take besides
# shellcheck disable=SC2034 # setup.sh and deb-root.sh do
tools_need=(libinih-dev libmicrohttpd-dev libsmartcols-dev libsystemd-dev libudev-dev pkg-config uuid-dev)
# shellcheck disable=SC2034 # deb.sh, deb-root.sh and check.sh do
deb_needs=(debhelper debootstrap dh-dkms dh-python dpkg-dev lintian)

: "${RIG_START:=$(date +%s)}"
export RIG_START

say()
{
	printf '[%3d s] %s\n' $(($(date +%s) - RIG_START)) "$*" >&2
	doing "$*"
}

# codename_of KERNEL - of the release of Debian that a directory of kernel.sh's is from, or with '' of this machine's
codename_of()
{
	local root=''

	[ -z "$1" ] || [ ! -e "$1/root" ] || root=$1/root
	# shellcheck source=/dev/null
	(. "$root/etc/os-release" && echo "${VERSION_CODENAME:?is not in $root/etc/os-release}")
}

# A job of check.sh's has a file for what it does at the moment.
doing()
{
	[ -z "${RIG_DOING:-}" ] || echo "$*" >"$RIG_DOING"
}

die()
{
	say "error: $*"
	exit 1
}

as_root()
{
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	else
		command -v sudo >/dev/null || die "'$*' needs root, and there is no sudo: run it as root"
		sudo "$@"
	fi
}

# Run a command whose output matters only when it fails.
quietly()
{
	local log=$1

	shift
	"$@" >"$log" 2>&1 && return
	tail -n 60 "$log" >&2
	die "'$*' failed; all of its output is in $log"
}

# now_in DIR OLD - DIR is a copy of what kbuild has made in OLD: let it know that, or it would make all of it again.
now_in()
{
	find "$1" -type f \( -name '.*.cmd' -o -name '*.mod' -o -name modules.order -o -name Module.symvers \) \
		-exec sed -i "s|$2/|$1/|g" {} +
}

# The commit of the sources; "-dirty" behind it if one that is no page differs from it. What takes long asks before it
# begins.
tree_of()
{
	local commit changed

	commit=$(git -C "$top" rev-parse --short=10 HEAD 2>/dev/null) || {
		echo without-git
		return
	}
	changed=$(git -C "$top" status --porcelain -- . ':!Documentation')
	echo "$commit${changed:+-dirty}"
}

# remember NAME TREE - what a long command has done, for figures.py, which says what stands in stdin. Of sources that are no
# commit nothing is remembered.
remember()
{
	local to=$cache/results/$1

	if [[ $2 == *-* ]]; then
		say "these sources are $2: ${1%%.*} is not for make figures"
		cat >/dev/null
		return
	fi
	mkdir -p "$cache/results"
	{
		printf '%s\t%s\n' "$(date -I)" "$2"
		cat
	} >"$to.$$"
	mv "$to.$$" "$to"
}

# Hold the lock named $1 until this process ends, unless who started it does.
lock()
{
	[ "$1" != "${RIG_LOCKED:-}" ] || return 0
	mkdir -p "$(dirname "$1")"
	exec {lock_fd}>"$1"
	flock -w 10 "$lock_fd" && return
	say "waiting for another run, which holds $1"
	flock "$lock_fd"
}
