"""Any picture file to a `Picture` and back: PNG, JPEG, WebP, TIFF, BMP, GIF and NumPy, integers and floats.

    read_picture:   suffix and content agree? → decode (one module a format) → metadata sound? → turn upright
    write_picture:  format by suffix → made to fit it (encoding.py) → the file appears whole

Whatever is wrong with a file is one `PictureError` that names it; whatever is decided about it is said in the log.
"""

from __future__ import annotations

import logging
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import numpy as np

from sr_core.atomic import atomic_write
from sr_core.errors import PictureError
from sr_core.imaging.decoding import Decoded, decode_bmp, decode_gif, decode_jpeg, upright
from sr_core.imaging.encoding import encode, fitted
from sr_core.imaging.formats import (
    BMP,
    FORMAT_NAMES,
    GIF,
    JPEG,
    NUMPY,
    PNG,
    SIGNATURE_BYTES,
    TIFF,
    WEBP,
    PictureFormat,
    format_of_content,
    format_of_name,
    format_to_write,
)
from sr_core.imaging.metadata import Metadata, review
from sr_core.imaging.npy import decode_npy
from sr_core.imaging.picture import Picture
from sr_core.imaging.png import decode_png
from sr_core.imaging.quiet import without_remarks_of_libraries
from sr_core.imaging.tiff import decode_tiff
from sr_core.imaging.webp import decode_webp

__all__ = ["MAX_PIXELS", "Metadata", "Picture", "check_target", "read_picture", "write_picture"]

MAX_PIXELS = 2**28
"""The pixels a file may declare unless the caller allows more: 3 GiB as RGB float32."""

_DECODERS: dict[PictureFormat, Callable[[BinaryIO, int], Decoded]] = {
    PNG: decode_png,
    JPEG: decode_jpeg,
    WEBP: decode_webp,
    TIFF: decode_tiff,
    BMP: decode_bmp,
    GIF: decode_gif,
    NUMPY: decode_npy,
}

_LONGEST_REASON = 200

_log = logging.getLogger("srkit")


def read_picture(path: Path | str, *, max_pixels: int = MAX_PIXELS) -> Picture:
    """Read a picture file, turned upright as its EXIF orientation asks.

    Gray stays one channel and RGB three, also where the three are equal; 1 to 8 bits come as 8, 16 as 16, and
    floating point as it is. A palette becomes RGB; transparency of any kind becomes alpha; CMYK becomes RGB,
    through its ICC profile where it has one. Other profiles, EXIF and resolution come along in `metadata`. Of
    several frames the first is read. The log says what was converted, damaged or left out.

    Args:
        path: a PNG, JPEG, WebP, TIFF, BMP, GIF or NumPy file; its suffix must be one of its format's.
        max_pixels: a file that declares more is refused before it is decoded.

    Raises:
        PictureError: the file is missing, empty, truncated, too large, misnamed or of an unsupported kind.
    """
    path = Path(path)
    try:
        with _open(path) as stream:
            picture, remarks = _decode(stream, _held_format(stream, path), max_pixels)
    except PictureError as error:
        raise PictureError(f"{path}: {error}") from error.__cause__
    _say(path, remarks)
    return picture


def write_picture(picture: Picture, path: Path | str, quality: int | None = None) -> None:
    """Write a picture in the format its suffix names.

    PNG is written with 8 or 16 bits, TIFF and NumPy also with floating point, the others with 8; integers are
    clipped to [0, 1] and rounded half up. All but JPEG is without loss, unless `quality` is given. WebP has no
    gray and stores it as RGB. JPEG and BMP get no transparency: the picture is laid on white. Only TIFF and
    NumPy take other planes than gray and RGB. ICC profile, EXIF and resolution go into the file where it can
    hold them. The log says what it could not. The file appears whole or not at all.

    Args:
        picture: any picture.
        path: the file; missing folders are made.
        quality: 1 … 100, of JPEG (default 95) and of WebP (default: without loss).

    Raises:
        PictureError: an unknown suffix, a quality for a format that has none, a place that cannot be written
            to, NaN among integers, or a picture too large or of too many planes for the format.
    """
    path = Path(path)
    picture_format = check_target(path, quality)
    try:
        picture, remarks = fitted(picture, picture_format)
        with atomic_write(path) as temporary:
            remarks += encode(picture, picture_format, temporary, quality)
    except PictureError as error:
        raise PictureError(f"{path}: {error}") from error
    except (OSError, ValueError, RuntimeError) as error:
        raise PictureError(f"{path}: cannot be written: {error}") from error
    _say(path, remarks)


def check_target(path: Path | str, quality: int | None = None) -> PictureFormat:
    """The format in which `write_picture` would write to `path`; nothing is touched.

    Raises:
        PictureError: an unknown suffix, or a quality for a format that has none.
    """
    try:
        return format_to_write(Path(path), quality)
    except ValueError as error:
        raise PictureError(f"{path}: {error}") from error


def _say(path: Path, remarks: tuple[str, ...]) -> None:
    for remark in dict.fromkeys(remarks):
        _log.warning("%s: %s", path, remark)


def _open(path: Path) -> BinaryIO:
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise PictureError("is a folder, not a picture")
        if not stat.S_ISREG(status.st_mode):
            raise PictureError("is not a regular file")  # opening a named pipe would wait for ever
        if status.st_size == 0:
            raise PictureError("is empty (zero bytes)")
        return path.open("rb")
    except (FileNotFoundError, NotADirectoryError) as error:
        raise PictureError("no such file") from error
    except (OSError, ValueError) as error:  # ValueError: the name holds a zero byte
        raise PictureError(f"cannot be opened: {error}") from error


def _held_format(stream: BinaryIO, path: Path) -> PictureFormat:
    held = format_of_content(stream.read(SIGNATURE_BYTES))
    stream.seek(0)
    if held is None:
        raise PictureError(f"does not hold a {FORMAT_NAMES} picture")
    if held != format_of_name(path):
        raise PictureError(f"holds {held.name}, not what its name says; rename it to {path.stem}{held.suffixes[0]}")
    return held


def _decode(stream: BinaryIO, picture_format: PictureFormat, max_pixels: int) -> tuple[Picture, tuple[str, ...]]:
    try:
        with without_remarks_of_libraries():
            decoded = _DECODERS[picture_format](stream, max_pixels)
        return _upright_picture(decoded)
    except PictureError:
        raise
    except MemoryError as error:
        raise PictureError("needs more memory than there is") from error
    except Exception as error:  # a hostile file makes decoders raise anything
        words = "".join(sign if sign.isprintable() else " " for sign in str(error)).split()
        reason = " ".join(words)[:_LONGEST_REASON] or type(error).__name__
        raise PictureError(f"broken or truncated {picture_format.name} file ({reason})") from error


def _upright_picture(decoded: Decoded) -> tuple[Picture, tuple[str, ...]]:
    samples = np.atleast_3d(decoded.samples)
    has_alpha = samples.shape[2] in (2, 4) if decoded.has_alpha is None else decoded.has_alpha
    reviewed = review(decoded.metadata, samples.shape[2] - has_alpha, decoded.orientation)
    picture = Picture.from_array(upright(samples, reviewed.orientation), has_alpha=has_alpha)
    remarks = (*decoded.remarks, *reviewed.remarks)
    if samples.dtype.itemsize > 4:
        remarks = (*remarks, "holds 64-bit floating point; kept as 32-bit")
    return replace(picture, metadata=reviewed.metadata), remarks
