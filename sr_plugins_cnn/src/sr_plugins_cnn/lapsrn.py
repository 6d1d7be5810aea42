"""LapSRN: a Laplacian pyramid that doubles the picture level by level."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, cast

from pydantic import Field
from torch import Tensor, nn

from sr_plugins_cnn.convolutions import he_convolution
from sr_plugins_cnn.planes import Planes, Width, plane_count
from sr_plugins_cnn.pyramid import (
    SLOPE,
    FeatureKernel,
    Level,
    Progress,
    Pyramid,
    feature_doubling,
    level_count,
    margin_of_levels,
)
from sr_plugins_cnn.renaming import renamed


class LapSRN(Pyramid):
    """Each level: 10 convolutions on features, which are doubled and give what the doubled picture lacks.

    Lai et al., CVPR 2017. The picture is doubled by a 4×4 transposed convolution that starts as bilinear and learns;
    leaky ReLU of slope 0.2. Levels share nothing. Every level's picture is compared with HR brought to its size: for
    the paper's Charbonnier at all levels take the loss `charbonnier`.

    ×3, and any other scale that is no power of two, is the next larger level brought down by bicubic; the papers do so
    with a network trained for ×4, whose weights a network for ×3 can load. Trained itself at ×3, the picture after
    bicubic is compared with HR, and the levels below with HR brought to their sizes.

    Weights start as in the authors' released code: the first layer from N(0, 0.001²), the others by He.

    Args:
        scale: the one scale it is for.
        depth: 3×3 convolutions of a level.
        width: maps of the features.
        feature_kernel: of the transposed convolution that doubles features: 3 as in the released models and the
            published parameter counts, 4 as in the paper's text.
        bias: whether convolutions add a bias; a common port has none.
        channels: `y`, `rgb` or a number of planes.
        progress: `together` trains all levels from the start; `growing` one after the other, each blended in, while a
            validation in between already uses all.
    """

    def __init__(
        self,
        scale: Annotated[float, Field(gt=1, le=32, allow_inf_nan=False)],
        depth: Annotated[int, Field(ge=1)] = 10,
        width: Width = 64,
        feature_kernel: FeatureKernel = 3,
        bias: bool = True,
        channels: Planes = "y",
        progress: Progress = "together",
    ) -> None:
        super().__init__()
        planes = plane_count(channels)
        self.channels = channels
        self.scales = frozenset({scale})
        self.margin = margin_of_levels(depth, feature_kernel, self.scales)
        self.progress = progress
        self.depth = depth
        self.conv_input = he_convolution(planes, width, bias=bias)
        nn.init.normal_(self.conv_input.weight, std=1e-3)
        self.activation = nn.LeakyReLU(SLOPE)
        self.levels = nn.ModuleList(
            _Level(planes, depth, width, feature_kernel, bias=bias) for _ in range(level_count(scale))
        )

    def begin(self, lr: Tensor) -> Tensor:
        """The first features, N×F×H×W."""
        features: Tensor = self.activation(self.conv_input(lr))
        return features

    def level(self, index: int) -> Level:
        """A level; the smallest is number 0."""
        return cast("Level", self.levels[index])

    def adopt(self, tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """The tensors of the authors' models and of the common port under these names.

        phoenix104104/LapSRN (MatConvNet), and twtygqyy/pytorch-LapSRN: ×4, `feature_kernel: 4`, `bias: false`.
        """
        return renamed(tensors, dict(_published_names(len(self.levels), self.depth)))


def _published_names(levels: int, depth: int) -> Iterator[tuple[str, str]]:
    """Patterns of published names, with ours. The authors' level 1 is the largest; the port's the smallest."""
    letters = {"f": "weight", "b": "bias"}
    yield from ((f"input_conv_{letter}", f"conv_input.{kind}") for letter, kind in letters.items())
    for level in range(levels):
        ours, authors, port = f"levels.{level}", f"level{levels - level}", level + 1
        layers = {f"conv{layer + 1}": f"features.{2 * layer}" for layer in range(depth)}
        layers |= {"upconv": f"features.{2 * depth}", "residual_conv": "residual", "img_up": "image"}
        for theirs, layer in layers.items():
            yield from ((f"{authors}_{theirs}_{letter}", f"{ours}.{layer}.{kind}") for letter, kind in letters.items())
        yield rf"convt_F{port}\.0\.cov_block\.(\d+)\.weight", rf"{ours}.features.\1.weight"
        yield rf"convt_R{port}\.weight", f"{ours}.residual.weight"
        yield rf"convt_I{port}\.weight", f"{ours}.image.weight"


class _Level(Level):
    def __init__(self, planes: int, depth: int, width: int, kernel: FeatureKernel, *, bias: bool) -> None:
        super().__init__(planes, width, bias=bias)
        layers: list[nn.Module] = [he_convolution(width, width, bias=bias) for _ in range(depth)]
        layers.append(feature_doubling(width, kernel, bias=bias))
        self.features = nn.Sequential(*(part for layer in layers for part in (layer, nn.LeakyReLU(SLOPE))))

    def forward(self, features: Tensor) -> Tensor:
        doubled: Tensor = self.features(features)
        return doubled
