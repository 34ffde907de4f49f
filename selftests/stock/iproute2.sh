#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What an administrator sees through iproute2's vdpa tool, as text and as JSON.

set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

MAC=52:54:00:00:00:01

# json FILTER WORD...: of `vdpa -j WORD...`; the whole output must be JSON.
json() {
	local filter=$1

	shift
	vdpa -j "$@" >"$CASE_DIR/json"
	jq -er "$filter" "$CASE_DIR/json"
}

begin() {
	need_device
	need_command jq
	need_driver vhost_vdpa
}

# Some keys end in a blank ("link "): iproute2's, not ours.
config() {
	json ".config.$1 | to_entries[] | select(.key | rtrimstr(\" \") == \"$2\") | .value | tostring" \
		dev config show "$1"
}

mgmtdev_show() {
	local all

	begin
	check_eq "class" net "$(json ".mgmtdev.$MGMTDEV.supported_classes[]" mgmtdev show "$MGMTDEV")"
	check_eq "queues" 257 "$(json ".mgmtdev.$MGMTDEV.max_supported_vqs" mgmtdev show "$MGMTDEV")"
	all=$(json ".mgmtdev.$MGMTDEV.dev_features | sort | join(\" \")" mgmtdev show "$MGMTDEV")
	echo "# features: $all"
	for name in ACCESS_PLATFORM CSUM CTRL_GUEST_OFFLOADS CTRL_MAC_ADDR CTRL_RX CTRL_RX_EXTRA CTRL_VLAN \
		CTRL_VQ GUEST_ANNOUNCE GUEST_CSUM GUEST_ECN GUEST_TSO4 GUEST_TSO6 HASH_REPORT HOST_ECN \
		HOST_TSO4 HOST_TSO6 MAC MQ MRG_RXBUF MTU RING_EVENT_IDX RING_INDIRECT_DESC \
		RING_PACKED IN_ORDER RSS SPEED_DUPLEX STATUS VERSION_1; do
		[[ " $all " == *" $name "* ]] || fail "no $name"
	done
	vdpa mgmtdev show "$MGMTDEV" | tee "$CASE_DIR/text"
	grep -q "^$MGMTDEV:" "$CASE_DIR/text"
	grep -q "supported_classes net" "$CASE_DIR/text"
	grep -q "max_supported_vqs 257" "$CASE_DIR/text"
}

dev_show() {
	begin
	add_device vt0 vhost_vdpa mac $MAC max_vqp 4
	check_eq "type" network "$(json .dev.vt0.type dev show vt0)"
	check_eq "parent" "$MGMTDEV" "$(json .dev.vt0.mgmtdev dev show vt0)"
	check_eq "queues" 9 "$(json .dev.vt0.max_vqs dev show vt0)"
	check_eq "ring size" 1024 "$(json .dev.vt0.max_vq_size dev show vt0)"
	check_eq "vendor" 0 "$(json .dev.vt0.vendor_id dev show vt0)"
	check_eq "text" "vt0: type network mgmtdev $MGMTDEV vendor_id 0 max_vqs 9 max_vq_size 1024" \
		"$(vdpa dev show vt0 | tr -s ' \n' ' ' | sed 's/ $//')"
}

config_show() {
	begin
	add_device vt0 vhost_vdpa mac $MAC mtu 4000 max_vqp 4
	ip link set vt0 up
	wait_for 2 config_link_is up
	check_eq "MAC" $MAC "$(config vt0 mac)"
	check_eq "MTU" 4000 "$(config vt0 mtu)"
	check_eq "pairs" 4 "$(config vt0 max_vq_pairs)"
	vdpa dev config show vt0 | tee "$CASE_DIR/text"
	grep -q "mac $MAC" "$CASE_DIR/text"
	grep -q "link up" "$CASE_DIR/text"
	grep -q "mtu 4000" "$CASE_DIR/text"
	grep -q "max_vq_pairs 4" "$CASE_DIR/text"
	ip link set vt0 down
	wait_for 2 config_link_is down
}

config_link_is() {
	[ "$(config vt0 link)" = "$1" ]
}

# Without an address of its own each device gets another, a valid one.
mac_is_random() {
	local first second

	begin
	add_device vt0 vhost_vdpa
	add_device vt1 vhost_vdpa
	first=$(config vt0 mac)
	second=$(config vt1 mac)
	[ "$first" != "$second" ] || fail "both are $first"
	((0x${first%%:*} & 1)) && fail "$first is a multicast address"
	[ "$first" != 00:00:00:00:00:00 ]
}

set_mac() {
	begin
	add_device vt0 vhost_vdpa mac $MAC
	vdpa dev set name vt0 mac 52:54:00:00:00:77
	check_eq "MAC" 52:54:00:00:00:77 "$(config vt0 mac)"
	refuse vdpa dev set name vt0 mac 01:00:5e:00:00:01
	refuse vdpa dev set name vt0 mac 00:00:00:00:00:00
	check_eq "MAC" 52:54:00:00:00:77 "$(config vt0 mac)"
}

# The set asked for is the set offered, and the interface goes with the device.
provisioned_features() {
	local features

	begin
	# VERSION_1 ACCESS_PLATFORM MAC MTU STATUS MRG_RXBUF
	features=0x300018028
	add_device vt0 virtio_vdpa device_features $features
	wait_for 5 guest_netdev vt0
	check_eq "negotiated" "ACCESS_PLATFORM MAC MRG_RXBUF MTU STATUS VERSION_1" \
		"$(json '.config.vt0.negotiated_features | sort | join(" ")' dev config show vt0)"
	check_eq "queues" 2 "$(json .dev.vt0.max_vqs dev show vt0)"
}

negotiated_features() {
	begin
	need_driver virtio_vdpa
	add_device vt0 virtio_vdpa max_vqp 2
	wait_for 5 guest_netdev vt0
	vdpa dev config show vt0 | tee "$CASE_DIR/text"
	grep -q negotiated_features "$CASE_DIR/text"
	check_eq "MQ is negotiated" true \
		"$(json '.config.vt0.negotiated_features | index("MQ") != null' dev config show vt0)"
}

vstats() {
	begin
	add_pair vt0 virtio_vdpa max_vqp 2
	ping_works
	check_eq "type of queue 0" rx "$(json .vstats.vt0.queue_type dev vstats show vt0 qidx 0)"
	check_eq "type of queue 1" tx "$(json .vstats.vt0.queue_type dev vstats show vt0 qidx 1)"
	check_eq "type of queue 4" control_vq "$(json .vstats.vt0.queue_type dev vstats show vt0 qidx 4)"
	vdpa dev vstats show vt0 qidx 0
	[ $(($(vstat 0 packets) + $(vstat 2 packets))) -ge 6 ] || fail "received frames are missing"
	[ $(($(vstat 1 packets) + $(vstat 3 packets))) -ge 6 ] || fail "sent frames are missing"
	vdpa dev vstats show vt0 qidx 1 | grep -Eq 'packets [0-9]+'
	refuse vdpa dev vstats show vt0 qidx 5
	refuse vdpa dev vstats show vt0 qidx 30000
}

vstat() {
	json ".vstats.vt0.$2" dev vstats show vt0 qidx "$1"
}

del_removes_everything() {
	begin
	add_device vt0 vhost_vdpa max_vqp 4
	[ -e /sys/class/net/vt0 ]
	vdpa dev del vt0
	[ ! -e /sys/class/net/vt0 ] || fail "the interface is still there"
	[ ! -e $BUS/devices/vt0 ] || fail "the device is still there"
	refuse vdpa dev del vt0
	add_device vt0 vhost_vdpa
}

# 128 pairs: the most there can be. (For vhost_vdpa the kernel allocates its
# queues in one piece, and warns from about 110 pairs on.)
most_queues() {
	begin
	add_device vt0 none max_vqp 128
	check_eq "queues" 257 "$(json .dev.vt0.max_vqs dev show vt0)"
	check_eq "host queues" 128 "$(find /sys/class/net/vt0/queues -name 'tx-*' | wc -l)"
}

interface_name_is_taken() {
	begin
	log_mark
	ip link add vt0 type dummy
	add_device vt0 vhost_vdpa
	log_since | tee "$CASE_DIR/log-lines"
	check_eq "lines" 1 "$(grep -c 'vt0.*is taken' "$CASE_DIR/log-lines")"
	ip link del vt0
	[ -e /sys/class/net/vt0-0 ] || fail "no vt0-0"
	vdpa dev del vt0
	[ ! -e /sys/class/net/vt0-0 ]
}

run_cases mgmtdev_show dev_show config_show mac_is_random set_mac provisioned_features \
	negotiated_features vstats del_removes_everything most_queues interface_name_is_taken
