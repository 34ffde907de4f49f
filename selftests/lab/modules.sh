# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Kernel modules built outside the source tree, one build per kernel, redone
# only when an input changed. The checkout itself stays free of objects.

# tools_of KERNEL: where the programs are that it was built with; nothing if they
# are the host's.
tools_of() {
	[ "$1" != newer ] || "$LAB_DIR/debian13" path tools
}

# build_key KERNEL DIR...: what the build depends on.
build_key() {
	local kernel=$1

	shift
	{
		path_of "$kernel" version
		path_of "$kernel" headers
		tools_of "$kernel"
		gcc --version
		find "$@" -type f ! -name '*.o' ! -name '*.ko' ! -name '.*' \
			! -name '*.mod*' -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
	} | sha256sum
}

# build_in DIR KERNEL: run Kbuild there; the .ko files end up in DIR/modules.
build_in() {
	local dir=$1 headers tools log=$1/build.log

	headers=$(path_of "$2" headers)
	tools=$(tools_of "$2")
	if ! PATH=${tools:+$tools/usr/bin:}$PATH nice make -C "$headers" M="$dir" \
		-j "$(nproc)" modules >"$log" 2>&1; then
		grep -E 'error|Error|warning|undefined' "$log" >&2 || cat "$log" >&2
		die "building for the $2 kernel failed, see $log"
	fi
	[ -z "${V:-}" ] || cat "$log" >&2
	grep -E 'warning:' "$log" | grep -v 'compiler differs' >&2 || true
	rm -rf "$dir/modules"
	mkdir "$dir/modules"
	find "$dir" -name '*.ko' ! -path "$dir/modules/*" -exec cp -t "$dir/modules" {} +
}

build_if_changed() {
	local dir=$1 kernel=$2 key=$3

	if [ "$(cat "$dir/.key" 2>/dev/null)" != "$key" ]; then
		rm -f "$dir/.key"
		build_in "$dir" "$kernel"
		echo "$key" >"$dir/.key"
	fi
	echo "$dir/modules"
}

# Kbuild's own files in the copy must survive the copying of newer sources.
build_modules() {
	local kernel=$1 dir=$LAB_OUT/build/$1 key

	local -a inputs=("$REPO_ROOT"/{Kbuild,drivers})

	[ ! -e "$REPO_ROOT/include" ] || inputs+=("$REPO_ROOT/include")
	path_of "$kernel" headers >/dev/null
	mkdir -p "$dir"
	lab_lock "build-$(printf %s "$dir" | digest)"
	key=$(build_key "$kernel" "${inputs[@]}")
	if [ "$(cat "$dir/.key" 2>/dev/null)" != "$key" ]; then
		rsync -a --delete --exclude='*.o' --exclude='*.ko' --exclude='*.mod' \
			--exclude='*.mod.c' --exclude='.*' --exclude='Module.symvers' \
			--exclude='modules.order' --exclude='/modules' \
			--exclude='/build.log' "${inputs[@]}" "$dir/"
	fi
	build_if_changed "$dir" "$kernel" "$key"
	lab_unlock
}

# Debian builds neither vringh nor the vDPA simulator; their source it has.
build_sim() {
	local kernel=$1 dir=$LAB_OUT/build/sim-$1 source key

	source=$(path_of "$kernel" source)
	path_of "$kernel" headers >/dev/null
	lab_lock "sim-$(printf %s "$dir" | digest)"
	mkdir -p "$dir"
	cp -pu "$source/drivers/vhost/vringh.c" "$dir/"
	cp -pu "$source"/drivers/vdpa/vdpa_sim/vdpa_sim{.c,.h,_net.c} "$dir/"
	echo 'obj-m := vringh.o vdpa_sim.o vdpa_sim_net.o' >"$dir/Kbuild"
	key=$(cd "$dir" && build_key "$kernel" Kbuild vringh.c vdpa_sim{.c,.h,_net.c})
	build_if_changed "$dir" "$kernel" "$key"
	lab_unlock
}
