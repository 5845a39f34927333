#compdef pvi-ivshmem-server
# SPDX-License-Identifier: GPL-2.0-or-later
# zsh completion of pvi-ivshmem-server: options are those that its --help names.

_gnu_generic
