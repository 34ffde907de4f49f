# SPDX-License-Identifier: GPL-2.0-only
"""An unmodified QEMU with a nested Linux guest on one vDPA device."""

import os
import resource
import shutil
import signal
import subprocess

from .qmp import Qmp
from .shell import OUT, SLOW, TestError, log, read_file, wait_for, write_file
from .topology import GUEST_MAC, MGMTDEV

TRACE_EVENTS = ("vhost_vdpa_*", "vhost_svq_*", "vmstate_downtime_*", "migrate_set_state")


# Untouched memory would be cleared by the pinning, inside the blackout.
MEMORY = {
    "vdpasw_net": "memory-backend-ram,prealloc=on",
    "vdpasw_net_shm": "memory-backend-memfd,share=on",
}

ACCEL = {
    "kvm": ("-accel", "kvm", "-cpu", "host"),
    "tcg": ("-accel", "tcg,tb-size=64"),
}


def memlock_unlimited():
    # vhost-vdpa charges all of guest RAM to the limit, root or not.
    resource.setrlimit(resource.RLIMIT_MEMLOCK,
                       (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


class Vmm:
    """`image` is the directory with the nested guest's vmlinux and initrd."""

    binary = os.environ.get("E2E_QEMU", "qemu-system-x86_64")

    def __init__(self, name, image, device, ram_mb, accel="tcg", incoming=False, append=""):
        self.name = name
        self.device = device
        base = os.path.join(OUT, name)
        self.socket = f"/tmp/{name}.qmp"
        self.console = f"{base}.console.log"
        # A line of this log costs microseconds in memory and, in the middle of
        # the blackout, milliseconds on the share.
        self.trace = f"/tmp/{name}.qemu.log"
        self.keep = f"{base}.qemu.log"
        self.stderr = f"{base}.stderr.log"
        events = f"/tmp/{name}.events"
        write_file(events, "\n".join(TRACE_EVENTS) + "\n")
        argv = self._argv(image, ram_mb, accel, incoming, append, events)
        write_file(f"{base}.cmdline", " ".join(argv) + "\n")
        # pylint: disable-next=consider-using-with
        self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL,
                                        stderr=open(self.stderr, "wb"),
                                        preexec_fn=memlock_unlimited)
        try:
            self.qmp = Qmp(self.socket, self.alive, 60 * SLOW)
            self.qmp.command("migrate-set-capabilities",
                             capabilities=[{"capability": "events", "state": True}])
        except TestError:
            self.kill()
            raise

    def _argv(self, image, ram_mb, accel, incoming, append, events):
        argv = [
            self.binary, "-name", self.name, "-nodefaults", "-no-user-config",
            *ACCEL[accel], "-smp", "1", "-m", str(ram_mb),
            "-machine", "pc,memory-backend=ram",
            "-object", f"{MEMORY[MGMTDEV]},id=ram,size={ram_mb}M",
            "-display", "none", "-serial", f"file:{self.console}",
            "-kernel", f"{image}/vmlinux", "-initrd", f"{image}/initrd",
            "-append", f"console=ttyS0 quiet panic=-1 {append}", "-no-reboot",
            "-netdev", self.netdev(),
            "-device", f"virtio-net-pci,netdev=net,mac={GUEST_MAC},disable-legacy=on,romfile=",
            "-qmp", f"unix:{self.socket},server=on,wait=off",
            "-trace", f"events={events}", "-D", self.trace, "-msg", "timestamp=on",
        ]
        return argv + (["-incoming", "defer"] if incoming else [])

    def netdev(self):
        return f"vhost-vdpa,id=net,vhostdev={self.device.chardev}"

    def alive(self):
        return self.process.poll() is None

    def wait_guest_up(self, timeout):
        """The guest has its address and runs its end of the traffic."""
        def up():
            text = read_file(self.console) if os.path.exists(self.console) else ""
            if "guest: failed" in text or not self.alive():
                raise TestError(f"the guest did not come up, see {self.console}:\n"
                                + "\n".join(text.splitlines()[-15:]))
            return "guest: up" in text
        wait_for("the guest has an address", up, timeout)

    def blockers(self):
        return self.qmp.command("query-migrate").get("blocked-reasons", [])

    def status(self):
        return self.qmp.command("query-status")["status"]

    def _keep_trace(self):
        if os.path.exists(self.trace):
            shutil.copyfile(self.trace, self.keep)

    def quit(self):
        """End QEMU as a user would; one that does not end is a failure, too."""
        if self.alive():
            self.qmp.command("quit")
        code = self.process.wait(timeout=30 * SLOW)
        self.qmp.close()
        self._keep_trace()
        if code:
            raise TestError(f"QEMU {self.name} ended with status {code}")

    def _explain_end(self):
        log(f"QEMU {self.name} had ended by itself, status {self.process.returncode}")
        # A guest that panics ends its QEMU, too: see -no-reboot.
        for path in self.stderr, self.console:
            for line in read_file(path).splitlines()[-10:]:
                log(f"{os.path.basename(path)}: {line}")

    def kill(self):
        if self.alive():
            log(f"killing QEMU {self.name}")
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        elif self.process.returncode != -signal.SIGKILL:
            self._explain_end()
        self._keep_trace()
