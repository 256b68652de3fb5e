# SPDX-License-Identifier: Apache-2.0
"""Runs the points of a study, repetitions interleaved, and keeps each result as it comes."""

import hashlib
import json
import os
import pathlib
import platform
import random
import signal
import subprocess
import sys
import tempfile
import time

from .plan import fail
from .results import FORMAT, key_of

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def machine():
    """What the figures of the emulator depend on."""
    facts = {"host": platform.node(), "kernel": platform.release(), "cpus": len(os.sched_getaffinity(0)), "cpu": platform.machine()}
    try:
        for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                facts["cpu"] = line.split(":", 1)[1].strip()
                break
        facts["memory_bytes"] = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        words = subprocess.run(["mpirun", "--version"], capture_output=True, text=True).stdout.split("\n")
        facts["mpi"] = words[0].replace("mpirun ", "")
    except OSError:
        pass
    facts["id"] = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:12]
    return facts


class Running:
    def __init__(self, program, store, repetitions, any_version, timeout):
        self.program, self.store, self.repetitions, self.timeout = program, store, repetitions, timeout
        self.machine = machine()
        self.tilegrid = self.identity()
        others = {row["tilegrid"]["revision"] for row in store.rows} - {self.tilegrid["revision"]}
        if others and not any_version:
            fail(f"{store.path}: its results are of tilegrid {', '.join(sorted(others))}, this is {self.tilegrid['revision']}: "
                 "name another --results, or let both stand there with --any-version")  # fmt: skip

    def identity(self):
        try:
            done = subprocess.run([self.program, "info", "--json", "--grid", "1x1"], capture_output=True, text=True)
            facts = json.loads(done.stdout)
            return {key: facts[key] for key in ("version", "revision", "build", "compiler", "simd")}
        except OSError as error:
            fail(f"{self.program}: {error.strerror}; build first: scripts/demo, or name it with --tilegrid")
        except (ValueError, KeyError):
            fail(f"{self.program}: `info --json` did not answer as tilegrid does")

    def pending(self, points):
        """Every repetition of every point once, before the next one of any."""
        there = {(row["key"], row["repetition"]) for row in self.store.rows
                 if row["machine"]["id"] == self.machine["id"] and row["tilegrid"]["revision"] == self.tilegrid["revision"]}  # fmt: skip
        device = {row["key"] for row in self.store.rows if row["kind"] == "device" and row["tilegrid"]["revision"] == self.tilegrid["revision"]}
        runs = []
        for repetition in range(self.repetitions):
            turn = []
            for point in points:
                # Modelled time is the same each time.
                if point["kind"] == "device" and (repetition > 0 or key_of(point) in device):
                    continue
                if (key_of(point), repetition) not in there:
                    turn.append((point, repetition))
            random.Random(repetition).shuffle(turn)  # what a machine does at a time falls on no size
            runs += turn
        return runs

    def run_all(self, points):
        points = list({key_of(point): point for point in points}.values())
        runs = self.pending(points)
        took, start = {}, time.monotonic()
        for done, (point, repetition) in enumerate(runs):
            self.say(done, runs, took, point)
            begin = time.monotonic()
            self.store.add({"format": FORMAT, "key": key_of(point), "repetition": repetition, "time": int(time.time()),
                            "machine": self.machine, "tilegrid": self.tilegrid, **point, **self.run(point)})  # fmt: skip
            took.setdefault(key_of(point), []).append(time.monotonic() - begin)
        if runs:
            print(f"scaling: {len(runs)} runs in {time.monotonic() - start:.0f} s", file=sys.stderr)
        return len(runs)

    @staticmethod
    def say(done, runs, took, point):
        """Progress, with what is left by the times that runs have taken."""
        left = "estimating"
        every = [seconds for times in took.values() for seconds in times]
        if every:
            mean = sum(every) / len(every)
            seconds = sum(sum(took.get(key_of(p), [mean])) / len(took.get(key_of(p), [mean])) for p, _ in runs[done:])
            left = f"{seconds:.0f} s left"
        print(f"scaling: {done + 1} of {len(runs)}, {left}: {point['kind']}, {point.get('grid') or str(point['size']) + ' ranks'}",
              file=sys.stderr, flush=True)  # fmt: skip

    def run(self, point):
        """The run's figures, or why it was refused."""
        command = [str(self.program), *point["command"], "--no-progress"]
        environment = dict(os.environ, TILEGRID_TIMEOUT=str(self.timeout))
        if point["kind"] == "emulator" and (point["size"] > 1 or point["hostfile"]):
            command = [str(ROOT / "scripts/grid"), str(point["size"]), *command]
            if point["hostfile"]:
                environment["TILEGRID_HOSTFILE"] = point["hostfile"]
        with tempfile.TemporaryDirectory() as folder:
            report = pathlib.Path(folder) / "report.json"
            process = subprocess.Popen([*command, "--json", report], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment)
            try:
                words = process.communicate()[1]
            except BaseException:
                process.send_signal(signal.SIGTERM)
                process.communicate()
                raise
            if process.returncode == 0:
                return {"figures": figures(json.loads(report.read_text()), point, self.machine)}
        line = (words.strip().split("\n") or [""])[0]
        if process.returncode == 1 or (process.returncode == 2 and point["kind"] == "device"):
            # What does not fit a small grid is a result, too.
            print(f"scaling: left out: {line}", file=sys.stderr)
            return {"figures": {}, "refusal": line}
        fail(f"`{' '.join(map(str, command))}` ended with {process.returncode}: {line}; results so far are kept, and the same command goes on")


def figures(report, point, machine):
    host = report["host"]
    tiles = report["totals"]["tiles"]["matmul"]["total"]
    if point["kind"] == "device":
        reader = report["device"]["lanes"]["NCRISC"]["stalled"]
        waits = sum(reader.get(name, 0) for name in ("dram", "noc", "barrier"))
        return {"seconds": report["device"]["seconds"], "communication": waits / report["device"]["cycles"],
                "seconds_per_tile": report["device"]["seconds"] / tiles * point["size"], "tflops": report["device"]["tflops"]}  # fmt: skip
    kernels, serving = host["kernel_seconds"]["sum"], host["serving_seconds"]["sum"]
    return {"seconds": host["launch_seconds"], "total_seconds": host["total_seconds"], "cpu_seconds": kernels + serving,
            "communication": serving / (kernels + serving) if kernels + serving else None,
            "seconds_per_tile": (kernels + serving) / tiles, "messages": host["mpi_messages"], "message_bytes": host["mpi_bytes"],
            "shared_bytes": host["shared_bytes"], "cpus": machine["cpus"]}  # fmt: skip
