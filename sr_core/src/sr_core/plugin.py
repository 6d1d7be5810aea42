"""The core's own components, registered through the same hook as anyone's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sr_core.hooks import hookimpl

if TYPE_CHECKING:
    from sr_core.registry import Registrar


@hookimpl
def srkit_register(registry: Registrar) -> None:
    """Register the standard degradations and metrics."""
    registry.degradation(
        "bicubic",
        "sr_core.degradations.bicubic:Bicubic",
        summary="MATLAB's imresize, bicubic: the field's LR, to the bit",
        reference="Keys, IEEE Trans. ASSP 1981; MATLAB imresize",
        year=1981,
    )
    registry.degradation(
        "gaussian",
        "sr_core.degradations.gaussian:Gaussian",
        summary="Gaussian blur, then every scale-th pixel: the LR of ESPCN and of the BD sets",
        reference="Shi et al., CVPR 2016; Zhang et al., CVPR 2018",
        year=2016,
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
    registry.metric(
        "ssim_global",
        "sr_core.metrics.ssim_global:GlobalSSIM",
        summary="structural similarity of whole pictures, one window: luminance x contrast x structure",
        reference="Wang et al., IEEE Trans. Image Processing 2004",
        year=2004,
    )
    registry.metric(
        "ms_ssim",
        "sr_core.metrics.ms_ssim:MultiScaleSSIM",
        summary="structural similarity at five resolutions",
        reference="Wang, Simoncelli and Bovik, Asilomar 2003",
        year=2003,
    )
    registry.metric(
        "ifc",
        "sr_core.metrics.ifc:IFC",
        summary="information fidelity criterion: what SR tells of HR, in bits a pixel (ifcvec)",
        reference="Sheikh, Bovik and de Veciana, IEEE Trans. Image Processing 2005",
        year=2005,
    )
    registry.metric(
        "vif",
        "sr_core.metrics.vif:VIF",
        summary="visual information fidelity: the share of HR's information in SR, on sub-bands (vifvec)",
        reference="Sheikh and Bovik, IEEE Trans. Image Processing 2006",
        year=2006,
    )
    registry.metric(
        "vifp",
        "sr_core.metrics.vif:PixelVIF",
        summary="visual information fidelity on pixels, a faster relative with its own figures",
        reference="Sheikh and Bovik, IEEE Trans. Image Processing 2006",
        year=2006,
    )
    registry.metric(
        "niqe",
        "sr_core.metrics.niqe:NIQE",
        summary="natural image quality evaluator, without a reference; lower is better",
        reference="Mittal, Soundararajan and Bovik, IEEE Signal Processing Letters 2013",
        year=2013,
    )
    registry.metric(
        "consistency",
        "sr_core.metrics.consistency:Consistency",
        summary="PSNR in dB between LR and SR shrunk again by the degradation",
        reference="Lugmayr et al., NTIRE 2021",
        year=2021,
    )
    registry.metric(
        "lpips",
        "sr_core.metrics.perceptual:LPIPS",
        summary="learned perceptual distance; needs torchmetrics and torchvision",
        reference="Zhang et al., CVPR 2018",
        year=2018,
    )
    registry.metric(
        "dists",
        "sr_core.metrics.perceptual:DISTS",
        summary="distance of structure and texture; needs torchmetrics and torchvision",
        reference="Ding et al., TPAMI 2020",
        year=2020,
    )
