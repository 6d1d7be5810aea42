"""LPIPS and DISTS: what is said where a library is missing, and how torchmetrics is called where it is there.

The networks' weights are no part of the tests, so torchmetrics and torchvision are played by modules of this file.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
import torch
from click.testing import Result
from torch import Tensor, nn

from sr_core.metrics.perceptual import DISTS, LPIPS, MissingLibraryError
from sr_core.testing import check_metric

Make = Callable[[], LPIPS | DISTS]
BOTH = pytest.mark.parametrize("make", [LPIPS, DISTS], ids=["lpips", "dists"])


class MeanDifference(nn.Module):
    """In the place of torchmetrics' modules: float32, one picture a call, one number."""

    def __init__(self, net_type: str = "alex", normalize: bool = False) -> None:
        super().__init__()
        self.said = (net_type, normalize)

    def forward(self, sr: Tensor, hr: Tensor) -> Tensor:
        assert sr.dtype == torch.float32
        assert sr.shape[:2] == (1, 3)
        return (sr - hr).abs().mean()


@pytest.fixture
def libraries(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Both libraries, and an empty folder of fetched weights, which is returned."""
    weights = {
        name: SimpleNamespace(DEFAULT=SimpleNamespace(url=f"https://example.org/{name}.pth"))
        for name in ("AlexNet_Weights", "VGG16_Weights")
    }
    put(monkeypatch, "torchvision.models", **weights)
    put(monkeypatch, "torchmetrics.image.lpip", LearnedPerceptualImagePatchSimilarity=MeanDifference)
    put(monkeypatch, "torchmetrics.image.dists", DeepImageStructureAndTextureSimilarity=MeanDifference)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    return folder


def put(monkeypatch: pytest.MonkeyPatch, name: str, **contents: object) -> None:
    """A module of that name, and packages above it."""
    module = ModuleType(name)
    vars(module).update(contents)
    parts = name.split(".")
    for depth in range(1, len(parts)):
        package = ".".join(parts[:depth])
        monkeypatch.setitem(sys.modules, package, sys.modules.get(package, ModuleType(package)))
    monkeypatch.setitem(sys.modules, name, module)


@BOTH
def test_a_missing_library_is_named_with_the_command(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torchvision", None)
    monkeypatch.setitem(sys.modules, "torchvision.models", None)
    with pytest.raises(
        MissingLibraryError, match=r"needs torchvision.*pip install 'torchmetrics>=1.9' torchvision torch==2"
    ):
        make()


@BOTH
def test_a_library_that_breaks_on_import_is_told_apart(make: Make, tmp_path: Path, libraries: Path) -> None:
    code = "raise RuntimeError('operator torchvision::nms does not exist')"
    (tmp_path / "torchvision").mkdir()
    (tmp_path / "torchvision/__init__.py").write_text(code, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(tmp_path))
        patch.delitem(sys.modules, "torchvision")
        patch.delitem(sys.modules, "torchvision.models")
        with pytest.raises(MissingLibraryError, match="nms does not exist.*torchvision made for torch"):
            make()


@BOTH
def test_nothing_is_fetched_unless_asked(make: Make, libraries: Path) -> None:
    with pytest.raises(MissingLibraryError, match=r"needs the weights of \w+, fetched once by: python -c"):
        make()


@BOTH
def test_with_everything_there_it_keeps_the_contract(make: Make, libraries: Path) -> None:
    for name in ("AlexNet_Weights", "VGG16_Weights"):
        (libraries / f"{name}.pth").touch()
    metric = make()
    check_metric(metric)
    assert metric.channels == "rgb"
    assert not metric.higher_is_better
    hr = torch.zeros(2, 3, 40, 40, dtype=torch.float64)
    sr = hr + torch.tensor([0.25, 0.5]).view(2, 1, 1, 1)
    assert metric(sr, hr).tolist() == [0.25, 0.5]
    with pytest.raises(ValueError, match="pixels are needed, the picture has 10×90"):
        metric(torch.zeros(1, 3, 10, 90), torch.zeros(1, 3, 10, 90))


def test_the_run_stops_before_any_work_and_says_what_to_do(
    srkit: Callable[..., Result], photographs: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "torchvision.models", None)
    spec = tmp_path / "spec.yaml"
    text = f"name: trial\nscale: 2\nevaluate:\n  on: [{{name: p, hr: {photographs}}}]\n  candidates: [nearest]\n  metrics: [lpips]\n"
    spec.write_text(text, encoding="utf-8")
    result = srkit("run", spec, "--output", tmp_path / "run")
    assert result.exit_code == 2
    assert "evaluate.metrics[0]" in result.output
    assert "pip install" in result.output
    assert not (tmp_path / "run").exists()
