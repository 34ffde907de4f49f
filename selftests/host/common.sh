# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# What the checks of the host lane share: where the lab is, which files are
# ours, and a copy of the modules' sources to build.

HOST_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source-path=SCRIPTDIR source=../lab/common.sh
. "$HOST_DIR/../lab/common.sh"
cd "$REPO_ROOT" || exit

# our_files FIND-EXPRESSION...: what the repository holds, and not what was
# generated in it. A tarball has no index to ask, hence the fall-back.
our_files() {
	local file

	# shellcheck disable=SC2185 # the paths come from stdin
	{
		git ls-files --cached --others --exclude-standard 2>/dev/null ||
			find . -path ./out -prune -o -type f -print | sed 's#^\./##'
	} | while read -r file; do
		[ ! -f "$file" ] || [ -L "$file" ] || printf '%s\0' "$file"
	done | find -files0-from - -maxdepth 0 "$@" -print | LC_ALL=C sort -u
}

kernel_c_files() {
	our_files -regex '\(drivers\|include\)/.*\.[ch]'
}

user_c_files() {
	our_files -regex '\(selftests\|tools\)/.*\.[ch]'
}

# Scripts have no common suffix: the first lines tell.
shell_files() {
	our_files -type f | while read -r file; do
		case $file in *.c | *.h | *.md | *.config) continue ;; esac
		if head -n 3 "$file" |
			grep -qaE '^#!.*[/ ](ba|da)?sh( |$)|^# shellcheck shell='; then
			echo "$file"
		fi
	done
}

# need_files NAME COUNT: a check without input must not look like a pass.
need_files() {
	[ "$2" -gt 0 ] || die "$1: no files to check"
}

# kbuild_copy DIR: the modules' sources, so that nothing is built in the
# checkout; objects from the last time stay.
kbuild_copy() {
	local -a parts=(drivers Kbuild)

	[ ! -d include ] || parts+=(include)
	mkdir -p "$1"
	rsync -a --delete --exclude='*.o' --exclude='*.ko' --exclude='*.mod' \
		--exclude='*.mod.c' --exclude='.*' --exclude=Module.symvers \
		--exclude=modules.order --exclude='*.log' "${parts[@]}" "$1/"
}

linux_source() {
	"$LAB_DIR/kernel" path stock source
}
