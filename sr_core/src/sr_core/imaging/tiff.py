"""TIFF by tifffile: gray, palette, RGB, CMYK and any number of bands, of 1 to 16 bits or floating point."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from sr_core.errors import PictureError
from sr_core.imaging.cmyk import inks_to_rgb
from sr_core.imaging.decoding import SEVERAL_FRAMES, Decoded, check_pixels
from sr_core.imaging.samples import Samples
from sr_core.imaging.tiff_metadata import ORIENTATION, read_metadata

if TYPE_CHECKING:
    from tifffile import TiffFile, TiffPage

# Numbers of the TIFF 6.0 specification.
_MIN_IS_WHITE, _MIN_IS_BLACK, _RGB, _PALETTE, _SEPARATED, _YCBCR = 0, 1, 2, 3, 5, 6
_COLOR_BANDS = {_MIN_IS_WHITE: 1, _MIN_IS_BLACK: 1, _PALETTE: 1, _RGB: 3, _SEPARATED: 4, _YCBCR: 3}
_COLOR_NAMES = {0: "gray", 1: "gray", 2: "RGB", 3: "palette", 5: "CMYK", 6: "YCbCr", 8: "CIE Lab"}
_UNSIGNED, _FLOAT = 1, 3
_SAMPLE_FORMATS = {1: "integer", 2: "signed integer", 3: "floating-point"}
_DEPTHS = {_UNSIGNED: (1, 2, 4, 8, 16), _FLOAT: (16, 32, 64)}
_ASSOCIATED_ALPHA, _UNASSOCIATED_ALPHA = 1, 2
_SIZES = ("imagewidth", "imagelength", "imagedepth", "tilewidth", "tilelength", "rowsperstrip", "samplesperpixel")
_JPEG_COMPRESSIONS = (7, 33007, 34892)
_INK_SET, _CMYK_INKS = 332, 1
# Of JPEG's markers: where a frame begins, with its size; and those that stand alone.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_ALONE = frozenset({0x01, *range(0xD0, 0xDA)})


@dataclass(frozen=True)
class _Kind:
    """What the samples of a page mean.

    Attributes:
        color: the photometric interpretation.
        colors: bands that belong to it.
        has_alpha: whether the last band is opacity.
        alpha_is_multiplied: and is multiplied into the colours.
    """

    color: int
    colors: int
    has_alpha: bool
    alpha_is_multiplied: bool


def decode_tiff(stream: BinaryIO, max_pixels: int) -> Decoded:
    """Decode the first picture of a TIFF file; CMYK becomes RGB.

    Raises:
        PictureError: too many pixels, or an unsupported kind of samples, as signed integers or CIE Lab.
    """
    import tifffile

    with tifffile.TiffFile(stream) as tiff:
        page = tiff.pages.first
        if not all(isinstance(getattr(page, size), int) for size in _SIZES):
            raise ValueError("a size is no number")  # calculating with it could take for ever
        check_pixels(page.imagewidth, page.imagelength, max_pixels, page.samplesperpixel)
        check_pixels(page.tilewidth, page.tilelength, max_pixels, page.samplesperpixel)
        kind = _kind(page)
        if page.compression in _JPEG_COMPRESSIONS:
            _check_jpeg_sizes(tiff, page)
        samples = _samples(page, kind)
        metadata, remarks = read_metadata(tiff, page, stream)
        if tiff.pages.is_multipage:
            remarks = (*remarks, SEVERAL_FRAMES)
        if kind.color == _SEPARATED:
            rgb, remark = inks_to_rgb(samples[..., :4], metadata.icc)
            samples, remarks = np.concatenate([rgb, samples[..., 4:]], axis=2), (*remarks, remark)
            metadata = replace(metadata, icc=None)
        orientation = page.tags.valueof(ORIENTATION)
        orientation = orientation if isinstance(orientation, int) else 1
        return Decoded(samples, metadata, orientation, kind.has_alpha, remarks)


def _kind(page: TiffPage) -> _Kind:
    color, colors, extra = page.photometric, _COLOR_BANDS.get(page.photometric, 0), page.extrasamples
    has_alpha = bool(extra) and extra[-1] in (_ASSOCIATED_ALPHA, _UNASSOCIATED_ALPHA)
    if color == _SEPARATED and page.tags.valueof(_INK_SET) not in (None, _CMYK_INKS):
        color, colors = _MIN_IS_BLACK, 1  # other inks than printers' four: bands
    bands = page.samplesperpixel - colors - has_alpha
    supported = (
        colors > 0 and bands >= 0 and page.bitspersample in _DEPTHS.get(page.sampleformat, ()) and page.imagedepth == 1
    )
    if color in (_PALETTE, _SEPARATED, _YCBCR):
        supported &= bands == 0 and page.sampleformat == _UNSIGNED
    if color == _PALETTE:
        supported &= page.bitspersample <= 8 and not has_alpha
    if color == _SEPARATED:
        supported &= page.bitspersample >= 8
    if color == _YCBCR:
        supported &= page.compression in _JPEG_COMPRESSIONS  # which tifffile turns into RGB
    if not supported:
        raise PictureError(
            f"holds {_description(page)}; supported are gray, palette, RGB, CMYK and bands, "
            "of up to 16 bits or floating point"
        )
    return _Kind(color, colors, has_alpha, has_alpha and extra[-1] == _ASSOCIATED_ALPHA)


def _description(page: TiffPage) -> str:
    sample_format = _SAMPLE_FORMATS.get(page.sampleformat, "odd")
    colors = _COLOR_NAMES.get(page.photometric, "another colour model")
    depth = f"{page.bitspersample}-bit" if isinstance(page.bitspersample, int) else "mixed"
    return f"{page.samplesperpixel} x {depth} {sample_format} samples a pixel ({colors})"


def _samples(page: TiffPage, kind: _Kind) -> Samples:
    """The page as H×W or H×W×C uint8, uint16 or floating point: colours, further bands, opacity."""
    if len(page.dataoffsets) != math.prod(page.chunked) or 0 in page.databytecounts:
        raise PictureError("lacks a part of its pixels")  # tifffile would fill the gap with black
    samples = page.asarray()
    if page.axes == "SYX":
        samples = np.moveaxis(samples, 0, 2)
    if kind.color == _PALETTE:
        return _looked_up(samples, page.colormap)
    if page.bitspersample < 8:
        samples = samples.astype(np.uint8) * np.uint8(255 // (2**page.bitspersample - 1))
    if kind.color == _MIN_IS_WHITE and page.sampleformat == _UNSIGNED:
        gray = np.atleast_3d(samples)[..., 0]  # a view: what is beside it stays
        np.invert(gray, out=gray)
    if kind.alpha_is_multiplied:
        samples = _with_alpha_divided_out(samples)
    return samples


def _looked_up(indices: Samples, colormap: Samples | None) -> Samples:
    if colormap is None:
        raise PictureError("lacks its palette")
    # The palette is 3×N in 16 bits; the upper 8 are what every program writes.
    return (colormap.T[indices] >> 8).astype(np.uint8)


def _with_alpha_divided_out(samples: Samples) -> Samples:
    """Undo the product of colours and associated alpha, integers rounded half up; what is fully clear is black."""
    is_float = samples.dtype.kind == "f"
    maximum = 1 if is_float else np.iinfo(samples.dtype).max
    levels = samples.astype(np.float64)
    colors, alpha = levels[..., :-1], levels[..., -1:]
    with np.errstate(over="ignore", invalid="ignore"):
        divided = np.divide(colors * maximum, alpha, out=np.zeros_like(colors), where=alpha > 0)
        if not is_float:
            divided = np.floor(divided + 0.5).clip(0, maximum)
        return np.concatenate([divided, alpha], axis=2).astype(samples.dtype)


def _check_jpeg_sizes(tiff: TiffFile, page: TiffPage) -> None:
    """Refuse JPEG data that declare a larger picture than the tile or strip they stand for.

    Raises:
        PictureError: they do; memory would be taken for it.
    """
    tile = (page.tilewidth, page.tilelength) if page.is_tiled else (page.imagewidth, page.rowsperstrip)
    for offset, length in zip(page.dataoffsets, page.databytecounts, strict=True):
        tiff.filehandle.seek(offset)
        for width, height in _jpeg_sizes(tiff.filehandle.read(length)):
            if width > tile[0] or height > max(tile[1], 1):
                raise PictureError(f"a part of {tile[0]} x {tile[1]} pixels holds a JPEG of {width} x {height}")


def _jpeg_sizes(content: bytes) -> Iterator[tuple[int, int]]:
    """(width, height) of each frame that JPEG data declare before their first scan."""
    position = 2
    while position + 9 <= len(content) and content[position] == 0xFF:
        marker = content[position + 1]
        if marker in _ALONE:
            position += 2
            continue
        if marker == 0xFF:
            position += 1
            continue
        if marker in _FRAMES:
            height, width = (int.from_bytes(content[position + at : position + at + 2], "big") for at in (5, 7))
            yield width, height
        if marker == 0xDA:
            return
        position += 2 + int.from_bytes(content[position + 2 : position + 4], "big")
