"""ResNet-50 as a feature network."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sr_core import full_precision
from sr_plugins_losses.feature_weights import PublishedWeights
from sr_plugins_losses.imagenet import Checksum, ImageNetFeatures, Seed

_EXPANSION = 4
_STAGES = ((3, 64), (4, 128), (6, 256), (3, 512))
"""Blocks and inner width of each stage."""


class FixedNormalisation(nn.Module):
    """Batch normalisation by the statistics of the weights file, in training too: a judge must not change."""

    def __init__(self, width: int) -> None:
        super().__init__()
        for name in ("weight", "bias", "running_mean", "running_var"):
            self.register_buffer(name, torch.empty(width))

    def forward(self, features: Tensor) -> Tensor:
        """The same shape."""
        kept = dict(self.named_buffers())
        return F.batch_norm(features, kept["running_mean"], kept["running_var"], kept["weight"], kept["bias"])


class Bottleneck(nn.Module):
    """1×1, 3×3 and 1×1 convolutions, and the input added; a stride is in the 3×3, as in torchvision (v1.5)."""

    def __init__(self, planes: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(planes, width, 1, bias=False), FixedNormalisation(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, padding=1, bias=False)
        self.bn2 = FixedNormalisation(width)
        outer = width * _EXPANSION
        self.conv3, self.bn3 = nn.Conv2d(width, outer, 1, bias=False), FixedNormalisation(outer)
        self.downsample: nn.Sequential | None = None
        if stride > 1 or planes != outer:
            self.downsample = nn.Sequential(nn.Conv2d(planes, outer, 1, stride, bias=False), FixedNormalisation(outer))

    def forward(self, features: Tensor) -> Tensor:
        """N×4·width×h×w, smaller by the stride."""
        inner = F.relu(self.bn1(self.conv1(features)))
        inner = F.relu(self.bn2(self.conv2(inner)))
        inner = self.bn3(self.conv3(inner))
        return F.relu(inner + (features if self.downsample is None else self.downsample(features)))


class ResNet50(ImageNetFeatures):
    """ResNet-50's features (He et al., CVPR 2016): `conv1`, `relu1`, `pool1`, then the stages `layer1` … `layer4`.

    `conv1` is before normalisation and ReLU; the stages have 256, 512, 1024 and 2048 maps, and sides of a 4th, 8th,
    16th and 32nd. The strides are torchvision's (v1.5, in the 3×3 convolutions), and so are the files and state-dict
    names (`fc` is left out); of its two trainings it is the first, IMAGENET1K_V1, on which the literature stands.
    Normalisation uses the file's statistics always.

    Args:
        weights: `published`: torchvision's file from the user's cache; `download`: fetched there first (98 MB);
            `https://…`: another address; a file (`.pth` or `.safetensors`); `random`: He's, by `seed`.
        checksum: SHA-256 of what an address gives, or its first digits (8 at least).
        seed: of random weights.
    """

    published = PublishedWeights(
        "resnet50", "https://download.pytorch.org/models/resnet50-0676ba61.pth", "torchvision", 98, "fc."
    )

    def __init__(self, weights: str = "published", checksum: Checksum | None = None, seed: Seed = 0) -> None:
        super().__init__(weights, checksum, seed)

    def build(self) -> None:
        """The layers under torchvision's names."""
        planes = 64
        self.conv1 = nn.Conv2d(3, planes, 7, 2, padding=3, bias=False)
        self.bn1 = FixedNormalisation(planes)
        widths = dict.fromkeys(("conv1", "relu1", "pool1"), planes)
        for stage, (blocks, width) in enumerate(_STAGES, 1):
            layers = []
            for block in range(blocks):
                layers.append(Bottleneck(planes, width, 2 if stage > 1 and block == 0 else 1))
                planes = width * _EXPANSION
            self.add_module(f"layer{stage}", nn.Sequential(*layers))
            widths[f"layer{stage}"] = planes
        self.widths = widths

    def smallest_side(self, layer: str) -> int:
        """All strides round up: one pixel is enough everywhere."""
        del layer
        return 1

    def forward(self, image: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        """Features by layer name, N×width×h×w, of RGB pictures N×3×H×W in [0, 1].

        Raises:
            ValueError: it has no such layer, or the picture is not RGB.
        """
        with full_precision(image) as (image,):  # 8 bits of bfloat16 would round the picture itself
            features = self.conv1(self.normalised(image, layers))
        found = {"conv1": features}
        last = max(map(list(self.widths).index, layers), default=0)
        for name in list(self.widths)[1 : last + 1]:
            if name == "relu1":
                features = F.relu(self.bn1(features))
            elif name == "pool1":
                features = F.max_pool2d(features, 3, 2, padding=1)
            else:
                features = self.get_submodule(name)(features)
            found[name] = features
        return {layer: found[layer] for layer in layers}
