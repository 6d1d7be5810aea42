"""Networks with attention: RCAN and SAN."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .layers import DIV2K_MEAN, LEVELS, convolution, sub_pixel
from .residual import ResidualBlock


class ChannelAttention(nn.Module):
    """Maps times weights that come from their means (Zhang et al., RCAN, ECCV 2018)."""

    def __init__(self, width: int, reduction: int) -> None:
        super().__init__()
        fewer = width // reduction
        self.weights = nn.Sequential(
            *(nn.AdaptiveAvgPool2d(1), convolution(width, fewer, 1), nn.ReLU()),
            *(convolution(fewer, width, 1), nn.Sigmoid()),
        )

    def forward(self, x: Tensor) -> Tensor:
        """N×F×H×W to the same."""
        return x * self.weights(x)


class Added(nn.Module):
    """x + layers(x)."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """N×F×H×W to the same."""
        out: Tensor = x + self.layers(x)
        return out


class RCAN(nn.Module):
    """Ten groups of twenty attended residual blocks, on values 0 … 255 less DIV2K's mean (Zhang et al., ECCV 2018)."""

    mean: Tensor

    def __init__(self, groups: int = 10, blocks: int = 20, width: int = 64, reduction: int = 16) -> None:
        super().__init__()
        self.register_buffer("mean", LEVELS * torch.tensor(DIV2K_MEAN).view(3, 1, 1))

        def block() -> nn.Module:
            attention = ChannelAttention(width, reduction)
            return Added(convolution(width, width), nn.ReLU(), convolution(width, width), attention)

        def group() -> nn.Module:
            return Added(*(block() for _ in range(blocks)), convolution(width, width))

        self.head = convolution(3, width)
        self.body = Added(*(group() for _ in range(groups)), convolution(width, width))
        self.tail = nn.Sequential(sub_pixel(width), convolution(width, 3))

    def forward(self, lr: Tensor) -> Tensor:
        """N×3×H×W to N×3×4H×4W."""
        out: Tensor = (self.tail(self.body(self.head(lr * LEVELS - self.mean))) + self.mean) / LEVELS
        return out


class QuartersAttended(nn.Module):
    """In each quarter, every place adds what it finds at places like it (Dai et al., SAN, CVPR 2019)."""

    def __init__(self, width: int, embedded: int) -> None:
        super().__init__()
        self.value, self.query, self.key = (convolution(width, embedded, 1) for _ in range(3))
        self.found = convolution(embedded, width, 1)

    def quarter(self, x: Tensor) -> Tensor:
        """One quarter, N×F×h×w to the same."""
        query, key, value = (layer(x).flatten(2) for layer in (self.query, self.key, self.value))
        alike = torch.softmax(query.transpose(1, 2) @ key, dim=-1)
        out: Tensor = x + self.found((value @ alike.transpose(1, 2)).unflatten(2, x.shape[2:]))
        return out

    def forward(self, x: Tensor) -> Tensor:
        """N×F×H×W to the same; both sides at least 2."""
        row, column = x.shape[2] // 2, x.shape[3] // 2
        top, bottom = (
            torch.cat([self.quarter(half[..., :column]), self.quarter(half[..., column:])], dim=3)
            for half in (x[..., :row, :], x[..., row:, :])
        )
        return torch.cat([top, bottom], dim=2)


class CovarianceAttention(nn.Module):
    """Maps times weights that come from the root of their covariance (Dai et al., SAN, CVPR 2019)."""

    def __init__(self, width: int, reduction: int) -> None:
        super().__init__()
        fewer = width // reduction
        self.weights = nn.Sequential(convolution(width, fewer, 1), nn.ReLU(), convolution(fewer, width, 1))

    def forward(self, x: Tensor) -> Tensor:
        """N×F×H×W to the same."""
        maps = x.flatten(2) - x.mean(dim=(2, 3)).unsqueeze(2)
        covariance = torch.bmm(maps, maps.transpose(1, 2)) / maps.shape[2]
        trace = covariance.diagonal(dim1=1, dim2=2).sum(dim=1).view(-1, 1, 1)
        eye = torch.eye(maps.shape[1], dtype=x.dtype, device=x.device)
        y, z = covariance / trace, eye.expand_as(covariance)
        for _ in range(5):
            middle = (3 * eye - z @ y) / 2
            y, z = y @ middle, middle @ z
        statistic = (y * trace.sqrt()).mean(dim=1)[..., None, None]
        return x * torch.sigmoid(self.weights(statistic))


class SAN(nn.Module):
    """Twenty groups of ten residual blocks and covariance attention, which all add the first features again.

    On values 0 … 255 less DIV2K's mean (Dai et al., CVPR 2019).
    """

    mean: Tensor

    def __init__(
        self, groups: int = 20, blocks: int = 10, width: int = 64, reduction: int = 16, embedded: int = 8
    ) -> None:
        super().__init__()
        self.register_buffer("mean", LEVELS * torch.tensor(DIV2K_MEAN).view(3, 1, 1))

        def group() -> nn.Module:
            last = CovarianceAttention(width, reduction), convolution(width, width)
            return Added(*(ResidualBlock(width) for _ in range(blocks)), *last)

        self.gamma = nn.Parameter(torch.zeros(1))
        self.head = convolution(3, width)
        self.ends = QuartersAttended(width, embedded)
        self.groups = nn.ModuleList(group() for _ in range(groups))
        self.tail = nn.Sequential(sub_pixel(width), convolution(width, 3))

    def forward(self, lr: Tensor) -> Tensor:
        """N×3×H×W to N×3×4H×4W."""
        shallow = self.head(lr * LEVELS - self.mean)
        source = self.ends(shallow)
        features = source
        for group in self.groups:
            features = group(features) + self.gamma * source
        out: Tensor = (self.tail(self.ends(features) + shallow) + self.mean) / LEVELS
        return out
