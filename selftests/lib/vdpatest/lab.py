# SPDX-License-Identifier: GPL-2.0-only
"""The guest, the QEMU it lives in at the moment, and everything around it."""

import glob
import os
import re

from .shell import OUT, SLOW, TestError, log, run
from .topology import Topology
from .traffic import Traffic
from .vmm import Vmm

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
    """`vmm` is where the guest runs; the other device is where it may go next."""

    def __init__(self, image, ram_mb=256, pairs=1):
        self.image = image
        self.ram_mb = ram_mb
        self.pairs = pairs
        self.topology = Topology(f"{image}/busybox")
        self.devices = []
        self.vmm = None
        self.running = []
        self.started = 0
        self.accel = "tcg"

    def build(self):
        load_driver()
        self.devices = self.topology.build(self.pairs)
        if load_kvm():
            self.accel = "kvm"

    def _start(self, device, incoming):
        self.started += 1
        append = f"GUEST_PAIRS={self.pairs}" if self.pairs > 1 else ""
        vmm = Vmm(f"qemu-{self.started}-{device.name}", self.image, device, self.ram_mb,
                  self.accel, incoming, append)
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
        self.vmm = self._start(self.devices[0], incoming=False)
        self.vmm.wait_guest_up(BOOT_S[self.accel] * SLOW)
        if not self.topology.ping():
            raise TestError("the guest does not answer ping")

    def start_destination(self):
        """A QEMU that waits for the guest, on the device that is free."""
        device = next(d for d in self.devices if d is not self.vmm.device)
        return self._start(device, incoming=True)

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

    def traffic(self, name, period_us):
        """Frames every period_us each way, or as often as the guest can stand."""
        return Traffic(f"{self.image}/traffic", os.path.join(OUT, f"{name}.json"), period_us)

    def remove(self):
        for vmm in self.running:
            vmm.kill()
        self.topology.remove()
        log("lab removed")
