#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Studies of scripts/scaling: what they run, keep, refuse and go on with. Arguments: the script, the program."""

import csv
import json
import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest

SCRIPT, TILEGRID = sys.argv[1:3]
sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(SCRIPT).parent))
from studies import layouts, plan, results  # noqa: E402

SHAPE = {"heads": 2, "seq": 128, "dim": 32}


class Studies(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def plan(self, **values):
        path = self.folder / "plan.json"
        path.write_text(json.dumps(values))
        return path

    def command(self, *words, results="results"):
        return [SCRIPT, *map(str, words), "--tilegrid", TILEGRID, "--results", str(self.folder / results)]

    def run_study(self, *words, code=0, **options):
        done = subprocess.run(self.command(*words, **options), capture_output=True, text=True)
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def rows(self, folder="results"):
        return [json.loads(line) for line in (self.folder / folder / "results.jsonl").read_text().splitlines()]

    def small(self, **more):
        return self.plan(**{"repetitions": 2, "device": [{"grids": ["1x1", "2x2"], "shape": SHAPE}],
                            "emulator": [{"ranks": [1, 2], "grid": "2x2", "shape": SHAPE}], **more})  # fmt: skip

    def test_a_study_has_every_run_once(self):
        self.run_study(self.small())
        ran = sorted((row["kind"], row["size"], row["repetition"]) for row in self.rows())
        self.assertEqual(ran, [("device", 1, 0), ("device", 4, 0), ("emulator", 1, 0), ("emulator", 1, 1), ("emulator", 2, 0), ("emulator", 2, 1)])
        table = list(csv.DictReader((self.folder / "results/summary.csv").read_text().splitlines()))
        four = next(row for row in table if row["size"] == "4")
        self.assertGreater(float(four["speed_up"]), 1)
        self.assertLessEqual(float(four["speed_up"]), 5)
        points = json.loads((self.folder / "results/summary.json").read_text())["points"]
        self.assertEqual(sorted(point["runs"] for point in points), [1, 1, 2, 2])
        # Modelled time is tilegrid's own.
        report = subprocess.run([TILEGRID, *next(row for row in self.rows() if row["size"] == 4)["command"], "--json", "-"], capture_output=True, text=True)
        self.assertEqual(json.loads(report.stdout)["device"]["seconds"], float(four["seconds"]))

    def test_a_killed_study_goes_on(self):
        path = self.small()
        process = subprocess.Popen(self.command(path), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for line in process.stderr:
            if line.startswith("scaling: 4 of"):
                break
        process.send_signal(signal.SIGKILL)
        process.communicate()
        kept = self.rows()
        self.assertEqual(len(kept), 3)
        with open(self.folder / "results/results.jsonl", "a") as file:
            file.write('{"format":1,"key":"0')  # it was writing the next one
        self.run_study(path)
        self.assertEqual(self.rows()[:3], kept)
        self.assertEqual(len(self.rows()), 6)
        self.run_study(path)
        self.assertEqual(len(self.rows()), 6)

    def test_results_of_machines_merge(self):
        self.run_study(self.small(), results="one")
        rows = self.rows("one")
        for row in rows:
            row["machine"] = {**row["machine"], "id": "another", "host": "another"}
        (self.folder / "two").mkdir()
        (self.folder / "two/results.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        self.run_study("--summary-only", "--merge", self.folder / "two", results="one")
        points = json.loads((self.folder / "one/summary.json").read_text())["points"]
        emulator = {point["machine"] for point in points if point["kind"] == "emulator"}
        self.assertEqual(len(emulator), 2)
        self.assertEqual(sum(point["kind"] == "device" for point in points), 2)  # modelled time is the same on both

    def test_what_does_not_fit_is_left_out_by_name(self):
        shape = {**SHAPE, "dim": 256}
        done = self.run_study(self.plan(device=[{"grids": ["1x1"], "shape": shape, "flags": ["--q-chunk", "512", "--k-chunk", "512"]},
                                                {"grids": ["1x1"], "shape": SHAPE}]))  # fmt: skip
        self.assertRegex(done.stderr, "left out: tilegrid: .*L1")
        self.assertEqual(len(json.loads((self.folder / "results/summary.json").read_text())["points"]), 1)

    def test_results_of_another_version_are_not_mixed(self):
        path = self.small()
        self.run_study(path)
        rows = self.rows()
        for row in rows:
            row["tilegrid"]["revision"] = "older"
        (self.folder / "results/results.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        self.assertRegex(self.run_study(path, code=1).stderr, "^scaling: .*of tilegrid older, this is .*\n$")
        self.assertEqual(self.rows(), rows)
        (self.folder / "results/results.jsonl").write_text('{"format": 99}\n')
        self.assertRegex(self.run_study(path, code=1).stderr, "^scaling: .*results.jsonl:1: results of another version .*\n$")

    def test_plans_that_cannot_be_run(self):
        for values, words in (
            ({"devise": []}, "unknown key 'devise'"),
            ({}, "nothing to run"),
            ({"repetitions": 0, "device": [{}]}, "plan.repetitions: .* not 0"),
            ({"device": [{"scaling": "sideways"}]}, r"plan.device\[0\].scaling: .*'sideways'"),
            ({"device": [{"grids": ["8by9"]}]}, "'8by9'"),
            ({"device": [{"shape": {"sequence": 3}}]}, "unknown key 'sequence'"),
            ({"emulator": [{"ranks": [0]}]}, "not 0"),
            ({"emulator": [{"transports": ["pigeon"]}]}, "'pigeon'"),
        ):
            done = self.run_study(self.plan(**values), code=1)
            self.assertRegex(done.stderr, f"^scaling: .*{words}.*\n$")
            self.assertFalse((self.folder / "results").exists())
        self.assertRegex(self.run_study(self.folder / "none.json", code=1).stderr, "^scaling: .*none.json: No such file")
        self.assertRegex(self.run_study(self.small(), "--ranks", "2", code=1).stderr, "^scaling: --ranks and a plan file")
        self.assertRegex(self.run_study("--ranks", "1,x", code=1).stderr, "^scaling: --ranks: .*'1,x'")


class Layouts(unittest.TestCase):
    def test_every_node_has_its_ranks(self):
        for ranks, nodes, columns, rows in ((80, 4, 8, 10), (80, 5, 8, 10), (16, 4, 4, 4), (15, 3, 4, 4), (1, 1, 1, 1), (12, 6, 8, 10)):
            for placement in layouts.PLACEMENTS:
                where = layouts.node_of_ranks(placement, ranks, nodes, ranks // nodes, columns, rows)
                self.assertEqual([where.count(node) for node in range(nodes)], [ranks // nodes] * nodes, placement)

    def test_blocks_are_blocks(self):
        where = layouts.node_of_ranks("blocks", 16, 4, 4, 4, 4)
        self.assertEqual(where, [0, 0, 1, 1, 0, 0, 1, 1, 2, 2, 3, 3, 2, 2, 3, 3])

    def test_what_crosses_nodes_is_what_the_run_moved(self):
        flags = ["attention", "--heads", "4", "--seq", "256", "--dim", "32", "--kv", "chain", "--kv-cores", "2"]
        traffic = layouts.Traffic(TILEGRID, flags, 4, 2)
        report = json.loads(subprocess.run([TILEGRID, *flags, "--grid", "4x2", "--dry-run", "--json", "-"], capture_output=True, text=True).stdout)
        moved = sum(entry["bytes"] for core in report["cores"] for entry in core["noc"])
        one_node = traffic.between_nodes([0] * 8, 8, 8, 8)
        self.assertEqual(one_node[0], 0)
        self.assertGreater(one_node[3], 0.9 * moved)  # semaphores apart, which count no bytes
        self.assertLess(one_node[3], 1.1 * moved)
        rows = traffic.between_nodes([0, 0, 0, 0, 1, 1, 1, 1], 8, 8, 8)
        alternating = traffic.between_nodes([0, 1] * 4, 8, 8, 8)
        self.assertLess(rows[1], alternating[1])  # chains run along rows


class Figures(unittest.TestCase):
    def test_an_interval_holds_the_median_with_its_confidence(self):
        self.assertEqual(results.interval([3, 1, 2]), (1, 3))
        self.assertEqual(results.interval(list(range(1, 7))), (1, 6))  # 1 - 2/2^6 = 0.969, the next ones 0.78
        self.assertEqual(results.interval(list(range(1, 11))), (2, 9))  # 0.979; 3 to 8 have 0.89

    def test_weak_scaling_grows_the_work_with_the_cores(self):
        section = {"scaling": "weak", "grow": "heads", "grids": ["1x1", "2x2"], "shape": {**SHAPE, "heads": 3}}
        commands = [point["command"] for point in plan.points(plan.check({"device": [section]}))]
        self.assertEqual([command[command.index("--heads") + 1] for command in commands], ["3", "12"])

    def test_efficiency_is_of_what_was_had(self):
        def row(size, seconds, scaling, cpus=None):
            figures = {"seconds": seconds} | ({"cpus": cpus} if cpus else {})
            return {"kind": "emulator" if cpus else "device", "key": f"{size}{scaling}{cpus}", "repetition": 0, "size": size, "command": [],
                    "series": {"scaling": scaling}, "figures": figures, "machine": {"id": "m", "host": "h"}, "tilegrid": {"revision": "r"}}  # fmt: skip

        rows = [row(1, 8, "strong"), row(4, 4, "strong"), row(1, 8, "weak"), row(4, 10, "weak"), row(1, 8, "strong", 2), row(4, 5, "strong", 2)]
        found = {(p["kind"], p["series"]["scaling"], p["size"]): (p["speed_up"], p["efficiency"]) for p in results.summarise(rows)}
        self.assertEqual(found["device", "strong", 4], (2, 0.5))
        self.assertEqual(found["device", "weak", 4], (3.2, 0.8))
        self.assertEqual(found["emulator", "strong", 4], (1.6, 0.8))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
