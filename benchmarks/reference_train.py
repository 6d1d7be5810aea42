"""The reference of the training benchmarks: a plain PyTorch loop, float32, fed from memory.

What a careful person writes in ten lines: the network, Adam, a mean absolute error, and a batch of random crops that
are already tensors. No mixed precision, no memory format, no data to wait for.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

BATCH, LR_SIDE, SCALE = 16, 48, 4


class ResidualBlock(nn.Module):
    """Two convolutions around a rectifier, added to the input (Lim et al., EDSR, CVPRW 2017, figure 2)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, features: Tensor) -> Tensor:
        """N×F×H×W to the same."""
        return features + self.second(F.relu(self.first(features)))


class ResidualNetwork(nn.Module):
    """16 residual blocks of 64 channels and two sub-pixel convolutions, ×4."""

    def __init__(self, width: int = 64, blocks: int = 16) -> None:
        super().__init__()
        self.head = nn.Conv2d(3, width, 3, padding=1)
        self.body = nn.Sequential(*(ResidualBlock(width) for _ in range(blocks)), nn.Conv2d(width, width, 3, padding=1))
        self.enlarge = nn.Sequential(
            *(nn.Conv2d(width, 4 * width, 3, padding=1), nn.PixelShuffle(2)),
            *(nn.Conv2d(width, 4 * width, 3, padding=1), nn.PixelShuffle(2)),
        )
        self.last = nn.Conv2d(width, 3, 3, padding=1)

    def forward(self, lr: Tensor) -> Tensor:
        """N×3×H×W to N×3×4H×4W."""
        shallow = self.head(lr)
        out: Tensor = self.last(self.enlarge(shallow + self.body(shallow)))
        return out


def plain_step(network: nn.Module, lr: Tensor, hr: Tensor) -> Callable[[], None]:
    """One step of the plain loop, to be called again and again on pairs that lie in memory."""
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-4)

    def step() -> None:
        loss = F.l1_loss(network(lr), hr)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


def bare_step(
    network: nn.Module, lr: Tensor, hr: Tensor, dtype: torch.dtype, loss: Callable[[Tensor, Tensor], Tensor]
) -> Callable[[], None]:
    """Nothing but forward, backward and optimiser, with everything that makes them fast."""
    device = lr.device.type
    network.to(memory_format=torch.channels_last)
    lr = lr.contiguous(memory_format=torch.channels_last)
    hr = hr.contiguous(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-4, fused=True)

    def step() -> None:
        with torch.autocast(device, dtype=dtype, enabled=dtype != torch.float32):
            error = loss(network(lr).float(), hr)
        optimizer.zero_grad(set_to_none=True)
        error.backward()
        optimizer.step()

    return step
