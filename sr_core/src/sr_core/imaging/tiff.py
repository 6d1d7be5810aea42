"""TIFF by tifffile: gray, palette and RGB of 1 to 16 bits, with or without alpha."""

from __future__ import annotations

import logging
import math
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from sr_core.errors import PictureError
from sr_core.imaging.decoding import SEVERAL_FRAMES, Decoded, check_pixels
from sr_core.imaging.picture import Samples

if TYPE_CHECKING:
    from tifffile import TiffPage

# Numbers of the TIFF 6.0 specification.
_MIN_IS_WHITE, _MIN_IS_BLACK, _RGB, _PALETTE, _YCBCR = 0, 1, 2, 3, 6
_COLOR_BANDS = {_MIN_IS_WHITE: 1, _MIN_IS_BLACK: 1, _PALETTE: 1, _RGB: 3, _YCBCR: 3}
_COLOR_NAMES = {0: "gray", 1: "gray", 2: "RGB", 3: "palette", 5: "CMYK", 6: "YCbCr", 8: "CIE Lab"}
_UNSIGNED = 1
_SAMPLE_FORMATS = {1: "integer", 2: "signed integer", 3: "floating-point"}
_ASSOCIATED_ALPHA, _UNASSOCIATED_ALPHA = 1, 2
_JPEG = 7
_ORIENTATION = 274


def decode_tiff(stream: BinaryIO, max_pixels: int) -> Decoded:
    """Decode the first picture of a TIFF file.

    Raises:
        PictureError: too many pixels, or an unsupported kind of samples, as floating point, CMYK, many bands.
    """
    import tifffile

    # tifffile logs what it thinks of damaged files; without a handler that would go to the user's screen.
    logging.getLogger("tifffile").addHandler(logging.NullHandler())
    with tifffile.TiffFile(stream) as tiff:
        page = tiff.pages.first
        check_pixels(page.imagewidth, page.imagelength, max_pixels)
        check_pixels(page.tilewidth, page.tilelength, max_pixels)
        _check_kind(page)
        orientation = page.tags.valueof(_ORIENTATION)
        remarks = (SEVERAL_FRAMES,) if tiff.pages.is_multipage else ()
        return Decoded(_samples(page), orientation if isinstance(orientation, int) else 1, remarks)


def encode_tiff(samples: Samples, path: Path) -> None:
    """Write H×W or H×W×C uint8 or uint16 samples (as in `Picture.to_array`), compressed without loss."""
    import tifffile

    bands = 1 if samples.ndim == 2 else samples.shape[2]
    tifffile.imwrite(
        path,
        samples,
        photometric="minisblack" if bands < 3 else "rgb",
        planarconfig="contig",
        extrasamples=["unassalpha"] if bands in (2, 4) else [],
        compression="adobe_deflate",
        predictor=True,
        metadata=None,
        software=False,
    )


def _check_kind(page: TiffPage) -> None:
    extra_bands = page.samplesperpixel - _COLOR_BANDS.get(page.photometric, 0)
    extra_is_alpha = page.extrasamples in ((_ASSOCIATED_ALPHA,), (_UNASSOCIATED_ALPHA,))
    supported = (
        page.photometric in _COLOR_BANDS
        and page.bitspersample in (1, 2, 4, 8, 16)
        and page.sampleformat == _UNSIGNED
        and page.imagedepth == 1
        and (extra_bands == 0 or (extra_bands == 1 and extra_is_alpha))
    )
    if page.photometric == _PALETTE:
        supported &= page.bitspersample <= 8 and extra_bands == 0
    if page.photometric == _YCBCR:
        supported &= page.compression == _JPEG  # which tifffile turns into RGB
    if not supported:
        raise PictureError(
            f"holds {_description(page)}; supported are gray, palette and RGB of up to 16 bits, with or without alpha"
        )


def _description(page: TiffPage) -> str:
    sample_format = _SAMPLE_FORMATS.get(page.sampleformat, "odd")
    colors = _COLOR_NAMES.get(page.photometric, f"colour model {page.photometric}")
    return f"{page.samplesperpixel} x {page.bitspersample}-bit {sample_format} samples a pixel ({colors})"


def _samples(page: TiffPage) -> Samples:
    """The page as H×W or H×W×C uint8 or uint16: gray, gray + alpha, RGB or RGB + alpha."""
    if len(page.dataoffsets) != math.prod(page.chunked) or 0 in page.databytecounts:
        raise PictureError("lacks a part of its pixels")  # tifffile would fill the gap with black
    samples = page.asarray()
    if page.axes == "SYX":
        samples = np.moveaxis(samples, 0, 2)
    if page.photometric == _PALETTE:
        return _looked_up(samples, page.colormap)
    if page.bitspersample < 8:
        samples = samples.astype(np.uint8) * np.uint8(255 // (2**page.bitspersample - 1))
    if page.photometric == _MIN_IS_WHITE:
        gray = np.atleast_3d(samples)[..., 0]  # a view: alpha beside it stays
        np.invert(gray, out=gray)
    if page.extrasamples == (_ASSOCIATED_ALPHA,):
        samples = _with_alpha_divided_out(samples)
    return samples


def _looked_up(indices: Samples, colormap: Samples | None) -> Samples:
    if colormap is None:
        raise PictureError("lacks its palette")
    # The palette is 3×N in 16 bits; the upper 8 are what every program writes.
    return (colormap.T[indices] >> 8).astype(np.uint8)


def _with_alpha_divided_out(samples: Samples) -> Samples:
    """Undo the product of colours and associated alpha, rounded half up; what is fully clear is black."""
    maximum = np.iinfo(samples.dtype).max
    levels = samples.astype(np.float64)
    colors, alpha = levels[..., :-1], levels[..., -1:]
    divided = np.divide(colors * maximum, alpha, out=np.zeros_like(colors), where=alpha > 0)
    rounded = np.floor(divided + 0.5).clip(0, maximum)
    return np.concatenate([rounded, alpha], axis=2).astype(samples.dtype)
