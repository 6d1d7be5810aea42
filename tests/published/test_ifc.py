"""IFC of bicubic as SelfExSR published it, set by set and picture by picture."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from sr_core.data.dataset import open_dataset
from sr_core.degradations.bicubic import Bicubic as BicubicDegradation
from sr_core.evaluation.benchmark import Benchmark, compare
from sr_core.evaluation.candidates import MethodCandidate
from sr_core.metrics.ifc import IFC
from sr_core.protocol import PROTOCOLS
from sr_core.record import Record
from sr_plugins_interp.resampling import Bicubic

# Huang, Singh and Ahuja, CVPR 2015: the means of their tables.
PUBLISHED = {
    ("Set5", 2): 5.72,
    ("Set5", 3): 3.45,
    ("Set5", 4): 2.28,
    ("Set14", 2): 5.74,
    ("Set14", 3): 3.33,
    ("Set14", 4): 2.18,
}


def measure(data: Path, name: str, scale: int) -> Record:
    cpu = torch.device("cpu")
    benchmark = Benchmark(
        datasets=[open_dataset(name, [f"{data}/{name}/HR"], f"{data}/{name}/LR_x{{scale}}", [scale])],
        scales=[scale],
        candidates=[MethodCandidate("bicubic", Bicubic(rounding="each_pass"), "bicubic", cpu)],
        metrics={"ifc": IFC()},
        protocol=PROTOCOLS["modern"].with_parts(luma="y8"),
        degradation=BicubicDegradation(),
        device=cpu,
    )
    (record,) = (outcome for outcome in compare(benchmark) if isinstance(outcome, Record))
    return record


@pytest.mark.parametrize(("name", "scale"), sorted(PUBLISHED))
def test_bicubic_has_the_published_ifc(name: str, scale: int, data: Path) -> None:
    """The bar is 0.02 for a set and 0.05 for a picture; the figures agree to the digits of the tables."""
    record = measure(data, name, scale)
    assert record.mean == pytest.approx(PUBLISHED[name, scale], abs=0.006)
    published = json.loads((data / "published_selfexsr.json").read_text(encoding="utf-8"))
    table = published["results"][name][f"x{scale}"]
    column = table["methods"]["Bicubic"]["per_image"]["ifc"]
    assert dict(record.per_image) == pytest.approx(dict(zip(table["images"], column, strict=True)), abs=0.001)
