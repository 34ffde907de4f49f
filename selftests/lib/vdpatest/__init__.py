# SPDX-License-Identifier: GPL-2.0-only
"""What the demo and the e2e tests share: topology, QEMU, traffic, time lines."""
