"""What the losses share that look at SR and HR through a feature network."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from sr_core import Batch, Channels, FeatureNetwork, Loss, full_precision
from sr_plugins_losses.feature_weights import RANDOM
from sr_plugins_losses.vgg import VGG19

Activation = Literal["before", "after"]
"""Whether the features of a convolution are taken before or after its ReLU."""

Criterion = Literal["l1", "l2"]

Layers = dict[str, Annotated[float, Field(gt=0, allow_inf_nan=False)]] | tuple[str, ...]
"""Layers with their weights, or layers of weight 1."""


class FeatureLoss(Loss):
    """A distance between the features of SR and HR, weighted and summed over layers.

    The network is frozen and runs as autocast says (in bfloat16 on fast machines), once for SR, and once for HR without
    gradient; distances are computed in float32. By an untrained network, the loss's term is called `random weights`.

    Args:
        network: what looks at the pictures; VGG-19 with its published weights by default.
        layers: their names, or names with weights.
        activation: whether `conv3_1` means the features before or after its ReLU.
    """

    channels: Channels = "rgb"

    def __init__(self, network: FeatureNetwork | None, layers: Layers, activation: Activation) -> None:
        super().__init__()
        self.network = (VGG19() if network is None else network).requires_grad_(requires_grad=False).eval()
        self.layers = by_layer(self.network, layers, activation)

    @abstractmethod
    def distance(self, sr: Tensor, hr: Tensor, image: Tensor, batch: Batch) -> Tensor:
        """How far the features of SR, N×C×h×w, are from those of HR in one layer; `image` is SR itself."""

    def forward(self, sr: Tensor, hr: Tensor, batch: Batch) -> Tensor | dict[str, Tensor]:
        """Compare RGB pictures N×3×H×W in [0, 1]; a scalar, or one named `random weights`.

        Raises:
            SrkitError: they are too small for a layer.
        """
        names = list(self.layers)
        with torch.no_grad():
            of_hr = self.network(hr, names)
        of_sr = self.network(sr, names)
        total = sr.new_zeros(())
        for name, weight in self.layers.items():
            with full_precision(of_sr[name], of_hr[name]) as (features, target):
                total = total + weight * self.distance(features, target, sr, batch)
        return {"random weights": total} if self.network.origin == RANDOM else total


def by_layer(network: FeatureNetwork, layers: Layers, activation: Activation) -> dict[str, float]:
    """The weights of layers by the network's own names; `conv3_1` after activation is its `relu3_1`.

    Raises:
        ValueError: there is none, one stands twice, or the network lacks one.
    """
    pairs = list(layers.items()) if isinstance(layers, Mapping) else [(name, 1.0) for name in layers]
    if not pairs:
        raise ValueError("name at least one layer")
    found: dict[str, float] = {}
    for layer, weight in pairs:
        name = layer
        if activation == "after" and layer.startswith("conv") and f"relu{layer[4:]}" in network.widths:
            name = f"relu{layer[4:]}"
        if name not in network.widths:
            raise ValueError(f"the network has no layer '{layer}'; it has {', '.join(network.widths)}")
        if name in found:
            raise ValueError(f"layer '{layer}' stands twice")
        found[name] = weight
    return found


def difference(first: Tensor, second: Tensor, criterion: Criterion) -> Tensor:
    """Mean of |a − b| (`l1`) or (a − b)² (`l2`) over all numbers."""
    return F.l1_loss(first, second) if criterion == "l1" else F.mse_loss(first, second)
