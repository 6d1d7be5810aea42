"""Networks on the enlarged picture: SRCNN, VDSR, DWSR, DRCN, DRRN and MemNet."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .layers import convolution, pre_activated


def srcnn(widths: tuple[int, int] = (64, 32), middle: int = 5) -> nn.Sequential:
    """9-5-5 on the enlarged picture, continued by its border pixels (Dong et al., TPAMI 2016)."""

    def layer(inputs: int, outputs: int, kernel: int) -> nn.Conv2d:
        return nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, padding_mode="replicate")

    first, second = widths
    return nn.Sequential(layer(1, first, 9), nn.ReLU(), layer(first, second, middle), nn.ReLU(), layer(second, 1, 5))


class VDSR(nn.Module):
    """20 convolutions and the enlarged picture (Kim et al., CVPR 2016)."""

    def __init__(self, depth: int = 20, width: int = 64) -> None:
        super().__init__()
        hidden = (layer for _ in range(depth - 2) for layer in (convolution(width, width), nn.ReLU()))
        self.layers = nn.Sequential(convolution(1, width), nn.ReLU(), *hidden, convolution(width, 1))

    def forward(self, enlarged: Tensor) -> Tensor:
        """The enlarged picture, N×1×H×W, to SR of that size."""
        out: Tensor = self.layers(enlarged) + enlarged
        return out


class DWSR(nn.Module):
    """12 convolutions on the Haar sub-bands of the enlarged picture (Guo et al., CVPRW 2017)."""

    def __init__(self, depth: int = 10, width: int = 64) -> None:
        super().__init__()
        hidden = (layer for _ in range(depth) for layer in (convolution(width, width), nn.ReLU()))
        self.layers = nn.Sequential(convolution(4, width, 5), nn.ReLU(), *hidden, convolution(width, 4))

    def forward(self, enlarged: Tensor) -> Tensor:
        """The enlarged picture, N×1×H×W with even sides, to SR of that size."""
        top, bottom = enlarged[..., ::2, :], enlarged[..., 1::2, :]
        low, high = top + bottom, top - bottom
        sums = [band[..., ::2] + band[..., 1::2] for band in (low, high)]
        differences = [band[..., ::2] - band[..., 1::2] for band in (low, high)]
        bands = torch.cat([*sums, *differences], dim=1) / 2
        bands = bands + self.layers(bands)
        mean, rows, columns, both = bands.split(1, dim=1)
        out = torch.empty_like(enlarged)
        out[..., ::2, ::2] = (mean + rows + columns + both) / 2
        out[..., ::2, 1::2] = (mean + rows - columns - both) / 2
        out[..., 1::2, ::2] = (mean - rows + columns - both) / 2
        out[..., 1::2, 1::2] = (mean - rows - columns + both) / 2
        return out


class DRCN(nn.Module):
    """One convolution 16 times, a picture after each, and their weighted sum (Kim et al., CVPR 2016)."""

    def __init__(self, recursions: int = 16, width: int = 256) -> None:
        super().__init__()
        self.embedding = nn.Sequential(convolution(1, width), nn.ReLU(), convolution(width, width), nn.ReLU())
        self.recursion = convolution(width, width)
        self.reconstruction = nn.Sequential(convolution(width, width), nn.ReLU(), convolution(width, 1))
        self.weights = nn.Parameter(torch.full((recursions,), 1 / recursions))

    def forward(self, enlarged: Tensor) -> Tensor:
        """The enlarged picture, N×1×H×W, to SR of that size."""
        state = self.embedding(enlarged)
        out = torch.zeros_like(enlarged)
        for weight in self.weights:
            state = F.relu(self.recursion(state))
            out = out + weight * (self.reconstruction(state) + enlarged)
        return out


class DRRN(nn.Module):
    """B1U25: 25 units of the same two convolutions, each with normalisations of its own (Tai et al., CVPR 2017)."""

    def __init__(self, units: int = 25, width: int = 128) -> None:
        super().__init__()
        self.first = pre_activated(1, width)
        self.conv_a, self.conv_b = convolution(width, width), convolution(width, width)
        self.norms_a = nn.ModuleList(nn.BatchNorm2d(width) for _ in range(units))
        self.norms_b = nn.ModuleList(nn.BatchNorm2d(width) for _ in range(units))
        self.last = pre_activated(width, 1)

    def forward(self, enlarged: Tensor) -> Tensor:
        """The enlarged picture, N×1×H×W, to SR of that size."""
        first = self.first(enlarged)
        features = first
        for norm_a, norm_b in zip(self.norms_a, self.norms_b, strict=True):
            hidden = self.conv_a(F.relu(norm_a(features)))
            features = self.conv_b(F.relu(norm_b(hidden))) + first
        out: Tensor = self.last(features) + enlarged
        return out


class MemoryBlock(nn.Module):
    """Recursions of one residual unit, and a gate over what they and all blocks before have said."""

    def __init__(self, width: int, recursions: int, earlier: int) -> None:
        super().__init__()
        self.conv_a, self.conv_b = convolution(width, width), convolution(width, width)
        self.norms_a = nn.ModuleList(nn.BatchNorm2d(width) for _ in range(recursions))
        self.norms_b = nn.ModuleList(nn.BatchNorm2d(width) for _ in range(recursions))
        self.gate = pre_activated((earlier + recursions) * width, width, 1)

    def forward(self, memories: Sequence[Tensor]) -> Tensor:
        """The next memory, N×F×H×W, from the first features and all memories."""
        features, states = memories[-1], []
        for norm_a, norm_b in zip(self.norms_a, self.norms_b, strict=True):
            hidden = self.conv_a(F.relu(norm_a(features)))
            features = self.conv_b(F.relu(norm_b(hidden))) + features
            states.append(features)
        out: Tensor = self.gate(torch.cat([*memories, *states], dim=1))
        return out


class MemNet(nn.Module):
    """M6R6: a picture from each of 6 memories, and their weighted sum (Tai et al., ICCV 2017)."""

    def __init__(self, blocks: int = 6, recursions: int = 6, width: int = 64) -> None:
        super().__init__()
        self.first = pre_activated(1, width)
        self.blocks = nn.ModuleList(MemoryBlock(width, recursions, 1 + block) for block in range(blocks))
        self.norms = nn.ModuleList(nn.BatchNorm2d(width) for _ in range(blocks))
        self.last = convolution(width, 1)
        self.weights = nn.Parameter(torch.full((blocks,), 1 / blocks))

    def forward(self, enlarged: Tensor) -> Tensor:
        """The enlarged picture, N×1×H×W, to SR of that size."""
        memories = [self.first(enlarged)]
        out = torch.zeros_like(enlarged)
        for block, norm, weight in zip(self.blocks, self.norms, self.weights, strict=True):
            memories.append(block(memories))
            out = out + weight * (self.last(F.relu(norm(memories[-1]))) + enlarged)
        return out
