"""MSRN: blocks that look at the picture through small and large kernels at once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from sr_core import Model, Scale, full_precision
from sr_plugins_cnn.mean_shift import LEVELS, MeanShift, stored_means
from sr_plugins_cnn.picture_convolution import PictureConvolution
from sr_plugins_cnn.planes import Planes, Width, plane_count
from sr_plugins_cnn.receptive_field import Convolution, margin, sub_pixel_layers
from sr_plugins_cnn.renaming import renamed
from sr_plugins_cnn.sub_pixel import SubPixelScale, SubPixelUpsampler, sub_pixel_factors, through_sub_pixels

_RADIUS_OF_A_BLOCK = 4
"""Of its 5×5 convolutions, one after the other."""
_SOME_FILES_LACK = re.compile(r"(head\.0|body\.\d+\.confusion|tail\.[012])\.bias")
"""Biases that the first release began to have later."""


class MSRN(Model):
    """Blocks of parallel 3×3 and 5×5 convolutions, whose outputs are all fused and enlarged (Li et al., ECCV 2018).

    The default is the authors' RGB network, which reaches more than the paper's: values 0 … 255 less the mean of DIV2K,
    a 3×3 convolution after the fusion, EDSR's sub-pixel upsampler. Names of tensors and first weights (PyTorch's own)
    are those of their MSRN-PyTorch; its published counts leave out the two layers for the mean, as here. The paper's
    own network is `one_step=True, channels="y"`.

    Args:
        scale: the one scale it is for: 1, 2, 3, 4, 8 or 16; in one step any up to 16.
        blocks: multi-scale residual blocks.
        width: maps between blocks; inside there are four times as many.
        one_step: as in the paper: fused features are enlarged by a single sub-pixel convolution for every scale, and
            values are 0 … 1.
        channels: `y`, `rgb` or a number of planes; only RGB has a mean.

    Raises:
        ValueError: a scale that the upsampler cannot make.
    """

    def __init__(
        self,
        scale: SubPixelScale,
        blocks: Annotated[int, Field(ge=1)] = 8,
        width: Width = 64,
        one_step: bool = False,
        channels: Planes = "rgb",
    ) -> None:
        super().__init__()
        planes, rgb = plane_count(channels), channels == "rgb"
        self.channels = channels
        self.scales = frozenset({scale})
        self.levels = 1 if one_step else LEVELS
        enlarging: tuple[nn.Module, ...]
        if one_step:
            factors: tuple[int, ...] = (scale,)
            enlarging = (nn.Conv2d(width, scale**2 * width, 3, padding=1),)
        else:
            factors = (1, *sub_pixel_factors(scale))
            enlarging = (nn.Conv2d(width, width, 3, padding=1), SubPixelUpsampler(scale, width))
        on_lr = Convolution(1 + blocks * _RADIUS_OF_A_BLOCK)
        self.margin = margin([on_lr, *sub_pixel_layers(factors), Convolution(1)], scale)
        self.sub_mean = MeanShift(planes, -1, rgb=rgb, levels=self.levels)
        self.head = nn.Sequential(nn.Conv2d(planes, width, 3, padding=1))
        self.body = nn.Sequential(*(_MultiScaleBlock(width) for _ in range(blocks)))
        fusion = nn.Conv2d((blocks + 1) * width, width, 1)
        self.tail = nn.Sequential(fusion, *enlarging, PictureConvolution(width, planes))
        self.add_mean = MeanShift(planes, 1, rgb=rgb, levels=self.levels)

    def forward(self, lr: Tensor, scale: Scale) -> Tensor:
        """Super-resolve `lr`, N×C×H×W with the planes it is for."""
        del scale
        with full_precision(lr) as (lr,):
            shallow = self.head(self.sub_mean(lr * self.levels))
        features, outputs = shallow, []
        for block in self.body:
            features = block(features)
            outputs.append(features)
        fusion, *enlarging, last = self.tail
        # The convolution in front of the upsampler is one that enlarges by 1.
        features = through_sub_pixels(enlarging, fusion(torch.cat([*outputs, shallow], dim=1)))
        with full_precision(features) as (features,):
            sr: Tensor = self.add_mean(last(features)) / self.levels
            return sr

    def adopt(self, tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Also takes the files of the authors' first release (`OLD`), the paper's network on Y; it is `one_step`.

        Its fusion reads the first features before the blocks' outputs, and in its earliest files only the 3×3 and 5×5
        convolutions of the blocks have a bias: the others' is 0. The later, RGB release has these names.
        """
        if "conv_input.weight" not in tensors:
            return tensors
        rules = {
            r"conv_input\.(\w+)": r"head.0.\1",
            **{rf"residual{block + 1}\.0\.(.+)": rf"body.{block}.\1" for block in range(len(self.body))},
            r"bottle\.(\w+)": r"tail.0.\1",
            r"conv(?:_\dx)?\.(\w+)": r"tail.1.\1",
            r"conv_output\.(\w+)": r"tail.2.\1",
        }
        found = renamed(tensors, rules)
        if "tail.0.weight" in found:
            found["tail.0.weight"] = found["tail.0.weight"].roll(-found["head.0.weight"].shape[0], dims=1)
        biases = {
            name: torch.zeros_like(tensor)
            for name, tensor in self.state_dict().items()
            if _SOME_FILES_LACK.fullmatch(name)
        }
        return biases | stored_means(self) | found


class _MultiScaleBlock(nn.Module):
    """Twice a 3×3 and a 5×5 convolution side by side, the second two on what both of the first said."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv_3_1 = nn.Conv2d(width, width, 3, padding=1)
        self.conv_3_2 = nn.Conv2d(2 * width, 2 * width, 3, padding=1)
        self.conv_5_1 = nn.Conv2d(width, width, 5, padding=2)
        self.conv_5_2 = nn.Conv2d(2 * width, 2 * width, 5, padding=2)
        self.confusion = nn.Conv2d(4 * width, width, 1)

    def forward(self, features: Tensor) -> Tensor:
        said = torch.cat([self.conv_3_1(features), self.conv_5_1(features)], dim=1).relu_()
        said = torch.cat([self.conv_3_2(said), self.conv_5_2(said)], dim=1).relu_()
        fused: Tensor = self.confusion(said)
        return fused + features
