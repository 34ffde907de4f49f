# SPDX-License-Identifier: GPL-2.0-only
"""An unmodified QEMU with a nested Linux guest on vDPA devices."""

import os
import re
import resource
import shutil
import signal
import subprocess
from dataclasses import dataclass

from .qmp import Qmp
from .shell import OUT, SLOW, TestError, log, read_file, wait_for, write_file
from .topology import MGMTDEV

TRACE_EVENTS = ("vhost_vdpa_*", "vhost_svq_*", "vmstate_downtime_*", "migrate_set_state")


# Untouched memory would be cleared by the pinning, inside the blackout.
PREALLOC = {"vdpasw_net": ",prealloc=on", "vdpasw_net_shm": ""}

ACCEL = {
    "kvm": ("-accel", "kvm", "-cpu", "host"),
    "tcg": ("-accel", "tcg,tb-size=64"),
}


@dataclass(frozen=True)
class Machine:
    """What the guest sees: the same at both ends of a migration."""
    ram_mb: int = 256
    mq: bool = False            # are several queue pairs offered to the guest
    shared: bool = False        # is its memory a memfd, or anonymous


def memlock_unlimited():
    # vhost-vdpa charges all of guest RAM to the limit, root or not.
    resource.setrlimit(resource.RLIMIT_MEMLOCK,
                       (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


class Vmm:
    """`image` is the directory with the nested guest's vmlinux and initrd."""

    binary = os.environ.get("E2E_QEMU", "qemu-system-x86_64")

    # pylint: disable-next=too-many-arguments,too-many-positional-arguments
    def __init__(self, name, image, devices, machine, accel="tcg", incoming=False,
                 paused=False, append=""):
        self.name = name
        self.devices = devices
        self.device = devices[0]
        self.paused = paused
        self.told = 0
        base = os.path.join(OUT, name)
        self.socket = f"/tmp/{name}.qmp"
        self.console = f"{base}.console.log"
        self.keyboard = self._keyboard(f"/tmp/{name}.keyboard")
        # A line of this log costs microseconds in memory and, in the middle of
        # the blackout, milliseconds on the share.
        self.trace = f"/tmp/{name}.qemu.log"
        self.keep = f"{base}.qemu.log"
        self.stderr = f"{base}.stderr.log"
        events = f"/tmp/{name}.events"
        write_file(events, "\n".join(TRACE_EVENTS) + "\n")
        argv = [self.binary, "-name", name, *self._machine(machine, accel),
                *self._guest(image, append), *self._nics(machine),
                *self._control(events), *(["-incoming", "defer"] if incoming else []),
                *(["-S"] if paused else [])]
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

    @staticmethod
    def _keyboard(path):
        """The guest's console reads what is written here; open, it has no end."""
        if os.path.exists(path):
            os.unlink(path)
        os.mkfifo(path)
        return os.open(path, os.O_RDWR)

    @staticmethod
    def _machine(machine, accel):
        kind = "memfd,share=on" if machine.shared else "ram"
        return ["-nodefaults", "-no-user-config", *ACCEL[accel], "-smp", "1",
                "-m", str(machine.ram_mb), "-machine", "pc,memory-backend=ram",
                "-object", f"memory-backend-{kind},id=ram,size={machine.ram_mb}M"
                           f"{PREALLOC[MGMTDEV]}",
                "-display", "none"]

    def _guest(self, image, append):
        return ["-chardev", f"file,id=console,path={self.console},"
                            f"input-path=/tmp/{self.name}.keyboard",
                "-serial", "chardev:console",
                "-kernel", f"{image}/vmlinux", "-initrd", f"{image}/initrd",
                "-append", f"console=ttyS0 quiet panic=-1 {append}", "-no-reboot"]

    def _nics(self, machine):
        mq = "on" if machine.mq else "off"
        for i, device in enumerate(self.devices):
            yield from ("-netdev", f"vhost-vdpa,id=net{i},vhostdev={device.chardev}",
                        "-device", f"virtio-net-pci,netdev=net{i},mac={device.mac},mq={mq},"
                                   "disable-legacy=on,romfile=")

    def _control(self, events):
        return ["-qmp", f"unix:{self.socket},server=on,wait=off",
                "-trace", f"events={events}", "-D", self.trace, "-msg", "timestamp=on"]

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

    def tell(self, command, timeout=30):
        """Have the guest's shell run a command."""
        self.told += 1
        os.write(self.keyboard, f"{command}; say told {self.told} $?\n".encode())
        answer = wait_for(f"the guest ran: {command}", self._answer, timeout * SLOW)
        if answer.group(1) != "0":
            raise TestError(f"the guest failed at: {command}, see {self.console}")

    def _answer(self):
        return re.search(rf"^guest: told {self.told} (\d+)\s", read_file(self.console),
                         re.MULTILINE)

    def blockers(self):
        return self.qmp.command("query-migrate").get("blocked-reasons", [])

    def status(self):
        return self.qmp.command("query-status")["status"]

    def _ended(self):
        if self.keyboard is not None:
            os.close(self.keyboard)
            self.keyboard = None
        if os.path.exists(self.trace):
            shutil.copyfile(self.trace, self.keep)

    def quit(self):
        """End QEMU as a user would; one that does not end is a failure, too."""
        if self.alive():
            self.qmp.command("quit")
        code = self.process.wait(timeout=30 * SLOW)
        self.qmp.close()
        self._ended()
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
        self._ended()
