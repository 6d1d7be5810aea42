"""Small networks on LR: FSRCNN, ESPCN and CARN."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .layers import DIV2K_MEAN, SCALE, convolution


def fsrcnn(d: int = 56, s: int = 12, m: int = 4) -> nn.Sequential:
    """Shrink, map, expand, and a transposed convolution (Dong et al., ECCV 2016)."""
    mapping = (layer for _ in range(m) for layer in (convolution(s, s), nn.PReLU(s)))
    return nn.Sequential(
        *(convolution(1, d, 5), nn.PReLU(d)),
        *(convolution(d, s, 1), nn.PReLU(s)),
        *mapping,
        *(convolution(s, d, 1), nn.PReLU(d)),
        nn.ConvTranspose2d(d, 1, 9, stride=SCALE, padding=4, output_padding=SCALE - 1),
    )


def espcn(widths: tuple[int, int] = (64, 32)) -> nn.Sequential:
    """Three convolutions on LR and a pixel shuffle (Shi et al., CVPR 2016)."""
    first, second = widths
    return nn.Sequential(
        *(convolution(1, first, 5), nn.Tanh()),
        *(convolution(first, second), nn.Tanh()),
        *(convolution(second, SCALE**2), nn.PixelShuffle(SCALE)),
    )


class Cascade(nn.Module):
    """Three blocks, each of which reads what was last fused from all that came before (Ahn et al., ECCV 2018)."""

    def __init__(self, blocks: Sequence[nn.Module], width: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self.fusions = nn.ModuleList(nn.Conv2d(width * n, width, 1) for n in (2, 3, 4))

    def forward(self, x: Tensor) -> Tensor:
        """N×F×H×W to the same."""
        everything, fused = x, x
        for step, fusion in enumerate(self.fusions):
            block = self.blocks[step % len(self.blocks)]
            everything = torch.cat([everything, block(fused)], 1)
            fused = F.relu(fusion(everything))
        return fused


class AddedAndRectified(nn.Module):
    """ReLU(x + layers(x))."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """N×F×H×W to the same."""
        return F.relu(x + self.layers(x))


class CARN(nn.Module):
    """Cascades in a cascade; the mobile one has groups and one block thrice (Ahn et al., ECCV 2018)."""

    mean: Tensor

    def __init__(self, width: int = 64, groups: int = 1, shared: bool = False) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(DIV2K_MEAN).view(1, 3, 1, 1))

        def grouped(outputs: int) -> nn.Conv2d:
            return nn.Conv2d(width, outputs, 3, padding=1, groups=groups)

        def block() -> nn.Module:
            if shared:
                last = convolution(width, width, 1)
                return AddedAndRectified(grouped(width), nn.ReLU(), grouped(width), nn.ReLU(), last)
            return AddedAndRectified(grouped(width), nn.ReLU(), grouped(width))

        self.first = convolution(3, width)
        self.body = Cascade([Cascade([block() for _ in range(1 if shared else 3)], width) for _ in range(3)], width)
        doubling = (layer for _ in range(2) for layer in (grouped(4 * width), nn.ReLU(), nn.PixelShuffle(2)))
        self.tail = nn.Sequential(*doubling, convolution(width, 3))

    def forward(self, lr: Tensor) -> Tensor:
        """N×3×H×W to N×3×4H×4W."""
        out: Tensor = self.tail(self.body(self.first(lr - self.mean))) + self.mean
        return out
