"""PatchGAN, pix2pix's discriminator: a verdict for every patch of the picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field
from torch import Tensor, nn

from sr_core import Discriminator, full_precision
from sr_plugins_gan.judging import Norm, judging_layer, normed, refuse_smaller
from sr_plugins_gan.planes import Planes, Width, plane_count

_MOST = 8
"""Times as wide as the first layer a layer is at most."""
_FIRST_WEIGHTS = 0.02
"""Standard deviation with which all weights start."""


class PatchGAN(Discriminator):
    """4×4 convolutions of stride 2, two of stride 1, and a map of verdicts (Isola et al., pix2pix, CVPR 2017).

    By default a verdict is on 70×70 pixels; with 1, 2, 4 or 5 layers on 16, 34, 142 or 286. It has no dense layer, so
    it takes any size. Wiring and first weights, N(0, 0.02), are those of the authors' released code, but it judges
    pictures alone, not with LR beside them. Under spectral normalisation, for which the size of weights is no matter,
    they start as PyTorch starts them.

    Args:
        layers: convolutions of stride 2.
        width: maps of the first layer; the widest has 8 times as many.
        norm: of all convolutions but the first and the last: `batch` as published, `instance`, `none`; `spectral` is of
            all weights. Convolutions in front of `batch` have no biases.
        channels: `y`, `rgb` or a number of planes.
    """

    def __init__(
        self,
        layers: Annotated[int, Field(ge=1, le=8)] = 3,
        width: Width = 64,
        norm: Norm = "batch",
        channels: Planes = "rgb",
    ) -> None:
        super().__init__()
        self.channels = channels
        self._least = 3 * 2**layers
        widths = [width * min(2**layer, _MOST) for layer in range(layers + 1)]
        first: Norm = "spectral" if norm == "spectral" else "none"
        made = [judging_layer(plane_count(channels), width, 4, 2, first)]
        for layer in range(1, layers + 1):
            stride = 2 if layer < layers else 1
            made.append(judging_layer(widths[layer - 1], widths[layer], 4, stride, norm, bias=norm != "batch"))
        self.features = nn.ModuleList(made)
        self.verdict = normed(nn.Conv2d(widths[-1], 1, 4, padding=1), norm)
        if norm != "spectral":
            self.apply(_start)

    def stages(self, image: Tensor) -> Sequence[Tensor]:
        """The maps after each convolution of pictures N×C×H×W, and the verdicts N×1×h×w.

        Raises:
            SrkitError: a side is smaller than 3 times 2 to the power of `layers`: 24 by default.
        """
        refuse_smaller(image, self._least, "discriminator 'patchgan'")
        first, *others = self.features
        with full_precision(image) as (image,):
            maps = [first(image)]
        for layer in others:
            maps.append(layer(maps[-1]))
        with full_precision(maps[-1]) as (last,):
            return [*maps, self.verdict(last)]


def _start(layer: nn.Module) -> None:
    if isinstance(layer, nn.Conv2d):
        nn.init.normal_(layer.weight, 0, _FIRST_WEIGHTS)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
    elif isinstance(layer, nn.BatchNorm2d):
        nn.init.normal_(layer.weight, 1, _FIRST_WEIGHTS)
