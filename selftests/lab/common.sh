# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# What every lab program needs: where things are, and how to say what goes on.

# "set -e" is to mean it in $(...) as well.
shopt -s inherit_errexit

LAB_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
REPO_ROOT=$(cd "$LAB_DIR/../.." && pwd -P)
LAB_CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/vdpa-migrate
LAB_OUT=$REPO_ROOT/out
LAB_ARCH=$(dpkg --print-architecture)
export LAB_DIR REPO_ROOT LAB_CACHE LAB_OUT LAB_ARCH

# Progress goes to stderr: stdout belongs to answers (paths) and to KTAP.
say() {
	printf '%s: %s\n' "${LAB_NAME:-lab}" "$*" >&2
}

die() {
	say "$*"
	exit 1
}

debian_release() {
	# shellcheck source=/dev/null
	(. /etc/os-release && echo "${VERSION_CODENAME:-unknown}")
}

# Two runs may prepare the same thing at the same time: one works, one waits.
lab_lock() {
	mkdir -p "$LAB_CACHE/lock"
	exec 9>"$LAB_CACHE/lock/$1"
	flock -n 9 || {
		say "waiting for another run that prepares '$1'"
		flock 9
	}
}

# Not to be forgotten before something long starts: children inherit the lock.
lab_unlock() {
	exec 9>&-
}

# A path-safe digest of the arguments' contents (files) or text.
digest() {
	# Of files, or of standard input.
	sha256sum "$@" | sha256sum | cut -c1-16
}
