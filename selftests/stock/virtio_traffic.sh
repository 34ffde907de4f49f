#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The kernel's own virtio-net driver on the device: guest side and host
# interface each in a namespace, real protocols between them.
#
#	+- vt-guest -------+            +- vt-host --------+
#	|  virtio_net      |  vdpa vt0  |  vt0             |
#	|  192.0.2.1       |------------|  192.0.2.2       |
#	|  2001:db8::1     |            |  2001:db8::2     |
#	+------------------+            +------------------+

set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

PORT=5000
# Payload of a frame that no 1500 byte packet holds.
BIG=2000

ping_both_ways() {
	add_pair vt0 virtio_vdpa max_vqp 4
	ping_works
	g ping -q -c 3 -i 0.2 -W 2 $HOST_IP6
	h ping -q -c 3 -i 0.2 -W 2 $GUEST_IP6
	check_no_errors
}

check_no_errors() {
	local both='[.stats64.rx.errors, .stats64.tx.errors, .stats64.rx.dropped'

	check_eq "errors and drops of the host interface" "[0,0,0,0]" \
		"$(link_attr $HOST_NS "$HOST" "$both, .stats64.tx.dropped] | tojson")"
	# What its stack sent before the link was up the guest counts as dropped.
	check_eq "errors and drops of the guest interface" "[0,0,0]" \
		"$(link_attr $GUEST_NS "$GUEST" "$both] | tojson")"
}

listening() {
	"$1" ss -Hltn "sport = :$PORT" | grep -q LISTEN
}

# make_payload, then payload MEGABYTES: 8 MB of noise, as often as it takes.
make_payload() {
	head -c 8M /dev/urandom >"$CASE_DIR/noise"
}

payload() {
	for _ in $(seq $(($1 / 8))); do
		cat "$CASE_DIR/noise"
	done
}

# transfer FROM TO ADDRESS MEGABYTES, FROM and TO being g and h.
transfer() {
	local sent received start=$SECONDS

	in_background "$2" socat -u TCP-LISTEN:$PORT,reuseaddr "SYSTEM:md5sum >$CASE_DIR/received"
	wait_for 5 listening "$2"
	sent=$(payload "$4" | tee >(md5sum >"$CASE_DIR/sent") |
		"$1" socat -u - "TCP:$3:$PORT" && echo complete)
	check_eq "the sender" complete "$sent"
	wait "$BACKGROUND"
	wait_for 5 test -s "$CASE_DIR/sent"
	received=$(cat "$CASE_DIR/received")
	check_eq "checksum" "$(cat "$CASE_DIR/sent")" "$received"
	echo "# $4 MB to $3 in $((SECONDS - start)) s: $received"
}

tcp_both_ways() {
	local size

	need_command socat
	size=$(by_scale $((128 / ${VM_SLOW:-1} / 8 * 8)) 1024)
	make_payload
	add_pair vt0 virtio_vdpa max_vqp 4
	transfer g h $HOST_IP "$size"
	transfer h g $GUEST_IP "$size"
	check_no_splat
}

# In pieces that do not fit, with the "do not fragment" bit.
mtu_9000() {
	add_pair vt0 virtio_vdpa max_vqp 4 mtu 9000
	check_eq "MTU of the guest interface" 9000 "$(link_attr $GUEST_NS "$GUEST" .mtu)"
	g ping -q -c 3 -i 0.2 -W 2 -M "do" -s 8972 $HOST_IP
	h ping -q -c 3 -i 0.2 -W 2 -M "do" -s 8972 $GUEST_IP
	refuse g ping -q -c 1 -W 1 -M "do" -s 8973 $HOST_IP
	make_payload
	transfer g h $HOST_IP 8
	transfer h g $GUEST_IP 8
}

# sees_big_frames DIRECTION FROM TO ADDRESS: on the host interface itself.
sees_big_frames() {
	in_background h timeout "$(scaled 20)" tcpdump -i "$HOST" -Q "$1" -c 3 -nn -s 96 \
		"tcp and greater $BIG" >"$CASE_DIR/dump" 2>"$CASE_DIR/dump.err"
	local dump=$BACKGROUND

	wait_for 10 grep -q 'listening on' "$CASE_DIR/dump.err"
	transfer "$2" "$3" "$4" 8
	wait "$dump" || fail "no frame above $BIG bytes $1"
	sed 's/^/# /' "$CASE_DIR/dump"
	check_eq "frames above $BIG bytes" 3 "$(grep -c 'length' "$CASE_DIR/dump")"
}

segmentation_offload() {
	need_command tcpdump socat
	make_payload
	add_pair vt0 virtio_vdpa max_vqp 4
	g ethtool -k "$GUEST" | grep -q '^tcp-segmentation-offload: on'
	h ethtool -k "$HOST" | grep -q '^tcp-segmentation-offload: on'
	sees_big_frames in g h $HOST_IP
	sees_big_frames out h g $GUEST_IP
}

# And without, when the guest does not want it.
no_segmentation_offload() {
	local plain=0x300018028 # VERSION_1 ACCESS_PLATFORM MAC MTU STATUS MRG_RXBUF

	make_payload
	add_pair vt0 virtio_vdpa device_features $plain
	wait_for 5 offload_is_off
	transfer g h $HOST_IP 8
	transfer h g $GUEST_IP 8
	check_no_errors
}

# negotiated BIT
negotiated() {
	local file=("$BUS"/devices/vt0/virtio*/features)

	check_eq "feature $1 in the driver's choice" 1 "$(cut -c$(($1 + 1)) "${file[0]}")"
}

# RING_PACKED is 34, INDIRECT_DESC 28; the driver uses the event index as well.
packed_rings() {
	make_payload
	add_pair vt0 virtio_vdpa max_vqp 4 device_features "$(features_with 34 28)"
	negotiated 34
	negotiated 28
	negotiated 29
	ping_works
	transfer g h $HOST_IP 16
	transfer h g $GUEST_IP 16
	check_no_errors
	check_no_splat
}

# Without event index, many times around a ring.
packed_rings_plain() {
	make_payload
	add_pair vt0 virtio_vdpa device_features 0x700018028 # those of $plain below, and RING_PACKED
	negotiated 34
	transfer g h $HOST_IP 8
	transfer h g $GUEST_IP 8
	check_no_errors
}

# udp_segments FROM TO ADDRESS: 40 datagrams in one send, all have to arrive.
udp_segments() {
	in_background "$2" timeout "$(scaled 20)" python3 - "$3" $PORT 40 <<-'END' >"$CASE_DIR/udp"
		import socket, sys
		s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
		s.bind((sys.argv[1], int(sys.argv[2])))
		print("bound", flush=True)
		got = [s.recv(9000) for _ in range(int(sys.argv[3]))]
		assert b"".join(got) == bytes(i % 251 for i in range(1200 * len(got))), "not what was sent"
		print(len(got), "datagrams of", {len(d) for d in got}, flush=True)
	END
	local receiver=$BACKGROUND

	wait_for 10 grep -q bound "$CASE_DIR/udp"
	"$1" python3 - "$3" $PORT 40 <<-'END'
		import socket, sys
		s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
		s.setsockopt(17, 103, 1200)  # UDP_SEGMENT
		s.connect((sys.argv[1], int(sys.argv[2])))
		s.send(bytes(i % 251 for i in range(1200 * int(sys.argv[3]))))
	END
	wait "$receiver" || fail "the datagrams did not arrive as they were"
	sed 's/^/# /' "$CASE_DIR/udp"
}

# sees_big_datagram DIRECTION FROM TO ADDRESS: in one piece on the host interface.
sees_big_datagram() {
	in_background h timeout "$(scaled 20)" tcpdump -i "$HOST" -Q "$1" -c 1 -nn -s 96 \
		"udp and greater $BIG" >"$CASE_DIR/dump" 2>"$CASE_DIR/dump.err"
	local dump=$BACKGROUND

	wait_for 10 grep -q 'listening on' "$CASE_DIR/dump.err"
	udp_segments "$2" "$3" "$4"
	wait "$dump" || fail "no datagram above $BIG bytes $1"
	sed 's/^/# /' "$CASE_DIR/dump"
	grep -q 'length 48000' "$CASE_DIR/dump"
}

udp_offload_is_on() {
	"$1" ethtool -k "$2" | grep -q '^tx-udp-segmentation: on'
}

# HOST_USO, GUEST_USO4 and GUEST_USO6. The guest's driver leaves it off at first.
udp_segmentation_offload() {
	need_command tcpdump python3
	add_pair vt0 virtio_vdpa max_vqp 2 device_features "$(features_with 54 55 56)"
	negotiated 56
	g ethtool -K "$GUEST" tx-udp-segmentation on
	udp_offload_is_on g "$GUEST" || fail "not offered to the guest"
	wait_for 5 udp_offload_is_on h "$HOST"
	sees_big_datagram in g h $HOST_IP
	sees_big_datagram in g h $HOST_IP6
	sees_big_datagram out h g $GUEST_IP
	sees_big_datagram out h g $GUEST_IP6
	check_no_errors
}

# By default nobody has it, and the datagrams are cut before they get there.
no_udp_segmentation_offload() {
	need_command python3
	add_pair vt0 virtio_vdpa max_vqp 2
	wait_for 5 udp_offload_is_off h "$HOST"
	g ethtool -k "$GUEST" | grep -q '^tx-udp-segmentation: off \[fixed\]' ||
		fail "offered to the guest"
	udp_segments g h $HOST_IP
	udp_segments h g $GUEST_IP
	check_no_errors
}

udp_offload_is_off() {
	! udp_offload_is_on "$1" "$2"
}

offload_is_off() {
	h ethtool -k "$HOST" | grep -q '^tcp-segmentation-offload: off'
}

queues_used() {
	local direction queue

	for direction in rx tx; do
		for queue in 0 1 2 3; do
			[ "$(queue_counter $direction $queue)" -gt 20 ] || return 1
		done
	done
}

# By default the guest's driver uses no more pairs than it has processors.
use_all_pairs() {
	local now

	g ethtool -L "$GUEST" combined 4 2>/dev/null || :
	now=$(g ethtool -l "$GUEST" | awk '/^Combined/ { now = $2 } END { print now }')
	check_eq "channels of the guest" 4 "$now"
}

# Which queue a flow is on is chance: new flows come until each had its share.
eight_flows_on_four_pairs() {
	need_command iperf3
	add_pair vt0 virtio_vdpa max_vqp 4
	use_all_pairs
	in_background h iperf3 -s -p $PORT >/dev/null
	wait_for 5 listening h
	for _ in 1 2 3 4 5 6; do
		g iperf3 -c $HOST_IP -p $PORT -P 8 -t 2 -b 5M -l 16K -J | sum_of sent
		g iperf3 -c $HOST_IP -p $PORT -P 8 -t 2 -b 5M -l 16K -R -J | sum_of received
		! queues_used || break
	done
	h ethtool -S "$HOST" | grep packets: | sed 's/^ */# /'
	queues_used || fail "a queue was not used"
	check_no_splat
}

# All eight flows have to have moved their bytes.
sum_of() {
	jq -er "[.end.streams[].$( [ "$1" = sent ] && echo sender || echo receiver ).bytes] |
		\"# \(length) flows, \(add) bytes\", (length == 8 and all(. > 0))" |
		grep -v '^true$'
}

ethtool_of_host_interface() {
	add_pair vt0 virtio_vdpa max_vqp 4
	use_all_pairs
	ping_works
	h ethtool -i "$HOST" | tee "$CASE_DIR/info"
	grep -q '^driver: vdpa_sw_net$' "$CASE_DIR/info"
	grep -q '^bus-info: vt0$' "$CASE_DIR/info"
	h ethtool "$HOST" | tee "$CASE_DIR/link"
	grep -q 'Link detected: yes' "$CASE_DIR/link"
	grep -q 'Duplex: Full' "$CASE_DIR/link"
	h ethtool -l "$HOST" | tee "$CASE_DIR/channels"
	check_eq "channels, most and now" "4 4" \
		"$(awk '/^Combined/ { printf "%s%s", sep, $2; sep = " " }' "$CASE_DIR/channels")"
	h ethtool -g "$HOST" | tee "$CASE_DIR/rings"
	check_eq "largest rings" "1024 1024" \
		"$(awk '/^Current/ { exit } /^(RX|TX):/ { printf "%s%s", sep, $2; sep = " " }' "$CASE_DIR/rings")"
	check_eq "counters of the guest's receive side" 4 \
		"$(h ethtool -S "$HOST" | grep -c '^ *tx_queue_[0-3]_packets: ')"
	check_eq "counters of the guest's transmit side" 4 \
		"$(h ethtool -S "$HOST" | grep -c '^ *rx_queue_[0-3]_packets: ')"
	h ethtool -k "$HOST" | tee "$CASE_DIR/features"
	grep -q '^tx-checksumming: on' "$CASE_DIR/features"
	grep -q '^tcp-segmentation-offload: on' "$CASE_DIR/features"
	grep -q '^scatter-gather: on' "$CASE_DIR/features"
}

# Each may be turned off on the host side, and traffic still flows.
host_offloads_off() {
	make_payload
	add_pair vt0 virtio_vdpa max_vqp 2
	h ethtool -K "$HOST" tso off gso off gro off sg off tx off rx off 2>/dev/null || :
	offload_is_off || fail "TSO stays on"
	transfer g h $HOST_IP 8
	transfer h g $GUEST_IP 8
}

# As a port of a bridge, which is how it is used.
bridge_port() {
	local mac

	add_pair vt0 virtio_vdpa max_vqp 2
	h ip link add br0 type bridge
	mac=$(link_attr $HOST_NS "$HOST" .address)
	h ip addr flush dev "$HOST"
	h ip link set "$HOST" master br0
	h ip link set br0 up
	h ip addr add $HOST_IP/24 dev br0
	ping_works
	echo "# port $HOST, $mac"
}

vlan() {
	add_pair vt0 virtio_vdpa max_vqp 2
	h ip link add link "$HOST" name vlan7 type vlan id 7
	g ip link add link "$GUEST" name vlan7 type vlan id 7
	h ip addr add 198.51.100.2/24 dev vlan7
	g ip addr add 198.51.100.1/24 dev vlan7
	h ip link set vlan7 up
	g ip link set vlan7 up
	g ping -q -c 3 -i 0.2 -W 2 -s 1472 -M "do" 198.51.100.2
	h ping -q -c 3 -i 0.2 -W 2 -s 1472 -M "do" 198.51.100.1
}

mac_address_of_guest() {
	add_pair vt0 virtio_vdpa mac 52:54:00:00:00:01 max_vqp 2
	check_eq "guest MAC" 52:54:00:00:00:01 "$(link_attr $GUEST_NS "$GUEST" .address)"
	g ip link set "$GUEST" address 52:54:00:00:00:99
	check_eq "device MAC" 52:54:00:00:00:99 "$(vdpa -j dev config show vt0 | jq -r .config.vt0.mac)"
	h ip neigh flush dev "$HOST"
	ping_works
}

run_cases ping_both_ways tcp_both_ways mtu_9000 segmentation_offload no_segmentation_offload \
	eight_flows_on_four_pairs ethtool_of_host_interface host_offloads_off bridge_port vlan \
	mac_address_of_guest packed_rings packed_rings_plain udp_segmentation_offload \
	no_udp_segmentation_offload
