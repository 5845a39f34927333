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

# What VM $1 exposes, as numbers
_pvictl_gsis()
{
	pvictl show --json "$1" 2>/dev/null |
		sed -n '/"gsis": *\[/,/\]/s/.*"gsi": *\([0-9]\{1,\}\).*/\1/p'
}

_pvictl_bells()
{
	pvictl show --json "$1" 2>/dev/null |
		sed -n '/"gsis": *\[/,/\]/s/.*"bell": *\([0-9]\{1,\}\).*/\1/p'
}

# By what the policy calls them, and by their UUIDs
_pvictl_links()
{
	pvictl list --json 2>/dev/null | sed -n 's/.*"link\(_name\)\{0,1\}": *"\([A-Za-z0-9_.-]*\)".*/\2/p'
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
	elif [[ $prev == --kind || ${COMP_WORDS[1]} == link && $prev == -k ]]; then
		words="net vsock raw"
	elif [[ $prev == --sort || ${COMP_WORDS[1]} == top && $prev == -s ]]; then
		words="rings denied throttled"
	elif [[ $prev == @(--for|--from|--allow|--self) ]]; then
		words=$(_pvictl_vms)
	elif [[ $cur == -* ]]; then
		words=$(pvictl "${COMP_WORDS[1]}" --help | grep -o -E -e '--[a-z-]+')
	elif [[ ${COMP_WORDS[1]} == @(allow|revoke) && $COMP_CWORD -eq 3 ]]; then
		words="to $(_pvictl_vms)"
	elif [[ ${COMP_WORDS[1]} == @(allow|revoke) && ${COMP_WORDS[3]} == to && $prev == gsi ]]; then
		words="$(_pvictl_gsis "${COMP_WORDS[4]}") any"
	elif [[ ${COMP_WORDS[1]} == @(allow|revoke) && ${COMP_WORDS[3]} == to && $prev == bell ]]; then
		words=$(_pvictl_bells "${COMP_WORDS[4]}")
	elif [[ ${COMP_WORDS[1]} == allow && ${COMP_WORDS[3]} == to && $((COMP_CWORD % 2)) -eq 1 ]]; then
		words="gsi bell flags rate burst owner"
	elif [[ ${COMP_WORDS[1]} == revoke && ${COMP_WORDS[3]} == to && $COMP_CWORD -eq 5 ]]; then
		words="gsi bell all"
	elif [[ ${COMP_WORDS[1]} == @(allow|revoke) && ${COMP_WORDS[3]} != to && $COMP_CWORD -eq 4 ]]; then
		words="$(_pvictl_gsis "${COMP_WORDS[2]}") any"
	elif [[ ${COMP_WORDS[1]} == @(ring|unexpose|kick) && $COMP_CWORD -eq 3 ]] ||
	     [[ ${COMP_WORDS[1]} == bell && $COMP_CWORD -eq 4 ]]; then
		words=$(_pvictl_gsis "${COMP_WORDS[2]}")
	elif [[ ${COMP_WORDS[1]} == port && $COMP_CWORD -eq 4 ]]; then
		words=$(_pvictl_gsis "${COMP_WORDS[3]}")
	elif [[ ${COMP_WORDS[1]} == @(link|unlink) ]]; then
		words="$(_pvictl_links) $(_pvictl_vms)"
	elif [[ ${COMP_WORDS[1]} == pipe ]]; then
		words=$(_pvictl_links)
	else
		words=$(_pvictl_vms)
	fi
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}

complete -F _pvictl pvictl
