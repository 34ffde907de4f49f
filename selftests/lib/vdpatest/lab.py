# SPDX-License-Identifier: GPL-2.0-only
"""The guest, the QEMU it lives in at the moment, and everything around it."""

import glob
import itertools
import os
import re

from .shell import OUT, SLOW, TestError, log, run
from .topology import GUEST_ADDRS, GUEST_MACS, MGMTDEV, Topology
from .traffic import Traffic
from .vmm import Machine, Vmm

# In order: what the driver needs, the driver, what the topology needs.
MODULES = ("vdpa", "vhost_vdpa", "bridge", "veth")
DRIVER = "vdpa_sw_net"

BOOT_S = {"kvm": 60, "tcg": 150}


def qemu_version():
    match = re.search(r"version (\S+)", run(Vmm.binary, "--version"))
    return match.group(1) if match else "unknown"


def load_driver():
    if os.path.isdir(f"/sys/module/{DRIVER}"):
        return
    for module in MODULES:
        run("modprobe", module)
    path = glob.glob(os.path.join(os.environ.get("VM_MODULES", "."), f"{DRIVER}.ko"))
    if not path:
        raise TestError(f"no {DRIVER}.ko in VM_MODULES")
    run("insmod", path[0])


def unload_driver():
    run("rmmod", DRIVER)


def load_kvm():
    """
    The lab VM's own emulation knows SVM, so KVM works in it: the guest is then
    emulated once instead of twice. The modules are not among those unpacked for
    VMs, but modprobe can read them from the kernel package's tree.
    """
    tree = os.environ.get("VM_KERNEL_MODULES", "").split("/modules/lib/modules/")[0]
    for module in ("kvm_amd", "kvm_intel"):
        if tree:
            run("modprobe", "-d", tree, module, check=False)
    return os.path.exists("/dev/kvm")


class Lab:
    """
    `vmm` is where the guest runs; the other devices are where it may go next.
    `pairs` is what each device has; a guest without `mq` uses one of them.
    """

    numbers = itertools.count(1)

    # pylint: disable-next=too-many-arguments,too-many-positional-arguments
    def __init__(self, image, ram_mb=256, pairs=1, mq=True, nics=1, shared=False):
        self.image = image
        self.machine = Machine(ram_mb, mq and pairs > 1, shared or MGMTDEV == "vdpasw_net_shm")
        self.pairs = pairs
        self.nics = nics
        self.topology = Topology(f"{image}/busybox")
        self.hosts = ()
        self.vmm = None
        self.running = []
        self.macs = list(GUEST_MACS[:nics])
        self.accel = "tcg"

    def build(self):
        load_driver()
        self.hosts = self.topology.build(self.pairs, self.nics)
        if load_kvm():
            self.accel = "kvm"

    def describe(self):
        return (f"{self.nics} device(s) with {self.pairs} queue pair(s), "
                f"{self.pairs_in_use()} used, {'shared' if self.machine.shared else 'anonymous'} "
                "memory")

    def pairs_in_use(self):
        return self.pairs if self.machine.mq else 1

    def _start(self, devices, incoming, paused=False):
        append = f"GUEST_PAIRS={self.pairs}" if self.machine.mq else ""
        if self.nics > 1:
            append += f" GUEST_ADDR2={GUEST_ADDRS[1]}/24"
        vmm = Vmm(f"qemu-{next(self.numbers)}-{devices[0].name}", self.image, devices,
                  self.machine, self.accel, incoming, paused, append)
        self.running.append(vmm)
        return vmm

    def boot(self):
        try:
            self._boot()
        except TestError as error:
            # /dev/kvm may be there and yet not run a kernel.
            if self.accel != "kvm":
                raise
            log(f"the guest does not run with KVM, it will be emulated: {error}")
            if self.vmm:
                self.abandon(self.vmm)
            self.accel = "tcg"
            self._boot()

    def _boot(self):
        self.vmm = self._start(self.hosts[0], incoming=False)
        self.vmm.wait_guest_up(BOOT_S[self.accel] * SLOW)
        if not self.answers():
            raise TestError("the guest does not answer ping")

    def answers(self):
        return all(self.topology.ping(addr=addr) for addr in GUEST_ADDRS[:self.nics])

    def set_guest_mac(self, nic, mac):
        """As the guest's administrator would; nobody outside knows the old one any more."""
        self.vmm.tell(f"ip link set dev eth{nic} address {mac}")
        self.macs[nic] = mac
        self.topology.forget_neighbours()

    def start_destination(self, paused=False):
        """A QEMU that waits for the guest, on the devices that are free."""
        devices = next(h for h in self.hosts if h is not self.vmm.devices)
        return self._start(devices, incoming=True, paused=paused)

    def take_over(self, destination):
        """The guest lives there now: the source's QEMU ends, its device is free."""
        self.discard(self.vmm)
        self.vmm = destination

    def discard(self, vmm):
        vmm.quit()
        self.running.remove(vmm)

    def abandon(self, vmm):
        """A destination whose migration failed; QEMU may have ended by itself."""
        vmm.kill()
        self.running.remove(vmm)

    def traffic(self, name, period_us, nic=0):
        """Frames every period_us each way, or as often as the guest can stand."""
        return Traffic(f"{self.image}/traffic", os.path.join(OUT, f"{name}.json"), period_us,
                       nic=nic)

    def remove(self):
        for vmm in self.running:
            vmm.kill()
        self.topology.remove()
        log("lab removed")
