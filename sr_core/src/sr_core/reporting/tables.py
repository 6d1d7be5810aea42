"""Records as tables: for the terminal, for Markdown, for spreadsheets."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table

from sr_core.record import Record


@dataclass(frozen=True)
class _Column:
    dataset: str
    scale: float
    metric: str

    @property
    def heading(self) -> str:
        return f"{self.dataset} ×{self.scale:g} {self.metric}"


def markdown_table(records: Sequence[Record]) -> str:
    """One row a candidate, one column for each data set, scale and metric; the best in bold; protocol beneath."""
    columns = _columns(records)
    lines = [
        "| candidate | " + " | ".join(_escaped(column.heading) for column in columns) + " | seconds per picture |",
        "|---|" + "---:|" * (len(columns) + 1),
    ]
    for candidate in _candidates(records):
        cells = [_escaped(candidate), *_cells(records, candidate, "**{}**"), _seconds(records, candidate)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, "", protocol_line(records), ""])


def terminal_table(records: Sequence[Record], title: str) -> Table:
    """The same table for a terminal."""
    table = Table(title=title, title_justify="left")
    table.add_column("candidate")
    columns = _columns(records)
    for column in columns:
        unit = next(record.unit for record in records if record.metric == column.metric)
        table.add_column(
            f"{column.dataset} ×{column.scale:g}\n{column.metric}{f' ({unit})' if unit else ''}",
            justify="right",
        )
    table.add_column("seconds\nper picture", justify="right")
    for candidate in _candidates(records):
        cells = _cells(records, candidate, "[bold green]{}[/]")
        table.add_row(candidate.replace("[", r"\["), *cells, _seconds(records, candidate))
    return table


def csv_table(records: Sequence[Record]) -> str:
    """One row for each record and picture, and one for each mean (picture empty)."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    parts = ("luma", "crop", "clip", "lr")
    writer.writerow(
        [
            *("dataset", "scale", "candidate", "metric", "picture", "value", "unit", "seconds_per_image"),
            *("device", "precision", "protocol", *parts),
        ]
    )
    for record in records:
        seconds = "" if record.seconds_per_image is None else f"{record.seconds_per_image:.6g}"
        protocol = [record.protocol.name, *(getattr(record.protocol, part) for part in parts)]
        tail = [record.unit, seconds, record.device, record.precision, *protocol]
        head = [record.dataset, f"{record.scale:g}", record.candidate, record.metric]
        writer.writerow([*head, "", repr(record.mean), *tail])
        for picture, value in record.per_image.items():
            writer.writerow([*head, picture, repr(value), *tail])
    return text.getvalue()


def protocol_line(records: Sequence[Record]) -> str:
    """The protocol of the figures in one line."""
    protocol = records[0].protocol
    return (
        f"Protocol {protocol.name}: luma {protocol.luma}, crop {protocol.crop}, clip {protocol.clip}, "
        f"lr {protocol.lr}; SR made in {records[0].precision} on {records[0].device}."
    )


def format_value(value: float, decimals: int) -> str:
    """A value with as many decimals as its metric deserves.

    >>> format_value(28.4212, 2)
    '28.42'
    """
    return "∞" if math.isinf(value) else f"{value:.{decimals}f}"


def is_best(record: Record, records: Sequence[Record]) -> bool:
    """Whether no other candidate has a better mean in the same column."""
    rivals = [other.mean for other in records if _column(other) == _column(record)]
    best = max(rivals) if record.higher_is_better else min(rivals)
    return len(rivals) > 1 and record.mean == best


def _column(record: Record) -> _Column:
    return _Column(record.dataset, record.scale, record.metric)


def _columns(records: Sequence[Record]) -> list[_Column]:
    return list(dict.fromkeys(_column(record) for record in records))


def _candidates(records: Sequence[Record]) -> list[str]:
    return list(dict.fromkeys(record.candidate for record in records))


def _cells(records: Sequence[Record], candidate: str, best: str) -> list[str]:
    """A candidate's figures by column, the best ones put into `best`; a dash where there is none."""
    cells = []
    for column in _columns(records):
        record = next((r for r in records if r.candidate == candidate and _column(r) == column), None)
        text = "–" if record is None else format_value(record.mean, record.decimals)
        cells.append(best.format(text) if record is not None and is_best(record, records) else text)
    return cells


def _seconds(records: Sequence[Record], candidate: str) -> str:
    """Mean over all pictures of all data sets and scales."""
    metric = records[0].metric
    mine = [r for r in records if r.candidate == candidate and r.metric == metric and r.seconds_per_image is not None]
    if not mine:
        return "–"
    pictures = sum(len(record.per_image) or 1 for record in mine)
    total = sum((record.seconds_per_image or 0) * (len(record.per_image) or 1) for record in mine)
    return f"{total / pictures:.3f}"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")
