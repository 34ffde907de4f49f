# SPDX-License-Identifier: GPL-2.0-only
"""Small frames through virtio-user: this driver beside vhost-net and the simulator.

Runs inside the lab VM. All subjects are ports of one testpmd and are measured
in turn, again and again: an emulated machine on a busy host drifts, and what
drifts hits all of them.
"""

import argparse
import json
import os
import sys
import time
from collections import namedtuple

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../lib"))

# pylint: disable=wrong-import-position
import pktgen
import report
from cpu import Clock
from subjects import SimNet, SwNet, VhostNet
from testpmd import Testpmd
from vdpatest.ktap import Ktap
from vdpatest.shell import OUT, TestError, log, wait_for, write_file

FRAME_BYTES = 64
WARM_UP_S = 0.5

Sample = namedtuple("Sample", "pps cpu_ns")


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--testpmd", required=True, help="the program")
    parser.add_argument("--sim", required=True, help="directory of the simulator's modules")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3)
    return parser.parse_args()


def measure(testpmd, port, direction, clock, seconds):
    """The forwarding goes on: what it does in a window of time."""
    time.sleep(WARM_UP_S)
    before, _ = testpmd.port(port)
    clock.start()
    time.sleep(seconds)
    cpu_ns = clock.elapsed()
    after, rates = testpmd.port(port)
    packets = after[direction] - before[direction]
    if not packets:
        raise TestError(f"port {port}: no {direction} packets in {seconds} s")
    return Sample(rates[direction], cpu_ns / packets)


def sample_tx(testpmd, port, subject, seconds):
    subject.place_worker(busy=testpmd.CPU)
    clock = Clock(subject.worker)
    arrived = subject.arrived()
    sent = testpmd.port(port)[0]["tx"]
    testpmd.start(port, "txonly")
    try:
        sample = measure(testpmd, port, "tx", clock, seconds)
    finally:
        testpmd.stop()
    sent = testpmd.port(port)[0]["tx"] - sent
    # Frames dropped on the way would make a backend look fast.
    wait_for(f"all {sent} frames of {subject.name} at the sink",
             lambda: subject.arrived() - arrived == sent, 5)
    return sample


def sample_rx(testpmd, port, subject, seconds):
    source = pktgen.Pktgen(subject.interface, FRAME_BYTES)
    subject.place_worker(busy=pktgen.CPU)
    clock = Clock(subject.worker, pktgen.THREAD)
    testpmd.start(port, "rxonly")
    source.start()
    try:
        return measure(testpmd, port, "rx", clock, seconds)
    finally:
        log(source.stop())
        testpmd.stop()


SAMPLERS = {"tx": sample_tx, "rx": sample_rx}


def sample_all(testpmd, subjects, args):
    samples = {(d, s.name): [] for d in SAMPLERS for s in subjects if d in s.directions}
    for number in range(args.rounds):
        for direction, sampler in SAMPLERS.items():
            for port, subject in enumerate(subjects):
                if direction not in subject.directions:
                    continue
                sample = sampler(testpmd, port, subject, args.seconds)
                samples[direction, subject.name].append(sample)
                Ktap.note(f"round {number + 1}: {subject.name} {direction}"
                          f" {sample.pps / 1e6:.3f} Mpps, {sample.cpu_ns:.0f} ns/packet")
    return samples


def prepare(subjects, args):
    pktgen.load()
    for subject in subjects:
        subject.create()
    testpmd = Testpmd(args.testpmd, [subject.devargs for subject in subjects])
    for subject in subjects:
        subject.settle()
    return testpmd


def write_report(samples):
    rows = [report.row(subject, direction, values, FRAME_BYTES)
            for (direction, subject), values in samples.items()]
    report.add_ratios(rows)
    write_file(os.path.join(OUT, "datapath.json"), json.dumps({"rows": rows}, indent=1) + "\n")
    write_file(os.path.join(OUT, "datapath.txt"), report.table(rows) + "\n")


def benchmark(ktap, args):
    subjects = [SwNet(), VhostNet(), SimNet(args.sim)]
    testpmd = prepare(subjects, args)
    try:
        samples = sample_all(testpmd, subjects, args)
    finally:
        testpmd.quit()
    write_report(samples)
    for direction, subject in samples:
        ktap.check(f"{subject} {direction} was measured", True)


def main():
    args = arguments()
    return Ktap().run(lambda ktap: benchmark(ktap, args))


if __name__ == "__main__":
    sys.exit(main())
