"""Perceptual distances by trained networks: LPIPS and DISTS, through torchmetrics (an optional library)."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Literal

import torch
from torch import Tensor, nn

from sr_core.interfaces.capabilities import Channels
from sr_core.interfaces.metric import Metric

INSTALL = f"pip install 'torchmetrics>=1.9' torchvision torch=={torch.__version__}"
"""Naming torch as it is keeps pip from replacing it by the one that the newest torchvision wants."""

Backbone = Literal["alex", "vgg"]

WEIGHTS = {"alex": ("alexnet", "AlexNet_Weights"), "vgg": ("vgg16", "VGG16_Weights")}
"""The network's function and its weights in `torchvision.models`."""

SMALLEST_SIDE = {"alex": 31, "vgg": 16}
"""The fewest pixels of a side that leave one at the network's deepest features."""


class MissingLibraryError(ValueError):
    """A metric needs a library, or a network's weights, that are not on this machine; says the command."""


class _PerceptualDistance(Metric):
    """A distance that torchmetrics computes in float32, picture by picture."""

    channels: Channels = "rgb"
    higher_is_better = False

    def __init__(self, distance: nn.Module, backbone: Backbone) -> None:
        self._distance = distance
        self._smallest = SMALLEST_SIDE[backbone]

    def __call__(self, sr: Tensor, reference: Tensor) -> Tensor:
        """The distance of each picture.

        Args:
            sr: N×3×H×W in [0, 1].
            reference: HR, the same shape.

        Raises:
            ValueError: the pictures are too small for the network.
        """
        height, width = sr.shape[-2:]
        if min(height, width) < self._smallest:
            raise ValueError(f"{self._smallest}×{self._smallest} pixels are needed, the picture has {height}×{width}")
        distance = self._distance.to(sr.device)
        pairs = zip(torch.split(sr.float(), 1), torch.split(reference.float(), 1), strict=True)
        with torch.inference_mode():
            return torch.stack([distance(*pair).reshape(()) for pair in pairs]).to(sr.dtype)


class LPIPS(_PerceptualDistance):
    """Learned perceptual image patch similarity, version 0.1 (Zhang et al., CVPR 2018).

    Features of a classifier at five depths, normalised, their squared differences weighted by what people judged,
    averaged over the picture and summed.

    Args:
        backbone: the classifier: `alex`, as tables have it, or `vgg`.

    Raises:
        MissingLibraryError: torchmetrics, torchvision or the classifier's weights are missing.
    """

    def __init__(self, backbone: Backbone = "alex") -> None:
        library = _library("lpips", backbone, "torchmetrics.image.lpip")
        metric = library.LearnedPerceptualImagePatchSimilarity(net_type=backbone, normalize=True)
        super().__init__(metric, backbone)


class DISTS(_PerceptualDistance):
    """Deep image structure and texture similarity (Ding et al., TPAMI 2020).

    SSIM's two factors on the features of VGG16 instead of pixels: tolerant of textures that are alike but not equal.

    Raises:
        MissingLibraryError: torchmetrics, torchvision or the network's weights are missing.
    """

    def __init__(self) -> None:
        library = _library("dists", "vgg", "torchmetrics.image.dists")
        super().__init__(library.DeepImageStructureAndTextureSimilarity(), "vgg")


def _library(metric: str, backbone: Backbone, module: str) -> ModuleType:
    """The module of torchmetrics, once it is sure that nothing will be downloaded."""
    # First torchvision: where it does not fit torch, torchmetrics cannot be imported either.
    models = _imported(metric, "torchvision.models")
    library = _imported(metric, module)
    name, weights = WEIGHTS[backbone]
    address: str = getattr(models, weights).DEFAULT.url
    if not Path(torch.hub.get_dir(), "checkpoints", address.rpartition("/")[2]).is_file():
        command = f"python -c \"from torchvision import models; models.{name}(weights='DEFAULT')\""
        raise MissingLibraryError(f"{metric} needs the weights of {name}, fetched once by: {command}")
    return library


def _imported(metric: str, module: str) -> ModuleType:
    library = module.partition(".")[0]
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise MissingLibraryError(f"{metric} needs {error.name}, which is not installed: {INSTALL}") from error
    except Exception as error:  # torchvision built for another torch raises what it likes
        message = f"{metric} needs {library}, which does not work here ({type(error).__name__}: {error})"
        hint = f"install the torchvision made for torch {torch.__version__}"
        raise MissingLibraryError(f"{message}; {hint}") from error
