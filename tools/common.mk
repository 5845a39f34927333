# SPDX-License-Identifier: GPL-2.0
#
# Included by the Makefiles of tools/: how to build, and where things go.

TOOLS := $(abspath $(dir $(lastword $(MAKEFILE_LIST))))
OUTPUT ?= $(abspath $(TOOLS)/../build/tools)
export OUTPUT

VERSION := $(file <$(TOOLS)/../VERSION)

PREFIX ?= /usr
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
SBINDIR ?= $(PREFIX)/sbin
MANDIR ?= $(PREFIX)/share/man
DOCDIR ?= $(PREFIX)/share/doc/kvm-pvi
DATADIR ?= $(PREFIX)/share/kvm-pvi
COMPLETIONDIR ?= $(PREFIX)/share/bash-completion/completions
ZSHDIR ?= $(PREFIX)/share/zsh/vendor-completions
FISHDIR ?= $(PREFIX)/share/fish/vendor_completions.d
UDEVDIR ?= $(PREFIX)/lib/udev/rules.d
MODULESLOADDIR ?= $(PREFIX)/lib/modules-load.d
UNITDIR ?= $(PREFIX)/lib/systemd/system
export PREFIX LIBDIR INCLUDEDIR SBINDIR MANDIR

INSTALL ?= install
PKG_CONFIG ?= pkg-config
CFLAGS ?= -O2 -g

# Not left to CFLAGS, which the user may set.
ALL_CFLAGS = -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror -MMD -MP \
	-I$(TOOLS)/../include/uapi -I$(TOOLS)/libpvi $(CPPFLAGS) $(CFLAGS)

$(OUTPUT)/%.o: $(TOOLS)/%.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -c -o $@ $<

# $(call need,PROGRAM,PACKAGE...): a line that says what is missing. The check costs
# something, so it is made once, when the program is linked.
need = @for lib in $(2); do \
	$(PKG_CONFIG) --exists $$lib || { \
		echo "$(1) needs $$lib: install its development package" \
			"(Debian: apt-get install pkg-config libsmartcols-dev uuid-dev libsystemd-dev libudev-dev libinih-dev libmicrohttpd-dev)" >&2; \
		exit 1; }; \
	done
