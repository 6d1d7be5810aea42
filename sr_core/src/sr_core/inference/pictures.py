"""Enlarge whole picture files: colour by the method, transparency by bicubic, everything else carried along."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from sr_core.errors import PictureError, SrkitError
from sr_core.guard import guarded
from sr_core.imaging.files import Picture, read_picture, write_picture
from sr_core.imaging.formats import suffix_to_write
from sr_core.imaging.resize import resize
from sr_core.inference.engine import Method, super_resolve
from sr_core.inference.precision import Precision, autocast
from sr_core.interfaces.model import Model
from sr_core.scales import Scale, describe_scale


@dataclass(frozen=True)
class Enlarged:
    """What became of one picture file.

    Attributes:
        source: the file.
        target: where the result is.
        error: why there is none; None where all went well.
    """

    source: Path
    target: Path
    error: SrkitError | None = None


def super_resolve_picture(
    method: Method,
    picture: Picture,
    scale: Scale,
    device: torch.device,
    precision: Precision = "float32",
    tile: int | None = None,
) -> Picture:
    """Enlarge a picture; depth, metadata and whatever else it carries stay.

    Args:
        method: an upsampler or a network on `device`.
        picture: any picture, of as many planes as the method takes.
        scale: SR size over LR size.
        device: where to compute.
        precision: of networks; upsamplers always compute in float32.
        tile: as in `super_resolve`.

    Raises:
        ContractError: the method does not take this picture or scale.
        PictureError: the picture holds samples that are not finite.
    """
    if not picture.image.isfinite().all():
        raise PictureError("holds samples that are not finite (NaN or infinity), which would spread; replace them")
    image = picture.image.to(device)
    with autocast(precision if isinstance(method, Model) else "float32", device):
        enlarged = super_resolve(method, image, scale, tile).cpu()
    alpha = None
    if picture.alpha is not None:
        alpha = resize(picture.alpha, scale, (enlarged.shape[-2], enlarged.shape[-1]), "bicubic").clamp(0, 1)
    return replace(picture, image=enlarged, alpha=alpha)


def super_resolve_files(
    method: Method,
    files: Iterable[tuple[Path, Path]],
    scale: Scale,
    device: torch.device,
    precision: Precision = "float32",
    tile: int | None = None,
    quality: int | None = None,
) -> Iterator[Enlarged]:
    """Enlarge picture files one by one; one that cannot be read, enlarged or written never stops the others.

    Args:
        method: an upsampler or a network on `device`.
        files: pairs of source and target.
        scale: SR size over LR size.
        device: where to compute.
        precision: of networks.
        tile: as in `super_resolve`.
        quality: as in `write_picture`.

    Yields:
        What became of each, in order, as soon as it is done.
    """
    for source, target in files:
        try:
            picture = read_picture(source)
            with guarded(str(source)):
                made = super_resolve_picture(method, picture, scale, device, precision, tile)
            write_picture(made, target, quality)
        except SrkitError as error:
            yield Enlarged(source, target, error)
        else:
            yield Enlarged(source, target)


def enlarged_name(source: Path, scale: Scale) -> str:
    """What the result of a file is called: its own name with the scale.

    >>> enlarged_name(Path("photos/cat.jpg"), 2.5)
    'cat_x2.5.jpg'
    >>> enlarged_name(Path("photos/cat.png"), (2, 3))
    'cat_x2x3.png'
    """
    return f"{source.stem}_x{describe_scale(scale)}{suffix_to_write(source)}"
