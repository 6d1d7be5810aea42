"""Losses that compare pixel with pixel: squared, absolute, and between the two."""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from sr_core import Batch, Loss, SrkitError, full_precision
from sr_plugins_losses.color_spaces import Space, in_space

Reduction = Literal["mean", "sum_per_sample"]
"""`mean`: over all pixels and planes. `sum_per_sample`: their sum in each sample, then the mean over samples, to which
the learning rates of VDSR and LapSRN belong."""

Border = Annotated[int, Field(ge=0)]
"""Pixels left out at each side of the target."""

Threshold = Annotated[float, Field(gt=0, allow_inf_nan=False)]
"""A difference of pixels, above 0."""


class PixelLoss(Loss):
    """A penalty for each pixel's difference, reduced to one number in float32, whatever autocast says.

    Args:
        reduction: `mean` over all pixels and planes, or `sum_per_sample`: their sum, then the mean over samples.
        border: pixels left out at each side.
        space: what is compared: `rgb`, `y` (luma), `ycbcr`, `lab` (L*a*b* over 100) or `hsv` (as points of its cone),
            made of RGB pictures; left out, the planes that the network makes.
    """

    def __init__(self, reduction: Reduction = "mean", border: Border = 0, space: Space | None = None) -> None:
        super().__init__()
        self.reduction = reduction
        self.border = border
        self.space = space
        if space is not None:
            self.channels = "rgb"

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
            penalties = self.penalty(self._compared(sr) - self._compared(hr))
            mean = penalties.mean()
            return mean * penalties[0].numel() if self.reduction == "sum_per_sample" else mean

    def _compared(self, image: Tensor) -> Tensor:
        height, width = (length - 2 * self.border for length in image.shape[-2:])
        if min(height, width) < 1:
            found = f"{image.shape[-2]}×{image.shape[-1]}"
            raise SrkitError(f"border {self.border} leaves nothing of a target of {found}; take a larger crop")
        inner = image[..., self.border : self.border + height, self.border : self.border + width]
        return inner if self.space is None else in_space(inner, self.space)


class MSE(PixelLoss):
    """Squared difference d², as SRCNN, FSRCNN and ESPCN minimise it.

    The ½ d² of VDSR is this with weight 0.5 in the spec.

    Args:
        reduction: `mean` over all pixels and planes, or `sum_per_sample`: their sum, then the mean over samples.
        border: pixels left out at each side.
        space: `rgb`, `y`, `ycbcr`, `lab` or `hsv`: compare there; by default the planes that the network makes.
    """

    def penalty(self, difference: Tensor) -> Tensor:
        """d²."""
        return difference.square()


class L1(PixelLoss):
    """Absolute difference |d|.

    Args:
        reduction: `mean` over all pixels and planes, or `sum_per_sample`: their sum, then the mean over samples.
        border: pixels left out at each side.
        space: `rgb`, `y`, `ycbcr`, `lab` or `hsv`: compare there; by default the planes that the network makes.
    """

    def penalty(self, difference: Tensor) -> Tensor:
        """|d|."""
        return difference.abs()


class SmoothL1(PixelLoss):
    """½ d² / beta where |d| < beta, else |d| − ½ beta: L1 with a square tip (Girshick, Fast R-CNN, ICCV 2015).

    It is `huber` over its `delta`. PyTorch's beta is 1, which pixels in [0, 1] never reach: nothing but ½ d².

    Args:
        beta: where it turns from square to straight, in [0, 1]; 0.01 is two and a half of 255 levels.
        reduction: `mean` over all pixels and planes, or `sum_per_sample`: their sum, then the mean over samples.
        border: pixels left out at each side.
        space: `rgb`, `y`, `ycbcr`, `lab` or `hsv`: compare there; by default the planes that the network makes.
    """

    def __init__(
        self,
        beta: Threshold = 0.01,
        reduction: Reduction = "mean",
        border: Border = 0,
        space: Space | None = None,
    ) -> None:
        super().__init__(reduction, border, space)
        self.beta = beta

    def penalty(self, difference: Tensor) -> Tensor:
        """½ d² / beta near 0, |d| − ½ beta beyond."""
        return F.smooth_l1_loss(difference, torch.zeros_like(difference), reduction="none", beta=self.beta)


class Huber(PixelLoss):
    """½ d² where |d| < delta, else delta · (|d| − ½ delta) (Huber, Annals of Mathematical Statistics 1964).

    It is delta times `smooth_l1` with `beta` = delta; alone under Adam the two learn alike.

    Args:
        delta: where it turns from square to straight, in [0, 1]; PyTorch's 1 would be nothing but ½ d² there.
        reduction: `mean` over all pixels and planes, or `sum_per_sample`: their sum, then the mean over samples.
        border: pixels left out at each side.
        space: `rgb`, `y`, `ycbcr`, `lab` or `hsv`: compare there; by default the planes that the network makes.
    """

    def __init__(
        self,
        delta: Threshold = 0.01,
        reduction: Reduction = "mean",
        border: Border = 0,
        space: Space | None = None,
    ) -> None:
        super().__init__(reduction, border, space)
        self.delta = delta

    def penalty(self, difference: Tensor) -> Tensor:
        """½ d² near 0, delta · (|d| − ½ delta) beyond."""
        return F.huber_loss(difference, torch.zeros_like(difference), reduction="none", delta=self.delta)


class Charbonnier(PixelLoss):
    """√(d² + eps²): L1 with a rounded tip (Charbonnier et al. 1994; Lai et al., LapSRN, CVPR 2017).

    Args:
        eps: where it turns from square to straight, in [0, 1]; it is squared inside the root, so that 1e-3 is
            LapSRN's constant of 1e-6 there.
        reduction: `mean` over all pixels and planes, or `sum_per_sample`: their sum, then the mean over samples.
        border: pixels left out at each side.
        space: `rgb`, `y`, `ycbcr`, `lab` or `hsv`: compare there; by default the planes that the network makes.
    """

    def __init__(
        self,
        eps: Threshold = 1e-3,
        reduction: Reduction = "mean",
        border: Border = 0,
        space: Space | None = None,
    ) -> None:
        super().__init__(reduction, border, space)
        self.eps = eps

    def penalty(self, difference: Tensor) -> Tensor:
        """√(d² + eps²)."""
        return torch.sqrt(difference.square() + self.eps**2)
