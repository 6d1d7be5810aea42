"""Bicubic against the published tables: the ground that every other figure stands on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from sr_core.data.dataset import open_dataset
from sr_core.degradations.bicubic import Bicubic as BicubicDegradation
from sr_core.evaluation.benchmark import Benchmark, compare
from sr_core.evaluation.candidates import MethodCandidate
from sr_core.metrics.psnr import PSNR
from sr_core.metrics.ssim import SSIM
from sr_core.protocol import PROTOCOLS, Protocol
from sr_core.record import Record
from sr_plugins_interp.resampling import Bicubic

# Column A of the published tables (RCAN's figures, the bicubic row): PSNR, SSIM.
PUBLISHED = {
    ("Set5", 2): (33.66, 0.9299),
    ("Set5", 3): (30.39, 0.8682),
    ("Set5", 4): (28.42, 0.8104),
    ("Set14", 2): (30.24, 0.8688),
    ("Set14", 3): (27.55, 0.7742),
    ("Set14", 4): (26.00, 0.7027),
}
CASES = sorted(PUBLISHED)


def measure(data: Path, name: str, scale: int, protocol: Protocol, rounding: str = "none") -> dict[str, Record]:
    dataset = open_dataset(name, [f"{data}/{name}/HR"], f"{data}/{name}/LR_x{{scale}}", [scale])
    cpu = torch.device("cpu")
    benchmark = Benchmark(
        datasets=[dataset],
        scales=[scale],
        candidates=[MethodCandidate("bicubic", Bicubic(rounding=rounding), "bicubic", cpu)],  # type: ignore[arg-type]
        metrics={"psnr": PSNR(), "ssim": SSIM()},
        protocol=protocol,
        degradation=BicubicDegradation(),
        device=cpu,
    )
    return {outcome.metric: outcome for outcome in compare(benchmark) if isinstance(outcome, Record)}


def expected(data: Path, name: str, scale: int, convention: str) -> tuple[float, float]:
    figures = json.loads((data / "bicubic_expected.json").read_text(encoding="utf-8"))
    found = figures["means"][f"{name}_x{scale}"][convention]
    return found["psnr"], found["ssim"]


@pytest.mark.parametrize(("name", "scale"), CASES)
def test_classic_gives_the_published_figures(name: str, scale: int, data: Path) -> None:
    records = measure(data, name, scale, PROTOCOLS["classic"])
    psnr, ssim = expected(data, name, scale, "y8_float_clip")
    assert records["psnr"].mean == pytest.approx(psnr, abs=0.001)
    assert records["ssim"].mean == pytest.approx(ssim, abs=0.0001)
    assert records["psnr"].mean == pytest.approx(PUBLISHED[name, scale][0], abs=0.0051)
    assert records["ssim"].mean == pytest.approx(PUBLISHED[name, scale][1], abs=0.0001)


@pytest.mark.parametrize(("name", "scale"), CASES)
def test_modern_on_the_public_lr_gives_the_recomputed_figures(name: str, scale: int, data: Path) -> None:
    records = measure(data, name, scale, PROTOCOLS["modern"])
    psnr, ssim = expected(data, name, scale, "rgb8_repoLR_yfloat")
    assert records["psnr"].mean == pytest.approx(psnr, abs=0.001)
    assert records["ssim"].mean == pytest.approx(ssim, abs=0.0001)


@pytest.mark.parametrize(("name", "scale"), CASES)
def test_selfexsrs_conventions_give_its_figure_for_each_picture(name: str, scale: int, data: Path) -> None:
    conventions = PROTOCOLS["modern"].with_parts(luma="y8")
    records = measure(data, name, scale, conventions, rounding="each_pass")
    published = json.loads((data / "published_selfexsr.json").read_text(encoding="utf-8"))
    table = selfexsr_table(published, name, scale)
    assert len(table) == len(records["psnr"].per_image)
    for picture, (psnr, ssim) in table.items():
        assert records["psnr"].per_image[picture] == pytest.approx(psnr, abs=0.001), picture
        assert records["ssim"].per_image[picture] == pytest.approx(ssim, abs=0.0001), picture


def selfexsr_table(published: dict[str, dict], name: str, scale: int) -> dict[str, tuple[float, float]]:  # type: ignore[type-arg]
    """Picture → (PSNR, SSIM) of the Bicubic column."""
    result = published["results"][name][f"x{scale}"]
    column = result["methods"]["Bicubic"]["per_image"]
    return dict(zip(result["images"], zip(column["psnr"], column["ssim"], strict=True), strict=True))
