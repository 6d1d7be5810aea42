"""ICC profile, EXIF and resolution of TIFF files.

TIFF and EXIF share their form: in a TIFF file the camera's notes are entries of the picture's own directory,
among those that say where its pixels are.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

from sr_core.imaging.exif import CAMERA, POSITION, Directory, Entry, Exif, directory_bytes, parse_exif, read_exif
from sr_core.imaging.formats import DPI, EXIF, ICC
from sr_core.imaging.metadata import Metadata

if TYPE_CHECKING:
    from tifffile import TiffFile, TiffPage

DESCRIPTION, ORIENTATION, PROFILE = 270, 274, 34675
_RESOLUTIONS, _RESOLUTION_UNIT = (282, 283), 296
_CLASSIC = 42
_PER_INCH = {2: 1.0, 3: 2.54}
# Maker, model, software, time, artist, computer, rating, copyright, Windows's title … subject.
_NOTES = frozenset({DESCRIPTION, 271, 272, 305, 306, 315, 316, 18246, 18249, 33432, *range(40091, 40096)})
_WANTED = _NOTES | {CAMERA, POSITION}
# Descriptions by programs that keep the layout of their own files there: not true of another file.
_LAYOUTS = (b"ImageJ=", b"<", b"{")


def read_metadata(tiff: TiffFile, page: TiffPage, stream: BinaryIO) -> tuple[Metadata, tuple[str, ...]]:
    """What the first picture of a TIFF file says beside its pixels, and remarks on what is damaged."""
    readers: dict[str, Callable[[], Any]] = {
        ICC: lambda: _profile(page),
        EXIF: lambda: None if tiff.is_bigtiff else _exif(stream),
        DPI: lambda: _dpi(page),
    }
    found, remarks = {}, []
    for name, read in readers.items():
        try:
            found[name] = read()
        except Exception:  # noqa: BLE001 - damaged tags raise anything, and the pixels are still good
            remarks.append(f"its {name} is damaged and was ignored")
    exif: Exif | None = found.get(EXIF)
    if exif is not None and exif.is_damaged:
        remarks.append("its EXIF is damaged in part; the rest was kept")
    content = exif.to_bytes() if exif is not None and exif.directory else None
    return Metadata(found.get(ICC), content, found.get(DPI)), tuple(remarks)


def byte_order(metadata: Metadata) -> Literal["<", ">"]:
    """The byte order, `<` or `>`, that a TIFF file must have so that `append_exif` can add the EXIF as it is."""
    return ">" if metadata.exif is not None and parse_exif(metadata.exif).order == ">" else "<"


def append_exif(path: Path, content: bytes) -> None:
    """Add EXIF to a finished TIFF file: its directory is written again at the end, with the notes in it.

    Raises:
        ValueError: it is a BigTIFF file, whose entries have another form.
    """
    exif = parse_exif(content)
    notes = {tag: value for tag, value in exif.directory.items() if tag in _WANTED}
    with path.open("r+b") as file:
        version, place = struct.unpack(f"{exif.order}2xHI", file.read(8))
        if version != _CLASSIC:
            raise ValueError("BigTIFF")
        file.seek(place)
        (count,) = struct.unpack(f"{exif.order}H", file.read(2))
        rows = tuple(file.read(12) for _ in range(count))
        end = file.seek(0, 2)
        end += file.write(bytes(end % 2))
        file.write(directory_bytes(notes, exif.order, end, rows))
        file.seek(4)
        file.write(struct.pack(f"{exif.order}I", end))


def _profile(page: TiffPage) -> bytes | None:
    profile = page.tags.valueof(PROFILE)
    return None if profile is None else bytes(profile)


def _exif(stream: BinaryIO) -> Exif:
    exif = read_exif(stream, _WANTED)
    notes = {tag: value for tag, value in exif.directory.items() if not _is_layout(tag, value)}
    return replace(exif, directory=notes)


def _is_layout(tag: int, value: Entry | Directory) -> bool:
    return tag == DESCRIPTION and isinstance(value, Entry) and value.data.startswith(_LAYOUTS)


def _dpi(page: TiffPage) -> tuple[float, float] | None:
    factor = _PER_INCH.get(page.tags.valueof(_RESOLUTION_UNIT, default=2))
    across, down = (page.tags.valueof(tag, default=(0, 1)) for tag in _RESOLUTIONS)
    if not (factor and all(across) and all(down)):
        return None
    return across[0] / across[1] * factor, down[0] / down[1] * factor
