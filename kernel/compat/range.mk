# SPDX-License-Identifier: GPL-2.0-only
# kvm_pvi - kernels that each module is made for, as VERSION * 1000 + PATCHLEVEL: those that the tests
# run on, and those between; dkms.conf has them too
pvi-first-host := 6001
pvi-last-host := 7003
pvi-first-guest := 6001
pvi-last-guest := 7003

pvi-kernel := $(shell echo $$(($(VERSION) * 1000 + $(PATCHLEVEL))))
pvi-made-for = $(shell [ $(pvi-kernel) -ge $(pvi-first-$(1)) ] && [ $(pvi-kernel) -le $(pvi-last-$(1)) ] && echo y)

ifndef PVI_ANY_KERNEL
$(foreach module,$(PVI_MODULES),$(if $(call pvi-made-for,$(module)),,$(error kvm_pvi: the module for the $(module) \
is not made for kernel $(VERSION).$(PATCHLEVEL), see install.rst; PVI_ANY_KERNEL=1 builds it all the same)))
endif
