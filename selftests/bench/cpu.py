# SPDX-License-Identifier: GPL-2.0-only
"""CPU time of kernel threads.

The stock kernel accounts interrupts to the task they interrupted
(IRQ_TIME_ACCOUNTING is off): what a softirq costs is in the time of the thread
that raised it, or in ksoftirqd's. So the sum over the threads that do a
backend's work is what the backend costs, softirqs included.
"""

import glob
import os

from vdpatest.shell import read_file

SOFTIRQ = "ksoftirqd/"


def threads(*prefixes):
    """Threads, of the kernel or of a process, whose name starts like that."""
    found = []
    for comm in glob.glob("/proc/[0-9]*/task/[0-9]*/comm"):
        try:
            name = read_file(comm)
        except OSError:
            continue
        if name.startswith(prefixes):
            found.append(os.path.dirname(comm))
    return found


def run_ns(paths):
    """Time on a CPU so far: the first field of schedstat, in nanoseconds."""
    return sum(int(read_file(f"{path}/schedstat").split()[0]) for path in paths)


class Clock:
    """CPU time of a backend's threads and of softirqs."""

    def __init__(self, *prefixes):
        self.paths = threads(*prefixes, SOFTIRQ)
        self.start()

    def start(self):
        self.begin = run_ns(self.paths)

    def elapsed(self):
        return run_ns(self.paths) - self.begin
