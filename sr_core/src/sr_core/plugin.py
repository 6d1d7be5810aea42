"""The core's own components, registered through the same hook as anyone's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sr_core.hooks import hookimpl

if TYPE_CHECKING:
    from sr_core.registry import Registrar


@hookimpl
def srkit_register(registry: Registrar) -> None:
    """Register the standard degradation and metrics."""
    registry.degradation(
        "bicubic",
        "sr_core.degradations.bicubic:Bicubic",
        summary="MATLAB's imresize, bicubic: the field's LR, to the bit",
        reference="Keys, IEEE Trans. ASSP 1981; MATLAB imresize",
        year=1981,
    )
    registry.metric(
        "psnr",
        "sr_core.metrics.psnr:PSNR",
        summary="peak signal-to-noise ratio in dB, the mean of the pictures' values",
    )
    registry.metric(
        "ssim",
        "sr_core.metrics.ssim:SSIM",
        summary="structural similarity, 11x11 Gaussian of sigma 1.5, valid region",
        reference="Wang et al., IEEE Trans. Image Processing 2004",
        year=2004,
    )
