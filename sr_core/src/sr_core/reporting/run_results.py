"""A run read back from its directory, for the report: a finished one, or one that still trains."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from sr_core.errors import RunDirectoryError
from sr_core.record import Cost, Record
from sr_core.reporting.previews import PreviewIndex, read_previews
from sr_core.reporting.training_results import CURVES, Training, is_of_health, read_training

_RECORDS = TypeAdapter(list[Record])
_COSTS = TypeAdapter(list[Cost])


@dataclass(frozen=True)
class RunResults:
    """Everything the report shows of one run.

    Attributes:
        name: the spec's name.
        path: the run directory.
        records: the figures.
        costs: what each candidate cost.
        previews: (folder, index) of each picture.
        environment: what it ran on.
        spec: the resolved spec, as text.
        notes: what the tool decided, and warnings of the run, but for those that its training has.
        training: what it left of training; None where it did not train.
    """

    name: str
    path: Path
    records: tuple[Record, ...]
    costs: tuple[Cost, ...]
    previews: tuple[tuple[Path, PreviewIndex], ...]
    environment: dict[str, Any]
    spec: str
    notes: tuple[str, ...]
    training: Training | None = None


def read_run(path: Path) -> RunResults:
    """Read a run directory.

    Raises:
        RunDirectoryError: it is none, has no results yet, or a file in it is damaged.
    """
    results = path / "results.json"
    if not any((path / name).exists() for name in (results.name, CURVES, "checkpoints")):
        raise RunDirectoryError(
            f"{path} holds no results.json and no {CURVES}; is it the directory of a run that evaluated or trained?"
        )
    try:
        events = _read_log(path / "log.jsonl")
        started = [event for event in events if event["event"] == "started"][-1]  # a run that was resumed has several
        costs = path / "costs.json"
        return RunResults(
            name=str(started["spec"]["name"]),
            path=path,
            records=tuple(_RECORDS.validate_json(results.read_bytes()) if results.is_file() else ()),
            costs=tuple(_COSTS.validate_json(costs.read_bytes()) if costs.is_file() else ()),
            previews=tuple(read_previews(path / "previews")),
            environment=json.loads((path / "environment.json").read_text(encoding="utf-8")),
            spec=(path / "spec.yaml").read_text(encoding="utf-8"),
            notes=(*started["notes"], *(event["message"] for event in events if _is_note(event))),
            training=read_training(path, started["spec"], events),
        )
    except (OSError, ValueError, KeyError, IndexError, ValidationError) as error:
        raise RunDirectoryError(f"{path} cannot be read as a run: {error}") from error


def _is_note(event: Mapping[str, Any]) -> bool:
    return event["event"] == "warning" and not is_of_health(event)


def _read_log(path: Path) -> list[dict[str, Any]]:
    """Every event of the log; a line that was torn when the run was killed is passed over."""
    events = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            event = json.loads(line)
        except json.JSONDecodeError:
            continue
        if isinstance(event, dict) and "event" in event:
            events.append(event)
    return events
