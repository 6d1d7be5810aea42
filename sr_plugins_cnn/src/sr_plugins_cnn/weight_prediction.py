"""Meta-Upscale's weights, predicted for each place on the SR picture, and what they make of the features."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sr_core import Grid
from sr_plugins_cnn.location_projection import Projection, slots

KERNEL = 3
"""Side of the predicted convolutions."""
_HIDDEN = 256
_MOST_PAIRS = 2**11
"""Pairs of offsets up to which their weights are predicted: 1600 at ×3.9, and 160,000 at ×3.99."""
_MOST_WEIGHTS = 2**22
"""Numbers that these weights may be, at most."""
_BLOCK = 2**22
"""Numbers that are taken apart at once: 16 MiB, which processors still have at hand."""


class WeightPrediction(nn.Module):
    """A 3×3 convolution for each pair of offsets, by two fully connected layers (Hu et al., CVPR 2019).

    It is given one over the scale and the vertical and horizontal offset, in the order of the authors' code; names and
    first weights (PyTorch's own) are theirs. All is computed in float32.

    Args:
        width: feature maps that come in.
        planes: of the picture that goes out.
    """

    def __init__(self, width: int, planes: int) -> None:
        super().__init__()
        self.width, self.planes = width, planes
        self.numbers = width * KERNEL**2 * planes
        self.meta_block = nn.Sequential(nn.Linear(3, _HIDDEN), nn.ReLU(inplace=True), nn.Linear(_HIDDEN, self.numbers))

    def mapped(self, features: Tensor, grid: Grid) -> Tensor:
        """The SR pixels of `grid`, N×planes×rows×columns, of features N×width×H×W that begin at its `first`.

        Beyond the features lie zeros.
        """
        ratios = grid.ratios
        pairs = ratios[0].denominator * slots(ratios[0]) * ratios[1].denominator * slots(ratios[1])
        repeated = pairs <= _MOST_PAIRS and pairs * self.numbers <= _MOST_WEIGHTS
        down = Projection.of(grid.rows, ratios[0], grid.first[0], repeated=repeated)
        across = Projection.of(grid.columns, ratios[1], grid.first[1], repeated=repeated)
        inverse = float(ratios[0] * ratios[1]) ** -0.5
        padded = _around(features, down, across)
        blocks = self._by_weights if repeated else self._by_features
        slotted = torch.cat(list(blocks(padded, down, across, inverse)), -2)
        return _taken(_taken(slotted, down.places, -2), across.places, -1)

    def _by_weights(self, padded: Tensor, down: Projection, across: Projection, inverse: float) -> Iterator[Tensor]:
        """Where offsets repeat soon: weights are predicted once for each pair of them, for all its places."""
        vertical, horizontal = _table(down, padded), _table(across, padded)
        (tall, high), (wide, broad) = vertical.shape, horizontal.shape
        shape = (tall, wide, high, broad)
        given = (vertical.new_full(shape, inverse), vertical[:, None, :, None].expand(shape))
        predicted: Tensor = self.meta_block(torch.stack((*given, horizontal[:, None].expand(shape)), -1))
        taps = predicted.view(*shape, self.width, KERNEL, KERNEL, self.planes)
        if tall == wide == 1:  # whole scales: one convolution, each LR pixel's SR pixels side by side
            weight = taps.permute(0, 1, 7, 2, 3, 4, 5, 6).flatten(0, 4)
            maps = torch.unflatten(F.conv2d(padded, weight), 1, (self.planes, high, broad))
            yield maps.permute(0, 1, 4, 2, 5, 3).flatten(4, 5).flatten(2, 3)
            return
        weights = taps.permute(0, 1, 5, 6, 4, 2, 3, 7).reshape(tall * wide, KERNEL**2 * self.width, -1)
        row = len(padded) * tall * across.count * weights.shape[1]
        for rows in _cut(padded, tall, down.periods, row):
            patches = rows.unfold(2, KERNEL, 1).unfold(3, KERNEL, 1)
            patches = torch.unflatten(torch.unflatten(patches, 3, (-1, wide)), 2, (-1, tall))
            patches = patches.permute(3, 5, 0, 2, 4, 6, 7, 1)
            batch, periods, repeats = patches.shape[2:5]
            made = patches.reshape(tall * wide, -1, weights.shape[1]) @ weights
            made = made.view(tall, wide, batch, periods, repeats, high, broad, self.planes)
            yield made.permute(2, 7, 3, 0, 5, 4, 1, 6).flatten(5, 7).flatten(2, 4)

    def _by_features(self, padded: Tensor, down: Projection, across: Projection, inverse: float) -> Iterator[Tensor]:
        """Where each place has offsets of its own: the second layer is applied to the features first.

        It is linear, as is the convolution: both may change places, and no weights of a place are ever there.
        """
        first, _, second = self.meta_block
        (first_weight, first_bias), (second_weight, second_bias) = first.parameters(), second.parameters()
        vertical, horizontal = _table(down, padded), _table(across, padded)
        (tall, high), (wide, broad) = vertical.shape, horizontal.shape
        by_scale, by_row, by_column = first_weight.unbind(1)
        above = vertical[..., None] * by_row + (first_bias + inverse * by_scale)
        beside = (horizontal[..., None] * by_column)[:, None]
        kernels = torch.cat((second_weight, second_bias[:, None]), 1)
        kernels = kernels.view(self.width, KERNEL, KERNEL, -1).permute(3, 0, 1, 2)
        row = wide * (len(kernels) * len(padded) + (_HIDDEN + 1) * high * broad)
        done = 0
        for rows in _cut(padded, 1, tall, row):
            count = rows.shape[-2] - KERNEL + 1
            hidden = (above[done : done + count, None, :, None] + beside).relu_().view(count * wide, high * broad, -1)
            maps = torch.unflatten(F.conv2d(rows, kernels), 1, (self.planes, -1))
            maps = maps.permute(3, 4, 2, 0, 1).reshape(count * wide, _HIDDEN + 1, -1)
            made = torch.baddbmm(maps[:, _HIDDEN:], hidden, maps[:, :_HIDDEN])
            made = made.view(count, wide, high, broad, -1, self.planes)
            yield made.permute(4, 5, 0, 2, 1, 3).flatten(4, 5).flatten(2, 3)
            done += count


def _around(features: Tensor, down: Projection, across: Projection) -> Tensor:
    """The features of the LR pixels that are asked for and of one more around them; zeros where there are none."""
    ends = [
        (1 - axis.start, axis.start + axis.count + 1 - length)
        for axis, length in ((across, features.shape[-1]), (down, features.shape[-2]))
    ]
    return F.pad(features, ends[0] + ends[1])


def _cut(padded: Tensor, period: int, periods: int, numbers: int) -> Iterator[Tensor]:
    """The rows in blocks of some periods, each with one row around it, as `numbers` a period allow."""
    step = max(1, _BLOCK // numbers)
    for start in range(0, periods, step):
        stop = min(start + step, periods)
        yield padded[..., start * period : stop * period + KERNEL - 1, :]


def _table(projection: Projection, like: Tensor) -> Tensor:
    """The offsets of a period, LR pixels × slots."""
    return torch.tensor(projection.offsets, dtype=like.dtype, device=like.device)


def _taken(slotted: Tensor, places: tuple[int, ...], axis: int) -> Tensor:
    """The SR pixels without the slots that stay empty."""
    if places[-1] - places[0] == len(places) - 1:
        return slotted.narrow(axis, places[0], len(places))
    return slotted.index_select(axis, torch.tensor(places, device=slotted.device))
