"""Apply one method to one picture: channels converted, sizes padded, large ones cut in tiles, the contract checked."""

from __future__ import annotations

import contextlib

import torch
from torch import Tensor

from sr_core.errors import ContractError
from sr_core.imaging.color import rgb_to_ycbcr, ycbcr_to_rgb
from sr_core.imaging.padding import continued
from sr_core.imaging.resize import resize
from sr_core.imaging.size import sr_size
from sr_core.inference.tiling import enlarged_by
from sr_core.interfaces.capabilities import describe_method_scales, method_takes
from sr_core.interfaces.model import Model
from sr_core.interfaces.upsampler import Upsampler
from sr_core.scales import Scale, describe_scale

Method = Upsampler | Model


def super_resolve(method: Method, image: Tensor, scale: Scale, tile: int | None = None) -> Tensor:
    """Enlarge `image` with `method`, whatever planes the method takes.

    A `y` method gets MATLAB's Y of a colour picture, and chroma is carried by bicubic. An `rgb` method gets a
    single plane three times, and the mean of its planes is the result. Other numbers of planes must fit.

    Args:
        method: an upsampler or a network, on the device of `image`.
        image: N×C×H×W float32 in [0, 1]; C is 1, 3 or the method's number of planes.
        scale: SR size over LR size.
        tile: LR pixels of a tile's side, for networks; by default a picture is whole where the feature maps of a
            network for it fit into memory. Where a network's margin is exact, tiles change nothing.

    Returns:
        N×C×H'×W' with (H', W') = `sr_size((H, W), scale)`; not clipped.

    Raises:
        ContractError: the method does not take this scale or number of planes, or broke its contract.
    """
    if not isinstance(scale, int | float | tuple):
        raise ContractError(f"a scale is a number, or (vertical, horizontal); found {scale!r}")
    if not method_takes(method, scale):
        raise ContractError(f"takes scale {describe_method_scales(method)}, not {describe_scale(scale)}")
    planes = image.shape[1]
    if method.channels == "any" or method.channels == planes:
        return _apply(method, image, scale, tile)
    if method.channels in ("y", 1):
        return _on_luma(method, image, scale, tile) if planes == 3 else _apply(method, image, scale, tile)
    if method.channels in ("rgb", 3):
        if planes == 1:
            return _apply(method, image.expand(-1, 3, -1, -1), scale, tile).mean(dim=1, keepdim=True)
        if planes == 3:
            return _apply(method, image, scale, tile)
    raise ContractError(f"takes {method.channels} planes, the picture has {planes}")


def takes_one_plane(method: Method) -> bool:
    """Whether the method can be given Y alone."""
    return method.channels in ("any", "y", 1)


def with_chroma(luma: Tensor, rgb: Tensor, scale: Scale) -> Tensor:
    """A colour picture from SR's Y (N×1×H'×W') and the chroma of LR (N×3×H×W), enlarged by bicubic."""
    size = (luma.shape[-2], luma.shape[-1])
    chroma = resize(rgb_to_ycbcr(rgb)[:, 1:], scale, size, "bicubic")
    return ycbcr_to_rgb(torch.cat([luma, chroma], dim=1))


def _on_luma(method: Method, rgb: Tensor, scale: Scale, tile: int | None) -> Tensor:
    return with_chroma(_apply(method, rgb_to_ycbcr(rgb)[:, :1], scale, tile), rgb, scale)


def _apply(method: Method, image: Tensor, scale: Scale, tile: int | None) -> Tensor:
    """Call the method on planes it takes, and hold it to the size rule."""
    learning = isinstance(method, Upsampler) and method.needs_gradient
    with contextlib.nullcontext() if learning else torch.inference_mode():
        enlarged = _padded(method, image, scale, tile) if isinstance(method, Model) else method(image, scale)
    expected = (*image.shape[:2], *sr_size((image.shape[-2], image.shape[-1]), scale))
    if not isinstance(enlarged, Tensor) or tuple(enlarged.shape) != expected:
        found = tuple(enlarged.shape) if isinstance(enlarged, Tensor) else type(enlarged).__name__
        raise ContractError(f"promised a tensor of shape {expected} (see sr_size), gave {found}")
    if not enlarged.is_floating_point():
        raise ContractError(f"promised floating-point pixels, gave {enlarged.dtype}")
    if enlarged.device != image.device:
        raise ContractError(f"promised a picture on {image.device}, gave one on {enlarged.device}")
    if not enlarged.sum().isfinite() and not enlarged.isfinite().all():  # the sum is one pass, the search four
        raise ContractError("gave pixels that are not finite (NaN or infinity)")
    return enlarged.detach().to(torch.float32)


def _padded(model: Model, image: Tensor, scale: Scale, tile: int | None) -> Tensor:
    """Pad at the bottom and right to the model's `multiple`, by repeating the last pixel, and cut the result."""
    rows, columns = sr_size((image.shape[-2], image.shape[-1]), scale)
    padded = continued(image, model.multiple)
    return enlarged_by(model, padded, scale, tile)[..., :rows, :columns]
