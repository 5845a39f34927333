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

# What VM $argv[1] exposes, as numbers
function __pvictl_gsis
	pvictl show --json $argv[1] 2>/dev/null | sed -n '/"gsis": *\[/,/\]/s/.*"gsi": *\([0-9]\{1,\}\).*/\1/p'
end

function __pvictl_bells
	pvictl show --json $argv[1] 2>/dev/null | sed -n '/"gsis": *\[/,/\]/s/.*"bell": *\([0-9]\{1,\}\).*/\1/p'
end

# By what the policy calls them, and by their UUIDs
function __pvictl_links
	pvictl list --json 2>/dev/null | sed -n 's/.*"link\(_name\)\{0,1\}": *"\([A-Za-z0-9_.-]*\)".*/\2/p'
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
		case --kind
			printf '%s\n' net vsock raw
			return
		case --sort
			printf '%s\n' rings denied throttled
			return
		case --for --from --allow --self
			__pvictl_vms
			return
	end
	if string match -q -- '-*' (commandline -ct)
		pvictl $words[2] --help | grep -o -E -e '--[a-z-]+'
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
			else if test $at -ge 4; and test $words[4] = to
				switch $words[-1]
					case gsi
						echo any
						__pvictl_gsis $words[5]
						return
					case bell
						__pvictl_bells $words[5]
						return
				end
				if test $at -eq 5; and test $words[2] = revoke
					printf '%s\n' gsi bell all
					return
				else if test $at -ge 5; and test (math $at % 2) -eq 1
					printf '%s\n' gsi bell flags rate burst owner
					return
				end
			else if test $at -eq 4
				echo any
				__pvictl_gsis $words[3]
				return
			end
		case ring unexpose kick
			if test $at -eq 3
				__pvictl_gsis $words[3]
				return
			end
		case bell
			if test $at -eq 4
				__pvictl_gsis $words[3]
				return
			end
		case port
			if test $at -eq 4
				__pvictl_gsis $words[4]
				return
			end
		case link unlink
			__pvictl_links
		case pipe
			__pvictl_links
			return
	end
	__pvictl_vms
end

complete -c pvictl -f
complete -c pvictl -n 'test (count (commandline -opc)) -eq 1' -a '(__pvictl_commands)'
complete -c pvictl -n 'test (count (commandline -opc)) -gt 1' -a '(__pvictl_words)'
