#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Loading and unloading the driver, with and without devices, over and over:
# nothing may be left behind.

set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

MODULE=vdpa_sw_net

module_path() {
	if [ -e "${VM_MODULES:-}/$MODULE.ko" ]; then
		echo "$VM_MODULES/$MODULE.ko"
	else
		modinfo -n $MODULE 2>/dev/null
	fi
}

loaded() {
	[ -e /sys/module/$MODULE ]
}

foreign_devices() {
	local dev

	for dev in "/sys/devices/$MGMTDEV"/*/driver_override; do
		[ -e "$dev" ] && return 0
	done
	return 1
}

load() {
	insmod "$(module_path)"
}

unload() {
	rmmod $MODULE
}

# Each case begins unloaded and the last one leaves the module as it was.
begin() {
	module_path >/dev/null || skip "where is $MODULE.ko? (\$VM_MODULES, or install it)"
	foreign_devices && skip "somebody uses $MODULE"
	! loaded || unload
	modprobe vdpa
}

end() {
	loaded || load
}

references() {
	awk '$1 == "vdpa" { print $3 }' /proc/modules
}

threads() {
	pgrep -c '^vt' || :
}

# Everything that unloading has to take along.
check_nothing_left() {
	! loaded || fail "still loaded"
	[ ! -e "/sys/devices/$MGMTDEV" ] || fail "the management device is still there"
	check_eq "devices" "" "$(ls $BUS/devices)"
	check_eq "references to vdpa" "$1" "$(references)"
	check_eq "interfaces" "$2" "$(ls /sys/class/net)"
	check_eq "threads" 0 "$(threads)"
	if grep -iE '^(swnet|vdpa_sw)' /proc/slabinfo; then
		fail "slab caches are left"
	fi
	check_no_splat
}

insmod_and_rmmod() {
	local refs nets

	begin
	refs=$(references)
	nets=$(ls /sys/class/net)
	load
	vdpa mgmtdev show "$MGMTDEV"
	unload
	check_nothing_left "$refs" "$nets"
	end
}

rmmod_with_unopened_devices() {
	local refs nets

	begin
	need_driver vhost_vdpa
	need_driver virtio_vdpa
	refs=$(references)
	nets=$(ls /sys/class/net)
	load
	add_device vt0 none max_vqp 4
	add_device vt1 vhost_vdpa max_vqp 4
	add_device vt2 virtio_vdpa
	unload
	check_nothing_left "$refs" "$nets"
	end
}

# An open character device: unloading has to wait, not to crash.
rmmod_waits_for_vmm() {
	local node pid

	begin
	need_driver vhost_vdpa
	load
	add_device vt0 vhost_vdpa
	node=$(basename "$BUS"/devices/vt0/vhost-vdpa-*)
	exec 7<>"/dev/$node"
	# A copy of the descriptor in rmmod itself would keep the device open.
	in_background rmmod $MODULE 7>&-
	pid=$BACKGROUND
	wait_for 5 grep -q 'vhost_vdpa_remove' "/proc/$pid/stack"
	exec 7>&-
	wait "$pid"
	! loaded || fail "still loaded"
	check_no_splat
	end
}

cycle() {
	load
	add_pair vt0 virtio_vdpa max_vqp 2
	g ping -q -c 1 -W 5 $HOST_IP >/dev/null
	vdpa dev del vt0
	unload
	ip netns del $GUEST_NS
	ip netns del $HOST_NS
}

unreclaimable_kb() {
	awk '$1 == "SUnreclaim:" { print $2 }' /proc/meminfo
}

# Whatever a cycle lost would add up; the first ones fill caches.
cycles() {
	local count refs nets i before after

	begin
	need_driver virtio_vdpa
	count=$(by_scale 20 500)
	[ "${VM_KERNEL:-}" != debug ] || count=$(by_scale 3 100)
	refs=$(references)
	nets=$(ls /sys/class/net)
	for i in $(seq "$count"); do
		[ "$i" -ne 3 ] || before=$(unreclaimable_kb)
		cycle
		[ $((i % 5)) -ne 0 ] || check_nothing_left "$refs" "$nets"
	done
	check_nothing_left "$refs" "$nets"
	after=$(unreclaimable_kb)
	echo "# $count cycles, slab $before -> $after kB"
	# A single lost page per cycle shows in 500, not in 20.
	[ "$count" -lt 100 ] || [ $((after - before)) -lt $((count * 4)) ] ||
		fail "slab grows by $(((after - before) / count)) kB per cycle"
	end
}

run_cases insmod_and_rmmod rmmod_with_unopened_devices rmmod_waits_for_vmm cycles
