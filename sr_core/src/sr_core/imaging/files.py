"""Any picture file to a `Picture` and back: PNG, JPEG, WebP, TIFF and BMP in 8 and 16 bits.

    read_picture:   suffix and content agree? → decode (decoding.py, tiff.py) → turn upright → Picture
    write_picture:  format by suffix → clip and round → encode → the file appears whole

Whatever is wrong with a file is one `PictureError` that names it.
"""

from __future__ import annotations

import logging
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import Image
from torch import Tensor

from sr_core.atomic import atomic_write
from sr_core.errors import PictureError
from sr_core.imaging.decoding import Decoded, decode_bmp, decode_jpeg, decode_png, decode_webp, upright
from sr_core.imaging.formats import (
    BMP,
    FORMAT_NAMES,
    JPEG,
    PNG,
    SIGNATURE_BYTES,
    SUFFIXES,
    TIFF,
    WEBP,
    PictureFormat,
    format_of_content,
    format_of_name,
)
from sr_core.imaging.picture import Picture, Samples
from sr_core.imaging.quiet import without_pillow_warnings
from sr_core.imaging.tiff import decode_tiff, encode_tiff

__all__ = ["MAX_PIXELS", "Picture", "read_picture", "write_picture"]

MAX_PIXELS = 2**28
"""The pixels a file may declare unless the caller allows more: 3 GiB as RGB float32."""

_DECODERS: dict[PictureFormat, Callable[[BinaryIO, int], Decoded]] = {
    PNG: decode_png,
    JPEG: decode_jpeg,
    WEBP: decode_webp,
    TIFF: decode_tiff,
    BMP: decode_bmp,
}

_PILLOW_OPTIONS: dict[PictureFormat, dict[str, Any]] = {
    PNG: {},
    JPEG: {"quality": 95, "subsampling": 0},  # colour at full resolution: it is what was just made
    WEBP: {"lossless": True, "exact": True},  # exact: colours under clear pixels are kept too
    BMP: {},
}

_log = logging.getLogger("srkit")


def read_picture(path: Path | str, *, max_pixels: int = MAX_PIXELS) -> Picture:
    """Read a PNG, JPEG, WebP, TIFF or BMP file, turned upright as its EXIF orientation asks.

    Gray stays one channel and RGB three, also where the three are equal; 1 to 8 bits come as 8, 16 as 16; a
    palette becomes RGB; transparency of any kind becomes alpha. Of several frames the first is read, and the
    log says so.

    Args:
        path: the file; its suffix must be one of its format's.
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
    for remark in remarks:
        _log.warning("%s: %s", path, remark)
    return picture


def write_picture(picture: Picture, path: Path | str) -> None:
    """Write a picture in the format its suffix names, clipped to [0, 1] and rounded half up.

    PNG and TIFF are written with `picture.bits`, the others with 8 bits; all but JPEG (quality 95) without
    loss. WebP has no gray and stores it as RGB. JPEG and BMP get no transparency: the picture is laid on
    white, and the log says so. The file appears whole or not at all.

    Raises:
        PictureError: an unknown suffix, a place that cannot be written to, NaN, or too large for the format.
    """
    path = Path(path)
    picture_format = format_of_name(path)
    if picture_format is None:
        raise PictureError(f"{path}: cannot tell the format to write; the name must end in {' '.join(SUFFIXES)}")
    if picture.alpha is not None and not picture_format.keeps_alpha:
        picture = _laid_on_white(picture, picture.alpha, path, picture_format)
    if not picture_format.keeps_16_bits:
        picture = replace(picture, bits=8)
    try:
        samples = picture.to_array()
        with atomic_write(path) as temporary:
            _encode(samples, picture_format, temporary)
    except (OSError, ValueError, RuntimeError) as error:
        raise PictureError(f"{path}: cannot be written: {error}") from error


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
        with without_pillow_warnings():
            decoded = _DECODERS[picture_format](stream, max_pixels)
        return Picture.from_array(upright(decoded.samples, decoded.orientation)), decoded.remarks
    except PictureError:
        raise
    except MemoryError as error:
        raise PictureError("needs more memory than there is") from error
    except Exception as error:  # a hostile file makes decoders raise anything
        reason = str(error) or type(error).__name__
        raise PictureError(f"broken or truncated {picture_format.name} file ({reason})") from error


def _laid_on_white(picture: Picture, alpha: Tensor, path: Path, picture_format: PictureFormat) -> Picture:
    if (alpha < 1).any():
        _log.warning("%s: %s keeps no transparency; laid on white", path, picture_format.name)
    opacity = alpha.clamp(0, 1)
    return replace(picture, image=picture.image.clamp(0, 1) * opacity + (1 - opacity), alpha=None)


def _encode(samples: Samples, picture_format: PictureFormat, path: Path) -> None:
    if picture_format == TIFF:
        encode_tiff(samples, path)
    elif samples.dtype == np.uint16:
        import imagecodecs

        path.write_bytes(imagecodecs.png_encode(samples))
    else:
        Image.fromarray(samples).save(path, picture_format.name, **_PILLOW_OPTIONS[picture_format])
