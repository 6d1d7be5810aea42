"""The folder that one run owns; every file in it appears whole or not at all."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

from sr_core.atomic import atomic_write
from sr_core.errors import RunDirectoryError
from sr_core.file_names import file_name

SPEC = "spec.yaml"
METRICS = "metrics.csv"
LOG = "log.jsonl"
_METRICS_HEADER = "step,curve,value\n"
_TIME_FORMAT = "%Y-%m-%d_%H-%M-%S"
_NAME_BY_TIME = re.compile(r"(\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d)(?:_(\d+))?")


class RunDirectory:
    """A run's folder: `spec.yaml`, `environment.json`, `log.jsonl`, `results.*`, `images/`, `upscaled/`.

    One that trains also has `metrics.csv`, `checkpoints/` and `learning/`.

    Attributes:
        path: the folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, path: Path) -> RunDirectory:
        """Make the folder.

        Raises:
            RunDirectoryError: it is not empty, is no folder, or cannot be made.
        """
        try:
            path.mkdir(parents=True, exist_ok=True)
            if any(path.iterdir()):
                mend = "go on with --resume, choose another --output, or remove it"
                raise RunDirectoryError(f"{path} is not empty; {mend}")
        except OSError as error:
            raise RunDirectoryError(f"{path} cannot be used as the run directory: {error}") from error
        return cls(path)

    @classmethod
    def reopen(cls, path: Path) -> RunDirectory:
        """The folder of a run that is to go on.

        Raises:
            RunDirectoryError: there is no run in it.
        """
        if not (path / SPEC).is_file():
            missing = f"it has no {SPEC}" if path.is_dir() else "there is no such folder"
            raise RunDirectoryError(f"{path} holds no run that could go on: {missing}; start it without --resume")
        return cls(path)

    def write_text(self, name: str, text: str) -> Path:
        """Write one UTF-8 file whole."""
        with self.writing(name) as partial:
            partial.write_text(text, encoding="utf-8")
        return self.path / name

    @contextmanager
    def writing(self, name: str) -> Iterator[Path]:
        """Lend a path to write a file of the run to, which appears whole or not at all.

        Raises:
            RunDirectoryError: the disk is full, or the folder cannot be written to.
        """
        try:
            with atomic_write(self.path / name) as partial:
                yield partial
        except OSError as error:
            raise RunDirectoryError(f"{self.path / name} cannot be written: {error}") from error

    def write_json(self, name: str, value: object) -> Path:
        """Write one JSON file whole."""
        return self.write_text(name, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")

    def log(self, event: str, **details: object) -> None:
        """Append one line to `log.jsonl`."""
        line: Mapping[str, object] = {
            "time": _now().isoformat(timespec="milliseconds"),
            "event": event,
            **details,
        }
        self._append(LOG, json.dumps(line, ensure_ascii=False, allow_nan=False, default=str) + "\n")

    def add_metrics(self, step: int, values: Mapping[str, float]) -> None:
        """Append a point of several curves to `metrics.csv`, a line each.

        Args:
            step: optimiser steps done.
            values: by the curve's name; written to the last digit, not finite ones too.
        """
        lines = StringIO()
        for curve, value in values.items():
            # A loss may call its terms anything; a line stays one line.
            csv.writer(lines, lineterminator="\n").writerow([step, " ".join(curve.splitlines()), repr(float(value))])
        header = "" if (self.path / METRICS).exists() else _METRICS_HEADER
        self._append(METRICS, header + lines.getvalue())

    def cut_back(self, step: int) -> None:
        """Forget in `metrics.csv` and `log.jsonl` what happened after `step`, and lines that were never finished.

        Raises:
            RunDirectoryError: the disk is full, or the folder cannot be written to.
        """
        self._keep_lines(METRICS, lambda line: line == _METRICS_HEADER or _step_of_point(line) <= step)
        self._keep_lines(LOG, lambda line: _step_of_event(line) <= step)

    def _append(self, name: str, text: str) -> None:
        try:
            with (self.path / name).open("a", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            raise RunDirectoryError(f"{self.path / name} cannot be written: {error}") from error

    def _keep_lines(self, name: str, is_kept: Callable[[str], bool]) -> None:
        if not (self.path / name).exists():
            return
        # A power cut may leave bytes that are no text; their line does not count as finished.
        with (
            self.writing(name) as partial,
            (self.path / name).open(encoding="utf-8", errors="replace", newline="") as old,
            partial.open("w", encoding="utf-8", newline="") as new,
        ):
            new.writelines(line for line in old if line.endswith("\n") and is_kept(line))


def _step_of_point(line: str) -> float:
    """The step of a line of `metrics.csv`; infinity where it cannot be read."""
    try:
        step, _, value = next(csv.reader([line]))
        float(value)
        return int(step)
    except (ValueError, csv.Error):
        return float("inf")


def _step_of_event(line: str) -> float:
    """The step of a line of `log.jsonl`; infinity where it cannot be read, and below all for one without a step."""
    try:
        event = json.loads(line)
    except ValueError:
        return float("inf")
    step = event.get("step") if isinstance(event, dict) else None
    return step if isinstance(step, int | float) else float("-inf")


def default_path(name: str) -> Path:
    """`runs/<name>/<time>` under the current folder; a number is added where two runs begin in one second."""
    base = Path("runs") / file_name(name) / _now().strftime(_TIME_FORMAT)
    path, count = base, 1
    while path.exists():
        count += 1
        path = base.with_name(f"{base.name}_{count}")
    return path


def latest_run(name: str) -> Path | None:
    """The newest run of that name at its default place; None where there is none."""
    base = Path("runs") / file_name(name)
    runs = []
    for path in base.iterdir() if base.is_dir() else ():
        made = _NAME_BY_TIME.fullmatch(path.name)
        if made and (path / SPEC).is_file():
            runs.append((made[1], int(made[2] or 1), path))
    return max(runs)[-1] if runs else None


def _now() -> datetime:
    return datetime.now(UTC).astimezone()
