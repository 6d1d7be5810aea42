"""Pyramids: LapSRN and MS-LapSRN."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from .layers import convolution


class PyramidLevel(nn.Module):
    """Features and picture, doubled.

    The released models cut one line off the doubled features, at the bottom and at the right.
    """

    def __init__(self, depth: int, width: int) -> None:
        super().__init__()
        self.image = nn.ConvTranspose2d(1, 1, 4, stride=2, padding=1, bias=False)
        self.residual = convolution(width, 1)
        layers = (layer for _ in range(depth) for layer in (convolution(width, width), nn.LeakyReLU(0.2)))
        self.features = nn.Sequential(*layers)
        self.doubling = nn.ConvTranspose2d(width, width, 3, stride=2)

    def forward(self, features: Tensor, picture: Tensor) -> tuple[Tensor, Tensor]:
        """N×F×H×W and N×1×H×W to N×F×2H×2W and N×1×2H×2W."""
        doubled = self.doubling(self.features(features))[..., :-1, :-1]
        features = F.leaky_relu(doubled, 0.2)
        return features, self.image(picture) + self.residual(features)


class LapSRN(nn.Module):
    """Two levels of ten convolutions each (Lai et al., CVPR 2017)."""

    def __init__(self, depth: int = 10, width: int = 64) -> None:
        super().__init__()
        self.first = convolution(1, width)
        self.levels = nn.ModuleList(PyramidLevel(depth, width) for _ in range(2))

    def forward(self, lr: Tensor) -> Tensor:
        """N×1×H×W to N×1×4H×4W."""
        features, picture = F.leaky_relu(self.first(lr), 0.2), lr
        for level in self.levels:
            features, picture = level(features, picture)
        return picture


class MSLapSRN(nn.Module):
    """D5R8 with skips from the level's source: both levels share everything (Lai et al., TPAMI 2018)."""

    def __init__(self, depth: int = 5, recursions: int = 8, width: int = 64) -> None:
        super().__init__()
        self.recursions = recursions
        self.first = convolution(1, width)
        self.image = nn.ConvTranspose2d(1, 1, 4, stride=2, padding=1, bias=False)
        self.residual = convolution(width, 1)
        layers = (layer for _ in range(depth) for layer in (nn.LeakyReLU(0.2), convolution(width, width)))
        self.block = nn.Sequential(*layers)
        self.doubling = nn.ConvTranspose2d(width, width, 3, stride=2)

    def forward(self, lr: Tensor) -> Tensor:
        """N×1×H×W to N×1×4H×4W."""
        features, picture = self.first(lr), lr
        for _ in range(2):
            source = features
            for _ in range(self.recursions):
                features = self.block(features) + source
            features = self.doubling(F.leaky_relu(features, 0.2))[..., :-1, :-1]
            picture = self.image(picture) + self.residual(features)
        return picture
