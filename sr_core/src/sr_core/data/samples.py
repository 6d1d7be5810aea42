"""Real photographs for a machine without data: those that scikit-image brings along."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from sr_core.errors import DatasetError

Split = Literal["train", "test", "all"]

_TRAIN = ("motorcycle_left.png", "rocket.jpg", "camera.png", "brick.png", "grass.png", "gravel.png")
_TEST = ("astronaut.png", "chelsea.png", "coffee.png")
_NAMES: dict[Split, tuple[str, ...]] = {"train": _TRAIN, "test": _TEST, "all": _TRAIN + _TEST}


def sample_pictures(split: Split) -> list[Path]:
    """The files of the built-in data set: six photographs to train on, three to test with, or all nine.

    Raises:
        DatasetError: scikit-image is not installed, or its pictures are not where they should be.
    """
    # find_spec finds the package without importing it, which would take a second.
    package = find_spec("skimage")
    if package is None or not package.submodule_search_locations:
        raise DatasetError('samples: the pictures come with scikit-image; install it: pip install "srkit[samples]"')
    folder = Path(package.submodule_search_locations[0]) / "data"
    pictures = [folder / name for name in _NAMES[split]]
    missing = [picture.name for picture in pictures if not picture.is_file()]
    if missing:
        raise DatasetError(
            f"samples: {folder} lacks {', '.join(missing)}; "
            'install scikit-image again: pip install --force-reinstall "srkit[samples]"'
        )
    return pictures


def parse_samples(text: str) -> Split | None:
    """The split that `samples`, `samples:train` or `samples:test` stands for; None for any other source.

    Raises:
        DatasetError: a split that does not exist, as `samples:validation`.

    >>> parse_samples("samples")
    'all'
    >>> parse_samples("photos/") is None
    True
    """
    kind, _, split = text.partition(":")
    if kind != "samples":
        return None
    if text == "samples":
        return "all"
    if split == "train":
        return "train"
    if split == "test":
        return "test"
    raise DatasetError(f"{text}: no such samples; there are samples, samples:train and samples:test")
