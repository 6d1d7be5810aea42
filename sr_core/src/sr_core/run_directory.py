"""The folder that one run owns; every file in it appears whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sr_core.atomic import atomic_write
from sr_core.errors import RunDirectoryError
from sr_core.file_names import file_name


class RunDirectory:
    """A run's folder: `spec.yaml`, `environment.json`, `log.jsonl`, `results.*`, `images/`, `upscaled/`.

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
                raise RunDirectoryError(f"{path} is not empty; choose another --output, or remove it")
        except OSError as error:
            raise RunDirectoryError(f"{path} cannot be used as the run directory: {error}") from error
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
        try:
            with (self.path / "log.jsonl").open("a", encoding="utf-8") as log:
                log.write(json.dumps(line, ensure_ascii=False, allow_nan=False, default=str) + "\n")
        except OSError as error:
            raise RunDirectoryError(f"{self.path / 'log.jsonl'} cannot be written: {error}") from error


def default_path(name: str) -> Path:
    """`runs/<name>/<time>` under the current folder; a number is added where two runs begin in one second."""
    base = Path("runs") / file_name(name) / _now().strftime("%Y-%m-%d_%H-%M-%S")
    path, count = base, 1
    while path.exists():
        count += 1
        path = base.with_name(f"{base.name}_{count}")
    return path


def _now() -> datetime:
    return datetime.now(UTC).astimezone()
