"""A discriminator that looks at pictures through a feature network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Self

from torch import Tensor, nn

from sr_core import Discriminator, FeatureNetwork, full_precision
from sr_plugins_gan.judging import Norm, judging_layer, normed
from sr_plugins_gan.planes import Width


class FeatureDiscriminator(Discriminator):
    """Two convolutions and a map of verdicts on the features of one layer (after Park et al., SRFeat, ECCV 2018).

    The feature network is frozen: only what follows it learns. SRFeat puts a discriminator as deep as SRGAN's behind
    it; this one is small, as features say much already, and judges patches. Checkpoints do not hold the network's
    weights; a run goes on where the network still has the same.

    Args:
        network: the feature network, a part: `{name: vgg19, weights: published}`.
        layer: whose features it judges, by the network's own names.
        width: maps of its convolutions.
        norm: of them: `batch`, `instance`, `none`; `spectral` is of all weights.
        channels: `rgb`, or `y`, whose one plane stands for all three.

    Raises:
        ValueError: the network has no such layer.
    """

    def __init__(
        self,
        network: FeatureNetwork,
        layer: str = "conv3_4",
        width: Width = 128,
        norm: Norm = "spectral",
        channels: Literal["rgb", "y"] = "rgb",
    ) -> None:
        super().__init__()
        if layer not in network.widths:
            raise ValueError(f"layer: the network has no layer '{layer}'; it has {', '.join(network.widths)}")
        self.channels = channels
        self._layer = layer
        self.network = network.requires_grad_(requires_grad=False).eval()
        self.features = nn.ModuleList(
            judging_layer(inputs, width, 3, 1, norm) for inputs in (network.widths[layer], width)
        )
        self.verdict = normed(nn.Conv2d(width, 1, 1), norm)

    def train(self, mode: bool = True) -> Self:
        """As of any module, but the feature network stays as it is in use."""
        super().train(mode)
        self.network.eval()
        return self

    def stages(self, image: Tensor) -> Sequence[Tensor]:
        """The network's features of pictures N×C×H×W, the maps after each convolution, and the verdicts N×1×h×w.

        Raises:
            SrkitError: the pictures are too small for the layer.
        """
        maps = [self.network(image.expand(-1, 3, -1, -1), [self._layer])[self._layer]]
        for layer in self.features:
            maps.append(layer(maps[-1]))
        with full_precision(maps[-1]) as (last,):
            return [*maps, self.verdict(last)]
