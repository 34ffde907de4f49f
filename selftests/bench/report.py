# SPDX-License-Identifier: GPL-2.0-only
"""What was measured, as rows for machines and as a table for people."""

import statistics

REFERENCE = "vhost_net"
TITLES = ("subject", "direction", "Mpps median", "min", "max", "vs vhost_net", "CPU ns/packet")
LAYOUT = "{:<12}  {:<9}  {:>11}  {:>6}  {:>6}  {:>12}  {:>13}"


def row(subject, direction, samples, frame_bytes):
    mpps = [sample.pps / 1e6 for sample in samples]
    return {"subject": subject, "direction": direction, "frame_bytes": frame_bytes,
            "queue_pairs": 1,
            "mpps": {"median": round(statistics.median(mpps), 4), "min": round(min(mpps), 4),
                     "max": round(max(mpps), 4)},
            "ratio_vs_vhost_net": None,
            "cpu_ns_per_packet": round(statistics.median(s.cpu_ns for s in samples))}


def add_ratios(rows):
    reference = {r["direction"]: r["mpps"]["median"] for r in rows if r["subject"] == REFERENCE}
    for entry in rows:
        entry["ratio_vs_vhost_net"] = round(
            entry["mpps"]["median"] / reference[entry["direction"]], 3)


def table(rows):
    lines = [LAYOUT.format(*TITLES)]
    for r in rows:
        mpps = r["mpps"]
        lines.append(LAYOUT.format(
            r["subject"], r["direction"], f"{mpps['median']:.3f}", f"{mpps['min']:.3f}",
            f"{mpps['max']:.3f}", f"{r['ratio_vs_vhost_net']:.2f}", r["cpu_ns_per_packet"]))
    return "\n".join(lines)
