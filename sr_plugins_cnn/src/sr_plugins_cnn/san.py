"""SAN: channel attention by how maps vary together, and attention between places at both ends."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from sr_core import Model, Scale, full_precision
from sr_plugins_cnn.channel_attention import Reduction
from sr_plugins_cnn.mean_shift import LEVELS, MeanShift
from sr_plugins_cnn.non_local import RegionNonLocal
from sr_plugins_cnn.picture_convolution import PictureConvolution
from sr_plugins_cnn.planes import Planes, Width, plane_count
from sr_plugins_cnn.second_order import SecondOrderAttention
from sr_plugins_cnn.sub_pixel import SubPixelScale, SubPixelUpsampler

_NEVER_USED = re.compile(r"(conv_last|non_local\.soca|RG\.\d+\.gamma)\b.*")
"""Layers that the authors' code makes and never calls."""


class SAN(Model):
    """Residual groups with second-order attention, each reading the first features again (Dai et al., CVPR 2019).

    The same region-level non-local block stands before and after the groups. After each group `gamma` times what the
    first one said is added: one number, which starts at 0. Inside, the picture has values 0 … 255 less the mean of
    DIV2K. State-dict names, first weights (PyTorch's own; the non-local block adds nothing at first) and wiring are
    those of the authors' `TrainCode`, whose long skip begins before the first non-local block.

    Both attentions read the whole picture, so a tile is not quite what it is in the whole: there is no margin. The
    non-local block compares every two places of a quarter: a picture with sides twice as long takes it 16 times as
    long, so large ones are better cut in tiles.

    Args:
        scale: the one scale it is for: 1, 2, 3, 4, 8 or 16.
        groups: local-source residual attention groups.
        blocks: residual blocks in each.
        width: maps of the features.
        reduction: how many times fewer maps there are inside a channel attention; at most `width`.
        embedded: maps in which places are compared.
        channels: `y`, `rgb` or a number of planes; only RGB has a mean.
    """

    def __init__(
        self,
        scale: SubPixelScale,
        groups: Annotated[int, Field(ge=1)] = 20,
        blocks: Annotated[int, Field(ge=1)] = 10,
        width: Width = 64,
        reduction: Reduction = 16,
        embedded: Width = 8,
        channels: Planes = "rgb",
    ) -> None:
        super().__init__()
        planes = plane_count(channels)
        self.channels = channels
        self.scales = frozenset({scale})
        self.gamma = nn.Parameter(torch.zeros(1))
        self.sub_mean = MeanShift(planes, -1, rgb=channels == "rgb")
        self.head = nn.Sequential(nn.Conv2d(planes, width, 3, padding=1))
        self.non_local = RegionNonLocal(width, embedded)
        self.RG = nn.ModuleList(_AttentionGroup(blocks, width, reduction) for _ in range(groups))
        self.tail = nn.Sequential(SubPixelUpsampler(scale, width), PictureConvolution(width, planes))
        self.add_mean = MeanShift(planes, 1, rgb=channels == "rgb")

    def forward(self, lr: Tensor, scale: Scale) -> Tensor:
        """Super-resolve `lr`, N×C×H×W with the planes it is for."""
        del scale
        upsampler, last = self.tail
        with full_precision(lr) as (lr,):
            shallow = self.head(self.sub_mean(lr * LEVELS))
        source = self.non_local(shallow)
        features = source
        for group in self.RG:
            features = torch.addcmul(group(features), self.gamma, source)
        features = upsampler(self.non_local(features) + shallow)
        with full_precision(features) as (features,):
            sr: Tensor = self.add_mean(last(features)) / LEVELS
            return sr

    def adopt(self, tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """The authors' files without the 38,044 numbers of layers that their code never calls.

        Their repository has a second network under the same names, in `code`: 16 embedded maps, a long skip that begins
        behind the first non-local block. Its files fit in shape where `embedded` is 16, and would give wrong pictures.
        They too hold a `conv_last` that is never called; it stays, so that they are refused.
        """
        if not any(name.startswith("non_local.soca.") for name in tensors):
            return tensors
        return {name: tensor for name, tensor in tensors.items() if not _NEVER_USED.fullmatch(name)}


class _AttentionGroup(nn.Module):
    """Residual blocks, second-order attention and a convolution, added to what came in."""

    def __init__(self, blocks: int, width: int, reduction: int) -> None:
        super().__init__()
        self.rcab = nn.Sequential(*(_ResidualBlock(width) for _ in range(blocks)))
        self.soca = SecondOrderAttention(width, reduction)
        self.conv_last = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, features: Tensor) -> Tensor:
        added: Tensor = self.conv_last(self.soca(self.rcab(features)))
        return features + added


class _ResidualBlock(nn.Module):
    """EDSR's block under another name; SAN calls it RCAB, but it has no attention."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv_first = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 3, padding=1),
        )

    def forward(self, features: Tensor) -> Tensor:
        added: Tensor = self.conv_first(features)
        return features + added
