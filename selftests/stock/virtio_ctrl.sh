#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Control commands as the kernel's own virtio-net driver sends them: what an
# administrator sets in the guest with ip and ethtool is what the device does.

set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

FOREIGN=192.0.2.77	# somebody else, whose MAC address the host knows
GROUP=239.1.2.3
TAGGED=198.51.100.1
FRAMES=10
# The default features of several queue pairs, and what some cases add.
FEATURES=0x8000000320dfbbaf
RSS=$((1 << 60 | 1 << 57))
COALESCE=$((1 << 53 | 1 << 52))

add_filtered_pair() {
	add_pair vt0 virtio_vdpa max_vqp 2
	h ip neigh add $FOREIGN lladdr 52:54:00:00:00:77 dev "$HOST" nud permanent
	h ip route add $GROUP dev "$HOST"
	ping_works
}

# counted NAME: by the receive queues of the guest together.
counted() {
	h ethtool -S "$HOST" | awk -v name="_$1:" '/^ *tx_queue_/ && index($1, name) { sum += $2 }
		END { print sum }'
}

# Datagrams to an address, which nobody has to answer; all are to be counted as
# NAME. Other frames are fewer than these.
send_counted() {
	local before

	before=$(counted "$1")
	h bash -c "for i in \$(seq $FRAMES); do echo >/dev/udp/$2/9 || exit; done"
	[ $(($(counted "$1") - before)) -ge $FRAMES ]
}

# passes ADDRESS: the guest gets what is sent there.
passes() {
	send_counted packets "$1"
}

stays_out() {
	send_counted drops_filter "$1"
}

promiscuous() {
	add_filtered_pair
	wait_for 10 stays_out $FOREIGN
	g ip link set "$GUEST" promisc on
	wait_for 10 passes $FOREIGN
	g ip link set "$GUEST" promisc off
	wait_for 10 stays_out $FOREIGN
	ping_works
}

multicast() {
	add_filtered_pair
	wait_for 10 stays_out $GROUP
	g ip link set "$GUEST" allmulticast on
	wait_for 10 passes $GROUP
	g ip link set "$GUEST" allmulticast off
	wait_for 10 stays_out $GROUP
	g ip maddr add 01:00:5e:01:02:03 dev "$GUEST"
	wait_for 10 passes $GROUP
	g ip maddr del 01:00:5e:01:02:03 dev "$GUEST"
	wait_for 10 stays_out $GROUP
	stays_out $FOREIGN
}

# More addresses than the device keeps: still all of them arrive.
many_addresses() {
	add_filtered_pair
	printf "maddr add 01:00:5e:02:00:%02x dev $GUEST\n" {1..100} | g ip -batch -
	g ip maddr add 01:00:5e:01:02:03 dev "$GUEST"
	wait_for 10 passes $GROUP
	stays_out $FOREIGN
}

# An upper device with an address of its own.
second_address() {
	add_filtered_pair
	wait_for 10 stays_out $FOREIGN
	g ip link add link "$GUEST" name mac0 address 52:54:00:00:00:77 type macvlan mode bridge
	g ip link set mac0 up
	g ip addr add $FOREIGN/24 dev mac0
	wait_for 10 passes $FOREIGN
	h ping -q -c 3 -i 0.2 -W 2 $FOREIGN
}

vlans() {
	add_filtered_pair
	h ip link add link "$HOST" name vlan7 type vlan id 7
	h ip addr add 198.51.100.2/24 dev vlan7
	h ip link set vlan7 up
	h ip neigh add $TAGGED lladdr "$(link_attr $GUEST_NS "$GUEST" .address)" dev vlan7 \
		nud permanent
	wait_for 10 stays_out $TAGGED
	g ip link add link "$GUEST" name vlan7 type vlan id 7
	g ip addr add $TAGGED/24 dev vlan7
	g ip link set vlan7 up
	wait_for 10 passes $TAGGED
	h ping -q -c 3 -i 0.2 -W 2 $TAGGED
	g ip link del vlan7
	wait_for 10 stays_out $TAGGED
	ping_works
}

offload_is() {
	h ethtool -k "$HOST" | grep -q "^tcp-segmentation-offload: $1"
}

# The host interface segments for a guest that does not want to be given more.
guest_offloads() {
	add_pair vt0 virtio_vdpa max_vqp 2
	wait_for 10 offload_is on
	g ethtool -K "$GUEST" rx-gro-hw off
	wait_for 10 offload_is off
	ping_works
	g ethtool -K "$GUEST" rx-gro-hw on
	wait_for 10 offload_is on
	ping_works
}

# send_flows: one frame each of many flows to the guest.
send_flows() {
	local port

	for port in $(seq 6000 6031); do
		echo >"/dev/udp/$GUEST_IP/$port"
	done
}

# received QUEUE: what the guest did there.
received() {
	queue_counter tx "$1"
}

# All flows on one queue, by the guest's own table; then on another.
receive_side_scaling() {
	local before queue

	add_pair vt0 virtio_vdpa max_vqp 4 device_features "$(printf '0x%x' $((FEATURES | RSS)))"
	g ethtool -L "$GUEST" combined 4 2>/dev/null || :
	ping_works
	g ethtool -x "$GUEST" | sed -n '1,6s/^/# /p'
	g ethtool -K "$GUEST" rxhash on
	for queue in 3 1; do
		g ethtool -X "$GUEST" weight 0 $((queue == 1)) 0 $((queue == 3))
		before=$(received $queue)
		h bash -c "GUEST_IP=$GUEST_IP; $(declare -f send_flows); send_flows"
		check_eq "frames on queue $queue" yes \
			"$([ $(($(received $queue) - before)) -ge 32 ] && echo yes)"
	done
	g ethtool -X "$GUEST" default
	ping_works
	check_no_splat
}

coalescing() {
	add_pair vt0 virtio_vdpa max_vqp 2 \
		device_features "$(printf '0x%x' $((FEATURES | COALESCE)))"
	g ethtool -C "$GUEST" rx-usecs 500 rx-frames 32 tx-usecs 200 tx-frames 16
	g ethtool -c "$GUEST" | grep -E '^(rx|tx)-(usecs|frames):' | sed 's/^/# /'
	ping_works
	refuse g ethtool -C "$GUEST" rx-usecs 10001 rx-frames 32
	g ethtool -Q "$GUEST" queue_mask 0x1 --coalesce rx-usecs 300 rx-frames 8
	ping_works
	g ethtool -C "$GUEST" rx-usecs 0 rx-frames 1 tx-usecs 0 tx-frames 1 || :
	ping_works
	check_no_splat
}

run_cases promiscuous multicast many_addresses second_address vlans guest_offloads \
	receive_side_scaling coalescing
