"""The generators, discriminators and adversarial losses, and their names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sr_core import hookimpl

if TYPE_CHECKING:
    from sr_core.registry import Registrar


@hookimpl
def srkit_register(registry: Registrar) -> None:
    """Register everything that adversarial training needs."""
    registry.model(
        "esrgan",
        "sr_plugins_gan.esrgan:ESRGAN",
        configurations={"ESRGAN": {}, "Real-ESRGAN anime 6B": {"blocks": 6}},
        summary="69 dense blocks in residual blocks, then nearest pixels and convolutions; Real-ESRGAN's too",
        reference="Wang et al., ECCVW 2018",
        year=2018,
        framework="post",
        upsampling="interpolation",
        design=("residual", "dense"),
        scales=(4,),
    )
    registry.model(
        "real_esrgan_compact",
        "sr_plugins_gan.real_esrgan_compact:RealESRGANCompact",
        configurations={"Real-ESRGAN video": {}, "Real-ESRGAN general": {"convolutions": 32}},
        summary="a plain row of convolutions on LR that adds to nearest pixels: Real-ESRGAN for videos",
        reference="Wang et al., ICCVW 2021",
        year=2021,
        framework="post",
        upsampling="sub-pixel",
        design=("plain",),
        scales=(4,),
    )
    registry.model(
        "downscaler",
        "sr_plugins_gan.downscaler:Downscaler",
        summary="makes pictures smaller as real cameras do, with noise: a degradation that is learned",
        reference="Bulat et al., ECCV 2018",
        year=2018,
        design=("residual",),
        scales=(0.25,),
    )
    registry.model(
        "cincgan",
        "sr_plugins_gan.cincgan:CinCGAN",
        configurations={
            "CinCGAN": {"cleaner": {"name": "real_esrgan_compact", "scale": 1}, "enlarger": {"name": "edsr"}}
        },
        summary="a network that makes LR clean, then one that enlarges it: for real LR, learned without pairs",
        reference="Yuan et al., CVPRW 2018",
        year=2018,
        framework="post",
        upsampling="sub-pixel",
        design=("cascading",),
        scales=(4,),
    )
    registry.loss(
        "gan",
        "sr_plugins_gan.adversarial:AdversarialLoss",
        summary="a discriminator learns to tell SR from HR, and the network to be taken for HR",
        reference="Goodfellow et al., NeurIPS 2014",
        year=2014,
    )
    registry.loss(
        "cycle",
        "sr_plugins_gan.cycle:CycleLoss",
        summary="a second network leads SR back, and must arrive at LR; for training without pairs",
        reference="Zhu et al., ICCV 2017; Yuan et al., CVPRW 2018",
        year=2017,
    )
    registry.part(
        "vgg_style",
        "sr_plugins_gan.vgg_style:VGGStyleDiscriminator",
        summary="SRGAN's discriminator: convolutions as in VGG, then one verdict for the whole picture",
        reference="Ledig et al., CVPR 2017",
        year=2017,
    )
    registry.part(
        "patchgan",
        "sr_plugins_gan.patchgan:PatchGAN",
        summary="pix2pix's discriminator: a verdict for each patch of 70×70 pixels",
        reference="Isola et al., CVPR 2017",
        year=2017,
    )
    registry.part(
        "unet_sn",
        "sr_plugins_gan.unet_sn:UNetSN",
        summary="Real-ESRGAN's discriminator: a verdict for each pixel, its weights held by their norms",
        reference="Wang et al., ICCVW 2021",
        year=2021,
    )
    registry.part(
        "feature",
        "sr_plugins_gan.feature_discriminator:FeatureDiscriminator",
        summary="a small discriminator that looks through a feature network, as VGG-19",
        reference="Park et al., ECCV 2018",
        year=2018,
    )
