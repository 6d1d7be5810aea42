"""MDSR: one body for several scales, with a head and an upsampler for each."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from torch import Tensor, nn

from sr_core import Model, Scale, full_precision
from sr_core.imaging.size import per_axis
from sr_plugins_cnn.activation import Activation, activation_radius
from sr_plugins_cnn.mean_shift import LEVELS, MeanShift
from sr_plugins_cnn.picture_convolution import PictureConvolution
from sr_plugins_cnn.planes import Planes, Width, plane_count
from sr_plugins_cnn.receptive_field import Convolution, margin, sub_pixel_layers
from sr_plugins_cnn.residual_blocks import ResidualBlock
from sr_plugins_cnn.sub_pixel import SubPixelScale, SubPixelUpsampler, sub_pixel_factors


class MDSR(Model):
    """EDSR for several scales: two 5×5 residual blocks in front and the upsampler are each scale's own.

    Lim et al., CVPRW 2017. Values, names and first weights are as in `EDSR`, and so are the defaults: the authors'
    baseline; the paper's MDSR is `blocks=80`. A step teaches the head and the upsampler of its scale alone, so every
    parameter has learned only once each scale has had a batch.

    Args:
        scales: the scales it is for: some of 1, 2, 3, 4, 8 and 16; heads and upsamplers are stored in rising order.
        blocks: residual blocks of the body.
        width: maps of the features.
        channels: `y`, `rgb` or a number of planes; only RGB has a mean.
        activation: `relu`, or `xunit` in its place.
    """

    equal_axes = True

    def __init__(
        self,
        scales: Annotated[tuple[SubPixelScale, ...], Field(min_length=1)] = (2, 3, 4),
        blocks: Annotated[int, Field(ge=1)] = 16,
        width: Width = 64,
        channels: Planes = "rgb",
        activation: Activation = "relu",
    ) -> None:
        super().__init__()
        planes = plane_count(channels)
        self.channels = channels
        self.scales = frozenset(scales)
        rising = sorted(self.scales)
        self.margin = max(_margin(blocks, scale, activation_radius(activation)) for scale in rising)
        self.places: dict[float, int] = {scale: place for place, scale in enumerate(rising)}
        self.sub_mean = MeanShift(planes, -1, rgb=channels == "rgb")
        self.head = nn.Sequential(nn.Conv2d(planes, width, 3, padding=1))
        self.pre_process = nn.ModuleList(
            nn.Sequential(*(ResidualBlock(width, kernel=5, activation=activation) for _ in range(2))) for _ in rising
        )
        self.body = nn.Sequential(
            *(ResidualBlock(width, activation=activation) for _ in range(blocks)),
            nn.Conv2d(width, width, 3, padding=1),
        )
        self.upsample = nn.ModuleList(SubPixelUpsampler(scale, width) for scale in rising)
        self.tail = nn.Sequential(PictureConvolution(width, planes))
        self.add_mean = MeanShift(planes, 1, rgb=channels == "rgb")

    def forward(self, lr: Tensor, scale: Scale) -> Tensor:
        """Super-resolve `lr`, N×C×H×W with the planes it is for."""
        place = self.places[per_axis(scale)[0]]
        with full_precision(lr) as (lr,):
            shallow = self.head(self.sub_mean(lr * LEVELS))
        shallow = self.pre_process[place](shallow)
        features = self.upsample[place](self.body(shallow) + shallow)
        with full_precision(features) as (features,):
            sr: Tensor = self.add_mean(self.tail(features)) / LEVELS
            return sr


def _margin(blocks: int, scale: int, activation: int) -> int:
    """With a head of one convolution and two blocks of 5×5, and an activation of that radius in every block."""
    on_lr = Convolution(1 + 2 * (4 + activation) + blocks * (2 + activation) + 1)
    return margin([on_lr, *sub_pixel_layers(sub_pixel_factors(scale)), Convolution(1)], scale)
