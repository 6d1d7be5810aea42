"""Meta-SR: one network for every scale, whose last convolution is predicted for each place on the SR picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field
from torch import Tensor

from sr_core import AnyScaleModel, Backbone, Grid, Scale, ScaleRange, full_precision
from sr_plugins_cnn.edsr import EDSRBackbone
from sr_plugins_cnn.mean_shift import LEVELS, MeanShift
from sr_plugins_cnn.planes import Planes, Width, plane_count
from sr_plugins_cnn.rdn import RDNBackbone
from sr_plugins_cnn.renaming import renamed
from sr_plugins_cnn.weight_prediction import WeightPrediction


class MetaUpscale(AnyScaleModel):
    """Meta-Upscale on any backbone: one network for every scale up to 4 (Hu et al., CVPR 2019).

    SR pixel i is made from the 3×3 features around LR pixel floor(i / scale), by weights that are predicted from
    what is left of i / scale, along both axes, and from one over the scale; where the axes differ, from their
    geometric mean. Inside, pictures have values 0 … 255 less the mean of DIV2K, as in the authors' Meta-SR-Pytorch.
    SR has the size of the house's rule, where theirs rounds down; offsets are exact, where theirs have float32's
    errors (2.9999998 is another pixel than 3).

    Args:
        backbone: makes the features, and says which planes; by default EDSR's baseline, for RGB.
    """

    scales = ScaleRange(1, 4)

    def __init__(self, backbone: Backbone | None = None) -> None:
        super().__init__()
        backbone = EDSRBackbone() if backbone is None else backbone
        planes, rgb = plane_count(backbone.channels), backbone.channels == "rgb"
        self.channels, self.multiple = backbone.channels, backbone.multiple
        # 1 for the 3×3 features; 1 more since an SR pixel whose centre is in one LR pixel may begin in the one before.
        self.margin = None if backbone.margin is None else backbone.margin + 2
        self.sub_mean = MeanShift(planes, -1, rgb=rgb)
        self.backbone = backbone
        self.P2W = WeightPrediction(backbone.width, planes)
        self.add_mean = MeanShift(planes, 1, rgb=rgb)

    def encode(self, lr: Tensor) -> Tensor:
        """Features N×width×H×W of LR N×C×H×W."""
        with full_precision(lr) as (lr,):
            levels = self.sub_mean(lr * LEVELS)
        features: Tensor = self.backbone(levels)
        return features

    def decode(self, features: Tensor, grid: Grid, scale: Scale) -> Tensor:
        """The SR pixels of `grid`, N×C×rows×columns."""
        del scale
        with full_precision(features) as (features,):
            sr: Tensor = self.add_mean(self.P2W.mapped(features, grid)) / LEVELS
            return sr

    def adopt(self, tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Also takes files of the authors' Meta-SR-Pytorch, whose backbones' tensors have no name in front of them."""
        if any(name.startswith("backbone.") for name in tensors):
            return tensors
        return renamed(tensors, {r"(?!P2W\.|sub_mean\.|add_mean\.)(.+)": r"backbone.\1"})


class MetaRDN(MetaUpscale):
    """Meta-RDN: Meta-Upscale on RDN (Hu et al., CVPR 2019).

    Args:
        depth: residual dense blocks (the paper's D).
        convolutions: 3×3 convolutions in a block (C).
        growth: maps that each of them adds (G).
        width: maps between blocks (G0), and of the features.
        channels: `y`, `rgb` or a number of planes; only RGB has a mean.
    """

    def __init__(
        self,
        depth: Annotated[int, Field(ge=1)] = 16,
        convolutions: Annotated[int, Field(ge=1)] = 8,
        growth: Width = 64,
        width: Width = 64,
        channels: Planes = "rgb",
    ) -> None:
        super().__init__(RDNBackbone(depth, convolutions, growth, width, channels))


class MetaEDSR(MetaUpscale):
    """Meta-EDSR: Meta-Upscale on EDSR, by default on the baseline (Hu et al., CVPR 2019).

    Args:
        blocks: residual blocks; 32 in EDSR.
        width: maps of the features; 256 in EDSR.
        residual_scaling: of what each block adds; 0.1 in EDSR.
        channels: `y`, `rgb` or a number of planes; only RGB has a mean.
    """

    def __init__(
        self,
        blocks: Annotated[int, Field(ge=1)] = 16,
        width: Width = 64,
        residual_scaling: Annotated[float, Field(gt=0, le=1)] = 1.0,
        channels: Planes = "rgb",
    ) -> None:
        super().__init__(EDSRBackbone(blocks, width, residual_scaling, channels))
