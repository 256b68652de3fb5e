# SPDX-License-Identifier: Apache-2.0
"""The picture of a study: the device above, the emulator below."""

from .plan import fail
from .results import label, series_name


def pyplot():
    try:
        import matplotlib
    except ImportError:
        fail("matplotlib is missing; install it with: scripts/setup python3-matplotlib")
    matplotlib.use("Agg")
    import matplotlib.pyplot

    return matplotlib.pyplot


PANELS = {
    "device": [("speed_up", "speed-up"), ("efficiency", "efficiency"), ("communication", "reader waits for data,\nshare of the time"),
               ("seconds_per_tile", "ns a tile product\nand core")],
    "emulator": [("speed_up", "speed-up"), ("efficiency", "efficiency by CPUs"), ("communication", "communication,\nshare of CPU time"),
                 ("seconds_per_tile", "CPU ns a tile product")],
}  # fmt: skip
AXIS = {"device": "cores of the device (modelled time)", "emulator": "ranks of the emulator (host time)"}


def draw(points, path):
    plt = pyplot()
    kinds = [kind for kind in PANELS if any(point["kind"] == kind for point in points)]
    figure, axes = plt.subplots(len(kinds), 4, figsize=(15, 3.9 * len(kinds)), squeeze=False, constrained_layout=True)
    for row, kind in zip(axes, kinds):
        series = {}
        for point in points:
            if point["kind"] == kind:
                series.setdefault(series_name(point), []).append(point)
        for curve in series.values():
            draw_curve(row, kind, curve)
        sizes = [point["size"] for curve in series.values() for point in curve]
        smallest = min(sizes)
        row[0].plot([smallest, max(sizes)], [1, max(sizes) / smallest], color="#bbbbbb", linestyle="--", zorder=0, label="ideal")
        for axis, (_, title) in zip(row, PANELS[kind]):
            finish(axis, title, AXIS[kind], sorted(set(sizes)))
        row[0].set_yscale("log")
        row[0].yaxis.set_major_formatter("{x:g}")
        row[0].yaxis.set_minor_formatter("")
        for axis in row[1:]:
            axis.set_ylim(0, 1.08 * axis.get_ylim()[1])
        row[0].legend(fontsize=8, frameon=False, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2)
    try:
        figure.savefig(path, dpi=110)
    except (OSError, ValueError) as error:
        fail(f"{path}: {error}")


def draw_curve(row, kind, curve):
    name = f"{curve[0]['series']['scaling']}: {label(curve[0])}"
    if kind == "emulator":
        name += f"; {curve[0]['machine']}"
    colour = None
    for axis, (figure, _) in zip(row, PANELS[kind]):
        there = [point for point in curve if point.get(figure) is not None]
        values = [point[figure] if isinstance(point[figure], float) else point[figure]["median"] for point in there]
        scale = 1e9 if figure == "seconds_per_tile" else 1
        x = [point["size"] for point in there]
        (line,) = axis.plot(x, [value * scale for value in values], "o-", markersize=4, color=colour, label=name)
        colour = line.get_color()
        ranges = [(point["size"], point[figure]) for point in there if isinstance(point[figure], dict)]
        for size, value in ranges:
            axis.plot([size, size], [value["low"] * scale, value["high"] * scale], color=colour, linewidth=1, alpha=0.6)


def finish(axis, title, below, sizes):
    axis.set_xscale("log")
    axis.set_xticks(sizes, [str(size) for size in sizes], fontsize=8)
    axis.minorticks_off()
    axis.set_ylabel(title)
    axis.set_xlabel(below, fontsize=8)
    axis.grid(alpha=0.3)
    axis.spines[["top", "right"]].set_visible(False)
