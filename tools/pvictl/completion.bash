# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# bash completion of pvictl. Commands and options are those that pvictl --help names.

# Whoever runs a VMM chooses its name, and compgen -W expands what it is given: harmless ones alone.
_pvictl_vms()
{
	pvictl list --noheadings 2>/dev/null | awk '
		NF { print $1 }
		$2 ~ /^[A-Za-z0-9_][A-Za-z0-9_.:-]*$/ && $2 !~ /^(bound|frozen|dead)$/ { print $2 }'
}

_pvictl()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} words

	if [ "$COMP_CWORD" -eq 1 ]; then
		words=$(pvictl --help | sed -n 's/^  \([a-z-]\+\) .*/\1/p')
	elif [[ $prev == --pid-file || $prev == --dir ]] ||
	     [[ ${COMP_WORDS[1]} == @(save|restore) && $COMP_CWORD -eq 3 ]]; then
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
	elif [[ $prev == --pid || ${COMP_WORDS[1]} == attach && $prev == -p ]]; then
		words=$(cd /proc && printf '%s\n' [0-9]*)
	elif [[ $prev == owner || $prev == --owner ]]; then
		words=$(compgen -u)
	elif [[ $cur == -* ]]; then
		words=$(pvictl "${COMP_WORDS[1]}" --help | grep -o -E -e '--[a-z-]+')
	elif [[ ${COMP_WORDS[1]} == @(allow|revoke) && $COMP_CWORD -eq 3 ]]; then
		words="to $(_pvictl_vms)"
	elif [[ ${COMP_WORDS[1]} == allow && ${COMP_WORDS[3]} == to && $((COMP_CWORD % 2)) -eq 1 ]]; then
		words="gsi bell flags rate burst owner"
	elif [[ ${COMP_WORDS[1]} == revoke && ${COMP_WORDS[3]} == to && $COMP_CWORD -eq 5 ]]; then
		words="gsi bell all"
	else
		words="$(_pvictl_vms) any"
	fi
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}

complete -F _pvictl pvictl
