"""A learned degradation: a network that makes pictures smaller is LR's maker in any spec."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from sr_core.checkpoint import WeightsCard, write_weights
from sr_core.degradations.learned import Learned
from sr_core.errors import SrkitError
from sr_core.imaging.size import Scale, degraded_size
from sr_core.interfaces.model import Model
from sr_core.interfaces.randomness import SampleRandom


class Shrinking(Model):
    """Averages of squares, and noise of a learned strength."""

    scales = frozenset({0.5})
    channels = "rgb"
    multiple = 2
    takes_noise = True

    def __init__(self, strength: float = 0.1) -> None:
        super().__init__()
        self.strength = torch.nn.Parameter(torch.tensor(strength))

    def forward(self, lr: Tensor, scale: Scale, noise: Tensor | None = None) -> Tensor:
        del scale
        noisy = lr if noise is None else lr + self.strength * noise
        return torch.nn.functional.avg_pool2d(noisy, 2)


class Enlarging(Shrinking):
    scales = frozenset({2.0})


@pytest.fixture
def weights(tmp_path: Path) -> str:
    path = tmp_path / "shrinking.safetensors"
    card = WeightsCard(
        component="shrinking", distribution="test", parameters={}, scales=(0.5,), channels="rgb", spec={}
    )
    write_weights(path, Shrinking(strength=0.1), card)
    return str(path)


def random(*indices: int, step: int = 3) -> SampleRandom:
    return SampleRandom(5, step, indices)


def picture(count: int, height: int, width: int) -> Tensor:
    return torch.rand(count, 3, height, width, generator=torch.Generator().manual_seed(1)) * 0.6 + 0.2


def test_lr_is_what_the_trained_network_makes_of_hr(weights: str) -> None:
    degradation = Learned(Shrinking(strength=9.0), weights, noise=False, rounding=False)
    hr = picture(2, 12, 16)
    expected = hr.reshape(2, 3, 6, 2, 8, 2).mean((3, 5))
    assert torch.allclose(degradation(hr, 2, random(0, 1)), expected, atol=1e-6)
    assert degradation.deterministic


def test_noise_is_each_samples_own_and_comes_again(weights: str) -> None:
    degradation = Learned(Shrinking(), weights, rounding=False)
    assert not degradation.deterministic
    hr = picture(1, 32, 32).expand(3, -1, -1, -1)
    first = degradation(hr, 2, random(0, 1, 2))
    assert torch.equal(first, degradation(hr, 2, random(0, 1, 2))), "replayed from (seed, step, index)"
    assert torch.equal(first[1:2], degradation(hr[1:2], 2, random(1))), "whatever batch it is in"
    assert not torch.allclose(first[0], first[1], atol=1e-3)
    clean = hr.reshape(3, 3, 16, 2, 16, 2).mean((3, 5))
    assert float((first - clean).std()) == pytest.approx(0.1 / 2, rel=0.1), "0.1 of noise, averaged over 4 pixels"


@pytest.mark.parametrize("size", [(13, 17), (1, 9)])
def test_odd_sizes_obey_the_size_rule(weights: str, size: tuple[int, int]) -> None:
    lr = Learned(Shrinking(), weights)(picture(1, *(2 * side for side in size)), 2, random(0))
    assert lr.shape[-2:] == degraded_size((2 * size[0], 2 * size[1]), 2)


def test_it_is_rounded_to_8_bits_as_a_file_would_be(weights: str) -> None:
    levels = Learned(Shrinking(), weights)(picture(1, 16, 16), 2, random(0)) * 255
    assert torch.allclose(levels, levels.round(), atol=1e-4)


def test_another_scale_is_refused_in_plain_words(weights: str) -> None:
    with pytest.raises(SrkitError, match="is one for scale 2; the run has 3"):
        Learned(Shrinking(), weights)(picture(1, 12, 12), 3, random(0))


def test_a_network_that_enlarges_is_refused(weights: str) -> None:
    with pytest.raises(ValueError, match="makes pictures smaller"):
        Learned(Enlarging(), weights)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SrkitError, match="no such file"):
        Learned(Shrinking(), str(tmp_path / "missing.safetensors"))
