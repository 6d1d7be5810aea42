"""Dense networks: SRDenseNet and RDN."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .layers import LEVELS, convolution, sub_pixel


class DenseBlock(nn.Module):
    """Convolutions of which each but the first reads what all before it in the block have made."""

    def __init__(self, inputs: int, growth: int, layers: int) -> None:
        super().__init__()
        self.first = convolution(inputs, growth)
        self.others = nn.ModuleList(convolution(growth * layer, growth) for layer in range(1, layers))

    def forward(self, features: Tensor) -> Tensor:
        """What the block adds, N×(layers · growth)×H×W."""
        made = F.relu(self.first(features))
        for layer in self.others:
            made = torch.cat([made, F.relu(layer(made))], dim=1)
        return made


class SRDenseNet(nn.Module):
    """All: each block reads the outputs of all before it (Tong et al., ICCV 2017)."""

    def __init__(self, blocks: int = 8, layers: int = 8, growth: int = 16, width: int = 256) -> None:
        super().__init__()
        each = growth * layers
        self.first = convolution(1, each)
        self.blocks = nn.ModuleList(DenseBlock(each * (1 + block), growth, layers) for block in range(blocks))
        self.bottleneck = convolution(each * (1 + blocks), width, 1)
        self.enlarging = nn.Sequential(
            *(nn.ConvTranspose2d(width, width, 3, stride=2, padding=1, output_padding=1), nn.ReLU()),
            *(nn.ConvTranspose2d(width, width, 3, stride=2, padding=1, output_padding=1), nn.ReLU()),
        )
        self.last = convolution(width, 1)

    def forward(self, lr: Tensor) -> Tensor:
        """N×1×H×W to N×1×4H×4W."""
        features = F.relu(self.first(lr))
        for block in self.blocks:
            features = torch.cat([features, block(features)], dim=1)
        out: Tensor = self.last(self.enlarging(F.relu(self.bottleneck(features))))
        return out


class ResidualDenseBlock(nn.Module):
    """Convolutions that read all before them, fused and added to what came in."""

    def __init__(self, width: int, growth: int, layers: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(convolution(width + layer * growth, growth) for layer in range(layers))
        self.fusion = convolution(width + layers * growth, width, 1)

    def forward(self, features: Tensor) -> Tensor:
        """N×F×H×W to the same."""
        gathered = features
        for layer in self.layers:
            gathered = torch.cat([gathered, F.relu(layer(gathered))], dim=1)
        out: Tensor = self.fusion(gathered) + features
        return out


class RDN(nn.Module):
    """D16 C8 G64, on values 0 … 255 (Zhang et al., CVPR 2018)."""

    def __init__(self, blocks: int = 16, layers: int = 8, growth: int = 64, width: int = 64) -> None:
        super().__init__()
        self.first, self.second = convolution(3, width), convolution(width, width)
        self.blocks = nn.ModuleList(ResidualDenseBlock(width, growth, layers) for _ in range(blocks))
        self.fusion = nn.Sequential(convolution(blocks * width, width, 1), convolution(width, width))
        self.tail = nn.Sequential(sub_pixel(width), convolution(width, 3))

    def features(self, levels: Tensor) -> Tensor:
        """N×F×H×W of values 0 … 255."""
        shallow = self.first(levels)
        features, outputs = self.second(shallow), []
        for block in self.blocks:
            features = block(features)
            outputs.append(features)
        fused: Tensor = self.fusion(torch.cat(outputs, dim=1))
        return fused + shallow

    def forward(self, lr: Tensor) -> Tensor:
        """N×3×H×W to N×3×4H×4W."""
        out: Tensor = self.tail(self.features(lr * LEVELS)) / LEVELS
        return out
