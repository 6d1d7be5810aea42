"""SRCNN: the network that began the field."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn
from torch.nn import functional as F

from sr_core import Model, Prediction, Scale, SrkitError, full_precision
from sr_plugins_cnn.activation import Activation, activation_layer, activation_radius
from sr_plugins_cnn.enlarging import ScalesToTake, enlarge, margin_on_lr, scales_taken
from sr_plugins_cnn.picture_convolution import PictureConvolution
from sr_plugins_cnn.planes import Planes, Width, plane_count


class SRCNN(Model):
    """Three convolutions on the picture enlarged by bicubic (Dong et al., ECCV 2014; TPAMI 2016).

    9×9 extracts patches, the middle layer maps them, 5×5 reconstructs: 9-1-5, 9-3-5 or 9-5-5 by `middle_kernel`.
    Trained without padding, against the centre of HR; a whole picture is continued by its border pixels, before each
    layer, as in the authors' test code. Weights start from N(0, 0.001²), biases at 0.

    Args:
        middle_kernel: side of the middle kernel.
        features: width of the first and the second layer.
        channels: `y`, `rgb` or a number of planes.
        scales: the scales it is for.
        activation: `relu`, or `xunit` in its place, which is padded by zeros.
    """

    def __init__(
        self,
        middle_kernel: Literal[1, 3, 5] = 1,
        features: tuple[Width, Width] = (64, 32),
        channels: Planes = "y",
        scales: ScalesToTake = (2, 3, 4),
        activation: Activation = "relu",
    ) -> None:
        super().__init__()
        planes = plane_count(channels)
        self.channels = channels
        self.scales = scales_taken(scales)
        self.first = nn.Conv2d(planes, features[0], 9)
        self.middle = nn.Conv2d(features[0], features[1], middle_kernel)
        self.last = PictureConvolution(features[1], planes, 5, padding=0)
        self.activations = nn.ModuleList(activation_layer(activation, width) for width in features)
        self.radius_of_activation = activation_radius(activation)
        self.border = sum(_radius(layer) for layer in (self.first, self.middle, self.last))
        self.border += len(self.activations) * self.radius_of_activation
        self.margin = margin_on_lr(self.border, self.scales)
        for layer in (self.first, self.middle, self.last):
            nn.init.normal_(layer.weight, std=1e-3)
            nn.init.zeros_(layer.get_parameter("bias"))

    def forward(self, lr: Tensor, scale: Scale) -> Tensor:
        """Super-resolve `lr`, N×C×H×W with the planes it is for."""
        return self._convolved(enlarge(lr, scale), padded=True)

    def predictions(self, lr: Tensor, hr: Tensor, scale: Scale, progress: float) -> tuple[Prediction, ...]:
        """What is left of SR without padding, and the centre of HR.

        Raises:
            SrkitError: nothing is left; the crops are too small.
        """
        del progress
        if min(hr.shape[-2:]) <= 2 * self.border:
            least, found = 2 * self.border + 1, f"{hr.shape[-2]}×{hr.shape[-1]}"
            raise SrkitError(f"SRCNN learns from HR crops of {least} pixels or more; these are {found}")
        sr = self._convolved(enlarge(lr, scale), padded=False)
        return (Prediction("sr", sr, _without_border(hr, self.border)),)

    def _convolved(self, image: Tensor, *, padded: bool) -> Tensor:
        features = image
        for layer, activation in zip((self.first, self.middle), self.activations, strict=True):
            features = activation(_convolved(layer, features, padded))
            if not padded:  # nor does anything stay that an activation has padded
                features = _without_border(features, self.radius_of_activation)
        with full_precision(features) as (features,):
            return _convolved(self.last, features, padded)


def _convolved(layer: nn.Conv2d, image: Tensor, padded: bool) -> Tensor:
    radius = _radius(layer)
    result: Tensor = layer(F.pad(image, (radius,) * 4, mode="replicate") if padded and radius else image)
    return result


def _radius(layer: nn.Conv2d) -> int:
    return layer.kernel_size[0] // 2


def _without_border(image: Tensor, border: int) -> Tensor:
    height, width = image.shape[-2:]
    return image[..., border : height - border, border : width - border]
