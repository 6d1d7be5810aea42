"""MS-LapSRN: one Laplacian pyramid for several scales, whose levels and recursions share their weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field
from torch import Tensor, nn

from sr_plugins_cnn.convolutions import he_convolution
from sr_plugins_cnn.enlarging import AxisScale
from sr_plugins_cnn.planes import Planes, Width, plane_count
from sr_plugins_cnn.pyramid import (
    SLOPE,
    FeatureKernel,
    Level,
    Progress,
    Pyramid,
    feature_doubling,
    margin_of_levels,
)
from sr_plugins_cnn.recomputing import recomputed
from sr_plugins_cnn.renaming import renamed

LocalSkip = Literal["NS", "DS", "SS"]
"""What a recursion adds to what it computed: nothing, its own input, or what entered its level."""


class MSLapSRN(Pyramid):
    """All levels are one: R times the same D convolutions, then features and picture doubled (Lai et al., TPAMI 2018).

    Leaky ReLU of slope 0.2 stands before each convolution (pre-activation), and none between the doubled features and
    what is predicted from them. So the number of weights depends on neither scale nor recursions. Every level's
    picture is compared with HR brought to its size: for the paper's Charbonnier at all levels take `charbonnier`. The
    paper trains with scales 2, 4 and 8; here each batch has one of them, there a third of the batch each.

    ×3, and any other scale that is no power of two, is the next larger level brought down by bicubic. The paper does
    so with the network trained for 2, 4 and 8; with 3 among `scales` in training, the picture after bicubic is
    compared with HR. Weights start as in the authors' released code, which is followed where the text differs too.

    Args:
        depth: D, 3×3 convolutions of the recursive block.
        recursions: R, how often a level applies it.
        skip: `NS` adds nothing to a recursion, `DS` its own input, `SS` what entered the level.
        width: maps of the features.
        feature_kernel: of the transposed convolution that doubles features: 3 as in the released models and the
            published parameter count, or 4.
        bias: whether convolutions add a bias.
        channels: `y`, `rgb` or a number of planes.
        scales: the scales it is for, each alike on both axes.
        progress: `together` trains all levels from the start; `growing` one after the other, each blended in, while a
            validation in between already uses all.
        recompute: keep only what each recursion gives while training, and compute its inside again in the backward
            pass.
    """

    def __init__(
        self,
        depth: Annotated[int, Field(ge=1)] = 5,
        recursions: Annotated[int, Field(ge=1)] = 8,
        skip: LocalSkip = "SS",
        width: Width = 64,
        feature_kernel: FeatureKernel = 3,
        bias: bool = True,
        channels: Planes = "y",
        scales: Annotated[tuple[AxisScale, ...], Field(min_length=1)] = (2, 4, 8),
        progress: Progress = "together",
        recompute: bool = False,
    ) -> None:
        super().__init__()
        planes = plane_count(channels)
        self.channels = channels
        self.scales = frozenset(scales)
        self.margin = margin_of_levels(depth * recursions, feature_kernel, self.scales)
        self.progress = progress
        self.conv_input = he_convolution(planes, width, bias=bias)
        nn.init.normal_(self.conv_input.weight, std=1e-3)
        self.shared = _SharedLevel(
            planes, depth, recursions, skip, width, feature_kernel, bias=bias, recompute=recompute
        )

    def begin(self, lr: Tensor) -> Tensor:
        """The first features, N×F×H×W."""
        features: Tensor = self.conv_input(lr)
        return features

    def level(self, index: int) -> Level:
        """The one level that all are."""
        del index
        return self.shared

    def adopt(self, tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """The tensors of phoenix104104/LapSRN (MatConvNet) and lorenzomammana/MSLapSRN-pytorch under these names."""
        return renamed(tensors, {**_authors(len(self.shared.convolutions)), **_PORT})


_PORT = {
    r"features\.recursive_block\.block\.conv_(\d+)\.(.*)": r"shared.convolutions.\1.\2",
    r"transpose\.(.*)": r"shared.doubling.\1",
    r"predict\.(.*)": r"shared.residual.\1",
    r"scale_img\.(.*)": r"shared.image.\1",
}


def _authors(depth: int) -> dict[str, str]:
    layers = {f"conv{layer + 1}": f"shared.convolutions.{layer}" for layer in range(depth)}
    layers |= {"upconv": "shared.doubling", "residual_conv": "shared.residual", "img_up": "shared.image"}
    layers["input_conv"] = "conv_input"
    kinds = {"f": "weight", "b": "bias"}
    return {f"{theirs}_{letter}": f"{ours}.{kind}" for theirs, ours in layers.items() for letter, kind in kinds.items()}


class _SharedLevel(Level):
    def __init__(
        self,
        planes: int,
        depth: int,
        recursions: int,
        skip: LocalSkip,
        width: int,
        kernel: FeatureKernel,
        *,
        bias: bool,
        recompute: bool,
    ) -> None:
        super().__init__(planes, width, bias=bias)
        self.recursions = recursions
        self.skip = skip
        self.recompute = recompute
        self.convolutions = nn.ModuleList(he_convolution(width, width, bias=bias) for _ in range(depth))
        self.doubling = feature_doubling(width, kernel, bias=bias)
        self.activation = nn.LeakyReLU(SLOPE)

    def forward(self, features: Tensor) -> Tensor:
        entered = features
        for _ in range(self.recursions):
            features = recomputed(self._recursion, features, entered, of=self, when=self.recompute)
        doubled: Tensor = self.doubling(self.activation(features))
        return doubled

    def _recursion(self, features: Tensor, entered: Tensor) -> Tensor:
        made = features
        for convolution in self.convolutions:
            made = convolution(self.activation(made))
        if self.skip == "NS":
            return made
        return made + (features if self.skip == "DS" else entered)
