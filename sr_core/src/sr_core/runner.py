"""One execution of a spec: the plan carried out, everything kept in the run directory."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from io import StringIO
from pathlib import Path

import torch
from rich.console import Console
from ruamel.yaml import YAML

from sr_core.atomic import atomic_write
from sr_core.discovery import Plugin
from sr_core.environment import describe_environment
from sr_core.evaluation.benchmark import Benchmark, Comparison, compare
from sr_core.hooks import RunEvent
from sr_core.imaging.files import Picture, read_picture, write_picture
from sr_core.imaging.resize import resize
from sr_core.inference.pictures import super_resolve_picture
from sr_core.inference.precision import choose_precision
from sr_core.planning import Plan
from sr_core.progress import bar
from sr_core.record import Record
from sr_core.reporting.sheet import Panel, draw_sheet
from sr_core.reporting.tables import csv_table, format_value, markdown_table
from sr_core.run_directory import RunDirectory, file_name
from sr_core.spec.reading import Spec

_log = logging.getLogger("srkit")


def run(spec: Spec, plan: Plan, plugins: Sequence[Plugin], path: Path, console: Console) -> list[Record]:
    """Carry out a plan in the run directory `path`, which is made now.

    Args:
        spec: as read, for the record.
        plan: what to do.
        plugins: are told of the run's events, and listed in `environment.json`.
        path: the run directory, missing or empty.
        console: for progress bars.

    Returns:
        The records of `results.json`.

    Raises:
        SrkitError: with what is wrong; finished files stay.
    """
    directory = RunDirectory.create(path)
    events = _Events(directory, plugins)
    resolved = json.loads(spec.run.model_dump_json(by_alias=True, exclude_none=True))
    directory.write_text("spec.yaml", _yaml(resolved))
    directory.write_json("environment.json", describe_environment(plan.device, plugins))
    torch.manual_seed(spec.run.seed)
    if spec.run.deterministic:
        torch.use_deterministic_algorithms(True)
    events.tell("started", spec=resolved, notes=list(plan.notes))
    try:
        records = _evaluate(plan.benchmark, spec, directory, events, console) if plan.benchmark else []
        _upscale(spec, plan, directory, console)
    except BaseException as error:  # Ctrl-C too: trackers must not wait for a run that is gone
        events.tell("failed", error=f"{type(error).__name__}: {error}")
        raise
    events.tell("finished")
    return records


def _evaluate(
    benchmark: Benchmark, spec: Spec, directory: RunDirectory, events: _Events, console: Console
) -> list[Record]:
    """Compare, draw a sheet for each picture, and keep the results as they stand."""
    assert spec.run.evaluate is not None  # noqa: S101 - there is a benchmark, so the spec evaluates
    records: list[Record] = []
    with bar(console, "evaluating", len(benchmark)) as progress:
        for outcome in compare(benchmark):
            if isinstance(outcome, Record):
                records.append(outcome)
                events.tell("record", **outcome.model_dump(mode="json"))
                _write_results(records, directory)
                continue
            _write_images(outcome, benchmark, directory, save_sr=spec.run.evaluate.save_sr)
            progress.advance(f"{outcome.dataset} ×{outcome.scale:g}")
    return records


def _write_results(records: Sequence[Record], directory: RunDirectory) -> None:
    directory.write_json("results.json", [record.model_dump(mode="json") for record in records])
    directory.write_text("results.csv", csv_table(records))
    directory.write_text("results.md", markdown_table(records))


def _write_images(comparison: Comparison, benchmark: Benchmark, directory: RunDirectory, *, save_sr: bool) -> None:
    folder = directory.path / "images" / file_name(comparison.dataset) / f"x{comparison.scale:g}"
    truth = comparison.truth
    size = (truth.hr.shape[-2], truth.hr.shape[-1])
    panels = [Panel("LR", "pixels repeated", resize(truth.lr, comparison.scale, size, "nearest"))]
    for name, answer in comparison.answers.items():
        values = comparison.values[name].items()
        panels.append(
            Panel(
                name,
                "   ".join(_figure(benchmark, metric, value) for metric, value in values),
                answer.picture,
            )
        )
        if save_sr:
            write_picture(Picture(answer.picture.cpu()), folder / file_name(name) / f"{comparison.picture}.png")
    panels.append(Panel("HR", "the truth", truth.hr))
    title = f"{comparison.dataset} / {comparison.picture}   x{comparison.scale:g}   protocol {benchmark.protocol}"
    sheet = draw_sheet(title, truth.hr, panels)
    with atomic_write(folder / f"{file_name(comparison.picture)}.png") as partial:
        sheet.save(partial)


def _figure(benchmark: Benchmark, metric: str, value: float) -> str:
    described = benchmark.metrics[metric]
    return f"{metric} {format_value(value, described.decimals)} {described.unit}".rstrip()


def _upscale(spec: Spec, plan: Plan, directory: RunDirectory, console: Console) -> None:
    if plan.method is None:
        return
    scale = spec.run.scale[0]
    precision = choose_precision(spec.run.precision, plan.device)
    with bar(console, "upscaling", len(plan.inputs)) as progress:
        for source in plan.inputs:
            made = super_resolve_picture(plan.method.method, read_picture(source), scale, plan.device, precision)
            write_picture(made, directory.path / "upscaled" / f"{source.stem}_x{scale:g}{source.suffix}")
            progress.advance(source.name)


class _Events:
    """Tells the log and every plugin what happens; a plugin that fails at listening is told of once."""

    def __init__(self, directory: RunDirectory, plugins: Sequence[Plugin]) -> None:
        self._directory = directory
        self._plugins = plugins
        self._deaf: set[str] = set()

    def tell(self, event: RunEvent, **details: object) -> None:
        self._directory.log(event, **details)
        for plugin in self._plugins:
            if plugin.name in self._deaf:
                continue
            try:
                plugin.hooks.srkit_run_event(event=event, run_directory=self._directory.path, details=details)
            except Exception as error:  # noqa: BLE001 - a stranger's code may raise anything
                self._deaf.add(plugin.name)
                _log.warning("%s: srkit_run_event failed and is not called again: %s", plugin.distribution, error)


def _yaml(value: object) -> str:
    yaml = YAML()
    yaml.default_flow_style = None
    text = StringIO()
    yaml.dump(value, text)
    return text.getvalue()
