# SPDX-License-Identifier: GPL-2.0-only
"""The kernel's packet generator, as if the host itself sent to the guest."""

import subprocess

from vdpatest.shell import read_file, run, wait_for, write_file

PROC = "/proc/net/pktgen"
CPU = 0
THREAD = f"kpktgend_{CPU}"


def load():
    run("modprobe", "pktgen")


class Pktgen:
    """Sends to one interface until it is stopped, as fast as that takes."""

    def __init__(self, interface, frame_bytes):
        self.name = f"{interface}@{CPU}"
        write_file(f"{PROC}/{THREAD}", "rem_device_all\n")
        write_file(f"{PROC}/{THREAD}", f"add_device {self.name}\n")
        for setting in ("count 0", "delay 0", "clone_skb 0", f"pkt_size {frame_bytes}",
                        "dst_mac 52:54:00:00:00:01", "src_mac 52:54:00:00:00:fe",
                        "dst_min 198.18.0.2", "dst_max 198.18.0.2"):
            write_file(f"{PROC}/{self.name}", f"{setting}\n")
        self.writer = None

    def start(self):
        # The write ends when the sending does.
        # pylint: disable=consider-using-with
        self.writer = subprocess.Popen(["sh", "-c", f"echo start >{PROC}/pgctrl"])
        wait_for("pktgen to start", lambda: "Running: \n" not in read_file(f"{PROC}/{THREAD}"), 5)

    def stop(self):
        write_file(f"{PROC}/pgctrl", "stop\n")
        self.writer.wait(20)
        return read_file(f"{PROC}/{self.name}")
