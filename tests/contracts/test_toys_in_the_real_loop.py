"""Components that ask more of the loop than ordinary networks, trained and measured by the program itself."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import Result
from PIL import Image
from ruamel.yaml import YAML

from sr_core.checkpoint import read_weights
from sr_core.training.checkpoints import load_latest
from tests.conftest import Install, textured
from tests.contracts import toys

Run = Callable[..., Path]

pytestmark = pytest.mark.usefixtures("no_plots")


@pytest.fixture
def run(tmp_path: Path, install: Install, srkit: Callable[..., Result]) -> Run:
    """Carry out a spec with two pictures to learn from and one to be measured on; gives the run directory."""
    install("toys", "toy_plugin", "from tests.contracts.toys import srkit_register\n")
    for folder, count in (("train", 2), ("test", 1)):
        (tmp_path / folder).mkdir()
        for index in range(count):
            picture = textured((48, 44), 3, 10 * count + index)
            Image.fromarray(picture).save(tmp_path / folder / f"{folder}{index}.png")

    def carry_out(spec: Mapping[str, Any], *, fitted: bool = False) -> Path:
        whole = {
            "name": "toy",
            "evaluate": {"on": "test", "candidates": [{"model": "trained"}], "metrics": ["psnr"]},
            **spec,
        }
        if not fitted:
            shared = {"data": {"hr": "train", "crop": 12, "batch": 4}, "loss": "mse", "steps": 4, "log": 1}
            shared["checkpoint"] = {"every": 2}
            whole["train"] = {**shared, **whole["train"]}
        path = tmp_path / "spec.yaml"
        with path.open("w", encoding="utf-8") as file:
            YAML().dump(whole, file)
        result = srkit("run", path, "--output", tmp_path / "run")
        assert result.exit_code == 0, result.output
        return tmp_path / "run"

    return carry_out


def figures(run_directory: Path) -> list[float]:
    records = json.loads((run_directory / "results.json").read_text())
    return [record["mean"] for record in records]


def curve(run_directory: Path, name: str) -> list[float]:
    with (run_directory / "metrics.csv").open(encoding="utf-8") as file:
        return [float(row["value"]) for row in csv.DictReader(file) if row["curve"] == name]


def test_deep_supervision_whose_weights_change_with_progress(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[float] = []
    original = toys.DeepSupervision.predictions

    def watched(self: Any, lr: Any, hr: Any, scale: Any, progress: float) -> Any:
        seen.append(progress)
        return original(self, lr, hr, scale, progress)

    monkeypatch.setattr(toys.DeepSupervision, "predictions", watched)
    directory = run({"scale": 2, "train": {"model": "toy-deep"}})
    assert seen == [0, 0.25, 0.5, 0.75]
    coarse, fine, total = (curve(directory, name) for name in ("loss/coarse/mse", "loss/sr/mse", "loss"))
    for step in range(4):
        assert total[step] == pytest.approx((1 - step / 4) * coarse[step] + fine[step], rel=1e-4)
    assert figures(directory)[0] > 15


def test_predictions_are_weighed_by_name(run: Run) -> None:
    loss = {"name": "mse", "weight": 2, "predictions": {"coarse": 0.25}}
    directory = run({"scale": 2, "train": {"model": "toy-deep", "loss": loss}})
    coarse, fine, total = (curve(directory, name) for name in ("loss/coarse/mse", "loss/sr/mse", "loss"))
    for step in range(4):
        assert total[step] == pytest.approx(2 * (0.25 * (1 - step / 4) * coarse[step] + fine[step]), rel=1e-4)


def test_a_prediction_that_the_network_does_not_make_is_named(run: Run) -> None:
    loss = {"name": "mse", "predictions": {"corse": 0.25}}
    with pytest.raises(AssertionError, match="names predictions corse, and the network makes coarse, sr"):
        run({"scale": 2, "train": {"model": "toy-deep", "loss": loss}})


def test_any_scale_with_another_one_in_every_batch(run: Run) -> None:
    directory = run({"scale": [1.5, 2, 2.7], "train": {"model": "toy-any", "steps": 8}})
    assert len(figures(directory)) == 3
    assert min(figures(directory)) > 15


def test_a_scale_for_each_axis(run: Run) -> None:
    directory = run({"scale": "2x3", "train": {"model": "toy-axes"}})
    (record,) = json.loads((directory / "results.json").read_text())
    assert record["scale"] == [2, 3]
    assert record["mean"] > 15


def test_a_scale_below_one(run: Run) -> None:
    train = {"model": "toy-shrink", "steps": 200, "optimizer": {"name": "adam", "lr": 0.01}, "log": 100}
    directory = run({"scale": 0.5, "train": {**train, "checkpoint": {"every": 200}}})
    losses = curve(directory, "loss")
    assert losses[-1] < losses[0] / 2
    assert figures(directory)[0] > 15


def test_a_critic_with_gradient_penalty_takes_five_steps_of_its_own(run: Run) -> None:
    losses = ["mse", {"name": "toy-critic", "weight": 0.01, "optimizer": {"name": "rmsprop", "lr": 1e-4}}]
    directory = run({"scale": 2, "train": {"model": "toy-deep", "loss": losses}})
    checkpoint = load_latest(directory / "checkpoints")
    assert checkpoint is not None
    kept = checkpoint.state["losses"]["toy-critic"]
    assert kept["loss"]["steps"] == 20
    assert kept["loss"]["calls"] == 0, "the network's steps must leave a learned loss's buffers as they were"
    assert set(kept["update"]["optimizer"]["state"][0]) == {"step", "square_avg"}, "RMSprop's state, not Adam's"
    for name in ("objective", "real", "fake", "penalty"):
        assert len(curve(directory, f"own/toy-critic/{name}")) == 4
    total, pixels, coarse, critic = (
        curve(directory, name) for name in ("loss", "loss/sr/mse", "loss/coarse/mse", "loss/sr/toy-critic")
    )
    assert total[2] == pytest.approx(pixels[2] + 0.5 * coarse[2] + 0.01 * critic[2], rel=1e-4)
    assert not curve(directory, "loss/coarse/toy-critic"), "learned losses see the final prediction alone"


def test_a_relativistic_loss_with_batch_statistics(run: Run) -> None:
    directory = run({"scale": 2, "train": {"model": "toy-deep", "loss": ["mse", "toy-relativistic"]}})
    checkpoint = load_latest(directory / "checkpoints")
    assert checkpoint is not None
    # Two calls in each own step; those of the network's steps are undone.
    assert checkpoint.state["losses"]["toy-relativistic"]["loss"]["judge.1.num_batches_tracked"] == 8
    assert all(np.isfinite(curve(directory, "own/toy-relativistic/objective")))


def test_a_loss_that_looks_at_lr_with_terms_of_its_own_names(run: Run) -> None:
    directory = run({"scale": 2, "train": {"model": {"name": "toy-any"}, "loss": {"name": "toy-consistency"}}})
    terms = zip(
        curve(directory, "loss/toy-consistency/consistency"),
        curve(directory, "loss/toy-consistency/pixels"),
        curve(directory, "loss"),
        strict=True,
    )
    for consistency, pixels, total in terms:
        assert total == pytest.approx(consistency + pixels, rel=1e-4)


def test_a_backbone_that_the_spec_names(run: Run) -> None:
    model = {"name": "toy-backboned", "backbone": {"name": "toy-backbone", "width": 6, "channels": "rgb"}}
    directory = run({"scale": 3, "train": {"model": model}})
    card = read_weights(directory / "checkpoints/final/weights.safetensors").card
    assert card is not None
    assert card.parameters["scale"] == 3
    assert card.parameters["backbone"]["width"] == 6
    assert figures(directory)[0] > 15


def test_a_model_that_is_fitted(run: Run) -> None:
    spec = {
        "scale": 2,
        "train": {"model": "toy-regression", "data": "train"},
        "evaluate": {
            "on": "test",
            "candidates": [{"model": "trained"}, "bicubic"],
            "metrics": ["psnr"],
        },
    }
    directory = run(spec, fitted=True)
    trained, bicubic = figures(directory)
    assert trained > bicubic, "least squares on the same kind of picture cannot lose to its own starting point"
    tensors = read_weights(directory / "checkpoints/final/weights.safetensors").tensors
    assert tensors["weights"].abs().sum() > 0


def test_an_upsampler_that_learns_on_the_picture_needs_gradients(run: Run) -> None:
    evaluate = {"on": "test", "candidates": ["toy-zero-shot", {"model": "trained"}], "metrics": ["psnr"]}
    directory = run({"scale": 2, "train": {"model": "toy-any"}, "evaluate": evaluate})
    assert min(figures(directory)) > 15


def test_seven_planes(run: Run, tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    for folder in ("bands-train", "bands-test"):
        (tmp_path / folder).mkdir()
        smooth = torch.nn.functional.interpolate(
            torch.from_numpy(random.uniform(0, 255, (1, 7, 8, 8))), size=(40, 40), mode="bicubic"
        )
        np.save(tmp_path / folder / "scene.npy", smooth[0].permute(1, 2, 0).clamp(0, 255).to(torch.uint8).numpy())
    directory = run(
        {
            "scale": 2,
            "train": {"model": "toy-planes", "data": {"hr": "bands-train", "crop": 12, "batch": 4}},
            "evaluate": {
                "on": "bands-test",
                "candidates": [{"model": "trained"}],
                "metrics": ["psnr"],
                "protocol": "rgb",
            },
        }
    )
    assert figures(directory)[0] > 15
