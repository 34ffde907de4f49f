# SPDX-License-Identifier: GPL-2.0-only
"""What is compared: a virtio device behind testpmd, its interface on the host."""

import glob
import json
import os

import cpu
from vdpatest.shell import TestError, run, wait_for, write_file


def insmod(directory, *modules):
    for module in modules:
        run("insmod", os.path.join(directory, f"{module}.ko"))


class Subject:
    """`devargs` is for testpmd; `worker` is how the backend's thread is called."""

    name = None
    interface = None
    devargs = None
    worker = None
    directions = ("tx", "rx")

    def create(self):
        """Before testpmd starts."""

    def settle(self):
        """With testpmd running: the interface up, its sink in place."""
        if not self.interface:
            return
        write_file(f"/proc/sys/net/ipv6/conf/{self.interface}/disable_ipv6", "1\n")
        run("ip", "link", "set", self.interface, "up")
        run("tc", "qdisc", "add", "dev", self.interface, "clsact")
        run("tc", "filter", "add", "dev", self.interface, "ingress", "matchall", "action", "drop")

    def place_worker(self, busy):
        """On the CPU that the source of the frames does not use.

        Where the scheduler has no choice no sample differs by its choice, and
        this one serves vhost-net best: it is what its receive rate depends on.
        """
        workers = wait_for(f"the worker of {self.name}", lambda: cpu.threads(self.worker), 5)
        for path in workers:
            os.sched_setaffinity(int(os.path.basename(path)), {1 - busy})

    def arrived(self):
        """Frames the sink has taken."""
        answer = run("tc", "-s", "-j", "filter", "show", "dev", self.interface, "ingress")
        for item in json.loads(answer):
            for action in item.get("options", {}).get("actions", []):
                return action["stats"]["packets"]
        raise TestError(f"no sink at {self.interface}: {answer}")


class VhostNet(Subject):
    name = "vhost_net"
    interface = "benchtap"
    devargs = "path=/dev/vhost-net,iface=benchtap"
    worker = "vhost-"

    def create(self):
        run("modprobe", "-a", "tun", "vhost_net")

    def settle(self):
        super().settle()
        # DPDK, unlike QEMU, asks tun for NAPI. What GRO costs before each
        # frame is dropped would only flatter the others.
        run("ethtool", "-K", self.interface, "gro", "off")


class Vdpa(Subject):
    """A vDPA device bound to vhost_vdpa."""

    device = None
    management = None
    mac = None

    def load(self):
        raise NotImplementedError

    def create(self):
        run("modprobe", "-a", "vdpa", "vhost_vdpa")
        self.load()
        run("vdpa", "dev", "add", "name", self.device, "mgmtdev", self.management,
            "mac", self.mac)
        node = glob.glob(f"/sys/bus/vdpa/devices/{self.device}/vhost-vdpa-*")
        if not node:
            raise TestError(f"{self.device} is not bound to vhost_vdpa")
        self.devargs = f"path=/dev/{os.path.basename(node[0])}"


class SwNet(Vdpa):
    name = "vdpa_sw_net"
    device = interface = "benchvdpa"
    management = "vdpasw_net"
    mac = "52:54:00:00:00:01"
    worker = "benchvdpa/"

    def load(self):
        insmod(os.environ["VM_MODULES"], "vdpa_sw_net")


class SimNet(Vdpa):
    """Loops frames back, so there is nothing to receive and nowhere to arrive."""

    name = "vdpa_sim_net"
    device = "benchsim"
    management = "vdpasim_net"
    mac = "52:54:00:00:00:02"
    worker = "vDPA sim worker"
    directions = ("tx",)

    def __init__(self, modules):
        self.modules = modules

    def load(self):
        run("modprobe", "vhost_iotlb")
        insmod(self.modules, "vringh")
        run("insmod", os.path.join(self.modules, "vdpa_sim.ko"), "use_va=0")
        insmod(self.modules, "vdpa_sim_net")

    def arrived(self):
        answer = run("vdpa", "-j", "dev", "vstats", "show", self.device, "qidx", "1")
        return json.loads(answer)["vstats"][self.device]["tx packets"]
