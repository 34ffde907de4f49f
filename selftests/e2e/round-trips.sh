#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --mem 3072 --timeout 600
#
# A guest moves to the other device and back, again and again (3 times, with
# SCALE=soak 10), on one TCP connection and under numbered UDP both ways.

set -euo pipefail
here=$(dirname "$0")
exec python3 "$here/scenarios.py" "$("$here/../guest/build")" round-trips
