"""MSRResNet: what BasicSR made of SRResNet, without batch normalisation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from sr_core import Model, Scale, full_precision
from sr_plugins_cnn.picture_convolution import PictureConvolution
from sr_plugins_cnn.planes import Planes, Width, plane_count
from sr_plugins_cnn.receptive_field import Convolution, margin, sub_pixel_layers
from sr_plugins_cnn.renaming import renamed
from sr_plugins_cnn.sub_pixel import sub_pixel_convolution, sub_pixel_factors


class MSRResNet(Model):
    """SRResNet without batch normalisation, around a bilinear skip, as BasicSR has it (Wang et al., ECCVW 2018).

    3×3 throughout. The blocks have ReLU inside, all other layers but the last a leaky ReLU of slope 0.1; no skip leads
    over the blocks. A convolution follows the upsampler, and SR adds to the bilinear picture. Weights start from a
    tenth of He's; names are BasicSR's. The paper only says that normalisation is left out: the rest is the code's.

    Args:
        scale: the one scale it is for: 2, 3 or 4.
        blocks: residual blocks.
        width: maps of the features.
        channels: `y`, `rgb` or a number of planes.
    """

    def __init__(
        self,
        scale: Literal[2, 3, 4],
        blocks: Annotated[int, Field(ge=1)] = 16,
        width: Width = 64,
        channels: Planes = "rgb",
    ) -> None:
        super().__init__()
        planes = plane_count(channels)
        factors = sub_pixel_factors(scale)
        self.channels = channels
        self.scales = frozenset({scale})
        self.factor = scale
        self.margin = margin([Convolution(1 + 2 * blocks), *sub_pixel_layers(factors), Convolution(2)], scale)
        self.conv_first = nn.Conv2d(planes, width, 3, padding=1)
        self.body = nn.Sequential(*(_PlainBlock(width) for _ in range(blocks)))
        self.upconv1 = nn.Conv2d(width, width * factors[0] ** 2, 3, padding=1)
        self.upconv2 = nn.Conv2d(width, width * factors[1] ** 2, 3, padding=1) if len(factors) == 2 else None
        self.conv_hr = nn.Conv2d(width, width, 3, padding=1)
        self.conv_last = PictureConvolution(width, planes)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                _start(layer)

    def forward(self, lr: Tensor, scale: Scale) -> Tensor:
        """Super-resolve `lr`, N×C×H×W with the planes it is for."""
        del scale
        with full_precision(lr) as (lr,):
            features = _leaky(self.conv_first(lr))
        features = self._enlarged(self.body(features), self.upconv1)
        if self.upconv2 is not None:
            features = self._enlarged(features, self.upconv2)
        features = _leaky(self.conv_hr(features))
        with full_precision(features, lr) as (features, lr):
            bilinear = F.interpolate(lr, scale_factor=self.factor, mode="bilinear", align_corners=False)
            sr: Tensor = self.conv_last(features) + bilinear
            return sr

    def adopt(self, tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """The tensors of MMagic's MSRResNet, of mmsr's and of KAIR's MSRResNet1 under these names."""
        rules = {
            r"(?:trunk_net|recon_trunk)\.(.+)": r"body.\1",
            r"upsample([12])\.upsample_conv\.(\w+)": r"upconv\1.\2",
            r"HRconv\.(\w+)": r"conv_hr.\1",
        }
        return renamed(tensors, rules)

    def _enlarged(self, features: Tensor, convolution: nn.Conv2d) -> Tensor:
        return _leaky(sub_pixel_convolution(convolution, features))


class _PlainBlock(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, features: Tensor) -> Tensor:
        residual: Tensor = self.conv2(self.conv1(features).relu_())
        return features + residual


def _start(layer: nn.Conv2d) -> None:
    nn.init.kaiming_normal_(layer.weight)
    with torch.no_grad():
        layer.weight.mul_(0.1)
    nn.init.zeros_(layer.get_parameter("bias"))


def _leaky(features: Tensor) -> Tensor:
    return F.leaky_relu(features, 0.1, inplace=True)
