"""Panels of curves drawn as SVG for the report."""

from __future__ import annotations

import math
from collections.abc import Sequence

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from sr_core.reporting.curves import Panel, thinned
from sr_core.reporting.plots import PAGE_INK, SERIES, STYLE, plain_text, svg_text

LOG_FROM = 3.0
"""A loss that spans at least this factor is drawn on a logarithmic axis."""
LOWEST_SHARE = 0.05
"""Axes of shares reach at least this far: what is below does not matter."""
HIGHEST_PANEL = 5
"""Curves of one panel that still find room in its legend without the panel growing."""
EARLY = 0.1
"""Share of the steps in which a network is far from what it will be: axes of validation do not stretch for them."""
LINES = ("--", "-.", ":")


def draw_panel(panel: Panel) -> str:
    """One panel as SVG in the colours of the page."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(6.4, 3.2 + 0.18 * max(0, len(panel.curves) - HIGHEST_PANEL)), layout="constrained")
        axes = figure.subplots()
        for index, (name, curve) in enumerate(panel.curves.items()):
            shown = thinned(curve)
            values = [value if math.isfinite(value) else math.nan for value in shown.values]
            marker = "o" if sum(map(math.isfinite, values)) <= 40 else ""  # a lone point draws no line
            color = panel.colors.get(name, SERIES[index % len(SERIES)])
            axes.plot(shown.steps, values, marker=marker, ms=4, lw=1.5, color=color, label=plain_text(name))
            if name in panel.baselines:
                baseline, value = panel.baselines[name]
                axes.axhline(value, color=color, ls="--", lw=1.2, label=plain_text(baseline))
        for number, (name, value) in enumerate(panel.levels.items()):
            axes.axhline(value, color=PAGE_INK, alpha=0.6, ls=LINES[number % len(LINES)], lw=1, label=plain_text(name))
        for name, size in panel.band.items():
            axes.axhspan(-size, size, color="#2f9e44", alpha=0.15, lw=0, label=plain_text(name))
        drawn = [value for curve in panel.curves.values() for value in curve.values]
        if panel.axis == "logarithmic":
            _logarithmic(axes, drawn)
        axes.set_xlabel("step")
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.set_xlim(left=panel.begin)
        _phases(axes, panel)
        if axes.get_yscale() == "linear":
            axes.ticklabel_format(axis="y", useOffset=False)  # 32.1 and 32.2, not 0.1 and 0.2 + 32
        if panel.axis in ("from 0", "share"):
            highest = max((value for value in drawn if math.isfinite(value)), default=0)
            axes.set_ylim(0, max(1.15 * highest, LOWEST_SHARE if panel.axis == "share" else 0) or 1)
        if panel.axis == "probability":
            axes.set_ylim(-0.04, 1.04)
        if panel.axis == "but the start":
            axes.set_ylim(*_later_limits(panel))
        if panel.axis == "share":
            axes.yaxis.set_major_formatter("{x:.0%}")
        if len(panel.curves) > 1 or panel.baselines or panel.levels or panel.band:
            figure.legend(loc="outside upper center", ncols=3, frameon=False)
        return svg_text(figure)


def _phases(axes: Axes, panel: Panel) -> None:
    """A line where each phase begins, with its name."""
    for number, (step, name) in enumerate(panel.phases):
        following = panel.phases[number + 1 :]
        if following and following[0][0] <= panel.begin:
            continue
        if step > panel.begin:
            axes.axvline(step, color=PAGE_INK, alpha=0.5, ls=":", lw=1)
        place = (max(step, panel.begin), 1)
        axes.annotate(
            *(plain_text(name), place),
            xycoords=("data", "axes fraction"),
            xytext=(3, -1),
            fontsize=8,
            alpha=0.8,
            textcoords="offset points",
            va="bottom",
            annotation_clip=True,
        )


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
