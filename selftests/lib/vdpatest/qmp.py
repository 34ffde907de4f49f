# SPDX-License-Identifier: GPL-2.0-only
"""A QMP client: one unix socket, commands in order, events kept with a time stamp."""

import json
import socket
import time

from .shell import TestError


class QmpError(TestError):
    pass


class Qmp:
    def __init__(self, path, alive, timeout):
        """Connect as soon as the monitor listens; `alive` tells that its QEMU still runs."""
        self.buffer = b""
        self.events = []
        self.sock = self._connect(path, alive, time.monotonic() + timeout)
        self._greeting(time.monotonic() + timeout)
        self.command("qmp_capabilities", timeout=timeout)

    @staticmethod
    def _connect(path, alive, deadline):
        while True:
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                sock.connect(path)
                return sock
            except (FileNotFoundError, ConnectionRefusedError):
                sock.close()
            if not alive():
                raise QmpError(f"QEMU ended before its monitor {path} listened")
            if time.monotonic() > deadline:
                raise QmpError(f"no monitor at {path}")
            time.sleep(0.02)

    def _greeting(self, deadline):
        if "QMP" not in self._message(deadline):
            raise QmpError("no QMP greeting")

    def _message(self, deadline):
        """The next message, or None when the deadline passes."""
        while b"\n" not in self.buffer:
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            self.sock.settimeout(left)
            try:
                data = self.sock.recv(65536)
            except TimeoutError:
                return None
            except ConnectionError:
                data = b""
            if not data:
                raise QmpError("QEMU closed its monitor")
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\n", 1)
        return json.loads(line)

    def _keep(self, message):
        if "event" in message:
            self.events.append((time.monotonic_ns(), message["event"], message.get("data", {})))

    def command(self, name, timeout=60, **arguments):
        request = {"execute": name}
        if arguments:
            # Python has no dashes in names, QMP has no underscores in arguments.
            request["arguments"] = {k.replace("_", "-"): v for k, v in arguments.items()}
        try:
            self.sock.sendall(json.dumps(request).encode() + b"\n")
        except ConnectionError as error:
            raise QmpError(f"{name}: QEMU closed its monitor") from error
        deadline = time.monotonic() + timeout
        while True:
            message = self._message(deadline)
            if message is None:
                raise QmpError(f"no answer to {name} in {timeout} s")
            if "error" in message:
                raise QmpError(f"{name}: {message['error'].get('desc', message['error'])}")
            if "return" in message:
                return message["return"]
            self._keep(message)

    def wait_event(self, name, match=lambda data: True, timeout=60):
        """The first event not yet taken that matches; (stamp in ns, data)."""
        deadline = time.monotonic() + timeout
        while True:
            for i, (stamp, event, data) in enumerate(self.events):
                if event == name and match(data):
                    del self.events[: i + 1]
                    return stamp, data
            message = self._message(deadline)
            if message is None:
                raise QmpError(f"no event {name} in {timeout} s")
            self._keep(message)

    def forget_events(self):
        """An earlier migration's "completed" must not be taken for the next one's."""
        self.command("query-status")
        self.events.clear()

    def close(self):
        self.sock.close()
