#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A chip of one's own from a file. Arguments: tilegrid, scripts/grid."""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

TILEGRID, GRID = (str(pathlib.Path(path).resolve()) for path in sys.argv[1:3])
ATTENTION = ["attention", "--heads", "2", "--seq", "256", "--dim", "64", "--causal", "--kv", "chain", "--view", "none"]


def run(*command, cwd=None):
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd)


class OwnChip(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.chip = json.loads(run(TILEGRID, "arch", "blackhole", "--json").stdout)
        self.chip["name"] = "mine"
        # A small one: 3x2 workers of a 6x5 torus, three DRAM banks, little L1.
        values = {"die": [6, 5], "worker_columns": [1, 2, 4, 5], "worker_rows": [1, 3, 4], "harvested_columns": [4],
                  "harvested_rows": [3], "dram_endpoints": [[0, 0], [3, 1], [3, 4]], "larger_grids": False}
        for name, value in values.items():
            self.chip["geometry"][name]["value"] = value
        self.chip["memory"]["l1_bytes"]["value"] = 512 * 1024

    def attention(self, *flags, cwd=None):
        path = self.folder / "mine.json"
        path.write_text(json.dumps(self.chip))
        return run(TILEGRID, *ATTENTION, "--arch", path, *flags, cwd=cwd)

    def test_its_grid_is_the_default_and_the_output_is_right(self):
        done = self.attention("--json", "-")
        self.assertEqual(done.returncode, 0, done.stderr)
        report = json.loads(done.stdout)
        places = [(core["physical"]["x"], core["physical"]["y"]) for core in report["cores"]]
        self.assertEqual(places, [(1, 1), (2, 1), (5, 1), (1, 4), (2, 4), (5, 4)])
        self.assertEqual(report["totals"]["l1_bytes"], 512 * 1024)
        self.assertEqual(report["device"]["arch"]["name"], "mine")

    def test_what_it_does_not_have_is_refused(self):
        done = self.attention("--grid", "4x2")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, "^tilegrid: .*4x2.*3x2")
        done = self.attention("--q-chunk", "512", "--k-chunk", "512")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, "available 524288")

    def test_mistakes_in_the_file_are_named(self):
        self.chip["geometry"]["dram_endpoints"]["value"][0] = [1, 1]
        done = self.attention()
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertRegex(done.stderr, r"^tilegrid: .*mine.json: dram_endpoints: \(1,1\) is a worker\n$")

    def test_a_log_belongs_to_its_chip(self):
        log = self.folder / "a.log"
        self.assertEqual(self.attention("--log", log).returncode, 0)
        self.assertEqual(run(TILEGRID, "retime", log, "--arch", self.folder / "mine.json").returncode, 0)
        done = run(TILEGRID, "retime", log, "--arch", "wormhole_b0")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, "^tilegrid: .*mine.*wormhole_b0")

    def test_only_the_first_rank_needs_the_file(self):
        alone = self.attention("--json", "-")
        folders = [self.folder / str(rank) for rank in range(2)]  # where the ranks run
        for folder in folders:
            folder.mkdir()
        (folders[0] / "mine.json").write_text(json.dumps(self.chip))
        command = [GRID, "2", "sh", "-c", 'cd "$0/$OMPI_COMM_WORLD_RANK" && exec "$@"', self.folder]
        command += [TILEGRID, *ATTENTION, "--arch", "mine.json", "--json", "-"]
        done = run(*command)
        self.assertEqual(done.returncode, 0, done.stderr)
        both = json.loads(done.stdout)
        self.assertEqual(both["config"]["ranks"], 2)
        self.assertEqual(both["device"]["cycles"], json.loads(alone.stdout)["device"]["cycles"])
        (folders[0] / "mine.json").unlink()
        done = run(*command)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertRegex(done.stderr, "^tilegrid: mine.json: no such chip")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
