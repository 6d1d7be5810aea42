"""A data set to measure on: HR pictures by name, and the LR that it may bring."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sr_core.data.pairing import pair_by_name
from sr_core.data.pictures import list_pictures
from sr_core.data.samples import parse_samples, sample_pictures
from sr_core.errors import DatasetError
from sr_core.scales import Scale, describe_scale


@dataclass(frozen=True)
class Dataset:
    """HR pictures, and their LR by scale where the data set brings its own.

    Attributes:
        name: how tables call it.
        hr: the HR files, in the order they are measured.
        lr: scale → HR file → LR file.
    """

    name: str
    hr: tuple[Path, ...]
    lr: dict[Scale, dict[Path, Path]] = field(default_factory=dict)


def open_dataset(name: str, hr: Sequence[str], lr: str | None, scales: Sequence[Scale]) -> Dataset:
    """Find the files of a data set, before anything is read.

    Args:
        name: how tables call it.
        hr: folders, glob patterns, files or `samples…`.
        lr: folder or glob pattern of its LR, with `{scale}` for the scale; or None.
        scales: the scales whose LR must exist.

    Raises:
        DatasetError: nothing is there, two pictures have one name, or an LR picture is missing.
    """
    files = [path for source in hr for path in find_pictures(source)]
    if twice := _repeated([path.stem for path in files]):
        raise DatasetError(f"two HR pictures are called '{twice}'; results are kept by that name")
    pairs = {}
    if lr is not None:
        for scale in scales:
            lr_files = list_pictures(Path(fill_in(lr, scale, name)))
            pairs[scale] = pair_by_name(files, lr_files, f"LR picture for scale {describe_scale(scale)}")
    return Dataset(name, tuple(files), pairs)


def find_pictures(source: str) -> list[Path]:
    """The picture files that a spec's text means: samples, a folder, a glob pattern or one file.

    Raises:
        DatasetError: there are none.
    """
    split = parse_samples(source)
    return sample_pictures(split) if split else list_pictures(Path(source))


def fill_in(pattern: str, scale: Scale, dataset: str) -> str:
    """`pattern` with `{scale}` and `{dataset}` replaced; other braces stay.

    >>> fill_in("LR_x{scale}", 2.0, "Set5")
    'LR_x2'
    """
    return pattern.replace("{scale}", describe_scale(scale)).replace("{dataset}", dataset)


def _repeated(names: Sequence[str]) -> str | None:
    return next((name for name in names if names.count(name) > 1), None)
