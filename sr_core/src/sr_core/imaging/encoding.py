"""From a picture to the bytes of a file: what the format cannot hold is changed or left out first, and said."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor

from sr_core.errors import PictureError
from sr_core.imaging.formats import FORMATS, JPEG, NUMPY, TIFF, WEBP, PictureFormat
from sr_core.imaging.metadata import Metadata, fit
from sr_core.imaging.npy import encode_npy
from sr_core.imaging.picture import FLOAT_BITS, Picture
from sr_core.imaging.png import with_metadata
from sr_core.imaging.samples import Samples
from sr_core.imaging.tiff_metadata import append_exif, byte_order

JPEG_QUALITY = 95
_LARGEST_CLASSIC_TIFF = 2**32 - 2**25


def fitted(picture: Picture, picture_format: PictureFormat) -> tuple[Picture, tuple[str, ...]]:
    """The picture as `picture_format` can hold it, and remarks on what that changes, to follow the file's name.

    Raises:
        PictureError: it has more planes than the format, or not the right ones.
    """
    if picture.planes not in (1, 3) and not picture_format.keeps_bands:
        able = " and ".join(each.name for each in FORMATS if each.keeps_bands)
        raise PictureError(f"{picture_format.name} holds gray or RGB, not {picture.planes} planes; {able} can")
    remarks: list[str] = []
    if picture.bits not in picture_format.depths:
        picture, remark = _at_depth(picture, picture_format)
        remarks.append(remark)
    if picture.alpha is not None and not picture_format.keeps_alpha:
        if (picture.alpha < 1).any():
            remarks.append(f"{picture_format.name} keeps no transparency; laid on white")
        picture = _laid_on_white(picture, picture.alpha)
    planes = 3 if picture_format == WEBP else picture.planes
    if picture.bits == FLOAT_BITS and picture.image.isnan().any():
        remarks.append("holds samples that are not numbers (NaN); written as they are")
    metadata, left_out = fit(picture.metadata, picture_format, planes, picture.size)
    return replace(picture, metadata=metadata), (*remarks, *left_out)


def encode(picture: Picture, picture_format: PictureFormat, path: Path, quality: int | None) -> tuple[str, ...]:
    """Write a picture that was `fitted` to the format; remarks on what the file cannot take even so.

    Raises:
        ValueError: a sample is not a number, or the picture is too large for the format.
    """
    samples = picture.to_array()
    if picture_format == NUMPY:
        encode_npy(samples, path)
    elif picture_format == TIFF:
        return _encode_tiff(picture, samples, path)
    elif samples.dtype == np.uint16:
        import imagecodecs

        path.write_bytes(with_metadata(bytes(imagecodecs.png_encode(samples)), picture.metadata))
    else:
        options = {**_pillow_options(picture.metadata), **_pillow_quality(picture_format, quality)}
        Image.fromarray(samples).save(path, picture_format.name, **options)
    return ()


def _at_depth(picture: Picture, picture_format: PictureFormat) -> tuple[Picture, str]:
    bits = max(depth for depth in picture_format.depths if depth < picture.bits)
    if picture.bits != FLOAT_BITS:
        return replace(picture, bits=bits), f"{picture_format.name} holds no {picture.bits} bits; written with {bits}"
    low, high = picture.image.min().item(), picture.image.max().item()
    remark = f"{picture_format.name} holds no floating point; written with {bits} bits"
    if low < 0 or high > 1:
        remark += f", its values from {low:.3g} to {high:.3g} cut to 0 … 1"
    return replace(picture, bits=bits), remark


def _laid_on_white(picture: Picture, alpha: Tensor) -> Picture:
    opacity = alpha.clamp(0, 1)
    return replace(picture, image=picture.image.clamp(0, 1) * opacity + (1 - opacity), alpha=None)


def _pillow_options(metadata: Metadata) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if metadata.icc is not None:
        options["icc_profile"] = metadata.icc
    if metadata.exif is not None:
        options["exif"] = b"Exif\0\0" + metadata.exif
    if metadata.dpi is not None:
        options["dpi"] = metadata.dpi
    return options


def _pillow_quality(picture_format: PictureFormat, quality: int | None) -> dict[str, Any]:
    if picture_format == JPEG:  # colour at full resolution: it is what was just made
        return {"quality": quality or JPEG_QUALITY, "subsampling": 0}
    if picture_format == WEBP and quality is None:  # exact: colours under clear pixels are kept too
        return {"lossless": True, "exact": True}
    return {} if quality is None else {"quality": quality}


def _encode_tiff(picture: Picture, samples: Samples, path: Path) -> tuple[str, ...]:
    """Compressed without loss; the notes are added behind the pixels."""
    import tifffile

    metadata = picture.metadata
    is_big = samples.nbytes > _LARGEST_CLASSIC_TIFF
    further_bands = 0 if picture.planes in (1, 3) else picture.planes - 1
    tifffile.imwrite(
        path,
        samples,
        bigtiff=is_big,
        byteorder=byte_order(metadata),
        photometric="rgb" if picture.planes == 3 else "minisblack",
        planarconfig="contig",
        extrasamples=["unspecified"] * further_bands + ["unassalpha"] * (picture.alpha is not None),
        compression="adobe_deflate",
        predictor=True,
        iccprofile=metadata.icc,
        metadata=None,
        software=False,
        resolution=metadata.dpi,
        resolutionunit=None if metadata.dpi is None else "INCH",
    )
    if metadata.exif is not None and is_big:
        return ("a TIFF of more than 4 GiB takes no EXIF; left out",)
    if metadata.exif is not None:
        append_exif(path, metadata.exif)
    return ()
