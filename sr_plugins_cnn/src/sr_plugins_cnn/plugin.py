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
    registry.model(
        "drcn",
        "sr_plugins_cnn.drcn:DRCN",
        summary="one convolution applied 16 times, whose pictures after each are weighed together",
        reference="Kim et al., CVPR 2016",
        year=2016,
        framework="pre",
        upsampling="interpolation",
        design=("residual", "recursive", "parameter sharing", "multi-supervision"),
        scales=(2, 3, 4),
    )
    registry.model(
        "drrn",
        "sr_plugins_cnn.drrn:DRRN",
        configurations={f"DRRN B1U{units}": {"blocks": 1, "units": units} for units in (9, 25)},
        summary="residual units again and again with the same two convolutions: 52 layers, few weights",
        reference="Tai et al., CVPR 2017",
        year=2017,
        framework="pre",
        upsampling="interpolation",
        design=("residual", "recursive", "parameter sharing", "batch normalisation"),
        scales=(2, 3, 4),
    )
    registry.model(
        "memnet",
        "sr_plugins_cnn.memnet:MemNet",
        configurations={f"MemNet M{size}R{size}": {"blocks": size, "recursions": size} for size in (6, 10)},
        summary="recursive blocks whose gates choose what to keep from all blocks before",
        reference="Tai et al., ICCV 2017",
        year=2017,
        framework="pre",
        upsampling="interpolation",
        design=(
            "residual",
            "recursive",
            "dense",
            "gating",
            "parameter sharing",
            "multi-supervision",
            "batch normalisation",
        ),
        scales=(2, 3, 4),
    )
    registry.model(
        "lapsrn",
        "sr_plugins_cnn.lapsrn:LapSRN",
        summary="a pyramid that doubles the picture level by level, each compared with HR",
        reference="Lai et al., CVPR 2017",
        year=2017,
        framework="progressive",
        upsampling="transposed",
        design=("residual", "progressive", "multi-supervision"),
        scales=(2, 3, 4, 8),
    )
    registry.model(
        "ms_lapsrn",
        "sr_plugins_cnn.ms_lapsrn:MSLapSRN",
        configurations={f"MS-LapSRN D5R{recursions}": {"recursions": recursions} for recursions in (2, 5, 8)},
        summary="a pyramid whose levels and recursions share their weights, one network for several scales",
        reference="Lai et al., TPAMI 2018",
        year=2018,
        framework="progressive",
        upsampling="transposed",
        design=("residual", "recursive", "progressive", "parameter sharing", "multi-supervision"),
        scales=(2, 3, 4, 8),
    )
    registry.model(
        "srdensenet",
        "sr_plugins_cnn.srdensenet:SRDenseNet",
        configurations={f"SRDenseNet_{skip}": {"skip": skip} for skip in ("H", "HL", "All")},
        summary="dense blocks that all read all blocks before them, then transposed convolutions",
        reference="Tong et al., ICCV 2017",
        year=2017,
        framework="post",
        upsampling="transposed",
        design=("dense",),
        scales=(4,),
    )
    registry.model(
        "rdn",
        "sr_plugins_cnn.rdn:RDN",
        configurations={
            "RDN D16C8G64": {},
            "RDN D20C6G32": {"depth": 20, "convolutions": 6, "growth": 32},
        },
        summary="dense blocks with a skip around each, all their outputs fused",
        reference="Zhang et al., CVPR 2018",
        year=2018,
        framework="post",
        upsampling="sub-pixel",
        design=("residual", "dense"),
        scales=(2, 3, 4),
    )
    registry.model(
        "srresnet",
        "sr_plugins_cnn.srresnet:SRResNet",
        summary="16 residual blocks with batch normalisation on LR, then pixels shuffled into place",
        reference="Ledig et al., CVPR 2017",
        year=2017,
        framework="post",
        upsampling="sub-pixel",
        design=("residual", "batch normalisation"),
        scales=(4,),
    )
    registry.model(
        "msrresnet",
        "sr_plugins_cnn.msrresnet:MSRResNet",
        summary="SRResNet without batch normalisation, which adds to the bilinear picture",
        reference="Wang et al., ECCVW 2018, and BasicSR",
        year=2018,
        framework="post",
        upsampling="sub-pixel",
        design=("residual",),
        scales=(2, 3, 4),
    )
    registry.model(
        "edsr",
        "sr_plugins_cnn.edsr:EDSR",
        configurations={
            "EDSR-baseline": {},
            "EDSR": {"blocks": 32, "width": 256, "residual_scaling": 0.1},
            "EDSR-PP": {"blocks": 32, "width": 256, "residual_scaling": 0.1, "pyramid_pooling": [1, 2, 3, 6]},
        },
        summary="residual blocks of nothing but convolutions and ReLU, many and wide",
        reference="Lim et al., CVPRW 2017",
        year=2017,
        framework="post",
        upsampling="sub-pixel",
        design=("residual",),
        scales=(2, 3, 4),
    )
    registry.model(
        "mdsr",
        "sr_plugins_cnn.mdsr:MDSR",
        configurations={"MDSR-baseline": {}, "MDSR": {"blocks": 80}},
        summary="EDSR for several scales: a head and an upsampler for each around one body",
        reference="Lim et al., CVPRW 2017",
        year=2017,
        framework="post",
        upsampling="sub-pixel",
        design=("residual", "multi-path"),
        scales=(2, 3, 4),
    )
    registry.model(
        "carn",
        "sr_plugins_cnn.carn:CARN",
        summary="residual blocks in a cascade, fused again and again: light, one network for several scales",
        reference="Ahn et al., ECCV 2018",
        year=2018,
        framework="post",
        upsampling="sub-pixel",
        design=("residual", "cascading"),
        scales=(2, 3, 4),
    )
    registry.model(
        "carn_m",
        "sr_plugins_cnn.carn:CARNM",
        configurations={"CARN-M": {}},
        summary="CARN for small devices: grouped convolutions, and one block three times",
        reference="Ahn et al., ECCV 2018",
        year=2018,
        framework="post",
        upsampling="sub-pixel",
        design=("residual", "cascading", "group convolution", "parameter sharing"),
        scales=(2, 3, 4),
    )
    registry.model(
        "rcan",
        "sr_plugins_cnn.rcan:RCAN",
        summary="200 residual blocks in groups; each map of features is weighted by its mean over the picture",
        reference="Zhang et al., ECCV 2018",
        year=2018,
        framework="post",
        upsampling="sub-pixel",
        design=("residual", "attention"),
        scales=(2, 3, 4, 8),
    )
    registry.model(
        "san",
        "sr_plugins_cnn.san:SAN",
        summary="maps weighted by how they vary together; places also learn from others that look alike",
        reference="Dai et al., CVPR 2019",
        year=2019,
        framework="post",
        upsampling="sub-pixel",
        design=("residual", "attention", "non-local"),
        scales=(2, 3, 4, 8),
    )
    registry.model(
        "msrn",
        "sr_plugins_cnn.msrn:MSRN",
        configurations={"MSRN": {}, "MSRN of the paper": {"one_step": True, "channels": "y"}},
        summary="blocks of small and large kernels side by side, all their outputs fused",
        reference="Li et al., ECCV 2018, and MSRN-PyTorch",
        year=2018,
        framework="post",
        upsampling="sub-pixel",
        design=("residual", "multi-path"),
        scales=(2, 3, 4, 8),
    )
    registry.model(
        "dsrn",
        "sr_plugins_cnn.dsrn:DSRN",
        summary="two states, one in LR and one in HR, that tell each other what they found, step by step",
        reference="Han et al., CVPR 2018",
        year=2018,
        framework="iterative",
        upsampling="transposed",
        design=("residual", "recursive", "multi-path", "parameter sharing", "feedback"),
        scales=(2, 3, 4),
    )
    registry.model(
        "dbpn",
        "sr_plugins_cnn.dbpn:DBPN",
        configurations={
            "D-DBPN": {},
            **{
                f"DBPN-{name}": {"stages": stages, "dense": False, "features": 128, "width": 32}
                for name, stages in (("S", 2), ("M", 4), ("L", 6))
            },
            "DBPNLL": {"stages": 10},
        },
        summary="features go up to the large size and down again, each time mended by what went wrong",
        reference="Haris et al., CVPR 2018",
        year=2018,
        framework="iterative",
        upsampling="transposed",
        design=("dense", "back-projection"),
        scales=(2, 4, 8),
    )
    registry.model(
        "srfbn",
        "sr_plugins_cnn.srfbn:SRFBN",
        configurations={"SRFBN": {}, "SRFBN-S": {"groups": 3, "width": 32}},
        summary="one block four times, which reads what it said the time before; each time gives a picture",
        reference="Li et al., CVPR 2019",
        year=2019,
        framework="iterative",
        upsampling="transposed",
        design=("residual", "recursive", "dense", "feedback", "parameter sharing", "multi-supervision"),
        scales=(2, 3, 4),
    )
    registry.model(
        "liif",
        "sr_plugins_cnn.liif:LIIF",
        configurations={"EDSR-LIIF": {}, "RDN-LIIF": {"encoder": {"name": "rdn"}}},
        summary="a small network is asked for the colour of any place between LR pixels: one network, any scale",
        reference="Chen et al., CVPR 2021",
        year=2021,
        framework="post",
        upsampling="implicit",
        design=("residual", "implicit function"),
        scales=(2, 3, 4),
    )
    registry.model(
        "dwsr",
        "sr_plugins_cnn.dwsr:DWSR",
        summary="convolutions on the wavelet sub-bands of the enlarged picture, at half its size",
        reference="Guo et al., CVPRW 2017",
        year=2017,
        framework="pre",
        upsampling="interpolation",
        design=("residual", "wavelet"),
        scales=(2, 3, 4),
    )
    registry.model(
        "meta_rdn",
        "sr_plugins_cnn.meta_upscale:MetaRDN",
        configurations={"Meta-RDN": {}},
        summary="RDN whose last convolution is predicted for each place and scale: one network up to ×4",
        reference="Hu et al., CVPR 2019",
        year=2019,
        framework="post",
        upsampling="meta",
        design=("residual", "dense"),
        scales=(2, 3, 4),
    )
    registry.model(
        "meta_edsr",
        "sr_plugins_cnn.meta_upscale:MetaEDSR",
        configurations={
            "Meta-EDSR-baseline": {},
            "Meta-EDSR": {"blocks": 32, "width": 256, "residual_scaling": 0.1},
        },
        summary="EDSR whose last convolution is predicted for each place and scale: one network up to ×4",
        reference="Hu et al., CVPR 2019",
        year=2019,
        framework="post",
        upsampling="meta",
        design=("residual",),
        scales=(2, 3, 4),
    )
    registry.model(
        "meta",
        "sr_plugins_cnn.meta_upscale:MetaUpscale",
        configurations={"Meta-Upscale on EDSR-baseline": {}},
        summary="a last convolution predicted for each place and scale, behind any backbone",
        reference="Hu et al., CVPR 2019",
        year=2019,
        framework="post",
        upsampling="meta",
        design=("residual",),
        scales=(2, 3, 4),
    )
    registry.part(
        "edsr",
        "sr_plugins_cnn.edsr:EDSRBackbone",
        summary="a backbone: EDSR in front of its upsampler",
        reference="Lim et al., CVPRW 2017",
    )
    registry.part(
        "rdn",
        "sr_plugins_cnn.rdn:RDNBackbone",
        summary="a backbone: RDN in front of its upsampler",
        reference="Zhang et al., CVPR 2018",
    )
