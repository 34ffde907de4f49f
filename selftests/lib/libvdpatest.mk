# SPDX-License-Identifier: GPL-2.0-only
#
# To be included by a test directory's Makefile after the kernel's lib.mk:
# builds the C library once per OUTPUT and links it into the C programs.

VDPATEST_DIR := $(patsubst %/,%,$(dir $(lastword $(MAKEFILE_LIST))))
VDPATEST_SRCS := $(wildcard $(VDPATEST_DIR)/*.c)
VDPATEST_HDRS := $(wildcard $(VDPATEST_DIR)/*.h)
VDPATEST_OBJS := $(patsubst $(VDPATEST_DIR)/%.c,$(OUTPUT)/lib/%.o,$(VDPATEST_SRCS))

$(OUTPUT)/lib/%.o: $(VDPATEST_DIR)/%.c $(VDPATEST_HDRS)
	@mkdir -p $(@D)
	$(call msg,CC,,$@)
	$(Q)$(CC) $(CFLAGS) -c $< -o $@

VDPATEST_PROGS := $(TEST_GEN_PROGS) $(TEST_GEN_PROGS_EXTENDED)

$(VDPATEST_PROGS): $(VDPATEST_OBJS)

EXTRA_CLEAN += $(OUTPUT)/lib
