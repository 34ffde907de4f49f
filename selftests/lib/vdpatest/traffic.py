# SPDX-License-Identifier: GPL-2.0-only
"""The outside end of the traffic tool, and what it reported."""

import json
import os
import signal
import subprocess

from .shell import SLOW, TestError, read_file, wait_for
from .topology import GUEST_ADDRS, outside

DIRECTIONS = ("to_guest", "from_guest")
PORT = 7000


class Traffic:
    """With the guest's address on network card `nic`, and the end that listens for it."""

    # pylint: disable-next=too-many-arguments,too-many-positional-arguments
    def __init__(self, tool, output, period_us, wait_s=60, nic=0):
        self.output = output
        ready = f"{output}.ready"
        for path in (output, ready):
            if os.path.exists(path):
                os.unlink(path)
        argv = outside(tool, "outside", "--peer", GUEST_ADDRS[nic],
                       "--port", str(PORT + nic), "--output", output,
                       "--ready", ready, "--wait", str(wait_s),
                       "--period-us", str(period_us), "--gap-us", str(3 * period_us))
        # pylint: disable-next=consider-using-with
        self.process = subprocess.Popen(argv)
        wait_for("traffic both ways", lambda: self._started(ready), wait_s + 60 * SLOW)
        self.period_us = int(read_file(ready))

    def _started(self, ready):
        if self.process.poll() is not None:
            raise TestError("the traffic tool gave up")
        return os.path.exists(ready)

    def stop(self):
        """End both directions and return the report."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=120 * SLOW)
        if code:
            raise TestError(f"the traffic tool failed with {code}: no report of the guest")
        with open(self.output, encoding="utf-8") as f:
            return json.load(f)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def total(report, field):
    return sum(report[direction][field] for direction in DIRECTIONS)


MARGIN_NS = 5_000_000


def overlaps(gap, window):
    begin, end = window
    return gap["start_ns"] < end + MARGIN_NS and gap["end_ns"] > begin - MARGIN_NS


def silences_us(report, match):
    """
    Lengths of the gaps, in either direction, that match. What the outside end
    itself did not send (it was not scheduled) is no blackout; the guest's own
    silence is, because it is the guest that stands still.
    """
    for direction in DIRECTIONS:
        for gap in filter(match, report[direction]["gaps"]):
            own = gap["silence_ns"] if direction == "to_guest" else 0
            yield max(0, gap["end_ns"] - gap["start_ns"] - own) // 1000


def blackout_us(report, window):
    """A silence too short to be recorded is as long as the limit, at most."""
    return max(silences_us(report, lambda gap: overlaps(gap, window)),
               default=report["gap_us"])


def noise_us(report, windows):
    """The longest silence that no migration explains: what the lab itself does."""
    return max(silences_us(report, lambda gap: not any(overlaps(gap, w) for w in windows)),
               default=report["gap_us"])


def lost_outside(direction, windows):
    """Frames that are missing although no window was open when they should have come."""
    within = sum(max(0, gap["seq_after"] - gap["seq_before"] - 1)
                 for gap in direction["gaps"]
                 if any(overlaps(gap, window) for window in windows))
    return max(0, direction["lost"] - within)
