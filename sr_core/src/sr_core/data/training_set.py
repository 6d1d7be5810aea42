"""The files of a training set, found and paired before anything is read."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sr_core.data.dataset import find_pictures
from sr_core.data.pairing import pair_by_name
from sr_core.data.pictures import list_pictures
from sr_core.errors import DatasetError
from sr_core.scales import Scale, describe_scale


@dataclass(frozen=True)
class TrainingSet:
    """Files found; nothing is read yet.

    Attributes:
        hr: the HR files, each once.
        lr: scale → HR file → LR file; empty where the degradation makes LR.
        unpaired_lr: LR files that have nothing to do with HR, each once, for training without pairs.
    """

    hr: tuple[Path, ...]
    lr: Mapping[Scale, Mapping[Path, Path]] = field(default_factory=dict)
    unpaired_lr: tuple[Path, ...] = ()


def open_training_set(
    hr: Sequence[str],
    lr: str | None,
    scales: Sequence[Scale],
    leave_out: Sequence[str] = (),
    unpaired_lr: Sequence[str] = (),
) -> TrainingSet:
    """Find the files to train on.

    Args:
        hr: folders, glob patterns, files or `samples…`.
        lr: folder or glob pattern of paired LR, with `{scale}` for the scale (`2`, or `2x3` for a scale for each
            axis); or None.
        scales: the scales whose LR must exist.
        leave_out: file names, with or without suffix, that are never used, in either set.
        unpaired_lr: folders, glob patterns or files of LR pictures that are not paired with HR.

    Raises:
        DatasetError: nothing is there or left, a name to leave out is not there, or an LR picture is missing.
    """
    files = dict.fromkeys(path for source in hr for path in find_pictures(source))
    unpaired = dict.fromkeys(path for source in unpaired_lr for path in find_pictures(source))
    for name in leave_out:
        matches = [path for path in (*files, *unpaired) if name in (path.name, path.stem)]
        if not matches and name not in leave_out[: leave_out.index(name)]:
            raise DatasetError(_no_such_name(name, [*files, *unpaired]))
        for path in matches:
            files.pop(path, None)
            unpaired.pop(path, None)
    if not files or (unpaired_lr and not unpaired):
        raise DatasetError("no pictures are left to train on: leave_out names them all" if leave_out else "no pictures")
    if unpaired_lr:
        return TrainingSet(tuple(files), unpaired_lr=tuple(unpaired))
    if lr is None:
        return TrainingSet(tuple(files))
    if len(scales) > 1 and "{scale}" not in lr:
        raise DatasetError(f"{lr}: with several scales the LR folder must say where each lies, as LR_x{{scale}}")
    pairs = {}
    for scale in scales:
        found = list_pictures(lr.replace("{scale}", describe_scale(scale)))
        pairs[scale] = pair_by_name(list(files), found, f"LR picture for scale {describe_scale(scale)}")
    return TrainingSet(tuple(files), pairs)


def _no_such_name(name: str, files: Sequence[Path]) -> str:
    near = difflib.get_close_matches(name, [path.name for path in files], n=1)
    hint = f"; the nearest is {near[0]}" if near else ""
    return f"leave_out: there is no picture called '{name}' among the {len(files)} to train on{hint}"
