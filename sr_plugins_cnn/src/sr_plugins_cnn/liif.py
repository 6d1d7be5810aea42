"""LIIF: a perceptron that is asked for the colour of any place between LR pixels, so of every scale."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from sr_core import AnyScaleModel, Backbone, Grid, Prediction, Scale, ScaleRange, full_precision
from sr_plugins_cnn.edsr import EDSRBackbone
from sr_plugins_cnn.planes import Width, plane_count

_PLACE_AND_CELL = 4
"""Inputs of the perceptron beside the features: a place and a size, each vertical and horizontal."""
_UNFOLDED = 3
"""Side of the neighbourhood whose features are read together."""
_PIXELS_ON_CPU = 2**12
"""SR pixels whose colours are computed together: few enough for their maps to stay in the processor's cache."""
_PIXELS = 2**16
"""The same on other devices, where starting many small calls would take longer than computing them."""
_UNUSED = ("encoder.sub_mean.", "encoder.add_mean.")
"""Layers that are in the authors' files and in none of their sums."""


class LIIF(AnyScaleModel):
    """A local implicit image function on the features of LR (Chen et al., CVPR 2021).

    An SR pixel asks a perceptron four times, once for each LR pixel around it: with the features of that pixel and its
    eight neighbours, the way from there to the SR pixel, and the size of an SR pixel (the cell), both in halves of LR
    pixels. Each of the four answers counts as much as the area between the SR pixel and the LR pixel across. Beyond the
    outermost LR pixels' centres these stand in for their missing neighbours. The picture has the range −1 … 1 inside.

    First weights are PyTorch's, names of tensors those of the authors' code. The cell is the true one at scales beyond
    those learned from, as in that code. SR pixels lie where the house's size rule has them; the authors stretch the
    rounded SR size over LR, which is the same wherever nothing is rounded.

    Training compares pixels drawn anew at each step; losses that look at pictures need `samples` as large as HR.

    Args:
        encoder: makes the features, and says which planes; by default EDSR's baseline, for RGB.
        depth: hidden layers of the perceptron.
        width: of each of them.
        samples: SR pixels of a picture that training draws and compares; by default as many as LR has. Where HR has no
            more, it is compared whole.
    """

    scales = ScaleRange(1, 64)

    def __init__(
        self,
        encoder: Backbone | None = None,
        depth: Annotated[int, Field(ge=1)] = 4,
        width: Width = 256,
        samples: Annotated[int, Field(ge=1)] | None = None,
    ) -> None:
        super().__init__()
        self.encoder = EDSRBackbone() if encoder is None else encoder
        self.channels = self.encoder.channels
        self.multiple = self.encoder.multiple
        # One pixel to the LR pixel around the SR pixel, one to its neighbours.
        self.margin = None if self.encoder.margin is None else self.encoder.margin + 2
        self.imnet = _Perceptron(_UNFOLDED**2 * self.encoder.width, depth, width, plane_count(self.channels))
        self.samples = samples

    def encode(self, lr: Tensor) -> Tensor:
        """The encoder's features of `lr`."""
        features: Tensor = self.encoder(lr * 2 - 1)
        return features

    def decode(self, features: Tensor, grid: Grid, scale: Scale) -> Tensor:
        """The pixels of `grid`, some rows at a time."""
        del scale  # the grid's
        maps = self.imnet.of_features(features)
        rows, columns = (_neighbours(grid, axis, features) for axis in (0, 1))
        columns = columns.of(slice(None), (1, 1, -1))
        together = _PIXELS_ON_CPU if features.device.type == "cpu" else _PIXELS
        step = max(1, together // max(1, len(features) * len(grid.columns)))
        parts = [
            self._colours(maps, rows.of(slice(top, top + step), (1, -1, 1)), columns, grid)
            for top in range(0, max(1, len(grid.rows)), step)
        ]
        return torch.cat(parts, dim=-2)

    def predictions(self, lr: Tensor, hr: Tensor, scale: Scale, progress: float) -> tuple[Prediction, ...]:
        """Colours of drawn pixels and HR's, both N×C×count×1; out of training, or where all are drawn, SR and HR.

        Each picture has its own pixels, none of them twice, drawn by PyTorch's generator of the CPU.
        """
        pixels = hr.shape[-2] * hr.shape[-1]
        count = self.samples or lr.shape[-2] * lr.shape[-1]
        if not self.training or count >= pixels:
            return super().predictions(lr, hr, scale, progress)
        drawn = torch.stack([torch.randperm(pixels, device="cpu")[:count] for _ in hr]).to(hr.device)
        features = self.encode(lr)
        grid = Grid.of((lr.shape[-2], lr.shape[-1]), scale, lr.device)
        rows, columns = (_neighbours(grid, axis, features) for axis in (0, 1))
        shape = (len(hr), count, 1)
        at = rows.of(drawn // hr.shape[-1], shape), columns.of(drawn % hr.shape[-1], shape)
        colours = self._colours(self.imnet.of_features(features), *at, grid)
        target = hr.flatten(2).gather(2, drawn.unsqueeze(1).expand(-1, hr.shape[1], -1)).unsqueeze(-1)
        return (Prediction("sr", colours, target),)

    def _colours(self, maps: Tensor, rows: _Neighbours, columns: _Neighbours, grid: Grid) -> Tensor:
        """N×C×R×S in 0 … 1 of the pixels whose rows and columns are given, in shapes that broadcast to N×R×S.

        Args:
            maps: what the perceptron's first layer makes of the features, N×H×W×width.
            rows: the LR rows around each pixel.
            columns: the LR columns.
            grid: whose pixels these are.
        """
        count, height, width, _ = maps.shape
        of_pixels = maps.flatten(0, 2)
        picture = torch.arange(count, device=maps.device).view(-1, 1, 1)
        across, along = self.imnet.of_places(rows.offset, columns.offset, grid.scale)
        answers = []
        for row in (0, 1):
            begin = (picture * height + rows.nearest[row]) * width
            for column in (0, 1):
                index = begin + columns.nearest[column]
                found = of_pixels.index_select(0, index.flatten()).view(*index.shape, -1)
                answer = self.imnet((found + across[row]).add_(along[column]))
                answers.append(answer * (rows.share[row] * columns.share[column]).unsqueeze(-1))
        return (torch.stack(answers).sum(0) * 0.5 + 0.5).permute(0, 3, 1, 2)

    def adopt(self, tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Takes the authors' files (yinboc/liif).

        They have EDSR's two layers for the mean colour, which their encoder does not use: these are left out.
        """
        return {name: tensor for name, tensor in tensors.items() if not name.startswith(_UNUSED)}


class _Perceptron(nn.Module):
    """Linear layers with ReLU between them, `layers` in the authors' code.

    Of the first layer most is the same for all who ask the same LR pixel: a 3×3 convolution of the features, computed
    once. The rest depends on a row or on a column alone.
    """

    def __init__(self, features: int, depth: int, width: int, planes: int) -> None:
        super().__init__()
        inputs = [features + _PLACE_AND_CELL, *[width] * (depth - 1)]
        hidden = (layer for count in inputs for layer in (nn.Linear(count, width), nn.ReLU()))
        self.layers = nn.Sequential(*hidden, nn.Linear(width, planes))

    def of_features(self, features: Tensor) -> Tensor:
        """The features' part of the first layer, N×H×W×width from N×F×H×W."""
        weight = self.layers.get_parameter("0.weight")[:, :-_PLACE_AND_CELL]
        kernels = weight.reshape(len(weight), -1, _UNFOLDED, _UNFOLDED)
        return F.conv2d(features, kernels, padding=_UNFOLDED // 2).permute(0, 2, 3, 1).contiguous()

    def of_places(self, rows: Tensor, columns: Tensor, scale: tuple[float, float]) -> tuple[Tensor, Tensor]:
        """The rest of it, of the offsets of rows and of those of columns, each with one more dimension at the end."""
        with full_precision(*(self.layers.get_parameter(name) for name in ("0.weight", "0.bias"))) as (weight, bias):
            down, right, high, wide = weight[:, -_PLACE_AND_CELL:].unbind(1)
            cell = bias + high * (2 / scale[0]) + wide * (2 / scale[1])
            return rows.unsqueeze(-1) * down + cell, columns.unsqueeze(-1) * right

    def forward(self, first: Tensor) -> Tensor:
        """Colours …×planes, float32, of what the first layer came to, …×width, which is overwritten."""
        _, *hidden, last = self.layers
        maps = first
        for layer in hidden:
            maps = maps.relu_() if isinstance(layer, nn.ReLU) else layer(maps)
        with full_precision(maps) as (maps,):
            colours: Tensor = last(maps)
            return colours


class _Neighbours(NamedTuple):
    """The LR pixels before and after SR pixels along an axis; all tensors begin with a dimension for these two.

    Attributes:
        nearest: the number of the LR pixel, among the features.
        offset: from its centre to the SR pixel's, in halves of an LR pixel.
        share: what its answer counts.
    """

    nearest: Tensor
    offset: Tensor
    share: Tensor

    def of(self, pixels: slice | Tensor, shape: tuple[int, ...]) -> _Neighbours:
        """Those of some SR pixels, in another shape."""
        return _Neighbours(*(values[:, pixels].reshape(2, *shape) for values in self))


def _neighbours(grid: Grid, axis: int, features: Tensor) -> _Neighbours:
    """Those of all rows (axis 0) or columns (1) of a grid.

    Where they lie is computed for the whole picture, in float64, so that all tiles agree on it.
    """
    place, begin = grid.places(axis), grid.first[axis]
    before = place.floor()
    index = (torch.stack((before, before + 1)) - begin).clamp(0, features.shape[2 + axis] - 1)
    after = place - before
    dtype = features.dtype if features.dtype == torch.float64 else torch.float32
    offset, share = (
        values.to(features.device, dtype) for values in (2 * (place - begin - index), torch.stack((1 - after, after)))
    )
    return _Neighbours(index.to(features.device, torch.int64), offset, share)
