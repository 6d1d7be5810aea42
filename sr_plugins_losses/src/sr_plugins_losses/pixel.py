"""Losses that compare pixel with pixel: squared, absolute and Charbonnier."""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor

from sr_core import Batch, Loss, SrkitError, full_precision

Reduction = Literal["mean", "sum_per_sample"]
"""`mean`: over all pixels and planes. `sum_per_sample`: their sum in each sample, then the mean over samples, to which
the learning rates of VDSR and LapSRN belong."""

Border = Annotated[int, Field(ge=0)]
"""Pixels left out at each side of the target."""


class PixelLoss(Loss):
    """A penalty for each pixel's difference, reduced to one number in float32, whatever autocast says.

    Args:
        reduction: `mean` over all pixels and planes, or `sum_per_sample`: their sum, then the mean over samples.
        border: pixels left out at each side.
    """

    def __init__(self, reduction: Reduction = "mean", border: Border = 0) -> None:
        super().__init__()
        self.reduction = reduction
        self.border = border

    @abstractmethod
    def penalty(self, difference: Tensor) -> Tensor:
        """What each pixel's difference SR − HR costs, N×C×H×W."""

    def forward(self, sr: Tensor, hr: Tensor, batch: Batch) -> Tensor:
        """Compare `sr` with `hr`, both N×C×H×W; a scalar.

        Raises:
            SrkitError: the border leaves nothing of the pictures.
        """
        del batch
        with full_precision(sr, hr) as (sr, hr):
            penalties = self.penalty(self._inner(sr) - self._inner(hr))
            mean = penalties.mean()
            return mean * penalties[0].numel() if self.reduction == "sum_per_sample" else mean

    def _inner(self, image: Tensor) -> Tensor:
        height, width = (length - 2 * self.border for length in image.shape[-2:])
        if min(height, width) < 1:
            found = f"{image.shape[-2]}×{image.shape[-1]}"
            raise SrkitError(f"border {self.border} leaves nothing of a target of {found}; take a larger crop")
        return image[..., self.border : self.border + height, self.border : self.border + width]


class MSE(PixelLoss):
    """Squared difference d², as SRCNN, FSRCNN and ESPCN minimise it.

    The ½ d² of VDSR is this with weight 0.5 in the spec.

    Args:
        reduction: `mean` over all pixels and planes, or `sum_per_sample`: their sum, then the mean over samples.
        border: pixels left out at each side.
    """

    def penalty(self, difference: Tensor) -> Tensor:
        """d²."""
        return difference.square()


class L1(PixelLoss):
    """Absolute difference |d|.

    Args:
        reduction: `mean` over all pixels and planes, or `sum_per_sample`: their sum, then the mean over samples.
        border: pixels left out at each side.
    """

    def penalty(self, difference: Tensor) -> Tensor:
        """|d|."""
        return difference.abs()


class Charbonnier(PixelLoss):
    """√(d² + eps²): L1 with a rounded tip (Charbonnier et al. 1994; Lai et al., LapSRN, CVPR 2017).

    Args:
        eps: where it turns from square to straight, in [0, 1]; it is squared inside the root, so that 1e-3 is
            LapSRN's constant of 1e-6 there.
        reduction: `mean` over all pixels and planes, or `sum_per_sample`: their sum, then the mean over samples.
        border: pixels left out at each side.
    """

    def __init__(
        self,
        eps: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1e-3,
        reduction: Reduction = "mean",
        border: Border = 0,
    ) -> None:
        super().__init__(reduction, border)
        self.eps = eps

    def penalty(self, difference: Tensor) -> Tensor:
        """√(d² + eps²)."""
        return torch.sqrt(difference.square() + self.eps**2)
