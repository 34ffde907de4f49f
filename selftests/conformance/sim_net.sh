#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The conformance suite on vdpa_sim_net, built from Debian's kernel source: it
# sends back what it is given.

set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
MGMTDEV=vdpasim_net

# The lab has built it; other hosts may have it installed.
load() {
	local name dir=${REPO_ROOT:-/none}/out/build/sim-${VM_KERNEL:-}/modules

	[ ! -e /sys/devices/$MGMTDEV ] || return 0
	if [ ! -e "$dir/vdpa_sim_net.ko" ]; then
		modprobe vdpa_sim_net 2>/dev/null
		return
	fi
	modprobe -a vdpa vhost_iotlb
	for name in vringh vdpa_sim vdpa_sim_net; do
		insmod "$dir/$name.ko"
	done
}

load || skip "vdpa_sim_net is not there"
add_device $DEVICE vhost_vdpa mac 52:54:00:00:00:01
suite --loopback --expect "$CONF_DIR/sim_net.expect"
