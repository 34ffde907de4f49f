#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Another driver altogether: DPDK's virtio-user on /dev/vhost-vdpa-N, with
# testpmd sending back whatever it receives.
#
# The program is $DPDK_TESTPMD, the lab's, or the one in $PATH.

set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

HUGEPAGES=128
FRAMES=500

testpmd_path() {
	if [ -n "${DPDK_TESTPMD:-}" ]; then
		echo "$DPDK_TESTPMD"
	elif [ -n "${LAB_DIR:-}" ]; then
		echo "$("$LAB_DIR/kernel" path stock dpdk)/dpdk-testpmd"
	else
		command -v dpdk-testpmd
	fi
}

reserve_hugepages() {
	local pages=/proc/sys/vm/nr_hugepages

	[ "$(cat $pages)" -ge $HUGEPAGES ] || echo $HUGEPAGES >$pages
	[ "$(cat $pages)" -ge $HUGEPAGES ] || skip "no memory for $HUGEPAGES huge pages"
}

# begin [WORD...]: more for `vdpa dev add`
begin() {
	need_device
	need_driver vhost_vdpa
	testpmd_path >/dev/null || skip "dpdk-testpmd is not installed"
	reserve_hugepages
	add_device vt0 vhost_vdpa mac 52:54:00:00:00:01 "$@"
	echo 1 >/proc/sys/net/ipv6/conf/vt0/disable_ipv6 || :
	ip link set vt0 up
	NODE=/dev/$(basename "$BUS"/devices/vt0/vhost-vdpa-*)
}

# start_testpmd [OPTIONS]: of the device. Its standard input stays open, or it
# would end.
start_testpmd() {
	local device=path=$NODE,mac=52:54:00:00:00:01,queue_size=256,queues=1${1:+,$1}

	rm -f "$CASE_DIR/input"
	mkfifo "$CASE_DIR/input"
	exec 8<>"$CASE_DIR/input"
	in_background "$(testpmd_path)" --lcores=0@0,1@1 --no-pci --in-memory --iova-mode=va \
		"--vdev=net_virtio_user0,$device" -- --nb-cores=1 --rxq=1 --txq=1 \
		--forward-mode=io --port-topology=loop --no-lsc-interrupt --total-num-mbufs=4096 \
		<&8 >"$CASE_DIR/testpmd" 2>&1 8>&-
	TESTPMD=$BACKGROUND
	wait_for 30 started_or_died
	forwarding || {
		sed 's/^/# /' "$CASE_DIR/testpmd"
		fail "testpmd did not start"
	}
}

forwarding() {
	grep -q 'Press enter' "$CASE_DIR/testpmd"
}

started_or_died() {
	forwarding || ! kill -0 "$TESTPMD"
}

# It stops on a line of input, and returns the rings as they are.
stop_testpmd() {
	echo >&8
	wait "$TESTPMD" || fail "testpmd: status $?"
	exec 8>&-
	grep -m 2 -E 'RX-packets|TX-packets' "$CASE_DIR/testpmd" | sed 's/^/# /'
}

one_queue_pair() {
	begin
	start_testpmd
	"$TEST_DIR/frames" vt0 $FRAMES
	stop_testpmd
	check_no_splat
}

starts_again() {
	begin
	for _ in 1 2 3; do
		start_testpmd
		"$TEST_DIR/frames" vt0 50
		stop_testpmd
	done
	check_no_splat
}

# In the middle of it, without a chance to clean up.
is_killed() {
	local sender

	begin
	start_testpmd
	"$TEST_DIR/frames" vt0 50
	in_background "$TEST_DIR/frames" vt0 1000000
	sender=$BACKGROUND
	wait_for 5 frames_flow
	kill -9 "$TESTPMD"
	wait "$TESTPMD" || :
	start_testpmd
	kill "$sender" 2>/dev/null || :
	wait "$sender" 2>/dev/null || :
	"$TEST_DIR/frames" vt0 50
	stop_testpmd
	check_no_splat
}

frames_flow() {
	[ "$(cat /sys/class/net/vt0/statistics/rx_packets)" -gt 200 ]
}

# layout BITS OPTIONS: the driver says in its log what it chose.
layout() {
	# shellcheck disable=SC2086 # a list of bits
	begin device_features "$(features_with $1)"
	start_testpmd "$2"
	"$TEST_DIR/frames" vt0 $FRAMES
	stop_testpmd
	check_no_splat
}

packed_rings() {
	layout 34 packed_vq=1,in_order=0
}

split_rings_in_order() {
	layout 35 packed_vq=0,in_order=1
}

packed_rings_in_order() {
	layout "34 35" packed_vq=1,in_order=1
}

run_cases one_queue_pair starts_again is_killed packed_rings split_rings_in_order \
	packed_rings_in_order
