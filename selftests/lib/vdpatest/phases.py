# SPDX-License-Identifier: GPL-2.0-only
"""
The two windows in which a migration stops the traffic, cut into phases.

A phase is named after what ends it; the phases of a window follow each other,
so they add up to the window. QEMU's checkpoints bound the windows, the driver's
tracepoints cut them.
"""

from .shell import TestError
from .timeline import Line, number

DRIVER_OK = 4
FOREVER = 1 << 63


def cut(begin, marks):
    """[(name, ns or None)] in the order they should come -> [(name, begin, end)]."""
    phases, at = [], begin
    for name, ns in marks:
        if ns is not None and ns >= at:
            phases.append((name, at, ns))
            at = ns
    return phases


def to_us(phases):
    return {name: (end - begin) // 1000 for name, begin, end in phases}


def is_driver_ok(event):
    return number(event, "status") & DRIVER_OK


def is_reset(event):
    return number(event, "status") == 0


def checkpoint(qemu, name, begin=0, end=FOREVER):
    ns = qemu.first(begin, end, "vmstate_downtime_checkpoint", lambda e: e.args.strip() == name)
    if ns is None:
        raise TestError(f"QEMU's trace has no checkpoint {name}")
    return ns


class Migration:
    """Both windows of one migration. Stamps are CLOCK_MONOTONIC, ns."""

    def __init__(self, result, source, destination, driver):
        """`source`, `destination`: (device name, events of its QEMU)."""
        self.begin, self.end = result["started_ns"], result["ended_ns"]
        self.src = Line(driver, source[0])
        self.dst = Line(driver, destination[0])
        self.src_qemu = Line(source[1])
        self.dst_qemu = Line(destination[1])
        self.stop = checkpoint(self.src_qemu, "src-downtime-start", self.begin, self.end)
        self.switch = self._switch_window()
        self.switchover = (self.stop, self._last_enable(self.dst_qemu, self.stop, self.end))

    @staticmethod
    def _last_enable(qemu, begin, end):
        ns = qemu.last(begin, end, "vhost_vdpa_set_vring_enable_one")
        if ns is None:
            raise TestError("QEMU enabled no queue: the device was not started")
        return ns

    def _switch_window(self):
        begin = self.src_qemu.first(self.begin, self.stop, "vhost_vdpa_suspend")
        if begin is None:
            raise TestError("QEMU did not suspend the device for its shadow virtqueues")
        return begin, self._last_enable(self.src_qemu, begin, self.stop)

    @staticmethod
    def _start_marks(line, begin, end):
        """How a device is brought up, from its reset state to its last queue."""
        ok = line.first(begin, end, "swnet_status", is_driver_ok)
        return [
            ("rings", line.first(begin, end, "swnet_map")),
            ("map", line.last(begin, ok or end, "swnet_map")),
            ("driver_ok", ok),
            ("control_replay", line.last(ok or begin, end, "swnet_ctrl")),
        ]

    def switch_phases(self):
        begin, end = self.switch
        reset = self.src.first(begin, end, "swnet_status", is_reset) or begin
        unmapped = self.src.last(reset, end, "swnet_unmap") or reset
        return cut(begin, [
            ("suspend", self.src.last(begin, end, "swnet_suspended")),
            ("reset", reset),
            ("unmap", unmapped),
            *self._start_marks(self.src, unmapped, end),
            ("enable", end),
        ])

    def bringup(self):
        """First SET_FEATURES to the last queue enabled, on the destination."""
        begin, end = self.switchover
        features = self.dst.last(begin, end, "swnet_features")
        if features is None:
            raise TestError("the destination device saw no SET_FEATURES")
        return features, end

    def switchover_phases(self):
        begin, end = self.switchover
        stopped = checkpoint(self.src_qemu, "src-vm-stopped", begin, end)
        reset = self.src.first(begin, end, "swnet_status", is_reset)
        features, _ = self.bringup()
        return cut(begin, [
            ("vm_stop", self.src.first(begin, stopped, "swnet_suspend")),
            ("suspend", self.src.last(begin, stopped, "swnet_suspended")),
            ("reset", reset),
            ("unmap", self.src.last(begin, stopped, "swnet_unmap")),
            ("source_rest", stopped),
            ("last_pages_and_vmstate", features),
            *self._start_marks(self.dst, features, end),
            ("enable", end),
        ])
