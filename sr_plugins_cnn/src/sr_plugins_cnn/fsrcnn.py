"""FSRCNN: SRCNN made fast by working on LR."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from sr_core import Model, Scale, full_precision
from sr_plugins_cnn.planes import Planes, Width, plane_count
from sr_plugins_cnn.transposed import Enlarging


class FSRCNN(Model):
    """FSRCNN(d, s, m): features on LR, shrunk, mapped, expanded, enlarged at the very end (Dong et al., ECCV 2016).

    5×5 to d maps; 1×1 shrinks to s; m times 3×3; 1×1 expands to d; each with a PReLU of its own slope a map; then a
    9×9 transposed convolution whose stride is the scale. FSRCNN-s is (32, 5, 1). He initialisation; the last layer
    starts from N(0, 0.001²).

    Args:
        scale: the one scale it is for.
        d: maps of the features (the paper's LR feature dimension).
        s: maps after shrinking (its level of contraction).
        m: 3×3 layers in between (its mapping depth).
        channels: `y`, `rgb` or a number of planes.
    """

    def __init__(
        self,
        scale: Annotated[int, Field(ge=2, le=8)],
        d: Width = 56,
        s: Width = 12,
        m: Annotated[int, Field(ge=0)] = 4,
        channels: Planes = "y",
    ) -> None:
        super().__init__()
        planes = plane_count(channels)
        self.channels = channels
        self.scales = frozenset({scale})
        self.features = _layer(planes, d, 5)
        self.shrinking = _layer(d, s, 1)
        self.mapping = nn.Sequential(*(_layer(s, s, 3) for _ in range(m)))
        self.expanding = _layer(s, d, 1)
        self.last = Enlarging(d, planes, 9, stride=scale, padding=4)
        # SR pixel scale·i + k, k < scale, reads features ⌈(k − 4) / scale⌉ to ⌊(k + 4) / scale⌋ pixels from LR pixel i.
        self.margin = 2 + m + (scale + 3) // scale
        nn.init.normal_(self.last.weight, std=1e-3)
        nn.init.zeros_(self.last.get_parameter("bias"))

    def forward(self, lr: Tensor, scale: Scale) -> Tensor:
        """Super-resolve `lr`, N×C×H×W with the planes it is for."""
        del scale
        features = self.expanding(self.mapping(self.shrinking(self.features(lr))))
        with full_precision(features) as (features,):
            sr: Tensor = self.last(features)
            return sr


class _PReLU(nn.PReLU):
    """PReLU, by operations that CPUs have in bfloat16 for any number of maps."""

    def forward(self, features: Tensor) -> Tensor:
        """N×F×H×W to the same."""
        if torch.is_grad_enabled() or features.device.type != "cpu":
            return super().forward(features)
        slopes = self.weight.to(features.dtype).view(-1, 1, 1)
        return torch.addcmul(features.relu(), slopes, features.clamp(max=0))


def _layer(inputs: int, outputs: int, kernel: int) -> nn.Sequential:
    convolution = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2)
    activation = _PReLU(outputs)
    nn.init.kaiming_normal_(convolution.weight, a=activation.init)
    nn.init.zeros_(convolution.get_parameter("bias"))
    return nn.Sequential(convolution, activation)
