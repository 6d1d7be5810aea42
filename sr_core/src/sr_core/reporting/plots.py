"""The report's plots as SVG that takes its text colour from the page, so that it reads in light and dark."""

from __future__ import annotations

import io
import math
import re
import warnings
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

from sr_core.record import Record

PAGE_INK = "#123456"
"""Drawn with this colour, and replaced by the page's own."""
SERIES = ("#1c7ed6", "#e8590c", "#2f9e44", "#ae3ec9", "#e03131", "#0c8599", "#f08c00", "#868e96")
MARKERS = "osD^vP*X"
STYLE: Any = {  # matplotlib types its settings one by one
    **dict.fromkeys(("text.color", "axes.labelcolor", "xtick.color", "ytick.color", "axes.edgecolor"), PAGE_INK),
    "svg.fonttype": "none",
    "svg.hashsalt": "srkit",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#888888",
    "grid.alpha": 0.25,
}


def quality_against_time(records: Sequence[Record]) -> str | None:
    """One point a candidate: mean against seconds for each picture; None where nothing was timed."""
    timed = [record for record in records if record.seconds_per_image and math.isfinite(record.mean)]
    if not timed:
        return None
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(6.4, 3.6), layout="constrained")
        axes = figure.subplots()
        for index, record in enumerate(timed):
            assert record.seconds_per_image  # noqa: S101 - only timed records are here
            color, marker = SERIES[index % len(SERIES)], MARKERS[index % len(MARKERS)]
            axes.scatter([record.seconds_per_image], [record.mean], s=60, zorder=3, color=color, marker=marker)
            place = (record.seconds_per_image, record.mean)
            axes.annotate(plain_text(record.candidate), place, xytext=(7, 5), textcoords="offset points")
        axes.set_xscale("log")
        seconds = [record.seconds_per_image for record in timed if record.seconds_per_image]
        # Within a factor of three a logarithmic axis has one round number at most.
        is_wide = max(seconds) > 3 * min(seconds)
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0), numticks=9) if is_wide else MaxNLocator(4))
        axes.xaxis.set_major_formatter("{x:.3g}")
        axes.xaxis.set_minor_locator(NullLocator())
        axes.margins(x=0.25, y=0.2)
        axes.set_xlabel("seconds for each picture")
        axes.set_ylabel(_label(records[0]))
        return svg_text(figure)


def scores_by_picture(records: Sequence[Record]) -> str | None:
    """Every picture's value from every candidate; None for metrics that have none."""
    drawn = [record for record in records if record.per_image]
    if not drawn:
        return None
    pictures = list(dict.fromkeys(name for record in drawn for name in record.per_image))
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(max(6.4, 0.42 * len(pictures) + 1.6), 3.8), layout="constrained")
        axes = figure.subplots()
        for index, record in enumerate(drawn):
            values = [record.per_image.get(name, math.nan) for name in pictures]
            values = [value if math.isfinite(value) else math.nan for value in values]
            color, marker = SERIES[index % len(SERIES)], MARKERS[index % len(MARKERS)]
            axes.plot(
                range(len(pictures)), values, marker, color=color, markersize=7, label=plain_text(record.candidate)
            )
        _name_pictures(axes, pictures)
        axes.set_ylabel(_label(drawn[0]))
        figure.legend(loc="outside upper center", ncols=4, frameon=False)
        return svg_text(figure)


def _name_pictures(axes: Axes, pictures: Sequence[str]) -> None:
    step = max(1, math.ceil(len(pictures) / 60))  # more names than that cannot be read
    shown = range(0, len(pictures), step)
    names = [
        plain_text(pictures[index] if len(pictures[index]) <= 18 else f"{pictures[index][:17]}…") for index in shown
    ]
    axes.set_xticks(list(shown), names, rotation=60, ha="right")


def _label(record: Record) -> str:
    better = "higher is better" if record.higher_is_better else "lower is better"
    return plain_text(f"{record.metric}{f' ({record.unit})' if record.unit else ''}\n{better}")


def plain_text(text: str) -> str:
    """Text that matplotlib does not take for mathematics or as hidden (a leading underscore)."""
    return ("\u200b" + text if text.startswith("_") else text).replace("$", r"\$")


def svg_text(figure: Figure) -> str:
    """A finished figure as SVG whose ink is the page's own."""
    text = io.StringIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")  # the browser has its own fonts
        figure.savefig(text, format="svg", transparent=True, metadata={"Date": None})
    svg = text.getvalue()
    svg = svg[svg.index("<svg") :].replace(PAGE_INK, "currentColor")
    return re.sub(r'width="[\d.]+pt" height="[\d.]+pt"', 'class="plot" role="img"', svg, count=1)
