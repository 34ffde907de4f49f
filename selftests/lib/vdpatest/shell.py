# SPDX-License-Identifier: GPL-2.0-only
"""Run programs; a failing one tells what it printed."""

import os
import subprocess
import sys
import time

SLOW = int(os.environ.get("VM_SLOW", "2"))
REPO = os.path.realpath(os.path.join(os.path.dirname(__file__), "../../.."))
OUT = os.environ.get("VM_OUT", "/tmp")


class TestError(Exception):
    pass


def run(*argv, check=True):
    result = subprocess.run(argv, capture_output=True, text=True, check=False)
    if check and result.returncode:
        raise TestError(f"{' '.join(argv)}: exit {result.returncode}: {result.stderr.strip()}")
    return result.stdout


def log(text):
    print(text, file=sys.stderr, flush=True)


def wait_for(what, condition, timeout):
    """Poll until the condition holds; its value is the result."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TestError(f"timeout after {timeout} s: {what}")
        time.sleep(0.05)


def read_file(path):
    with open(path, encoding="utf-8", errors="replace") as f:
        return f.read()


def write_file(path, text):
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
