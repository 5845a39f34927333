# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# bash completion of pvi-ivshmem-server. Options are those that its --help names.

_pvi_ivshmem_server()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} words

	if [[ $prev == @(--socket|-s|--config|-c) ]]; then
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
	elif [[ $prev == --allow || $prev == -a || $prev == --peer || $prev == -p ]]; then
		words=$(pvictl list --noheadings 2>/dev/null | cut -d ' ' -f 1)
	else
		words=$(pvi-ivshmem-server --help | grep -o -E -e '--[a-z-]+' | sort -u)
	fi
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}

complete -F _pvi_ivshmem_server pvi-ivshmem-server
