"""Training without pairs, by the ready specs: a degradation is learned and then used; cycle in cycle."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from PIL import Image
from ruamel.yaml import YAML

from tests.conftest import textured

Srkit = Callable[..., Result]
SPECS = Path(__file__).parents[2] / "specs"
SMALL = (
    *("--set", "device=cpu", "--set", "train.steps=3", "--set", "train.log=1", "--set", "train.data.batch=2"),
    *("--set", "train.model.width=8", "--set", "train.model.blocks=1"),
)
DOWNSCALER = {"name": "downscaler", "scale": 0.25, "width": 8, "blocks": 1}


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """HR, and LR of other pictures."""
    for name, seeds, size in (("hr", (1, 2, 3), (136, 144)), ("camera", (4, 5), (40, 36))):
        (tmp_path / name).mkdir()
        for seed in seeds:
            Image.fromarray(textured(size, 3, seed)).save(tmp_path / name / f"{seed}.png")
    monkeypatch.setenv("HR", str(tmp_path / "hr"))
    monkeypatch.setenv("REAL_LR", str(tmp_path / "camera"))
    return tmp_path


def write(path: Path, spec: object) -> Path:
    with path.open("w", encoding="utf-8") as file:
        YAML().dump(spec, file)
    return path


def curves(run: Path) -> set[str]:
    with (run / "metrics.csv").open(encoding="utf-8") as file:
        return {row["curve"] for row in csv.DictReader(file)}


@pytest.mark.usefixtures("no_plots")
def test_a_degradation_is_learned_and_then_makes_lr_in_another_spec(folders: Path, srkit: Srkit) -> None:
    learned = folders / "learned"
    result = srkit("run", SPECS / "learn-degradation.yaml", "--output", learned, *SMALL)
    assert result.exit_code == 0, result.output
    assert curves(learned) >= {"loss/consistency", "loss/gan/adversarial", "own/gan/objective"}
    weights = "learned/checkpoints/final/weights.safetensors"  # relative: to the spec's folder
    spec = {
        "name": "uses it",
        "scale": 4,
        "device": "cpu",
        "degradation": {"name": "learned", "network": DOWNSCALER, "weights": weights},
        "train": {
            "model": {"name": "real_esrgan_compact", "convolutions": 1, "width": 4},
            "data": {"hr": "hr", "crop": 32, "batch": 2},
            "loss": "l1",
            "steps": 2,
        },
    }
    result = srkit("run", write(folders / "uses.yaml", spec), "--output", folders / "used")
    assert result.exit_code == 0, result.output
    resolved = YAML(typ="safe").load((folders / "used/spec.yaml").read_text(encoding="utf-8"))
    assert resolved["degradation"]["weights"] == str(folders / weights), "it runs alike from any folder"


@pytest.mark.usefixtures("no_plots")
def test_cycle_in_cycle_trains_both_of_its_networks(folders: Path, srkit: Srkit) -> None:
    text = (SPECS / "cincgan.yaml").read_text(encoding="utf-8")
    for old, new in (
        ("width: 32", "width: 4"),
        ("steps: 3000", "steps: 2"),
        ("log: 50", "log: 1"),
        ("batch: 8", "batch: 2"),
    ):
        assert old in text
        text = text.replace(old, new)
    (folders / "cincgan.yaml").write_text(text, encoding="utf-8")
    result = srkit("run", folders / "cincgan.yaml", "--output", folders / "run", "--set", "device=cpu")
    assert result.exit_code == 0, result.output
    found = curves(folders / "run")
    assert found >= {"loss/clean/gan/adversarial", "loss/clean/cycle/cycle", "loss/clean/total_variation"}
    assert found >= {"loss/sr/gan 2/adversarial", "loss/sr/cycle 2/cycle", "loss/sr/total_variation"}
    assert "loss/sr/gan/adversarial" not in found, "each discriminator sees one of the two pictures"


@pytest.mark.parametrize("loss", ["l1", "ssim", {"name": "gan", "discriminator": "patchgan", "feature_matching": 1}])
def test_a_loss_that_needs_the_truth_is_refused(folders: Path, srkit: Srkit, loss: object) -> None:
    spec = {
        "name": "unpaired",
        "scale": 4,
        "train": {
            "model": "espcn" if loss != "ssim" else "srresnet",
            "data": {"hr": "hr", "unpaired_lr": "camera", "crop": 32},
            "loss": loss,
            "steps": 2,
        },
    }
    result = srkit("check", write(folders / "spec.yaml", spec))
    assert result.exit_code == 2
    assert "compares with the truth, which unpaired pictures lack" in result.output


def test_pairs_and_no_pairs_are_one_too_many(folders: Path, srkit: Srkit) -> None:
    data = {"hr": "hr", "unpaired_lr": "camera", "lr": "camera", "crop": 32}
    spec = {"name": "both", "scale": 4, "train": {"model": "srresnet", "data": data, "loss": "l1", "steps": 2}}
    result = srkit("check", write(folders / "spec.yaml", spec))
    assert result.exit_code == 2
    assert "lr is paired with hr and unpaired_lr is not" in result.output
