# SPDX-License-Identifier: GPL-2.0-only
"""A live migration from one QEMU to another, and a cancelled one."""

import os
import time

from .shell import SLOW, TestError, wait_for

FINAL = ("completed", "failed", "cancelled")


def _listen(destination):
    path = f"/tmp/{destination.name}.migrate"
    if os.path.exists(path):
        os.unlink(path)
    uri = f"unix:{path}"
    destination.qmp.command("migrate-incoming", uri=uri)
    return uri


def _wait_final(vmm, timeout):
    return vmm.qmp.wait_event("MIGRATION", lambda data: data["status"] in FINAL, timeout)


def migrate(source, destination, timeout=120):
    """Move the guest; the destination runs when this returns. Times are CLOCK_MONOTONIC, ns."""
    blockers = source.blockers()
    if blockers:
        raise TestError(f"QEMU refuses to migrate: {'; '.join(blockers)}")
    uri = _listen(destination)
    source.qmp.forget_events()
    started = time.monotonic_ns()
    source.qmp.command("migrate", uri=uri)
    _, data = _wait_final(source, timeout * SLOW)
    info = source.qmp.command("query-migrate")
    if data["status"] != "completed":
        raise TestError(f"migration {data['status']}: {info.get('error-desc', 'no reason told')}")
    if destination.paused:
        wait_for("the destination has the guest", lambda: destination.status() == "paused",
                 60 * SLOW)
        destination.qmp.command("cont")
    wait_for("the destination runs", lambda: destination.status() == "running", 60 * SLOW)
    return {
        "status": info["status"],
        "started_ns": started,
        "ended_ns": time.monotonic_ns(),
        "downtime_ms": info.get("downtime"),
        "setup_ms": info.get("setup-time"),
        "total_ms": info.get("total-time"),
    }


def _migrate_slowly(source, destination, timeout):
    """Into the phase that sends pages, too slow to be over before it is disturbed."""
    source.qmp.command("migrate-set-parameters", max_bandwidth=65536)
    source.qmp.forget_events()
    source.qmp.command("migrate", uri=_listen(destination))
    source.qmp.wait_event("MIGRATION", lambda data: data["status"] == "active", timeout * SLOW)


def _expect(source, status, timeout):
    _, data = _wait_final(source, timeout * SLOW)
    if data["status"] != status:
        raise TestError(f"the migration was to be {status} and is {data['status']}")
    source.qmp.command("migrate-set-parameters", max_bandwidth=128 << 20)


def cancel(source, destination, timeout=60):
    _migrate_slowly(source, destination, timeout)
    source.qmp.command("migrate_cancel")
    _expect(source, "cancelled", timeout)


def lose_destination(source, destination, timeout=60):
    _migrate_slowly(source, destination, timeout)
    destination.kill()
    _expect(source, "failed", timeout)
