#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs that are looked at: a trace, a page and a long report change nothing, and a disk that is full spoils one file alone.

  run_test.py GRID_SCRIPT TILEGRID TEST...
"""
import json
import pathlib
import resource
import signal
import subprocess
import sys
import tempfile
import unittest

GRID, TILEGRID = sys.argv[1:3]
SHAPE = ["attention", "--grid", "2x2", "--heads", "4", "--dim", "32", "--causal", "--format", "bf16"]
RESULTS = ["--out", "out.npy", "--log", "run.log", "--json", "run.json"]
TRACES = {"--trace": "trace.json", "--noc-trace": "noc.json", "--npeviz": "run.npeviz", "--profiler-csv": "profile.csv"}
LOOKS = [*(word for flag in TRACES.items() for word in flag), "--report", "page"]
LIMIT = 1 << 20  # bytes


def end_files_early():
    """As if the disk were full."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, resource.RLIM_INFINITY))


class Runs(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def run_in(self, name, *words, ranks=1, code=0, before=None):
        """In a folder of its own, as paths are part of what a run says of itself. Returns the folder, with standard output in it, and standard error."""
        folder = self.folder / name
        folder.mkdir()
        command = [TILEGRID, *SHAPE, *RESULTS, *words]
        if ranks > 1:
            command = [GRID, str(ranks), *command]
        # The parent lets the child's signals be: python resets none that it ignores itself.
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, preexec_fn=before,
                              restore_signals=before is None)
        self.assertEqual(done.returncode, code, done.stderr)
        (folder / "printed").write_text(done.stdout, encoding="utf-8")
        return folder, done.stderr

    def device(self, folder, report="run.json"):
        whole = json.loads((folder / report).read_text(encoding="utf-8"))
        device = whole.get("report", whole)["device"]
        self.assertGreater(device["cycles"], 0)
        del device["replay_seconds"]
        return device

    def assert_same_files(self, names, one, other):
        for name in names:
            content = (one / name).read_bytes()
            self.assertGreater(len(content), 100, name)
            self.assertEqual(content, (other / name).read_bytes(), f"{name} of {one.name} and {other.name}")

    def test_same_run(self):
        looked_at = {}
        for ranks in (1, 3):
            plain, _ = self.run_in(f"plain{ranks}", "--seq", "128", ranks=ranks)
            looked_at[ranks], _ = self.run_in(f"looked{ranks}", "--seq", "128", *LOOKS, "--verbose", ranks=ranks)
            self.assert_same_files(["out.npy", "run.log"], plain, looked_at[ranks])
            self.assertEqual(self.device(plain), self.device(looked_at[ranks]))
            self.assertTrue((looked_at[ranks] / "page/index.html").exists())
        self.assert_same_files(["out.npy", "run.log", *TRACES.values()], looked_at[1], looked_at[3])

    def test_full_disk(self):
        words = ["--seq", "512", "--q-chunk", "64", "--k-chunk", "64", *LOOKS]
        whole, _ = self.run_in("whole", *words)
        self.assertGreater((whole / "trace.json").stat().st_size, LIMIT)
        full, said = self.run_in("full", *words, code=1, before=end_files_early)
        self.assertRegex(said, r"\Atilegrid: .*trace\.json: cannot be written: .*\n\Z")
        rest = [name for name in TRACES.values() if name != "trace.json"]
        self.assert_same_files(["out.npy", "run.log", *rest], whole, full)
        self.assertEqual(self.device(whole), self.device(full))
        self.assertEqual(self.device(whole), self.device(full, "page/report.json"))
        self.assertTrue((full / "page/index.html").read_text(encoding="utf-8").rstrip().endswith("</html>"))
        # No part of the trace, and nobody is sent to look at it.
        self.assertIn("trace.json", (whole / "printed").read_text(encoding="utf-8"))
        self.assertNotIn("trace.json", (full / "printed").read_text(encoding="utf-8"))
        self.assertEqual(sorted(path.name for path in full.iterdir()),
                         sorted(path.name for path in whole.iterdir() if path.name != "trace.json"))


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *(f"Runs.test_{name}" for name in sys.argv[3:])])
