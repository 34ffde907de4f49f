# SPDX-License-Identifier: GPL-2.0-only
"""From one migration's time line and traffic report to a table and a JSON record."""

from vdpatest.phases import to_us
from vdpatest.traffic import DIRECTIONS, blackout_us, total

# What a phase is, for people who have not read QEMU's sources.
MEANING = {
    "suspend": "device stops, indexes final",
    "reset": "VMM reads them, resets the device",
    "unmap": "VMM unmaps and unpins guest memory",
    "rings": "VMM sets features and rings up",
    "map": "VMM pins and maps guest memory",
    "driver_ok": "last settings, DRIVER_OK",
    "control_replay": "VMM replays control commands",
    "enable": "VMM enables the queues",
    "vm_stop": "VMM stops the virtual CPUs",
    "source_rest": "VMM finishes its side of the stop",
    "last_pages_and_vmstate": "last pages and device state move",
}


def frames(traffic):
    counts = {name: total(traffic, name)
              for name in ("sent", "received", "lost", "duplicated", "reordered")}
    counts["max_gap_us"] = max(traffic[d]["max_gap_us"] for d in DIRECTIONS)
    return counts


def record(label, setup, result, migration, traffic):
    """One entry of report.json."""
    begin, end = migration.bringup()
    return {
        "label": label,
        "qemu": setup["qemu"],
        "ram_mb": setup["ram_mb"],
        "queue_pairs": setup["queue_pairs"],
        "memory_mode": setup["memory_mode"],
        "prewarmed": False,
        "status": result["status"],
        "blackout_us": {
            "svq_switch": blackout_us(traffic, migration.switch),
            "switchover": blackout_us(traffic, migration.switchover),
        },
        "bringup_us": (end - begin) // 1000,
        "parts_us": {
            "svq_switch": to_us(migration.switch_phases()),
            "switchover": to_us(migration.switchover_phases()),
        },
        "frames": frames(traffic),
    }


def ms(us):
    return f"{us / 1000:10.1f}"


def _row(title, values, note=""):
    return f"  {title:<38}{''.join(values)}   {note}".rstrip()


def _parts(runs, window):
    names = list(dict.fromkeys(name for run in runs for name in run["parts_us"][window]))
    # A phase one run lacks must not disturb the order of the others.
    names.sort(key=lambda name: max(list(run["parts_us"][window]).index(name)
                                    for run in runs if name in run["parts_us"][window]))
    for name in names:
        values = [run["parts_us"][window].get(name) for run in runs]
        cells = [f"{'-':>10}" if v is None else ms(v) for v in values]
        yield _row(f"    {name.replace('_', ' ')}", cells, MEANING.get(name, ""))
    yield _row("    sum", [ms(sum(run["parts_us"][window].values())) for run in runs])


def table(runs, noise):
    """`noise`: per run, the longest gap that has nothing to do with its migration, us."""
    first = runs[0]
    lines = [
        f"Live migration under traffic: {first['qemu']}, guest with {first['ram_mb']} MB, "
        f"{first['queue_pairs']} queue pair(s), memory {first['memory_mode']}",
        "",
        _row("run", [f"{i + 1:>10}" for i in range(len(runs))]),
        _row("", [f"{run['label']:>10}" for run in runs]),
        "",
    ]
    for window, title in (("svq_switch", "shadow-virtqueue switch"), ("switchover", "switch-over")):
        lines.append(_row(f"{title}: blackout, ms",
                          [ms(run["blackout_us"][window]) for run in runs],
                          "as the traffic saw it"))
        lines += _parts(runs, window)
        lines.append("")
    lines.append(_row("destination bring-up, ms", [ms(run["bringup_us"]) for run in runs],
                      "features to last queue enabled"))
    lines.append(_row("longest gap of the run, ms",
                      [ms(run["frames"]["max_gap_us"]) for run in runs]))
    lines.append(_row("longest gap outside of both windows, ms", [ms(us) for us in noise],
                      "noise: what the lab itself does"))
    for name in ("sent", "received", "lost", "duplicated", "reordered"):
        lines.append(_row(f"frames {name}", [f"{run['frames'][name]:>10}" for run in runs]))
    return "\n".join(lines)
