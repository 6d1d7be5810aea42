"""The checkpoints of one training: folders that appear whole, the newest few and the best kept."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from sr_core.atomic import sync
from sr_core.errors import RunDirectoryError, SrkitError
from sr_core.training.state_file import read_state, write_state

WEIGHTS = "weights.safetensors"
_MANIFEST = "manifest.json"
_STEP = re.compile(r"step-(\d{8,})")
_ASIDE = ".aside-"
"""Begins the name of a folder whose successor is just taking its place."""

WriteWeights = Callable[[Path], None]
"""Writes the network's weights file to a path."""

_log = logging.getLogger("srkit")


@dataclass(frozen=True)
class Loaded:
    """A checkpoint that was read.

    Attributes:
        step: optimiser steps done.
        folder: where it is.
        state: as it was given to `Checkpoints.save`.
    """

    step: int
    folder: Path
    state: Any

    @property
    def weights(self) -> Path:
        """Its weights file."""
        return self.folder / WEIGHTS


class Checkpoints:
    """The folder of one training's checkpoints: `step-00002000`, …, `best` and `final`.

    Each is a folder, written aside, put on the disk and renamed whole, with a manifest of sizes and SHA-256. One
    process at a time may open it; others read with `load_latest`.

    Args:
        folder: made when something is saved.
        keep: how many of the newest stay; `best` and `final` stay besides.

    Raises:
        RunDirectoryError: the folder cannot be read, or what a killed writer left there cannot be removed.
    """

    def __init__(self, folder: Path, keep: int) -> None:
        self.folder = folder
        self._keep = keep
        try:
            _mend(folder)
        except OSError as error:
            raise RunDirectoryError(f"{folder} cannot be used for checkpoints: {error}") from error

    def save(self, step: int, state: Mapping[str, Any], write_weights: WriteWeights) -> Path:
        """Save everything that training needs to go on.

        Older checkpoints beyond `keep` are removed, and so are those of later steps: training went back before them.

        Args:
            step: optimiser steps done.
            state: as `training.state_file` can write it.
            write_weights: writes the network.

        Returns:
            The checkpoint's folder.

        Raises:
            RunDirectoryError: the disk is full or failing; the earlier checkpoints are as they were.
        """
        target = self.folder / f"step-{step:08d}"
        with self._appearing(target, step) as partial:
            write_weights(partial / WEIGHTS)
            write_state(partial, state)
        steps = _steps(self.folder)
        earlier = [have for have in steps if have < step]
        for have in [*earlier[max(self._keep - 1, 0) :], *(have for have in steps if have > step)]:
            _remove(steps[have])
        return target

    def save_best(self, step: int, write_weights: WriteWeights) -> Path:
        """Keep the weights of `step` as `best`, in the place of the earlier ones.

        Raises:
            RunDirectoryError: as for `save`.
        """
        return self._save_weights("best", step, write_weights)

    def save_final(self, step: int, write_weights: WriteWeights) -> Path:
        """Keep what came out of training, as `final/weights.safetensors`.

        Raises:
            RunDirectoryError: as for `save`.
        """
        return self._save_weights("final", step, write_weights)

    @property
    def has_final(self) -> bool:
        """Whether training came to its end, and what it left is whole; a damaged one is told of in a warning."""
        folder = self.final.parent
        if not folder.is_dir():
            return False
        try:
            _check(folder)
        except (OSError, SrkitError) as error:
            _log.warning("%s is damaged and is made again from the newest checkpoint: %s", folder, error)
            return False
        return True

    def remove_final(self) -> None:
        """Forget that training came to its end: it is to go on."""
        if self.final.parent.is_dir():
            _remove(self.final.parent)

    @property
    def final(self) -> Path:
        """The weights file that training ends with."""
        return self.folder / "final" / WEIGHTS

    @property
    def best(self) -> Path:
        """The weights file of the best validation."""
        return self.folder / "best" / WEIGHTS

    def latest(self) -> Loaded | None:
        """The newest whole checkpoint; see `load_latest`."""
        return load_latest(self.folder)

    def _save_weights(self, name: str, step: int, write_weights: WriteWeights) -> Path:
        with self._appearing(self.folder / name, step) as partial:
            write_weights(partial / WEIGHTS)
        return self.folder / name / WEIGHTS

    @contextmanager
    def _appearing(self, target: Path, step: int) -> Iterator[Path]:
        """Lend a hidden folder to write into; then it is made certain and takes the place of `target`."""
        partial = self.folder / f".{uuid4().hex}"
        try:
            partial.mkdir(parents=True)
            yield partial
            _finish(partial, step)
            _put(partial, target)
        except (OSError, SrkitError) as error:
            raise RunDirectoryError(f"{target} was not saved: {_reason(error)}; {self._what_is_left()}") from error
        finally:
            shutil.rmtree(partial, ignore_errors=True)

    def _what_is_left(self) -> str:
        steps = _steps(self.folder)
        if not steps:
            return "there is no earlier checkpoint"
        return f"the earlier ones are as they were: --resume goes on from {next(iter(steps.values())).name}"


def load_latest(folder: Path) -> Loaded | None:
    """Read the newest whole checkpoint of a folder, and change nothing there.

    A damaged one is skipped, and a warning says why.

    Returns:
        None where there is no whole checkpoint.
    """
    for step, path in _steps(folder).items():
        try:
            _check(path)
            return Loaded(step, path, read_state(path))
        except (OSError, SrkitError) as error:
            _log.warning("the checkpoint %s is damaged and is skipped: %s", path, error)
    return None


def _steps(folder: Path) -> dict[int, Path]:
    """Step → checkpoint, the newest first."""
    found = {}
    for path in folder.iterdir() if folder.is_dir() else ():
        if match := _STEP.fullmatch(path.name):
            found[int(match[1])] = path
    return dict(sorted(found.items(), reverse=True))


def _finish(partial: Path, step: int) -> None:
    """Add the manifest, and wait until everything is on the disk."""
    files = {path.name: {"bytes": path.stat().st_size, "sha256": _digest(path)} for path in sorted(partial.iterdir())}
    manifest = {"step": step, "files": files}
    (partial / _MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    for path in (*partial.iterdir(), partial):
        sync(path)


def _check(path: Path) -> None:
    """Compare a checkpoint with its manifest.

    Raises:
        SrkitError: it is not as it was written.
    """
    try:
        files = json.loads((path / _MANIFEST).read_text(encoding="utf-8"))["files"]
        expected = {name: (facts["bytes"], facts["sha256"]) for name, facts in files.items()}
    except FileNotFoundError as error:
        raise SrkitError(f"{_MANIFEST} is missing") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SrkitError(f"{_MANIFEST} cannot be read: {error}") from error
    for name, (size, digest) in expected.items():
        if not (path / name).is_file():
            raise SrkitError(f"{name} is missing")
        if (found := (path / name).stat().st_size) != size:
            raise SrkitError(f"{name} has {found} bytes instead of {size}")
        if _digest(path / name) != digest:
            raise SrkitError(f"{name} is not what was written (its SHA-256 differs)")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _put(partial: Path, target: Path) -> None:
    """Give a finished folder its name; an earlier one of that name is first renamed, so that one of both is there."""
    aside = target.with_name(_ASIDE + target.name)
    if target.exists():
        shutil.rmtree(aside, ignore_errors=True)
        target.rename(aside)
    partial.rename(target)
    sync(target.parent)
    shutil.rmtree(aside, ignore_errors=True)


def _mend(folder: Path) -> None:
    """Undo what a killed writer left: put back what it had moved aside, remove what it had not finished."""
    for path in list(folder.iterdir()) if folder.is_dir() else ():
        if not path.name.startswith(".") or not path.is_dir():
            continue
        former = path.with_name(path.name.removeprefix(_ASIDE))
        if path.name.startswith(_ASIDE) and not former.exists():
            path.rename(former)
        else:
            shutil.rmtree(path, ignore_errors=True)


def _remove(path: Path) -> None:
    """Remove a checkpoint; half of it never stays under its name."""
    hidden = path.with_name(f".{uuid4().hex}")
    try:
        path.rename(hidden)
    except OSError as error:
        _log.warning("%s cannot be removed: %s", path, error)
        return
    shutil.rmtree(hidden, ignore_errors=True)


def _reason(error: Exception) -> str:
    """Why saving failed, without the name of a hidden file that is gone."""
    cause = error.__cause__ or error
    return os.strerror(cause.errno) if isinstance(cause, OSError) and cause.errno is not None else str(cause)
