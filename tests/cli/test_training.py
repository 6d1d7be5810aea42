"""`srkit run` with `train`: from pictures to a network that can be used, and every mistake in plain words."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import Result
from PIL import Image
from ruamel.yaml import YAML

from tests.conftest import textured

Srkit = Callable[..., Result]
Write = Callable[..., Path]

pytestmark = pytest.mark.usefixtures("no_plots")


@pytest.fixture
def spec(tmp_path: Path) -> Write:
    """Write a small spec with three pictures to learn from and one to be measured on."""
    for folder, seeds in (("train", (1, 2, 3)), ("test", (7,))):
        (tmp_path / folder).mkdir()
        for seed in seeds:
            Image.fromarray(textured((40, 44), 3, seed)).save(tmp_path / folder / f"{folder}{seed}.png")

    def write(train: dict[str, Any] | None = None, **top: Any) -> Path:
        whole = {
            "name": "small",
            "scale": 2,
            "precision": "float32",
            "deterministic": True,
            "train": {
                "model": "espcn",
                "data": {"hr": "train", "crop": 16, "batch": 4},
                "loss": "mse",
                "steps": 6,
                "log": 2,
                "checkpoint": {"every": 2},
                **(train or {}),
            },
            **top,
        }
        path = tmp_path / "spec.yaml"
        with path.open("w", encoding="utf-8") as file:
            YAML().dump(whole, file)
        return path

    return write


def test_training_measuring_and_enlarging_in_one_go(spec: Write, srkit: Srkit, tmp_path: Path) -> None:
    path = spec(
        {"validate": {"every": 3, "on": "test"}},
        evaluate={"on": "test", "candidates": ["bicubic", {"model": "trained"}], "metrics": ["psnr"]},
        upscale={"inputs": "test", "with": {"model": "trained"}},
    )
    result = srkit("run", path, "--output", tmp_path / "run")
    assert result.exit_code == 0, result.output
    records = json.loads((tmp_path / "run/results.json").read_text())
    assert [record["candidate"] for record in records] == ["bicubic", "trained"]
    with Image.open(tmp_path / "run/upscaled/test7_x2.png") as made:
        assert made.size == (88, 80)
    with (tmp_path / "run/metrics.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["step"] for row in rows if row["curve"] == "loss"} == {"2", "4", "6"}
    validated = {int(row["step"]): float(row["value"]) for row in rows if row["curve"] == "test x2/psnr"}
    assert sorted(validated) == [0, 3, 6]
    assert validated[6] == records[1]["mean"], "validation and evaluation measure alike, to the last digit"
    kept = sorted(folder.name for folder in (tmp_path / "run/checkpoints").iterdir())
    assert kept == ["best", "final", "step-00000002", "step-00000004", "step-00000006"]
    assert "Training" in (tmp_path / "run/report.html").read_text(encoding="utf-8")


def test_a_weights_file_alone_is_enough(spec: Write, srkit: Srkit, tmp_path: Path) -> None:
    evaluate = {"on": "test", "candidates": [{"model": "trained"}], "metrics": ["psnr"]}
    srkit("run", spec(evaluate=evaluate), "--output", tmp_path / "run")
    weights = tmp_path / "run/checkpoints/final/weights.safetensors"
    assert (
        srkit("upscale", tmp_path / "test/test7.png", "--model", weights, "--output", tmp_path / "o.png").exit_code == 0
    )
    with Image.open(tmp_path / "o.png") as made:
        assert made.size == (88, 80)
    other = tmp_path / "other.yaml"
    with other.open("w", encoding="utf-8") as file:
        candidates = [{"weights": str(weights)}]
        YAML().dump({"name": "o", "scale": 2, "evaluate": {**evaluate, "candidates": candidates}}, file)
    assert srkit("run", other, "--output", tmp_path / "again").exit_code == 0
    (first,) = json.loads((tmp_path / "run/results.json").read_text())
    (again,) = json.loads((tmp_path / "again/results.json").read_text())
    assert again["mean"] == first["mean"]


def test_equal_runs_make_equal_weights_files(spec: Write, srkit: Srkit, tmp_path: Path) -> None:
    for name in ("one", "two"):
        assert srkit("run", spec(), "--output", tmp_path / name).exit_code == 0
    one, two = (tmp_path / name / "checkpoints/final/weights.safetensors" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()


def test_another_seed_makes_other_weights(spec: Write, srkit: Srkit, tmp_path: Path) -> None:
    for seed in (1, 2):
        assert srkit("run", spec(seed=seed), "--output", tmp_path / str(seed)).exit_code == 0
    one, two = (tmp_path / name / "checkpoints/final/weights.safetensors" for name in ("1", "2"))
    assert one.read_bytes() != two.read_bytes()


def test_training_starts_from_given_weights(spec: Write, srkit: Srkit, tmp_path: Path) -> None:
    assert srkit("run", spec(), "--output", tmp_path / "first").exit_code == 0
    weights = tmp_path / "first/checkpoints/final/weights.safetensors"
    still = {"weights": str(weights), "steps": 1, "optimizer": {"name": "sgd", "lr": 1e-30}}
    assert srkit("run", spec(still), "--output", tmp_path / "second").exit_code == 0
    from sr_core.checkpoint import read_weights

    first, second = (read_weights(tmp_path / n / "checkpoints/final/weights.safetensors") for n in ("first", "second"))
    assert all(second.tensors[name].equal(tensor) for name, tensor in first.tensors.items())


def test_resuming_a_finished_training_only_measures_again(spec: Write, srkit: Srkit, tmp_path: Path) -> None:
    path = spec(evaluate={"on": "test", "candidates": [{"model": "trained"}], "metrics": ["psnr"]})
    srkit("run", path, "--output", tmp_path / "run")
    weights = tmp_path / "run/checkpoints/final/weights.safetensors"
    before = weights.stat().st_mtime_ns
    assert srkit("run", path, "--output", tmp_path / "run", "--resume").exit_code == 0
    assert weights.stat().st_mtime_ns == before


def test_resuming_with_another_spec_is_refused_and_says_what_changed(spec: Write, srkit: Srkit, tmp_path: Path) -> None:
    srkit("run", spec(), "--output", tmp_path / "run")
    longer = spec({"steps": 8, "optimizer": {"name": "adam", "lr": 0.01}})
    refused = srkit("run", longer, "--output", tmp_path / "run", "--resume")
    assert refused.exit_code == 2
    assert "train.steps" in refused.output
    assert "train.optimizer.lr" in refused.output
    assert "--accept-changes" in refused.output


def test_resuming_where_nothing_is_begins_at_step_0_and_says_so(
    spec: Write, srkit: Srkit, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    result = srkit("run", spec(), "--output", tmp_path / "fresh", "--resume")
    assert result.exit_code == 0
    assert "nothing to resume; the run begins at step 0" in caplog.text


def test_a_damaged_checkpoint_is_skipped_with_a_word(
    spec: Write, srkit: Srkit, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    srkit("run", spec(), "--output", tmp_path / "run")
    checkpoints = tmp_path / "run/checkpoints"
    expected = (checkpoints / "final/weights.safetensors").read_bytes()
    (checkpoints / "final/weights.safetensors").unlink()
    newest = checkpoints / "step-00000006/state.safetensors"
    newest.write_bytes(newest.read_bytes()[:-100])
    assert srkit("run", spec(), "--output", tmp_path / "run", "--resume").exit_code == 0
    assert "step-00000006 is damaged and is skipped" in caplog.text
    assert (checkpoints / "final/weights.safetensors").read_bytes() == expected, (
        "it went on from step 4 to the same end"
    )


def test_training_may_use_other_scales_than_are_measured(spec: Write, srkit: Srkit, tmp_path: Path) -> None:
    from sr_core.checkpoint import read_weights

    train = {
        "model": {"name": "vdsr", "depth": 2, "width": 4},
        "scale": {"from": 1.5, "to": 3, "step": 0.1},
        "data": {"hr": "train", "lr_crop": 8, "batch": 2},
    }
    evaluate = {"on": "test", "candidates": [{"model": "trained"}], "metrics": ["psnr"]}
    path = spec(train, scale=[2, 3.5], evaluate=evaluate)
    assert "train vdsr on 3 pictures at 16 scales from ×1.5 to ×3, 6 steps" in srkit("check", path).output
    result = srkit("run", path, "--output", tmp_path / "run")
    assert result.exit_code == 0, result.output
    assert [record["scale"] for record in json.loads((tmp_path / "run/results.json").read_text())] == [2, 3.5]
    written = YAML(typ="safe").load(tmp_path / "run/spec.yaml")
    assert written["train"]["scale"] == {"from": 1.5, "to": 3.0, "step": 0.1}
    card = read_weights(tmp_path / "run/checkpoints/final/weights.safetensors").card
    assert card is not None
    assert card.scales[0] == 1.5
    assert card.scales[-1] == 3


def test_a_dry_run_says_what_would_be_trained(spec: Write, srkit: Srkit) -> None:
    result = srkit("run", spec(), "--dry-run")
    assert "train espcn on 3 pictures, 6 steps of 4 crops" in result.output


FAULTS: list[tuple[dict[str, Any], str]] = [
    ({"steps": None}, "steps missing; say how long"),
    ({"loss": None}, "loss missing"),
    ({"loss": "mes"}, "unknown loss 'mes'; did you mean 'mse'"),
    ({"loss": {"name": "mse", "bordr": 1}}, "bordr"),
    ({"model": "trained"}, "name the network to train"),
    ({"model": {"name": "espcn", "scale": 3}}, "takes scale 3, not 2"),
    ({"optimizer": {"name": "adamm"}}, "unknown optimizer 'adamm'; did you mean 'adam'?"),
    ({"optimizer": {"name": "adam", "groups": [{"match": "nowhere", "lr": 1e-4}]}}, "matches no parameter"),
    ({"schedule": "plateau"}, "'plateau' goes by validation figures; add train.validate"),
    ({"schedule": {"name": "cosine", "t_max": 3}}, "has no option 't_max'; did you mean 'T_max'?"),
    ({"clip": {"norm": 1.0, "value": 1.0}}, "give one of norm, value, theta"),
    ({"validate": {"every": 2, "on": "test", "best": "ssim"}}, "'ssim' is not measured here"),
    ({"stepss": 3}, "stepss"),
    ({"accumulate": 3}, "4 crops cannot be cut into 3 equal parts"),
    ({"weights": "nowhere.safetensors"}, "no such file"),
    ({"data": {"hr": "train", "crop": 16, "lr_crop": 8}}, "crop and lr_crop say the same of HR and of LR"),
    ({"scale": [2, 3]}, "takes one scale, and this run has 2 and 3"),
    ({"scale": {"from": 2, "to": 3, "step": 0.3}}, "no whole number of steps of 0.3 leads from 2 to 3"),
    ({"scale": {"from": 3, "to": 2, "step": 0.5}}, "no whole number of steps of 0.5 leads from 3 to 2"),
    ({"scale": {"from": 2, "to": 3}}, "'step' is missing"),
    ({"scale": {"from": 2, "too": 3, "step": 1}}, "train.scale: unknown key 'too'; did you mean 'to'?"),
    ({"model": {"name": "espcn", "scale": 2}, "scale": 3}, "train.scale: 'espcn' takes scale 2, not 3"),
    ({"scale": {"from": 2, "to": 4, "step": 0.1}}, "takes one scale, and this run has 21 of them"),
    (
        {"model": {"name": "meta", "backbone": "espcn"}},
        "train.model.backbone: unknown part 'espcn': there is a model of",
    ),
    ({"model": {"name": "meta", "backbone": {"name": "edrs"}}}, "unknown part 'edrs'; did you mean 'edsr'?"),
    ({"data": {"hr": "train"}}, "data.crop (or data.lr_crop) missing"),
]


@pytest.mark.parametrize(("change", "message"), FAULTS, ids=[message for _, message in FAULTS])
def test_a_mistake_in_train_is_named_before_anything_is_written(
    spec: Write, srkit: Srkit, tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    path = spec()
    document = YAML(typ="safe").load(path)
    for key, value in change.items():
        document["train"].pop(key, None)
        if value is not None:
            document["train"][key] = value
    with path.open("w", encoding="utf-8") as file:
        YAML().dump(document, file)
    result = srkit("run", path, "--output", tmp_path / "run")
    assert result.exit_code == 2
    assert message in result.output + result.stderr
    assert not (tmp_path / "run").exists()


def test_the_networks_own_spec_is_needed_for_trained(srkit: Srkit, tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text("name: n\nscale: 2\nevaluate: {on: samples:test, candidates: [{model: trained}]}\n")
    result = srkit("run", path)
    assert result.exit_code == 2
    assert "'trained' is the network of the spec's own 'train'" in result.output + result.stderr


def test_pictures_that_are_also_measured_on_never_train(spec: Write, srkit: Srkit, tmp_path: Path) -> None:
    with Image.open(tmp_path / "test/test7.png") as picture:
        picture.save(tmp_path / "train/innocent.tif")
    evaluate = {"on": "test", "candidates": [{"model": "trained"}]}
    result = srkit("run", spec(evaluate=evaluate), "--output", tmp_path / "run")
    assert result.exit_code == 2
    assert "innocent.tif is" in result.output + result.stderr
    assert "test7.png" in result.output + result.stderr
    data = {"hr": "train", "crop": 16, "batch": 4, "leave_out": ["innocent.tif"]}
    assert srkit("run", spec({"data": data}, evaluate=evaluate), "--output", tmp_path / "run").exit_code == 0


def broken(tmp_path: Path, what: str) -> None:
    """Spoil the training pictures in one way."""
    folder = tmp_path / "train"
    if what == "empty":
        for path in folder.iterdir():
            path.unlink()
    elif what == "corrupt":
        (folder / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(40))
    elif what == "small":
        Image.fromarray(textured((12, 30), 3, 5)).save(folder / "tiny.png")
    elif what == "nan":
        picture = np.full((40, 40, 3), 0.5, np.float32)
        picture[3, 4] = np.nan
        np.save(folder / "holes.npy", picture)


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("empty", "no pictures there"),
        ("corrupt", "bad.png"),
        ("small", "tiny.png"),
        ("nan", "holes.npy"),
    ],
)
def test_pictures_that_cannot_be_learned_from_are_named(
    spec: Write, srkit: Srkit, tmp_path: Path, what: str, message: str
) -> None:
    broken(tmp_path, what)
    result = srkit("run", spec(), "--output", tmp_path / "run")
    assert result.exit_code == 2
    assert message in result.output + result.stderr
    assert not (tmp_path / "run/checkpoints").exists()


def test_lr_of_another_size_is_named(spec: Write, srkit: Srkit, tmp_path: Path) -> None:
    (tmp_path / "lr").mkdir()
    for seed in (1, 2, 3):
        side = 20 if seed != 2 else 13
        Image.fromarray(textured((side, 22), 3, seed)).save(tmp_path / "lr" / f"train{seed}.png")
    data = {"hr": "train", "lr": "lr", "crop": 16, "batch": 4}
    result = srkit("run", spec({"data": data}), "--output", tmp_path / "run")
    assert result.exit_code == 2
    assert "train2.png" in result.output + result.stderr
    Image.fromarray(textured((20, 22), 3, 2)).save(tmp_path / "lr" / "train2.png")
    assert srkit("run", spec({"data": data}), "--output", tmp_path / "good").exit_code == 0


def test_a_loss_that_cannot_judge_the_networks_planes_is_refused(
    spec: Write, srkit: Srkit, tmp_path: Path, install: Callable[..., Path]
) -> None:
    install(
        "colour",
        "colour_loss",
        """
        from sr_core import Loss, hookimpl

        class Colour(Loss):
            channels = "rgb"

            def forward(self, sr, hr, batch):
                return (sr - hr).abs().mean()

        @hookimpl
        def srkit_register(registry):
            registry.loss("colour", "colour_loss:Colour", summary="of three planes")
        """,
    )
    result = srkit("run", spec({"loss": "colour"}), "--output", tmp_path / "run")
    assert result.exit_code == 2
    assert "'colour' compares rgb, and 'espcn' makes y" in result.output + result.stderr
    rgb = {"loss": "colour", "model": {"name": "espcn", "channels": "rgb"}}
    assert srkit("run", spec(rgb), "--output", tmp_path / "run").exit_code == 0
