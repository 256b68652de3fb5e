# SPDX-License-Identifier: Apache-2.0
"""How the ranks of a grid lie on the nodes of a cluster, and what crosses between them."""

import json
import pathlib
import re
import subprocess
import tempfile

from .plan import fail

PLACEMENTS = {
    "rows": "ranks in order, a node after the other: runs of cores along the rows of the grid",
    "blocks": "each node a block of neighbouring cores, as near to a square as it goes",
    "round-robin": "rank 0 to the first node, rank 1 to the second, and so on",
}


def cores_of_rank(rank, ranks, cores):
    """Contiguous runs in index order (noc/node.h, Placement)."""
    return range(rank * cores // ranks, (rank + 1) * cores // ranks)


def bisect(cells, nodes):
    """Cells (x, y, rank) in as many parts as nodes, cut across the longer side each time."""
    if nodes == 1:
        return [cells]
    first = nodes // 2
    width = len({cell[0] for cell in cells})
    height = len({cell[1] for cell in cells})
    along = sorted(cells, key=lambda cell: (cell[0], cell[1]) if width > height else (cell[1], cell[0]))
    cut = len(cells) * first // nodes
    return bisect(along[:cut], first) + bisect(along[cut:], nodes - first)


def node_of_ranks(placement, ranks, nodes, per_node, columns, rows):
    """The node of each rank."""
    if placement == "round-robin":
        return [rank % nodes for rank in range(ranks)]
    if placement == "rows":
        return [rank // per_node for rank in range(ranks)]
    cells = []
    for rank in range(ranks):
        cores = cores_of_rank(rank, ranks, columns * rows)
        middle = cores[len(cores) // 2]
        cells.append((middle % columns, middle // columns, rank))
    where = [0] * ranks
    for node, part in enumerate(bisect(cells, nodes)):
        for cell in part:
            where[cell[2]] = node
    return where


class Traffic:
    """What a run moves between cores and banks: from the log of a dry run."""

    LINE = re.compile(r"\((\d+),(\d+)\) \w+ +\d+  (noc_read|noc_write|noc_multicast|semaphore_inc|noc_atomic\w*|semaphore_multicast)\b(.*)")

    def __init__(self, program, arguments, columns, rows):
        with tempfile.TemporaryDirectory() as folder:
            log, report = pathlib.Path(folder) / "run.log", pathlib.Path(folder) / "report.json"
            self.run([program, *arguments, "--dry-run", "--no-device-time", "--grid", f"{columns}x{rows}", "--log", log, "--json", report])
            cores = json.loads(report.read_text())["cores"]
            arch = next((arguments[i + 1] for i, word in enumerate(arguments[:-1]) if word == "--arch"), None)
            chip = json.loads(self.run([program, "arch", "--json", *(["--arch", arch] if arch else [])]))
            self.banks = [tuple(place) for place in chip["geometry"]["dram_endpoints"]["value"]]
            self.core_at = {(c["physical"]["x"], c["physical"]["y"]): c["y"] * columns + c["x"] for c in cores}
            self.columns, self.transfers = columns, {}
            for line in self.run([program, "log", log]).splitlines():
                match = self.LINE.match(line)
                if match:
                    self.count(int(match[2]) * columns + int(match[1]), match[3], match[4])

    @staticmethod
    def run(command):
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
        if done.returncode != 0:
            fail((done.stderr.strip().split("\n") or [""])[-1] or f"`{' '.join(map(str, command))}` ended with {done.returncode}")
        return done.stdout

    def targets(self, words):
        corners = re.search(r"nodes (\d+)-(\d+) to (\d+)-(\d+)", words)
        if corners:
            x0, y0, x1, y1 = map(int, corners.groups())
            return [core for (x, y), core in self.core_at.items() if x0 <= x <= x1 and y0 <= y <= y1]
        node = re.search(r"node (\d+)-(\d+)", words)
        if not node:
            return []
        place = int(node[1]), int(node[2])
        return [self.core_at[place]] if place in self.core_at else [("bank", self.banks.index(place))] if place in self.banks else []

    def count(self, core, kind, words):
        size = re.search(r"(\d+) bytes", words)
        for target in self.targets(words):
            if target != core:
                entry = self.transfers.setdefault((core, target), [0, 0])
                entry[0] += 1
                entry[1] += int(size[1]) if size else 4

    def between_nodes(self, where, ranks, cores, owners):
        """Transfers and bytes that go from a node to another, and all."""
        rank_of_core = {core: rank for rank in range(ranks) for core in cores_of_rank(rank, ranks, cores)}

        def node(target):
            if isinstance(target, tuple):
                return where[target[1] * owners // len(self.banks) * ranks // owners]  # noc/node.h, Placement
            return where[rank_of_core[target]]

        crossing, moved, every, all_bytes = 0, 0, 0, 0
        for (core, target), (count, size) in self.transfers.items():
            every, all_bytes = every + count, all_bytes + size
            if node(core) != node(target):
                crossing, moved = crossing + count, moved + size
        return crossing, moved, every, all_bytes
