#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --mem 3072 --timeout 900
#
# A guest with several queue pairs moves to the other device, with a MAC address
# of its own choice, and back, by Debian 13's QEMU: Debian 12's forgets the rings
# of all pairs but the first.

set -euo pipefail
here=$(dirname "$0")
E2E_QEMU=$("$here/../lab/kernel" path stock qemu-trixie)
export E2E_QEMU
machines=('{"pairs": 2}')
[ "${SCALE:-test}" != soak ] || machines+=('{"pairs": 1}' '{"pairs": 8}'
	'{"pairs": 2, "shared": true}' '{"pairs": 2, "mq": false}' '{"pairs": 2, "nics": 2}')
exec python3 "$here/scenarios.py" "$("$here/../guest/build")" multiqueue "${machines[@]}"
