"""The curves of a training: read from `metrics.csv`, thinned, and drawn as SVG for the report."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from sr_core.reporting.plots import SERIES, STYLE, plain_text, svg_text
from sr_core.scales import Scale, describe_scale

MOST_POINTS = 1000
"""Of one drawn curve; more cannot be told apart on a screen."""
LOG_FROM = 3.0
"""A loss that spans at least this factor is drawn on a logarithmic axis."""
LOWEST_SHARE = 0.05
"""Axes of shares reach at least this far: what is below does not matter."""
HIGHEST_PANEL = 5
"""Curves of one panel that still find room in its legend without the panel growing."""
EARLY = 0.1
"""Share of the steps in which a network is far from what it will be: axes of validation do not stretch for them."""
Axis = Literal["plain", "logarithmic", "from 0", "share", "but the start"]
_AXES: dict[str, Axis] = {
    "loss": "logarithmic",
    "gradient norm": "from 0",
    "images per second": "from 0",
    "waiting for data": "share",
}


@dataclass(frozen=True)
class Curve:
    """One figure over the steps of a training.

    Attributes:
        steps: rising.
        values: one for each step; not finite where the figure was not.
    """

    steps: tuple[int, ...]
    values: tuple[float, ...]

    def best(self, *, higher_is_better: bool) -> tuple[int, float] | None:
        """(step, value) of its first best point; None where no value is a number."""
        points = [(step, value) for step, value in zip(self.steps, self.values, strict=True) if not math.isnan(value)]
        if not points:
            return None
        sign = 1 if higher_is_better else -1
        return max(points, key=lambda point: (sign * point[1], -point[0]))


@dataclass(frozen=True)
class Panel:
    """Curves that share their axes.

    Attributes:
        title: what they show.
        curves: by name, as the legend calls them.
        baselines: name of a curve → (name, value) of what it is compared with, drawn as a dashed line.
        axis: the vertical one: as the values ask for, logarithmic if they span much, from 0, a share in percent, or
            as wide as the values after the first steps (`EARLY`) ask for.
    """

    title: str
    curves: Mapping[str, Curve]
    baselines: Mapping[str, tuple[str, float]]
    axis: Axis = "plain"


def read_curves(path: Path) -> dict[str, Curve]:
    """Every curve of a `metrics.csv` (columns `step,curve,value`), by name, in the order of first appearance.

    A line that was torn when the run was killed is passed over. Where steps go back, as after a resume, what came
    later counts.

    Raises:
        OSError: the file cannot be read.
    """
    found: dict[str, tuple[list[int], list[float]]] = {}
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)[1:]:
        point = _point(line)
        if point is None:
            continue
        step, name, value = point
        steps, values = found.setdefault(name, ([], []))
        while steps and steps[-1] >= step:
            steps.pop()
            values.pop()
        steps.append(step)
        values.append(value)
    return {name: Curve(tuple(steps), tuple(values)) for name, (steps, values) in found.items()}


def _point(line: str) -> tuple[int, str, float] | None:
    """(step, curve, value), or None of a torn line: one without its end, or that is no such triple."""
    if not line.endswith("\n"):
        return None
    try:
        [(step, name, value)] = csv.reader([line], strict=True)
        return int(step), name, float(value)
    except (ValueError, csv.Error):
        return None


def thinned(curve: Curve, most: int = MOST_POINTS) -> Curve:
    """At most `most` points: of each stretch its lowest and its highest, so that no peak is lost."""
    count = len(curve.steps)
    if count <= most:
        return curve
    kept = {0, count - 1}
    stretches = (most - 2) // 2
    for number in range(stretches):
        stretch = range(number * count // stretches, (number + 1) * count // stretches)
        known = [index for index in stretch if not math.isnan(curve.values[index])] or [stretch[0]]
        kept |= {min(known, key=curve.values.__getitem__), max(known, key=curve.values.__getitem__)}
    chosen = sorted(kept)
    return Curve(tuple(curve.steps[index] for index in chosen), tuple(curve.values[index] for index in chosen))


def training_panels(curves: Mapping[str, Curve]) -> list[Panel]:
    """The curves of one run but those of validation, sorted into panels: losses first, speed last.

    Curves called `<group>/<term>` share the panel of their group.
    """
    groups: dict[str, dict[str, Curve]] = {}
    for name, curve in curves.items():
        if is_validation(name):
            continue
        group, slash, _ = name.rpartition("/")
        groups.setdefault(group if slash else name, {})[name] = curve
    losses = groups.get("loss", {})
    if len(losses) == 2 and len({curve.values for curve in losses.values()}) == 1:
        groups["loss"] = {"loss": curves["loss"]}  # it consists of one term, and need not be drawn twice
    order = ("loss", "own", "", "learning rate", "gradient norm", "images per second", "waiting for data")
    ranks = {name: rank for rank, name in enumerate(order)}
    ordered = sorted(groups, key=lambda group: ranks.get(group.partition("/")[0], ranks[""]))
    return [Panel(_title(group), groups[group], {}, _AXES.get(group, "plain")) for group in ordered]


def validation_curve(dataset: str, scale: Scale, metric: str) -> str:
    """What a curve of validation is called.

    >>> validation_curve("Set5", 3, "psnr")
    'Set5 x3/psnr'
    """
    return f"{dataset} x{describe_scale(scale)}/{metric}"


def is_validation(name: str) -> bool:
    """Whether a curve is a figure of a data set: `<dataset> x<scale>/<metric>`."""
    dataset, slash, _ = name.partition("/")
    _, times, scale = dataset.rpartition(" x")
    return bool(slash and times) and scale[:1].isdigit()


def _title(group: str) -> str:
    first, _, rest = group.partition("/")
    if first == "own":
        return f"{rest}: its own training"
    return {"waiting for data": "time spent waiting for data"}.get(group, group)


def draw_panel(panel: Panel) -> str:
    """One panel as SVG in the colours of the page."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(6.4, 3.2 + 0.18 * max(0, len(panel.curves) - HIGHEST_PANEL)), layout="constrained")
        axes = figure.subplots()
        for index, (name, curve) in enumerate(panel.curves.items()):
            shown = thinned(curve)
            values = [value if math.isfinite(value) else math.nan for value in shown.values]
            marker = "o" if sum(map(math.isfinite, values)) <= 40 else ""  # a lone point draws no line
            color = SERIES[index % len(SERIES)]
            axes.plot(shown.steps, values, marker=marker, ms=4, lw=1.5, color=color, label=plain_text(name))
            if name in panel.baselines:
                baseline, value = panel.baselines[name]
                axes.axhline(value, color=color, ls="--", lw=1.2, label=plain_text(baseline))
        drawn = [value for curve in panel.curves.values() for value in curve.values]
        if panel.axis == "logarithmic":
            _logarithmic(axes, drawn)
        axes.set_xlabel("step")
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.set_xlim(left=0)
        if axes.get_yscale() == "linear":
            axes.ticklabel_format(axis="y", useOffset=False)  # 32.1 and 32.2, not 0.1 and 0.2 + 32
        if panel.axis in ("from 0", "share"):
            highest = max((value for value in drawn if math.isfinite(value)), default=0)
            axes.set_ylim(0, max(1.15 * highest, LOWEST_SHARE if panel.axis == "share" else 0) or 1)
        if panel.axis == "but the start":
            axes.set_ylim(*_later_limits(panel))
        if panel.axis == "share":
            axes.yaxis.set_major_formatter("{x:.0%}")
        if len(panel.curves) > 1 or panel.baselines:
            figure.legend(loc="outside upper center", ncols=3, frameon=False)
        return svg_text(figure)


def _later_limits(panel: Panel) -> tuple[float | None, float | None]:
    """(bottom, top) around baselines and what curves have after their first steps; None where there is nothing."""
    later = [value for _, value in panel.baselines.values()]
    for curve in panel.curves.values():
        begin = EARLY * curve.steps[-1] if curve.steps else 0
        later += [value for step, value in zip(curve.steps, curve.values, strict=True) if step >= begin]
    finite = [value for value in later if math.isfinite(value)]
    if len(set(finite)) < 2:
        return None, None
    edge = 0.06 * (max(finite) - min(finite))
    return min(finite) - edge, max(finite) + edge


def _logarithmic(axes: Axes, values: Sequence[float]) -> None:
    """A logarithmic axis where all values are positive and span enough; ticks are plain numbers."""
    finite = [value for value in values if math.isfinite(value)]
    if not finite or min(finite) <= 0 or max(finite) < LOG_FROM * min(finite):
        return
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())
