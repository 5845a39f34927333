# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# bash completion of pvictl. Commands and options are those that pvictl --help names.

_pvictl_uuids()
{
	pvictl list --noheadings 2>/dev/null | cut -d ' ' -f 1
}

_pvictl()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} words

	if [ "$COMP_CWORD" -eq 1 ]; then
		words=$(pvictl --help | sed -n 's/^  \([a-z-]\+\) .*/\1/p')
	elif [[ $prev == --pid-file || $prev == --dir ]]; then
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
	elif [[ $prev == --pid || ${COMP_WORDS[1]} == attach && $prev == -p ]]; then
		words=$(cd /proc && printf '%s\n' [0-9]*)
	elif [[ $cur == -* ]]; then
		words=$(pvictl "${COMP_WORDS[1]}" --help | grep -o -E -e '--[a-z-]+')
	else
		words="$(_pvictl_uuids) any"
	fi
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}

complete -F _pvictl pvictl
