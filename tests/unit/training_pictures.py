"""Training sets for tests: small pictures whose every crop is unlike every other, and what is loaded of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from sr_core.data.patches import Patches, PatchSettings, load_patches
from sr_core.data.training_set import open_training_set
from sr_core.degradations.bicubic import Bicubic
from sr_core.interfaces.capabilities import Channels
from sr_core.interfaces.degradation import Degradation
from tests.conftest import textured

CPU = torch.device("cpu")


def write_pictures(folder: Path, *sizes: tuple[int, int], planes: int = 3) -> list[np.ndarray]:
    """Pictures a.png, b.png … of these sizes, H×W×C or H×W uint8."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures = [textured(size, planes, index) for index, size in enumerate(sizes)]
    for index, picture in enumerate(pictures):
        Image.fromarray(picture).save(folder / f"{chr(97 + index)}.png")
    return pictures


def load(
    folder: Path,
    channels: Channels = "rgb",
    degradation: Degradation | None = None,
    lr: str | None = None,
    seed: int = 1,
    rank: int = 0,
    world: int = 1,
    progress: Any = None,
    **settings: Any,
) -> Patches:
    """The patches of a folder; settings as in `PatchSettings`, with small defaults."""
    chosen = PatchSettings(**{"crop": 8, "batch": 4, "scales": (2,), **settings})
    training_set = open_training_set([str(folder)], lr, chosen.scales)
    degradation = degradation or Bicubic()
    return load_patches(training_set, chosen, channels, degradation, CPU, seed, rank, world, progress)


def as_image(array: np.ndarray) -> Tensor:
    """1×C×H×W float32 in [0, 1] of an 8-bit picture."""
    return torch.from_numpy(np.atleast_3d(array).astype(np.float32) / np.float32(255)).permute(2, 0, 1)[None]


def laid(image: Tensor) -> list[Tensor]:
    """The eight ways to lay …×H×W, by numbered quarter turns with and without a mirror."""
    return [torch.rot90(side, turns, (-2, -1)) for side in (image, image.flip(-1)) for turns in range(4)]
