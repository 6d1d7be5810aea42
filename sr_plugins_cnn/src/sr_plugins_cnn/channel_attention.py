"""Channel attention: how strongly each map of features counts is told by numbers of the whole picture."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

Reduction = Annotated[int, Field(ge=1)]
"""How many times fewer maps there are between the two convolutions of channel attention."""


def channel_weights(width: int, reduction: int) -> nn.Sequential:
    """From a number for each map, N×F×1×1, to a weight in 0 … 1 for each (Zhang et al., RCAN, figure 3).

    Args:
        width: maps.
        reduction: how many times fewer there are in between.

    Raises:
        ValueError: not one map is left in between.
    """
    if reduction > width:
        raise ValueError(f"reduction: {reduction} leaves none of {width} maps; choose at most {width}")
    return nn.Sequential(
        nn.Conv2d(width, width // reduction, 1),
        nn.ReLU(inplace=True),
        nn.Conv2d(width // reduction, width, 1),
        nn.Sigmoid(),
    )


class ChannelAttention(nn.Module):
    """The weight of each map from its mean over the whole picture; names as RCAN's authors have them.

    Args:
        width: maps.
        reduction: how many times fewer there are between the two convolutions.
    """

    def __init__(self, width: int, reduction: int) -> None:
        super().__init__()
        self.conv_du = channel_weights(width, reduction)

    def forward(self, features: Tensor) -> Tensor:
        """N×F×1×1 from N×F×H×W."""
        weights: Tensor = self.conv_du(torch.mean(features, dim=(2, 3), keepdim=True))
        return weights
