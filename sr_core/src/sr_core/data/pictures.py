"""Which picture files a source stands for."""

from __future__ import annotations

import glob
import re
from collections.abc import Iterable
from pathlib import Path

from sr_core.errors import DatasetError
from sr_core.imaging.formats import SUFFIXES


def list_pictures(source: Path | str) -> list[Path]:
    """The pictures of a folder, of a glob pattern, or one file, as people count them: img_2 before img_10.

    A folder gives its own picture files, told by suffix, not those of folders inside. In a pattern `*`, `?`,
    `[…]` and `**` have their usual meaning. Hidden files are left out. One file is taken as it is.

    Raises:
        DatasetError: nothing is there, or no pictures are.
    """
    path = Path(source)
    try:
        if path.is_dir():
            pictures = _pictures_among(path.iterdir())
        elif path.exists():
            return [path]
        elif glob.has_magic(str(source)):
            pictures = _pictures_among(Path(match) for match in glob.glob(str(source), recursive=True))
        else:
            raise DatasetError(f"{source}: no such file or folder")
    except OSError as error:
        raise DatasetError(f"{source}: cannot be listed: {error}") from error
    if not pictures:
        raise DatasetError(f"{source}: no pictures there; looked for files ending in {' '.join(SUFFIXES)}")
    return sorted(pictures, key=_natural_order)


def _pictures_among(paths: Iterable[Path]) -> list[Path]:
    # A dangling link is kept: reading it is an error, leaving it out would shrink the set in silence.
    return [
        path
        for path in paths
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and not path.is_dir()
    ]


def _natural_order(path: Path) -> tuple[list[str | int], Path]:
    # Splitting by a group gives text and digits in turn, so that equal places always compare like with like.
    pieces = re.split(r"(\d+)", str(path).casefold())
    return [int(piece) if index % 2 else piece for index, piece in enumerate(pieces)], path
