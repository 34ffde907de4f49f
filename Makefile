# SPDX-License-Identifier: GPL-2.0-only
#
#	make			build the kernel modules for the running kernel
#	make KDIR=DIR		the same for another kernel's headers
#	make install		install them and what modprobe has to know
#				(DESTDIR=DIR: below DIR)
#	make clean
#
#	make demo		a live migration in the lab VM, with its figures
#	make test		all tests, counts scaled for every change
#	make soak		all tests with their full counts
#	make bench		throughput beside vhost-net (BENCH=NAME: only that)
#
#	make check-host | check-stock | check-newer | check-e2e | check-debug
#				one lane of the tests
#
# demo, test, soak, bench and check-* load nothing into this host's kernel; they
# install what they need and say so first. V=1 shows the commands.

KDIR ?= /lib/modules/$(shell uname -r)/build
BENCH ?= all

ifeq ($(V),1)
KBUILD_FLAGS := V=1
else
MAKEFLAGS += --no-print-directory
KBUILD_FLAGS := -s
Q := @
endif
export V

KBUILD = $(MAKE) $(KBUILD_FLAGS) -C $(KDIR) M=$(CURDIR)

all: modules

modules: kdir
	$(Q)+$(KBUILD) modules

# Headers packages have no System.map, without which Kbuild refuses to run
# depmod, and no key to sign with. With DESTDIR the target has yet to run depmod.
MODPROBE_CONF := drivers/vdpa/sw_net/vdpa_sw_net.conf

install: modules
	$(Q)install -D -m 644 -t $(DESTDIR)/usr/lib/modprobe.d $(MODPROBE_CONF)
	$(Q)+$(KBUILD) cmd_depmod=: INSTALL_MOD_DIR=updates \
		$(if $(wildcard $(KDIR)/certs/signing_key.pem),,CONFIG_MODULE_SIG_ALL=) \
		$(if $(DESTDIR),INSTALL_MOD_PATH=$(abspath $(DESTDIR))) modules_install
	$(Q)$(if $(DESTDIR),:,depmod -a $$(cat $(KDIR)/include/config/kernel.release))

kdir:
	@[ -e $(KDIR)/Makefile ] || { \
		echo "No kernel headers in $(KDIR). Install them (Debian: apt" \
			"install linux-headers-$$(uname -r)), name others with" \
			"KDIR=DIR, or try everything in a VM: make demo"; \
		exit 1; } >&2

clean:
	$(Q)[ ! -e $(KDIR)/Makefile ] || $(KBUILD) clean
	$(Q)rm -rf out

demo:
	$(Q)selftests/demo/run

test:
	$(Q)SCALE=test selftests/run

soak:
	$(Q)SCALE=soak selftests/run

bench:
	$(Q)selftests/bench/run $(BENCH)

check-%:
	$(Q)selftests/run $*

.PHONY: all modules install kdir clean demo test soak bench
