# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# bash completion of pvid

_pvid()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}

	if [[ $prev == @(--config|--run|--dir|-c|-r|-d) ]]; then
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -d -- "$cur")
	else
		mapfile -t COMPREPLY < <(compgen -W "$(pvid --help | grep -o -E -e '--[a-z-]+')" -- "$cur")
	fi
}

complete -F _pvid pvid
