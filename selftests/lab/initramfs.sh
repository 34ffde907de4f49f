# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# The initramfs that turns a stock kernel into one whose root is the host's,
# over 9p: busybox, guest-boot as /init, and the few modules on the way.

# initramfs_modules KERNEL: files in the order in which they must be loaded.
initramfs_modules() {
	local version dir module

	version=$("$LAB_DIR/kernel" path "$1" version)
	dir=$("$LAB_DIR/kernel" path "$1" modules)
	for module in virtio_pci virtio_console 9pnet_virtio 9p overlay; do
		modprobe -S "$version" -d "${dir%/lib/modules/*}" -D "$module" ||
			die "the $1 kernel has no $module"
	done | sed -n 's/^insmod \([^ ]*\).*/\1/p' | awk '!seen[$0]++'
}

# initramfs_base KERNEL: the path of the cached archive.
initramfs_base() {
	local key file work busybox list
	local -a files=()

	busybox=$("$LAB_DIR/kernel" path "$1" busybox)
	list=$(initramfs_modules "$1")
	# A kernel that has everything built in needs none.
	[ -z "$list" ] || mapfile -t files <<<"$list"
	key=$(digest "$busybox" "$LAB_DIR/guest-boot" "$LAB_DIR/initramfs.sh" \
		"${files[@]}")
	file=$LAB_CACHE/initramfs/$key.cpio
	if [ ! -e "$file" ]; then
		work=$(mktemp -d)
		mkdir -p "$work"/{bin,dev,proc,lower,upper,root,modules} "${file%/*}"
		cp "$busybox" "$work/bin/busybox"
		cp "$LAB_DIR/guest-boot" "$work/init"
		[ ${#files[@]} -eq 0 ] || cp "${files[@]}" "$work/modules/"
		printf '%s\n' "${files[@]##*/}" >"$work/modules/order"
		archive "$work" >"$file.$$"
		mv "$file.$$" "$file"
		find "${file%/*}" -type f -mtime +14 -delete
		rm -rf "$work"
	fi
	echo "$file"
}

# Uncompressed: reading a few megabytes is cheaper than an emulated gunzip.
archive() {
	(cd "$1" && find . -print0 | LC_ALL=C sort -z |
		cpio --null --quiet -o -H newc -R 0:0)
}

# initramfs_for_run DIR BASE: the kernel unpacks concatenated archives, so what
# differs from run to run needs no place on the command line and no quoting.
initramfs_for_run() {
	local work=$1/initramfs

	mkdir "$work"
	cp "$1/lab.env" "$1/lab.command" "$work/"
	{
		cat "$2"
		archive "$work"
	} >"$1/initramfs.cpio"
	rm -r "$work"
}
