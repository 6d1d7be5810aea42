"""Residual networks: SRResNet, MSRResNet, EDSR and MDSR."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .layers import DIV2K_MEAN, LEVELS, SCALE, convolution, sub_pixel


class NormalisedBlock(nn.Module):
    """The residual block of SRResNet."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *(convolution(width, width), nn.BatchNorm2d(width), nn.PReLU()),
            *(convolution(width, width), nn.BatchNorm2d(width)),
        )

    def forward(self, features: Tensor) -> Tensor:
        """N×F×H×W to the same."""
        out: Tensor = self.layers(features) + features
        return out


class SRResNet(nn.Module):
    """16 residual blocks with batch normalisation; SR in −1 … 1 inside (Ledig et al., CVPR 2017)."""

    def __init__(self, blocks: int = 16, width: int = 64) -> None:
        super().__init__()
        self.head = nn.Sequential(convolution(3, width, 9), nn.PReLU())
        self.blocks = nn.Sequential(*(NormalisedBlock(width) for _ in range(blocks)))
        self.after = nn.Sequential(convolution(width, width), nn.BatchNorm2d(width))
        self.tail = nn.Sequential(
            *(convolution(width, 4 * width), nn.PixelShuffle(2), nn.PReLU()),
            *(convolution(width, 4 * width), nn.PixelShuffle(2), nn.PReLU()),
            convolution(width, 3, 9),
        )

    def forward(self, lr: Tensor) -> Tensor:
        """N×3×H×W to N×3×4H×4W."""
        shallow = self.head(lr)
        out: Tensor = (self.tail(self.after(self.blocks(shallow)) + shallow) + 1) / 2
        return out


class ResidualBlock(nn.Module):
    """Two convolutions around a rectifier, added to the input (Lim et al., EDSR, CVPRW 2017)."""

    def __init__(self, width: int, kernel: int = 3, scaling: float = 1) -> None:
        super().__init__()
        self.scaling = scaling
        self.layers = nn.Sequential(convolution(width, width, kernel), nn.ReLU(), convolution(width, width, kernel))

    def forward(self, features: Tensor) -> Tensor:
        """N×F×H×W to the same."""
        return torch.add(features, self.layers(features), alpha=self.scaling)


class MSRResNet(nn.Module):
    """BasicSR's: no batch normalisation, a leaky upsampler, around the bilinear picture."""

    def __init__(self, blocks: int = 16, width: int = 64) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *(convolution(3, width), nn.LeakyReLU(0.1)),
            *(ResidualBlock(width) for _ in range(blocks)),
            *(convolution(width, 4 * width), nn.PixelShuffle(2), nn.LeakyReLU(0.1)),
            *(convolution(width, 4 * width), nn.PixelShuffle(2), nn.LeakyReLU(0.1)),
            *(convolution(width, width), nn.LeakyReLU(0.1)),
            convolution(width, 3),
        )

    def forward(self, lr: Tensor) -> Tensor:
        """N×3×H×W to N×3×4H×4W."""
        out: Tensor = self.layers(lr) + F.interpolate(lr, scale_factor=SCALE, mode="bilinear")
        return out


class EDSR(nn.Module):
    """Residual blocks and a long skip, on values 0 … 255 less DIV2K's mean (Lim et al., CVPRW 2017)."""

    mean: Tensor

    def __init__(self, blocks: int = 32, width: int = 256, scaling: float = 0.1) -> None:
        super().__init__()
        self.register_buffer("mean", LEVELS * torch.tensor(DIV2K_MEAN).view(3, 1, 1))
        self.head = convolution(3, width)
        residual = (ResidualBlock(width, scaling=scaling) for _ in range(blocks))
        self.body = nn.Sequential(*residual, convolution(width, width))
        self.tail = nn.Sequential(sub_pixel(width), convolution(width, 3))

    def features(self, levels: Tensor) -> Tensor:
        """N×F×H×W of values 0 … 255 less the mean."""
        shallow: Tensor = self.head(levels)
        return shallow + self.body(shallow)

    def forward(self, lr: Tensor) -> Tensor:
        """N×3×H×W to N×3×4H×4W."""
        out: Tensor = (self.tail(self.features(lr * LEVELS - self.mean)) + self.mean) / LEVELS
        return out


class MDSR(nn.Module):
    """80 residual blocks; two of 5×5 in front and the upsampler are ×4's own (Lim et al., CVPRW 2017)."""

    mean: Tensor

    def __init__(self, blocks: int = 80, width: int = 64) -> None:
        super().__init__()
        self.register_buffer("mean", LEVELS * torch.tensor(DIV2K_MEAN).view(3, 1, 1))
        self.head = nn.Sequential(convolution(3, width), ResidualBlock(width, kernel=5), ResidualBlock(width, kernel=5))
        self.body = nn.Sequential(*(ResidualBlock(width) for _ in range(blocks)), convolution(width, width))
        self.tail = nn.Sequential(sub_pixel(width), convolution(width, 3))

    def forward(self, lr: Tensor) -> Tensor:
        """N×3×H×W to N×3×4H×4W."""
        shallow = self.head(lr * LEVELS - self.mean)
        out: Tensor = (self.tail(self.body(shallow) + shallow) + self.mean) / LEVELS
        return out
