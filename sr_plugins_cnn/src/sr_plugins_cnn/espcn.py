"""ESPCN: the sub-pixel convolution."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from sr_core import Model, Scale, full_precision
from sr_plugins_cnn.planes import Planes, Width, plane_count


class ESPCN(Model):
    """Three convolutions on LR; the last has a plane for each SR pixel of an LR pixel (Shi et al., CVPR 2016).

    5×5 and 3×3 with tanh, then 3×3 to scale² planes, which are shuffled into place. The paper does not say how
    weights start: here by fan-in (He et al. 2015). Glorot's smaller ones keep tanh so straight that training long stays
    at what a linear filter does.

    Args:
        scale: the one scale it is for.
        features: width of the first and the second layer.
        activation: `tanh`, which the paper prefers, or `relu`.
        channels: `y`, `rgb` or a number of planes.
    """

    margin = 4

    def __init__(
        self,
        scale: Annotated[int, Field(ge=2, le=8)],
        features: tuple[Width, Width] = (64, 32),
        activation: Literal["tanh", "relu"] = "tanh",
        channels: Planes = "y",
    ) -> None:
        super().__init__()
        planes = plane_count(channels)
        self.channels = channels
        self.scales = frozenset({scale})
        self.activation: nn.Module = nn.Tanh() if activation == "tanh" else nn.ReLU()
        self.first = nn.Conv2d(planes, features[0], 5, padding=2)
        self.middle = nn.Conv2d(features[0], features[1], 3, padding=1)
        self.last = nn.Conv2d(features[1], planes * scale**2, 3, padding=1)
        for layer in (self.first, self.middle):
            nn.init.kaiming_normal_(layer.weight, nonlinearity=activation)
        nn.init.kaiming_normal_(self.last.weight, nonlinearity="linear")
        for layer in (self.first, self.middle, self.last):
            nn.init.zeros_(layer.get_parameter("bias"))
        self.factor = scale

    def forward(self, lr: Tensor, scale: Scale) -> Tensor:
        """Super-resolve `lr`, N×C×H×W with the planes it is for."""
        del scale
        features = self.activation(self.middle(self.activation(self.first(lr))))
        with full_precision(features) as (features,):
            return F.pixel_shuffle(self.last(features), self.factor)
