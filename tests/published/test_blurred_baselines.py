"""Bicubic on what BD and DN make of pictures, against the published tables of these degradations."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from sr_core.data.dataset import open_dataset
from sr_core.degradations.bd import BD
from sr_core.degradations.dn import DN
from sr_core.degradations.gaussian import Gaussian
from sr_core.evaluation.benchmark import Benchmark, compare
from sr_core.evaluation.candidates import MethodCandidate
from sr_core.interfaces.degradation import Degradation
from sr_core.interfaces.metric import Metric
from sr_core.metrics.psnr import PSNR
from sr_core.metrics.ssim import SSIM
from sr_core.protocol import PROTOCOLS
from sr_core.record import Record
from sr_plugins_interp.resampling import Bicubic


def bicubic_on_set5(degradation: Degradation, data: Path, metrics: dict[str, Metric], seed: int = 0) -> list[Record]:
    """Of bicubic at x3 on Y with a border of 3."""
    cpu = torch.device("cpu")
    benchmark = Benchmark(
        datasets=[open_dataset("Set5", [f"{data}/Set5/HR"], None, [3])],
        scales=[3],
        candidates=[MethodCandidate("bicubic", Bicubic(), "bicubic", cpu)],
        metrics=metrics,
        protocol=PROTOCOLS["modern"].with_parts(luma="y8"),
        degradation=degradation,
        device=cpu,
        seed=seed,
    )
    return [outcome for outcome in compare(benchmark) if isinstance(outcome, Record)]


@pytest.mark.parametrize("degradation", [Gaussian(), BD()])
def test_bicubic_gives_the_published_figure_of_bd(degradation: Degradation, data: Path) -> None:
    """28.78 dB on Set5 at x3: RDN (Zhang et al., CVPR 2018), table of BD; 7x7, sigma 1.6, Y, border 3."""
    (record,) = bicubic_on_set5(degradation, data, {"psnr": PSNR()})
    assert record.mean == pytest.approx(28.78, abs=0.0051)


def test_bicubic_gives_the_published_figures_of_dn(data: Path) -> None:
    """24.01 dB and .5369 on Set5 at x3: RDN, table of DN. Its noise was another; four draws give 24.00 to 24.08, .536 to .541."""
    psnr, ssim = bicubic_on_set5(DN(), data, {"psnr": PSNR(), "ssim": SSIM()})
    assert psnr.mean == pytest.approx(24.01, abs=0.06)
    assert ssim.mean == pytest.approx(0.5369, abs=0.004)
