# SPDX-License-Identifier: GPL-2.0-only
"""One testpmd for all subjects: the same code, memory and CPU drive each."""

import os
import re
import subprocess
import time

from vdpatest.shell import SLOW, TestError

PROMPT = b"testpmd> "
# The largest the simulator has; one size for all.
RING = 256
BURST = 64
COUNTERS = re.compile(r"(RX|TX)-packets: (\d+)")
RATES = re.compile(r"(Rx|Tx)-pps: +(\d+)")


def command_line(program, devices):
    """One queue pair each; frames move on one CPU, the prompt is on the other.

    stdbuf, because testpmd prints its answers with stdio and its prompt without.
    """
    argv = ["stdbuf", "-oL", program, "--lcores=0@0,1@1", "--no-pci", "--in-memory", "--iova-mode=va",
            "--log-level=error"]
    for number, device in enumerate(devices):
        argv.append(f"--vdev=net_virtio_user{number},{device},queues=1,queue_size={RING}")
    return argv + ["--", "-i", "--nb-cores=1", "--rxq=1", "--txq=1", f"--rxd={RING}",
                   f"--txd={RING}", f"--burst={BURST}", "--port-topology=loop",
                   "--no-lsc-interrupt", "--total-num-mbufs=8192"]


class Testpmd:
    """Talks to the prompt; every command returns what was printed."""

    CPU = 1

    def __init__(self, program, devices):
        # pylint: disable=consider-using-with
        self.process = subprocess.Popen(command_line(program, devices), bufsize=0,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT)
        self._answer(60 * SLOW)

    @property
    def pid(self):
        return self.process.pid

    def _answer(self, timeout):
        deadline = time.monotonic() + timeout
        answer = b""
        os.set_blocking(self.process.stdout.fileno(), False)
        while not answer.endswith(PROMPT):
            piece = self.process.stdout.read(65536)
            if piece:
                answer += piece
            elif self.process.poll() is not None or time.monotonic() > deadline:
                raise TestError(f"testpmd does not answer: {answer.decode(errors='replace')}")
            else:
                time.sleep(0.01)
        return answer.decode(errors="replace")

    def command(self, text):
        self.process.stdin.write(text.encode() + b"\n")
        return self._answer(10 * SLOW)

    def start(self, port, mode):
        self.command(f"set portlist {port}")
        self.command(f"set fwd {mode}")
        self.command("start")

    def stop(self):
        self.command("stop")

    def port(self, number):
        """Packets so far, and the rates since the last time this was asked."""
        answer = self.command(f"show port stats {number}")
        packets = {name.lower(): int(value) for name, value in COUNTERS.findall(answer)}
        rates = {name.lower(): int(value) for name, value in RATES.findall(answer)}
        if set(packets) != {"rx", "tx"} or set(rates) != {"rx", "tx"}:
            raise TestError(f"testpmd's statistics are not understood: {answer}")
        return packets, rates

    def quit(self):
        self.process.stdin.write(b"quit\n")
        try:
            self.process.wait(20 * SLOW)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
