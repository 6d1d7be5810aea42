"""Total variation: how much neighbouring pixels of SR differ, whatever HR says."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from sr_core import Batch, Loss, full_precision


class TotalVariation(Loss):
    """The size of SR's gradient, which noise and checkerboards have and smooth areas have not; 0 for a flat picture.

    Of dx and dy, each pixel's difference from its right and its lower neighbour, 0 where there is none, it adds up
    √(dx² + dy²) or |dx| + |dy| in every plane. HR plays no part, so give it a small weight. SRGAN's 2e-8 (Ledig et
    al., CVPR 2017, with VGG22 features) shows only on a sum over pixels: `sum_per_sample`. On the mean over 96×96 RGB
    crops it is 2e-8 · 27,648 = 5.5e-4.

    Args:
        variant: `isotropic`, √(dx² + dy²), treats edges of all directions alike (Rudin, Osher and Fatemi, 1992);
            `anisotropic`, |dx| + |dy|, makes slanted ones dearer.
        reduction: `mean` over all pixels and planes, or `sum_per_sample`: their sum, then the mean over samples.
    """

    needs_pairs = False

    def __init__(
        self,
        variant: Literal["isotropic", "anisotropic"] = "isotropic",
        reduction: Literal["mean", "sum_per_sample"] = "mean",
    ) -> None:
        super().__init__()
        self.variant = variant
        self.reduction = reduction

    def forward(self, sr: Tensor, hr: Tensor, batch: Batch) -> Tensor:
        """The variation of `sr`, N×C×H×W; a scalar."""
        del hr, batch
        with full_precision(sr) as (sr,):
            right = F.pad(sr[..., :, 1:] - sr[..., :, :-1], (0, 1))
            down = F.pad(sr[..., 1:, :] - sr[..., :-1, :], (0, 0, 0, 1))
            order = 2 if self.variant == "isotropic" else 1
            # Unlike the root of a sum of squares, the norm has a gradient in flat areas: 0.
            total: Tensor = torch.linalg.vector_norm(torch.stack([right, down]), ord=order, dim=0).sum()
            return total / (len(sr) if self.reduction == "sum_per_sample" else sr.numel())
