"""SRVGGNetCompact, the small generator of Real-ESRGAN: convolutions on LR, whose result is added to nearest pixels."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from sr_core import Model, Scale, full_precision
from sr_plugins_gan.planes import Planes, Width, plane_count


class RealESRGANCompact(Model):
    """A row of convolutions on LR, shuffled into pixels and added to nearest ones (Wang et al., Real-ESRGAN, 2021).

    The paper has no such network: it is of the authors' released code, for videos and slow machines. Every convolution
    but the last has a PReLU with a slope for each map. State-dict names and first weights (PyTorch's own) are those of
    its SRVGGNetCompact.

    Args:
        scale: the one scale it is for: a whole number.
        convolutions: between the first and the last; 16 in realesr-animevideov3, 32 in realesr-general-x4v3.
        width: maps of the features.
        channels: `y`, `rgb` or a number of planes.
    """

    def __init__(
        self,
        scale: Annotated[int, Field(ge=1, le=16)],
        convolutions: Annotated[int, Field(ge=0)] = 16,
        width: Width = 64,
        channels: Planes = "rgb",
    ) -> None:
        super().__init__()
        planes = plane_count(channels)
        self.channels = channels
        self.scales = frozenset({scale})
        self.factor = scale
        self.margin = convolutions + 2
        layers: list[nn.Module] = [nn.Conv2d(planes, width, 3, padding=1), nn.PReLU(width)]
        for _ in range(convolutions):
            layers += [nn.Conv2d(width, width, 3, padding=1), nn.PReLU(width)]
        self.body = nn.Sequential(*layers, nn.Conv2d(width, planes * scale**2, 3, padding=1))

    def forward(self, lr: Tensor, scale: Scale) -> Tensor:
        """Super-resolve `lr`, N×C×H×W with the planes it is for."""
        del scale
        first, *between, last = self.body
        with full_precision(lr) as (lr,):
            features = first(lr)
        for layer in between:
            features = layer(features)
        with full_precision(features, lr) as (features, lr):
            sr: Tensor = F.pixel_shuffle(last(features), self.factor)
            return sr + F.interpolate(lr, scale_factor=self.factor, mode="nearest")
