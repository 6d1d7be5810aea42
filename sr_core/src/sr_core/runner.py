"""One execution of a spec: the plan carried out, everything kept in the run directory."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping, Sequence
from copy import deepcopy
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

import torch
from rich.console import Console
from ruamel.yaml import YAML

from sr_core.checkpoint import read_tensors
from sr_core.discovery import Plugin
from sr_core.environment import describe_environment
from sr_core.errors import RunDirectoryError, RunStopped
from sr_core.evaluation.benchmark import Benchmark, compare
from sr_core.evaluation.candidates import MethodCandidate
from sr_core.evaluation.cost import CostMeter
from sr_core.inference.pictures import Enlarged, enlarged_name, super_resolve_files
from sr_core.inference.precision import true_float32
from sr_core.interfaces.model import Model
from sr_core.interpolating import interpolate
from sr_core.planning import Plan
from sr_core.progress import bar
from sr_core.record import Record
from sr_core.reporting.report import render_report
from sr_core.reporting.run_results import read_run
from sr_core.reporting.tables import csv_table, markdown_table
from sr_core.run_directory import RunDirectory
from sr_core.run_events import RunEvents
from sr_core.run_images import write_images
from sr_core.scales import describe_scale
from sr_core.spec.changes import changed_keys
from sr_core.spec.reading import Spec
from sr_core.spec.values import TRAINED
from sr_core.train_phases import Home
from sr_core.train_stage import carry_out, forget_end, refuse_other_phases, take_part
from sr_core.training.checkpoints import WEIGHTS
from sr_core.training_pictures import load_pictures
from sr_core.training_plan import TrainingPlan

_log = logging.getLogger("srkit")


class Finished(NamedTuple):
    """What a run that came to its end has to show.

    Attributes:
        records: as in `results.json`.
        failures: pictures that could not be enlarged, each with its error.
    """

    records: list[Record]
    failures: list[Enlarged]


def run(
    spec: Spec,
    plan: Plan,
    plugins: Sequence[Plugin],
    path: Path,
    console: Console,
    *,
    resume: bool = False,
    accept_changes: bool = False,
) -> Finished:
    """Carry out a plan in the run directory `path`, which is made now, or found there to be resumed.

    Args:
        spec: as read, for the record.
        plan: what to do.
        plugins: are told of the run's events, and listed in `environment.json`.
        path: the run directory, missing or empty.
        console: for progress bars.
        resume: go on with the run that the directory holds; without a checkpoint it begins at step 0.
        accept_changes: resume even where the spec has changed since.

    Returns:
        The records of `results.json`, and the pictures that could not be enlarged.

    Raises:
        SrkitError: with what is wrong; finished files stay.
        RunStopped: somebody asked for it while a network was trained; its state is saved.
    """
    resolved = json.loads(spec.run.model_dump_json(by_alias=True, exclude_none=True))
    pictures = None
    if plan.training is not None and not resume:  # before anything is written: pictures may be at fault
        pictures = load_pictures(plan.training, plan.device, spec.run.seed, console)
    directory, is_changed = _directory(path, resolved, plan.training, resume=resume, accept_changes=accept_changes)
    if is_changed:
        forget_end(
            directory, plan.training
        )  # before the new spec is there: killed from now on, the run must not look finished
    events = RunEvents(directory, plugins)
    directory.write_text("spec.yaml", _yaml(resolved))
    directory.write_json("environment.json", describe_environment(plan.device, plugins))
    prepare(spec)
    events.tell("started", spec=resolved, notes=list(plan.notes))
    try:
        with events.keeping_warnings():
            if plan.training is not None:
                home = Home(directory, events, console, resume)
                trained = carry_out(plan.training, plan.device, spec.run.seed, home, pictures)
                use_trained(plan, trained, directory.path)
            records = _evaluate(plan.benchmark, spec, directory, events, console) if plan.benchmark else []
            failures = _upscale(spec, plan, directory, console)
    except RunStopped:
        raise
    except BaseException as error:  # Ctrl-C too: trackers must not wait for a run that is gone
        events.tell("failed", error=f"{type(error).__name__}: {error}")
        raise
    events.tell("finished")
    if records or plan.training is not None:
        directory.write_text("report.html", render_report([read_run(directory.path)]))
    return Finished(records, failures)


def help_training(spec: Spec, plan: Plan) -> None:
    """Take part in a run that another process leads: train with it, write nothing.

    Raises:
        SrkitError: with what is wrong.
    """
    prepare(spec)
    if plan.training is not None:
        take_part(plan.training, plan.device, spec.run.seed)


def prepare(spec: Spec) -> None:
    """Set what holds for the whole process: the seed, and reproducible algorithms where the spec asks for them."""
    torch.manual_seed(spec.run.seed)
    if spec.run.deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it cuBLAS refuses
        torch.use_deterministic_algorithms(True)


def _directory(
    path: Path, resolved: Mapping[str, Any], training: TrainingPlan | None, *, resume: bool, accept_changes: bool
) -> tuple[RunDirectory, bool]:
    """A new run directory, or that of the run to go on with; and whether that one's spec was another.

    Raises:
        RunDirectoryError: it is not empty, the spec of the run to go on with was another one, or its phases were.
    """
    if not resume:
        return RunDirectory.create(path), False
    if not path.exists() or not any(path.iterdir()):
        _log.warning("%s holds nothing to resume; the run begins at step 0", path)
        return RunDirectory.create(path), False
    directory = RunDirectory.reopen(path)
    before = YAML(typ="safe").load((path / "spec.yaml").read_text(encoding="utf-8"))
    if training is not None:
        refuse_other_phases(path, before, training)
    changes = changed_keys(before, resolved)
    if changes and not accept_changes:
        shown = "\n".join(f"  {change}" for change in changes)
        raise RunDirectoryError(f"{path} was begun with another spec; --accept-changes goes on all the same:\n{shown}")
    for change in changes:
        _log.warning("changed since the run was begun: %s", change)
    return directory, any(change.key.split(".")[0] not in ("name", "evaluate", "upscale") for change in changes)


def use_trained(plan: Plan, network: Model, path: Path) -> None:
    """Let `{model: trained}` be the network as it came out of training, or out of one of its phases.

    Args:
        plan: of the run.
        network: as it came out of the last phase.
        path: the run directory.

    Raises:
        SrkitError: the weights of a phase are not there any more.
    """
    candidates = [*(plan.benchmark.candidates if plan.benchmark is not None else ()), plan.method]
    for candidate in candidates:
        if isinstance(candidate, MethodCandidate) and candidate.origin == TRAINED:
            candidate.method = _of_phases(plan, network, candidate, path) if candidate.phases else network


def _of_phases(plan: Plan, network: Model, candidate: MethodCandidate, path: Path) -> Model:
    """The network as one phase left it, or as it lies between two."""
    assert plan.training is not None  # noqa: S101 - only what is trained has phases
    folders = {phase.name: path / phase.folder for phase in plan.training.phases}
    if len(folders) == 1:
        return network
    ends = [read_tensors(folders[name] / "final" / WEIGHTS) for name in candidate.phases]
    tensors = ends[0] if len(ends) == 1 else interpolate(ends[0], ends[1], candidate.alpha)
    made = deepcopy(network)
    made.load_state_dict(dict(tensors))
    return made


def _evaluate(
    benchmark: Benchmark, spec: Spec, directory: RunDirectory, events: RunEvents, console: Console
) -> list[Record]:
    """Compare, draw a sheet for each picture, and keep the results as they stand."""
    assert spec.run.evaluate is not None  # noqa: S101 - there is a benchmark, so the spec evaluates
    records: list[Record] = []
    meter = CostMeter(benchmark.candidates)
    with bar(console, "evaluating", len(benchmark)) as progress, true_float32():
        for outcome in compare(benchmark):
            if isinstance(outcome, Record):
                records.append(outcome)
                events.tell("record", **outcome.plain())
                _write_results(records, directory)
                continue
            meter.add(outcome)
            write_images(outcome, benchmark, directory, save_sr=spec.run.evaluate.save_sr)
            progress.advance(f"{outcome.dataset} ×{describe_scale(outcome.scale)}")
    directory.write_json("costs.json", [cost.model_dump(mode="json") for cost in meter.costs()])
    return records


def _write_results(records: Sequence[Record], directory: RunDirectory) -> None:
    directory.write_json("results.json", [record.plain() for record in records])
    directory.write_text("results.csv", csv_table(records))
    directory.write_text("results.md", markdown_table(records))


def _upscale(spec: Spec, plan: Plan, directory: RunDirectory, console: Console) -> list[Enlarged]:
    """Enlarge the inputs; those that cannot be are logged and returned."""
    if plan.method is None or spec.run.upscale is None:
        return []
    tile = None if spec.run.upscale.tile == "auto" else spec.run.upscale.tile
    scale, failures = spec.run.scale[0], []
    files = [(source, directory.path / "upscaled" / enlarged_name(source, scale)) for source in plan.inputs]
    with bar(console, "upscaling", len(files)) as progress:
        for done in super_resolve_files(plan.method.method, files, scale, plan.device, plan.precision, tile):
            if done.error is not None:
                directory.log("picture_failed", picture=str(done.source), error=str(done.error))
                failures.append(done)
            progress.advance(done.source.name)
    return failures


def _yaml(value: object) -> str:
    yaml = YAML()
    yaml.default_flow_style = None
    text = StringIO()
    yaml.dump(value, text)
    return text.getvalue()
