"""Enlarge a whole picture file's content: colour by the method, transparency by bicubic."""

from __future__ import annotations

from dataclasses import replace

import torch

from sr_core.imaging.picture import Picture
from sr_core.imaging.resize import resize
from sr_core.imaging.size import Scale
from sr_core.inference.engine import Method, super_resolve
from sr_core.inference.precision import Precision, autocast
from sr_core.interfaces.model import Model


def super_resolve_picture(
    method: Method, picture: Picture, scale: Scale, device: torch.device, precision: Precision = "float32"
) -> Picture:
    """Enlarge a picture; depth and whatever else it carries stay.

    Args:
        method: an upsampler or a network on `device`.
        picture: any picture.
        scale: SR size over LR size.
        device: where to compute.
        precision: of networks; upsamplers always compute in float32.

    Raises:
        ContractError: the method does not take this picture or scale.
    """
    image = picture.image.to(device)
    with autocast(precision if isinstance(method, Model) else "float32", device):
        enlarged = super_resolve(method, image, scale).cpu()
    alpha = None
    if picture.alpha is not None:
        alpha = resize(picture.alpha, scale, (enlarged.shape[-2], enlarged.shape[-1]), "bicubic").clamp(0, 1)
    return replace(picture, image=enlarged, alpha=alpha)
