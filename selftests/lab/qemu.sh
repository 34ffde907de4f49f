# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# shellcheck disable=SC2054 # QEMU's options have commas
# Starting QEMU, and ending it when the guest does not. Reads opt[], accel, tsc
# and sockets of vm.

COMMANDLINE=(
	# Half a second of the crypto layer testing itself helps nobody here.
	console=ttyS0 loglevel=5 cryptomgr.notests=1 panic=-1 oops=panic panic_on_warn=1
	# On a time-out an NMI makes the guest print all tasks and CPUs; a panic
	# also replays what loglevel kept off the console.
	unknown_nmi_panic=1 panic_print=0x61
	# Nothing may scroll out of the log before the end of a run looks at it.
	log_buf_len=4M
	# Debian has KFENCE with its sampling off.
	kfence.sample_interval=50
	# An emulated CPU on a busy host is late, not locked up.
	no_timer_check watchdog_thresh=60 rcupdate.rcu_cpu_stall_timeout=120
	sysctl.kernel.hung_task_timeout_secs=120 sysctl.kernel.hung_task_panic=1
	random.trust_cpu=1 net.ifnames=0
)

# accelerator KERNEL: /dev/kvm may be there and yet not run a kernel, so only a
# kernel that came up counts. One probe per boot of the host.
accelerator() {
	local answer

	answer=$LAB_CACHE/accel/$(</proc/sys/kernel/random/boot_id)
	if [ ! -s "$answer" ]; then
		mkdir -p "${answer%/*}"
		find "${answer%/*}" -type f -mtime +2 -delete
		if kvm_boots "$1"; then
			echo kvm >"$answer"
		else
			echo tcg >"$answer"
		fi
		say "accelerator: $(<"$answer")"
	fi
	cat "$answer"
}

# The frequency of the time stamp counter, measured once per boot as well.
tsc_khz() {
	local answer

	answer=$LAB_CACHE/accel/$(</proc/sys/kernel/random/boot_id).tsc
	if [ ! -s "$answer" ]; then
		gcc -O2 -o "$answer.$$" "$LAB_DIR/tsc-khz.c"
		"$answer.$$" >"$answer"
		rm "$answer.$$"
	fi
	cat "$answer"
}

kvm_boots() {
	local log

	[ -w /dev/kvm ] || return 1
	log=$(mktemp)
	timeout 10 qemu-system-x86_64 -nodefaults -no-user-config -display none \
		-no-reboot -machine pc -accel kvm -cpu host -m 256 \
		-kernel "$(boot_image "$1")" -initrd "$(initramfs_base "$1")" \
		-append "console=ttyS0 panic=-1 quiet" -serial "file:$log" \
		>/dev/null 2>&1 || true
	grep -q lab-probe-ok "$log"
	local status=$?
	rm -f "$log"
	return "$status"
}

# An uncompressed image starts faster: nothing unpacks it in the guest.
boot_image() {
	"$LAB_DIR/kernel" path "$1" vmlinux
}

# qemu_options DIR: sets qemu[].
# shellcheck disable=SC2154 # vm declares what it reads
qemu_options() {
	local dir=$1 append

	append="${COMMANDLINE[*]} ${opt[append]}"
	[ "${opt[hugepages]}" -eq 0 ] || append+=" hugepages=${opt[hugepages]}"
	[ "${opt[kernel]}-${opt[leakcheck]}" != debug- ] || append+=" kmemleak=off"
	if [ "$accel" = kvm ]; then
		qemu=(qemu-system-x86_64 -accel kvm -cpu host)
	else
		# The nested machines and DPDK want more than qemu64 has.
		qemu=(qemu-system-x86_64 -accel tcg,thread=multi -cpu max)
		append+=" tsc=reliable tsc_early_khz=$tsc"
	fi
	qemu+=(-nodefaults -no-user-config -display none -no-reboot -machine pc
		-m "${opt[mem]}" -smp "${opt[smp]}"
		-kernel "$(boot_image "${opt[kernel]}")"
		-initrd "$dir/initramfs.cpio" -append "$append"
		-device virtio-rng-pci
		-fsdev local,id=root,path=/,security_model=none,readonly=on,multidevs=remap
		-device virtio-9p-pci,fsdev=root,mount_tag=lab_root
		-fsdev "local,id=out,path=$dir/share,security_model=none,multidevs=remap"
		-device virtio-9p-pci,fsdev=out,mount_tag=lab_out
		-qmp "unix:$sockets/qmp,server=on,wait=off")
}

# qemu_run DIR SECONDS: the KTAP port is stdout and DIR/ktap.log.
qemu_run() {
	local dir=$1 limit=$2 status=0 ended
	local -a qemu

	qemu_options "$dir"
	qemu+=(-serial "file:$dir/console.log" -device virtio-serial-pci
		-chardev stdio,id=ktap,signal=off
		-device virtserialport,chardev=ktap,name=lab.ktap)
	printf '%q ' "${qemu[@]}" >"$dir/qemu.cmd"
	: >"$dir/console.log"
	: >"$dir/ktap.log"
	# At the end of its stdin the port would count as disconnected and block
	# the guest; a fifo that has a writer has no end.
	mkfifo "$sockets/stdin" "$sockets/stdout"
	exec 7<>"$sockets/stdin"
	tee "$dir/ktap.log" <"$sockets/stdout" 8>&- &
	tee_pid=$!
	"${qemu[@]}" <&7 >"$sockets/stdout" 2>"$dir/qemu.log" &
	qemu_pid=$!
	watchdog "$dir" "$limit" "$qemu_pid" 8>&- &
	watchdog_pid=$!
	# Whoever read our stdout may be gone: QEMU would not mind, and go on.
	wait -n -p ended "$qemu_pid" "$tee_pid" || status=$?
	if [ "$ended" = "$tee_pid" ]; then
		[ "$status" -eq 0 ] || die "nobody reads the output any more"
		wait "$qemu_pid" || status=$?
	fi
	wait "$tee_pid" || true
	qemu_pid=
	[ "$status" -eq 0 ] || cat "$dir/qemu.log" >&2
	return "$status"
}

# For the EXIT trap: nothing outlives an interrupted run.
qemu_cleanup() {
	local pid

	for pid in ${qemu_pid:-} ${watchdog_pid:-} ${tee_pid:-}; do
		kill "$pid" 2>/dev/null || true
	done
	[ -z "${sockets:-}" ] || rm -rf "$sockets"
}

# The limit is the command's: a busy host may need ten times as long to boot.
# Only a running guest can print its stacks; one that no longer reacts to the
# NMI is killed.
watchdog() {
	local dir=$1 limit=$2 pid=$3 nap

	trap 'kill "$nap" 2>/dev/null; exit' TERM
	if until_started "$dir"; then
		pause "$limit"
	else
		limit=$BOOT_SECONDS
	fi
	echo "$limit" >"$dir/timeout"
	inject_nmi >"$dir/qmp.log" 2>&1 || true
	pause 60
	kill -9 "$pid" 2>/dev/null
}

until_started() {
	local end=$((SECONDS + BOOT_SECONDS))

	until grep -qa '^# vm-start' "$1/ktap.log"; do
		[ "$SECONDS" -lt "$end" ] || return 1
		pause 1
	done
}

# In the background, for the trap to come at once.
pause() {
	sleep "$1" &
	nap=$!
	wait "$nap"
}

inject_nmi() {
	printf '%s\n' '{"execute":"qmp_capabilities"}' '{"execute":"inject-nmi"}' |
		timeout 10 socat -t 5 - "UNIX-CONNECT:$sockets/qmp"
}

qemu_shell() {
	local dir=$1
	local -a qemu

	qemu_options "$dir"
	qemu+=(-chardev "stdio,id=tty,mux=off,signal=off,logfile=$dir/console.log"
		-serial chardev:tty)
	"${qemu[@]}"
}
