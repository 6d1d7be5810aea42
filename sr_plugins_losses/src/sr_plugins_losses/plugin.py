"""The losses and their names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sr_core import hookimpl

if TYPE_CHECKING:
    from sr_core.registry import Registrar


@hookimpl
def srkit_register(registry: Registrar) -> None:
    """Register every loss."""
    _register_pixel_losses(registry)
    _register_picture_losses(registry)
    _register_feature_losses(registry)


def _register_pixel_losses(registry: Registrar) -> None:
    pixel = "sr_plugins_losses.pixel"
    registry.loss("mse", f"{pixel}:MSE", summary="squared difference: what PSNR measures")
    registry.loss("l1", f"{pixel}:L1", summary="absolute difference")
    registry.loss(
        "smooth_l1",
        f"{pixel}:SmoothL1",
        summary="L1, square near 0",
        reference="Girshick, ICCV 2015",
        year=2015,
    )
    registry.loss(
        "huber",
        f"{pixel}:Huber",
        summary="squared near 0, absolute beyond: 'smooth_l1' by another measure",
        reference="Huber, Annals of Mathematical Statistics 1964",
        year=1964,
    )
    registry.loss(
        "charbonnier",
        f"{pixel}:Charbonnier",
        summary="L1, smooth around 0",
        reference="Lai et al., CVPR 2017",
        year=2017,
    )


def _register_picture_losses(registry: Registrar) -> None:
    """Those that look at more than one pixel at a time."""
    registry.loss(
        "total_variation",
        "sr_plugins_losses.total_variation:TotalVariation",
        summary="how much neighbouring pixels of SR differ: keeps noise and checkerboards down",
        reference="Rudin, Osher and Fatemi, Physica D 1992",
        year=1992,
    )
    registry.loss(
        "edge",
        "sr_plugins_losses.edge:Edge",
        summary="L1 between the edges of SR and HR, by Sobel or Laplacian",
    )
    registry.loss(
        "frequency",
        "sr_plugins_losses.frequency:Frequency",
        summary="L1 between the Fourier spectra of SR and HR",
    )
    registry.loss(
        "consistency",
        "sr_plugins_losses.consistency:Consistency",
        summary="L1 between LR and SR shrunk by bicubic: no drift of colour or brightness",
    )
    registry.loss(
        "ssim",
        "sr_plugins_losses.structural:SSIM",
        summary="1 - SSIM: structure rather than brightness",
        reference="Wang et al., IEEE Trans. Image Processing 2004",
        year=2004,
    )
    registry.loss(
        "ms_ssim",
        "sr_plugins_losses.structural:MultiScaleSSIM",
        summary="1 - MS-SSIM: structure at five resolutions, for targets of 161x161 or more",
        reference="Wang, Simoncelli and Bovik, Asilomar 2003",
        year=2003,
    )


def _register_feature_losses(registry: Registrar) -> None:
    """Those that look through a feature network, a metric that does, and the networks."""
    simonyan = "Simonyan and Zisserman, ICLR 2015"
    registry.part(
        "vgg16", "sr_plugins_losses.vgg:VGG16", summary="a feature network: VGG-16", reference=simonyan, year=2015
    )
    registry.part(
        "vgg19", "sr_plugins_losses.vgg:VGG19", summary="a feature network: VGG-19", reference=simonyan, year=2015
    )
    registry.part(
        "resnet50",
        "sr_plugins_losses.resnet:ResNet50",
        summary="a feature network: ResNet-50",
        reference="He et al., CVPR 2016",
        year=2016,
    )
    registry.loss(
        "vgg",
        "sr_plugins_losses.perceptual:Perceptual",
        summary="difference of what a feature network sees: structure rather than pixels",
        reference="Johnson et al., ECCV 2016; Ledig et al., CVPR 2017; Wang et al., ECCVW 2018",
        year=2016,
    )
    registry.loss(
        "texture",
        "sr_plugins_losses.texture:Texture",
        summary="difference of Gram matrices: which features occur together, not where",
        reference="Gatys et al., CVPR 2016; Sajjadi et al., ICCV 2017",
        year=2016,
    )
    registry.loss(
        "contextual",
        "sr_plugins_losses.contextual:Contextual",
        summary="each feature of HR shall have its likeness somewhere in SR; needs no alignment",
        reference="Mechrez et al., ECCV 2018",
        year=2018,
    )
    registry.metric(
        "feature_distance",
        "sr_plugins_losses.feature_distance:FeatureDistance",
        summary="how far the statistics of two sets of pictures differ, as a feature network sees them",
        reference="Heusel et al., NeurIPS 2017",
        year=2017,
    )
