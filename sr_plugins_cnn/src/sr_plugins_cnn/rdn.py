"""RDN: dense blocks with a skip around each, and all their outputs fused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from sr_core import Backbone, Model, Scale, full_precision
from sr_plugins_cnn.activation import Activation, activation_layer, activation_radius
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


class _DenseFeatures(nn.Module):
    """What RDN is in front of its upsampler."""

    def __init__(
        self, planes: int, depth: int, convolutions: int, growth: int, width: int, activation: Activation = "relu"
    ) -> None:
        super().__init__()
        self.SFENet1 = nn.Conv2d(planes, width, 3, padding=1)
        self.SFENet2 = nn.Conv2d(width, width, 3, padding=1)
        self.RDBs = nn.ModuleList(_ResidualDenseBlock(width, growth, convolutions, activation) for _ in range(depth))
        self.GFF = nn.Sequential(nn.Conv2d(depth * width, width, 1), nn.Conv2d(width, width, 3, padding=1))

    def features_of(self, picture: Tensor) -> Tensor:
        """N×width×H×W of a picture in whatever range."""
        with full_precision(picture) as (picture,):
            shallow: Tensor = self.SFENet1(picture)
        features = self.SFENet2(shallow)
        fusion, last = self.GFF
        weight, bias = fusion.parameters()
        # A 1×1 convolution over the outputs of all blocks is a sum over blocks: none has to be kept, or copied.
        fused = bias.view(-1, 1, 1)
        for block, own in zip(self.RDBs, weight.chunk(len(self.RDBs), 1), strict=True):
            features = block(features)
            fused = fused + F.conv2d(features, own)
        deep: Tensor = last(fused)
        return deep + shallow


class RDNBackbone(_DenseFeatures, Backbone):
    """RDN without upsampler and range: the network around it cares for these (Zhang et al., CVPR 2018).

    Args:
        depth: residual dense blocks (the paper's D).
        convolutions: 3×3 convolutions in a block (C).
        growth: maps that each of them adds (G).
        width: maps between blocks (G0), and of the features.
        channels: `y`, `rgb` or a number of planes.
    """

    def __init__(
        self,
        depth: Annotated[int, Field(ge=1)] = 16,
        convolutions: Annotated[int, Field(ge=1)] = 8,
        growth: Width = 64,
        width: Width = 64,
        channels: Planes = "rgb",
    ) -> None:
        super().__init__(plane_count(channels), depth, convolutions, growth, width)
        self.channels, self.width, self.margin = channels, width, depth * convolutions + 3

    def forward(self, lr: Tensor) -> Tensor:
        """Features N×width×H×W of N×C×H×W."""
        return self.features_of(lr)


class RDN(_DenseFeatures, Model):
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
        activation: of the dense layers: `relu`, or `xunit` in its place.
    """

    def __init__(
        self,
        scale: SubPixelScale,
        depth: Annotated[int, Field(ge=1)] = 16,
        convolutions: Annotated[int, Field(ge=1)] = 8,
        growth: Width = 64,
        width: Width = 64,
        channels: Planes = "rgb",
        activation: Activation = "relu",
    ) -> None:
        planes = plane_count(channels)
        super().__init__(planes, depth, convolutions, growth, width, activation)
        self.channels = channels
        self.scales = frozenset({scale})
        on_lr = Convolution(2 + depth * convolutions * (1 + activation_radius(activation)) + 1)
        self.margin = margin([on_lr, *sub_pixel_layers(sub_pixel_factors(scale)), Convolution(1)], scale)
        self.UPNet = nn.Sequential(*SubPixelUpsampler(scale, width), PictureConvolution(width, planes))

    def forward(self, lr: Tensor, scale: Scale) -> Tensor:
        """Super-resolve `lr`, N×C×H×W with the planes it is for."""
        del scale
        *enlarging, last = self.UPNet
        features = through_sub_pixels(enlarging, self.features_of(lr * LEVELS))
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
    def __init__(self, width: int, growth: int, convolutions: int, activation: Activation) -> None:
        super().__init__()
        layers = (_DenseLayer(width + index * growth, growth, activation) for index in range(convolutions))
        self.convs = nn.Sequential(*layers)
        self.LFF = nn.Conv2d(width + convolutions * growth, width, 1)

    def forward(self, features: Tensor) -> Tensor:
        fused: Tensor = self.LFF(self.convs(features))
        return fused + features


class _DenseLayer(nn.Module):
    """Adds its maps to those that it has read.

    They are concatenated anew each time: one buffer that every layer writes a slice of was no faster for channels-last
    or bfloat16, since a convolution first copies a slice anyway.
    """

    def __init__(self, inputs: int, growth: int, activation: Activation) -> None:
        super().__init__()
        self.conv = nn.Sequential(nn.Conv2d(inputs, growth, 3, padding=1), activation_layer(activation, growth))

    def forward(self, features: Tensor) -> Tensor:
        return torch.cat((features, self.conv(features)), 1)
