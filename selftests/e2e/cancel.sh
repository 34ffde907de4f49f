#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --mem 3072 --timeout 300
#
# A cancelled migration and one whose destination dies leave the guest at the
# source, with its traffic; the next one succeeds.

set -euo pipefail
here=$(dirname "$0")
exec python3 "$here/scenarios.py" "$("$here/../guest/build")" cancel
