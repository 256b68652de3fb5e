# SPDX-License-Identifier: Apache-2.0
"""Results of a study: a line of JSON a run, written as it ends; summaries with medians and intervals over them."""

import csv
import hashlib
import io
import json
import math
import os
import pathlib
import statistics

from .plan import Failure, fail

FORMAT = 1


def key_of(point):
    """The same for the same run of the same study, in any file."""
    text = json.dumps([point["kind"], point["series"], point["size"], point["command"]], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class Store:
    """The file of a study's results. One process at a time may add to it."""

    def __init__(self, folder):
        self.path = pathlib.Path(folder) / "results.jsonl"
        self.rows = load(folder) if self.path.exists() else []

    def open(self):
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.file = open(self.path, "a+b")
        except OSError as error:
            fail(f"{self.path}: {error.strerror}")
        try:
            import fcntl

            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            fail(f"{self.path}: another study is writing to it")
        # A study that was killed may have left a part of a line.
        self.file.seek(0)
        text = self.file.read()
        whole = text.rfind(b"\n") + 1
        if whole != len(text):
            self.file.truncate(whole)

    def add(self, row):
        try:
            self.file.seek(0, os.SEEK_END)
            self.file.write(json.dumps(row, separators=(",", ":")).encode() + b"\n")
            self.file.flush()
            os.fsync(self.file.fileno())
        except OSError as error:
            fail(f"{self.path}: {error.strerror}; what was there before is whole, and the same command goes on")
        self.rows.append(row)


def load(folder):
    path = pathlib.Path(folder)
    path = path / "results.jsonl" if path.is_dir() else path
    try:
        lines = path.read_text().split("\n")
    except (OSError, UnicodeDecodeError) as error:
        fail(f"{path}: {getattr(error, 'strerror', None) or error}")
    rows = []
    for number, line in enumerate(lines, 1):
        if not line:
            continue
        try:
            row = json.loads(line)
            if row["format"] != FORMAT:
                fail(f"{path}:{number}: results of another version of this script ({row['format']}, this is {FORMAT})")
            _ = row["key"], row["repetition"], row["machine"]["id"], row["tilegrid"]
        except (ValueError, KeyError, TypeError) as error:
            if number == len(lines):
                continue  # the rest of a line that a killed study began
            raise Failure(f"{path}:{number}: not a result of scripts/scaling ({error!r})") from error
        rows.append(row)
    return rows


def interval(values):
    """The values between which the median of all runs lies with 95 % confidence, by order; of fewer than six, all of them."""
    ordered = sorted(values)
    count = len(ordered)
    outside = 0
    while outside + 1 < (count + 1) // 2 and 2 * sum(math.comb(count, k) for k in range(outside + 2)) / 2**count <= 0.05:
        outside += 1
    return (ordered[outside], ordered[count - 1 - outside]) if count >= 6 else (ordered[0], ordered[-1])


def merged(folders):
    """Rows of several studies, each run once."""
    seen = {}
    for folder in folders:
        for row in load(folder):
            seen.setdefault((row["key"], row["repetition"], row["machine"]["id"], row["tilegrid"]["revision"]), row)
    return list(seen.values())


def summarise(rows):
    """A dictionary a point and machine: medians, intervals, speed-up and efficiency against the smallest of its series."""
    groups = {}
    for row in rows:
        if row.get("refusal") is None:
            machine = row["machine"]["id"] if row["kind"] == "emulator" else None  # device time is the same everywhere
            groups.setdefault((row["kind"], row["key"], machine, row["tilegrid"]["revision"]), []).append(row)
    points = []
    for runs in groups.values():
        first = runs[0]
        point = {key: first[key] for key in ("kind", "series", "size", "command")}
        point |= {"grid": first.get("grid"), "machine": first["machine"]["host"] if first["kind"] == "emulator" else None,
                  "revision": first["tilegrid"]["revision"], "runs": len(runs)}  # fmt: skip
        for name in first["figures"]:
            values = [run["figures"][name] for run in runs if run["figures"].get(name) is not None]
            if values:
                low, high = interval(values)
                point[name] = {"median": statistics.median(values), "low": low, "high": high}
        points.append(point)
    add_ratios(points)
    return points


def series_name(point):
    return json.dumps([point["kind"], point["machine"], point["revision"], point["series"]], sort_keys=True)


def add_ratios(points):
    by_series = {}
    for point in points:
        by_series.setdefault(series_name(point), []).append(point)
    for series in by_series.values():
        series.sort(key=lambda point: point["size"])
        base = series[0]
        for point in series:
            seconds, first = point["seconds"]["median"], base["seconds"]["median"]
            if not seconds:
                continue
            grown = point["size"] / base["size"]
            strong = point["series"]["scaling"] == "strong"
            point["speed_up"] = first / seconds * (1 if strong else grown)
            # Ranks share the CPUs that there are: more of them can't be faster.
            workers = point.get("cpus", {}).get("median"), base.get("cpus", {}).get("median")
            share = min(point["size"], workers[0]) / min(base["size"], workers[1]) if workers[0] else grown
            point["efficiency"] = first / seconds / (share if strong else share / grown if workers[0] else 1)
    points.sort(key=lambda point: (point["kind"], series_name(point), point["size"]))


FIGURES = ["seconds", "communication", "seconds_per_tile", "cpu_seconds", "messages", "message_bytes", "shared_bytes"]


def as_csv(points):
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(["kind", "machine", "scaling", "series", "size", "grid", "runs", "speed_up", "efficiency",
                    *[f"{name}{part}" for name in FIGURES for part in ("", "_low", "_high")]])  # fmt: skip
    for point in points:
        figures = []
        for name in FIGURES:
            figure = point.get(name, {})
            figures += [figure.get("median"), figure.get("low"), figure.get("high")]
        table.writerow([point["kind"], point["machine"], point["series"]["scaling"], label(point), point["size"], point["grid"],
                        point["runs"], point.get("speed_up"), point.get("efficiency"), *figures])  # fmt: skip
    return out.getvalue()


def label(point):
    series = point["series"]
    text = f"{series['heads']} heads on {series['kv-heads']}, {series['seq']} rows, dim {series['dim']}"
    if series["batch"] > 1:
        text = f"batch {series['batch']}, {text}"
    if series["causal"]:
        text += ", causal"
    parts = [text, series.get("kv") or series["transport"]]
    if series.get("arch", "wormhole_b0") != "wormhole_b0":
        parts.append(pathlib.Path(series["arch"]).stem)
    if series.get("hostfile"):
        parts.append("several hosts")
    if series["flags"]:
        parts.append(" ".join(series["flags"]))
    return "; ".join(parts)
