"""A finished run read back from its directory, for the report."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from sr_core.errors import RunDirectoryError
from sr_core.record import Cost, Record
from sr_core.reporting.previews import PreviewIndex, read_previews


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
        notes: what the tool decided, and warnings of the run.
    """

    name: str
    path: Path
    records: tuple[Record, ...]
    costs: tuple[Cost, ...]
    previews: tuple[tuple[Path, PreviewIndex], ...]
    environment: dict[str, Any]
    spec: str
    notes: tuple[str, ...]


def read_run(path: Path) -> RunResults:
    """Read a run directory.

    Raises:
        RunDirectoryError: it is none, has no results yet, or a file in it is damaged.
    """
    if not (path / "results.json").is_file():
        raise RunDirectoryError(f"{path} holds no results.json; is it the directory of a run that evaluated?")
    try:
        events = [json.loads(line) for line in (path / "log.jsonl").read_text(encoding="utf-8").splitlines()]
        costs = path / "costs.json"
        return RunResults(
            name=str(events[0]["spec"]["name"]),
            path=path,
            records=tuple(TypeAdapter(list[Record]).validate_json((path / "results.json").read_bytes())),
            costs=tuple(TypeAdapter(list[Cost]).validate_json(costs.read_bytes()) if costs.is_file() else ()),
            previews=tuple(read_previews(path / "previews")),
            environment=json.loads((path / "environment.json").read_text(encoding="utf-8")),
            spec=(path / "spec.yaml").read_text(encoding="utf-8"),
            notes=(*events[0]["notes"], *(event["message"] for event in events if event["event"] == "warning")),
        )
    except (OSError, ValueError, KeyError, IndexError, ValidationError) as error:
        raise RunDirectoryError(f"{path} cannot be read as a run: {error}") from error
