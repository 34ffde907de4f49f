# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Did a VM run end well? Silence is no success: the last line of the KTAP port
# must say so, and the kernel must not have complained.

# What the kernel prints when something is broken, whatever its loglevel.
CRASH_PATTERNS=(
	'BUG: '
	'WARNING: '
	'\] RIP: '
	'\] Call Trace:'
	'\] ref_tracker: '
	'unreferenced object 0x'
	'Kernel panic'
	'Oops: '
	'general protection fault'
	'blocked for more than [0-9]+ seconds'
	'INFO: (possible|inconsistent|trying|task|rcu)'
	'rcu: INFO: .*stall'
	'soft lockup|hard LOCKUP'
	'refcount_t: '
	'list_(add|del) corruption'
	'ODEBUG: '
	'UBSAN: '
	'KFENCE: '
	'trying to unregister|unregister_netdevice: waiting for'
	'scheduling while atomic'
	'bad unlock balance|suspicious RCU usage|held lock freed'
	'Objects remaining in|Slab cache still has objects'
	'page allocation failure'
	'Bad page state'
)

crash_regex() {
	local IFS='|'

	echo "${CRASH_PATTERNS[*]}"
}

# The time-out's NMI makes a log of its own that says nothing about the kernel.
before_nmi() {
	sed '/NMI received for unknown reason/,$d' "$1"
}

# Own words before "BUG: " in a test's output must not match: kernel lines
# start with a time stamp.
crashes_in() {
	[ -e "$1" ] || return 0
	before_nmi "$1" | grep -nE "^(<[0-9]+>)?\[ *[0-9]+\.[0-9]+\].*($(crash_regex))" |
		tr -d '\r' || true
}

# verdict DIR STATUS: prints nothing and succeeds, or prints the reasons.
verdict() {
	local dir=$1 status=$2 log=$1/ktap.log bad=0 line

	complain() {
		say "$*"
		bad=1
	}

	[ "$status" -eq 0 ] || complain "QEMU ended with status $status"
	line=$(grep -aE '^# vm-exit: ' "$log" | tail -n1 | tr -d '\r')
	case $line in
	'# vm-exit: 0') ;;
	'# vm-exit: '*) complain "the command ended with status ${line##* }" ;;
	*) complain "the VM went away before the command ended" ;;
	esac
	[ ! -e "$dir/timeout" ] || complain "timeout after $(<"$dir/timeout") s;" \
		"the stacks of all tasks are in $dir/console.log"
	while read -r line; do
		complain "the kernel ends with ${line#'# vm-'}"
	done < <(grep -aE '^# vm-(taint|leak): ' "$log")
	line=$(crashes_in "$dir/console.log" | head -n1)
	[ -n "$line" ] || line=$(crashes_in "$dir/share/dmesg" | head -n1)
	[ -z "$line" ] || complain "the kernel complained: ${line#*:}"
	return "$bad"
}

# The part of the logs that a reader would look for first. Marked as a quotation:
# a "not ok" must not count twice where stderr and stdout are one.
show_what_matters() {
	local dir=$1 console=$1/console.log first

	{
		grep -aE '^ *not ok|^Bail out!' "$dir/ktap.log" | tail -n 10
		first=$(crashes_in "$console" | head -n1 | cut -d: -f1)
		if [ -n "$first" ]; then
			sed -n "$((first > 2 ? first - 2 : 1)),$((first + 30))p" "$console"
		else
			before_nmi "$console" | tail -n 15
			[ ! -e "$dir/timeout" ] || userspace_stacks "$console" | head -n 60
		fi
	} | tr -d '\r' | sed 's/^/| /' >&2 || true
	say "logs: $dir"
}

# Kernel threads (children of 2) are rarely the ones that hang.
userspace_stacks() {
	awk '/ task:/ { show = $0 !~ /ppid:[02] / } / ppid:0 /,/<\/TASK>/ { next }
		/Sched Debug Version/ { exit }
		show && !/RIP:|RSP:|Code: |R[0-9A-Z]+: [0-9a-f]{16}|\?/' "$1"
}
