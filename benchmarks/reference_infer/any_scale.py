"""Networks for any scale: Meta-Upscale and LIIF."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .dense import RDN
from .layers import DIV2K_MEAN, LEVELS, SCALE, convolution
from .residual import EDSR, ResidualBlock


class MetaUpscale(nn.Module):
    """3×3 weights predicted for each of the 4×4 pixels that an LR pixel becomes (Hu et al., CVPR 2019).

    On a network whose own tail is taken away, given values 0 … 255 less DIV2K's mean.
    """

    mean: Tensor

    def __init__(self, network: RDN | EDSR, width: int = 64) -> None:
        super().__init__()
        self.register_buffer("mean", LEVELS * torch.tensor(DIV2K_MEAN).view(3, 1, 1))
        self.network = network
        del self.network.tail
        self.prediction = nn.Sequential(nn.Linear(3, 256), nn.ReLU(), nn.Linear(256, 9 * width * 3))

    def forward(self, lr: Tensor) -> Tensor:
        """N×3×H×W to N×3×4H×4W."""
        count, _, height, width = lr.shape
        patches = F.unfold(self.network.features(lr * LEVELS - self.mean), 3, padding=1)
        offsets = torch.arange(SCALE, device=lr.device, dtype=lr.dtype) / SCALE
        places = torch.cartesian_prod(offsets.new_full((1,), 1 / SCALE), offsets, offsets)
        weights = self.prediction(places).view(SCALE**2, -1, 3)
        pixels = torch.einsum("nfp,sfc->ncsp", patches, weights).reshape(count, -1, height, width)
        return (F.pixel_shuffle(pixels, SCALE) + self.mean) / LEVELS


class LIIF(nn.Module):
    """EDSR's baseline without its upsampler, and a perceptron asked four times a pixel (Chen et al., CVPR 2021).

    As in the authors' program, 30,000 pixels at a time.
    """

    def __init__(self, blocks: int = 16, width: int = 64, layers: int = 4, hidden: int = 256) -> None:
        super().__init__()
        self.head = convolution(3, width)
        self.body = nn.Sequential(*(ResidualBlock(width) for _ in range(blocks)), convolution(width, width))
        widths = [9 * width + 4] + [hidden] * layers
        perceptron = (layer for pair in pairwise(widths) for layer in (nn.Linear(*pair), nn.ReLU()))
        self.perceptron = nn.Sequential(*perceptron, nn.Linear(hidden, 3))

    def forward(self, lr: Tensor) -> Tensor:
        """N×3×H×W to N×3×4H×4W."""
        count, _, height, width = lr.shape
        shallow = self.head(lr * 2 - 1)
        features = F.unfold(self.body(shallow) + shallow, 3, padding=1)
        features = features.view(count, -1, height, width).permute(0, 2, 3, 1).contiguous()
        places = [(torch.arange(SCALE * side, device=lr.device) + 0.5) / SCALE - 0.5 for side in (height, width)]
        rows, columns = (axis.flatten().to(lr.dtype) for axis in torch.meshgrid(*places, indexing="ij"))
        blocks = zip(rows.split(30_000), columns.split(30_000), strict=True)
        colours = torch.cat([self.colours(features, *block) for block in blocks], 1)
        return colours.view(count, SCALE * height, SCALE * width, 3).permute(0, 3, 1, 2) / 2 + 0.5

    def colours(self, features: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
        """N×Q×3 at Q places, of features N×H×W×F."""
        total = torch.zeros(())
        for down in (0, 1):
            row = rows.floor() + down
            for across in (0, 1):
                column = columns.floor() + across
                area = (1 - (rows - row).abs()) * (1 - (columns - column).abs())
                y, x = row.long().clamp(0, features.shape[1] - 1), column.long().clamp(0, features.shape[2] - 1)
                cell = torch.full_like(rows, 2 / SCALE)
                way = torch.stack([2 * (rows - y), 2 * (columns - x), cell, cell], 1).expand(len(features), -1, -1)
                total = total + area[:, None] * self.perceptron(torch.cat([features[:, y, x], way], 2))
        return total
