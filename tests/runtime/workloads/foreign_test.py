#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Attention kernels of others in `tilegrid attention --compare-kernels --foreign DIR`, with kernels that have the same
interface: verified, the same device time on ranks, and what is wrong with a folder is said in a line.

  foreign_test.py TILEGRID GRID_SCRIPT KERNELS SCRATCH
"""
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

CHECKOUT = "ttnn/cpp/ttnn/operations/transformer/sdpa/device/kernels"


class Bench:
    def __init__(self, tilegrid, grid, kernels, scratch):
        self.tilegrid, self.grid, self.kernels, self.scratch = tilegrid, grid, Path(kernels), Path(scratch)
        shutil.rmtree(self.scratch, ignore_errors=True)
        self.scratch.mkdir(parents=True)
        self.environment = dict(os.environ, TILEGRID_CACHE=str(self.scratch / "cache"))

    def folder(self, name, *subfolders):
        """A copy of the kernels, to be changed."""
        folder = self.scratch / name
        shutil.copytree(self.kernels, folder.joinpath(*subfolders))
        return folder

    def run(self, folder, flags, ranks=1):
        """Exit code, kernels by name, standard error."""
        report = self.scratch / "report.json"
        report.unlink(missing_ok=True)
        command = [] if ranks == 1 else [self.grid, str(ranks)]
        command += [self.tilegrid, "attention", "--compare-kernels", "--foreign", str(folder), "--json", str(report), *flags.split()]
        ended = subprocess.run(command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               check=False)
        kernels = {}
        if report.exists():
            kernels = {one["kernel"]: one for one in json.loads(report.read_text(encoding="utf-8"))["kernels"]}
        return ended.returncode, kernels, ended.stderr


def check(good, what):
    if not good:
        sys.exit(f"foreign_test: {what}")


def check_runs(bench, folder, flags, names):
    """The kernels of `names` are right, alone and on ranks, and take the same device time."""
    found = []
    for ranks in (1, 3):
        code, kernels, error = bench.run(folder, flags, ranks)
        check(code == 0, f"{flags} on {ranks} ranks: exit {code}\n{error}")
        for name in names:
            check(kernels[name]["passed"] == "PASS" and kernels[name]["device_cycles"] > 0, f"{flags}: {kernels[name]}")
        found.append([(kernels[name]["device_cycles"], kernels[name]["log_cycles"]) for name in kernels])
    check(found[0] == found[1], f"{flags}: {found[0]} alone, {found[1]} on ranks")


def check_refusal(bench, folder, flags, pattern, lines=1):
    code, kernels, error = bench.run(folder, flags)
    check(code == 1 and not kernels, f"{flags} of {folder}: exit {code}")
    check(re.search(pattern, error) is not None, f"{flags} of {folder}: {pattern} is not in\n{error}")
    check(lines is None or len(error.splitlines()) == lines, f"{flags} of {folder}: one line is expected\n{error}")


def change(path, old, new):
    text = path.read_text(encoding="utf-8")
    check(old in text, f"{path}: {old} is not there")
    path.write_text(text.replace(old, new), encoding="utf-8")


def main():
    bench = Bench(*sys.argv[1:])
    small = "--grid 2x2 --heads 2 --seq 64 --dim 32"
    check_runs(bench, bench.kernels, f"{small} --q-chunk 64 --k-chunk 32", ["foreign sdpa", "foreign sdpa_noncausal"])
    check_runs(bench, bench.folder("checkout", CHECKOUT), "--grid 3x1 --batch 2 --heads 2 --kv-heads 1 --seq 128 --dim 64 "
               "--q-chunk 32 --k-chunk 64 --causal", ["foreign sdpa"])

    flat = bench.scratch / "flat"
    flat.mkdir()
    for name in ("compute/sdpa.cpp", "dataflow/reader_interleaved.cpp", "dataflow/writer_interleaved.cpp"):
        shutil.copy(bench.kernels / name, flat)
        change(flat / Path(name).name, "../plain_attention.h", "plain_attention.h")
    shutil.copy(bench.kernels / "plain_attention.h", flat)
    code, kernels, error = bench.run(flat, small)
    check(code == 0 and "foreign sdpa_noncausal" not in kernels, f"files side by side: exit {code}\n{error}")

    wrong = bench.folder("wrong")
    change(wrong / "plain_attention.h", "/ sum[row])", "/ sum[row] * (1.0f + row % 2))")
    code, kernels, error = bench.run(wrong, small)
    check(code == 4 and kernels["foreign sdpa"]["passed"] == "FAIL", f"a wrong kernel: exit {code}, {kernels}\n{error}")

    empty = bench.scratch / "empty"
    empty.mkdir()
    check_refusal(bench, empty, small, r"^tilegrid: --foreign .*empty: .*compute/sdpa.cpp.*compute/sdpa_noncausal.cpp")
    lacking = bench.folder("lacking")
    (lacking / "dataflow/reader_interleaved.cpp").unlink()
    check_refusal(bench, lacking, small, r"compute/sdpa.cpp is there, but neither .*dataflow/reader_interleaved.cpp")
    check_refusal(bench, flat, f"{small} --v-dim 64", r"--v-dim 64: .*32")
    check_refusal(bench, flat, f"{small} --format fp32 --dst fp32", r"--format fp32: ")
    check_refusal(bench, flat, f"{small} --kv-seq 128 --causal", r"causal with 64 rows of Q and 128 of K")
    check_refusal(bench, flat, "--grid 2x2 --heads 2 --seq 64 --dim 33 --kv-heads 3", r"--kv-heads 3: ")
    older = bench.folder("older")
    (older / "compute/sdpa_noncausal.cpp").unlink()
    change(older / "dataflow/writer_interleaved.cpp", "get_compile_time_arg_val(19)", "get_compile_time_arg_val(18)")
    check_refusal(bench, older, small, r"writer_interleaved.cpp takes 19 compile-time arguments, .*December 2025 takes 20")
    change(lacking / "compute/sdpa_noncausal.cpp", "state.clear();", "state.clear()")
    (lacking / "compute/sdpa.cpp").unlink()
    check_refusal(bench, lacking, f"{small} --q-chunk 64", r"compute/sdpa_noncausal.cpp:\d+:\d+: error", None)


if __name__ == "__main__":
    main()
