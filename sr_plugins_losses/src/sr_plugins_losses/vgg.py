"""VGG-16 and VGG-19 as feature networks, layer by layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from torch import Tensor, nn

from sr_core import full_precision
from sr_plugins_losses.feature_weights import PublishedWeights
from sr_plugins_losses.imagenet import Checksum, ImageNetFeatures, Seed

_WIDTHS = (64, 128, 256, 512, 512)
_SOURCE = "https://download.pytorch.org/models/"


class VGG(ImageNetFeatures):
    """Blocks of 3×3 convolutions, each with ReLU, and a max-pool of 2 behind each block.

    Args:
        weights: `published`, `download`, `random`, an address, or a file.
        checksum: of what an address gives.
        seed: of random weights.
    """

    convolutions: ClassVar[tuple[int, ...]]

    def build(self) -> None:
        """The convolutions under torchvision's names, `features.0` onwards."""
        widths: dict[str, int] = {}
        modules: list[nn.Module] = []
        planes = 3
        for block, (count, width) in enumerate(zip(self.convolutions, _WIDTHS, strict=True), 1):
            for layer in range(1, count + 1):
                # Never in place: it would overwrite the features before it.
                modules += [nn.Conv2d(planes, width, 3, padding=1), nn.ReLU()]
                widths |= {f"conv{block}_{layer}": width, f"relu{block}_{layer}": width}
                planes = width
            modules.append(nn.MaxPool2d(2))
            widths[f"pool{block}"] = width
        self.features = nn.Sequential(*modules)
        self.widths = widths

    def smallest_side(self, layer: str) -> int:
        """Each pool before, and a pool itself, halves the sides."""
        block = int(layer[4])
        return 1 << (block if layer.startswith("pool") else block - 1)

    def forward(self, image: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        """Features by layer name, N×width×h×w, of RGB pictures N×3×H×W in [0, 1].

        Raises:
            ValueError: it has no such layer, or the picture is not RGB.
            SrkitError: the picture is too small.
        """
        names = list(self.widths)
        with full_precision(image) as (image,):  # 8 bits of bfloat16 would round the picture itself
            features = self.features[0](self.normalised(image, layers))
        found = {names[0]: features}
        last = max(map(names.index, layers), default=0)
        for index, name in enumerate(names[1 : last + 1], 1):
            features = self.features[index](features)
            if name in layers:
                found[name] = features
        return {layer: found[layer] for layer in layers}


class VGG16(VGG):
    """VGG-16's features (Simonyan and Zisserman, ICLR 2015): 2, 2, 3, 3, 3 convolutions in blocks of 64 … 512 maps.

    `conv3_3` is the third convolution of the third block before its ReLU, `relu3_3` after it, `pool3` the block's end.
    Pictures are shifted and scaled by ImageNet's mean and deviation; the weights are torchvision's, whose files and
    state-dict names these are (its classifier is left out).

    Args:
        weights: `published`: torchvision's file from the user's cache; `download`: fetched there first (528 MB);
            `https://…`: another address; a file (`.pth` or `.safetensors`); `random`: He's, by `seed`.
        checksum: SHA-256 of what an address gives, or its first digits (8 at least).
        seed: of random weights.
    """

    published = PublishedWeights("vgg16", f"{_SOURCE}vgg16-397923af.pth", "torchvision", 528, "classifier.")
    convolutions = (2, 2, 3, 3, 3)

    def __init__(self, weights: str = "published", checksum: Checksum | None = None, seed: Seed = 0) -> None:
        super().__init__(weights, checksum, seed)


class VGG19(VGG):
    """VGG-19's features (Simonyan and Zisserman, ICLR 2015): 2, 2, 4, 4, 4 convolutions in blocks of 64 … 512 maps.

    `conv5_4` is the fourth convolution of the fifth block before its ReLU, `relu5_4` after it, `pool5` the block's end.
    Pictures are shifted and scaled by ImageNet's mean and deviation; the weights are torchvision's, whose files and
    state-dict names these are (its classifier is left out).

    Args:
        weights: `published`: torchvision's file from the user's cache; `download`: fetched there first (548 MB);
            `https://…`: another address; a file (`.pth` or `.safetensors`); `random`: He's, by `seed`.
        checksum: SHA-256 of what an address gives, or its first digits (8 at least).
        seed: of random weights.
    """

    published = PublishedWeights("vgg19", f"{_SOURCE}vgg19-dcbb9e9d.pth", "torchvision", 548, "classifier.")
    convolutions = (2, 2, 4, 4, 4)

    def __init__(self, weights: str = "published", checksum: Checksum | None = None, seed: Seed = 0) -> None:
        super().__init__(weights, checksum, seed)
