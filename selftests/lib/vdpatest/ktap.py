# SPDX-License-Identifier: GPL-2.0-only
"""KTAP on stdout. A scenario that raises has failed, never vanished."""

import sys
import time
import traceback


class Ktap:
    def __init__(self):
        self.number = 0
        self.failed = 0
        print("TAP version 13", flush=True)

    def check(self, name, good, detail=""):
        self.number += 1
        self.failed += not good
        if detail:
            self.note(detail)
        print(f"{'ok' if good else 'not ok'} {self.number} {name}", flush=True)
        return good

    @staticmethod
    def note(text):
        for line in str(text).splitlines():
            print(f"# {line}", flush=True)

    def run(self, scenario):
        """Run scenario(self); the exit status says whether all went well."""
        start = time.monotonic()
        try:
            scenario(self)
        except Exception as error:  # pylint: disable=broad-exception-caught
            traceback.print_exc(file=sys.stderr)
            self.check("the scenario ran to its end", False, error)
        self.note(f"{time.monotonic() - start:.1f} s")
        print(f"1..{self.number}", flush=True)
        return 1 if self.failed or not self.number else 0
