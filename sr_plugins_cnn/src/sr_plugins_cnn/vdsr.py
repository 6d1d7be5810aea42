"""VDSR: depth, and learning only what bicubic lacks."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle, islice
from typing import Annotated

from pydantic import Field
from torch import Tensor, nn

from sr_core import Model, Scale, full_precision
from sr_plugins_cnn.activation import Activation, activation_layer, activation_radius
from sr_plugins_cnn.convolutions import he_convolution
from sr_plugins_cnn.enlarging import ScalesToTake, enlarge, margin_on_lr, scales_taken
from sr_plugins_cnn.planes import Planes, Width, plane_count
from sr_plugins_cnn.renaming import renamed


class VDSR(Model):
    """20 convolutions 3×3 whose sum with the bicubic picture is SR (Kim et al., CVPR 2016).

    One network serves several scales, since it works on the enlarged picture. ReLU after all layers but the last,
    zero padding, He initialisation.

    Args:
        depth: number of convolutions.
        width: maps of the hidden layers.
        bias: whether convolutions add a bias; ports without it are common.
        channels: `y`, `rgb` or a number of planes.
        scales: the scales it is for.
        dilation: pixels between the taps of the hidden layers' kernels, of one layer after the other, again and again:
            [1, 2, 3, 4, 3, 2, 1] is IRCNN's (Zhang et al., Learning Deep CNN Denoiser Prior, CVPR 2017).
        activation: `relu`, or `xunit` in its place.
    """

    def __init__(
        self,
        depth: Annotated[int, Field(ge=2)] = 20,
        width: Width = 64,
        bias: bool = True,
        channels: Planes = "y",
        scales: ScalesToTake = (2, 3, 4),
        dilation: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1)] = (1,),
        activation: Activation = "relu",
    ) -> None:
        super().__init__()
        planes = plane_count(channels)
        self.channels = channels
        self.scales = scales_taken(scales)
        gaps = tuple(islice(cycle(dilation), depth - 2))
        radius = 2 + sum(gaps) + (depth - 1) * activation_radius(activation)
        self.margin = margin_on_lr(radius, self.scales)
        self.first = he_convolution(planes, width, bias=bias)
        self.body = nn.ModuleList(he_convolution(width, width, bias=bias, dilation=gap) for gap in gaps)
        self.activations = nn.ModuleList(activation_layer(activation, width) for _ in range(depth - 1))
        self.last = he_convolution(width, planes, bias=bias)

    def forward(self, lr: Tensor, scale: Scale) -> Tensor:
        """Super-resolve `lr`, N×C×H×W with the planes it is for."""
        enlarged = enlarge(lr, scale)
        features = enlarged
        for layer, activation in zip((self.first, *self.body), self.activations, strict=True):
            features = activation(layer(features))
        with full_precision(features, enlarged) as (features, enlarged):
            sr: Tensor = self.last(features) + enlarged
            return sr

    def adopt(self, tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """The tensors of the authors' model and of the common ports under these names.

        VDSR_Official.mat (cells `weight` and `bias`); twtygqyy/pytorch-vdsr and Lornatang/VDSR-PyTorch, which both need
        `bias: false`.
        """
        layers = ["first", *(f"body.{index}" for index in range(len(self.body))), "last"]
        authors = {rf"(weight|bias)\.{index}": rf"{layer}.\1" for index, layer in enumerate(layers)}
        return renamed(tensors, {**authors, **_PORTS})


_PORTS = {
    r"(?:input|conv1\.0)\.(\w+)": r"first.\1",
    r"(?:residual_layer|trunk)\.(\d+)\.conv\.(\w+)": r"body.\1.\2",
    r"(?:output|conv2)\.(\w+)": r"last.\1",
}
