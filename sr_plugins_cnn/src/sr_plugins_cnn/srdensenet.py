"""SRDenseNet: each layer reads what all layers before it said."""

from __future__ import annotations

from collections import OrderedDict
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from sr_core import Model, Scale, full_precision
from sr_plugins_cnn.convolutions import he_convolution
from sr_plugins_cnn.picture_convolution import PictureConvolution
from sr_plugins_cnn.planes import Planes, Width, plane_count
from sr_plugins_cnn.receptive_field import Convolution, TransposedConvolution, margin
from sr_plugins_cnn.sub_pixel import sub_pixel_factors


class SRDenseNet(Model):
    """Dense blocks on LR, then transposed convolutions, one for each factor 2 or 3 (Tong et al., ICCV 2017).

    `All`: every block reads the first convolution's maps and the outputs of all blocks before it, and so does the 1×1
    bottleneck after the last. `H`: each reads the block before, and the last one alone is enlarged. `HL`: the first
    convolution's maps with it. ReLU after all layers but the last; He initialisation. The paper has ×4 only.

    The paper leaves open what happens inside a block; here, as in the ports, its first convolution reads the block's
    input, the others what the block itself has made so far. Names of tensors are those of yjn870's SRDenseNet-pytorch.

    Args:
        scale: the one scale it is for.
        skip: which features are enlarged.
        blocks: dense blocks.
        convolutions: 3×3 convolutions in a block.
        growth: maps that each of them makes; the first convolution of all makes as many as a block.
        enlarged_width: maps from the bottleneck on.
        overlapping: kernels of the transposed convolutions are 2 · stride − 1 wide (3×3 for ×2, as the paper says);
            otherwise as wide as the stride, which comes within 1 % of the 2,015K weights of later tables.
        channels: `y`, `rgb` or a number of planes.
    """

    def __init__(
        self,
        scale: Literal[2, 3, 4, 8],
        skip: Literal["H", "HL", "All"] = "All",
        blocks: Annotated[int, Field(ge=1)] = 8,
        convolutions: Annotated[int, Field(ge=1)] = 8,
        growth: Width = 16,
        enlarged_width: Width = 256,
        overlapping: bool = True,
        channels: Planes = "y",
    ) -> None:
        super().__init__()
        planes = plane_count(channels)
        self.channels = channels
        self.scales = frozenset({scale})
        self.skip = skip
        block_width = growth * convolutions
        self.conv = _rectified(planes, block_width)
        self.dense_blocks = nn.ModuleList(
            _DenseBlock(block_width * (index + 1 if skip == "All" else 1), growth, convolutions)
            for index in range(blocks)
        )
        gathered = block_width * {"H": 1, "HL": 2, "All": blocks + 1}[skip]
        if skip == "All":
            self.bottleneck = nn.Sequential(he_convolution(gathered, enlarged_width, 1), nn.ReLU())
            gathered = enlarged_width
        enlarging = [
            _transposed(gathered if index == 0 else enlarged_width, enlarged_width, factor, overlapping)
            for index, factor in enumerate(sub_pixel_factors(scale))
        ]
        self.deconv = nn.Sequential(*(module for layer in enlarging for module in (layer, nn.ReLU())))
        self.reconstruction = PictureConvolution(enlarged_width, planes)
        for layer in (*enlarging, self.reconstruction):
            nn.init.kaiming_normal_(layer.weight)
            nn.init.zeros_(layer.get_parameter("bias"))
        on_lr = Convolution(1 + blocks * convolutions)
        reach = (
            TransposedConvolution(layer.kernel_size[0], layer.stride[0], int(layer.padding[0])) for layer in enlarging
        )
        self.margin = margin([on_lr, *reach, Convolution(1)], scale)

    def forward(self, lr: Tensor, scale: Scale) -> Tensor:
        """Super-resolve `lr`, N×C×H×W with the planes it is for."""
        del scale
        features = self.deconv(self._gathered(self.conv(lr)))
        with full_precision(features) as (features,):
            sr: Tensor = self.reconstruction(features)
            return sr

    def _gathered(self, low: Tensor) -> Tensor:
        """The features that are enlarged, from those of the first convolution."""
        features = low
        if self.skip == "All":
            for block in self.dense_blocks:
                features = torch.cat((features, block(features)), 1)
            gathered: Tensor = self.bottleneck(features)
            return gathered
        for block in self.dense_blocks:
            features = block(features)
        return features if self.skip == "H" else torch.cat((low, features), 1)


class _DenseBlock(nn.Module):
    def __init__(self, inputs: int, growth: int, convolutions: int) -> None:
        super().__init__()
        widths = [inputs, *(growth * index for index in range(1, convolutions))]
        self.block = nn.ModuleList(_rectified(width, growth) for width in widths)

    def forward(self, features: Tensor) -> Tensor:
        first, *others = self.block
        made: Tensor = first(features)
        for layer in others:
            made = torch.cat((made, layer(made)), 1)
        return made


def _rectified(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(OrderedDict(conv=he_convolution(inputs, outputs), relu=nn.ReLU()))


def _transposed(inputs: int, outputs: int, factor: int, overlapping: bool) -> nn.ConvTranspose2d:
    kernel = 2 * factor - 1 if overlapping else factor
    padding = (kernel - factor + 1) // 2
    return nn.ConvTranspose2d(
        inputs, outputs, kernel, stride=factor, padding=padding, output_padding=2 * padding - (kernel - factor)
    )
