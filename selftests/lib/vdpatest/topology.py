# SPDX-License-Identifier: GPL-2.0-only
"""
Two vDPA devices stand for two hosts; a bridge is the network between them and
a namespace is everybody else:

     source QEMU          destination QEMU         namespace "outside"
          |                      |                DHCP server, traffic
    /dev/vhost-vdpa-0     /dev/vhost-vdpa-1         10.77.0.1 | out0
          |                      |                            |
     netdev vdpa0           netdev vdpa1                    veth br-out
          +-----------+----------+----------------------------+
                     br0 (no STP: a port forwards as soon as it has a carrier)

A guest with two network cards has vdpa2 and vdpa3 as well, and 10.77.1.0/24.
"""

import glob
import os
import re
import subprocess
import sys

from .shell import SLOW, TestError, log, run, wait_for, write_file

NETNS = "outside"
BRIDGE = "br0"
OUTSIDE_ADDRS = ("10.77.0.1", "10.77.1.1")
GUEST_ADDRS = ("10.77.0.100", "10.77.1.100")
GUEST_MACS = ("52:54:00:00:00:01", "52:54:00:00:00:02")
MGMTDEV = os.environ.get("VDPA_MGMTDEV", "vdpasw_net")
FLOWS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "flows.py")


def ip(*argv):
    return run("ip", *argv)


def outside(*argv):
    """The command line that runs argv in the outside world."""
    return ["ip", "netns", "exec", NETNS, *argv]


class Device:
    """One vDPA device with its host interface in the bridge."""

    def __init__(self, name, mac, pairs=1):
        self.name = name
        self.mac = mac
        run("vdpa", "dev", "add", "name", name, "mgmtdev", MGMTDEV,
            "mac", mac, "max_vqp", str(pairs))
        self.chardev = wait_for(f"/dev/vhost-vdpa of {name}", self._chardev, 10)
        ip("link", "set", self.netdev(), "master", BRIDGE, "up")

    def _chardev(self):
        for path in glob.glob(f"/sys/bus/vdpa/devices/{self.name}/vhost-vdpa-*"):
            node = f"/dev/{os.path.basename(path)}"
            return node if os.path.exists(node) else None
        return None

    def netdev(self):
        return self.name

    def frames(self):
        """Of each queue pair: (to the guest, from the guest)."""
        count = dict(re.findall(r"^ *(\w+_packets): (\d+)$", run("ethtool", "-S", self.netdev()),
                                re.MULTILINE))
        pairs = sum(name.startswith("tx_queue_") for name in count)
        return [(int(count[f"tx_queue_{i}_packets"]), int(count[f"rx_queue_{i}_packets"]))
                for i in range(pairs)]

    def delete(self):
        run("vdpa", "dev", "del", self.name)


class Topology:
    def __init__(self, busybox):
        self.busybox = busybox
        self.dhcpd = None
        self.devices = []

    def build(self, pairs=1, nics=1):
        """The devices of the source, and those of the destination."""
        self._network()
        self._dhcp_server()
        self.devices = [Device(f"vdpa{i}", GUEST_MACS[i // 2], pairs) for i in range(2 * nics)]
        return self.devices[0::2], self.devices[1::2]

    @staticmethod
    def _network():
        ip("netns", "add", NETNS)
        ip("link", "add", BRIDGE, "type", "bridge", "stp_state", "0", "forward_delay", "0")
        ip("link", "add", "br-out", "type", "veth", "peer", "name", "out0", "netns", NETNS)
        ip("link", "set", "br-out", "master", BRIDGE, "up")
        ip("link", "set", BRIDGE, "up")
        ip("-n", NETNS, "link", "set", "lo", "up")
        ip("-n", NETNS, "link", "set", "out0", "up")
        for addr in OUTSIDE_ADDRS:
            ip("-n", NETNS, "addr", "add", f"{addr}/24", "dev", "out0")

    def _dhcp_server(self):
        conf, leases = "/tmp/udhcpd.conf", "/tmp/udhcpd.leases"
        write_file(leases, "")
        write_file(conf, f"start {GUEST_ADDRS[0]}\nend {GUEST_ADDRS[0]}\ninterface out0\n"
                         f"lease_file {leases}\npidfile /tmp/udhcpd.pid\n"
                         "option subnet 255.255.255.0\noption lease 3600\n")
        # pylint: disable-next=consider-using-with
        self.dhcpd = subprocess.Popen(outside(self.busybox, "udhcpd", "-f", conf),
                                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def bridge_port_of(self, mac):
        """The port behind which the bridge believes the address is."""
        for line in run("bridge", "fdb", "show", "br", BRIDGE).splitlines():
            words = line.split()
            if words[0] == mac and "permanent" not in words:
                return words[words.index("dev") + 1]
        return None

    @staticmethod
    def forget_neighbours():
        ip("-n", NETNS, "neigh", "flush", "all")

    def ping(self, tries=10, addr=GUEST_ADDRS[0]):
        """Does the guest answer? An emulated one may need its time."""
        argv = outside(self.busybox, "ping", "-c", "1", "-W", "3", addr)
        return any(subprocess.run(argv, stdout=subprocess.DEVNULL, check=False).returncode == 0
                   for _ in range(tries))

    @staticmethod
    def answered_flows(addr, number):
        """Of so many flows at once, how many the guest answers."""
        return int(run(*outside(sys.executable, FLOWS, addr, str(number), str(20 * SLOW))))

    def remove(self):
        for device in self.devices:
            try:
                device.delete()
            except TestError as error:
                log(error)
        if self.dhcpd:
            self.dhcpd.terminate()
            self.dhcpd.wait()
        run("ip", "link", "del", BRIDGE, check=False)
        run("ip", "netns", "del", NETNS, check=False)
