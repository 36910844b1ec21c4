"""Pictures of seeds, comparisons and ensembles: PNG and SVG, the same bytes for the same numbers."""

import math
from pathlib import Path

import numpy as np

INK, MUTED, FAINT, ACCENT, SECOND = "#1f2933", "#7b8794", "#d9e2ec", "#1769aa", "#c2571a"
STYLE = {
    "font.size": 10,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "text.color": INK,
    "legend.frameon": False,
    "svg.hashsalt": "bitforbit",
    "svg.fonttype": "path",
}


def seeds(folder: Path, document: dict, metric: str) -> None:
    """Write `seeds.png` and `seeds.svg`: every run, the mean with its interval, and where the next run falls."""
    found = document["metrics"][metric]
    values = [row["metrics"][metric] for row in document["replicates"] if "metrics" in row]
    _drawn(folder, "seeds", (7, 3.4), lambda axes: _seeds(axes, document, metric, found, values))


def _seeds(axes, document, metric, found, values) -> None:
    bins = min(len(values), max(5, math.ceil(2 * math.sqrt(len(values)))))
    # Values a few units in the last place apart have no room for so many bins.
    while bins > 1 and min(values) < max(values) and not np.diff(np.linspace(min(values), max(values), bins + 1)).all():
        bins //= 2
    heights, _, _ = axes.hist(values, bins=bins, color=FAINT, edgecolor="white", label="runs")
    top = max(heights)
    # Equal values are spread downwards, so that each run is a point of its own.
    order: dict[float, int] = {}
    depths = []
    for value in values:
        order[value] = order.get(value, 0) + 1
        depths.append(-0.06 * top - 0.05 * top * ((order[value] - 1) % 5))
    axes.plot(values, depths, "o", color=ACCENT, ms=4.5, alpha=0.75, mec="none")
    if "mean_interval" in found:
        _bar(axes, found["next_run_interval"], 1.12 * top, MUTED, "95 % of the next run", 2)
        _bar(axes, found["mean_interval"], 1.24 * top, SECOND, "95 % of the mean", 4)
    axes.plot([found["mean"]], [1.24 * top], "o", color=SECOND, ms=6)
    axes.plot([found["median"]] * 2, [0, top], color=INK, lw=1, ls=":", label="median")
    lost = sum(document["counts"].values()) - found["n"]
    axes.set(
        xlabel=metric,
        ylabel="runs",
        ylim=(min(depths) - 0.08 * top, 1.34 * top),
        title=f"{document['experiment']}: {found['n']} seeds" + (f", {lost} more did not finish" if lost else ""),
    )
    axes.set_yticks([tick for tick in axes.get_yticks() if tick >= 0 and tick == int(tick) and tick <= top])
    axes.spines["left"].set_bounds(0, top)
    # As they stand, from above.
    shown = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    order = [name for name in ("95 % of the mean", "95 % of the next run", "median", "runs") if name in shown]
    axes.legend([shown[name] for name in order], order, loc="center left", bbox_to_anchor=(1.01, 0.5))


def _bar(axes, ends, height, color, label, width) -> None:
    axes.plot(ends, [height, height], color=color, lw=width, solid_capstyle="butt", label=label)


def standard_error(folder: Path, document: dict, metric: str) -> None:
    """Write `standard-error.png` and `.svg`: of the first N seeds, against what s / sqrt(N) foretells."""
    found = document["metrics"][metric]
    counts, errors = zip(*found["standard_errors"], strict=True)
    smooth = np.linspace(2, counts[-1], 200)

    def draw(axes):
        axes.plot(smooth, found["deviation"] / np.sqrt(smooth), color=MUTED, lw=1.5, label="s / √N, s of all seeds")
        axes.plot(counts, errors, "o-", color=ACCENT, ms=3.5, lw=1, label="of the first N seeds")
        axes.set(
            xlabel="N seeds", ylabel="standard error", title=f"{document['experiment']}, {metric}: what more seeds buy"
        )
        axes.set_ylim(bottom=0)
        axes.set_xlim(1.5, counts[-1] + 0.5)
        axes.grid(axis="y", color=FAINT)
        axes.legend()

    _drawn(folder, "standard-error", (6, 3.4), draw)


def comparison(folder: Path, document: dict, sides: list[dict[int, float]]) -> None:
    """Write `comparison.png` and `.svg`: paired differences by size, or both distributions, one panel per comparison.

    Args:
        folder: where to.
        document: as `comparison.compare` gives it.
        sides: seed to value of each configuration's finished runs, in the document's order.
    """
    names = [each["name"] for each in document["configurations"]]
    found = document["comparisons"]

    def draw(*panels):
        for axes, one in zip(panels, found, strict=True):
            a, b = (sides[names.index(one[side])] for side in "ab")
            (_differences if one["design"] == "paired by seed" else _both)(axes, one, a, b, document["metric"])

    _drawn(folder, "comparison", (7, 3.2 * len(found)), draw, len(found))


def _differences(axes, one: dict, a: dict, b: dict, metric: str) -> None:
    both = sorted(a.keys() & b.keys())[: one["n"][0]]
    gaps = sorted(a[seed] - b[seed] for seed in both)
    axes.axhspan(*one["interval"], color=SECOND, alpha=0.18, lw=0)
    axes.axhline(one["difference"], color=SECOND, lw=2, label="mean with its interval")
    axes.axhline(0, color=INK, lw=1)
    sides = (one["a"], ACCENT, [gap > 0 for gap in gaps]), (one["b"], MUTED, [gap <= 0 for gap in gaps])
    for name, color, taken in sides:
        places, heights = (
            [x for x, own in enumerate(taken) if own],
            [gap for gap, own in zip(gaps, taken, strict=True) if own],
        )
        axes.vlines(places, 0, heights, color=color, lw=2)
        axes.scatter(
            places, heights, color=color, s=16, zorder=3, label=f"{name} is higher: {sum(gap != 0 for gap in heights)}"
        )
    axes.set(
        xlabel="pairs of one seed, by size",
        ylabel=f"{metric}: {one['a']} − {one['b']}",
        title=f"{one['a']} against {one['b']}: {one['verdict']}",
    )
    axes.set_xticks([])
    axes.legend(loc="upper left")


def _both(axes, one: dict, a: dict, b: dict, metric: str) -> None:
    for row, (name, side, color) in enumerate(((one["a"], a, ACCENT), (one["b"], b, SECOND))):
        values = list(side.values())
        offsets = [0.25 * math.sin(2.4 * index) for index in range(len(values))]
        axes.plot(values, [row + offset for offset in offsets], "o", color=color, ms=4.5, alpha=0.7, mec="none")
        axes.plot([sum(values) / len(values)] * 2, [row - 0.38, row + 0.38], color=color, lw=2.5)
        axes.text(
            1.01, row, f"{name}, N = {len(values)}", color=color, va="center", transform=axes.get_yaxis_transform()
        )
    axes.set(xlabel=metric, ylim=(1.6, -0.6), title=f"{one['a']} against {one['b']}: {one['verdict']}")
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)


def gain(folder: Path, document: dict, metric: str) -> None:
    """Write `gain.png` and `.svg`: the metric of the first M members together, and of each member alone."""
    firsts, scores = zip(*((row["members"], row[metric]) for row in document["gain"]["by_members"]), strict=True)
    single = [scores[metric] for scores in document["gain"]["members"]]

    def draw(axes):
        axes.plot(
            range(1, len(single) + 1), single, "o", color=MUTED, ms=4, alpha=0.7, mec="none", label="member M alone"
        )
        axes.axhline(sum(single) / len(single), color=MUTED, lw=1, ls="--", label="mean of single members")
        axes.plot(firsts, scores, "o-", color=ACCENT, ms=3.5, lw=1.8, label="ensemble of the first M")
        axes.set(xlabel="members M", ylabel=metric, title=f"{document['experiment']}: what an ensemble gains")
        axes.set_xlim(0.5, len(single) + 0.5)
        axes.grid(axis="y", color=FAINT)
        axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))

    _drawn(folder, "gain", (7.5, 3.6), draw)


def _drawn(folder: Path, name: str, size: tuple[float, float], draw, panels: int = 1) -> None:
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with rc_context(STYLE):
        figure = Figure(figsize=size, dpi=150, layout="constrained")
        FigureCanvasAgg(figure)
        draw(*figure.subplots(panels, squeeze=False)[:, 0])
        figure.savefig(folder / f"{name}.png", metadata={"Software": None})
        figure.savefig(folder / f"{name}.svg", metadata={"Date": None, "Creator": None})
