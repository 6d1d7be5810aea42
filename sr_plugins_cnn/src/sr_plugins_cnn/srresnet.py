"""SRResNet: residual blocks on LR, with batch normalisation, enlarged by sub-pixel convolutions."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from sr_core import Model, Scale, full_precision
from sr_plugins_cnn.picture_convolution import PictureConvolution
from sr_plugins_cnn.planes import Planes, Width, plane_count
from sr_plugins_cnn.receptive_field import Convolution, margin, sub_pixel_layers
from sr_plugins_cnn.renaming import renamed
from sr_plugins_cnn.sub_pixel import SubPixelScale, sub_pixel_factors, through_sub_pixels


class SRResNet(Model):
    """Residual blocks with batch normalisation on LR, then the sub-pixel upsampler (Ledig et al., CVPR 2017).

    9×9 and PReLU; blocks of 3×3, normalisation, PReLU, 3×3, normalisation and a skip; 3×3 and normalisation, after
    which the long skip ends; for each ×2 a 3×3, a pixel shuffle and PReLU; 9×9. A PReLU has one slope, as in all ports.
    Inside, LR has values 0 … 1 and SR −1 … 1. The authors released nothing: weights start as PyTorch starts them, which
    most ports leave so. Names are those of BasicSR's MSRResNet as far as it goes.

    Args:
        scale: the one scale it is for: 1, 2, 3, 4, 8 or 16; the paper's is 4.
        blocks: residual blocks.
        width: maps of the features.
        tanh: whether SR ends in a tanh, as in some ports.
        standardised: whether LR is brought to the mean and deviation of ImageNet first, as in one port; for RGB.
        channels: `y`, `rgb` or a number of planes.

    Raises:
        ValueError: `standardised` where `channels` is not `rgb`.
    """

    def __init__(
        self,
        scale: SubPixelScale,
        blocks: Annotated[int, Field(ge=1)] = 16,
        width: Width = 64,
        tanh: bool = False,
        standardised: bool = False,
        channels: Planes = "rgb",
    ) -> None:
        super().__init__()
        if standardised and channels != "rgb":
            raise ValueError("standardised: ImageNet has a mean and deviation for channels 'rgb' alone")
        planes = plane_count(channels)
        factors = sub_pixel_factors(scale)
        self.channels = channels
        self.scales = frozenset({scale})
        self.margin = margin([Convolution(4 + 2 * blocks + 1), *sub_pixel_layers(factors), Convolution(4)], scale)
        self.standard: nn.Module = _ImageNetStandard() if standardised else nn.Identity()
        self.conv_first = nn.Conv2d(planes, width, 9, padding=4)
        self.prelu_first = nn.PReLU()
        self.body = nn.Sequential(*(_NormalisedBlock(width) for _ in range(blocks)))
        self.conv_after_body = nn.Conv2d(width, width, 3, padding=1)
        self.bn_after_body = nn.BatchNorm2d(width)
        self.upsample = nn.Sequential(*(_enlarging(width, factor) for factor in factors))
        self.conv_last = PictureConvolution(width, planes, 9)
        self.end: nn.Module = nn.Tanh() if tanh else nn.Identity()

    def forward(self, lr: Tensor, scale: Scale) -> Tensor:
        """Super-resolve `lr`, N×C×H×W with the planes it is for."""
        del scale
        with full_precision(lr) as (lr,):
            shallow = self.prelu_first(self.conv_first(self.standard(lr)))
        features = shallow + self.bn_after_body(self.conv_after_body(self.body(shallow)))
        for stage in self.upsample:
            features = through_sub_pixels(stage.children(), features)
        with full_precision(features) as (features,):
            sr: Tensor = (self.end(self.conv_last(features)) + 1) / 2
            return sr

    def adopt(self, tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """The tensors of three ports under these names.

        leftthomas/SRGAN (5 blocks, tanh), sgrvinod/a-PyTorch-Tutorial-to-Super-Resolution (tanh, standardised; its
        SRGAN says `net.` in front) and Lornatang/SRGAN-PyTorch. The last has no biases in front of normalisation and
        gives SR in 0 … 1: the biases become 0, and the last layer's values are stretched to −1 … 1.
        """
        layers = {**_SGRVINOD_AND_LORNATANG, **_leftthomas(len(self.body))}
        rules = {rf"(?:net\.)?{theirs}\.(?P<tensor>\w+)": rf"{ours}.\g<tensor>" for theirs, ours in layers.items()}
        found = renamed(tensors, rules)
        if "trunk.0.rcb.0.weight" in tensors:
            convolutions = {name: weight for name, weight in found.items() if weight.ndim == 4}
            biases = {f"{name.removesuffix('weight')}bias": w.new_zeros(len(w)) for name, w in convolutions.items()}
            last = {name: 2 * value for name, value in found.items() if name.startswith("conv_last.")}
            found = {**biases, **found, **last}
            found["conv_last.bias"] = found["conv_last.bias"] - 1
        return found


class _NormalisedBlock(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(width)
        self.prelu = nn.PReLU()
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)
        self.bn2 = nn.BatchNorm2d(width)

    def forward(self, features: Tensor) -> Tensor:
        residual: Tensor = self.bn2(self.conv2(self.prelu(self.bn1(self.conv1(features)))))
        return features + residual


def _enlarging(width: int, factor: int) -> nn.Sequential:
    convolution = nn.Conv2d(width, factor**2 * width, 3, padding=1)
    return nn.Sequential(OrderedDict(conv=convolution, shuffle=nn.PixelShuffle(factor), prelu=nn.PReLU()))


class _ImageNetStandard(nn.Module):
    """Red, green and blue less their mean in ImageNet, over their deviation there."""

    mean: Tensor
    deviation: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor((0.485, 0.456, 0.406)).view(3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor((0.229, 0.224, 0.225)).view(3, 1, 1), persistent=False)

    def forward(self, rgb: Tensor) -> Tensor:
        return (rgb - self.mean) / self.deviation


_SGRVINOD_AND_LORNATANG = {
    r"conv_block1\.conv_block\.0": "conv_first",
    r"conv_block1\.conv_block\.1": "prelu_first",
    r"residual_blocks\.(\d+)\.conv_block1\.conv_block\.0": r"body.\1.conv1",
    r"residual_blocks\.(\d+)\.conv_block1\.conv_block\.1": r"body.\1.bn1",
    r"residual_blocks\.(\d+)\.conv_block1\.conv_block\.2": r"body.\1.prelu",
    r"residual_blocks\.(\d+)\.conv_block2\.conv_block\.0": r"body.\1.conv2",
    r"residual_blocks\.(\d+)\.conv_block2\.conv_block\.1": r"body.\1.bn2",
    r"conv_block2\.conv_block\.0": "conv_after_body",
    r"conv_block2\.conv_block\.1": "bn_after_body",
    r"subpixel_convolutional_blocks\.(\d+)\.(conv|prelu)": r"upsample.\1.\2",
    r"conv_block3\.conv_block\.0": "conv_last",
    # Lornatang: `conv_block1` in earlier versions, `conv1` in later ones
    r"conv(?:_block)?1\.0": "conv_first",
    r"conv(?:_block)?1\.1": "prelu_first",
    r"trunk\.(\d+)\.rcb\.0": r"body.\1.conv1",
    r"trunk\.(\d+)\.rcb\.1": r"body.\1.bn1",
    r"trunk\.(\d+)\.rcb\.2": r"body.\1.prelu",
    r"trunk\.(\d+)\.rcb\.3": r"body.\1.conv2",
    r"trunk\.(\d+)\.rcb\.4": r"body.\1.bn2",
    r"conv(?:_block)?2\.0": "conv_after_body",
    r"conv(?:_block)?2\.1": "bn_after_body",
    r"upsampling\.(\d+)\.upsample_block\.0": r"upsample.\1.conv",
    r"upsampling\.(\d+)\.upsample_block\.2": r"upsample.\1.prelu",
    r"conv(?:_block)?3": "conv_last",
}


def _leftthomas(blocks: int) -> dict[str, str]:
    """The blocks and what surrounds them are numbered through."""
    return {
        r"block1\.0": "conv_first",
        r"block1\.1": "prelu_first",
        **{rf"block{n + 2}\.(conv1|bn1|prelu|conv2|bn2)": rf"body.{n}.\1" for n in range(blocks)},
        rf"block{blocks + 2}\.0": "conv_after_body",
        rf"block{blocks + 2}\.1": "bn_after_body",
        rf"block{blocks + 3}\.(\d+)\.(conv|prelu)": r"upsample.\1.\2",
        rf"block{blocks + 3}\.\d+": "conv_last",
    }
