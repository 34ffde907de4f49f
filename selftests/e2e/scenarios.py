# SPDX-License-Identifier: GPL-2.0-only
"""
Live migrations of a Linux guest by an unmodified QEMU, judged by the traffic.

  scenarios.py IMAGE round-trips|cancel|multiqueue [MACHINE...]

A machine is what Lab takes, as JSON; each gets a run of the scenario. E2E_QEMU is
the QEMU to use.
"""

import json
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))

# pylint: disable=wrong-import-position
from vdpatest.ktap import Ktap
from vdpatest.lab import Lab, qemu_version, unload_driver
from vdpatest.migrate import cancel, lose_destination, migrate
from vdpatest.topology import GUEST_ADDRS
from vdpatest.traffic import DIRECTIONS, lost_outside, total

SCALE = os.environ.get("SCALE") or "test"
PERIOD_US = 1000
ROUND_TRIPS = {"test": 3, "soak": 10}
FLOWS = 64
OTHER_MAC = "52:54:00:00:01:01"


def bring_up(ktap, lab):
    ktap.note(f"QEMU {qemu_version()}, {lab.describe()}")
    lab.build()
    lab.boot()
    ktap.check("the guest got its address by DHCP and answers ping", True)
    blockers = lab.vmm.blockers()
    ktap.check("QEMU has no reason not to migrate", not blockers, "; ".join(blockers))


def judge(ktap, seen, windows):
    """What holds for any traffic, whatever was done to the guest meanwhile."""
    for direction in DIRECTIONS:
        d = seen[direction]
        ktap.note(f"{direction}: sent {d['sent']} received {d['received']} lost {d['lost']} "
                  f"reordered {d['reordered']} max gap {d['max_gap_us']} us")
        ktap.check(f"{direction}: traffic flowed", d["received"] > 0)
    tcp = seen["tcp"]
    ktap.check("the TCP connection is alive and every byte came back right",
               tcp["alive"] and not tcp["mismatches"] and tcp["echoed"] == tcp["sent"] > 0,
               f"{tcp['echoed']} of {tcp['sent']} bytes, longest stall {tcp['max_stall_us']} us")
    ktap.check("nothing is duplicated", not total(seen, "duplicated"))
    ktap.check("nothing is corrupted", not total(seen, "corrupted"))
    elsewhere = sum(lost_outside(seen[d], windows) for d in DIRECTIONS)
    ktap.check("nothing is lost but in the switch-over", not elsewhere,
               f"{elsewhere} lost elsewhere" if elsewhere else "")


def one_way(ktap, lab, number, paused=False):
    destination = lab.start_destination(paused)
    time.sleep(1)
    result = migrate(lab.vmm, destination)
    lab.take_over(destination)
    answers = lab.answers()
    ports = [lab.topology.bridge_port_of(mac) for mac in lab.macs]
    ktap.check(f"migration {number} to {destination.device.name}",
               answers and ports == [device.name for device in destination.devices],
               f"downtime {result['downtime_ms']} ms, total {result['total_ms']} ms, "
               f"ping {'answered' if answers else 'not answered'}, guest behind {ports}")
    # Until the guest has sent something the bridge sends to where it was.
    return result["started_ns"], time.monotonic_ns()


def round_trips(ktap, lab):
    bring_up(ktap, lab)
    traffic = lab.traffic("traffic", PERIOD_US)
    count = 2 * ROUND_TRIPS[SCALE]
    windows = [one_way(ktap, lab, i + 1) for i in range(count)]
    judge(ktap, traffic.stop(), windows)


def still_there(ktap, lab, what):
    """After a migration that did not take place, as if nothing had been."""
    ktap.check(f"{what}: the guest runs at the source", lab.vmm.status() == "running")
    ktap.check(f"{what}: the guest answers ping", lab.topology.ping())


def disturbed(ktap, lab, what, disturb):
    destination = lab.start_destination()
    began = time.monotonic_ns()
    disturb(lab.vmm, destination)
    still_there(ktap, lab, what)
    lab.abandon(destination)
    return began, time.monotonic_ns()


def cancelled(ktap, lab):
    bring_up(ktap, lab)
    traffic = lab.traffic("traffic", PERIOD_US)
    windows = [disturbed(ktap, lab, "cancelled", cancel),
               disturbed(ktap, lab, "destination lost", lose_destination)]
    windows.append(one_way(ktap, lab, 1))
    judge(ktap, traffic.stop(), windows)


def check_pairs(ktap, lab, when):
    """Every queue pair that the guest uses carries frames both ways, and no other."""
    for nic, device in enumerate(lab.vmm.devices):
        before = device.frames()
        answered = lab.topology.answered_flows(GUEST_ADDRS[nic], FLOWS)
        moved = [(new[0] - old[0], new[1] - old[1])
                 for old, new in zip(before, device.frames())]
        used, idle = moved[:lab.pairs_in_use()], moved[lab.pairs_in_use():]
        ktap.check(f"{when}: {device.name} carries frames on {len(used)} of {len(moved)} pairs",
                   answered == FLOWS and all(all(pair) for pair in used)
                   and not any(any(pair) for pair in idle),
                   f"{answered} of {FLOWS} flows answered, frames to and from the guest: {moved}")


def multiqueue(ktap, lab):
    """There with another MAC address, and back to a QEMU started with -S."""
    bring_up(ktap, lab)
    check_pairs(ktap, lab, "at the source")
    lab.set_guest_mac(0, OTHER_MAC)
    traffic = [lab.traffic(f"traffic-{nic}", PERIOD_US, nic) for nic in range(lab.nics)]
    windows = []
    for number, paused in enumerate((False, True), 1):
        windows.append(one_way(ktap, lab, number, paused))
        check_pairs(ktap, lab, f"after migration {number}")
    for flow in traffic:
        judge(ktap, flow.stop(), windows)


SCENARIOS = {"round-trips": round_trips, "cancel": cancelled, "multiqueue": multiqueue}


def main():
    image, scenario, *machines = sys.argv[1:]

    def body(results):
        for machine in machines or ["{}"]:
            lab = Lab(image, **json.loads(machine))
            try:
                SCENARIOS[scenario](results, lab)
            finally:
                lab.remove()
            unload_driver()
            results.check("nothing holds the driver when the devices are gone", True)
    return Ktap().run(body)


if __name__ == "__main__":
    sys.exit(main())
