"""The report: one HTML file that opens offline, drawn from run directories."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import jinja2
from markupsafe import Markup

from sr_core.record import Record
from sr_core.reporting.embedding import MOST_BYTES, Budget
from sr_core.reporting.plots import quality_against_time, scores_by_picture
from sr_core.reporting.previews import PreviewIndex
from sr_core.reporting.run_results import RunResults
from sr_core.reporting.significance import compare_pairs
from sr_core.reporting.tables import format_value, is_best, protocol_text
from sr_core.reporting.training_section import show_learning, show_training, validation_plots
from sr_core.scales import Scale, describe_scale


@dataclass(frozen=True)
class Column:
    """One column of the result table: a metric on a data set at a scale."""

    dataset: str
    scale: Scale
    metric: str
    unit: str
    higher_is_better: bool


@dataclass(frozen=True)
class Cell:
    """One figure of the result table."""

    text: str
    best: bool


@dataclass(frozen=True)
class PlotPair:
    """The plots of one column."""

    title: str
    plots: tuple[Markup, ...]


@dataclass(frozen=True)
class ShownPanel:
    """One panel of a picture: its label, figures, and pictures as data addresses (whole: empty if left out)."""

    label: str
    note: str
    details: tuple[str, ...]
    whole: str


@dataclass(frozen=True)
class ShownPicture:
    """One picture with all its panels."""

    title: str
    size: tuple[int, int]
    panels: tuple[ShownPanel, ...]


def render_report(runs: Sequence[RunResults], most_bytes: int = MOST_BYTES) -> str:
    """The HTML of one run, or of several side by side.

    Args:
        runs: as read from their directories; where there are several, candidates carry their run's name.
        most_bytes: what embedded pictures may take.
    """
    runs = list(_told_apart(runs))
    records = [record for run in runs for record in _named_records(run, alone=len(runs) == 1)]
    columns = list(dict.fromkeys(_column(record) for record in records))
    budget = Budget(most_bytes)
    learning = list(show_learning(runs, budget))
    pictures = [picture for run in runs for picture in _pictures(run, budget)]
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("sr_core.reporting"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["describe_scale"] = describe_scale
    return environment.get_template("report.html").render(
        title=" · ".join(run.name for run in runs),
        runs=runs,
        columns=columns,
        rows=list(_rows(records, columns)),
        protocols=list(dict.fromkeys(protocol_text(record) for record in records)),
        plots=[_plots(records, column) for column in columns],
        costs=[(cost, run.name) for run in runs for cost in run.costs],
        significances=compare_pairs(records),
        trainings=[shown for shown in map(show_training, runs) if shown is not None],
        validation=validation_plots(runs),
        learning=learning,
        pictures=pictures,
        left_out=budget.left_out,
    )


def _told_apart(runs: Sequence[RunResults]) -> Iterator[RunResults]:
    """A run whose name an earlier one has is called after its folder too."""
    seen: set[str] = set()
    for run in runs:
        name = run.name if run.name not in seen else f"{run.name} ({run.path.resolve().name})"
        seen.add(name)
        yield replace(run, name=name)


def _named_records(run: RunResults, *, alone: bool) -> list[Record]:
    if alone:
        return list(run.records)
    return [record.model_copy(update={"candidate": f"{run.name}: {record.candidate}"}) for record in run.records]


def _column(record: Record) -> Column:
    return Column(record.dataset, record.scale, record.metric, record.unit, record.higher_is_better)


def _rows(records: Sequence[Record], columns: Sequence[Column]) -> Iterator[tuple[str, list[Cell | None], str]]:
    """(candidate, its cells by column, seconds for each picture)."""
    for candidate in dict.fromkeys(record.candidate for record in records):
        mine = {_column(record): record for record in records if record.candidate == candidate}
        cells: list[Cell | None] = []
        for column in columns:
            record = mine.get(column)
            figure = (
                None if record is None else Cell(format_value(record.mean, record.decimals), is_best(record, records))
            )
            cells.append(figure)
        seconds = [record.seconds_per_image for record in mine.values() if record.seconds_per_image is not None]
        yield candidate, cells, f"{sum(seconds) / len(seconds):.3f}" if seconds else "–"


def _plots(records: Sequence[Record], column: Column) -> PlotPair:
    mine = [record for record in records if _column(record) == column]
    drawn = (quality_against_time(mine), scores_by_picture(mine))
    # Drawn by matplotlib, which escapes every text it is given.
    safe = tuple(Markup(plot) for plot in drawn if plot is not None)  # noqa: S704
    return PlotPair(f"{column.dataset} ×{describe_scale(column.scale)} {column.metric}", safe)


def _pictures(run: RunResults, budget: Budget) -> Iterator[ShownPicture]:
    """Details of every picture always; whole pictures as long as there is room."""
    for folder, index in run.previews:
        notes = _notes(run, index)
        panels = [
            ShownPanel(
                panel.label,
                notes.get(panel.label, ""),
                tuple(budget.embed(folder / name, needed=True) for name in panel.details),
                budget.embed(folder / panel.whole, needed=False),
            )
            for panel in index.panels
        ]
        yield ShownPicture(f"{index.dataset} ×{describe_scale(index.scale)} {index.picture}", index.size, tuple(panels))


def _notes(run: RunResults, index: PreviewIndex) -> dict[str, str]:
    """Candidate → its figures for this picture."""
    notes: dict[str, list[str]] = {}
    for record in run.records:
        value = record.per_image.get(index.picture)
        if (record.dataset, record.scale) == (index.dataset, index.scale) and value is not None:
            notes.setdefault(record.candidate, []).append(
                f"{format_value(value, record.decimals)} {record.unit or record.metric}"
            )
    return {candidate: " · ".join(texts) for candidate, texts in notes.items()}
