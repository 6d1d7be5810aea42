"""DWSR: what bicubic lacks, predicted in the wavelet domain."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field
from torch import Tensor, nn

from sr_core import Model, Scale, full_precision
from sr_core.imaging.padding import continued
from sr_plugins_cnn.convolutions import he_convolution
from sr_plugins_cnn.enlarging import enlarge
from sr_plugins_cnn.planes import Planes, Width, plane_count
from sr_plugins_cnn.receptive_field import Bicubic, Convolution, PixelShuffle, StridedConvolution, margin
from sr_plugins_cnn.wavelets import from_sub_bands, sub_bands

_LAST_OF_THE_AUTHORS = 20
"""The number that the authors' code gives the last layer, however many come before."""

WholeScales = Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1)]


class DWSR(Model):
    """Convolutions from the Haar sub-bands of the bicubic picture to those of what it lacks (Guo et al., CVPRW 2017).

    A first and a last convolution and `depth` between them, at half the size of SR. The paper compares sub-bands; the
    transform is orthonormal, so that their squared error is the one of the picture, which training compares here.
    Sides that are odd are continued by one line. Zero padding, ReLU after all layers but the last, first weights of the
    authors' code (tT0NG/DWSRx2, DWSRx3, DWSRx4), whose first kernel is 5×5 at ×2 and ×4, and 3×3 at ×3.

    Args:
        depth: convolutions between the first and the last.
        width: maps of the hidden layers.
        first_kernel: side of the first kernel.
        channels: `y`, `rgb` or a number of planes, each with four sub-bands.
        scales: the scales it is for, whole numbers: the sub-bands of a tile must be those of the picture.
    """

    def __init__(
        self,
        depth: Annotated[int, Field(ge=1)] = 10,
        width: Width = 64,
        first_kernel: Literal[3, 5] = 5,
        channels: Planes = "y",
        scales: WholeScales = (2, 3, 4),
    ) -> None:
        super().__init__()
        planes = plane_count(channels)
        self.channels = channels
        self.scales = frozenset(scales)
        # At odd scales every second LR pixel begins in the middle of a 2×2 block of SR.
        self.multiple = 2 if any(scale % 2 for scale in scales) else 1
        self.margin = max(_margin(first_kernel // 2 + depth + 1, scale) for scale in scales)
        self.first = he_convolution(4 * planes, width, first_kernel)
        nn.init.normal_(self.first.weight, std=(2 / (9 * planes)) ** 0.5)  # the authors count neither bands nor 5×5
        self.body = nn.ModuleList(he_convolution(width, width) for _ in range(depth))
        self.last = he_convolution(width, 4 * planes)

    def forward(self, lr: Tensor, scale: Scale) -> Tensor:
        """Super-resolve `lr`, N×C×H×W with the planes it is for."""
        enlarged = enlarge(lr, scale)
        height, width = enlarged.shape[-2:]
        features = self.first(sub_bands(continued(enlarged, 2))).relu()
        for layer in self.body:
            features = layer(features).relu()
        with full_precision(features, enlarged) as (features, enlarged):
            # The transform is linear: what is added to the sub-bands may as well be added to the picture.
            sr: Tensor = enlarged + from_sub_bands(self.last(features))[..., :height, :width]
            return sr

    def adopt(self, tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Also takes the authors' TensorFlow variables by their names, kernels laid out as there (h×w×in×out)."""
        return dict(self._adopted(name, tensor) for name, tensor in tensors.items())

    def _adopted(self, name: str, tensor: Tensor) -> tuple[str, Tensor]:
        match = re.fullmatch(r"conv_(\d\d)_([wb])", name)
        if not match:
            return name, tensor
        number, kind = int(match[1]), match[2]
        layer = {0: "first", _LAST_OF_THE_AUTHORS: "last"}.get(number, f"body.{number - 1}")
        return (f"{layer}.weight", tensor.permute(3, 2, 0, 1)) if kind == "w" else (f"{layer}.bias", tensor)


def _margin(radius: int, scale: int) -> int:
    transform, inverse = StridedConvolution(2, 2, 0), PixelShuffle(2)
    return margin([Bicubic(scale), transform, Convolution(radius), inverse], scale, period=2)
