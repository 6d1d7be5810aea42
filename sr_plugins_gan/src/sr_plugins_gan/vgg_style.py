"""The discriminators of SRGAN and ESRGAN: convolutions as in VGG, then one verdict for the whole picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from sr_core import Discriminator, full_precision
from sr_plugins_gan.judging import Norm, judging_layer, normed, refuse_smaller
from sr_plugins_gan.planes import Planes, Width, plane_count

_MOST = 8
"""Times as wide as the first layer a layer is at most."""


class VGGStyleDiscriminator(Discriminator):
    """Pairs of convolutions, twice as wide each time, and two dense layers: one verdict (Ledig et al., CVPR 2017).

    The second of each pair has a stride of 2. The defaults are SRGAN's: 23.57 million numbers for 96×96. Larger and
    smaller pictures are averaged to its 6×6 in front of the dense layers. ESRGAN's for 128×128 (Wang et al., ECCVW
    2018) is `stages: 5, strided_kernel: 4, pooled: 4, hidden: 100`; of that BasicSR later left out biases in front of
    normalisations, which change nothing. First weights are PyTorch's own.

    Args:
        width: maps of the first layer; the widest has 8 times as many.
        stages: pairs of convolutions; each halves the picture.
        strided_kernel: side of the kernels of stride 2.
        pooled: side of the maps that the dense layers read.
        hidden: numbers between the dense layers.
        norm: of all convolutions but the first: `batch` as published, `instance`, `none`; `spectral` is of all weights.
        channels: `y`, `rgb` or a number of planes.
    """

    def __init__(
        self,
        width: Width = 64,
        stages: Annotated[int, Field(ge=1, le=8)] = 4,
        strided_kernel: Literal[3, 4] = 3,
        pooled: Annotated[int, Field(ge=1)] = 6,
        hidden: Width = 1024,
        norm: Norm = "batch",
        channels: Planes = "rgb",
    ) -> None:
        super().__init__()
        self.channels = channels
        self._least = 2 ** (stages + 1)
        widths = [width * min(2**stage, _MOST) for stage in range(stages)]
        first: Norm = "spectral" if norm == "spectral" else "none"
        layers = [judging_layer(plane_count(channels), width, 3, 1, first)]
        for stage, own in enumerate(widths):
            if stage:
                layers.append(judging_layer(widths[stage - 1], own, 3, 1, norm))
            layers.append(judging_layer(own, own, strided_kernel, 2, norm))
        self.features = nn.ModuleList(layers)
        self.pool = nn.AdaptiveAvgPool2d(pooled)
        self.hidden = normed(nn.Linear(widths[-1] * pooled**2, hidden), norm)
        self.verdict = normed(nn.Linear(hidden, 1), norm)

    def stages(self, image: Tensor) -> Sequence[Tensor]:
        """The maps after each convolution of pictures N×C×H×W, and the verdict N×1.

        Raises:
            SrkitError: a side is smaller than 2 to the power of `stages` + 1: 32 by default.
        """
        refuse_smaller(image, self._least, "discriminator 'vgg_style'")
        first, *others = self.features
        with full_precision(image) as (image,):
            maps = [first(image)]
        for layer in others:
            maps.append(layer(maps[-1]))
        hidden = F.leaky_relu(self.hidden(self.pool(maps[-1]).flatten(1)), 0.2)
        with full_precision(hidden) as (hidden,):
            return [*maps, self.verdict(hidden)]
