"""CARN and CARN-M: light networks whose blocks, and whose blocks in blocks, all read what came before them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from sr_core import Model, Scale, full_precision
from sr_core.imaging.size import per_axis
from sr_plugins_cnn.mean_shift import MeanShift
from sr_plugins_cnn.picture_convolution import PictureConvolution
from sr_plugins_cnn.planes import Planes, Width, plane_count
from sr_plugins_cnn.receptive_field import Convolution, margin, sub_pixel_layers
from sr_plugins_cnn.renaming import renamed
from sr_plugins_cnn.sub_pixel import SubPixelScale, sub_pixel_convolution, sub_pixel_factors

_CASCADED = 3
"""Residual blocks in a block, and blocks in a network."""
_RADIUS = 1 + _CASCADED * _CASCADED * 2
"""Of all 3×3 convolutions on LR, one after the other."""

Initialisation = Literal["released", "he"]
CascadeScales = Annotated[tuple[SubPixelScale, ...], Field(min_length=1)]


class _CascadingNetwork(Model):
    """What both networks are: blocks in a cascade, and an upsampler for each scale.

    Args:
        scales: the scales it is for; each has an upsampler of its own.
        width: maps of the features.
        groups: into which the convolutions of the upsamplers are split.
        channels: planes of the picture.
        initialisation: of all weights.
        block: makes one block.
    """

    equal_axes = True

    def __init__(
        self,
        scales: CascadeScales,
        width: int,
        groups: int,
        channels: Planes,
        initialisation: Initialisation,
        block: Callable[[], nn.Module],
    ) -> None:
        super().__init__()
        planes, rgb = plane_count(channels), channels == "rgb"
        self.channels = channels
        self.scales = frozenset(scales)
        self.margin = max(_margin(scale) for scale in scales)
        self.sub_mean = MeanShift(planes, -1, rgb=rgb, levels=1)
        self.entry = nn.Conv2d(planes, width, 3, padding=1)
        self.b1, self.b2, self.b3 = block(), block(), block()
        self.c1, self.c2, self.c3 = (_Fusion((2 + before) * width, width) for before in range(_CASCADED))
        self.upsample = nn.ModuleDict({f"up{scale}": _Upsampler(scale, width, groups) for scale in sorted(self.scales)})
        self.exit = PictureConvolution(width, planes)
        self.add_mean = MeanShift(planes, 1, rgb=rgb, levels=1)
        if initialisation == "he":
            for layer in self.modules():
                if isinstance(layer, nn.Conv2d) and layer is not self.exit:
                    nn.init.kaiming_normal_(layer.weight)
                    nn.init.zeros_(layer.bias)  # type: ignore[arg-type] # all have one

    def forward(self, lr: Tensor, scale: Scale) -> Tensor:
        """Super-resolve `lr`, N×C×H×W with the planes it is for."""
        with full_precision(lr) as (lr,):
            features = self.entry(self.sub_mean(lr))
        features = _cascaded(features, (self.b1, self.b2, self.b3), (self.c1, self.c2, self.c3))
        features = self.upsample[f"up{per_axis(scale)[0]:g}"](features)
        with full_precision(features) as (features,):
            sr: Tensor = self.add_mean(self.exit(features))
            return sr

    def adopt(self, tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Also takes the authors' files (nmhkahn/CARN-pytorch), of one scale or, as released, of three.

        Of a file for several scales, the upsamplers of those that this network is not for are left out.
        """
        names = {r"(sub|add)_mean\.shifter\.(\w+)": r"\1_mean.\2"}
        mine = list(self.upsample)
        if len(mine) == 1:
            names[r"upsample\.up\.(.+)"] = rf"upsample.{mine[0]}.\1"
        elsewhere = tuple(f"upsample.{other}." for other in ("up2", "up3", "up4") if other not in mine)
        return {name: tensor for name, tensor in renamed(tensors, names).items() if not name.startswith(elsewhere)}


class CARN(_CascadingNetwork):
    """Three blocks of three residual blocks, fused again and again by 1×1 convolutions (Ahn et al., ECCV 2018).

    What a block says is concatenated with all that came before it, and fused; in each block its residual blocks
    likewise. One network serves several scales, with an upsampler for each. Pictures are 0 … 1 less the mean of DIV2K.
    State-dict names and first weights (PyTorch's own) are those of the authors' CARN-pytorch.

    Args:
        scales: the scales it is for, of 1, 2, 3, 4, 8 and 16; a step teaches the upsampler of its scale alone.
        width: maps of the features.
        channels: `y`, `rgb` or a number of planes; only RGB has a mean.
        initialisation: `released`, or `he` (He et al., ICCV 2015), with which short trainings learn faster.
    """

    def __init__(
        self,
        scales: CascadeScales = (2, 3, 4),
        width: Width = 64,
        channels: Planes = "rgb",
        initialisation: Initialisation = "released",
    ) -> None:
        super().__init__(scales, width, 1, channels, initialisation, lambda: _CascadingBlock(width))


class CARNM(_CascadingNetwork):
    """CARN-M, the mobile CARN: grouped convolutions, and one residual block three times in each block.

    Ahn et al., ECCV 2018, section 3.4. As in the authors' CARN-pytorch, whose names these are, the upsamplers are
    grouped too.

    Args:
        scales: the scales it is for, of 1, 2, 3, 4, 8 and 16; a step teaches the upsampler of its scale alone.
        width: maps of the features; a multiple of `groups`.
        groups: into which the 3×3 convolutions are split.
        channels: `y`, `rgb` or a number of planes; only RGB has a mean.
        initialisation: `released`, or `he` (He et al., ICCV 2015), with which short trainings learn faster.

    Raises:
        ValueError: the groups do not divide the width.
    """

    def __init__(
        self,
        scales: CascadeScales = (2, 3, 4),
        width: Width = 64,
        groups: Annotated[int, Field(ge=1)] = 4,
        channels: Planes = "rgb",
        initialisation: Initialisation = "released",
    ) -> None:
        if width % groups:
            raise ValueError(f"width: {width} maps cannot be split into {groups} groups; choose a multiple of {groups}")
        super().__init__(scales, width, groups, channels, initialisation, lambda: _SharingBlock(width, groups))


def _margin(scale: int) -> int:
    return margin([Convolution(_RADIUS), *sub_pixel_layers(sub_pixel_factors(scale)), Convolution(1)], scale)


def _cascaded(features: Tensor, blocks: tuple[nn.Module, ...], fusions: tuple[nn.Module, ...]) -> Tensor:
    """Each block reads what was fused last; each fusion reads the features and what all blocks said so far."""
    said = [features]
    for block, fusion in zip(blocks, fusions, strict=True):
        said.append(block(features))
        features = fusion(torch.cat(said, 1))
    return features


class _CascadingBlock(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.b1, self.b2, self.b3 = (_ResidualBlock(width) for _ in range(_CASCADED))
        self.c1, self.c2, self.c3 = (_Fusion((2 + before) * width, width) for before in range(_CASCADED))

    def forward(self, features: Tensor) -> Tensor:
        return _cascaded(features, (self.b1, self.b2, self.b3), (self.c1, self.c2, self.c3))


class _SharingBlock(nn.Module):
    """A cascade of one residual block, which is applied each time."""

    def __init__(self, width: int, groups: int) -> None:
        super().__init__()
        self.b1 = _ResidualBlock(width, groups)
        self.c1, self.c2, self.c3 = (_Fusion((2 + before) * width, width) for before in range(_CASCADED))

    def forward(self, features: Tensor) -> Tensor:
        return _cascaded(features, (self.b1,) * _CASCADED, (self.c1, self.c2, self.c3))


class _ResidualBlock(nn.Module):
    """ReLU(x + conv(ReLU(conv(x)))): unlike EDSR's, the sum is rectified.

    Grouped convolutions (None: not grouped) are brought together by a 1×1 convolution.
    """

    def __init__(self, width: int, groups: int | None = None) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, groups=groups or 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 3, padding=1, groups=groups or 1),
        )
        if groups is not None:
            self.body.extend([nn.ReLU(inplace=True), nn.Conv2d(width, width, 1)])

    def forward(self, features: Tensor) -> Tensor:
        summed: Tensor = self.body(features) + features
        return summed.relu()


class _Fusion(nn.Module):
    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(inputs, width, 1), nn.ReLU(inplace=True))

    def forward(self, said: Tensor) -> Tensor:
        fused: Tensor = self.body(said)
        return fused


class _Upsampler(nn.Module):
    """Sub-pixel convolutions, each rectified: before the shuffle or after it is the same."""

    def __init__(self, scale: int, width: int, groups: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for factor in sub_pixel_factors(scale):
            convolution = nn.Conv2d(width, factor**2 * width, 3, padding=1, groups=groups)
            layers += [convolution, nn.ReLU(inplace=True), nn.PixelShuffle(factor)]
        self.body = nn.Sequential(*layers)

    def forward(self, features: Tensor) -> Tensor:
        for layer in self.body:
            if isinstance(layer, nn.Conv2d):
                features = sub_pixel_convolution(layer, features).relu()
        return features
