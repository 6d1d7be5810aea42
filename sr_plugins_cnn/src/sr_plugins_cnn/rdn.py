"""RDN: dense blocks with a skip around each, and all their outputs fused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from sr_core import Model, Scale, full_precision
from sr_plugins_cnn.mean_shift import LEVELS
from sr_plugins_cnn.picture_convolution import PictureConvolution
from sr_plugins_cnn.planes import Planes, Width, plane_count
from sr_plugins_cnn.receptive_field import Convolution, margin, sub_pixel_layers
from sr_plugins_cnn.renaming import renamed
from sr_plugins_cnn.sub_pixel import SubPixelScale, SubPixelUpsampler, sub_pixel_factors, through_sub_pixels

_NAMES_OF_YJN870 = {
    r"sfe([12])\.(weight|bias)": r"SFENet\1.\2",
    r"rdbs\.(\d+)\.layers\.(\d+)\.conv\.(weight|bias)": r"RDBs.\1.convs.\2.conv.0.\3",
    r"rdbs\.(\d+)\.lff\.(weight|bias)": r"RDBs.\1.LFF.\2",
    r"gff\.([01])\.(weight|bias)": r"GFF.\1.\2",
    r"upscale\.(\d+)\.(weight|bias)": r"UPNet.\1.\2",
}


class RDN(Model):
    """Residual dense blocks on LR, fused by 1×1 convolutions, then a sub-pixel upsampler (Zhang et al., CVPR 2018).

    The outputs of all blocks are fused and added to what the first convolution said; only the dense layers in the
    blocks have a ReLU. First weights are Torch's own, as the authors leave them.

    Names of tensors and the range of 0 … 255 inside are those of EDSR-PyTorch's `rdn.py`. The authors' Torch code also
    subtracts the mean colour of DIV2K; ports with published weights do not. The upsampler is as wide as the features,
    as the authors have it; EDSR-PyTorch's is as wide as the growth, which differs in its smaller configuration.

    Args:
        scale: the one scale it is for.
        depth: residual dense blocks (the paper's D).
        convolutions: 3×3 convolutions in a block (C).
        growth: maps that each of them adds (G).
        width: maps between blocks (G0).
        channels: `y`, `rgb` or a number of planes.
    """

    def __init__(
        self,
        scale: SubPixelScale,
        depth: Annotated[int, Field(ge=1)] = 16,
        convolutions: Annotated[int, Field(ge=1)] = 8,
        growth: Width = 64,
        width: Width = 64,
        channels: Planes = "rgb",
    ) -> None:
        super().__init__()
        planes = plane_count(channels)
        self.channels = channels
        self.scales = frozenset({scale})
        on_lr = Convolution(2 + depth * convolutions + 1)
        self.margin = margin([on_lr, *sub_pixel_layers(sub_pixel_factors(scale)), Convolution(1)], scale)
        self.SFENet1 = nn.Conv2d(planes, width, 3, padding=1)
        self.SFENet2 = nn.Conv2d(width, width, 3, padding=1)
        self.RDBs = nn.ModuleList(_ResidualDenseBlock(width, growth, convolutions) for _ in range(depth))
        self.GFF = nn.Sequential(nn.Conv2d(depth * width, width, 1), nn.Conv2d(width, width, 3, padding=1))
        self.UPNet = nn.Sequential(*SubPixelUpsampler(scale, width), PictureConvolution(width, planes))

    def forward(self, lr: Tensor, scale: Scale) -> Tensor:
        """Super-resolve `lr`, N×C×H×W with the planes it is for."""
        del scale
        with full_precision(lr) as (lr,):
            shallow = self.SFENet1(lr * LEVELS)
        features = self.SFENet2(shallow)
        outputs = []
        for block in self.RDBs:
            features = block(features)
            outputs.append(features)
        features = self.GFF(torch.cat(outputs, 1)) + shallow
        *enlarging, last = self.UPNet
        features = through_sub_pixels(enlarging, features)
        with full_precision(features) as (features,):
            sr: Tensor = last(features) / LEVELS
            return sr

    def adopt(self, tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Also takes files of yjn870's RDN-pytorch, torchSR and mmagic, which work in 0 … 1.

        All layers but the biases scale with their input, so those alone have to be multiplied for 0 … 255.
        """
        last = {r"output\.(weight|bias)": rf"UPNet.{len(self.UPNet) - 1}.\1"}
        own = renamed(tensors, _NAMES_OF_YJN870 | last)
        if own.keys() == tensors.keys():
            return own
        return {name: tensor * LEVELS if name.endswith(".bias") else tensor for name, tensor in own.items()}


class _ResidualDenseBlock(nn.Module):
    def __init__(self, width: int, growth: int, convolutions: int) -> None:
        super().__init__()
        self.convs = nn.Sequential(*(_DenseLayer(width + index * growth, growth) for index in range(convolutions)))
        self.LFF = nn.Conv2d(width + convolutions * growth, width, 1)

    def forward(self, features: Tensor) -> Tensor:
        fused: Tensor = self.LFF(self.convs(features))
        return fused + features


class _DenseLayer(nn.Module):
    """Adds its maps to those that it has read.

    They are concatenated anew each time: one buffer that every layer writes a slice of was no faster for channels-last
    or bfloat16, since a convolution first copies a slice anyway.
    """

    def __init__(self, inputs: int, growth: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(nn.Conv2d(inputs, growth, 3, padding=1), nn.ReLU())

    def forward(self, features: Tensor) -> Tensor:
        return torch.cat((features, self.conv(features)), 1)
