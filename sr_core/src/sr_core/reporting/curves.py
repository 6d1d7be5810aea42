"""The curves of a training: read from `metrics.csv`, thinned, and sorted into panels for the report."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from sr_core.scales import Scale, describe_scale

MOST_POINTS = 1000
"""Of one drawn curve; more cannot be told apart on a screen."""
Axis = Literal["plain", "logarithmic", "from 0", "share", "probability", "but the start"]
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
        axis: the vertical one: as the values ask for, logarithmic if they span much, from 0, a share in percent, from 0
            to 1, or as wide as the values after the first steps ask for.
        levels: name → value of dashed lines that all curves are compared with.
        band: name → size of a band around 0 that curves should stay in.
        phases: (step, name) of those that the training has, in order; none where there is one alone.
        begin: the step at which the panel begins.
        colors: name of a curve → its colour, where that has a meaning.
    """

    title: str
    curves: Mapping[str, Curve]
    baselines: Mapping[str, tuple[str, float]]
    axis: Axis = "plain"
    levels: Mapping[str, float] = field(default_factory=dict)
    band: Mapping[str, float] = field(default_factory=dict)
    phases: Sequence[tuple[int, str]] = ()
    begin: int = 0
    colors: Mapping[str, str] = field(default_factory=dict)


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


def training_panels(curves: Mapping[str, Curve], phases: Sequence[tuple[int, str]] = ()) -> list[Panel]:
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
    return [Panel(_title(group), groups[group], {}, _AXES.get(group, "plain"), phases=phases) for group in ordered]


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
