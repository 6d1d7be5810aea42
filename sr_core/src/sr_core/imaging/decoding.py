"""From the bytes of a picture file to its samples, by Pillow where that is faithful.

Pillow cuts 16-bit colour down to 8 bits, so such PNG goes to imagecodecs and TIFF to tifffile (tiff.py).
Pillow's readers are called directly: `Image.open` guesses among fifty formats and applies its own limit on
pixels, which could only be changed for the whole process.

These functions raise whatever a hostile file makes a decoder raise; `read_picture` turns it into one error.
"""

from __future__ import annotations

from typing import BinaryIO, NamedTuple

import numpy as np
from PIL import BmpImagePlugin, ExifTags, ImageFile, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

from sr_core.errors import PictureError
from sr_core.imaging.picture import Samples, samples_of

PillowReader = type[ImageFile.ImageFile]

_PNG_DEPTH_OFFSET = 24
"""Where a PNG file says its bits a sample."""

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

SEVERAL_FRAMES = "holds several frames; only the first is read"


class Decoded(NamedTuple):
    """What a decoder found.

    Attributes:
        samples: H×W or H×W×C, uint8 or uint16, as stored: not yet turned upright.
        orientation: EXIF's 1 … 8.
        remarks: what was left out and the user should know, each to follow the file's name.
    """

    samples: Samples
    orientation: int = 1
    remarks: tuple[str, ...] = ()


def upright(samples: Samples, orientation: int) -> Samples:
    """Turn and mirror H×W or H×W×C samples as EXIF's `orientation` (1 … 8) asks; other numbers mean nothing.

    >>> upright(np.array([[1, 2], [3, 4]]), 6).tolist()
    [[3, 1], [4, 2]]
    """
    transposed, reversed_axes = _ORIENTATIONS.get(orientation, (False, ()))
    return np.flip(samples.swapaxes(0, 1) if transposed else samples, reversed_axes)


def check_pixels(width: int, height: int, max_pixels: int) -> None:
    """Refuse a picture whose header declares more than `max_pixels` pixels, before memory is taken for it.

    Raises:
        PictureError: it does.
    """
    if width * height > max_pixels:
        raise PictureError(
            f"declares {width * height} pixels ({width} x {height}), more than the limit of {max_pixels}"
        )


def decode_bmp(stream: BinaryIO, max_pixels: int) -> Decoded:
    """Decode a BMP picture."""
    return _decode_with_pillow(BmpImagePlugin.BmpImageFile, stream, max_pixels)


def decode_jpeg(stream: BinaryIO, max_pixels: int) -> Decoded:
    """Decode a JPEG picture."""
    return _decode_with_pillow(JpegImagePlugin.JpegImageFile, stream, max_pixels)


def decode_webp(stream: BinaryIO, max_pixels: int) -> Decoded:
    """Decode a WebP picture; it has no gray, so C is 3 or 4."""
    return _decode_with_pillow(WebPImagePlugin.WebPImageFile, stream, max_pixels)


def decode_png(stream: BinaryIO, max_pixels: int) -> Decoded:
    """Decode a PNG picture of 1 to 16 bits."""
    stream.seek(_PNG_DEPTH_OFFSET)
    depth = stream.read(1)
    stream.seek(0)
    if depth == b"\x08":
        return _decode_with_pillow(PngImagePlugin.PngImageFile, stream, max_pixels)
    # Fewer bits go the same way as 16: there Pillow misses a gray level that is declared transparent.
    import imagecodecs

    with PngImagePlugin.PngImageFile(stream) as image:
        check_pixels(*image.size, max_pixels)
        orientation, remarks = _orientation(image)
    stream.seek(0)
    return Decoded(imagecodecs.png_decode(stream.read()), orientation, remarks)


def _decode_with_pillow(reader: PillowReader, stream: BinaryIO, max_pixels: int) -> Decoded:
    """The first frame by one of Pillow's readers, 8 bits."""
    with reader(stream) as image:
        check_pixels(*image.size, max_pixels)
        remarks = (SEVERAL_FRAMES,) if getattr(image, "is_animated", False) else ()
        samples = samples_of(image)
        orientation, exif_remarks = _orientation(image)
    return Decoded(samples, orientation, remarks + exif_remarks)


def _orientation(image: ImageFile.ImageFile) -> tuple[int, tuple[str, ...]]:
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # noqa: BLE001 - damaged EXIF raises anything, and the pixels are still good
        return 1, ("its EXIF is damaged and was ignored",)
    return (orientation if isinstance(orientation, int) else 1), ()
