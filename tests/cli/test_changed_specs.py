"""`srkit run --resume` where something has changed since, finished runs, and what is refused before anything is written."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from PIL import Image
from ruamel.yaml import YAML

from sr_core.checkpoint import read_weights
from sr_core.training.checkpoints import Checkpoints
from tests.conftest import Install, textured

Srkit = Callable[..., Result]
Write = Callable[..., Path]

pytestmark = pytest.mark.usefixtures("no_plots")


@pytest.fixture
def spec(tmp_path: Path, install: Install) -> Write:
    """Write a small spec with two pictures to learn from and one to be measured on; the toys are installed."""
    install("toys", "toy_plugin", "from tests.contracts.toys import srkit_register\n")
    for folder, seeds in (("train", (1, 2)), ("test", (7,))):
        (tmp_path / folder).mkdir()
        for seed in seeds:
            Image.fromarray(textured((40, 44), 3, seed)).save(tmp_path / folder / f"{folder}{seed}.png")

    def write(train: dict[str, Any] | None = None, *, fitted: bool = False, **top: Any) -> Path:
        of_the_loop = {
            "model": {"name": "espcn", "features": [4, 4]},
            "data": {"hr": "train", "crop": 16, "batch": 4},
            "loss": "mse",
            "steps": 4,
            "log": 1,
            "checkpoint": {"every": 2},
        }
        whole = {
            "name": "small",
            "scale": 2,
            "precision": "float32",
            "deterministic": True,
            "train": {**({} if fitted else of_the_loop), **(train or {})},
            **top,
        }
        path = tmp_path / "spec.yaml"
        with path.open("w", encoding="utf-8") as file:
            YAML().dump(whole, file)
        return path

    return write


def curve(run: Path, name: str) -> dict[int, float]:
    with (run / "metrics.csv").open(encoding="utf-8") as file:
        return {int(row["step"]): float(row["value"]) for row in csv.DictReader(file) if row["curve"] == name}


def final(run: Path) -> Path:
    return run / "checkpoints/final/weights.safetensors"


def go_on(srkit: Srkit, path: Path, run: Path) -> Result:
    return srkit("run", path, "--output", run, "--resume", "--accept-changes")


def test_more_steps_after_the_end_go_on_to_where_a_longer_run_ends(spec: Write, srkit: Srkit, tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    assert srkit("run", spec({"schedule": "cosine", "steps": 8}), "--output", whole).exit_code == 0
    assert srkit("run", spec({"schedule": "cosine"}), "--output", cut).exit_code == 0
    before = read_weights(final(cut)).tensors
    result = go_on(srkit, spec({"schedule": "cosine", "steps": 8}), cut)
    assert result.exit_code == 0, result.output
    assert sorted(curve(cut, "loss")) == list(range(1, 9)), "one point a step, none twice"
    rates = curve(cut, "learning rate")
    assert {step: rates[step] for step in range(5, 9)} == pytest.approx(
        {step: rate for step, rate in curve(whole, "learning rate").items() if step > 4}, abs=1e-12
    )
    assert rates[8] == pytest.approx(0, abs=1e-12)
    assert any(not tensor.equal(before[name]) for name, tensor in read_weights(final(cut)).tensors.items())


def test_more_steps_that_are_killed_are_not_taken_for_finished(
    spec: Write, srkit: Srkit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    assert srkit("run", spec(), "--output", run).exit_code == 0

    def fails(self: Checkpoints, step: int, *rest: Any) -> Path:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoints, "save", fails)
        assert go_on(srkit, spec({"steps": 8}), run).exit_code == 130
    result = srkit("run", spec({"steps": 8}), "--output", run, "--resume")
    assert result.exit_code == 0, result.output
    assert sorted(curve(run, "loss")) == list(range(1, 9)), "the weights of 4 steps are not those of 8"


CHANGES: list[tuple[dict[str, Any], str | None]] = [
    ({"optimizer": {"name": "adam", "lr": 0.01}}, None),
    ({"optimizer": {"name": "sgd", "lr": 0.01}}, "it is another optimizer now"),
    (
        {"optimizer": {"name": "adam", "lr": 0.01, "groups": [{"match": "last.*", "lr": 0.001}]}},
        "its groups are others now",
    ),
    ({"ema": 0.9}, "a moving average: it begins with the weights of now"),
    ({"loss": ["mse", {"name": "toy-critic", "weight": 0.01}]}, "a state of loss 'toy-critic': it is new"),
]


@pytest.mark.parametrize(("change", "told"), CHANGES, ids=[str(told) for _, told in CHANGES])
def test_a_changed_training_goes_on_and_says_what_was_not_taken_over(
    spec: Write,
    srkit: Srkit,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    change: dict[str, Any],
    told: str | None,
) -> None:
    start = {"optimizer": {"name": "adam", "lr": 0.001}}
    assert srkit("run", spec(start), "--output", tmp_path / "run").exit_code == 0
    caplog.clear()
    result = go_on(srkit, spec({**start, "steps": 6, **change}), tmp_path / "run")
    assert result.exit_code == 0, result.output
    assert sorted(curve(tmp_path / "run", "loss")) == list(range(1, 7))
    assert curve(tmp_path / "run", "learning rate")[6] == change.get("optimizer", start["optimizer"])["lr"]
    assert ("not in the checkpoint" in caplog.text) == (told is not None)
    assert (told or "") in caplog.text


def test_another_network_cannot_go_on(spec: Write, srkit: Srkit, tmp_path: Path) -> None:
    assert srkit("run", spec(), "--output", tmp_path / "run").exit_code == 0
    result = go_on(srkit, spec({"model": {"name": "espcn", "features": [6, 4]}}), tmp_path / "run")
    assert result.exit_code == 2
    assert "the checkpoint does not fit this spec" in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize("damage", ["zeros", "truncated", "no manifest"])
def test_a_damaged_end_is_made_again_with_a_warning(
    spec: Write, srkit: Srkit, tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    assert srkit("run", spec(), "--output", tmp_path / "run").exit_code == 0
    weights = final(tmp_path / "run")
    expected = weights.read_bytes()
    if damage == "zeros":
        weights.write_bytes(expected[:-200] + bytes(200))
    elif damage == "truncated":
        os.truncate(weights, len(expected) // 2)
    else:
        (weights.parent / "manifest.json").unlink()
    assert srkit("run", spec(), "--output", tmp_path / "run", "--resume").exit_code == 0
    assert "is damaged and is made again from the newest checkpoint" in caplog.text
    assert weights.read_bytes() == expected


FITTED = {"model": "toy-regression", "data": "train"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"steps": 4}, "steps"),
        ({"validate": {"every": 2, "on": "test"}}, "validate"),
        ({"loss": "mse", "ema": 0.9}, "ema, loss"),
        ({"data": {"hr": "train", "crop": 16, "batch": 4}}, "data.batch, data.crop"),
    ],
)
def test_keys_of_the_loop_mean_nothing_to_a_model_that_is_fitted(
    spec: Write, srkit: Srkit, tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    result = srkit("run", spec({**FITTED, **change}, fitted=True), "--output", tmp_path / "run")
    assert result.exit_code == 2
    assert f"'toy-regression' is fitted to whole pictures; {message} mean nothing to it" in result.output
    assert not (tmp_path / "run").exists()


def test_a_fit_refuses_pictures_that_are_too_small_or_leaves_them_out(
    spec: Write, srkit: Srkit, tmp_path: Path
) -> None:
    assert srkit("run", spec(FITTED, fitted=True), "--output", tmp_path / "clean").exit_code == 0
    Image.fromarray(textured((1, 1), 3, 3)).save(tmp_path / "train/tiny.png")
    refused = srkit("run", spec(FITTED, fitted=True), "--output", tmp_path / "refused")
    assert refused.exit_code == 2
    assert "tiny.png" in refused.output
    assert not (tmp_path / "refused").exists()
    leaving = {**FITTED, "data": {"hr": "train", "small": "leave_out"}}
    assert srkit("run", spec(leaving, fitted=True), "--output", tmp_path / "left").exit_code == 0
    clean, left = (read_weights(final(tmp_path / name)).tensors["weights"] for name in ("clean", "left"))
    assert clean.equal(left)


def test_a_finished_fit_is_not_fitted_again(
    spec: Write, srkit: Srkit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluate = {"on": "test", "candidates": [{"model": "trained"}], "metrics": ["psnr"]}
    path = spec(FITTED, fitted=True, evaluate=evaluate)
    assert srkit("run", path, "--output", tmp_path / "run").exit_code == 0
    results = (tmp_path / "run/results.csv").read_text().splitlines()
    assert len(results) > 1

    def never(*_: Any) -> None:
        raise AssertionError("it is fitted already")

    monkeypatch.setattr("tests.contracts.toys.Regression.fit", never)
    assert srkit("run", path, "--output", tmp_path / "run", "--resume").exit_code == 0


HOLDS_A_LOCK = """
    import threading

    from torch import nn
    from torch.nn import functional as F

    from sr_core import Model, hookimpl

    class Locked(Model):
        scales = frozenset({2})
        channels = "y"

        def __init__(self):
            super().__init__()
            self.lock = threading.Lock()
            self.layer = nn.Conv2d(1, 4, 3, padding=1)

        def forward(self, lr, scale):
            return F.pixel_shuffle(self.layer(lr), 2)

    @hookimpl
    def srkit_register(registry):
        registry.model("locked", "locked_model:Locked", summary="holds what cannot be copied")
"""


def test_a_network_that_cannot_be_copied_cannot_be_averaged(
    spec: Write, srkit: Srkit, tmp_path: Path, install: Install
) -> None:
    install("locked", "locked_model", HOLDS_A_LOCK)
    result = srkit("run", spec({"model": "locked", "ema": 0.9}), "--output", tmp_path / "run")
    assert result.exit_code == 2
    assert "Locked cannot be copied for a moving average (train.ema)" in result.output
    assert not (tmp_path / "run").exists()
    assert srkit("run", spec({"model": "locked"}), "--output", tmp_path / "run").exit_code == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"optimizer": {"name": "adam", "lr": 0.001, "betas": [0.9]}}, "optimizer 'adam'"),
        ({"optimizer": {"name": "adam", "lr": 0.001, "betas": 3}}, "optimizer 'adam'"),
        ({"optimizer": {"name": "sgd", "lr": 0.001, "momentum": "much"}}, "optimizer 'sgd'"),
        ({"schedule": {"name": "step", "step_size": 0}}, "schedule 'step'"),
        ({"schedule": {"name": "cosine", "T_max": "3"}}, "schedule 'cosine'"),
        ({"schedule": {"name": "multi_step", "milestones": 3}}, "schedule 'multi_step'"),
        (
            {"loss": ["mse", {"name": "toy-critic", "optimizer": {"name": "adam", "betas": [0.9]}}]},
            "optimizer 'adam'",
        ),
        (
            {"loss": ["mse", {"name": "toy-critic", "schedule": {"name": "step", "step_size": 0}}]},
            "schedule 'step'",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else str(value)[:60],
)
def test_options_that_pytorch_cannot_use_are_named_before_anything_is_written(
    spec: Write, srkit: Srkit, tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    result = srkit("run", spec(change), "--output", tmp_path / "run")
    assert result.exit_code == 2
    assert message in result.output
    assert "spec.yaml" in result.output, "placed in the file"
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("what", ["corrupt", "small"])
def test_pictures_at_fault_leave_no_run_directory(spec: Write, srkit: Srkit, tmp_path: Path, what: str) -> None:
    if what == "corrupt":
        (tmp_path / "train/bad.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(40))
    else:
        Image.fromarray(textured((12, 30), 3, 5)).save(tmp_path / "train/bad.png")
    result = srkit("run", spec(), "--output", tmp_path / "run")
    assert result.exit_code == 2
    assert "bad.png" in result.output
    assert not (tmp_path / "run").exists()
