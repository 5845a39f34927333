#compdef pvictl
# SPDX-License-Identifier: GPL-2.0-or-later
# zsh completion of pvictl. Commands and options are those that pvictl --help names.

_pvictl_vms()
{
	local -a vms

	vms=(${(f)"$(pvictl list --noheadings 2>/dev/null | awk '
		NF { print $1 }
		$2 ~ /^[A-Za-z0-9_][A-Za-z0-9_.:-]*$/ && $2 !~ /^(bound|frozen|dead)$/ { print $2 }')"})
	compadd -a vms
}

_pvictl()
{
	local command=$words[2] previous=$words[CURRENT-1]
	local -a found

	if (( CURRENT == 2 )); then
		found=(${(f)"$(pvictl --help | sed -n 's/^  \([a-z-]\{1,\}\) \{1,\}\(.*\)/\1:\2/p')"})
		_describe command found
	elif [[ $previous == (--pid-file|--dir) || $command == (save|restore) && CURRENT -eq 4 ]]; then
		_files
	elif [[ $previous == --pid || $command == attach && $previous == -p ]]; then
		_pids
	elif [[ $previous == (owner|--owner) ]]; then
		_users
	elif [[ $PREFIX == -* ]]; then
		found=(${(f)"$(pvictl $command --help | grep -o -E -e '--[a-z-]+')"})
		compadd -a found
	elif [[ $command == (allow|revoke) && CURRENT -eq 4 ]]; then
		compadd to
		_pvictl_vms
	elif [[ $command == allow && $words[4] == to && $(( CURRENT % 2 )) -eq 0 ]]; then
		compadd gsi bell flags rate burst owner
	elif [[ $command == revoke && $words[4] == to && CURRENT -eq 6 ]]; then
		compadd gsi bell all
	else
		compadd any
		_pvictl_vms
	fi
}

_pvictl "$@"
