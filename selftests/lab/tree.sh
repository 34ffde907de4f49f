# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Unpacked Debian packages in the cache: stock kernel with headers, kernel
# source, busybox. A tree is complete when `.complete` names the recipe it was
# made by: a cache may be older than a mistake mended since.
#
#   tree/stock/VERSION/   root of image + headers + kbuild, and `modules/`
#   tree/source/VERSION/  the kernel source
#   tree/busybox/VERSION/busybox
#   tree/dpdk/VERSION/dpdk-testpmd

TREES=$LAB_CACHE/tree

tree_recipe() {
	# "headers-7.3" is one of several.
	declare -f "tree_make_${1%%-[0-9]*}" | digest
}

# tree_is_whole NAME VERSION
tree_is_whole() {
	[ "$(cat "$TREES/$1/$2/.complete" 2>/dev/null)" = "$(tree_recipe "$1")" ]
}

tree_present() {
	tree_is_whole "$1" current
}

tree_dir() {
	readlink -f "$TREES/$1/current"
}

# tree_begin NAME VERSION: a scratch directory to fill, nothing if it is done.
tree_begin() {
	local dir=$TREES/$1/$2

	mkdir -p "$TREES/$1"
	if tree_is_whole "$1" "$2"; then
		ln -sfn "$2" "$TREES/$1/current"
		return
	fi
	rm -rf "$dir.new"
	mkdir -p "$dir.new"
	echo "$dir.new"
}

# The headers' Makefiles hold absolute paths of the final place, hence the
# rename comes before they are edited and `.complete` last.
tree_place() {
	rm -rf "${TREES:?}/$1/$2"
	mv "$TREES/$1/$2.new" "$TREES/$1/$2"
}

tree_end() {
	tree_recipe "$1" >"$TREES/$1/$2/.complete"
	ln -sfn "$2" "$TREES/$1/current"
	find "$TREES/$1" -mindepth 1 -maxdepth 1 -type d ! -name "$2" \
		-mtime +30 -exec rm -rf {} +
}

tree_unpack() {
	local dir=$1 deb

	for deb in "$dir"/debs/*.deb; do
		dpkg-deb -x "$deb" "$dir"
	done
	rm -rf "$dir/debs"
}

kernel_meta() {
	case $(debian_release) in
	bookworm) echo "linux-$1-6.12-amd64" ;;
	*) echo "linux-$1-amd64" ;;
	esac
}

tree_make_stock() {
	local image headers version dir

	image=$(apt_depends "$(kernel_meta image)" '^linux-image-.*amd64$' | head -n1)
	[ -n "$image" ] || die "Debian's $(kernel_meta image) names no kernel"
	version=${image#linux-image-}
	headers=linux-headers-$version
	dir=$(tree_begin stock "$version")
	[ -n "$dir" ] || return 0

	say "downloading the stock kernel $version and its headers"
	local -a more
	mapfile -t more < <(apt_depends "$headers" '^linux-(headers-.*-common|kbuild)')
	apt_fetch "$dir/debs" "$image" "$headers" "${more[@]}"
	say "unpacking"
	tree_unpack "$dir"
	# Debian 13 has merged /usr in its packages; one layout is enough.
	[ -e "$dir/lib" ] || ln -s usr/lib "$dir/lib"
	tree_place stock "$version"
	dir=${dir%.new}
	headers_relocate "$dir" "$version"
	modules_unpack "$dir" "$version"
	tree_end stock "$version"
}

# The headers expect to live in /usr/src and /usr/lib.
headers_relocate() {
	local dir=$1 version=$2 link target

	grep -rlIE '(^|[^A-Za-z0-9._-])/usr/(src|lib)/linux-' \
		--include='Makefile*' --include='.kernelvariables' \
		"$dir/usr/src" | xargs -r sed -i -E \
		"s#(^|[^A-Za-z0-9._-])/usr/(src|lib)/linux-#\1$dir/usr/\2/linux-#g"
	while read -r link; do
		target=$(readlink "$link")
		case $target in
		/usr/*) ln -sfn "$dir$target" "$link" ;;
		esac
	done < <(find "$dir/usr/src" "$dir/lib/modules/$version" -type l)
	ln -sfn "$dir/usr/src/linux-headers-$version" "$dir/lib/modules/$version/build"
}

# What a VM can use: no drivers of real hardware, and decompressed, because
# unpacking each module inside an emulated machine costs seconds per boot.
modules_unpack() {
	local dir=$1 version=$2
	local from=$dir/lib/modules/$version to=$dir/modules/lib/modules/$version

	say "decompressing the modules a VM can use"
	mkdir -p "$to"
	(
		cd "$from" || exit
		cp modules.order modules.builtin modules.builtin.modinfo "$to/"
		find kernel -name '*.ko*' | grep -vE "$HARDWARE_ONLY" |
			cpio -pdm --quiet "$to"
	)
	find "$to" -name '*.ko.xz' -print0 | xargs -0 -r -n 64 -P "$(nproc)" xz -d
	depmod -b "$dir/modules" "$version"
	depmod -b "$dir" "$version"
	image_unpack "$dir/boot/vmlinuz-$version" "$dir/boot/vmlinux-$version"
}

# The kernel proper out of a bzImage, for a faster start through PVH. Its place
# and size are in the setup header (Documentation/arch/x86/boot.rst).
image_unpack() {
	local image=$1 to=$2 setup_sects offset length

	read -r setup_sects < <(od -An -tu1 -j $((0x1f1)) -N1 "$image")
	read -r offset length < <(od -An -tu4 -j $((0x248)) -N8 "$image")
	dd if="$image" of="$to.packed" status=none bs=64K \
		iflag=skip_bytes,count_bytes count="$length" \
		skip=$(((setup_sects + 1) * 512 + offset))
	# The last four bytes are the unpacked size, which xz takes for garbage.
	case $(od -An -tx1 -N4 "$to.packed" | tr -d ' ') in
	fd377a58) head -c -4 "$to.packed" | xz -dc >"$to" ;;
	28b52ffd) head -c -4 "$to.packed" | zstd -qdc >"$to" ;;
	1f8b*) gzip -qdc <"$to.packed" >"$to" || [ $? -eq 2 ] ;;
	*) die "unknown compression of $image" ;;
	esac
	rm "$to.packed"
}

HARDWARE_ONLY='^kernel/(sound|arch/x86/(kvm|events)|fs/(ocfs2|xfs|btrfs|f2fs|smb|ceph|gfs2|nilfs2|jfs|reiserfs|afs|coda|orangefs|ubifs|bcachefs)'
HARDWARE_ONLY+='|drivers/(gpu|media|infiniband|scsi|staging|iio|hwmon|usb|input|hid|mmc|mtd|ata|video|leds|platform|thunderbolt|crypto|edac|comedi|target|md|nvme|bluetooth|firmware|watchdog|power|rtc|spi|i2c|gpio|pinctrl|mfd|regulator|soundwire|accel|isdn|parport|pcmcia|message|net/(ethernet|wireless|usb|can|wwan|arcnet|fddi|hamradio|ieee802154|dsa|plip|slip|thunderbolt))'
HARDWARE_ONLY+='|net/(bluetooth|wireless|mac80211|can|rxrpc|ceph|nfc|sunrpc|tipc|batman-adv|smc|rds|ax25|netrom|rose|mac802154|ieee802154|6lowpan|atm|phonet|appletalk|lapb|x25|sctp|dccp))/'

tree_make_source() {
	local package=linux-source-6.12 version dir

	version=$(apt_candidate "$package")
	dir=$(tree_begin source "$version")
	[ -n "$dir" ] || return 0
	say "downloading the kernel source $version"
	apt_fetch "$dir/package/debs" "$package"
	say "unpacking it"
	# Apart: the source has a usr/ of its own.
	tree_unpack "$dir/package"
	tar -xf "$dir/package/usr/src/$package.tar.xz" -C "$dir" --strip-components=1
	rm -rf "$dir/package"
	tree_place source "$version"
	tree_end source "$version"
}

tree_make_busybox() {
	local version dir

	version=$(apt_candidate busybox-static)
	dir=$(tree_begin busybox "$version")
	[ -n "$dir" ] || return 0
	apt_fetch "$dir/debs" busybox-static
	tree_unpack "$dir"
	# Debian 12 has it in /bin, Debian 13 in /usr/bin.
	mv "$(find "$dir" -name busybox -type f -perm -u+x | head -n1)" "$dir/busybox"
	tree_place busybox "$version"
	tree_end busybox "$version"
}

# Installing testpmd means two hundred packages and an upgrade of systemd; it
# runs as well from a tree that has DPDK's libraries and those not on every host.
DPDK_LIBS='^(librte-.*[0-9]|ibverbs-providers|lib(numa1|fdt1|bsd0|md0|jansson4'
DPDK_LIBS+='|elf1|pcap0.8|ibverbs1|nl-3-200|nl-route-3-200|xdp1|bpf1|isal2'
DPDK_LIBS+='|ipsec-mb[12]|dbus-1-3|atomic1)(t64)?)$'
# Loading all drivers takes seconds in an emulated machine.
DPDK_DRIVERS=(mempool_ring net_virtio net_null net_af_packet)

tree_make_dpdk() {
	local version dir

	version=$(apt_candidate dpdk-dev)
	dir=$(tree_begin dpdk "$version")
	[ -n "$dir" ] || return 0
	say "downloading DPDK $version"
	local -a libs
	mapfile -t libs < <(apt_closure dpdk-dev | grep -E "$DPDK_LIBS")
	apt_fetch "$dir/debs" dpdk-dev "${libs[@]}"
	tree_unpack "$dir"
	rm -rf "${dir:?}/usr/share" "$dir"/usr/bin/dpdk-test{,-*}
	tree_place dpdk "$version"
	dpdk_wrapper "${dir%.new}"
	tree_end dpdk "$version"
}

dpdk_wrapper() {
	local dir=$1 name libs drivers

	libs=$dir/usr/lib/$(gcc -print-multiarch)
	drivers=$(for name in "${DPDK_DRIVERS[@]}"; do
		printf ' -d %q' "$(find "$libs/dpdk" -name "librte_$name.so.*" -print -quit)"
	done)
	cat >"$dir/dpdk-testpmd" <<-END
		#!/bin/sh
		export LD_LIBRARY_PATH=$(printf %q "$libs")
		exec $(printf %q "$dir/usr/bin/dpdk-testpmd")$drivers "\$@"
	END
	chmod +x "$dir/dpdk-testpmd"
}
