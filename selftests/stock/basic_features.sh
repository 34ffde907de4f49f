#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The kernel's own test of virtio-net features, from its source tree, on two
# virtio_vdpa interfaces that a bridge connects. It turns features off through
# debugfs, which needs a kernel with VIRTIO_DEBUG.

set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

source_tree() {
	if [ -n "${LINUX_SOURCE:-}" ]; then
		echo "$LINUX_SOURCE"
	elif [ -n "${LAB_DIR:-}" ]; then
		"$LAB_DIR/kernel" path stock source
	fi
}

add_bridged() {
	add_device "$1" virtio_vdpa
	wait_for 5 guest_netdev "$1"
	ip link set "$1" master vtbr0
	ip link set "$1" up
}

# Its results, a line each, are what it prints; its status counts them.
kernel_basic_features() {
	local dir

	need_device
	need_driver virtio_vdpa
	[ -e /sys/kernel/debug/virtio ] || skip "this kernel has no VIRTIO_DEBUG"
	dir=$(source_tree)/tools/testing/selftests/drivers/net/virtio_net
	[ -e "$dir/basic_features.sh" ] || skip "no kernel source, set LINUX_SOURCE"
	ip link add vtbr0 type bridge
	ip link set vtbr0 up
	add_bridged vt0
	add_bridged vt1
	cd "$dir"
	./basic_features.sh "$(guest_netdev vt0)" "$(guest_netdev vt1)" | tee "$CASE_DIR/said"
	check_eq "results" 2 "$(grep -c 'TEST: .*\[ OK \]' "$CASE_DIR/said")"
	check_no_splat
}

run_cases kernel_basic_features
