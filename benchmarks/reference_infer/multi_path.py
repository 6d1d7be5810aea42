"""Networks with several paths: MSRN and DSRN."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .layers import DIV2K_MEAN, LEVELS, SCALE, convolution, sub_pixel


class MultiScaleBlock(nn.Module):
    """Two pairs of a 3×3 and a 5×5 convolution; the second pair reads both of the first (Li et al., ECCV 2018)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.small, self.small_of_both = convolution(width, width), convolution(2 * width, 2 * width)
        self.large, self.large_of_both = convolution(width, width, 5), convolution(2 * width, 2 * width, 5)
        self.fusion = convolution(4 * width, width, 1)

    def forward(self, features: Tensor) -> Tensor:
        """N×F×H×W to the same."""
        both = torch.cat([F.relu(self.small(features)), F.relu(self.large(features))], dim=1)
        all_four = torch.cat([F.relu(self.small_of_both(both)), F.relu(self.large_of_both(both))], dim=1)
        out: Tensor = self.fusion(all_four) + features
        return out


class MSRN(nn.Module):
    """8 multi-scale blocks, all fused, on values 0 … 255 less DIV2K's mean (Li et al., ECCV 2018, as released)."""

    mean: Tensor

    def __init__(self, blocks: int = 8, width: int = 64) -> None:
        super().__init__()
        self.register_buffer("mean", LEVELS * torch.tensor(DIV2K_MEAN).view(3, 1, 1))
        self.head = convolution(3, width)
        self.blocks = nn.ModuleList(MultiScaleBlock(width) for _ in range(blocks))
        self.fusion = nn.Sequential(convolution((blocks + 1) * width, width, 1), convolution(width, width))
        self.tail = nn.Sequential(sub_pixel(width), convolution(width, 3))

    def forward(self, lr: Tensor) -> Tensor:
        """N×3×H×W to N×3×4H×4W."""
        shallow = features = self.head(lr * LEVELS - self.mean)
        said = []
        for block in self.blocks:
            features = block(features)
            said.append(features)
        fused = self.fusion(torch.cat([*said, shallow], dim=1))
        out: Tensor = (self.tail(fused) + self.mean) / LEVELS
        return out


class DSRN(nn.Module):
    """A state in LR and one in HR, seven steps; it makes what bicubic lacks (Han et al., CVPR 2018)."""

    def __init__(self, steps: int = 7, width: int = 128) -> None:
        super().__init__()
        self.steps = steps
        self.first = nn.Sequential(convolution(3, width // 2), nn.ReLU(), convolution(width // 2, width), nn.ReLU())
        self.in_lr = nn.Sequential(convolution(width, width), nn.ReLU(), convolution(width, width))
        self.in_hr = nn.Sequential(convolution(width, width), nn.ReLU(), convolution(width, width))
        self.up = nn.ConvTranspose2d(width, width, SCALE, stride=SCALE)
        self.last = convolution(width, 3, 1)

    def forward(self, lr: Tensor) -> Tensor:
        """N×3×H×W to N×3×4H×4W."""
        first = self.first(lr)
        low, high = F.relu(first + self.in_lr(first)), F.relu(self.up(first))
        highs = [high]
        for step in range(2, self.steps):
            from_low = self.up(low)
            if step < self.steps - 1:
                low = F.relu(low + self.in_lr(low) + F.avg_pool2d(high, SCALE))
            high = F.relu(high + self.in_hr(high) + from_low)
            highs.append(high)
        out: Tensor = self.last(torch.stack(highs).mean(dim=0))
        return out


class AroundBicubic(nn.Module):
    """What a network makes from LR, added to the enlarged picture; `enlarge` may be another bicubic than PyTorch's."""

    def __init__(self, network: nn.Module, enlarge: Callable[[Tensor], Tensor] | None = None) -> None:
        super().__init__()
        self.network = network
        self.enlarge = enlarge or nn.Upsample(scale_factor=SCALE, mode="bicubic")

    def forward(self, lr: Tensor) -> Tensor:
        """N×C×H×W to N×C×4H×4W."""
        out: Tensor = self.network(lr) + self.enlarge(lr)
        return out
