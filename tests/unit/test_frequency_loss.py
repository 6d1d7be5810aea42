"""The frequency loss against numpy's transform, and the theorems it stands on."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sr_core import Batch
from sr_plugins_losses.frequency import Frequency

BATCH = Batch(lr=torch.zeros(1, 1, 1, 1), scale=2, step=0, progress=0.0)


@pytest.mark.parametrize("size", [(8, 8), (7, 10), (1, 5)])
@pytest.mark.parametrize("planes", [1, 3])
def test_it_is_l1_between_spectra(planes: int, size: tuple[int, int]) -> None:
    sr, hr = np.random.default_rng(1).random((2, 2, planes, *size))
    one, other = np.fft.fft2(sr), np.fft.fft2(hr)
    pixels = size[0] * size[1]
    amplitude = np.abs(np.abs(one) - np.abs(other)).mean() / pixels**0.5
    given = torch.from_numpy(sr), torch.from_numpy(hr), BATCH
    assert Frequency()(*given).item() == pytest.approx(amplitude)
    assert Frequency("complex")(*given).item() == pytest.approx(np.abs(one - other).mean() / pixels**0.5)


def test_a_shifted_picture_has_the_same_amplitudes_and_other_phases() -> None:
    hr = torch.rand(1, 1, 16, 16, dtype=torch.float64)
    moved = hr.roll((3, 5), dims=(-2, -1))
    assert Frequency()(moved, hr, BATCH).item() == pytest.approx(0, abs=1e-12)
    assert Frequency("complex")(moved, hr, BATCH).item() > 0.1


def test_a_wave_that_is_missing_costs_its_two_frequencies() -> None:
    columns = torch.arange(16, dtype=torch.float64)
    wave = 0.1 * torch.cos(2 * torch.pi * 3 * columns / 16).expand(1, 1, 16, 16)
    flat = torch.full((1, 1, 16, 16), 0.5, dtype=torch.float64)
    # Amplitude 0.1 is 0.05 at ±3, times 16 (orthonormal, 256 pixels); the mean is over 256 frequencies.
    for compare in ("amplitude", "complex"):
        expected = pytest.approx(2 * 0.05 * 16 / 256)
        assert Frequency(compare)(flat + wave, flat, BATCH).item() == expected  # type: ignore[arg-type]
