#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Things happen to the device and its interfaces while traffic runs. Traffic
# comes back if it can, and the kernel does not mind.

set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

PORT=5000
PORT_BACK=5001
# Of each of the four flows: as much as it goes would leave a slow machine no
# time for what is to happen meanwhile.
RATE=$(by_scale 5M 0)

# Both directions at once, for as long as the case lasts.
start_traffic() {
	local port

	need_command iperf3
	for port in $PORT $PORT_BACK; do
		in_background h iperf3 -s -p "$port"
		wait_for 5 listening "$port"
	done
	in_background g iperf3 -c $HOST_IP -p $PORT -P 2 -b "$RATE" -t 600
	in_background g iperf3 -c $HOST_IP -p $PORT_BACK -P 2 -b "$RATE" -t 600 -R
	wait_for 10 moves rx
	wait_for 10 moves tx
} >/dev/null 2>&1

listening() {
	h ss -Hltn "sport = :$1" | grep -q LISTEN
}

bytes() {
	# shellcheck disable=SC2016 # awk's
	h awk -v name="$HOST:" -v field="$([ "$1" = rx ] && echo 2 || echo 10)" \
		'$1 == name { print $field }' /proc/net/dev
}

# At least so many bytes since the last look.
moves() {
	local before now

	before=$(cat "$CASE_DIR/bytes-$1" 2>/dev/null || echo 0)
	now=$(bytes "$1")
	[ $((now - before)) -ge 200000 ] || return 1
	echo "$now" >"$CASE_DIR/bytes-$1"
}

forget_bytes() {
	bytes rx >"$CASE_DIR/bytes-rx"
	bytes tx >"$CASE_DIR/bytes-tx"
}

# The same connections go on; TCP may be in a long retransmit pause at first.
traffic_returns() {
	wait_for 10 ping_works
	forget_bytes
	wait_for 30 moves rx
	wait_for 30 moves tx
}

begin() {
	add_pair vt0 virtio_vdpa max_vqp 4
	start_traffic
}

host_interface_down_and_up() {
	begin
	for _ in 1 2 3 4 5; do
		h ip link set "$HOST" down
		h ip link set "$HOST" up
	done
	h ip addr add $HOST_IP6/64 dev "$HOST" nodad 2>/dev/null || :
	traffic_returns
	check_no_splat
}

guest_interface_down_and_up() {
	begin
	for _ in 1 2 3; do
		g ip link set "$GUEST" down
		g ip link set "$GUEST" up
	done
	traffic_returns
	check_no_splat
}

# The guest side sees the host side's link go and come.
link_state_reaches_guest() {
	add_pair vt0 virtio_vdpa max_vqp 2
	h ip link set "$HOST" down
	wait_for 5 guest_carrier NO-CARRIER
	h ip link set "$HOST" up
	wait_for 5 guest_carrier LOWER_UP
	ping_works
	check_no_splat
}

guest_carrier() {
	link_is $GUEST_NS "$GUEST" "$1"
}

# Another count of queue pairs, and back, under load.
queue_pairs_change() {
	local count

	begin
	for count in 1 2 4 3 1 4; do
		g ethtool -L "$GUEST" combined $count
	done
	traffic_returns
	check_no_splat
}

rebind() {
	local device

	device=$(basename "$BUS"/devices/vt0/virtio*)
	echo "$device" >/sys/bus/virtio/drivers/virtio_net/unbind
	[ -z "$(guest_netdev vt0)" ] || fail "the guest interface is still there"
	echo "$device" >/sys/bus/virtio/drivers/virtio_net/bind
	guest_returns
}

guest_returns() {
	wait_for 5 guest_netdev vt0
	GUEST=$(guest_netdev vt0)
	move_guest
	wait_for 5 carrier
}

guest_driver_unbind_and_bind() {
	begin
	for _ in 1 2 3; do
		rebind
		ping_works
	done
	traffic_returns
	check_no_splat
}

bus_driver_unbind_and_bind() {
	begin
	for _ in 1 2 3; do
		echo vt0 >$BUS/drivers/virtio_vdpa/unbind
		echo vt0 >$BUS/drivers/virtio_vdpa/bind
		guest_returns
	done
	traffic_returns
	check_no_splat
}

# From virtio_vdpa to vhost_vdpa and back.
other_bus_driver() {
	need_driver vhost_vdpa
	begin
	echo vt0 >$BUS/drivers/virtio_vdpa/unbind
	echo vt0 >$BUS/drivers/vhost_vdpa/bind
	: <>"/dev/$(basename $BUS/devices/vt0/vhost-vdpa-*)"
	echo vt0 >$BUS/drivers/vhost_vdpa/unbind
	echo vt0 >$BUS/drivers/virtio_vdpa/bind
	guest_returns
	traffic_returns
	check_no_splat
}

# The largest rings' worth of frames may be on its way when it goes.
device_deleted() {
	local count

	count=$(by_scale 3 50)
	for _ in $(seq "$count"); do
		begin
		vdpa dev del vt0
		[ ! -e $BUS/devices/vt0 ] || fail "the device is still there"
		! h ip link show "$HOST" 2>/dev/null || fail "the interface is still there"
		check_no_splat
		clean_up
	done
}

# A second device does not notice what happens to the first.
other_device_goes_on() {
	begin
	add_device vt1 virtio_vdpa
	ip link set vt1 up
	for _ in 1 2 3 4 5; do
		vdpa dev del vt1
		add_device vt1 virtio_vdpa max_vqp 2
	done
	forget_bytes
	wait_for 10 moves rx
	wait_for 10 moves tx
	check_no_splat
}

mtu_changes() {
	begin
	for mtu in 1400 576 1500 1280; do
		h ip link set "$HOST" mtu $mtu
		g ip link set "$GUEST" mtu $mtu
	done
	h ip addr add $HOST_IP6/64 dev "$HOST" nodad 2>/dev/null || :
	traffic_returns
	check_no_splat
}

run_cases host_interface_down_and_up guest_interface_down_and_up link_state_reaches_guest \
	queue_pairs_change guest_driver_unbind_and_bind bus_driver_unbind_and_bind \
	other_bus_driver device_deleted other_device_goes_on mtu_changes
