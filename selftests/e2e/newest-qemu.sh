#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --mem 3072 --timeout 900
#
# As multiqueue.sh, by the newest QEMU that Debian has: two devices in one guest
# whose memory is shared.

set -euo pipefail
here=$(dirname "$0")
E2E_QEMU=$("$here/../lab/kernel" path stock qemu-backports)
export E2E_QEMU
machines=('{"pairs": 2, "nics": 2, "shared": true}')
[ "${SCALE:-test}" != soak ] || machines+=('{"pairs": 1}' '{"pairs": 8}'
	'{"pairs": 2}' '{"pairs": 2, "mq": false}')
exec python3 "$here/scenarios.py" "$("$here/../guest/build")" multiqueue "${machines[@]}"
