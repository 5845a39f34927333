#compdef pvid
# SPDX-License-Identifier: GPL-2.0-or-later
# zsh completion of pvid: options are those that its --help names.

_gnu_generic
