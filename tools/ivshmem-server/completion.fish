# SPDX-License-Identifier: GPL-2.0-or-later
# fish completion of pvi-ivshmem-server: options are those that its --help names.

function __pvi_ivshmem_server_words
	set -l words (commandline -opc)

	switch $words[-1]
		case --socket -s --config -c
			__fish_complete_path (commandline -ct)
			return
		case --allow -a --peer -p
			pvictl list --noheadings 2>/dev/null | cut -d ' ' -f 1
			return
	end
	pvi-ivshmem-server --help | grep -o -E -e '--[a-z-]+' | sort -u
end

complete -c pvi-ivshmem-server -f -a '(__pvi_ivshmem_server_words)'
