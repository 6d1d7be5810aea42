"""What the feature networks share that were trained to tell the classes of ImageNet."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from sr_core import FeatureNetwork, SrkitError
from sr_plugins_losses.feature_weights import PublishedWeights, fill

MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)

Checksum = Annotated[str, Field(pattern="^[0-9a-fA-F]{8,64}$")]
Seed = Annotated[int, Field(ge=0, lt=2**63)]


class ImageNetFeatures(FeatureNetwork):
    """A classifier without its last layers, which sees pictures less ImageNet's mean, over its deviation.

    Args:
        weights: `published`, `download`, `random`, an address, or a file.
        checksum: of what an address gives.
        seed: of random weights.
    """

    published: ClassVar[PublishedWeights]
    mean: Tensor
    deviation: Tensor

    def __init__(self, weights: str = "published", checksum: Checksum | None = None, seed: Seed = 0) -> None:
        super().__init__()
        with torch.device("meta"):  # no memory, time and random numbers for weights that are replaced
            self.build()
        self.register_buffer("mean", torch.tensor(MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(DEVIATION).view(3, 1, 1), persistent=False)
        self.origin = fill(self, self.published, weights, checksum, seed)
        self.requires_grad_(requires_grad=False)

    @abstractmethod
    def build(self) -> None:
        """Make the layers, under the publisher's names, and `widths`."""

    @abstractmethod
    def smallest_side(self, layer: str) -> int:
        """The fewest pixels of a side that leave one feature at `layer`."""

    def normalised(self, image: Tensor, layers: Sequence[str]) -> Tensor:
        """The picture as the network was trained to see it, in the layout with which GPUs are fastest in bfloat16.

        Raises:
            ValueError: it has no such layer, or the picture is not RGB.
            SrkitError: the picture is too small.
        """
        if unknown := [layer for layer in layers if layer not in self.widths]:
            known = ", ".join(self.widths)
            raise ValueError(f"{self.published.network} has no layer '{unknown[0]}'; it has {known}")
        if image.shape[1] != len(MEAN):
            raise ValueError(f"{self.published.network} takes RGB pictures, this one has {image.shape[1]} planes")
        height, width = image.shape[-2:]
        for layer in layers:
            side = self.smallest_side(layer)
            if min(height, width) < side:
                raise SrkitError(
                    f"{self.published.network} needs pictures of at least {side}×{side} pixels for '{layer}', "
                    f"this one has {height}×{width}; take larger crops or an earlier layer"
                )
        return ((image - self.mean) / self.deviation).contiguous(memory_format=torch.channels_last)
