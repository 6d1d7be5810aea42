"""Gaussian blur, then every scale-th pixel: the other classic way to an LR picture."""

from __future__ import annotations

import math
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor

from sr_core.imaging.size import Scale, degraded_size, per_axis
from sr_core.interfaces.degradation import Degradation
from sr_core.interfaces.precision import full_precision
from sr_core.interfaces.randomness import SampleRandom

Phase = Literal["centre", "first"]


class Gaussian(Degradation):
    """HR blurred, then subsampled.

    The LR of ESPCN (Shi et al., CVPR 2016) and of the BD sets of RDN (Zhang et al., CVPR 2018). Beyond the border its
    last pixel goes on.

    Args:
        sigma: of the blur, in HR pixels; ESPCN's is not published, 1.6 is that of BD.
        size: width of the kernel in HR pixels, odd; its weights sum to 1.
        phase: which pixel LR pixel i is. `centre`: HR pixel ⌊(i + ½) · scale⌋, as MATLAB's `nearest`; `first`: HR
            pixel ⌊i · scale⌋.
        rounding: `once`: LR is rounded to 8 bits, as a file would be; `none`: it is not.

    Raises:
        ValueError: the kernel has an even width.
    """

    deterministic = True

    def __init__(
        self,
        sigma: Annotated[float, Field(gt=0, le=100)] = 1.6,
        size: Annotated[int, Field(ge=1, le=999)] = 7,
        phase: Phase = "centre",
        rounding: Literal["once", "none"] = "once",
    ) -> None:
        super().__init__()
        if size % 2 == 0:
            raise ValueError(f"size must be odd, so that the kernel has a centre; it is {size}")
        self.sigma = sigma
        self.size = size
        self.phase = phase
        self.rounding = rounding

    def forward(self, hr: Tensor, scale: Scale, random: SampleRandom) -> Tensor:
        """LR of `hr`; `random` is not used."""
        del random
        counts = degraded_size((hr.shape[-2], hr.shape[-1]), scale)
        with full_precision(hr) as (lr,):
            for axis, count, axis_scale in zip((-2, -1), counts, per_axis(scale), strict=True):
                lr = self._blurred_and_subsampled(lr, axis, count, axis_scale)
            return torch.floor(lr.clamp(0, 1) * 255 + 0.5) / 255 if self.rounding == "once" else lr

    def _blurred_and_subsampled(self, image: Tensor, axis: int, count: int, scale: float) -> Tensor:
        """One axis; the blur is computed only where a pixel is kept."""
        shift = 0.5 if self.phase == "centre" else 0.0
        kept = torch.tensor([math.floor((index + shift) * scale) for index in range(count)], device=image.device)
        blurred = torch.zeros_like(image.index_select(axis, torch.zeros_like(kept)))
        for offset, weight in self._kernel():
            source = (kept + offset).clamp_(0, image.shape[axis] - 1)
            blurred += weight * image.index_select(axis, source)
        return blurred

    def _kernel(self) -> list[tuple[int, float]]:
        """Offsets from the kept pixel and their weights."""
        radius = self.size // 2
        weights = {offset: math.exp(-(offset**2) / (2 * self.sigma**2)) for offset in range(-radius, radius + 1)}
        total = sum(weights.values())
        return [(offset, weight / total) for offset, weight in weights.items()]
