#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The conformance suite on vdpa_sw_net: everything as a device comes, then what
# has to be asked for.

set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

# What no device has by default, and its bits.
declare -A FULL=([RING_INDIRECT_DESC]=28 [RING_PACKED]=34)

add() {
	add_device $DEVICE vhost_vdpa max_vqp 4 "$@"
	ip link set $DEVICE up
}

default_features() {
	suite --filter open.identity | sed -n 's/^# features \(0x[0-9a-f]*\),.*/\1/p'
}

# Those of the default, and what else the parent has.
full_features() {
	local features name

	features=$(default_features)
	for name in "${!FULL[@]}"; do
		if vdpa mgmtdev show "$MGMTDEV" | grep -w "$name" >/dev/null; then
			features=$((features | 1 << FULL[$name]))
		fi
	done
	printf '0x%x' "$features"
}

need_device
add
suite --peer $DEVICE --expect "$CONF_DIR/sw_net.expect"
features=$(full_features)
vdpa dev del $DEVICE
add device_features "$features"
suite --peer $DEVICE --filter '@(*indirect*|*.packed)' \
	--expect "$CONF_DIR/sw_net_full.expect"
