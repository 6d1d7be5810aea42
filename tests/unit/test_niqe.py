"""NIQE against its definition, written with scipy; a published figure is in tests/published."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import ndimage, special

from sr_core.imaging.color import rgb_to_y
from sr_core.imaging.resize import resize
from sr_core.metrics.niqe import NIQE, niqe
from sr_core.metrics.niqe_features import block_features

Samples = NDArray[np.float64]

SHAPES = np.arange(0.2, 10.001, 0.001)
RATIOS = special.gamma(2 / SHAPES) ** 2 / (special.gamma(1 / SHAPES) * special.gamma(3 / SHAPES))


def fitted(samples: Samples) -> tuple[float, float, float]:
    left = np.sqrt((samples[samples < 0] ** 2).mean())
    right = np.sqrt((samples[samples > 0] ** 2).mean())
    ratio = left / right
    wanted = np.abs(samples).mean() ** 2 / (samples**2).mean() * (ratio**3 + 1) * (ratio + 1) / (ratio**2 + 1) ** 2
    shape = SHAPES[np.abs(RATIOS - wanted).argmin()]
    spread = np.sqrt(special.gamma(1 / shape) / special.gamma(3 / shape))
    return shape, left * spread, right * spread


def described(block: Samples) -> list[float]:
    shape, left, right = fitted(block)
    features = [shape, (left + right) / 2]
    for step in ((0, 1), (1, 0), (1, 1), (1, -1)):
        shape, left, right = fitted(block * np.roll(block, step, axis=(0, 1)))
        mean = (right - left) * special.gamma(2 / shape) / special.gamma(1 / shape)
        features += [shape, mean, left, right]
    return features


def by_definition(levels: Samples) -> Samples:
    """The 36 features of each block, the slow way."""
    offsets = np.arange(-3, 4)
    window = np.exp(-(offsets[:, None] ** 2 + offsets**2) / (2 * (7 / 6) ** 2))
    window /= window.sum()
    found = []
    for side in (96, 48):
        mean = ndimage.correlate(levels, window, mode="nearest")
        square = ndimage.correlate(levels**2, window, mode="nearest")
        normalised = (levels - mean) / (np.sqrt(np.abs(square - mean**2)) + 1)
        corners = [(row, column) for row in (0, 1) for column in (0, 1, 2)]
        blocks = [normalised[r * side : (r + 1) * side, c * side : (c + 1) * side] for r, c in corners]
        found.append([described(block) for block in blocks])
        levels = 255 * resize(torch.from_numpy(levels / 255)[None, None], 0.5)[0, 0].numpy()
    return np.concatenate(found, axis=1)


def scene(height: int, width: int, planes: int = 1) -> torch.Tensor:
    """Blobs of several sizes and fine noise in 8-bit levels / 255."""
    random = np.random.default_rng(7)
    noise = random.normal(0, 1, (planes, height, width))
    blobs = sum(sigma**1.5 * ndimage.gaussian_filter(noise, (0, sigma, sigma)) for sigma in (0.5, 2, 8))
    return torch.from_numpy(np.floor((110 + 25 * blobs + 4 * noise).clip(0, 255)) / 255)[None]


def test_the_features_are_those_of_the_definition() -> None:
    levels = (255 * scene(192, 288)[0, 0]).round()
    np.testing.assert_allclose(block_features(levels).numpy(), by_definition(levels.numpy()), rtol=1e-9, atol=1e-9)


def test_the_rest_beyond_whole_blocks_is_cut_off() -> None:
    image = scene(250, 300)
    assert torch.equal(niqe(image), niqe(image[..., :192, :288]))


def test_blur_and_noise_are_worse_and_batches_give_one_value_each() -> None:
    image = scene(192, 288)
    blurred = resize(resize(image, 0.25), 4)
    noisy = image + 0.2 * torch.randn(image.shape, generator=torch.Generator().manual_seed(0))
    values = niqe(torch.cat([image, blurred, noisy]))
    assert values.shape == (3,)
    assert values[0] < values[1:].min()
    assert float(niqe(blurred)) == pytest.approx(float(values[1]), rel=1e-9)


def test_of_colour_it_takes_luma_and_of_luma_eight_bits() -> None:
    colour = scene(192, 192, planes=3)
    luma = rgb_to_y(colour)
    rounded = torch.floor(luma * 255 + 0.5) / 255
    assert torch.equal(niqe(colour), niqe(luma))
    assert float(niqe(luma)) == pytest.approx(float(niqe(rounded)), rel=1e-12)


def test_flat_blocks_are_left_out() -> None:
    image = scene(288, 384)
    image[..., 90:] = 0.5  # the last three of four blocks in each row, and the neighbourhood of the first
    described_blocks = block_features((255 * image[0, 0]).round()).isfinite().all(dim=1)
    assert described_blocks.tolist() == [True, False, False, False] * 3
    assert niqe(image).isfinite().all()


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (torch.rand(1, 1, 191, 96), "NIQE needs two blocks of 96×96 pixels, the picture has 191×96"),
        (torch.full((1, 1, 200, 200), 0.3), "NIQE needs two blocks that are not flat"),
        (torch.rand(1, 4, 200, 200), "NIQE takes one plane or RGB, not 4 planes"),
    ],
)
def test_what_has_no_figure_is_refused(image: torch.Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        niqe(image)


def test_it_says_that_it_needs_nothing_and_that_lower_is_better() -> None:
    metric = NIQE()
    assert not metric.higher_is_better
    assert metric.needs == "nothing"
    image = scene(96, 192)
    assert torch.equal(metric(image, image), niqe(image))
