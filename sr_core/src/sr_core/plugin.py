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
    registry.degradation(
        "bd",
        "sr_core.degradations.bd:BD",
        summary="blurred (7x7, sigma 1.6), then every scale-th pixel: the LR of the BD tables",
        reference="Zhang et al., CVPR 2018",
        year=2018,
    )
    registry.degradation(
        "dn",
        "sr_core.degradations.dn:DN",
        summary="bicubic, then noise of level 30: the LR of the DN tables",
        reference="Zhang et al., CVPR 2018",
        year=2018,
    )
    registry.degradation(
        "gaussian_blur",
        "sr_core.degradations.blurs:GaussianBlur",
        summary="a round blur, of its own width for each sample; then bicubic",
    )
    registry.degradation(
        "anisotropic_blur",
        "sr_core.degradations.blurs:AnisotropicBlur",
        summary="a blur wider in one direction than across it, its own for each sample; then bicubic",
    )
    registry.degradation(
        "motion_blur",
        "sr_core.degradations.blurs:MotionBlur",
        summary="the blur of a camera moving straight on, its own for each sample; then bicubic",
    )
    registry.degradation(
        "sinc",
        "sr_core.degradations.blurs:Sinc",
        summary="bicubic, then a low pass that rings: halos as of sharpening and compression",
        reference="Wang et al., ICCVW 2021",
        year=2021,
    )
    registry.degradation(
        "noise",
        "sr_core.degradations.noise:Noise",
        summary="bicubic, then Gaussian or Poisson noise, in colour or gray",
    )
    registry.degradation(
        "jpeg",
        "sr_core.degradations.jpeg:Jpeg",
        summary="bicubic, then JPEG of a random quality: a real file, or its arithmetic with a gradient",
        reference="ITU-T T.81, 1992",
        year=1992,
    )
    registry.degradation(
        "resize",
        "sr_core.degradations.resizing:Resize",
        summary="resized by a random factor and method, and back; a step of pipelines",
        reference="Wang et al., ICCVW 2021",
        year=2021,
    )
    registry.degradation(
        "compose",
        "sr_core.degradations.compose:Compose",
        summary="any degradations one after the other, in order or shuffled",
    )
    registry.degradation(
        "bsrgan",
        "sr_core.degradations.bsrgan:BSRGAN",
        summary="blur, shrinking, noise and JPEG in random order, for pictures from anywhere",
        reference="Zhang et al., ICCV 2021",
        year=2021,
    )
    registry.degradation(
        "real_esrgan",
        "sr_core.degradations.real_esrgan:RealESRGAN",
        summary="blur, resizing, noise and JPEG, all of them twice, for pictures from anywhere",
        reference="Wang et al., ICCVW 2021",
        year=2021,
    )
    registry.degradation(
        "learned",
        "sr_core.degradations.learned:Learned",
        summary="as a network of a scale below 1 has learned it from real LR pictures",
        reference="Bulat et al., ECCV 2018",
        year=2018,
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
        "drift",
        "sr_core.metrics.drift:Drift",
        summary="how far the colour of SR, shrunk again, is from LR's, in levels: what GANs may spoil unseen",
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
