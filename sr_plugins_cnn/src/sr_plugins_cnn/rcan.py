"""RCAN: EDSR's blocks with channel attention, in groups, with a skip around every one of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from sr_core import Model, Scale, full_precision
from sr_plugins_cnn.channel_attention import ChannelAttention, Reduction
from sr_plugins_cnn.mean_shift import LEVELS, MeanShift, stored_means
from sr_plugins_cnn.picture_convolution import PictureConvolution
from sr_plugins_cnn.planes import Planes, Width, plane_count
from sr_plugins_cnn.renaming import renamed
from sr_plugins_cnn.sub_pixel import SubPixelScale, SubPixelUpsampler


class RCAN(Model):
    """Residual blocks whose maps are weighted by attention, in groups, groups in a long skip (Zhang et al., ECCV 2018).

    Inside, the picture has values 0 … 255 less the mean of DIV2K. State-dict names and first weights (PyTorch's own)
    are those of the authors' RCAN. Attention reads means of the whole picture, so a tile is not quite what it is in the
    whole: there is no margin.

    Args:
        scale: the one scale it is for: 1, 2, 3, 4, 8 or 16.
        groups: residual groups.
        blocks: residual channel attention blocks in each.
        width: maps of the features.
        reduction: how many times fewer maps there are inside an attention; at most `width`.
        channels: `y`, `rgb` or a number of planes; only RGB has a mean.
    """

    def __init__(
        self,
        scale: SubPixelScale,
        groups: Annotated[int, Field(ge=1)] = 10,
        blocks: Annotated[int, Field(ge=1)] = 20,
        width: Width = 64,
        reduction: Reduction = 16,
        channels: Planes = "rgb",
    ) -> None:
        super().__init__()
        planes = plane_count(channels)
        self.channels = channels
        self.scales = frozenset({scale})
        self.sub_mean = MeanShift(planes, -1, rgb=channels == "rgb")
        self.head = nn.Sequential(nn.Conv2d(planes, width, 3, padding=1))
        self.body = nn.Sequential(
            *(_ResidualGroup(blocks, width, reduction) for _ in range(groups)),
            nn.Conv2d(width, width, 3, padding=1),
        )
        self.tail = nn.Sequential(SubPixelUpsampler(scale, width), PictureConvolution(width, planes))
        self.add_mean = MeanShift(planes, 1, rgb=channels == "rgb")

    def forward(self, lr: Tensor, scale: Scale) -> Tensor:
        """Super-resolve `lr`, N×C×H×W with the planes it is for."""
        del scale
        upsampler, last = self.tail
        with full_precision(lr) as (lr,):
            shallow = self.head(self.sub_mean(lr * LEVELS))
        features = upsampler(self.body(shallow) + shallow)
        with full_precision(features) as (features,):
            sr: Tensor = self.add_mean(last(features)) / LEVELS
            return sr

    def adopt(self, tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Also takes BasicSR's RCAN, which stores no mean; its own default has 16 blocks in a group, not 20."""
        if "conv_first.weight" not in tensors:
            return tensors
        groups = len(self.body) - 1
        blocks = len(self.body[0].body) - 1  # type: ignore[arg-type] # a group's, which torch takes for any module
        rules = {
            r"conv_first\.(\w+)": r"head.0.\1",
            r"body\.(\d+)\.residual_group\.(\d+)\.rcab\.([02])\.(\w+)": r"body.\1.body.\2.body.\3.\4",
            r"body\.(\d+)\.residual_group\.(\d+)\.rcab\.3\.attention\.1\.(\w+)": r"body.\1.body.\2.body.3.conv_du.0.\3",
            r"body\.(\d+)\.residual_group\.(\d+)\.rcab\.3\.attention\.3\.(\w+)": r"body.\1.body.\2.body.3.conv_du.2.\3",
            r"body\.(\d+)\.conv\.(\w+)": rf"body.\1.body.{blocks}.\2",
            r"conv_after_body\.(\w+)": rf"body.{groups}.\1",
            r"upsample\.(\d+)\.(\w+)": r"tail.0.\1.\2",
            r"conv_last\.(\w+)": r"tail.1.\1",
        }
        return stored_means(self) | renamed(tensors, rules)


class _ResidualGroup(nn.Module):
    def __init__(self, blocks: int, width: int, reduction: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *(_AttendedBlock(width, reduction) for _ in range(blocks)), nn.Conv2d(width, width, 3, padding=1)
        )

    def forward(self, features: Tensor) -> Tensor:
        added: Tensor = self.body(features)
        return features + added


class _AttendedBlock(nn.Module):
    """x + attention · conv(ReLU(conv(x))); under autocast the sum stays as exact as x came in."""

    def __init__(self, width: int, reduction: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 3, padding=1),
            ChannelAttention(width, reduction),
        )

    def forward(self, features: Tensor) -> Tensor:
        first, rectifier, second, attention = self.body
        added = second(rectifier(first(features)))
        return torch.addcmul(features, added, attention(added))  # weighted and added in one pass over the maps
