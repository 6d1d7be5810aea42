"""All pictures of a training set decoded once before training, so that every problem is found and told at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch

from sr_core.data.crop_shapes import CropShape
from sr_core.data.degrading import lr_problem
from sr_core.data.depths import to_image
from sr_core.data.duplicates import pixel_digest
from sr_core.data.kept_pictures import KeptPictures, read_levels
from sr_core.data.threads import in_threads
from sr_core.data.training_set import TrainingSet
from sr_core.errors import DatasetError, PictureError
from sr_core.imaging.size import lr_size
from sr_core.interfaces.capabilities import Channels
from sr_core.scales import Scale, describe_scale

Small = Literal["refuse", "leave_out"]
Progress = Callable[[int, int], None]

_MOST_NAMED = 10
"""How many pictures one message names."""


@dataclass(frozen=True)
class Surveyed:
    """What is known of one HR picture.

    Attributes:
        path: its file.
        size: (height, width).
        planes: its own, without opacity.
        depth: dtype of its levels.
        digest: equal for equal pixels.
        has_alpha: whether the file has opacity, which training ignores.
        lr_sizes: scale → (height, width) of its paired LR.
    """

    path: Path
    size: tuple[int, int]
    planes: int
    depth: torch.dtype
    digest: bytes
    has_alpha: bool
    lr_sizes: Mapping[Scale, tuple[int, int]]

    def lr_size(self, scale: Scale) -> tuple[int, int]:
        """(height, width) of its LR, paired or to be made."""
        return self.lr_sizes[scale] if scale in self.lr_sizes else lr_size(self.size, scale)


def survey(
    training_set: TrainingSet,
    channels: Channels,
    shapes: Sequence[CropShape],
    small: Small,
    kept: KeptPictures,
    progress: Progress | None = None,
) -> tuple[list[Surveyed], list[str]]:
    """Decode every picture, and find everything wrong.

    Args:
        training_set: the files.
        channels: what the model takes.
        shapes: the crops that have to fit into each picture.
        small: what to do with pictures that are smaller.
        kept: keeps what is decoded, as far as it may.
        progress: called with (done, all) after each picture.

    Returns:
        The pictures to train on, in order, and notes for the user.

    Raises:
        DatasetError: naming each file that cannot be used and why; or no picture is left.
    """

    def examine(path: Path) -> tuple[Surveyed | None, list[str]]:
        return _examine(path, training_set.lr, channels, kept)

    sound, problems = [], []
    for done, (picture, wrong) in enumerate(in_threads(examine, training_set.hr), start=1):
        problems += wrong
        if picture is not None:
            sound.append(picture)
        if progress is not None:
            progress(done, len(training_set.hr))
    too_small = {picture.path: what for picture in sound if (what := _too_small(picture, shapes))}
    if small == "refuse":
        problems += [f"{path}: {what}" for path, what in too_small.items()]
    used = [picture for picture in sound if picture.path not in too_small]
    problems += _of_other_planes(used, channels)
    if problems:
        hint = "\n(small: leave_out trains without those that are too small)" if too_small else ""
        raise DatasetError(f"the training set has {_counted(len(problems), 'problem')}:\n{_listed(problems)}{hint}")
    if not used:
        raise DatasetError(f"no picture is left to train on; all {len(too_small)} are too small for the crop")
    return used, _notes(used, list(too_small), channels)


def planes_of(pictures: Sequence[Surveyed], channels: Channels) -> int:
    """How many planes the model is trained on."""
    if channels == "y":
        return 1
    if channels == "rgb":
        return 3
    return channels if isinstance(channels, int) else max(picture.planes for picture in pictures)


def _examine(
    path: Path, lr_files: Mapping[Scale, Mapping[Path, Path]], channels: Channels, kept: KeptPictures
) -> tuple[Surveyed | None, list[str]]:
    """What is known of a file, None where it cannot be used; and everything wrong with it."""
    try:
        levels, has_alpha = read_levels(path)
    except PictureError as error:
        return None, [str(error)]
    kept.keep(path, levels)
    problems = []
    if not _takes(channels, levels.shape[2]):
        problems.append(f"{path}: has {_counted(levels.shape[2], 'plane')}, the model takes {channels}")
    lr_sizes = {}
    for scale, files in lr_files.items():
        try:
            lr = kept.read(files[path])
        except PictureError as error:
            problems.append(str(error))
            continue
        lr_sizes[scale] = (lr.shape[0], lr.shape[1])
        if (wrong := lr_problem(tuple(lr.shape), tuple(levels.shape), scale)) is not None:
            problems.append(f"{path}: {wrong} ({files[path]})")
    if problems:
        return None, problems
    size, digest = (levels.shape[0], levels.shape[1]), pixel_digest(to_image(levels))
    return Surveyed(path, size, levels.shape[2], levels.dtype, digest, has_alpha, lr_sizes), []


def _takes(channels: Channels, planes: int) -> bool:
    """Whether pictures of so many planes can be brought to the model's."""
    return channels == "any" or planes == channels or (channels in ("y", "rgb", 1, 3) and planes in (1, 3))


def _too_small(picture: Surveyed, shapes: Sequence[CropShape]) -> str | None:
    """In words, with the largest crop that does not fit: a picture has to have room for the crops of every scale."""
    unfit = [shape for shape in shapes if 0 in shape.places(picture.size, picture.lr_size(shape.scale))]
    if not unfit:
        return None
    (rows, columns), largest = picture.size, max(unfit, key=lambda shape: math.prod(shape.hr))
    at = f" at ×{describe_scale(largest.scale)}" if len(shapes) > 1 else ""
    return f"{rows}×{columns} is smaller than the crop of {largest.hr[0]}×{largest.hr[1]}{at}"


def _of_other_planes(pictures: Sequence[Surveyed], channels: Channels) -> list[str]:
    """Problems of a model that takes any number of planes: it has to be one number; gray can become RGB."""
    planes = {picture.planes for picture in pictures}
    if channels != "any" or len(planes) <= 1 or planes == {1, 3}:
        return []
    first = pictures[0]
    return [
        f"{other.path}: has {_counted(other.planes, 'plane')}, {first.path.name} has {first.planes}"
        for other in pictures
        if other.planes != first.planes
    ]


def _notes(used: Sequence[Surveyed], small: Sequence[Path], channels: Channels) -> list[str]:
    notes = []
    if small:
        left_out = _named([path.name for path in small])
        notes.append(f"{_counted(len(small), 'picture')} smaller than the crop left out: {left_out}")
    same: dict[bytes, list[str]] = {}
    for picture in used:
        same.setdefault(picture.digest, []).append(picture.path.name)
    notes += [
        f"the same picture is in the training set {len(names)} times: {_named(names)}"
        for names in same.values()
        if len(names) > 1
    ]
    if with_alpha := [picture.path.name for picture in used if picture.has_alpha]:
        notes.append(f"the transparency of {_counted(len(with_alpha), 'picture')} is ignored: {_named(with_alpha)}")
    gray = sum(picture.planes == 1 for picture in used)
    if gray and planes_of(used, channels) == 3:
        notes.append(f"{_counted(gray, 'gray picture')} taken as RGB with three equal planes")
    return notes


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _named(names: Sequence[str]) -> str:
    rest = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {rest} more" if rest > 0 else "")


def _listed(problems: Sequence[str]) -> str:
    rest = len(problems) - _MOST_NAMED
    lines = [f"  {problem}" for problem in problems[:_MOST_NAMED]]
    return "\n".join([*lines, f"  … and {rest} more"] if rest > 0 else lines)
