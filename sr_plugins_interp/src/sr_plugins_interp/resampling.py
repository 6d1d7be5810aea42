"""Interpolation with MATLAB's kernels: nearest, bilinear, bicubic, Lanczos."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from sr_core import Scale, Upsampler, resize, sr_size
from sr_core.imaging.resize import Method, Rounding


class _Resampling(Upsampler):
    """Enlarges every plane alike with one of MATLAB's kernels; any scale from 1 upwards."""

    method: ClassVar[Method]

    def __call__(self, image: Tensor, scale: Scale) -> Tensor:
        """Enlarge N×C×H×W in [0, 1]."""
        return _enlarge(image, scale, self.method, "none")


def _enlarge(image: Tensor, scale: Scale, method: Method, rounding: Rounding) -> Tensor:
    size = sr_size((image.shape[-2], image.shape[-1]), scale)
    return resize(image, scale, size, method, rounding=rounding)


class Nearest(_Resampling):
    """Each SR pixel takes the value of the LR pixel it lies in."""

    method = "nearest"
    margin = 1


class Bilinear(_Resampling):
    """The triangle kernel, 2 pixels wide."""

    method = "bilinear"
    margin = 1


class Bicubic(Upsampler):
    """The cubic kernel of Keys (1981) with a = −0.5, 4 pixels wide.

    Args:
        rounding: `none`: float throughout, as today's MATLAB on doubles; `each_pass`: rounded to 8 bits after
            each pass, as MATLAB used to enlarge 8-bit pictures; `once`: rounded to 8 bits at the end.
    """

    margin = 2

    def __init__(self, rounding: Rounding = "none") -> None:
        self.rounding = rounding

    def __call__(self, image: Tensor, scale: Scale) -> Tensor:
        """Enlarge N×C×H×W in [0, 1]."""
        return _enlarge(image, scale, "bicubic", self.rounding)


class Lanczos2(_Resampling):
    """The sinc kernel under a sinc window, 4 pixels wide (Duchon 1979)."""

    method = "lanczos2"
    margin = 2


class Lanczos3(_Resampling):
    """The sinc kernel under a sinc window, 6 pixels wide (Duchon 1979)."""

    method = "lanczos3"
    margin = 3
