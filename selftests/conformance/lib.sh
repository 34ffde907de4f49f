# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Run the suite on a device of a parent that is at hand here, and compare with
# what is known of that parent.

CONF_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source-path=SCRIPTDIR source=../stock/lib.sh
. "$CONF_DIR/../stock/lib.sh"
CASE_DIR=$(mktemp -d)
DEVICE=vtconf0

end() {
	clean_up
	rm -rf "$CASE_DIR"
}
trap end EXIT

# The character device of vtconf0.
node() {
	local path

	for path in "$BUS/devices/$DEVICE"/vhost-vdpa-*; do
		echo "/dev/${path##*/}"
	done
}

# Its device node may come a moment later.
have_node() {
	[ -c "$(node)" ]
}

suite() {
	wait_for 5 have_node
	"$CONF_DIR/conformance" --device "$(node)" --quiet 25 "$@"
}
