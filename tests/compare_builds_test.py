#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What tests/compare_builds calls equal and what not. Arguments: the script, a tilegrid."""

import pathlib
import shlex
import subprocess
import sys
import tempfile
import unittest

SCRIPT, TILEGRID = sys.argv[1:3]

# In front of the real build: what it changes on the way.
CHANGES = {
    "a constant": 'exec {tilegrid} "$@" --set cb_pop_cycles=9',
    "the output": '{tilegrid} "$@" && printf WRONG | dd of=r.npy bs=1 seek=200 conv=notrunc status=none',
    "the log": '{tilegrid} "$@" && printf WRONG | dd of=r.log bs=1 seek=200 conv=notrunc status=none',
    "the exit code": '{tilegrid} "$@"; exit 4',
    "a key less": '{tilegrid} "$@" && sed -i "/\\"l1_used_bytes\\": .*,/d" r.json',
    "no JSON": '{tilegrid} "$@" && rm r.json',
    "a key more": '{tilegrid} "$@" && sed -i "s/\\"config\\": /\\"schema\\": 7, \\"more\\": {{}}, &/" r.json',
    "host seconds": '{tilegrid} "$@" && sed -i "s/_seconds\\": [0-9][0-9.e-]*/_seconds\\": 77/" r.json',
}
TELLS = {
    "a constant": "device.cycles: [0-9.]+, now",
    "the output": "r.npy: other bytes",
    "the log": "r.log: other bytes",
    "the exit code": "exit code 0, now 4",
    "a key less": "l1_used_bytes: vanished",
    "no JSON": "r.json: only the old build wrote it",
}


class Builds(unittest.TestCase):
    def compare(self, change):
        with tempfile.TemporaryDirectory() as directory:
            changed = pathlib.Path(directory) / "tilegrid"
            changed.write_text("#!/bin/sh\n" + CHANGES[change].format(tilegrid=shlex.quote(TILEGRID)) + "\n", encoding="utf-8")
            changed.chmod(0o755)
            return subprocess.run([SCRIPT, TILEGRID, str(changed), "--only", "^attention-plain "], capture_output=True, text=True, check=False)

    def test_equal_builds(self):
        done = subprocess.run([SCRIPT, TILEGRID, TILEGRID, "--quick", "--only", "^(arch|checks|plan-all|fused-six-op) "],
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertRegex(done.stdout, "4 cases, 0 differ")

    def test_what_differs_is_told(self):
        for change, tells in TELLS.items():
            with self.subTest(change):
                done = self.compare(change)
                self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
                self.assertRegex(done.stdout, tells)

    def test_what_may_differ(self):
        for change in CHANGES.keys() - TELLS.keys():
            with self.subTest(change):
                done = self.compare(change)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_no_case_is_an_error(self):
        done = subprocess.run([SCRIPT, TILEGRID, TILEGRID, "--only", "nonsense$"], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 2)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
