"""DSRN: a recursion of two states, one in LR and one in HR, that tell each other what they have found."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from sr_core import Model, Scale, full_precision
from sr_plugins_cnn.enlarging import enlarge
from sr_plugins_cnn.picture_convolution import PictureConvolution
from sr_plugins_cnn.planes import Planes, Width, plane_count
from sr_plugins_cnn.recomputing import recomputed


class DSRN(Model):
    """Two states, in LR and in HR, each the sum of what both were a step before (Han et al., CVPR 2018).

    Two convolutions make the first LR state; HR has its first a step later. In each step a state adds to itself what
    two convolutions make of it and what the other state says: a transposed convolution takes LR to HR, averaging HR to
    LR; then ReLU. All steps share these weights. A 1×1 convolution makes, of the mean of all HR states, what bicubic
    lacks. First weights are TensorFlow's (Glorot's, biases 0).

    All this, and the names of layers, is as in the authors' TensorFlow code (WeiHan3/dsrn). It is an RGB network (its
    732,035 weights at ×2 are those of three planes) that is measured on Y. Between the states its kernels and strides
    are 2, whatever the scale; how its ×3 and ×4 were made it does not show. Here they are as large as the scale.

    Args:
        scale: the one scale it is for, 2 … 16.
        steps: T, the states of LR, the first among them; HR has one less.
        width: maps of the states.
        channels: `y`, `rgb` or a number of planes.
        recompute: keep only the states while training, and compute what is between them again in the backward pass.
    """

    def __init__(
        self,
        scale: Annotated[int, Field(ge=2, le=16)],
        steps: Annotated[int, Field(ge=3)] = 7,
        width: Annotated[Width, Field(ge=2)] = 128,
        channels: Planes = "rgb",
        recompute: bool = False,
    ) -> None:
        super().__init__()
        planes = plane_count(channels)
        self.channels = channels
        self.scales = frozenset({scale})
        self.factor = scale
        self.steps = steps
        self.recompute = recompute
        # Farthest sees the way that stays in LR, all steps but the last; in HR a convolution reaches less far.
        self.margin = 2 + 2 * (steps - 2)
        self.in_0 = nn.Conv2d(planes, width // 2, 3, padding=1)
        self.in_1 = nn.Conv2d(width // 2, width, 3, padding=1)
        self.s1s1 = _Link(width)
        self.s2s2 = _Link(width)
        self.up = _Squares(width, scale)
        self.out = PictureConvolution(width, planes, 1)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
                nn.init.xavier_uniform_(layer.weight)
                nn.init.zeros_(layer.get_parameter("bias"))

    def forward(self, lr: Tensor, scale: Scale) -> Tensor:
        """Super-resolve `lr`, N×C×H×W with the planes it is for."""
        enlarged = enlarge(lr, scale)
        in_lr = self.in_1(self.in_0(lr).relu_()).relu_()
        in_hr = self.up(in_lr).relu_()
        in_lr = (self.s1s1(in_lr) + in_lr).relu_()
        share = 1 / (self.steps - 1)
        mean = in_hr * share
        for _ in range(self.steps - 3):
            in_lr, in_hr = recomputed(self._step, in_lr, in_hr, of=self, when=self.recompute)
            mean = torch.add(mean, in_hr, alpha=share)
        # The LR state of the last step would tell nobody.
        in_hr = recomputed(self._next_in_hr, in_lr, in_hr, of=self, when=self.recompute)
        mean = torch.add(mean, in_hr, alpha=share)
        with full_precision(mean, enlarged) as (mean, enlarged):
            sr: Tensor = self.out(mean) + enlarged
            return sr

    def _step(self, in_lr: Tensor, in_hr: Tensor) -> tuple[Tensor, Tensor]:
        next_in_lr = (self.s1s1(in_lr) + in_lr + F.avg_pool2d(in_hr, self.factor)).relu_()
        return next_in_lr, self._next_in_hr(in_lr, in_hr)

    def _next_in_hr(self, in_lr: Tensor, in_hr: Tensor) -> Tensor:
        state: Tensor = self.s2s2(in_hr) + in_hr + self.up(in_lr)
        return state.relu_()


class _Link(nn.Module):
    """Two convolutions from a state to itself; what they add to it."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, state: Tensor) -> Tensor:
        added: Tensor = self.conv2(self.conv1(state).relu_())
        return added


class _Squares(nn.ConvTranspose2d):
    """A transposed convolution whose kernel is as large as its stride: each pixel becomes a square of its own.

    So it is a 1×1 convolution whose maps are laid out; CPUs are much faster at that.
    """

    def __init__(self, width: int, factor: int) -> None:
        super().__init__(width, width, factor, factor)
        self.factor = factor

    def forward(self, features: Tensor, output_size: list[int] | None = None) -> Tensor:
        """N×F×sH×sW from N×F×H×W; `output_size` is of no use."""
        del output_size
        kernel = self.weight.permute(2, 3, 1, 0).flatten(0, 2)[..., None, None]
        bias = self.get_parameter("bias").repeat(self.factor**2)
        maps = F.conv2d(features, kernel, bias)
        batch, _, rows, columns = maps.shape
        squares = maps.view(batch, self.factor, self.factor, self.out_channels, rows, columns)
        places = squares.permute(0, 4, 1, 5, 2, 3)  # N×H×s×W×s×F
        return places.flatten(3, 4).flatten(1, 2).movedim(-1, 1)
