# SPDX-License-Identifier: GPL-2.0-only
"""The demo inside the lab VM: two devices, one guest, live migrations under traffic."""

import argparse
import json
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))

# pylint: disable=wrong-import-position
import report
from vdpatest.lab import Lab, qemu_version
from vdpatest.migrate import migrate
from vdpatest.phases import Migration
from vdpatest.shell import OUT, TestError, log
from vdpatest.timeline import DriverTrace, qemu_events
from vdpatest.traffic import noise_us

START = time.monotonic()
SETTLE_S = 2


def step(text):
    print(f"[{time.monotonic() - START:6.1f} s] {text}", flush=True)


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--image", required=True, help="directory with vmlinux, initrd, traffic")
    parser.add_argument("--ram", type=int, default=256)
    parser.add_argument("--pairs", type=int, default=1)
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--period-us", type=int, default=1000)
    return parser.parse_args()


def one_run(lab, number, args):
    """Migrate once under traffic: (entry of the report, longest unexplained gap)."""
    source = lab.vmm
    destination = lab.start_destination()
    trace = DriverTrace()
    trace.start()
    traffic = lab.traffic(f"traffic-{number}", args.period_us)
    step(f"run {number}: traffic both ways, {1_000_000 // traffic.period_us} frames/s each")
    time.sleep(SETTLE_S)
    step(f"run {number}: migrating from {source.device.name} to {destination.device.name}")
    result = migrate(source, destination)
    step(f"run {number}: {result['status']}, QEMU says downtime {result['downtime_ms']} ms")
    time.sleep(SETTLE_S)
    seen = traffic.stop()
    events = trace.stop(keep=os.path.join(OUT, f"driver-trace-{number}.txt"))
    migration = Migration(result, (source.device.name, qemu_events(source.trace)),
                          (destination.device.name, qemu_events(destination.trace)), events)
    lab.take_over(destination)
    if not seen["tcp"]["alive"] or seen["tcp"]["mismatches"]:
        raise TestError("the TCP connection did not survive")
    setup = {"qemu": qemu_version(), "ram_mb": args.ram, "queue_pairs": args.pairs,
             "memory_mode": "pinned"}
    noise = noise_us(seen, (migration.switch, migration.switchover))
    return report.record("cold", setup, result, migration, seen), noise


def demo(args):
    results = []
    lab = Lab(args.image, args.ram, args.pairs)
    try:
        step("two vDPA devices, their host interfaces in one bridge, a namespace outside")
        lab.build()
        step("unmodified QEMU boots a Linux guest on the first device")
        lab.boot()
        step("the guest has an address by DHCP and answers ping")
        for number in range(1, args.runs + 1):
            results.append(one_run(lab, number, args))
    finally:
        lab.remove()
    return zip(*results)


def main():
    args = arguments()
    step("the lab VM is up")
    try:
        runs, noise = demo(args)
    except TestError as error:
        log(f"demo: {error}")
        step(f"failed: {error}")
        return 1
    with open(os.path.join(OUT, "report.json"), "w", encoding="utf-8") as f:
        json.dump({"runs": runs}, f, indent=1)
        f.write("\n")
    print(f"\n{report.table(runs, noise)}\n", flush=True)
    if os.environ.get("VM_ACCEL") == "tcg":
        print("Everything here ran in an emulated machine: compare these figures with each\n"
              "other and with the noise, not with those of real hardware.\n", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
