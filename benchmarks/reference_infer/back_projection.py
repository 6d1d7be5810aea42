"""Networks that go up and down: DBPN and SRFBN."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .layers import DIV2K_MEAN, LEVELS, SCALE, convolution


def with_slope(layer: nn.Module, start: float = 0.25) -> nn.Sequential:
    """The layer and a PReLU of one slope."""
    return nn.Sequential(layer, nn.PReLU(init=start))


class Projection(nn.Module):
    """There, back, and there again with what came back wrong; 1×1 in front where it reads several (Haris et al.)."""

    def __init__(self, width: int, former: int, there: type[nn.Module], back: type[nn.Module]) -> None:
        super().__init__()
        self.fusion = with_slope(convolution(former * width, width, 1)) if former > 1 else nn.Identity()
        steps = (kind(width, width, 8, stride=4, padding=2) for kind in (there, back, there))
        self.first, self.back, self.again = (with_slope(step) for step in steps)

    def forward(self, x: Tensor) -> Tensor:
        """N×F×H×W to the other size."""
        x = self.fusion(x)
        there = self.first(x)
        out: Tensor = there + self.again(self.back(there) - x)
        return out


class DBPN(nn.Module):
    """D-DBPN: up and down in turn, each reading all outputs of its size (Haris et al., CVPR 2018)."""

    def __init__(self, stages: int = 7, dense: bool = True, features: int = 256, width: int = 64) -> None:
        super().__init__()
        self.dense = dense
        self.first = nn.Sequential(with_slope(convolution(3, features)), with_slope(convolution(features, width, 1)))
        kinds = nn.ConvTranspose2d, nn.Conv2d
        units = [Projection(width, 1, *kinds)]
        for former in range(1, stages):
            read = former if dense else 1
            units += [Projection(width, read, *reversed(kinds)), Projection(width, read, *kinds)]
        self.units = nn.ModuleList(units)
        self.last = convolution(stages * width, 3)

    def forward(self, lr: Tensor) -> Tensor:
        """N×3×H×W to N×3×4H×4W."""
        up, *others = self.units
        high = newest = up(self.first(lr))
        low = None
        for down, up in zip(others[::2], others[1::2], strict=True):
            newest = down(high if self.dense else newest)
            low = newest if low is None else torch.cat([newest, low], 1)
            newest = up(low if self.dense else newest)
            high = torch.cat([newest, high], 1)
        out: Tensor = self.last(high)
        return out


class SRFBN(nn.Module):
    """A block of dense up- and down-projections that reads its own last output (Li et al., CVPR 2019)."""

    mean: Tensor

    def __init__(self, steps: int = 4, groups: int = 6, width: int = 64) -> None:
        super().__init__()

        def fusion(former: int) -> nn.Module:
            return with_slope(convolution(former * width, width, 1), 0.2)

        def up() -> nn.Module:
            return with_slope(nn.ConvTranspose2d(width, width, 8, stride=4, padding=2), 0.2)

        def down() -> nn.Module:
            return with_slope(nn.Conv2d(width, width, 8, stride=4, padding=2), 0.2)

        self.register_buffer("mean", LEVELS * torch.tensor(DIV2K_MEAN).view(3, 1, 1))
        self.steps = steps
        first = convolution(3, 4 * width), convolution(4 * width, width, 1)
        self.first = nn.Sequential(*(with_slope(layer, 0.2) for layer in first))
        self.enter = fusion(2)
        self.up, self.down = nn.ModuleList(up() for _ in range(groups)), nn.ModuleList(down() for _ in range(groups))
        self.before_up = nn.ModuleList(fusion(1 + former) for former in range(1, groups))
        self.before_down = nn.ModuleList(fusion(1 + former) for former in range(1, groups))
        self.leave = fusion(groups)
        self.enlarge, self.last = up(), convolution(width, 3)

    def forward(self, lr: Tensor) -> Tensor:
        """N×3×H×W to N×3×4H×4W, the last step's picture."""
        lr = lr * LEVELS - self.mean
        features = state = self.first(lr)
        for _ in range(self.steps):
            low = self.enter(torch.cat([features, state], 1))
            high = self.up[0](low)
            said = self.down[0](high)
            low = torch.cat([low, said], 1)
            for group in range(1, len(self.up)):
                high = torch.cat([high, self.up[group](self.before_up[group - 1](low))], 1)
                newest = self.down[group](self.before_down[group - 1](high))
                low, said = torch.cat([low, newest], 1), torch.cat([said, newest], 1)
            state = self.leave(said)
        enlarged = F.interpolate(lr, scale_factor=SCALE, mode="bilinear")
        out: Tensor = (self.last(self.enlarge(state)) + enlarged + self.mean) / LEVELS
        return out
