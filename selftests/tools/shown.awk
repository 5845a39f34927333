# SPDX-License-Identifier: GPL-2.0
#
# The policy for web and db that a page shows, though it may show it in pieces, each section once
{ sub(/^ +/, "") }
/^\[(vm web|link wire)\]$/ && !seen[$0] { on = 1 }
on && /^(\[[a-z]+ [a-z-]+\]|[a-z]+ = .+)$/ { seen[$0] = 1; print; next }
{ on = 0 }
