#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a host program alone and on some ranks: what it prints, its device time and its counts have to be the same.

  same_on_ranks.py [--traces] GRID_SCRIPT SCRATCH RANKS COMMAND...

With --traces both runs leave all traces and the log, which have to be the same bytes, and have the device time of a run without.
"""
import json
import os
import subprocess
import sys
from pathlib import Path

TRACES = {"TILEGRID_TRACE": "trace.json", "TILEGRID_NOC_TRACE": "noc.json", "TILEGRID_NPEVIZ": "run.npeviz",
          "TILEGRID_PROFILER_CSV": "profile.csv", "TILEGRID_LOG": "run.log"}


def run(command, report, cache, more):
    environment = dict(os.environ, TILEGRID_REPORT=str(report), TILEGRID_CACHE=str(cache), **more)
    for path in [report, *more.values()]:
        Path(path).unlink(missing_ok=True)
    ended = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if ended.returncode != 0:
        sys.exit(f"{command}: ended with {ended.returncode}\n{ended.stdout}{ended.stderr}")
    return ended.stdout, json.loads(report.read_text(encoding="utf-8"))


def facts(report):
    """What may not depend on the number of ranks."""
    return {"cycles": report["device"]["cycles"], "launches": report["launches"], "tiles": report["totals"]["tiles"],
            "noc": report["totals"]["noc"], "checks": report["checks"], "kernels": report["compile"]["kernels"],
            "zones": report["device"]["zones"], "plain": report["plain_code"]}


def compare_traces(alone, on_ranks, launches):
    for variable, path in alone.items():
        content = Path(path).read_bytes()
        if len(content) < 100:
            sys.exit(f"{path}: {content!r}")
        if content != Path(on_ranks[variable]).read_bytes():
            sys.exit(f"{path} and {on_ranks[variable]} differ")
    if '"program":"TT-Metalium program metalium_' not in Path(alone["TILEGRID_TRACE"]).read_text(encoding="utf-8"):
        sys.exit(f"{alone['TILEGRID_TRACE']}: does not name its program")
    rows = Path(alone["TILEGRID_PROFILER_CSV"]).read_text(encoding="utf-8").splitlines()[2:]
    hosts = {row.split(",")[7].strip() for row in rows}
    if launches < 2 or len(hosts) != launches:
        sys.exit(f"{launches} launches, run host IDs {sorted(hosts)} in {alone['TILEGRID_PROFILER_CSV']}")


def main():
    wants_traces = sys.argv[1] == "--traces"
    grid, scratch, ranks, *command = sys.argv[2 if wants_traces else 1:]
    scratch = Path(scratch)
    scratch.mkdir(parents=True, exist_ok=True)

    def traces(name):
        return {variable: str(scratch / f"{name}.{file}") for variable, file in TRACES.items()} if wants_traces else {}

    output, report = run(command, scratch / "one.json", scratch / "cache", {})
    if not output.strip() or report["device"]["cycles"] <= 0:
        sys.exit(f"nothing to compare: {output!r}, {report['device']['cycles']} cycles")
    if wants_traces:
        traced, traced_report = run(command, scratch / "traced.json", scratch / "cache", traces("one"))
        if (traced, facts(traced_report)) != (output, facts(report)):
            sys.exit(f"without traces: {output}{facts(report)}\nwith: {traced}{facts(traced_report)}")
    on_ranks, ranks_report = run([grid, ranks, *command], scratch / "ranks.json", scratch / "cache", traces("ranks"))
    if ranks_report["config"]["ranks"] != int(ranks):
        sys.exit(f"{ranks_report['config']['ranks']} ranks, not {ranks}")
    compiled = ranks_report["compile"]
    if compiled["from_cache"] != compiled["kernels"]:
        sys.exit(f"the second run compiled again: {compiled}")
    if output != on_ranks:
        sys.exit(f"alone:\n{output}on {ranks} ranks:\n{on_ranks}")
    if facts(report) != facts(ranks_report):
        sys.exit(f"alone: {facts(report)}\non {ranks} ranks: {facts(ranks_report)}")
    if wants_traces:
        compare_traces(traces("one"), traces("ranks"), report["launches"])
        if not report["device"]["zones"]:
            sys.exit("no zones of kernels in the report")


main()
