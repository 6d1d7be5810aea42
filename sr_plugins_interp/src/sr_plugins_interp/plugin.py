"""The interpolators and their names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sr_core import hookimpl

if TYPE_CHECKING:
    from sr_core.registry import Registrar


@hookimpl
def srkit_register(registry: Registrar) -> None:
    """Register every interpolator."""
    resampling, spline = "sr_plugins_interp.resampling", "sr_plugins_interp.spline"
    keys = "Keys, IEEE Trans. ASSP 1981; MATLAB imresize"
    duchon = "Duchon, J. Applied Meteorology 1979; MATLAB imresize"
    unser = "Unser, IEEE Signal Processing Magazine 1999"
    registry.upsampler("nearest", f"{resampling}:Nearest", summary="each pixel repeated")
    registry.upsampler("bilinear", f"{resampling}:Bilinear", summary="straight lines between pixels")
    registry.upsampler(
        "bicubic",
        f"{resampling}:Bicubic",
        summary="cubic pieces: the field's baseline",
        reference=keys,
        year=1981,
    )
    registry.upsampler(
        "lanczos2",
        f"{resampling}:Lanczos2",
        summary="windowed sinc, 4 pixels wide",
        reference=duchon,
        year=1979,
    )
    registry.upsampler(
        "lanczos3",
        f"{resampling}:Lanczos3",
        summary="windowed sinc, 6 pixels wide",
        reference=duchon,
        year=1979,
    )
    registry.upsampler(
        "spline",
        f"{spline}:Spline",
        summary="B-spline through the pixels, order 0 to 5",
        reference=unser,
        year=1999,
    )
