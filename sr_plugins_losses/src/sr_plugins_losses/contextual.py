"""Contextual loss: each feature of HR shall have its likeness somewhere in SR."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from sr_core import Batch, FeatureNetwork
from sr_plugins_losses.looking import Activation, FeatureLoss, Layers

_EPSILON = 1e-5
"""Beside the nearest distance, as in the authors' code."""


class Contextual(FeatureLoss):
    """Σ weight · −log CX(SR, HR) over layers of a feature network, for RGB pictures that need not be aligned.

    Features x of SR and y of HR are points without place. From their cosine distances d, in 0 … 1 and about the mean of
    HR's features, each x's distance to y_j relative to its nearest, d̃_j = d_j / (min d + 1e-5), becomes a share
    exp((1 − d̃_j) / h), normalised over j; CX is the mean over y of the largest share that any x gives it (Mechrez,
    Talmi and Zelnik-Manor, ECCV 2018). As in the authors' code, features are taken after activation, distances are
    halved into 0 … 1, layers are `conv3_2` and `conv4_2`, and larger layers are sampled: the same places in SR and HR.
    Their code takes the mean of HR over the whole batch; here, as in the paper, each picture has its own. For SR = HR
    the loss is 0 where no two features of HR are alike; those that are (0 after a ReLU, say) share what is theirs.

    Args:
        network: what looks at the pictures; VGG-19 with its published weights by default.
        layers: names, or names with weights.
        activation: `after`: a `conv` layer's features behind its ReLU; `before`: as they are.
        bandwidth: h: 0.5 as the authors' code has it, 0.1 (beside it there) lets only the nearest count.
        positions: places of a layer that are compared at most, others each step: memory grows with their square
            (a batch of 16 takes 64 MiB at 1024 for each of about five matrices).
    """

    def __init__(
        self,
        network: FeatureNetwork | None = None,
        layers: Layers = ("conv3_2", "conv4_2"),
        activation: Activation = "after",
        bandwidth: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 0.5,
        positions: Annotated[int, Field(ge=2)] = 1024,
    ) -> None:
        super().__init__(network, layers, activation)
        self.bandwidth = bandwidth
        self.positions = positions

    def distance(self, sr: Tensor, hr: Tensor, image: Tensor, batch: Batch) -> Tensor:
        """−log CX, the mean over pictures."""
        del image
        points, target = sr.flatten(2), hr.flatten(2)
        count = points.shape[2]
        if count > self.positions:
            # Of its own seed: the same places on every device, after resuming, and whatever else draws numbers.
            generator = torch.Generator().manual_seed(batch.step)
            chosen = torch.randperm(count, generator=generator)[: self.positions].to(points.device)
            points, target = points[..., chosen], target[..., chosen]
        centre = target.mean(dim=2, keepdim=True)
        points, target = F.normalize(points - centre, dim=1), F.normalize(target - centre, dim=1)
        distances = ((1 - points.transpose(1, 2) @ target) / 2).clamp(min=0)  # rounding may pass a cosine of 1
        relative = distances / (distances.amin(dim=2, keepdim=True) + _EPSILON)
        shares = torch.softmax((1 - relative) / self.bandwidth, dim=2)
        similarity = shares.amax(dim=1).mean(dim=1)
        return -similarity.log().mean()
