"""What every decoder gives, and the formats that Pillow reads faithfully: JPEG, BMP and GIF.

Pillow's readers are called directly: `Image.open` guesses among fifty formats and applies its own limit on
pixels, which could only be changed for the whole process.

These functions raise whatever a hostile file makes a decoder raise; `read_picture` turns it into one error.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, BinaryIO

import numpy as np
from PIL import BmpImagePlugin, GifImagePlugin, JpegImagePlugin

from sr_core.errors import PictureError
from sr_core.imaging.metadata import Metadata
from sr_core.imaging.samples import Samples, samples_of

SEVERAL_FRAMES = "holds several frames; only the first is read"

_MOST_PLANES = 4
"""A file that declares more planes than RGB with opacity may declare so many fewer pixels."""
_RUN_LENGTHS = (1, 2)
_MOST_RUN_LENGTH_PIXELS = 2**24
"""Pillow decodes run-length BMP in Python, where a few bytes can stand for any number of pixels."""
_MOST_SCANS = 100
"""A progressive JPEG has about ten; each passes over all pixels."""

# EXIF orientation → whether rows and columns change places, and which axes are then reversed.
_ORIENTATIONS: dict[int, tuple[bool, tuple[int, ...]]] = {
    1: (False, ()),
    2: (False, (1,)),
    3: (False, (0, 1)),
    4: (False, (0,)),
    5: (True, ()),
    6: (True, (1,)),
    7: (True, (0, 1)),
    8: (True, (0,)),
}


@dataclass(frozen=True)
class Decoded:
    """What a decoder found.

    Attributes:
        samples: H×W or H×W×C, uint8, uint16 or floating point, as stored: not yet turned upright.
        metadata: as stored, sound or not.
        orientation: EXIF's 1 … 8 where it is said outside EXIF.
        has_alpha: whether the last plane is opacity; None: it is where C is 2 or 4.
        remarks: what was left out or changed and the user should know, each to follow the file's name.
    """

    samples: Samples
    metadata: Metadata = field(default_factory=Metadata)
    orientation: int | None = None
    has_alpha: bool | None = None
    remarks: tuple[str, ...] = ()


def upright(samples: Samples, orientation: int) -> Samples:
    """Turn and mirror H×W or H×W×C samples as EXIF's `orientation` (1 … 8) asks; other numbers mean nothing.

    >>> upright(np.array([[1, 2], [3, 4]]), 6).tolist()
    [[3, 1], [4, 2]]
    """
    transposed, reversed_axes = _ORIENTATIONS.get(orientation, (False, ()))
    return np.flip(samples.swapaxes(0, 1) if transposed else samples, reversed_axes)


def check_pixels(width: int, height: int, max_pixels: int, planes: int = 1) -> None:
    """Refuse a picture whose header declares more than `max_pixels` pixels, before memory is taken for it.

    Raises:
        PictureError: it does; of many planes, fewer pixels are enough.
    """
    shape = f"{width} x {height}"
    if width * height > max_pixels:
        raise PictureError(f"declares {width * height} pixels ({shape}), more than the limit of {max_pixels}")
    if width * height * planes > _MOST_PLANES * max_pixels:
        raise PictureError(
            f"declares {width * height * planes} samples ({shape} x {planes}), "
            f"more than the limit of {_MOST_PLANES * max_pixels}"
        )


def decode_bmp(stream: BinaryIO, max_pixels: int) -> Decoded:
    """Decode a BMP picture."""
    with BmpImagePlugin.BmpImageFile(stream) as image:
        if image.info.get("compression") in _RUN_LENGTHS:
            max_pixels = min(max_pixels, _MOST_RUN_LENGTH_PIXELS)
        check_pixels(*image.size, max_pixels)
        samples, _ = samples_of(image)
        return Decoded(samples, Metadata(dpi=_dpi(image.info)))


def decode_gif(stream: BinaryIO, max_pixels: int) -> Decoded:
    """Decode the first frame of a GIF picture."""
    with GifImagePlugin.GifImageFile(stream) as image:
        check_pixels(*image.size, max_pixels)
        samples, _ = samples_of(image)
        return Decoded(samples, remarks=(SEVERAL_FRAMES,) if _has_more_frames(image) else ())


def decode_jpeg(stream: BinaryIO, max_pixels: int) -> Decoded:
    """Decode a JPEG picture; CMYK becomes RGB."""
    with JpegImagePlugin.JpegImageFile(stream) as image:
        check_pixels(*image.size, max_pixels)
        if image.info.get("progressive"):
            _check_scans(stream)
        samples, remarks = samples_of(image)
        has_dpi = image.info.get("jfif_unit") in (1, 2)  # else Pillow takes it from EXIF, or invents it
        metadata = Metadata(
            icc=None if image.mode == "CMYK" else image.info.get("icc_profile"),
            exif=image.info.get("exif"),
            dpi=_dpi(image.info) if has_dpi else None,
        )
        return Decoded(samples, metadata, remarks=remarks)


def _dpi(info: dict[Any, Any]) -> tuple[float, float] | None:
    across, down = info.get("dpi") or (0, 0)
    return (float(across), float(down)) if across and down else None


def _has_more_frames(image: GifImagePlugin.GifImageFile) -> bool:
    try:
        return image.is_animated
    except Exception:  # noqa: BLE001 - a damaged second frame raises anything, and the first is good
        return True


def _check_scans(stream: BinaryIO) -> None:
    position = stream.tell()
    stream.seek(0)
    scans = stream.read().count(b"\xff\xda")
    stream.seek(position)
    if scans > _MOST_SCANS:
        raise PictureError(f"has {scans} scans, more than the limit of {_MOST_SCANS}")
