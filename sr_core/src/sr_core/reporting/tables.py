"""Records as tables: for the terminal, for Markdown, for spreadsheets."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Sequence

from rich.markup import escape
from rich.table import Table

from sr_core.record import Record
from sr_core.scales import describe_scale


def markdown_table(records: Sequence[Record]) -> str:
    """A row for each data set, scale and candidate, a column for each metric; the best in bold, protocol beneath."""
    headings = ["data set", "candidate", *_metric_headings(records), "seconds per picture"]
    lines = [f"| {' | '.join(headings)} |", "|---|---|" + "---:|" * (len(headings) - 2)]
    for dataset, candidate, cells, seconds in _rows(records, "**{}**"):
        texts = [_escaped(dataset), _escaped(candidate), *cells, seconds]
        lines.append(f"| {' | '.join(texts)} |")
    return "\n".join([*lines, "", protocol_line(records), ""])


def terminal_table(records: Sequence[Record], title: str) -> Table:
    """The same for a terminal."""
    table = Table(title=title, title_justify="left")
    table.add_column("data set", no_wrap=True)
    table.add_column("candidate", overflow="fold")
    for heading in (*_metric_headings(records), "seconds\nper picture"):
        table.add_column(heading, justify="right", no_wrap=True)
    previous = None
    for dataset, candidate, cells, seconds in _rows(records, "[bold green]{}[/]"):
        if dataset != previous:
            table.add_section()
        table.add_row("" if dataset == previous else escape(dataset), escape(candidate), *cells, seconds)
        previous = dataset
    return table


def _rows(records: Sequence[Record], best: str) -> Iterator[tuple[str, str, list[str], str]]:
    """(data set and scale, candidate, figures, seconds); the best put into `best`, a dash where there is none."""
    metrics = list(dict.fromkeys(record.metric for record in records))
    for dataset, scale in dict.fromkeys((record.dataset, record.scale) for record in records):
        group = [record for record in records if (record.dataset, record.scale) == (dataset, scale)]
        for candidate in dict.fromkeys(record.candidate for record in group):
            mine = {record.metric: record for record in group if record.candidate == candidate}
            cells = [_cell(mine[metric], group, best) if metric in mine else "–" for metric in metrics]
            seconds = next(iter(mine.values())).seconds_per_image
            yield f"{dataset} ×{describe_scale(scale)}", candidate, cells, "–" if seconds is None else f"{seconds:.3f}"


def _cell(record: Record, group: Sequence[Record], best: str) -> str:
    text = format_value(record.mean, record.decimals)
    return best.format(text) if is_best(record, group) else text


def _metric_headings(records: Sequence[Record]) -> list[str]:
    units = dict.fromkeys((record.metric, record.unit) for record in records)
    return [f"{metric} ({unit})" if unit else metric for metric, unit in units]


def csv_table(records: Sequence[Record]) -> str:
    """One row for each record and picture, and one for each mean (picture empty)."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    parts = ("luma", "crop", "clip", "lr")
    writer.writerow(
        [
            *("dataset", "scale", "candidate", "metric", "picture", "value", "unit", "seconds_per_image"),
            *("device", "precision", "low_resolution", "protocol", *parts),
        ]
    )
    for record in records:
        seconds = "" if record.seconds_per_image is None else f"{record.seconds_per_image:.6g}"
        protocol = [record.protocol.name, *(getattr(record.protocol, part) for part in parts)]
        tail = [record.unit, seconds, record.device, record.precision, record.low_resolution, *protocol]
        head = [record.dataset, describe_scale(record.scale), record.candidate, record.metric]
        writer.writerow([*head, "", repr(record.mean), *tail])
        for picture, value in record.per_image.items():
            writer.writerow([*head, picture, repr(value), *tail])
    return text.getvalue()


def protocol_line(records: Sequence[Record]) -> str:
    """The protocol of the figures; one line for each way in which they were measured."""
    return "\n".join(dict.fromkeys(protocol_text(record) for record in records))


def protocol_text(record: Record) -> str:
    """How one figure was measured, in a sentence."""
    protocol = record.protocol
    return (
        f"Protocol {protocol.name}: luma {protocol.luma}, crop {protocol.crop}, clip {protocol.clip}, "
        f"lr {protocol.lr} ({record.low_resolution}); SR made in {record.precision} on {record.device}."
    )


def format_value(value: float, decimals: int) -> str:
    """A value with as many decimals as its metric deserves.

    >>> format_value(28.4212, 2)
    '28.42'
    """
    return "∞" if math.isinf(value) else f"{value:.{decimals}f}"


def is_best(record: Record, records: Sequence[Record]) -> bool:
    """Whether no other candidate has a better mean of the same metric on the same data set and scale."""
    key = (record.dataset, record.scale, record.metric)
    rivals = [other.mean for other in records if (other.dataset, other.scale, other.metric) == key]
    best = max(rivals) if record.higher_is_better else min(rivals)
    return len(rivals) > 1 and record.mean == best


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")
