#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Wrong values when a device is added: each is refused with an error number and
# a reason, and leaves nothing behind. What the vDPA core refuses itself never
# reaches the driver: then iproute2 has the reason, if there is one. What the
# driver refuses is one line in the log.

set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

# The default features of one queue pair, to take bits from or add them.
FEATURES=$((0x80000003209fbbaf))
MQ=$((1 << 22))

# refuse_add ERROR LINES REASON NAME WORD...: LINES of the log must be there,
# and match REASON.
refuse_add() {
	local error=$1 lines=$2 reason=$3

	shift 3
	need_device
	log_mark
	ls $BUS/devices /sys/class/net >"$CASE_DIR/before"
	refuse vdpa dev add name "$1" mgmtdev "$MGMTDEV" "${@:2}"
	grep -qi "$error" "$CASE_DIR/said" || fail "no '$error'"
	log_since | grep "^vdpa_sw_net: " >"$CASE_DIR/lines" || :
	sed 's/^/#   /' "$CASE_DIR/lines"
	check_eq "lines in the log" "$lines" "$(wc -l <"$CASE_DIR/lines")"
	[ "$lines" -eq 0 ] || grep -Eq "$reason" "$CASE_DIR/lines" || fail "no '$reason'"
	check_eq "devices and interfaces" "$(cat "$CASE_DIR/before")" "$(ls $BUS/devices /sys/class/net)"
	check_no_splat
}

features() {
	printf '0x%x' "$1"
}

INVALID="Invalid argument"

name_of_16() {
	refuse_add "$INVALID" 1 "name must" vt34567890123456
}

name_of_15_is_fine() {
	need_device
	add_device vt3456789012345 none
	[ -e /sys/class/net/vt3456789012345 ]
}

name_with_percent() {
	refuse_add "$INVALID" 1 "name must" vt%d
}

name_with_slash() {
	refuse_add "$INVALID" 1 "name must" vt/0
}

name_with_blank() {
	refuse_add "$INVALID" 1 "name must" "vt 0"
}

name_with_tab() {
	refuse_add "$INVALID" 1 "name must" $'vt\t0'
}

name_with_colon() {
	refuse_add "$INVALID" 1 "name must" vt:0
}

name_dot() {
	refuse_add "$INVALID" 1 "name must" .
}

name_dot_dot() {
	refuse_add "$INVALID" 1 "name must" ..
}

name_empty() {
	refuse_add "$INVALID" 1 "name must" ""
}

vdpa_name_is_taken() {
	need_device
	add_device vt0 none
	refuse_add "File exists" 1 "taken" vt0
	[ -e $BUS/devices/vt0 ] || fail "the first one is gone"
}

# The core's policy: never seen by the driver.
max_vqp_0() {
	refuse_add "$INVALID" 0 "" vt0 max_vqp 0
}

max_vqp_129() {
	refuse_add "$INVALID" 1 "max_vqp must be 1 to 128" vt0 max_vqp 129
}

max_vqp_65535() {
	refuse_add "$INVALID" 1 "max_vqp must be 1 to 128" vt0 max_vqp 65535
}

mtu_67() {
	refuse_add "out of range" 0 "" vt0 mtu 67
}

mtu_65535() {
	refuse_add "$INVALID" 1 "mtu must be" vt0 mtu 65535
}

mac_multicast() {
	refuse_add "$INVALID" 1 "MAC address must" vt0 mac 01:00:5e:00:00:01
}

mac_zero() {
	refuse_add "$INVALID" 1 "MAC address must" vt0 mac 00:00:00:00:00:00
}

# Bit 10, UFO, which nobody sends any more.
feature_not_supported() {
	refuse_add "$INVALID" 1 "not supported" vt0 device_features "$(features $((FEATURES | 1 << 10)))"
}

# Bits 36 and 40, platform ordering and queue reset: not implemented, so not offered.
transport_feature_not_supported() {
	refuse_add "$INVALID" 1 "not supported" vt0 device_features "$(features $((FEATURES | 1 << 36)))"
	refuse_add "$INVALID" 1 "not supported" vt0 device_features "$(features $((FEATURES | 1 << 40)))"
}

version_1_is_missing() {
	refuse_add "$INVALID" 1 "must have VERSION_1" vt0 device_features "$(features $((FEATURES & ~(1 << 32))))"
}

access_platform_is_missing() {
	refuse_add "$INVALID" 1 "must have .*ACCESS_PLATFORM" vt0 \
		device_features "$(features $((FEATURES & ~(1 << 33))))"
}

tso_without_csum() {
	refuse_add "$INVALID" 1 "HOST_TSO4 needs CSUM" vt0 device_features "$(features $((FEATURES & ~1)))"
}

# HOST_USO, and GUEST_USO4 with GUEST_USO6.
uso_without_csum() {
	refuse_add "$INVALID" 1 "HOST_USO needs CSUM" vt0 \
		device_features "$(features $(((FEATURES & ~(1 << 0 | 7 << 11)) | 1 << 56)))"
	refuse_add "$INVALID" 1 "GUEST_USO4 needs GUEST_CSUM" vt0 \
		device_features "$(features $(((FEATURES & ~(1 << 1 | 7 << 7)) | 3 << 54)))"
}

ctrl_mac_without_ctrl_vq() {
	refuse_add "$INVALID" 1 "CTRL_MAC_ADDR needs CTRL_VQ" vt0 \
		device_features "$(features $((FEATURES & ~(1 << 17))))"
}

mq_without_ctrl_vq() {
	refuse_add "$INVALID" 1 "MQ needs CTRL_VQ" vt0 max_vqp 2 \
		device_features "$(features $(((FEATURES | MQ) & ~(1 << 17 | 1 << 23))))"
}

others_without_ctrl_vq() {
	local plain=0x300018028 # VERSION_1 ACCESS_PLATFORM MAC MTU STATUS MRG_RXBUF

	refuse_add "$INVALID" 1 "CTRL_RX needs CTRL_VQ" vt0 \
		device_features "$(features $((plain | 1 << 18)))"
	refuse_add "$INVALID" 1 "RSS needs CTRL_VQ" vt0 \
		device_features "$(features $((plain | 1 << 60)))"
}

# The core compares with what else is asked for.
pairs_without_mq() {
	refuse_add "$INVALID" 0 "" vt0 max_vqp 2 device_features "$(features $FEATURES)"
}

no_features() {
	refuse_add "$INVALID" 1 "must have VERSION_1" vt0 device_features 0x0
}

run_cases name_of_16 name_of_15_is_fine name_with_percent name_with_slash name_with_blank \
	name_with_tab name_with_colon name_dot name_dot_dot name_empty vdpa_name_is_taken \
	max_vqp_0 max_vqp_129 max_vqp_65535 mtu_67 mtu_65535 mac_multicast mac_zero \
	feature_not_supported transport_feature_not_supported version_1_is_missing \
	access_platform_is_missing tso_without_csum uso_without_csum ctrl_mac_without_ctrl_vq \
	mq_without_ctrl_vq others_without_ctrl_vq pairs_without_mq no_features
