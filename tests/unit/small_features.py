"""A feature network of two layers for tests of losses, and its formulas in plain NumPy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from scipy.signal import correlate2d
from torch import Tensor, nn
from torch.nn import functional as F

from sr_core import FeatureNetwork


class SmallFeatures(FeatureNetwork):
    """Two convolutions with ReLU, and a pool of 2 between; `conv2_1` has half the picture's sides."""

    widths = {"conv1_1": 4, "relu1_1": 4, "conv2_1": 5, "relu2_1": 5}  # noqa: RUF012 - as an author would write it

    def __init__(self, origin: str = "a test") -> None:
        super().__init__()
        self.origin = origin
        generator = torch.Generator().manual_seed(5)
        self.first, self.second = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 5, 3, padding=1)
        for parameter in self.parameters():
            parameter.data = 0.4 * torch.randn(parameter.shape, generator=generator)

    def forward(self, image: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        """Features by layer name."""
        found = {"conv1_1": self.first(image)}
        found["relu1_1"] = F.relu(found["conv1_1"])
        found["conv2_1"] = self.second(F.max_pool2d(found["relu1_1"], 2))
        found["relu2_1"] = F.relu(found["conv2_1"])
        return {layer: found[layer] for layer in layers}


def features_of(network: SmallFeatures, image: Tensor) -> dict[str, np.ndarray]:
    """What the network sees in N×3×H×W, in float64 without torch."""
    first = np.stack([_convolved(picture, network.first) for picture in image.detach().double().numpy()])
    seen = np.maximum(first, 0)
    count, planes, height, width = seen.shape
    pooled = seen.reshape(count, planes, height // 2, 2, width // 2, 2).max(axis=(3, 5))
    second = np.stack([_convolved(picture, network.second) for picture in pooled])
    return {"conv1_1": first, "relu1_1": seen, "conv2_1": second, "relu2_1": np.maximum(second, 0)}


def _convolved(picture: np.ndarray, layer: nn.Conv2d) -> np.ndarray:
    assert layer.bias is not None
    kernels, biases = layer.weight.detach().double().numpy(), layer.bias.detach().double().numpy()
    planes = [
        sum(correlate2d(plane, kernel, mode="same") for plane, kernel in zip(picture, kernels[out], strict=True)) + bias
        for out, bias in enumerate(biases)
    ]
    return np.stack(planes)


def pictures(count: int = 2, size: tuple[int, int] = (16, 16)) -> tuple[Tensor, Tensor]:
    """SR and HR in float64."""
    generator = torch.Generator().manual_seed(3)
    hr = torch.rand((count, 3, *size), generator=generator, dtype=torch.float64)
    return (hr + 0.1 * torch.randn(hr.shape, generator=generator, dtype=torch.float64)), hr
