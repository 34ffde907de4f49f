# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# apt with package lists of its own: the host's sources may lack backports or
# carry third parties; here they are neither needed nor changed.

APT_DIR=$LAB_CACHE/apt
DEBIAN_MIRROR=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
SECURITY_MIRROR=${SECURITY_MIRROR:-http://deb.debian.org/debian-security}

APT_OPTS=(
	-o "Dir::Etc::sourcelist=$APT_DIR/sources.list"
	-o Dir::Etc::sourceparts=/dev/null
	-o "Dir::Etc::preferences=$APT_DIR/preferences"
	-o Dir::Etc::preferencesparts=/dev/null
	-o "Dir::State::lists=$APT_DIR/lists"
	-o "Dir::Cache=$APT_DIR/cache"
	-o Dir::Cache::archives=archives
	-o Dir::Cache::pkgcache=pkgcache.bin
	-o Dir::Cache::srcpkgcache=srcpkgcache.bin
	-o APT::Sandbox::User=root
	-o APT::Install-Recommends=false
	-o Acquire::Retries=3
	-o DPkg::Lock::Timeout=600
	-o Dpkg::Use-Pty=0
	-o "DPkg::Options::=--force-confold"
)

# QEMU (with its BIOS) and iproute2 are the only packages wanted newer than
# Debian 12 has them; pinning by source keeps every other backport away from the host.
apt_prepare() {
	local release=$1 key=/usr/share/keyrings/debian-archive-keyring.gpg
	local suite

	[ -e "$key" ] || key=${key%.gpg}.pgp
	mkdir -p "$APT_DIR/lists/partial" "$APT_DIR/cache/archives/partial"
	for suite in "$release" "$release-updates" "$release-backports"; do
		echo "deb [signed-by=$key] $DEBIAN_MIRROR $suite main"
	done >"$APT_DIR/sources.list"
	echo "deb [signed-by=$key] $SECURITY_MIRROR $release-security main" \
		>>"$APT_DIR/sources.list"

	if [ "$release" = bookworm ]; then
		cat >"$APT_DIR/preferences" <<-END
			Package: src:qemu src:seabios src:iproute2
			Pin: release n=bookworm-backports
			Pin-Priority: 500
		END
	else
		: >"$APT_DIR/preferences"
	fi
}

apt_update() {
	say "reading Debian's package lists"
	apt-get "${APT_OPTS[@]}" -qq update
}

apt_install() {
	local log=$APT_DIR/install.log

	DEBIAN_FRONTEND=noninteractive apt-get "${APT_OPTS[@]}" -qq -y \
		install "$@" >"$log" 2>&1 || {
		tail -n 20 "$log" >&2
		die "the installation failed, see $log"
	}
	apt-get "${APT_OPTS[@]}" clean
}

# apt_fetch DIR PACKAGE...: the .deb files alone, to be unpacked, not installed.
apt_fetch() {
	local dir=$1

	shift
	mkdir -p "$dir"
	(cd "$dir" && apt-get "${APT_OPTS[@]}" -qq download "$@")
}

# apt_depends PACKAGE PATTERN: the dependencies of PACKAGE that match.
apt_depends() {
	apt-cache "${APT_OPTS[@]}" depends --no-recommends --no-suggests \
		--no-conflicts --no-breaks --no-replaces --no-enhances "$1" |
		sed -n 's/^ *Depends: //p' | grep -E "$2" || true
}

# apt_closure PACKAGE: all that PACKAGE depends on, directly or not.
apt_closure() {
	apt-cache "${APT_OPTS[@]}" depends --recurse --no-recommends \
		--no-suggests --no-conflicts --no-breaks --no-replaces \
		--no-enhances "$1" | grep -E '^[a-z]' | sort -u
}

# apt_solution SUITE PACKAGE...: NAME=VERSION of all that installing them installs.
apt_solution() {
	local suite=$1

	shift
	apt-get "${APT_OPTS[@]}" -s -t "$suite" install "$@" |
		sed -nE 's/^Inst ([^ ]+) \(([^ ]+) .*/\1=\2/p' | LC_ALL=C sort
}

apt_candidate() {
	apt-cache "${APT_OPTS[@]}" policy "$1" | sed -n 's/^ *Candidate: //p'
}
