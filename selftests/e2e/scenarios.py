# SPDX-License-Identifier: GPL-2.0-only
"""
Live migrations of a Linux guest by an unmodified QEMU, judged by the traffic.

  scenarios.py IMAGE round-trips|cancel
"""

import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))

# pylint: disable=wrong-import-position
from vdpatest.ktap import Ktap
from vdpatest.lab import Lab, unload_driver
from vdpatest.migrate import cancel, lose_destination, migrate
from vdpatest.topology import GUEST_MAC
from vdpatest.traffic import DIRECTIONS, lost_outside, total

PERIOD_US = 1000
ROUND_TRIPS = {"test": 3, "soak": 10}


def bring_up(ktap, lab):
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


def one_way(ktap, lab, number):
    destination = lab.start_destination()
    time.sleep(1)
    result = migrate(lab.vmm, destination)
    lab.take_over(destination)
    answers = lab.topology.ping()
    port = lab.topology.bridge_port_of(GUEST_MAC)
    ktap.check(f"migration {number} to {destination.device.name}",
               answers and port == destination.device.name,
               f"downtime {result['downtime_ms']} ms, total {result['total_ms']} ms, "
               f"ping {'answered' if answers else 'not answered'}, guest behind {port}")
    # Until the guest has sent something the bridge sends to where it was.
    return result["started_ns"], time.monotonic_ns()


def round_trips(ktap, lab):
    bring_up(ktap, lab)
    traffic = lab.traffic("traffic", PERIOD_US)
    count = 2 * ROUND_TRIPS[os.environ.get("SCALE") or "test"]
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


SCENARIOS = {"round-trips": round_trips, "cancel": cancelled}


def main():
    image, scenario = sys.argv[1], SCENARIOS[sys.argv[2]]
    ktap, lab = Ktap(), Lab(image)

    def body(results):
        try:
            scenario(results, lab)
        finally:
            lab.remove()
        unload_driver()
        results.check("nothing holds the driver when the devices are gone", True)
    return ktap.run(body)


if __name__ == "__main__":
    sys.exit(main())
