# SPDX-License-Identifier: GPL-2.0-or-later
# fish completion of pvictl. Commands and options are those that pvictl --help names.

function __pvictl_commands
	pvictl --help | sed -n 's/^  \([a-z-]\{1,\}\) \{1,\}\(.*\)/\1\t\2/p'
end

function __pvictl_vms
	pvictl list --noheadings 2>/dev/null | awk '
		NF { print $1 }
		$2 ~ /^[A-Za-z0-9_][A-Za-z0-9_.:-]*$/ && $2 !~ /^(bound|frozen|dead)$/ { print $2 }'
end

function __pvictl_words
	set -l words (commandline -opc)
	set -l at (count $words)

	switch $words[-1]
		case --pid-file --dir
			__fish_complete_path (commandline -ct)
			return
		case --pid
			__fish_complete_pids
			return
		case owner --owner
			__fish_complete_users
			return
	end
	switch $words[2]
		case save restore
			if test $at -eq 3
				__fish_complete_path (commandline -ct)
				return
			end
		case allow revoke
			if test $at -eq 3
				echo to
			else if test $at -ge 5; and test $words[4] = to; and test (math $at % 2) -eq 1
				string split ' ' 'gsi bell flags rate burst owner all'
				return
			end
	end
	if string match -q -- '-*' (commandline -ct)
		pvictl $words[2] --help | grep -o -E -e '--[a-z-]+'
		return
	end
	echo any
	__pvictl_vms
end

complete -c pvictl -f
complete -c pvictl -n 'test (count (commandline -opc)) -eq 1' -a '(__pvictl_commands)'
complete -c pvictl -n 'test (count (commandline -opc)) -gt 1' -a '(__pvictl_words)'
