"""SRFBN: one block again and again, which reads what it said itself the time before."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from sr_core import Model, Prediction, Scale, full_precision
from sr_plugins_cnn.convolutions import he_convolution
from sr_plugins_cnn.mean_shift import LEVELS, MeanShift
from sr_plugins_cnn.planes import Planes, Width, plane_count
from sr_plugins_cnn.projection import ProjectionScale, down_projection, to_and_fro, up_projection
from sr_plugins_cnn.receptive_field import Convolution, margin
from sr_plugins_cnn.recomputing import recomputed

_SLOPE = 0.2
"""At which every PReLU starts."""


class SRFBN(Model):
    """A feedback block, unrolled; every step says what the bilinear picture lacks (Li et al., CVPR 2019).

    The block reads LR features and what it said the step before (at first the features again); in it groups of an up-
    and a down-projection, each of which reads all former ones of its size through a 1×1 convolution. SR is the last
    step's picture. Inside, values are 0 … 255 less the mean of DIV2K. Names of tensors and first weights (He, slopes
    of 0.2) are those of the authors' SRFBN_CVPR19, whose weights fit as they are.

    All steps are compared with the same HR, as for bicubic LR; the curriculum that the paper has for blurred and noisy
    LR, of ever harder targets, is not built.

    Args:
        scale: the one scale it is for: 2, 3, 4 or 8; the paper has no 8, the authors' code does.
        steps: T, how often the block is applied.
        groups: G, pairs of projections in the block.
        width: m, maps of the block; the first convolution has four times as many.
        channels: `y`, `rgb` or a number of planes; only RGB has a mean.
        recompute: keep only what the block says at each step while training, and compute its inside again in the
            backward pass.

    Raises:
        ValueError: any other scale.
    """

    def __init__(
        self,
        scale: ProjectionScale,
        steps: Annotated[int, Field(ge=1)] = 4,
        groups: Annotated[int, Field(ge=1)] = 6,
        width: Width = 64,
        channels: Planes = "rgb",
        recompute: bool = False,
    ) -> None:
        super().__init__()
        planes = plane_count(channels)
        self.channels = channels
        self.scales = frozenset({scale})
        self.margin = margin([Convolution(1), *to_and_fro(scale, steps * groups), Convolution(1)], scale)
        self.factor = scale
        self.steps = steps
        self.recompute = recompute
        self.sub_mean = MeanShift(planes, -1, rgb=channels == "rgb")
        self.conv_in = _activated(he_convolution(planes, 4 * width))
        self.feat_in = _activated(he_convolution(4 * width, width, 1))
        self.block = _FeedbackBlock(width, groups, scale)
        self.out = _activated(up_projection(width, scale))
        self.conv_out = nn.Sequential(he_convolution(width, planes))
        self.add_mean = MeanShift(planes, 1, rgb=channels == "rgb")

    def forward(self, lr: Tensor, scale: Scale) -> Tensor:
        """Super-resolve `lr`, N×C×H×W with the planes it is for."""
        del scale
        *_, last = self._unrolled(lr)
        return self._picture(last, lr)

    def predictions(self, lr: Tensor, hr: Tensor, scale: Scale, progress: float) -> tuple[Prediction, ...]:
        """The picture of every step, `step 1` and so on, the last one `sr`, each with HR; each weighs 1/T.

        So the paper has it; the authors' code adds them up, which for Adam is the same.
        """
        del scale, progress
        names = [*(f"step {step}" for step in range(1, self.steps)), "sr"]
        pictures = [self._picture(said, lr) for said in self._unrolled(lr)]
        return tuple(
            Prediction(name, picture, hr, 1 / self.steps) for name, picture in zip(names, pictures, strict=True)
        )

    def _unrolled(self, lr: Tensor) -> Iterator[Tensor]:
        """What the block says at each step, N×F×H×W."""
        with full_precision(lr) as (lr,):
            shallow = self.conv_in(self.sub_mean(lr * LEVELS))
        features = said = self.feat_in(shallow)
        for _ in range(self.steps):
            said = recomputed(self.block, features, said, of=self.block, when=self.recompute)
            yield said

    def _picture(self, said: Tensor, lr: Tensor) -> Tensor:
        with full_precision(self.out(said), lr) as (enlarged, lr):
            lacking = self.conv_out(enlarged)
            bilinear = F.interpolate(
                self.sub_mean(lr * LEVELS), scale_factor=self.factor, mode="bilinear", align_corners=False
            )
            picture: Tensor = self.add_mean(lacking + bilinear) / LEVELS
            return picture


class _FeedbackBlock(nn.Module):
    def __init__(self, width: int, groups: int, scale: int) -> None:
        super().__init__()
        self.compress_in = _fusion(2, width)
        self.upBlocks = nn.ModuleList(_activated(up_projection(width, scale)) for _ in range(groups))
        self.downBlocks = nn.ModuleList(_activated(down_projection(width, scale)) for _ in range(groups))
        self.uptranBlocks = nn.ModuleList(_fusion(1 + former, width) for former in range(1, groups))
        self.downtranBlocks = nn.ModuleList(_fusion(1 + former, width) for former in range(1, groups))
        self.compress_out = _fusion(groups, width)

    def forward(self, features: Tensor, said: Tensor) -> Tensor:
        low: list[Tensor] = [self.compress_in(torch.cat((features, said), 1))]
        high: list[Tensor] = []
        fusions = zip((None, *self.uptranBlocks), (None, *self.downtranBlocks), strict=True)
        for up, down, (of_low, of_high) in zip(self.upBlocks, self.downBlocks, fusions, strict=True):
            high.append(up(of_low(torch.cat(low, 1)) if of_low else low[0]))
            low.append(down(of_high(torch.cat(high, 1)) if of_high else high[0]))
        fused: Tensor = self.compress_out(torch.cat(low[1:], 1))
        return fused


def _fusion(read: int, width: int) -> nn.Sequential:
    return _activated(he_convolution(read * width, width, 1))


def _activated(layer: nn.Module) -> nn.Sequential:
    """The layer and a PReLU of one slope."""
    return nn.Sequential(layer, nn.PReLU(init=_SLOPE))
