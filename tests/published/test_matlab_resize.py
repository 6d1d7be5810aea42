"""Both MATLAB recipes to the bit: the field's public LR sets, and outputs of MATLAB R2017b."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from sr_core.imaging.resize import resize

NUMBER_OF_PICTURES = {"Set5": 5, "Set14": 14}
MATLAB_SCALES = {"down_x2": 1 / 2, "down_x3": 1 / 3, "down_x4": 1 / 4, "up_x2": 2.0, "up_x3": 3.0}


def levels(path: Path) -> Tensor:
    """The file's pixels as they are, one plane or three: 1×C×H×W uint8."""
    pixels = np.array(Image.open(path), ndmin=3)
    return torch.from_numpy(pixels if pixels.shape[0] == 1 else pixels.transpose(2, 0, 1))[None]


def nearest_level(image: Tensor) -> Tensor:
    return torch.floor(image.double() * 255 + 0.5).clamp(0, 255).to(torch.uint8)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("name", NUMBER_OF_PICTURES)
def test_each_pass_makes_the_public_lr_sets(name: str, scale: int, dtype: torch.dtype, data: Path) -> None:
    paths = sorted((data / name / "HR").iterdir())
    assert len(paths) == NUMBER_OF_PICTURES[name]
    for path in paths:
        hr = levels(path)
        height, width = (length // scale * scale for length in hr.shape[-2:])
        lr = resize(hr[..., :height, :width].to(dtype) / 255, 1 / scale, rounding="each_pass")
        assert torch.equal((lr * 255).round().to(torch.uint8), levels(data / name / f"LR_x{scale}" / path.name)), path


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", MATLAB_SCALES)
def test_float_recipe_gives_matlabs_own_output(name: str, dtype: torch.dtype, data: Path) -> None:
    picture = levels(data / "matlab_imresize" / "baboon.png").double() / 255
    matlab = levels(data / "matlab_imresize" / f"baboon_{name}_matlab.png")
    exact = resize(picture, MATLAB_SCALES[name]) * 255
    tie = (exact - exact.floor() - 0.5).abs() < 1e-10  # which way these fall is chance, in MATLAB too
    assert tie.double().mean() < 1e-3
    difference = (nearest_level(resize(picture.to(dtype), MATLAB_SCALES[name])).int() - matlab.int()).abs()
    assert difference.shape == matlab.shape
    assert difference[~tie].max() == 0
    assert difference[tie].numel() == 0 or difference[tie].max() <= 1


@pytest.mark.parametrize("name", ["down_x3", "down_x4", "up_x3"])
def test_rounding_once_is_matlabs_picture_file(name: str, data: Path) -> None:
    """At the scales whose pixels hold no exact tie."""
    picture = levels(data / "matlab_imresize" / "baboon.png").float() / 255
    rounded = resize(picture, MATLAB_SCALES[name], rounding="once")
    assert torch.equal(
        (rounded * 255).round().to(torch.uint8), levels(data / "matlab_imresize" / f"baboon_{name}_matlab.png")
    )
