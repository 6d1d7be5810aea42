"""The residual block that EDSR made common: two convolutions and a skip, nothing normalised."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sr_plugins_cnn.activation import Activation, activation_layer


class ResidualBlock(nn.Module):
    """x + scaling · conv(ReLU(conv(x))), as EDSR-PyTorch names and starts it (Lim et al., EDSR, figure 2c).

    Args:
        width: maps that come in and go out.
        kernel: side of the kernels, odd.
        scaling: of what is added; less than 1 keeps wide networks from diverging.
        activation: what stands for the ReLU.
    """

    def __init__(self, width: int, kernel: int = 3, scaling: float = 1.0, activation: Activation = "relu") -> None:
        super().__init__()
        self.scaling = scaling
        self.body = nn.Sequential(
            nn.Conv2d(width, width, kernel, padding=kernel // 2),
            activation_layer(activation, width, inplace=True),
            nn.Conv2d(width, width, kernel, padding=kernel // 2),
        )

    def forward(self, features: Tensor) -> Tensor:
        """N×width×H×W to the same; under autocast the sum stays as exact as `features` came in."""
        return torch.add(features, self.body(features), alpha=self.scaling)
