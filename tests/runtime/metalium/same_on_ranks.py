#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a host program alone and on some ranks: what it prints, its device time and its counts have to be the same.

  same_on_ranks.py GRID_SCRIPT SCRATCH RANKS COMMAND...
"""
import json
import os
import subprocess
import sys
from pathlib import Path


def run(command, report, cache):
    environment = dict(os.environ, TILEGRID_REPORT=str(report), TILEGRID_CACHE=str(cache))
    report.unlink(missing_ok=True)
    ended = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if ended.returncode != 0:
        sys.exit(f"{command}: ended with {ended.returncode}\n{ended.stdout}{ended.stderr}")
    return ended.stdout, json.loads(report.read_text(encoding="utf-8"))


def facts(report):
    """What may not depend on the number of ranks."""
    return {"cycles": report["device"]["cycles"], "launches": report["launches"], "tiles": report["totals"]["tiles"],
            "noc": report["totals"]["noc"], "checks": report["checks"], "kernels": report["compile"]["kernels"]}


def main():
    grid, scratch, ranks, *command = sys.argv[1:]
    scratch = Path(scratch)
    scratch.mkdir(parents=True, exist_ok=True)
    output, report = run(command, scratch / "one.json", scratch / "cache")
    if not output.strip() or report["device"]["cycles"] <= 0:
        sys.exit(f"nothing to compare: {output!r}, {report['device']['cycles']} cycles")
    on_ranks, ranks_report = run([grid, ranks, *command], scratch / "ranks.json", scratch / "cache")
    if ranks_report["config"]["ranks"] != int(ranks):
        sys.exit(f"{ranks_report['config']['ranks']} ranks, not {ranks}")
    compiled = ranks_report["compile"]
    if compiled["from_cache"] != compiled["kernels"]:
        sys.exit(f"the second run compiled again: {compiled}")
    if output != on_ranks:
        sys.exit(f"alone:\n{output}on {ranks} ranks:\n{on_ranks}")
    if facts(report) != facts(ranks_report):
        sys.exit(f"alone: {facts(report)}\non {ranks} ranks: {facts(ranks_report)}")


main()
