"""Bicubic on blurred and subsampled pictures against the published tables of that degradation (BD)."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from sr_core.data.dataset import open_dataset
from sr_core.degradations.gaussian import Gaussian
from sr_core.evaluation.benchmark import Benchmark, compare
from sr_core.evaluation.candidates import MethodCandidate
from sr_core.metrics.psnr import PSNR
from sr_core.protocol import PROTOCOLS
from sr_core.record import Record
from sr_plugins_interp.resampling import Bicubic


def test_bicubic_gives_the_published_figure_at_the_default_settings(data: Path) -> None:
    """28.78 dB on Set5 at x3: RDN (Zhang et al., CVPR 2018), table of BD; 7x7, sigma 1.6, Y, border 3."""
    cpu = torch.device("cpu")
    benchmark = Benchmark(
        datasets=[open_dataset("Set5", [f"{data}/Set5/HR"], None, [3])],
        scales=[3],
        candidates=[MethodCandidate("bicubic", Bicubic(), "bicubic", cpu)],
        metrics={"psnr": PSNR()},
        protocol=PROTOCOLS["modern"].with_parts(luma="y8"),
        degradation=Gaussian(),
        device=cpu,
    )
    (record,) = (outcome for outcome in compare(benchmark) if isinstance(outcome, Record))
    assert record.mean == pytest.approx(28.78, abs=0.0051)
