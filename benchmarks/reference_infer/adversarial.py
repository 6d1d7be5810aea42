"""Generators of adversarial training: ESRGAN and Real-ESRGAN's compact one."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .layers import SCALE, convolution


class DenseBlock(nn.Module):
    """Five convolutions, each of which reads all before it; a fifth of the last is added to what came in."""

    def __init__(self, width: int, growth: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(convolution(width + layer * growth, growth) for layer in range(4))
        self.last = convolution(width + 4 * growth, width)

    def forward(self, features: Tensor) -> Tensor:
        """N×F×H×W to the same."""
        gathered = [features]
        for layer in self.layers:
            gathered.append(F.leaky_relu(layer(torch.cat(gathered, dim=1)), 0.2))
        out: Tensor = features + 0.2 * self.last(torch.cat(gathered, dim=1))
        return out


class ResidualDenseBlocks(nn.Module):
    """Three dense blocks; a fifth of what they make is added to what came in."""

    def __init__(self, width: int, growth: int) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*(DenseBlock(width, growth) for _ in range(3)))

    def forward(self, features: Tensor) -> Tensor:
        """N×F×H×W to the same."""
        out: Tensor = features + 0.2 * self.blocks(features)
        return out


class ESRGAN(nn.Module):
    """23 residual blocks of dense ones, ×4 by nearest pixels and convolutions (Wang et al., ECCVW 2018)."""

    def __init__(self, blocks: int = 23, width: int = 64, growth: int = 32) -> None:
        super().__init__()
        self.first = convolution(3, width)
        self.body = nn.Sequential(*(ResidualDenseBlocks(width, growth) for _ in range(blocks)))
        self.after_body = convolution(width, width)
        self.tail = nn.Sequential(
            *(nn.Upsample(scale_factor=2), convolution(width, width), nn.LeakyReLU(0.2)),
            *(nn.Upsample(scale_factor=2), convolution(width, width), nn.LeakyReLU(0.2)),
            *(convolution(width, width), nn.LeakyReLU(0.2)),
            convolution(width, 3),
        )

    def forward(self, lr: Tensor) -> Tensor:
        """N×3×H×W to N×3×4H×4W."""
        shallow = self.first(lr)
        out: Tensor = self.tail(shallow + self.after_body(self.body(shallow)))
        return out


class Compact(nn.Module):
    """Convolutions with a PReLU each, whose pixels are added to the nearest ones (SRVGGNetCompact)."""

    def __init__(self, convolutions: int = 16, width: int = 64) -> None:
        super().__init__()
        between = (layer for _ in range(convolutions) for layer in (convolution(width, width), nn.PReLU(width)))
        last = convolution(width, 3 * SCALE**2)
        self.body = nn.Sequential(convolution(3, width), nn.PReLU(width), *between, last)

    def forward(self, lr: Tensor) -> Tensor:
        """N×3×H×W to N×3×4H×4W."""
        out: Tensor = F.pixel_shuffle(self.body(lr), SCALE) + F.interpolate(lr, scale_factor=SCALE)
        return out
