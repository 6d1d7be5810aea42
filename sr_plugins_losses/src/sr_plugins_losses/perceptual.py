"""Perceptual loss: the difference of what a feature network sees in SR and HR, place by place."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from torch import Tensor

from sr_core import Batch, FeatureNetwork
from sr_plugins_losses.looking import Activation, Criterion, FeatureLoss, Layers, difference


class Perceptual(FeatureLoss):
    """Σ weight · mean |φ(SR) − φ(HR)|ᵖ over layers φ of a feature network, for RGB pictures.

    With several layers and `l2` this is the feature loss of Johnson et al. (ECCV 2016). The defaults are ESRGAN's
    (Wang et al., ECCVW 2018): `conv5_4` of VGG-19 before activation, L1. SRGAN's content loss VGG54 (Ledig et al.,
    CVPR 2017) is `activation: after, criterion: l2, rescale: 0.0784` (features over 12.75, 0.006 on the loss), and
    VGG22 the same on `conv2_2`.

    Args:
        network: what looks at the pictures; VGG-19 with its published weights by default.
        layers: names (`[conv2_2, conv5_4]`), or names with weights (`{conv2_2: 0.1, conv5_4: 1}`).
        activation: `before`: a `conv` layer's features as they are; `after`: behind its ReLU.
        criterion: `l1`, or `l2`: squares.
        rescale: what features are multiplied by first.
    """

    def __init__(
        self,
        network: FeatureNetwork | None = None,
        layers: Layers = ("conv5_4",),
        activation: Activation = "before",
        criterion: Criterion = "l1",
        rescale: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0,
    ) -> None:
        super().__init__(network, layers, activation)
        self.criterion: Criterion = criterion
        self.rescale = rescale

    def distance(self, sr: Tensor, hr: Tensor, image: Tensor, batch: Batch) -> Tensor:
        """Mean difference of rescaled features."""
        del image, batch
        return difference(self.rescale * sr, self.rescale * hr, self.criterion)
