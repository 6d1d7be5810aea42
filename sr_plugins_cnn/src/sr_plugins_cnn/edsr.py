"""EDSR: SRResNet without batch normalisation, wider and deeper."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field
from torch import Tensor, nn

from sr_core import Model, Scale, full_precision
from sr_plugins_cnn.mean_shift import LEVELS, MeanShift
from sr_plugins_cnn.picture_convolution import PictureConvolution
from sr_plugins_cnn.planes import Planes, Width, plane_count
from sr_plugins_cnn.receptive_field import Convolution, margin, sub_pixel_layers
from sr_plugins_cnn.renaming import renamed
from sr_plugins_cnn.residual_blocks import ResidualBlock
from sr_plugins_cnn.sub_pixel import SubPixelScale, SubPixelUpsampler, sub_pixel_factors

_STAGES = 4
"""Of the upsampler at most: ×16."""


class EDSR(Model):
    """Residual blocks on LR, a long skip around them, then the sub-pixel upsampler (Lim et al., CVPRW 2017).

    Inside, the picture has values 0 … 255 less the mean of DIV2K. The defaults are the baseline, as in the authors'
    EDSR-PyTorch, whose state-dict names and first weights (PyTorch's own) these are; the paper's EDSR is
    `blocks=32, width=256, residual_scaling=0.1`.

    Args:
        scale: the one scale it is for: 1, 2, 3, 4, 8 or 16.
        blocks: residual blocks.
        width: maps of the features.
        residual_scaling: of what each block adds; without 0.1 the wide network diverges.
        channels: `y`, `rgb` or a number of planes; only RGB has a mean.
    """

    def __init__(
        self,
        scale: SubPixelScale,
        blocks: Annotated[int, Field(ge=1)] = 16,
        width: Width = 64,
        residual_scaling: Annotated[float, Field(gt=0, le=1)] = 1.0,
        channels: Planes = "rgb",
    ) -> None:
        super().__init__()
        planes = plane_count(channels)
        self.channels = channels
        self.scales = frozenset({scale})
        on_lr = Convolution(2 * blocks + 2)
        self.margin = margin([on_lr, *sub_pixel_layers(sub_pixel_factors(scale)), Convolution(1)], scale)
        self.sub_mean = MeanShift(planes, -1, rgb=channels == "rgb")
        self.head = nn.Sequential(nn.Conv2d(planes, width, 3, padding=1))
        self.body = nn.Sequential(
            *(ResidualBlock(width, scaling=residual_scaling) for _ in range(blocks)),
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
        """The tensors of BasicSR's and MMagic's EDSR under these names.

        Neither stores the mean, and MMagic's works in 0 … 1: since all layers but the biases scale with their input,
        those alone are multiplied for 0 … 255.
        """
        if "conv_first.weight" not in tensors:
            return tensors
        last_of_body = len(self.body) - 1
        rules = {
            r"conv_first\.(\w+)": r"head.0.\1",
            r"body\.(\d+)\.conv1\.(\w+)": r"body.\1.body.0.\2",
            r"body\.(\d+)\.conv2\.(\w+)": r"body.\1.body.2.\2",
            r"conv_after_body\.(\w+)": rf"body.{last_of_body}.\1",
            r"upsample\.(\d+)\.(\w+)": r"tail.0.\1.\2",
            **{rf"upsample\.{n}\.upsample_conv\.(\w+)": rf"tail.0.{2 * n}.\1" for n in range(_STAGES)},
            r"conv_last\.(\w+)": r"tail.1.\1",
        }
        found = renamed(tensors, rules)
        if "upsample.0.upsample_conv.weight" in tensors:
            found = {name: value * LEVELS if name.endswith(".bias") else value for name, value in found.items()}
        means = {name: value for name, value in self.state_dict().items() if "_mean." in name}
        return means | found
