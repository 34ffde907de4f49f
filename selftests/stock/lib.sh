# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# For the shell tests: cases and their results, devices, namespaces, waiting.
#
# A test defines functions and calls `run_cases NAME...`. Each case runs in a
# subshell with `set -e`: the first command that fails ends it, and `skip` says
# that it cannot be done here. What it made is gone afterwards.

TEST_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# The kernel's own, copied here when the tests are built.
# shellcheck source=/dev/null
. "$TEST_DIR/ktap_helpers.sh"

MGMTDEV=${VDPA_MGMTDEV:-vdpasw_net}
BUS=/sys/bus/vdpa
GUEST_NS=vt-guest
HOST_NS=vt-host
GUEST_IP=192.0.2.1
HOST_IP=192.0.2.2
GUEST_IP6=2001:db8::1
HOST_IP6=2001:db8::2
KSFT_SKIP=4

# scaled N: a time or count, stretched for a slow machine.
scaled() {
	echo $(($1 * ${VM_SLOW:-1}))
}

# by_scale TEST SOAK: how much to do.
by_scale() {
	if [ "${SCALE:-}" = soak ]; then
		echo "$2"
	else
		echo "$1"
	fi
}

skip() {
	echo "# skip: $*"
	echo "$*" >"$CASE_DIR/skip"
	exit "$KSFT_SKIP"
}

fail() {
	echo "# $*"
	exit 1
}

# check_eq WHAT WANTED SEEN
check_eq() {
	[ "$2" = "$3" ] || fail "$1: '$3' instead of '$2'"
}

# refuse COMMAND...: it must fail; what it said is in $CASE_DIR/said.
refuse() {
	if "$@" >"$CASE_DIR/said" 2>&1; then
		fail "not refused: $*"
	fi
	sed 's/^/#   /' "$CASE_DIR/said"
}

# wait_for SECONDS COMMAND...: until it succeeds.
wait_for() {
	local end=$((SECONDS + $(scaled "$1")))

	shift
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || fail "in vain waited for: $*"
		sleep 0.1
	done
}

# --- cases ---------------------------------------------------------------

run_case() {
	local rc start=$SECONDS

	CASE_DIR=$(mktemp -d)
	log_mark
	set +e
	(
		set -eo pipefail
		"$1"
	)
	rc=$?
	set -e
	clean_up
	echo "# $1: $((SECONDS - start)) s"
	case $rc in
	0) ktap_test_pass "$1" ;;
	"$KSFT_SKIP")
		__ktap_test ok "$1" "SKIP $(cat "$CASE_DIR/skip")"
		KTAP_CNT_SKIP=$((KTAP_CNT_SKIP + 1))
		;;
	*) ktap_test_fail "$1" ;;
	esac
	rm -rf "$CASE_DIR"
}

# run_cases NAME...: all of them, or those of $CASES.
run_cases() {
	local -a cases

	read -ra cases <<<"${CASES:-}"
	[ ${#cases[@]} -eq 0 ] || set -- "${cases[@]}"
	ktap_print_header
	if [ "$(id -u)" -ne 0 ]; then
		ktap_skip_all "needs root"
		exit "$KSFT_SKIP"
	fi
	[ $# -eq 0 ] || ktap_set_plan $#
	trap clean_up EXIT
	for name in "$@"; do
		run_case "$name"
	done
	ktap_finished
}

# Whatever a case left, and nothing that is not the tests'.
clean_up() {
	local dev ns

	[ ! -e "${CASE_DIR:-}/pids" ] || xargs -r kill -9 <"$CASE_DIR/pids" 2>/dev/null || :
	for ns in $GUEST_NS $HOST_NS; do
		ip netns pids "$ns" 2>/dev/null | xargs -r kill -9 2>/dev/null || :
	done
	for dev in "$BUS"/devices/vt*; do
		[ ! -e "$dev" ] || vdpa dev del "${dev##*/}" || :
	done
	ip link del vtbr0 2>/dev/null || :
	ip netns del $GUEST_NS 2>/dev/null || :
	ip netns del $HOST_NS 2>/dev/null || :
}

# in_background COMMAND...: ended with the case; its id is in $BACKGROUND.
in_background() {
	# Explicitly our own input: a background job would get /dev/null.
	"$@" <&0 &
	BACKGROUND=$!
	echo "$BACKGROUND" >>"$CASE_DIR/pids"
}

# --- the kernel log ------------------------------------------------------

# log_mark, then log_since: the kernel's lines since, without time stamps.
log_mark() {
	dmesg | wc -l >"$CASE_DIR/log"
}

log_since() {
	dmesg -t | tail -n "+$(($(cat "$CASE_DIR/log") + 1))"
}

check_no_splat() {
	if log_since | grep -E 'WARNING:|BUG:|Oops|Call Trace|refcount_t|leaked'; then
		fail "the kernel complained"
	fi
}

# --- devices -------------------------------------------------------------

need_device() {
	[ -e "/sys/devices/$MGMTDEV" ] || skip "$MGMTDEV is not loaded"
}

need_command() {
	local name

	for name in "$@"; do
		command -v "$name" >/dev/null || skip "$name is not installed"
	done
}

need_driver() {
	[ -e "$BUS/drivers/$1" ] || skip "$1 is not loaded"
}

# add_device NAME DRIVER [WORD...]: bound to a vDPA bus driver, or `none`.
add_device() {
	local name=$1 driver=$2

	shift 2
	echo 0 >"$BUS/drivers_autoprobe"
	vdpa dev add name "$name" mgmtdev "$MGMTDEV" "$@" || {
		echo 1 >"$BUS/drivers_autoprobe"
		fail "cannot add $name"
	}
	echo 1 >"$BUS/drivers_autoprobe"
	[ "$driver" = none ] || echo "$name" >"$BUS/drivers/$driver/bind"
}

# features_with BIT...: what device_features needs for the default profile of
# several queue pairs, and these bits.
features_with() {
	local features=0x8000000320c3bbab bit

	for bit; do
		printf -v features '0x%x' $((features | 1 << bit))
	done
	echo "$features"
}

# The interface that the guest's driver made of a device.
guest_netdev() {
	local dir

	for dir in "$BUS/devices/$1"/virtio*/net/*; do
		[ -e "$dir" ] || return 1
		echo "${dir##*/}"
	done
}

# add_pair NAME [WORD...]: device, its guest side $GUEST and its host side
# $HOST, each in a namespace of its own, addressed and up.
add_pair() {
	local name=$1 mtu=1500

	need_command ethtool jq ping
	need_device
	need_driver virtio_vdpa
	ip netns add $GUEST_NS
	ip netns add $HOST_NS
	add_device "$@"
	wait_for 5 guest_netdev "$name"
	GUEST=$(guest_netdev "$name")
	HOST=$name
	mtu=$(cat "/sys/class/net/$GUEST/mtu")
	move_guest
	ip link set "$HOST" netns $HOST_NS
	h ip link set "$HOST" mtu "$mtu" up
	h ip addr add $HOST_IP/24 dev "$HOST"
	h ip addr add $HOST_IP6/64 dev "$HOST" nodad
	wait_for 5 carrier
}

move_guest() {
	ip link set "$GUEST" netns $GUEST_NS
	g ip link set "$GUEST" up
	g ip addr add $GUEST_IP/24 dev "$GUEST"
	g ip addr add $GUEST_IP6/64 dev "$GUEST" nodad
}

# Not `ip netns exec`, which mounts a sysfs each time: slow on a slow machine.
# So /sys/class/net is not the namespace's; there are link_is and link_attr.
g() {
	nsenter "--net=/run/netns/$GUEST_NS" "$@"
}

h() {
	nsenter "--net=/run/netns/$HOST_NS" "$@"
}

# link_is NAMESPACE INTERFACE FLAG: LOWER_UP, NO-CARRIER, ...
link_is() {
	ip -n "$1" link show dev "$2" | grep -Eq "<([^>]*,)?$3[,>]"
}

# link_attr NAMESPACE INTERFACE FILTER: from `ip -s -j`.
link_attr() {
	ip -n "$1" -s -j link show dev "$2" | jq -r ".[0] | $3"
}

carrier() {
	link_is $HOST_NS "$HOST" LOWER_UP
}

ping_works() {
	g ping -q -c 3 -i 0.2 -W 2 $HOST_IP >/dev/null &&
		h ping -q -c 3 -i 0.2 -W 2 $GUEST_IP >/dev/null
}

# queue_counter DIRECTION QUEUE: frames, as the host interface counts them.
queue_counter() {
	h ethtool -S "$HOST" | awk -v key="$1_queue_$2_packets:" '$1 == key { print $2 }'
}
