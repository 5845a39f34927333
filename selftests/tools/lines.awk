# SPDX-License-Identifier: GPL-2.0
#
# The lines by which the README comes from a policy to a ping, "WHOSE# LINE" each: six at most
/^<!-- ping -->$/ { on = 1 }
/^<!-- \/ping -->$/ { on = 0 }
on && /^(host|web|db)# / { print; n++ }
END { exit n < 1 || n > 6 }
