# SPDX-License-Identifier: GPL-2.0-or-later
# fish completion of pvi-exporter: options are those that its --help names.

function __pvi_exporter_words
	set -l words (commandline -opc)

	switch $words[-1]
		case --edges -e
			return
		case --run -r
			__fish_complete_directories (commandline -ct)
			return
		case --user -u
			__fish_complete_users
			return
	end
	pvi-exporter --help | grep -o -E -e '--[a-z-]+' | sort -u
end

complete -c pvi-exporter -f -a '(__pvi_exporter_words)'
