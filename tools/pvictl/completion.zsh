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

# What VM $1 exposes, as numbers
_pvictl_gsis()
{
	local -a gsis

	gsis=(${(f)"$(pvictl show --json $1 2>/dev/null |
		sed -n '/"gsis": *\[/,/\]/s/.*"gsi": *\([0-9]\{1,\}\).*/\1/p')"})
	compadd -a gsis
}

_pvictl_bells()
{
	local -a bells

	bells=(${(f)"$(pvictl show --json $1 2>/dev/null |
		sed -n '/"gsis": *\[/,/\]/s/.*"bell": *\([0-9]\{1,\}\).*/\1/p')"})
	compadd -a bells
}

# By what the policy calls them, and by their UUIDs
_pvictl_links()
{
	local -a links

	links=(${(f)"$(pvictl list --json 2>/dev/null |
		sed -n 's/.*"link\(_name\)\{0,1\}": *"\([A-Za-z0-9_.-]*\)".*/\2/p')"})
	compadd -a links
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
	elif [[ $previous == --kind || $command == link && $previous == -k ]]; then
		compadd net vsock raw
	elif [[ $previous == --sort || $command == top && $previous == -s ]]; then
		compadd rings denied throttled
	elif [[ $previous == (--for|--from|--allow|--self) ]]; then
		_pvictl_vms
	elif [[ $PREFIX == -* ]]; then
		found=(${(f)"$(pvictl $command --help | grep -o -E -e '--[a-z-]+')"})
		compadd -a found
	elif [[ $command == (allow|revoke) && CURRENT -eq 4 ]]; then
		compadd to
		_pvictl_vms
	elif [[ $command == (allow|revoke) && $words[4] == to && $previous == gsi ]]; then
		compadd any
		_pvictl_gsis $words[5]
	elif [[ $command == (allow|revoke) && $words[4] == to && $previous == bell ]]; then
		_pvictl_bells $words[5]
	elif [[ $command == allow && $words[4] == to && $(( CURRENT % 2 )) -eq 0 ]]; then
		compadd gsi bell flags rate burst owner
	elif [[ $command == revoke && $words[4] == to && CURRENT -eq 6 ]]; then
		compadd gsi bell all
	elif [[ $command == (allow|revoke) && $words[4] != to && CURRENT -eq 5 ]]; then
		compadd any
		_pvictl_gsis $words[3]
	elif [[ $command == (ring|unexpose|kick) && CURRENT -eq 4 || $command == bell && CURRENT -eq 5 ]]; then
		_pvictl_gsis $words[3]
	elif [[ $command == port && CURRENT -eq 5 ]]; then
		_pvictl_gsis $words[4]
	elif [[ $command == (link|unlink) ]]; then
		_pvictl_links
		_pvictl_vms
	elif [[ $command == pipe ]]; then
		_pvictl_links
	else
		_pvictl_vms
	fi
}

_pvictl "$@"
