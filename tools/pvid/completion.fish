# SPDX-License-Identifier: GPL-2.0-or-later
# fish completion of pvid: options are those that its --help names.

function __pvid_words
	set -l words (commandline -opc)

	switch $words[-1]
		case --config --run --dir -c -r -d
			__fish_complete_directories (commandline -ct)
			return
	end
	pvid --help | grep -o -E -e '--[a-z-]+' | sort -u
end

complete -c pvid -f -a '(__pvid_words)'
