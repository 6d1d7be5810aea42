"""EDSR: SRResNet without batch normalisation, wider and deeper."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from sr_core import Backbone, Model, Scale, full_precision, sr_size
from sr_core.imaging.padding import continued
from sr_plugins_cnn.activation import Activation, activation_radius
from sr_plugins_cnn.mean_shift import LEVELS, MeanShift, stored_means
from sr_plugins_cnn.picture_convolution import PictureConvolution
from sr_plugins_cnn.planes import Planes, Width, plane_count
from sr_plugins_cnn.pyramid_pooling import PooledUpsampler
from sr_plugins_cnn.receptive_field import Convolution, StridedConvolution, margin, sub_pixel_layers
from sr_plugins_cnn.renaming import renamed
from sr_plugins_cnn.residual_blocks import ResidualBlock
from sr_plugins_cnn.sub_pixel import SubPixelScale, SubPixelUpsampler, sub_pixel_factors

_STAGES = 4
"""Of the upsampler at most: ×16."""


class _ResidualFeatures(nn.Module):
    """What EDSR is in front of its upsampler."""

    def __init__(
        self, planes: int, blocks: int, width: int, residual_scaling: float, activation: Activation = "relu"
    ) -> None:
        super().__init__()
        self.head = nn.Sequential(nn.Conv2d(planes, width, 3, padding=1))
        self.body = nn.Sequential(
            *(ResidualBlock(width, scaling=residual_scaling, activation=activation) for _ in range(blocks)),
            nn.Conv2d(width, width, 3, padding=1),
        )

    def features_of(self, picture: Tensor) -> Tensor:
        """N×width×H×W of a picture in whatever range."""
        with full_precision(picture) as (picture,):
            shallow: Tensor = self.head(picture)
        features: Tensor = self.body(shallow) + shallow
        return features


class EDSRBackbone(_ResidualFeatures, Backbone):
    """EDSR without upsampler, range and mean: the network around it cares for these (Lim et al., CVPRW 2017).

    Args:
        blocks: residual blocks; 16 in the baseline.
        width: maps of the features.
        residual_scaling: of what each block adds; without 0.1 the wide network diverges.
        channels: `y`, `rgb` or a number of planes.
    """

    def __init__(
        self,
        blocks: Annotated[int, Field(ge=1)] = 16,
        width: Width = 64,
        residual_scaling: Annotated[float, Field(gt=0, le=1)] = 1.0,
        channels: Planes = "rgb",
    ) -> None:
        super().__init__(plane_count(channels), blocks, width, residual_scaling)
        self.channels, self.width, self.margin = channels, width, 2 * blocks + 2

    def forward(self, lr: Tensor) -> Tensor:
        """Features N×width×H×W of N×C×H×W."""
        return self.features_of(lr)


class EDSR(_ResidualFeatures, Model):
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
        activation: of the residual blocks: `relu`, or `xunit` in its place.
        desubpixel: side of the squares of LR pixels that are the planes of one pixel inside: the body then works on a
            smaller picture, and the tail enlarges by so much more (Vu et al., FEQE, ECCVW 2018).
        pyramid_pooling: bins along each side of the pyramid pooling in front of each convolution of the upsampler; none
            by default. [1, 2, 3, 6] is EDSR-PP's (Park et al., CVPRW 2018). The network then sees the whole picture.
    """

    def __init__(
        self,
        scale: SubPixelScale,
        blocks: Annotated[int, Field(ge=1)] = 16,
        width: Width = 64,
        residual_scaling: Annotated[float, Field(gt=0, le=1)] = 1.0,
        channels: Planes = "rgb",
        activation: Activation = "relu",
        desubpixel: SubPixelScale = 1,
        pyramid_pooling: tuple[Annotated[int, Field(ge=1)], ...] = (),
    ) -> None:
        planes = plane_count(channels)
        super().__init__(desubpixel**2 * planes, blocks, width, residual_scaling, activation)
        self.channels = channels
        self.scales = frozenset({scale})
        self.multiple = desubpixel
        factors = sub_pixel_factors(desubpixel) + sub_pixel_factors(scale)
        self.sub_mean = MeanShift(planes, -1, rgb=channels == "rgb")
        upsampler: nn.Sequential
        if pyramid_pooling:
            upsampler = PooledUpsampler(factors, width, pyramid_pooling)
        else:
            upsampler = SubPixelUpsampler(desubpixel, width).extend(SubPixelUpsampler(scale, width))
            entry = StridedConvolution(desubpixel, desubpixel, 0)
            body = Convolution(blocks * (2 + activation_radius(activation)) + 2)
            self.margin = margin([entry, body, *sub_pixel_layers(factors), Convolution(1)], scale, period=desubpixel)
        self.tail = nn.Sequential(upsampler, PictureConvolution(width, planes))
        self.add_mean = MeanShift(planes, 1, rgb=channels == "rgb")

    def forward(self, lr: Tensor, scale: Scale) -> Tensor:
        """Super-resolve `lr`, N×C×H×W with the planes it is for."""
        rows, columns = sr_size((lr.shape[-2], lr.shape[-1]), scale)
        upsampler, last = self.tail
        with full_precision(continued(lr, self.multiple)) as (lr,):
            levels = F.pixel_unshuffle(self.sub_mean(lr * LEVELS), self.multiple)
        features = upsampler(self.features_of(levels))
        with full_precision(features) as (features,):
            sr: Tensor = self.add_mean(last(features)) / LEVELS
            return sr[..., :rows, :columns]

    def adopt(self, tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """The tensors of BasicSR's and MMagic's EDSR under these names; those of EDSR-PP have them, but for ×3.

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
        return stored_means(self) | found
