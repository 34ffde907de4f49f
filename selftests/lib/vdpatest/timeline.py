# SPDX-License-Identifier: GPL-2.0-only
"""
Events of the driver (tracepoints) and of QEMU (its trace log) in one clock,
CLOCK_MONOTONIC in ns.
"""

import collections
import glob
import os
import re
import time

from .shell import TestError, read_file, write_file

TRACEFS = "/sys/kernel/tracing"
SYSTEM = "vdpa_sw_net"

Event = collections.namedtuple("Event", "ns name args")

QEMU_LINE = re.compile(r"^\d+@(\d+)\.(\d{6}):(\w+) ?(.*)$")
FTRACE_LINE = re.compile(r"\s(\d+)\.(\d{6}): (\w+): (.*)$")


def field(event, name):
    """The value behind `name=` or `name: ` in an event's text, or None."""
    match = re.search(rf"(?:^|[\s,]){name}(?:=|: *)(\S+?)(?:[,\s]|$)", event.args)
    return match.group(1) if match else None


def number(event, name):
    value = field(event, name)
    return int(value, 0) if value else 0


def _parse(text, pattern, offset_ns):
    events = []
    for line in text.splitlines():
        match = pattern.search(line)
        if match:
            ns = int(match.group(1)) * 1_000_000_000 + int(match.group(2)) * 1000
            events.append(Event(ns + offset_ns, match.group(3), match.group(4)))
    return events


def realtime_offset_ns():
    """What to add to CLOCK_REALTIME; nobody steps the clock of a lab VM."""
    return time.monotonic_ns() - time.time_ns()


def qemu_events(path):
    return _parse(read_file(path), QEMU_LINE, realtime_offset_ns())


class DriverTrace:
    """All tracepoints of the driver, from start() to stop()."""

    def __init__(self):
        if not os.path.isdir(f"{TRACEFS}/events/{SYSTEM}"):
            raise TestError(f"no tracepoints of {SYSTEM}")

    @staticmethod
    def start():
        # Mapping a gigabyte of small pages makes a few hundred thousand events.
        write_file(f"{TRACEFS}/buffer_size_kb", "16384")
        write_file(f"{TRACEFS}/trace_clock", "mono")
        write_file(f"{TRACEFS}/trace", "")
        write_file(f"{TRACEFS}/events/{SYSTEM}/enable", "1")

    @staticmethod
    def stop(keep=None):
        write_file(f"{TRACEFS}/events/{SYSTEM}/enable", "0")
        lost = sum(DriverTrace._overrun(path)
                   for path in glob.glob(f"{TRACEFS}/per_cpu/cpu*/stats"))
        if lost:
            raise TestError(f"the trace buffer overran, {lost} events are lost")
        text = read_file(f"{TRACEFS}/trace")
        if keep:
            write_file(keep, text)
        return _parse(text, FTRACE_LINE, 0)

    @staticmethod
    def _overrun(path):
        match = re.search(r"^overrun: (\d+)", read_file(path), re.MULTILINE)
        return int(match.group(1)) if match else 0


class Line:
    """The events of one source, for questions like "the last map before t"."""

    def __init__(self, events, device=None):
        self.events = [e for e in events if device is None or field(e, "dev") == device]

    def between(self, begin, end, *names):
        return [e for e in self.events if begin <= e.ns <= end and (not names or e.name in names)]

    def first(self, begin, end, name, match=lambda e: True):
        return next((e.ns for e in self.between(begin, end, name) if match(e)), None)

    def last(self, begin, end, name, match=lambda e: True):
        return next((e.ns for e in reversed(self.between(begin, end, name)) if match(e)), None)
