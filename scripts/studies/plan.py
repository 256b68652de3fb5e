# SPDX-License-Identifier: Apache-2.0
"""What a scaling study runs: a plan file (YAML or JSON) or flags, checked, and the points that come out of it."""

import argparse
import itertools
import json
import math
import pathlib
import re


class Failure(Exception):
    """What ends a study: one line."""


SHAPE = {"batch": 1, "heads": 8, "kv-heads": 1, "seq": 2560, "dim": 128, "causal": True}
DEVICE = {"scaling": "strong", "arch": "wormhole_b0", "grids": ["1x1", "2x2", "4x5", "8x5", "8x10"], "shape": {}, "seqs": [],
          "heads": [], "kv": ["dram"], "grow": "batch", "flags": []}  # fmt: skip
EMULATOR = {"scaling": "strong", "ranks": [1, 2, 4, 8, 16, 40, 80], "grid": "8x10", "shape": {}, "transports": ["auto"],
            "grow": "batch", "hostfile": None, "flags": []}  # fmt: skip
STUDY = {"name": "scaling", "repetitions": 5, "device": [], "emulator": []}
GROWS = ["batch", "heads", "seq"]


def fail(message):
    raise Failure(message)


class Flags(argparse.ArgumentParser):
    """Refuses flags as everything else is refused."""

    def error(self, message):
        fail(f"{message}; see --help")


def read(path):
    """The plan of a file, as it stands there."""
    try:
        text = pathlib.Path(path).read_text()
    except (OSError, UnicodeDecodeError) as error:
        fail(f"{path}: {getattr(error, 'strerror', None) or error}")
    if pathlib.Path(path).suffix == ".json":
        try:
            return json.loads(text)
        except ValueError as error:
            fail(f"{path}: not JSON: {error}")
    try:
        import yaml
    except ImportError:
        fail("python3-yaml is missing, which reads YAML; install it with scripts/setup python3-yaml, or write the plan as JSON")
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        fail(f"{path}: not YAML: {' '.join(str(error).split())}")


def _known(values, keys, where):
    """`values` with the defaults `keys`; what is not among these is refused."""
    if not isinstance(values, dict):
        fail(f"{where}: must be keys with values, not {values!r}")
    for key in values:
        if key not in keys:
            fail(f"{where}: unknown key '{key}'; there are {', '.join(keys)}")
    return {**keys, **values}


def _whole(value, where, least=1):
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        fail(f"{where}: a whole number from {least} is needed, not {value!r}")
    return value


def _list(value, where):
    if not isinstance(value, list):
        fail(f"{where}: must be a list, not {value!r}")
    return value


def _one_of(value, names, where):
    if value not in names:
        fail(f"{where}: {' or '.join(names)}, not {value!r}")


def cores_of(grid, where="grid"):
    match = re.fullmatch(r"([1-9]\d?)x([1-9]\d?)", str(grid))
    if not match:
        fail(f"{where}: a grid is COLUMNSxROWS, not {grid!r}")
    return int(match[1]) * int(match[2])


def _shape(values, where):
    shape = _known(values, SHAPE, where)
    for key, value in shape.items():
        if key == "causal":
            if not isinstance(value, bool):
                fail(f"{where}.causal: true or false, not {value!r}")
        else:
            _whole(value, f"{where}.{key}")
    return shape


def _section(values, keys, where):
    section = _known(values, keys, where)
    section["shape"] = _shape(section["shape"], f"{where}.shape")
    _one_of(section["scaling"], ["strong", "weak"], f"{where}.scaling")
    _one_of(section["grow"], GROWS, f"{where}.grow")
    for flag in _list(section["flags"], f"{where}.flags"):
        if not isinstance(flag, str):
            fail(f"{where}.flags: words as on a command line, not {flag!r}")
    return section


def check(values):
    """The plan, whole and of the right types."""
    plan = _known(values or {}, STUDY, "plan")
    _whole(plan["repetitions"], "plan.repetitions")
    for number, values in enumerate(_list(plan["device"], "plan.device")):
        where = f"plan.device[{number}]"
        section = plan["device"][number] = _section(values, DEVICE, where)
        for grid in _list(section["grids"], f"{where}.grids"):
            cores_of(grid, f"{where}.grids")
        for key in ("seqs", "heads"):
            for value in _list(section[key], f"{where}.{key}"):
                _whole(value, f"{where}.{key}")
        _list(section["kv"], f"{where}.kv")
    for number, values in enumerate(_list(plan["emulator"], "plan.emulator")):
        where = f"plan.emulator[{number}]"
        section = plan["emulator"][number] = _section(values, EMULATOR, where)
        cores_of(section["grid"], f"{where}.grid")
        for ranks in _list(section["ranks"], f"{where}.ranks"):
            _whole(ranks, f"{where}.ranks")
        for transport in _list(section["transports"], f"{where}.transports"):
            _one_of(transport, ["auto", "messages", "windows"], f"{where}.transports")
    if not plan["device"] and not plan["emulator"]:
        fail("plan: neither device nor emulator has a section, so there is nothing to run")
    return plan


def _grown(shape, section, times):
    """The shape with `times` as much work, where the section scales weakly."""
    if section["scaling"] == "strong":
        return shape
    grow = section["grow"]
    # Work grows with the square of a sequence; rows of a tile stay whole.
    factor = times if grow != "seq" else math.sqrt(times)
    value = shape[grow] * factor
    return {**shape, grow: round(value / 32) * 32 if grow == "seq" else round(value)}


def _flags(shape):
    words = []
    for key, value in shape.items():
        words += ([f"--{key}"] if value else []) if key == "causal" else [f"--{key}", str(value)]
    return words


def points(plan):
    """What is to be run, each a dictionary: `kind`, `series` (what a curve has in common), `size` (what scales), `command`."""
    for section in plan["device"]:
        shapes = [
            {**section["shape"], **({"seq": seq} if seq else {}), **({"heads": heads} if heads else {})}
            for seq, heads in itertools.product(section["seqs"] or [None], section["heads"] or [None])
        ]
        least = min((cores_of(grid) for grid in section["grids"]), default=1)
        for shape, kv, grid in itertools.product(shapes, section["kv"], section["grids"]):
            grown = _grown(shape, section, cores_of(grid) / least)
            series = {"scaling": section["scaling"], "arch": section["arch"], "kv": kv, "flags": section["flags"], **shape}
            command = ["attention", "--dry-run", *_flags(grown), "--kv", kv, "--grid", grid, "--arch", section["arch"], *section["flags"]]
            yield {"kind": "device", "series": series, "size": cores_of(grid), "grid": grid, "command": command}
    for section in plan["emulator"]:
        least = min(section["ranks"], default=1)
        for transport, ranks in itertools.product(section["transports"], section["ranks"]):
            grown = _grown(section["shape"], section, ranks / least)
            series = {"scaling": section["scaling"], "transport": transport, "grid": section["grid"], "hostfile": section["hostfile"],
                      "flags": section["flags"], **section["shape"]}  # fmt: skip
            command = ["attention", "--verify", "off", "--no-device-time", *_flags(grown), "--grid", section["grid"], "--transport",
                       transport, *section["flags"]]  # fmt: skip
            yield {"kind": "emulator", "series": series, "size": ranks, "hostfile": section["hostfile"], "command": command}
