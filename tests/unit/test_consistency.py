"""Consistency: SR shrunk again against LR, alone and in a comparison."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from torch import Tensor

from sr_core.building import build
from sr_core.data.dataset import open_dataset
from sr_core.degradations.bicubic import Bicubic
from sr_core.discovery import discover
from sr_core.evaluation.benchmark import Benchmark, Comparison, compare
from sr_core.evaluation.candidates import MethodCandidate
from sr_core.imaging.resize import resize
from sr_core.imaging.size import Scale
from sr_core.interfaces.degradation import Degradation
from sr_core.interfaces.randomness import SampleRandom
from sr_core.metrics.consistency import Consistency, consistency
from sr_core.metrics.psnr import PSNR, psnr
from sr_core.parameters import ComponentReference
from sr_core.protocol import PROTOCOLS
from sr_plugins_interp.resampling import Nearest
from tests.unit.metric_pictures import chirps


class Noise(Degradation):
    def forward(self, hr: Tensor, scale: Scale, random: SampleRandom) -> Tensor:
        return hr


def test_the_truth_is_consistent_without_end() -> None:
    _, hr = chirps(24, 30)
    lr = resize(hr.float(), 1 / 3, rounding="each_pass").double()
    assert Consistency()(hr, lr, 3).tolist() == [math.inf]


def test_one_level_off_is_as_many_decibels() -> None:
    """A flat picture one level too bright: 20 log10(255) = 48.13 dB, whatever the degradation."""
    lr = torch.full((2, 3, 8, 9), 100 / 255, dtype=torch.float64)
    sr = torch.full((2, 3, 16, 18), 101 / 255, dtype=torch.float64)
    assert Consistency()(sr, lr, 2).tolist() == pytest.approx([20 * math.log10(255)] * 2, abs=1e-4)


def test_it_is_the_psnr_of_the_degradation_it_is_given() -> None:
    sr, hr = chirps(24, 30)
    lr = resize(hr, 1 / 2)
    value = consistency(sr, lr, 2, Bicubic(rounding="none"))
    assert float(value) == pytest.approx(float(psnr(resize(sr, 1 / 2), lr)), abs=1e-4)


def test_fractional_scales_are_told_not_guessed() -> None:
    _, hr = chirps(37, 30)
    lr = Bicubic(rounding="none")(hr.float(), 2.3, SampleRandom(0, 0, [0])).double()
    assert Consistency(Bicubic(rounding="none"))(hr, lr, 2.3).tolist() == [math.inf]


def test_a_degradation_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match=r"SR shrunk is \(1, 1, 12, 15\), LR is \(1, 1, 8, 10\)"):
        Consistency()(chirps(24, 30)[0], chirps(8, 10)[0], 2)


def test_a_degradation_with_chance_is_refused() -> None:
    with pytest.raises(ValueError, match="depends on chance"):
        Consistency(Noise())


def test_a_spec_may_name_the_degradation() -> None:
    registry = discover().registry
    named = ComponentReference.of("consistency", {"degradation": {"name": "bicubic", "rounding": "none"}})
    _, hr = chirps(24, 30)
    metric = build(registry, "metric", named)
    assert float(metric(hr, resize(hr, 1 / 2), 2)) > 140


def test_a_comparison_tells_it_lr_and_scale(photographs: Path) -> None:
    benchmark = Benchmark(
        datasets=[open_dataset("photographs", [str(photographs)], None, [2, 3])],
        scales=[2, 3],
        candidates=[MethodCandidate("nearest", Nearest(), "nearest", torch.device("cpu"))],
        metrics={"consistency": Consistency(), "psnr": PSNR()},
        protocol=PROTOCOLS["modern"],
        degradation=Bicubic(),
        device=torch.device("cpu"),
    )
    comparisons = [outcome for outcome in compare(benchmark) if isinstance(outcome, Comparison)]
    assert {comparison.scale for comparison in comparisons} == {2, 3}
    for comparison in comparisons:
        sr = comparison.answers["nearest"].picture
        shrunk = resize(sr, 1 / comparison.scale, rounding="each_pass").double()
        expected = float(psnr(shrunk, comparison.truth.lr.double()))
        assert comparison.values["nearest"]["consistency"] == pytest.approx(expected, abs=1e-9)
