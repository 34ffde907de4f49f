#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The conformance suite on VDUSE, with a device of the suite's own behind it.

set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
MGMTDEV=vduse

ready() {
	grep -q ready "$CASE_DIR/vduse"
}

modprobe vduse 2>/dev/null || skip "vduse is not there"
in_background "$CONF_DIR/vduse" $DEVICE >"$CASE_DIR/vduse"
wait_for 5 ready
add_device $DEVICE vhost_vdpa
suite --loopback --expect "$CONF_DIR/vduse.expect"
vdpa dev del $DEVICE
kill "$BACKGROUND"
wait "$BACKGROUND"
