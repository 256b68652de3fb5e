#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How scripts/validate takes runs that fail. Arguments: the script, the build directory."""

import importlib.machinery
import importlib.util
import pathlib
import sys
import unittest

SCRIPT, BUILD = sys.argv[1:3]
sys.dont_write_bytecode = True
loader = importlib.machinery.SourceFileLoader("validate", SCRIPT)
validate = importlib.util.module_from_spec(importlib.util.spec_from_loader("validate", loader))
loader.exec_module(validate)

SMALL = ["attention", "--grid", "2x2", "--heads", "1", "--seq", "64", "--dim", "32"]


class FailingRuns(unittest.TestCase):
    def setUp(self):
        self.runner = validate.Runner(pathlib.Path(BUILD), "wormhole_b0", [], 1)
        self.addCleanup(self.runner.stop)

    def result(self, *flags):
        return self.runner.start([*SMALL, *flags]).result()

    def test_what_runs_has_a_time(self):
        for number_format in ("bf16", "bfp8"):
            self.assertGreater(self.result("--format", number_format), 0)

    def test_what_l1_does_not_hold_is_no_mistake(self):
        large = ["attention", "--seq", "512", "--dim", "256", "--q-chunk", "512", "--k-chunk", "512"]
        self.assertIsNone(self.runner.start(large).result())
        self.assertIn("bytes of L1", self.runner.refused[tuple(large)])

    def test_nor_what_dram_does_not_hold(self):
        flags = ["attention", "--heads", "64", "--seq", "16384", "--dim", "32", "--kernel", "unfused"]
        self.assertIsNone(self.runner.start(flags).result())
        self.assertIn("DRAM", self.runner.refused[tuple(flags)])

    def test_another_refusal_is_a_mistake(self):
        for flags in (["--format", "int8"], ["--q-chunk", "33"], ["--bogus"]):
            with self.assertRaisesRegex(validate.Failure, f"exit code 1: tilegrid: .*{flags[0]}"):
                self.result(*flags)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
