"""Discriminators small enough for a test."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from sr_core import Discriminator


class PatchJudge(Discriminator):
    """A smooth network with a map of verdicts."""

    def __init__(self, channels: int = 3, *, batch_norm: bool = False) -> None:
        super().__init__()
        self.channels = channels
        self.first = nn.Conv2d(channels, 4, 3, stride=2)
        self.norm = nn.BatchNorm2d(4) if batch_norm else nn.Identity()
        self.last = nn.Conv2d(4, 1, 3)

    def stages(self, image: Tensor) -> Sequence[Tensor]:
        features = torch.tanh(self.norm(self.first(image)))
        return features, self.last(features)


class LinearJudge(Discriminator):
    """The verdict is the sum of pixels times `weight`: its slope at any picture is `weight`."""

    channels = 1

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight)

    def stages(self, image: Tensor) -> Sequence[Tensor]:
        return ((image * self.weight).flatten(1).sum(dim=1, keepdim=True),)


class PointJudge(Discriminator):
    """Two layers over the pixels of a small picture; one verdict a picture."""

    channels = 1

    def __init__(self, pixels: int, width: int = 16) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(pixels, width), nn.Linear(width, 1)

    def stages(self, image: Tensor) -> Sequence[Tensor]:
        features = torch.tanh(self.first(image.flatten(1)))
        return features, self.last(features)
