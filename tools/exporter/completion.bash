# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# bash completion of pvi-exporter

_pvi_exporter()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}

	case $prev in
	--edges|-e) ;;
	--run|-r)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -d -- "$cur") ;;
	--user|-u)
		mapfile -t COMPREPLY < <(compgen -u -- "$cur") ;;
	*)
		mapfile -t COMPREPLY < <(compgen -W "$(pvi-exporter --help | grep -o -E -e '--[a-z-]+')" -- "$cur") ;;
	esac
}

complete -F _pvi_exporter pvi-exporter
