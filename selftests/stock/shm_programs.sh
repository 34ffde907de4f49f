#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Programs that are about something else, on devices of shared-memory mode:
# there a queue may start, and a frame may be served, only after a wait. All of
# them with SCALE=soak.

set -uo pipefail

HERE=$(cd "$(dirname "$0")" && pwd -P)
status=0

export VDPA_MGMTDEV=vdpasw_net_shm
programs=(vdpa_suspend)
[ "${SCALE:-}" != soak ] || programs+=(vdpa_group vdpa_reset vdpa_hostile)
for program in "${programs[@]}"; do
	echo "# $program with $VDPA_MGMTDEV"
	"$HERE/$program" || status=1
done
exit $status
