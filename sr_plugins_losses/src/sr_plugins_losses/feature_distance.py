"""Feature distance: how far the statistics of one set of pictures are from another's, by what a network sees."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from sr_core import Channels, FeatureNetwork, SetMetric, SrkitError
from sr_plugins_losses.feature_weights import RANDOM
from sr_plugins_losses.looking import by_layer
from sr_plugins_losses.vgg import VGG19

_log = logging.getLogger("srkit")


class Statistics(NamedTuple):
    """A Gaussian that was fitted to samples.

    Attributes:
        mean: C values.
        covariance: C×C.
        samples: how many there were.
    """

    mean: Tensor
    covariance: Tensor
    samples: int


def frechet_distance(first: Statistics, second: Statistics) -> float:
    """|μ₁ − μ₂|² + tr(Σ₁ + Σ₂ − 2 (Σ₁ Σ₂)^½): the squared Fréchet (2-Wasserstein) distance of two Gaussians.

    The root's trace is found by way of the symmetric Σ₁^½ Σ₂ Σ₁^½, which has the same eigenvalues; so singular
    covariances do no harm.

    Source: Dowson and Landau, Journal of Multivariate Analysis 1982; for features: Heusel et al., NeurIPS 2017.
    """
    values, vectors = torch.linalg.eigh(first.covariance)
    root = (vectors * values.clamp(min=0).sqrt()) @ vectors.T
    product = torch.linalg.eigvalsh(root @ second.covariance @ root)
    of_means = (first.mean - second.mean).square().sum()
    of_covariances = first.covariance.trace() + second.covariance.trace() - 2 * product.clamp(min=0).sqrt().sum()
    return float((of_means + of_covariances).clamp(min=0))  # rounding may pass 0


def shrunk(covariance: Tensor, samples: int) -> Tensor:
    """A covariance moved towards a multiple of the identity, by the oracle approximating shrinkage.

    Source: Chen, Wiesel, Eldar and Hero, IEEE Trans. Signal Processing 2010, equation 23.
    """
    planes = len(covariance)
    of_squares, square = float(covariance.square().sum()), float(covariance.trace()) ** 2
    denominator = (samples + 1 - 2 / planes) * (of_squares - square / planes)
    share = 1.0 if denominator <= 0 else min(1.0, ((1 - 2 / planes) * of_squares + square) / denominator)
    identity = torch.eye(planes, dtype=covariance.dtype, device=covariance.device)
    return (1 - share) * covariance + share * covariance.trace() / planes * identity


class FeatureDistance(SetMetric):
    """Fréchet distance between the features of two sets of pictures, SR and reference, which need not be aligned.

    The Fréchet inception distance (Heusel et al., NeurIPS 2017) by another network: it says how close a learned
    degradation comes to real LR. Shallow layers see noise, blur and compression, deep ones content. Figures compare
    only where network, weights, layer and the number of pictures are the same. A set of no more samples than the layer
    has maps has no full covariance: it is shrunk towards the identity (Chen et al. 2010), and the log says so. By an
    untrained network, the figure's unit is called `random weights`.

    Args:
        network: what looks at the pictures; VGG-19 with its published weights by default.
        layer: whose features.
        spatial: whether each place of a feature map is a sample; otherwise each picture is one, by the mean of its map.
    """

    channels: Channels = "rgb"
    higher_is_better = False
    decimals = 3

    def __init__(self, network: FeatureNetwork | None = None, layer: str = "relu2_2", *, spatial: bool = False) -> None:
        self._network = (VGG19() if network is None else network).requires_grad_(requires_grad=False).eval()
        (self._layer,) = by_layer(self._network, (layer,), "before")
        self._spatial = spatial
        if self._network.origin == RANDOM:
            self.unit = "random weights"

    def __call__(self, srs: Sequence[Tensor], references: Sequence[Tensor]) -> float:
        """Measure all pictures of a set together; each tensor is 1×3×H×W in [0, 1], sizes may differ.

        Raises:
            SrkitError: there are fewer than two samples.
        """
        return frechet_distance(self.statistics(srs), self.statistics(references))

    def statistics(self, pictures: Sequence[Tensor]) -> Statistics:
        """Mean and covariance of the features of N×3×H×W pictures, in float64.

        Raises:
            SrkitError: there are fewer than two samples.
        """
        planes = self._network.widths[self._layer]
        device = pictures[0].device if pictures else torch.device("cpu")
        network = self._network.to(device)
        count = 0
        total = torch.zeros(planes, dtype=torch.float64, device=device)
        products = torch.zeros(planes, planes, dtype=torch.float64, device=device)
        for picture in pictures:
            with torch.inference_mode():
                features = network(picture.float(), [self._layer])[self._layer].double().flatten(2)
                samples = features.transpose(1, 2).flatten(0, 1) if self._spatial else features.mean(dim=2)
                count += len(samples)
                total += samples.sum(dim=0)
                products += samples.T @ samples
        if count < 2:
            raise SrkitError(f"feature_distance needs two pictures at least, found {count}; or write 'spatial: true'")
        mean = total / count
        covariance = (products - count * torch.outer(mean, mean)) / (count - 1)
        if count <= planes:
            _log.warning(
                "feature_distance: %d samples for %d feature maps, so the covariance is shrunk; compare figures of "
                "equally many pictures only, or write 'spatial: true'",
                count,
                planes,
            )
            covariance = shrunk(covariance, count)
        return Statistics(mean, covariance, count)
