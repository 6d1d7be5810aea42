"""The networks and their names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sr_core import hookimpl

if TYPE_CHECKING:
    from sr_core.registry import Registrar


@hookimpl
def srkit_register(registry: Registrar) -> None:
    """Register every network, with its place in the field: where in it the picture grows (`framework`)."""
    registry.model(
        "srcnn",
        "sr_plugins_cnn.srcnn:SRCNN",
        configurations={f"SRCNN 9-{kernel}-5": {"middle_kernel": kernel} for kernel in (1, 3, 5)},
        summary="three convolutions on the enlarged picture: the first SR network",
        reference="Dong et al., ECCV 2014 and TPAMI 2016",
        year=2014,
        framework="pre",
        upsampling="interpolation",
        design=("plain",),
        scales=(2, 3, 4),
    )
    registry.model(
        "fsrcnn",
        "sr_plugins_cnn.fsrcnn:FSRCNN",
        configurations={"FSRCNN": {}, "FSRCNN-s": {"d": 32, "s": 5, "m": 1}},
        summary="shrink, map, expand on LR, then one transposed convolution",
        reference="Dong et al., ECCV 2016",
        year=2016,
        framework="post",
        upsampling="transposed",
        design=("plain",),
        scales=(2, 3, 4),
    )
    registry.model(
        "espcn",
        "sr_plugins_cnn.espcn:ESPCN",
        summary="three convolutions on LR, then pixels shuffled into place",
        reference="Shi et al., CVPR 2016",
        year=2016,
        framework="post",
        upsampling="sub-pixel",
        design=("plain",),
        scales=(2, 3, 4),
    )
    registry.model(
        "vdsr",
        "sr_plugins_cnn.vdsr:VDSR",
        summary="20 convolutions that learn what bicubic lacks, one network for several scales",
        reference="Kim et al., CVPR 2016",
        year=2016,
        framework="pre",
        upsampling="interpolation",
        design=("residual",),
        scales=(2, 3, 4),
    )
