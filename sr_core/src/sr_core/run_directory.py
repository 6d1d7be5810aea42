"""The folder that one run owns; every file in it appears whole or not at all."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from sr_core.atomic import atomic_write
from sr_core.errors import RunDirectoryError


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
        path = self.path / name
        with atomic_write(path) as partial:
            partial.write_text(text, encoding="utf-8")
        return path

    def write_json(self, name: str, value: object) -> Path:
        """Write one JSON file whole."""
        return self.write_text(name, json.dumps(value, indent=2, ensure_ascii=False) + "\n")

    def log(self, event: str, **details: object) -> None:
        """Append one line to `log.jsonl`."""
        line: Mapping[str, object] = {
            "time": _now().isoformat(timespec="milliseconds"),
            "event": event,
            **details,
        }
        with (self.path / "log.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps(line, ensure_ascii=False, default=str) + "\n")


def default_path(name: str) -> Path:
    """`runs/<name>/<time>` under the current folder; a number is added where two runs begin in one second."""
    base = Path("runs") / file_name(name) / _now().strftime("%Y-%m-%d_%H-%M-%S")
    path, count = base, 1
    while path.exists():
        count += 1
        path = base.with_name(f"{base.name}_{count}")
    return path


def file_name(name: str) -> str:
    """A name as part of a path on any system.

    >>> file_name('a:b*c')
    'a_b_c'
    """
    return re.sub(r'[<>:"/\\|?*\x00-\x1f]', "_", name).strip(" .") or "_"


def _now() -> datetime:
    return datetime.now(UTC).astimezone()
