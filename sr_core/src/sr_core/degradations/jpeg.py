"""JPEG: through a real file in memory, or by its arithmetic on the device."""

from __future__ import annotations

import io
from typing import Annotated, Literal

import numpy as np
import torch
from PIL import Image
from pydantic import Field
from torch import Tensor

from sr_core.degradations.chance import Chance
from sr_core.degradations.jpeg_transform import through_jpeg
from sr_core.degradations.step import Step

Codec = Literal["auto", "differentiable", "real"]
Quality = Annotated[int, Field(ge=1, le=100)]


class Jpeg(Step):
    """LR as it comes back from a JPEG file with chroma at half the size (4:2:0), after bicubic shrinking.

    RGB is coded in colour; other pictures are coded as gray ones, plane by plane.

    Args:
        quality: as libjpeg and Pillow count it, a whole number, or [lowest, highest], between which each sample draws
            its own; by default the range of Real-ESRGAN.
        codec: `real`: Pillow writes and reads the file; no gradient. `differentiable`: the same arithmetic on the
            picture's device; roundings have the gradient of no rounding. `auto`: `real` where the picture is on the
            CPU and no gradient is asked for, otherwise `differentiable`. The two rarely differ by more than a level.

    Raises:
        ValueError: the lowest quality is above the highest.
    """

    def __init__(self, quality: Quality | tuple[Quality, Quality] = (30, 95), codec: Codec = "auto") -> None:
        super().__init__()
        self.quality = quality if isinstance(quality, tuple) else (quality, quality)
        if not 1 <= self.quality[0] <= self.quality[1] <= 100:
            raise ValueError(f"quality is a number or [lowest, highest] in 1 … 100, not {quality!r}")
        self.codec = codec
        self.deterministic = self.quality[0] == self.quality[1]

    def applied(self, image: Tensor, chance: Chance) -> Tensor:
        """`image` coded and decoded."""
        return compressed(image, chance.integer(*self.quality), self.codec)


def compressed(image: Tensor, quality: int, codec: Codec) -> Tensor:
    """1×C×H×W through JPEG of that quality, by that codec."""
    if codec == "auto":
        codec = "real" if image.device.type == "cpu" and not image.requires_grad else "differentiable"
    return through_jpeg(image, quality) if codec == "differentiable" else through_a_file(image, quality)


def through_a_file(image: Tensor, quality: int) -> Tensor:
    """1×C×H×W in [0, 1] written by Pillow and read again, without a gradient."""
    levels = (image.detach()[0] * 255).add_(0.5).clamp_(0, 255).byte().cpu()
    if len(levels) == 3:
        read = _read(_written(levels.permute(1, 2, 0).contiguous().numpy(), quality)).permute(2, 0, 1)
    else:
        read = torch.stack([_read(_written(plane.numpy(), quality)) for plane in levels])
    return read.to(image.device, torch.float32, memory_format=torch.contiguous_format).div_(255)[None]


def _written(levels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], quality: int) -> io.BytesIO:
    file = io.BytesIO()
    Image.fromarray(levels).save(file, "jpeg", quality=quality, subsampling="4:2:0")
    return file


def _read(file: io.BytesIO) -> Tensor:
    with Image.open(file) as picture:
        return torch.from_numpy(np.array(picture))
