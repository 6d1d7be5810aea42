"""One picture made ready under a protocol: what candidates are given, and what they are compared with."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from sr_core.errors import ContractError, DatasetError
from sr_core.guard import guarded
from sr_core.imaging.color import rgb_to_y
from sr_core.imaging.resize import resize
from sr_core.imaging.size import belong_together, lr_size, sr_size
from sr_core.interfaces.degradation import Degradation
from sr_core.interfaces.randomness import SampleRandom
from sr_core.protocol import Protocol
from sr_core.scales import Scale, describe_scale, per_axis


@dataclass(frozen=True)
class Truth:
    """One picture under one protocol at one scale.

    Attributes:
        hr: 1×C×H'×W' float64, the 8-bit picture, cut to the size of SR.
        lr: 1×C×H×W float32, what a candidate that works on the picture's own planes is given.
        luma: 1×1×H×W float32, what a candidate that takes Y alone is given instead; None where there is no such.
    """

    hr: Tensor
    lr: Tensor
    luma: Tensor | None


def round_to_8_bits(image: Tensor) -> Tensor:
    """Clip to [0, 1] and round half up to multiples of 1/255, in float64 so that the grid is exact."""
    return torch.floor(image.double().clamp(0, 1) * 255 + 0.5) / 255


def make_truth(
    hr: Tensor,
    lr: Tensor | None,
    scale: Scale,
    protocol: Protocol,
    degradation: Degradation,
    seed: int,
    index: int,
) -> Truth:
    """Prepare one picture.

    Args:
        hr: 1×C×H×W in [0, 1], whole.
        lr: the data set's own LR, or None.
        scale: SR size over LR size.
        protocol: decides where LR comes from.
        degradation: makes LR where the data set brings none.
        seed: of a random degradation.
        index: of the picture in its data set; with `seed` it fixes all chance.

    Raises:
        DatasetError: the picture is too small, or LR does not fit it.
    """
    hr = round_to_8_bits(hr)
    own_lr = lr if protocol.lr == "dataset" else None
    size = lr_size((hr.shape[-2], hr.shape[-1]), scale) if own_lr is None else _size_of(own_lr, hr, scale)
    if min(size) < 1:
        raise DatasetError(f"a picture of {hr.shape[-2]}×{hr.shape[-1]} is too small for scale {describe_scale(scale)}")
    rows, columns = sr_size(size, scale)
    hr = hr[..., :rows, :columns]
    if protocol.lr == "unrounded":
        return _unrounded(hr, scale, size, protocol)
    if own_lr is None:
        own_lr, hr = _degraded(hr, scale, size, degradation, SampleRandom(seed, 0, [index], hr.device))
    return Truth(hr, round_to_8_bits(own_lr).float(), None)


def _degraded(
    hr: Tensor, scale: Scale, size: tuple[int, int], degradation: Degradation, random: SampleRandom
) -> tuple[Tensor, Tensor]:
    """(LR, HR) from a degradation, held to its contract; HR is its own target where it gives one."""
    with guarded("the degradation failed"):
        made = degradation(hr.float(), scale, random)
    lr, target = made if isinstance(made, tuple) and len(made) == 2 else (made, hr)
    for what, picture, shape in (("LR", lr, (*hr.shape[:2], *size)), ("target", target, tuple(hr.shape))):
        if not isinstance(picture, Tensor) or tuple(picture.shape) != shape:
            found = tuple(picture.shape) if isinstance(picture, Tensor) else type(picture).__name__
            raise ContractError(f"the degradation promised {what} of shape {shape} (see degraded_size), gave {found}")
        if not picture.isfinite().all():
            raise ContractError(f"the degradation gave {what} with values that are not finite")
    return lr, hr if target is hr else round_to_8_bits(target)


def _unrounded(hr: Tensor, scale: Scale, size: tuple[int, int], protocol: Protocol) -> Truth:
    """LR by the float bicubic, never rounded; Y is taken before it is shrunk, as the VDSR family's scripts do."""
    vertical, horizontal = per_axis(scale)
    shrunk_by = (1 / vertical, 1 / horizontal)
    lr = resize(hr, shrunk_by, size, "bicubic").float()
    if protocol.luma == "rgb" or hr.shape[1] != 3:
        return Truth(hr, lr, None)
    luma = rgb_to_y(hr)
    if protocol.luma == "y8":
        luma = round_to_8_bits(luma)
    return Truth(hr, lr, resize(luma, shrunk_by, size, "bicubic").float())


def _size_of(lr: Tensor, hr: Tensor, scale: Scale) -> tuple[int, int]:
    """LR's size, if HR can have been shrunk to it."""
    size = (lr.shape[-2], lr.shape[-1])
    if lr.shape[1] != hr.shape[1]:
        raise DatasetError(f"LR has {lr.shape[1]} planes and HR has {hr.shape[1]}")
    if not belong_together(size, (hr.shape[-2], hr.shape[-1]), scale):
        given = f"LR of {size[0]}×{size[1]} at scale {describe_scale(scale)}"
        raise DatasetError(f"{given} does not fit HR of {hr.shape[-2]}×{hr.shape[-1]}")
    return size
